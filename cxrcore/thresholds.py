"""Fitting thresholds: one per finding, from labels and scores of the split they are fitted on. Pure numpy.

A fitted set is frozen and read elsewhere (fitted on val, read on test). Decision: float64(score) >= threshold.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrcore.findings import FINDINGS

CLASSIC_GRID = tuple(round(0.05 + 0.01 * i, 2) for i in range(36))  # 0.05 to 0.40 inclusive
FALLBACK = 0.5  # of a finding that cannot be fitted
STABLE_POSITIVES = 50  # below this a fitted threshold is marked unstable


@dataclass(frozen=True)
class ThresholdSet:
    """One threshold per finding.

    Attributes:
        name: as shown.
        objective: 'fixed', 'max_f1' or 'classic'.
        thresholds: float64 (14,), in [0, 1].
        parameters: of the objective; `not_fitted` lists findings without positives, which keep 0.5, `unstable` those
            fitted on fewer than 50 positives.
    """

    name: str
    objective: str
    thresholds: np.ndarray
    parameters: dict[str, Any] = field(default_factory=dict)


def fixed(value: float = 0.5) -> ThresholdSet:
    """The same threshold for every finding."""
    return ThresholdSet(f"{value:g}", "fixed", np.full(len(FINDINGS), float(value)), {"value": value})


def max_f1(labels: np.ndarray, scores: np.ndarray) -> ThresholdSet:
    """The threshold of greatest F1 for each finding, over every distinct score; of equals, the highest.

    Args:
        labels: float (n, 14), 1 / 0 / NaN.
        scores: float (n, 14) in [0, 1].
    """
    thresholds = np.array([_best_f1(labels[:, k], scores[:, k])[0] for k in range(labels.shape[1])])
    return ThresholdSet("max F1", "max_f1", thresholds, _warnings(labels))


def best_f1(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The greatest F1 of each finding at any threshold: float64 (14,), NaN without positives."""
    return np.array([_best_f1(labels[:, k], scores[:, k])[1] for k in range(labels.shape[1])])


def _best_f1(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """(threshold, F1) of one finding; (0.5, NaN) without positives."""
    known = ~(np.isnan(labels) | np.isnan(scores))
    labels, scores = labels[known] == 1, scores[known]
    n_positive = int(labels.sum())
    if not n_positive:
        return FALLBACK, float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    true_positives = np.cumsum(labels[order])
    alarms = np.arange(1, len(ranked) + 1)
    f1 = 2 * true_positives / (alarms + n_positive)
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # a cut between equal scores does not exist
    best = int(np.argmax(f1))
    return float(ranked[best]), float(f1[best])


def classic(labels: np.ndarray, scores: np.ndarray) -> ThresholdSet:
    """The best of the grid 0.05, 0.06 ... 0.40 by F1, as early reproductions tune it; of equals, the lowest."""
    thresholds = np.full(labels.shape[1], FALLBACK)
    grid = np.array(CLASSIC_GRID)
    for k in range(labels.shape[1]):
        known = ~(np.isnan(labels[:, k]) | np.isnan(scores[:, k]))
        positive = labels[known, k] == 1
        if positive.any():
            alarm = scores[known, k, None].astype(np.float64) >= grid
            f1 = 2 * (alarm & positive[:, None]).sum(axis=0) / (alarm.sum(axis=0) + positive.sum())
            thresholds[k] = grid[np.argmax(f1)]
    return ThresholdSet("classic", "classic", thresholds, {"grid": [0.05, 0.40, 0.01]} | _warnings(labels))


def _warnings(labels: np.ndarray) -> dict[str, list[str]]:
    positives = (labels == 1).sum(axis=0)
    return {
        "not_fitted": [f for f, n in zip(FINDINGS, positives, strict=True) if n == 0],
        "unstable": [f for f, n in zip(FINDINGS, positives, strict=True) if 0 < n < STABLE_POSITIVES],
    }
