"""The films behind a number: cells of a confusion matrix, films near the threshold, films that runs tell apart.

Pure numpy. An alarm is float64(score) >= threshold, as everywhere; films without a label are in no cell.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.curves import logit

CELLS = ("fn", "fp", "tp", "tn")


def in_cell(labels: np.ndarray, scores: np.ndarray, threshold: float, cell: str) -> np.ndarray:
    """The films of one cell, worst first: the surest of the misses and false alarms, the least sure of the others.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,) in [0, 1]; films without a score are in no cell.
        threshold: in [0, 1].
        cell: of `CELLS`.

    Returns:
        Rows, int64.
    """
    scores = scores.astype(np.float64)
    alarm = scores >= threshold
    label = 1 if cell in ("fn", "tp") else 0
    rows = np.flatnonzero((labels == label) & (alarm == (cell in ("fp", "tp"))) & ~np.isnan(scores))
    rising = label == 1  # missed by the lowest score first; found by the barest margin first
    return rows[np.argsort(scores[rows] if rising else -scores[rows], kind="stable")]


def nearest(labels: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Labelled films by how near their score is to the threshold, on a logit scale: rows, int64."""
    scores = scores.astype(np.float64)
    rows = np.flatnonzero(~np.isnan(labels) & ~np.isnan(scores))
    return rows[np.argsort(np.abs(logit(scores[rows]) - logit(np.float64(threshold))), kind="stable")]


def missed_by_all(labels: np.ndarray, scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    """Films with the finding on which no run raises an alarm, those furthest below the thresholds first: rows, int64.

    Args:
        scores: of each run, (n,), over the same films.
        thresholds: each run's own.
    """
    rows = np.flatnonzero((labels == 1) & (_votes(scores, thresholds) == 0))
    return rows[np.argsort(_margin(scores, thresholds)[rows], kind="stable")]


def disagreements(labels: np.ndarray, scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    """Labelled films on which some runs raise an alarm and others do not, the most evenly parted first: rows, int64."""
    votes, n = _votes(scores, thresholds), len(scores)
    rows = np.flatnonzero(~np.isnan(labels) & (votes > 0) & (votes < n))
    spread = np.ptp([logit(own.astype(np.float64)) - logit(np.float64(at))
                     for own, at in zip(scores, thresholds, strict=True)], axis=0)
    return rows[np.lexsort((-spread[rows], np.abs(votes[rows] - n / 2)))]


def _votes(scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    return sum((own.astype(np.float64) >= at).astype(np.int64) for own, at in zip(scores, thresholds, strict=True))


def _margin(scores: Sequence[np.ndarray], thresholds: Sequence[float]) -> np.ndarray:
    """How far the run that comes nearest is from its threshold, on a logit scale."""
    return np.max([logit(own.astype(np.float64)) - logit(np.float64(at))
                   for own, at in zip(scores, thresholds, strict=True)], axis=0)
