"""Reliability of one finding's scores, with intervals that know that films of one patient resemble each other.

Bins hold equally many films, since a rare finding leaves all but the lowest of equally wide ones empty; the rarer the
finding, the fewer bins, or most would hold no film with it. The interval of a bin is Wilson's for as many independent
films as its own are worth: their number over the design effect, which is the variance of a share that is estimated
patient by patient over the variance of independent films. A bin in which no film, or every one, has the finding keeps
an interval, as resampling would not give it.

Sources: Wilson, J Am Stat Assoc 1927; Kish, Survey Sampling, 1965 (design effect); Dean and Pagano, Evaluating
confidence interval methods for binomial proportions in clustered surveys, J Surv Stat Methodol 2015.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from cxrcore.measures import calibration
from cxrcore.measures.metrics import measured

LEVEL = 0.95
POSITIVES_A_BIN = 10  # in the mean; a finding with 150 or more has all `calibration.BINS`
FEWEST_BINS = 5


@dataclass(frozen=True)
class FindingReliability:
    """The reliability of one finding in one set of predictions; arrays are (m,), a number for each bin with films.

    Attributes:
        positives, negatives: films with and without the finding; the others are unknown.
        ece, brier: in [0, 1], NaN without known films; of ECE the bins are of equal width, as usual.
        score, observed: float64, mean score and share of films with the finding.
        low, high: float64, the 95 % interval of that share.
        n, hits: int64, films, and those with the finding.
    """

    positives: int
    negatives: int
    ece: float
    brier: float
    score: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    hits: np.ndarray


def finding_reliability(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> FindingReliability:
    """What the reliability view draws of one finding.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,), in [0, 1], or NaN.
        patients: int (n,), 0 to the number of patients: whose film it is.
    """
    known = measured(labels, scores)
    positive, own = labels[known] == 1, scores[known].astype(np.float64)
    bins = int(np.clip(positive.sum() // POSITIVES_A_BIN, FEWEST_BINS, calibration.BINS))
    curve = calibration.reliability(labels, scores, bins, equal_films=True)
    place = np.searchsorted(curve.edges, own, side="right").clip(1, len(curve.n)) - 1  # as `reliability` puts them
    filled = curve.n > 0
    hits = np.bincount(place, positive, len(curve.n)).astype(np.int64)[filled]
    n = curve.n[filled]
    effect = design_effect(positive, place, patients[known], len(curve.n))[filled]
    low, high = wilson(hits / np.maximum(n, 1), n / effect)
    return FindingReliability(
        int(positive.sum()), int((~positive).sum()), calibration.ece(labels, scores), calibration.brier(labels, scores),
        curve.score[filled], curve.observed[filled], low, high, n, hits)


def wilson(share: np.ndarray, n: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a share of n > 0 independent films: its ends, in [0, 1]."""
    z2 = ndtri((1 + level) / 2) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return np.where(share == 0, 0, (middle - half).clip(0)), np.where(share == 1, 1, (middle + half).clip(max=1))


def design_effect(positive: np.ndarray, place: np.ndarray, patients: np.ndarray, n_bins: int) -> np.ndarray:
    """How many times larger the variance of each bin's share is than with independent films, at least 1: (n_bins,).

    Args:
        positive: bool (n,).
        place: int (n,), the bin of each film.
        patients: int (n,).
    """
    if not len(positive):
        return np.ones(n_bins)
    n, hits = np.bincount(place, minlength=n_bins), np.bincount(place, positive, n_bins)
    share = hits / np.maximum(n, 1)
    width = int(patients.max()) + 1
    off = np.bincount(place * width + patients, positive - share[place], n_bins * width).reshape(n_bins, width)
    independent = n * share * (1 - share)
    return np.maximum(np.divide((off**2).sum(axis=1), independent, out=np.ones(n_bins), where=independent > 0), 1)
