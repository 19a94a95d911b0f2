"""What the script of simple charts is given: categories, each with bars, marks and a line along one axis of values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

RIM = "rgba(255,255,255,0.9)"  # parts a mark from what it lies on, on white and on dark
TEXT, HEAD, FOOT = 14, 30, 30  # pixels: a text's height, and the room above and below the categories
KEYS = 26  # pixels of a legend
ROW, NARROW_ROW = 28, 18  # pixels of a category that stands in a row, and of one of many
COLUMNS = 290  # pixels of columns, with their names and what these are


@dataclass(frozen=True)
class Bar:
    """A bar along the axis of values, in its units."""

    start: float
    end: float
    colour: str


@dataclass(frozen=True)
class Mark:
    """A mark at a value.

    Attributes:
        symbol: one of `look.SYMBOLS`.
        rim: the colour of its edge.
    """

    at: float
    colour: str
    symbol: str = "circle"
    rim: str = RIM


@dataclass(frozen=True)
class Category:
    """What stands in one row or column.

    Attributes:
        name: beside it.
        said: lines that come by hover, tap or arrow keys, below the name; the first is the weightier.
        bars, marks: drawn in this order.
        line: from where to where a thin line runs under the marks; None for none.
        text, more: behind what is drawn: the figure, and something fainter.
        short: of a column, in the place of a text that is too long.
    """

    name: str
    said: Sequence[str]
    bars: Sequence[Bar] = ()
    marks: Sequence[Mark] = ()
    line: tuple[float, float] | None = None
    text: str = ""
    more: str = ""
    short: str = ""


@dataclass(frozen=True)
class Key:
    """An entry of the legend; a symbol 'bar' is a small square."""

    name: str
    colour: str
    symbol: str = "bar"
    rim: str = RIM


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: in bold.
        unit: behind it: what the values are.
        categories: from the top, or from the left.
        ticks: (value, text) of the axis of values of rows, as many as may be needed; those that find room are drawn.
            Columns have none: their texts say their values.
        low, high: the least and the greatest value that is drawn.
        keys: the legend.
        upright: columns in the place of rows.
        axis: what the categories are; columns write it below them.
        row: pixels of a row.
        columns: pixels of columns with what stands below them.
    """

    title: str
    unit: str
    categories: Sequence[Category]
    ticks: Sequence[tuple[float, str]] = ()
    low: float = 0.0
    high: float = 1.0
    keys: Sequence[Key] = ()
    upright: bool = False
    axis: str = ""
    row: int = ROW
    columns: int = COLUMNS

    @property
    def height(self) -> int:
        """Pixels that it takes on a page."""
        head = HEAD + (KEYS if self.keys else 0)
        return head + (self.columns if self.upright else FOOT + len(self.categories) * self.row)

    def beside(self, other: "Chart") -> "Chart":
        """These columns, as high as another chart that stands beside them."""
        return replace(self, columns=max(COLUMNS, self.columns + other.height - self.height))

    def payload(self, file: str, alt: str) -> dict[str, Any]:
        """For the script.

        Args:
            file: the name of downloads, without its ending.
            alt: for who cannot see it.
        """
        return asdict(self) | {"height": self.height, "file": file, "alt": alt}


def round_ticks(highest: float, n: int) -> list[float]:
    """Round numbers from 0 to at least `highest`, about n of them, as far as twice that for charts with room left."""
    if not highest > 0:
        return [0.0]
    raw = highest / n
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= raw * (1 - 1e-9))
    return [round(float(k * step), 10) for k in range(int(2 * highest / step) + 2)]
