"""DeLong's variance of AUROCs and his paired test: a cross-check of the bootstrap where every patient has one film.

It takes films as independent. With several films of a patient it is too narrow, so no verdict is taken from it.
Pure numpy and scipy.

Sources: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
characteristic curves, Biometrics 1988; Sun and Xu, Fast implementation of DeLong's algorithm, IEEE Signal Processing
Letters 2014 (midranks: n log n instead of n squared).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr


@dataclass(frozen=True)
class DeLong:
    """AUROCs of m score columns on the same films.

    Attributes:
        auroc: float64 (m,), in [0, 1].
        covariance: float64 (m, m); NaN with fewer than two positive or two negative films.
    """

    auroc: np.ndarray
    covariance: np.ndarray

    def test(self, first: int = 0, second: int = 1) -> tuple[float, float]:
        """z of AUROC[first] minus AUROC[second] and its two-sided p; NaN where the difference has no variance."""
        contrast = np.zeros(len(self.auroc))
        contrast[first], contrast[second] = 1, -1
        variance = contrast @ self.covariance @ contrast
        if not variance > 0:
            return float("nan"), float("nan")
        z = float((self.auroc[first] - self.auroc[second]) / np.sqrt(variance))
        return z, float(2 * ndtr(-abs(z)))


def delong(labels: np.ndarray, scores: np.ndarray) -> DeLong:
    """AUROCs of one finding with their covariance.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n, m), one column a run; a film with an unknown label or any NaN score is left out.

    Returns:
        NaN throughout without positives or without negatives.
    """
    known = ~(np.isnan(labels) | np.isnan(scores).any(axis=1))
    labels, scores = labels[known], scores[known].astype(np.float64)
    positive, negative = scores[labels == 1], scores[labels == 0]
    m, n, runs = len(positive), len(negative), scores.shape[1]
    if not m or not n:
        return DeLong(np.full(runs, np.nan), np.full((runs, runs), np.nan))
    from scipy.stats import rankdata  # here: it brings all distributions along, and most pages need none

    together = rankdata(np.concatenate([positive, negative]), axis=0)
    lower = (together[:m] - rankdata(positive, axis=0)) / n  # share of negatives below each positive film
    higher = 1 - (together[m:] - rankdata(negative, axis=0)) / m  # share of positives above each negative film
    if m < 2 or n < 2:
        return DeLong(lower.mean(axis=0), np.full((runs, runs), np.nan))
    covariance = (np.cov(lower, rowvar=False).reshape(runs, runs) / m
                  + np.cov(higher, rowvar=False).reshape(runs, runs) / n)
    return DeLong(lower.mean(axis=0), covariance)
