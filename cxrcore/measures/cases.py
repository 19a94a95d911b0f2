"""The films behind a number: cells of a confusion matrix, films near the threshold, films that runs tell apart.

Pure numpy. An alarm is float64(score) >= threshold, as everywhere; films without a label or without a score are in no
cell, and nowhere else here.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.measures.curves import logit

CELLS = ("fn", "fp", "tp", "tn")


def in_cell(labels: np.ndarray, scores: np.ndarray, threshold: float, cell: str) -> np.ndarray:
    """The films of one cell, worst first: the surest of the misses and false alarms, the least sure of the others.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,) in [0, 1].
        threshold: in [0, 1].
        cell: of `CELLS`.

    Returns:
        Rows, int64; films of one score keep their order.
    """
    scores = scores.astype(np.float64)
    alarm = scores >= threshold
    label = 1 if cell in ("fn", "tp") else 0
    rows = np.flatnonzero((labels == label) & (alarm == (cell in ("fp", "tp"))) & ~np.isnan(scores))
    rising = label == 1  # missed by the lowest score first; found by the barest margin first
    return rows[np.argsort(scores[rows] if rising else -scores[rows], kind="stable")]


def between(labels: np.ndarray, scores: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Labelled films from the lower line up to the upper one, which a person is asked about: rows, int64.

    The highest score first; films of one score keep their order.
    """
    scores = scores.astype(np.float64)
    rows = np.flatnonzero(~np.isnan(labels) & (scores >= lower) & (scores < upper))
    return rows[np.argsort(-scores[rows], kind="stable")]


def nearest(labels: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Labelled films by how near their score is to the threshold, on a logit scale: rows, int64."""
    rows = np.flatnonzero(~np.isnan(labels) & ~np.isnan(scores))
    return rows[np.argsort(np.abs(logit(scores[rows]) - logit(threshold)), kind="stable")]


def missed_by_all(labels: np.ndarray, scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    """Films with the finding on which no run raises an alarm, those furthest below the thresholds first: rows, int64.

    A film's distance is that of the run that comes nearest to an alarm, on a logit scale.

    Args:
        scores: of each run, (n,), over the same films.
        thresholds: each run's own.
    """
    margins, votes = _against(scores, thresholds)
    rows = np.flatnonzero((labels == 1) & (votes == 0))
    return rows[np.argsort(margins.max(axis=0)[rows], kind="stable")]


def disagreements(labels: np.ndarray, scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    """Labelled films on which some runs raise an alarm and others do not: rows, int64.

    The most evenly parted come first, among them those that the runs place furthest apart, on a logit scale.

    Args:
        scores, thresholds: as `missed_by_all`.
    """
    margins, votes = _against(scores, thresholds)
    rows = np.flatnonzero(~np.isnan(labels) & (votes > 0) & (votes < len(scores)))
    return rows[np.lexsort((-np.ptp(margins[:, rows], axis=0), np.abs(votes[rows] - len(scores) / 2)))]


def _against(scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(k, n) logits above each run's threshold, and (n,) how many runs raise an alarm: -1 where one has no score."""
    wide = np.stack(scores).astype(np.float64)
    at = np.asarray(thresholds, np.float64)[:, None]
    votes = np.where(np.isnan(wide).any(axis=0), -1, (wide >= at).sum(axis=0))
    return logit(wide) - logit(at), votes
