"""The audit: questions to somebody else's predictions, asked before their numbers are believed. What all of them share.

Each is answered by one line: passed, noted (nothing is wrong, but know it), warned (the numbers may mislead), refused
(there is nothing sensible to save) or not declared (it cannot be known from what was said). Films are asked about in
`about_films`, the order of rows and columns in `about_rows` and `about_columns`, the scores themselves in `about_scale`
and `about_scores`. Pure numpy and scipy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cxrcore.findings import display_name
from cxrcore.measures.intervals.clustered_areas import Areas
from cxrcore.store.audit_marks import NOT_DECLARED, NOTED, PASSED, REFUSED, WARNED

GRAVITY = (PASSED, NOT_DECLARED, NOTED, WARNED, REFUSED)
MOST_SHOWN = 13  # findings that a line names
COARSE = 0.5  # share of different values among a column's scores, under which it is rounded


@dataclass(frozen=True)
class Line:
    """One answer.

    Attributes:
        name: what is asked.
        state: PASSED, NOTED, WARNED, REFUSED or NOT_DECLARED.
        text: one sentence.
    """

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class Column:
    """The scores of one finding that are there, as values and how often each stands there.

    Attributes:
        place: of the finding.
        values: float64 (v,), ascending, all different.
        counts: int64 (v,).
    """

    place: int
    values: np.ndarray
    counts: np.ndarray

    @property
    def n(self) -> int:
        """Scores."""
        return int(self.counts.sum())

    @property
    def constant(self) -> bool:
        """Whether several films have one score only."""
        return len(self.values) == 1 and self.n > 1

    @cached_property
    def main(self) -> tuple[float, int]:
        """The value that most films have, and how many do."""
        top = int(self.counts.argmax())
        return float(self.values[top]), int(self.counts[top])

    @property
    def coarse(self) -> bool:
        """Whether scores are rounded: the films that do not have the most frequent value share theirs too."""
        return self.n > 1 and len(self.values) - 1 < COARSE * (self.n - self.main[1])


@dataclass(frozen=True)
class Audited:
    """Predictions with what is known of their films; n rows in the file's order, all of known films, each once.

    Attributes:
        labels: float (n, k), 1 / 0 / NaN.
        scores: float64 (n, k), probabilities as declared; NaN where there is none.
        raw: float64 (m, k), all rows as they stand in the file.
        present: bool (k,), findings that the file has.
        findings: k names, in the columns' order.
        patients: int (n,), 0 to the number of patients.
        orders: {name: int (n,)}, other orders of the rows that people may have taken for the file's.
        published: float64 (k,), the best AUROC that was published of each finding; NaN where there is none, and for
            films of other data sets.
        synthetic: of phantoms, which networks may well rank perfectly.
    """

    labels: np.ndarray
    scores: np.ndarray
    raw: np.ndarray
    present: np.ndarray
    findings: tuple[str, ...]
    patients: np.ndarray
    orders: Mapping[str, np.ndarray]
    published: np.ndarray
    synthetic: bool = False

    @cached_property
    def columns(self) -> np.ndarray:
        """Places of the findings that the file has."""
        return np.flatnonzero(self.present)

    @cached_property
    def areas(self) -> Areas:
        """AUROCs of these findings, in the order of `columns`."""
        return Areas(self.labels[:, self.columns], self.scores[:, self.columns], self.patients)

    @cached_property
    def values(self) -> list[Column]:
        """These findings' scores, counted."""
        return [counted(k, self.scores[:, k]) for k in self.columns]

    @cached_property
    def coarse(self) -> bool:
        """Whether most columns are rounded, so that films share scores by chance."""
        return 2 * sum(column.coarse or column.constant for column in self.values) > len(self.values)

    def named(self, places: Sequence[int] | np.ndarray) -> str:
        """Findings by their places, for people: some of them by name."""
        shown = [display_name(self.findings[k]) for k in places[:MOST_SHOWN]]
        if 1 < len(places) == len(self.findings):
            return "all findings"
        return ", ".join(shown) + (f" and {len(places) - MOST_SHOWN} more" if len(places) > MOST_SHOWN else "")

    @cached_property
    def unit(self) -> bool:
        """Whether all scores lie in [0, 1]."""
        known = self.scores[:, self.columns]
        known = known[~np.isnan(known)]
        return bool(len(known)) and bool(known.min() >= 0 and known.max() <= 1)


def counted(place: int, scores: np.ndarray) -> Column:
    """A column's values, NaN left out; what differs by less than float32 can tell counts as one."""
    ordered = np.sort(scores[~np.isnan(scores)].clip(-1e30, 1e30).astype(np.float32))
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else np.array([], int)
    return Column(place, ordered[first].astype(np.float64), np.diff(np.append(first, len(ordered))))


def films(n: int) -> str:
    """'1 film', '2,000 films'."""
    return "1 film" if n == 1 else f"{n:,} films"
