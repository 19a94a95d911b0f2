"""AUROC of every score column for every label, and how sure sums and differences of them are on the same films.

Films of one patient are not independent, so errors are taken over patients: each film's share in an area (its placement
among the films of the other kind) is added up within its patient. Pure numpy and scipy.

Sources: DeLong, DeLong and Clarke-Pearson, Biometrics 1988 (placements); Obuchowski, Nonparametric analysis of
clustered ROC curve data, Biometrics 1997 (several films of a patient).
"""

from collections.abc import Iterable
from functools import cached_property

import numpy as np


class Areas:
    """AUROCs of p score columns for p labels on n films.

    Args:
        labels: (n, p), 1 / 0 / NaN.
        scores: (n, p), NaN where there is none.
        patients: int (n,), 0 to the number of patients.
    """

    def __init__(self, labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> None:
        self.labels, self.scores, self.patients = labels, scores, patients
        self._shares: dict[tuple[int, int], np.ndarray] = {}

    @cached_property
    def ranks(self) -> np.ndarray:
        """float64 (n, p): midrank of each film in its column, from 1; NaN without a score."""
        from scipy.stats import rankdata  # here: it brings all distributions along, and most pages need none

        ranks = np.full(self.scores.shape, np.nan)
        for rank, own in zip(ranks.T, self.scores.T, strict=True):
            known = ~np.isnan(own)
            rank[known] = rankdata(own[known])
        return ranks

    @cached_property
    def positives(self) -> np.ndarray:
        """int64 (p,): films with each label."""
        return (self.labels == 1).sum(axis=0)

    @cached_property
    def matrix(self) -> np.ndarray:
        """AUROC [label, column], float64 (p, p); NaN where a pair has no films of both kinds.

        A film without that score or that label leaves the pair.
        """
        size = self.labels.shape[1]
        if not np.isnan(self.labels).any() and not np.isnan(self.scores).any():
            positive = (self.labels == 1).astype(np.float64)
            n1, n0 = positive.sum(axis=0), (1 - positive).sum(axis=0)
            sums = positive.T @ self.ranks
            with np.errstate(invalid="ignore", divide="ignore"):
                return (sums - (n1 * (n1 + 1) / 2)[:, None]) / (n1 * n0)[:, None]
        return np.array([[self._one(k, j) for j in range(size)] for k in range(size)]).reshape(size, size)

    def _one(self, k: int, j: int) -> float:
        known = ~np.isnan(self.labels[:, k]) & ~np.isnan(self.scores[:, j])
        place, positive = (2 * self.ranks[known, j]).astype(np.int64), self.labels[known, k] == 1  # whole or half
        n1, n0 = int(positive.sum()), int((~positive).sum())
        return _below(place[~positive], place[positive]).sum() / (n1 * n0) if n1 and n0 else np.nan

    @property
    def own(self) -> np.ndarray:
        """AUROC of each finding, (p,)."""
        return np.diag(self.matrix)

    def shares(self, k: int, j: int) -> np.ndarray:
        """What each patient adds to the area of column j for label k, about its mean: float64 (patients,).

        The sum of their squares is the area's variance. Zero where the pair has fewer than two films of a kind.
        """
        if (k, j) not in self._shares:
            self._shares[k, j] = self._counted(k, j)
        return self._shares[k, j]

    def _counted(self, k: int, j: int) -> np.ndarray:
        width = int(self.patients.max()) + 1 if len(self.patients) else 0
        known = np.flatnonzero(~np.isnan(self.labels[:, k]) & ~np.isnan(self.scores[:, j]))
        positive = self.labels[known, k] == 1
        m, n = int(positive.sum()), int((~positive).sum())
        if m < 2 or n < 2:
            return np.zeros(width)
        place = (2 * self.ranks[known, j]).astype(np.int64)  # midranks are whole or half
        share = np.empty(len(known))
        above = m - _below(place[positive], place[~positive])
        share[~positive] = (above - above.mean()) / m / np.sqrt(n * (n - 1.0))
        lower = _below(place[~positive], place[positive])
        share[positive] = (lower - lower.mean()) / n / np.sqrt(m * (m - 1.0))
        return np.bincount(self.patients[known], share, width)

    def sum_of(self, terms: Iterable[tuple[int, int, float]]) -> tuple[float, float]:
        """Value and standard error of a weighted sum of areas: (label, column, weight) each."""
        value, shares = 0.0, 0.0
        for k, j, weight in terms:
            value += weight * self.matrix[k, j]
            shares = shares + weight * self.shares(k, j)
        return float(value), float(np.sqrt(np.sum(np.square(shares))))

    def macro(self, among: np.ndarray) -> tuple[float, float]:
        """Mean AUROC of these findings (places) and its standard error; NaN without any."""
        if not len(among):
            return float("nan"), float("nan")
        return self.sum_of((k, k, 1 / len(among)) for k in among)

    def error(self, k: int) -> float:
        """Standard error of a finding's area."""
        return self.sum_of([(k, k, 1.0)])[1]


def independent_error(area: float | np.ndarray, positives: float | np.ndarray, negatives: float | np.ndarray
                      ) -> float | np.ndarray:
    """Standard error that an area of this size has on so many independent films (Hanley and McNeil, Radiology 1982)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return np.sqrt(variance / (positives * negatives))


def _below(others: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of the others are below each value, ties by half; whole numbers from 1."""
    up_to = np.cumsum(np.bincount(others, minlength=int(values.max()) + 1))
    return (up_to[values - 1] + up_to[values]) / 2
