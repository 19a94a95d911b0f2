"""What lies over and under the curves: operating points of a threshold set, and bands from draws of patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrcore.charts.curve_axes import packed
from cxrcore.charts.look import RunStyle, escape
from cxrcore.measures.curves import logit
from cxrcore.measures.intervals.curve_bands import Band
from cxrcore.measures.thresholds.positions import rounded

SIZE = 11  # pixels
_RIM = "rgba(255,255,255,0.9)"  # parts a mark from its own curve on white and on dark
_BAND_OPACITY = "38"  # of 255, in hexadecimal


@dataclass(frozen=True)
class OperatingPoint:
    """Where one run's threshold of one finding stands, with its exact counts at float64(score) >= threshold.

    Attributes:
        threshold: in [0, 1].
        named: the threshold set, for hover.
        tp, fp, positives, negatives: films.
    """

    threshold: float
    named: str
    tp: int
    fp: int
    positives: int
    negatives: int

    @property
    def recall(self) -> float:
        """NaN without positives."""
        return _share(self.tp, self.positives)

    @property
    def fpr(self) -> float:
        """False positive rate; NaN without negatives."""
        return _share(self.fp, self.negatives)

    @property
    def precision(self) -> float:
        """NaN without alarms."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """NaN without positives."""
        return _share(2 * self.tp, self.tp + self.fp + self.positives) if self.positives else float("nan")

    def hover(self, name: str) -> str:
        """The run's name and all numbers."""
        return "<br>".join([
            escape(name), f"threshold {rounded(self.threshold)} ({escape(self.named)})",
            f"recall {_number(self.recall)}, precision {_number(self.precision)}",
            f"false positive rate {_number(self.fpr)}, F1 {_number(self.f1)}",
            f"TP {self.tp:,} of {self.positives:,} with the finding",
            f"FP {self.fp:,} of {self.negatives:,} without it"])


@dataclass(frozen=True)
class Mark:
    """An operating point in a chart.

    Attributes:
        name, style: of the run.
        x, y: in the chart's terms; nothing is drawn where one is NaN.
    """

    name: str
    style: RunStyle
    point: OperatingPoint
    x: float
    y: float


def marks(found: Sequence[Mark], ends: tuple[float, float] | None = None) -> list[dict[str, Any]]:
    """One trace with all marks, none where there are none.

    Args:
        ends: where the x axis ends: marks beyond become arrows at its edge.
    """
    drawn = [mark for mark in found if not np.isnan([mark.x, mark.y]).any()]
    if not drawn:
        return []
    low, high = ends or (-np.inf, np.inf)
    symbols = ["triangle-left" if mark.x < low else "triangle-right" if mark.x > high else mark.style.symbol
               for mark in drawn]
    return [{"type": "scatter", "mode": "markers", "name": "operating points", "cliponaxis": False,
             "ids": [mark.name for mark in drawn],
             "x": [min(max(mark.x, low), high) for mark in drawn], "y": [mark.y for mark in drawn],
             "hovertext": [mark.point.hover(mark.name) for mark in drawn],
             "hovertemplate": "%{hovertext}<extra></extra>",
             "marker": {"symbol": symbols, "size": SIZE, "color": [mark.style.colour for mark in drawn],
                        "line": {"color": _RIM, "width": 1.5}}}]


def lines(found: Sequence[Mark], ends: tuple[float, float]) -> list[dict[str, Any]]:
    """An upright line through each mark that lies on the axis, from the chart's lower edge to its upper one."""
    return [{"type": "line", "x0": mark.x, "x1": mark.x, "y0": 0, "y1": 1, "yref": "y domain", "layer": "below",
             "line": {"color": mark.style.colour, "width": 1.5, "dash": mark.style.dash}}
            for mark in found if ends[0] <= mark.x <= ends[1]]


def at_threshold(name: str, style: RunStyle, point: OperatingPoint, y: float) -> Mark:
    """A mark above its threshold on a logit axis."""
    return Mark(name, style, point, float(logit(point.threshold)), y)


def band_area(band: Band, style: RunStyle) -> dict[str, Any]:
    """The area of a pointwise band, behind the curves."""
    x = np.concatenate([band.x, band.x[::-1]])
    y = np.concatenate([band.low, band.high[::-1]])
    return {"type": "scatter", "mode": "lines", "x": packed(x), "y": packed(y), "fill": "toself", "hoverinfo": "skip",
            "fillcolor": f"{style.colour}{_BAND_OPACITY}", "line": {"width": 0}}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _number(value: float) -> str:
    return f"{value:.4f}" if value == value else "–"
