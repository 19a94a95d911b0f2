"""Parts of a description: columns, films, labels, boxes, derived findings; and how words of a table are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cxrcore.findings import key

NAMES, COLUMNS, ROWS = "names", "columns", "rows"  # forms of labels
UNKNOWN, NEGATIVE, POSITIVE, REFUSED = "unknown", "negative", "positive", "refused"
ANY, IGNORED = "any", "ignored"
ANYTHING = "*"  # among values: every other one
FILM = "{film}"  # in a pattern: what the table calls the film


@dataclass(frozen=True)
class Column:
    """Where a value stands.

    Attributes:
        names: headings; the first that the table has counts, in whatever case.
        part: of a path: 1 is its first part, -1 its last; 0 is the whole cell.
        before: a sign: what stands before it counts, '' for all.
        number: zeros before it do not count: '00000010' and '10.0' are both 10.
        needed: a table without it is refused.
    """

    names: tuple[str, ...]
    part: int = 0
    before: str = ""
    number: bool = False
    needed: bool = True


@dataclass(frozen=True)
class Films:
    """Where films lie.

    Attributes:
        root: their folder, relative to the description; None where nothing is said.
        tables: names of the table, relative to the description; the first that is there counts.
        patterns: of a film below the root, with `FILM` in it. A name alone is looked for in the root and in its
            folders, a path as it is.
        depth: levels of folders that are looked into for names.
        drop: leading folders of a path in the table that are not part of the film's id.
        only: {column: values that its rows have to have}; other rows are left out.
    """

    root: str | None = None
    tables: tuple[str, ...] = ()
    patterns: tuple[str, ...] = (FILM, "{film}.png")
    depth: int = 3
    drop: int = 0
    only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Join:
    """A second table with further columns, such as ages beside labels.

    Attributes:
        table: its file, beside the first; without it these columns are unknown.
        on, to: the column of the first table whose value stands in this column of the second.
    """

    table: str
    on: str
    to: str


@dataclass(frozen=True)
class Labels:
    """How labels are written.

    Attributes:
        form: `NAMES` (one column of names), `COLUMNS` (one column a finding) or `ROWS` (one row a reader and finding).
        column: of the names; None where findings have columns.
        separator, strip: between the names of a cell, and what is taken off around each.
        none: names that say 'nothing found'.
        left_out: names that say that the film has no usable label: all its labels are unknown.
        positive, negative, uncertain: values of a finding's column; `ANYTHING` stands for all others.
        blank: what an empty cell means: `UNKNOWN`, `NEGATIVE`, `POSITIVE`, or `REFUSED`.
        others: names that are none of the findings are `IGNORED` or `REFUSED`.
        repeated: several rows of a film are `REFUSED`, or one reading with `ANY` of their findings.
    """

    form: str
    column: Column | None
    separator: str = "|"
    strip: str = " "
    none: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    positive: tuple[str, ...] = ("1",)
    negative: tuple[str, ...] = ("0",)
    uncertain: tuple[str, ...] = ("-1",)
    blank: str = UNKNOWN
    others: str = REFUSED
    repeated: str = REFUSED


@dataclass(frozen=True)
class Boxes:
    """Where boxes stand.

    Attributes:
        file: beside the table; None where boxes stand in the table itself.
        film, finding: headings, or numbers of columns from 1 where the heading does not fit the rows.
        always: the one finding that all boxes are of; None where a column says it.
        sides: x, y, width, height; or x_min, y_min, x_max, y_max.
        corners: whether `sides` are corners.
    """

    file: str | None
    film: str | int
    finding: str | int | None
    always: str | None
    sides: tuple[str | int, ...]
    corners: bool


@dataclass(frozen=True)
class Derived:
    """A finding that is one of several; `measures.derived` works it out."""

    any: tuple[str, ...]
    note: str = ""


NOTHING = ("no finding", "no findings", "normal", "none", "nothing")  # words for a film without findings
_NOTHING_KEYS = frozenset(map(key, NOTHING))
BLANKS = ("", "na", "n/a", "nan", "null", "<na>", "#n/a")  # what programs write into an empty cell


def label_word(text: str) -> str:
    """A value of a label as it is compared: 'YES' is 'yes', '1.0' and '1.000' are '1'."""
    whole, point, rest = (plain := text.strip().casefold()).partition(".")
    return whole if whole and point and rest and not rest.strip("0") else plain


def says_nothing(name: str) -> bool:
    """Whether a name says that nothing was found: 'No Finding' in any case, with or without its space, 'Normal', ..."""
    return key(name) in _NOTHING_KEYS


def plain_word(name: str) -> str:
    """A name as it is compared: without its case and with single spaces."""
    return " ".join(name.split()).casefold()
