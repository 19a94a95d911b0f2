"""Which films change side when a finding's threshold moves. Pure numpy.

Decision: float64(score) >= threshold. Between two thresholds all changes go one way: down, films get an alarm; up, they
lose it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Changed:
    """The films between two thresholds.

    Attributes:
        rows: int64 (n,), films that changed side: those whose label has the finding first, then those without it, then
            unknown ones; within each the nearest to the new threshold first.
        gained: they got an alarm (the threshold fell); False: they lost it.
        positives, negatives, unknown: how many of them have the finding by their label, do not, or are not labelled.
    """

    rows: np.ndarray
    gained: bool
    positives: int
    negatives: int
    unknown: int


def changed(labels: np.ndarray, scores: np.ndarray, before: float, after: float) -> Changed:
    """Films that change side when the threshold moves from `before` to `after`.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,) in [0, 1]; a film without a score (NaN) never changes side.
    """
    wide = scores.astype(np.float64)
    low, high = min(before, after), max(before, after)
    rows = np.flatnonzero((wide >= low) & (wide < high))
    own = labels[rows]
    rank = np.select([own == 1, own == 0], [0, 1], 2)
    order = np.lexsort((rows, np.abs(wide[rows] - after), rank))
    return Changed(rows[order], after < before, *(int((rank == kind).sum()) for kind in range(3)))
