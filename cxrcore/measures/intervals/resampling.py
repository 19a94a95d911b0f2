"""Measures of one finding in every draw of patients, without resampling a film. Pure numpy and scipy.

A measure on resampled films is a measure on weighted films, a film's weight being how often its patient was drawn.
What does not depend on the draw is prepared once a finding: films are brought to the tie groups that hold a positive,
which are all that AUROC, AP and the fitted threshold can see, as a sparse matrix (group x patient). A batch of draws is
then one product and two cumulative sums. Results equal scikit-learn's on the films themselves, ties included: a
negative film tied with a positive one counts half for AUROC, and both change sides together for AP and F1.

Sources: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006 (ties); Brier, Monthly Weather
Review 1950; Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015 (ECE); Lipton et
al., Thresholding classifiers to maximize F1 score, ECML PKDD 2014.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cxrcore.measures.calibration import BINS
from cxrcore.measures.metrics import THRESHOLDED, Counts, measured

RANKED = ("auroc", "ap", "fitted_threshold")  # the last: the threshold with the greatest F1 on the very films
CALIBRATED = ("brier", "ece")
MEASURES = (*RANKED, *THRESHOLDED, *CALIBRATED)
ECE_NOISE = "ece_noise"  # comes along with ECE: how far chance alone moves it


def ece_bin(scores: np.ndarray) -> np.ndarray:
    """The bin of each score, 0 to 14, each bin holding its lower edge and the last one also 1: int64, as `scores`."""
    edges = np.linspace(0, 1, BINS + 1)
    return np.searchsorted(edges, np.asarray(scores, np.float64), side="right").clip(1, BINS) - 1


@dataclass(frozen=True)
class RankPlan:
    """What the order of one finding's films gives in any draw.

    Attributes:
        thresholds: float64 (g,), distinct scores of positives, falling.
        films: sparse float32 (2g + t + 2, p), films of each patient: positives of each group; negatives from its score
            up to the next higher one; negatives tied with positives, for the t groups that have such; all positives;
            all negatives.
        tied: int64 (t,), which groups those are.
    """

    thresholds: np.ndarray
    films: sparse.csc_array
    tied: np.ndarray

    def values(self, counts: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """The measures of `RANKED` that are wanted, float64 (b,); NaN in draws that leave them undefined.

        Args:
            counts: float64 (p, b), how often each patient was drawn.
        """
        groups = len(self.thresholds)
        weights = self.films @ counts.astype(np.float32, copy=False)  # whole numbers: exact up to 16 million films
        hits, (positives, negatives) = weights[:groups], weights[-2:]
        fp = np.cumsum(weights[groups:2 * groups], axis=0)
        found = {}
        if "auroc" in wanted:
            half = _sums(hits[self.tied], weights[2 * groups:-2]) / 2
            pairs = positives.astype(np.float64) * negatives
            found["auroc"] = _ratio(pairs - _sums(hits, fp) + half, pairs)
        if "ap" in wanted or "fitted_threshold" in wanted:
            tp = np.cumsum(hits, axis=0)
            alarms = np.add(tp, fp, out=fp)
            if "fitted_threshold" in wanted:
                found["fitted_threshold"] = self._fitted(tp, alarms, positives)
            if "ap" in wanted:
                precision = np.divide(tp, np.maximum(alarms, 1, out=alarms), dtype=np.float64)
                found["ap"] = _ratio(_sums(hits, precision), positives)
        return found

    def _fitted(self, tp: np.ndarray, alarms: np.ndarray, positives: np.ndarray) -> np.ndarray:
        """The highest threshold with the greatest F1."""
        if not len(self.thresholds):
            return np.full(len(positives), np.nan)
        best = np.argmax(np.divide(2 * tp, np.maximum(alarms + positives, 1), dtype=np.float64), axis=0)
        return np.where(positives > 0, self.thresholds[best], np.nan)


def rank_plan(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, n_patients: int) -> RankPlan:
    """Prepare one finding.

    Args:
        labels: (n,), 1 / 0 / NaN; films with an unknown label or score are left out.
        scores: (n,).
        owners: int (n,), each film's place among the n_patients patients.
    """
    known = measured(labels, scores)
    positive, scores, owners = labels[known] == 1, scores[known], owners[known]
    rising = np.unique(scores[positive])
    n = len(rising)
    group = n - np.searchsorted(rising, scores, side="right")  # the group whose alarm a film joins; n: none
    equal = ~positive & (group < n)
    equal[equal] = scores[equal] == rising[n - 1 - group[equal]]
    tied, tied_row = np.unique(group[equal], return_inverse=True)
    rival = ~positive & (group < n)
    end = 2 * n + len(tied)
    rows = [group[positive], n + group[rival], 2 * n + tied_row, np.where(positive, end, end + 1)]
    columns = [owners[positive], owners[rival], owners[equal], owners]
    films = _summed(rows, columns, None, (end + 2, n_patients)).astype(np.float32)
    return RankPlan(rising[::-1].astype(np.float64), films, tied)


@dataclass(frozen=True)
class SumPlan:
    """What weighted sums over films give in any draw, for all k findings.

    Attributes:
        confusion: sparse (4k, p), TP, FP, FN and TN of each finding and patient; None without thresholds.
        errors: sparse (k * (BINS + 2), p): of each finding the sum of squared errors; for each bin the sum of
            label minus score; the number of films. None where not wanted.
        gaps: float64 (k, BINS), a bin's sum of label minus score over all films of the finding, on the films
            themselves. None where not wanted.
    """

    confusion: sparse.csc_array | None
    errors: sparse.csc_array | None
    gaps: np.ndarray | None

    def values(self, counts: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """The measures of THRESHOLDED and CALIBRATED that are wanted, float64 (k, b).

        With ECE comes `ECE_NOISE`, the sum over bins of how far a bin's gap is from that of the films themselves.
        """
        found = {}
        if self.confusion is not None:
            cells = Counts(*np.split(self.confusion @ counts, 4))
            found = {name: getattr(cells, name) for name in THRESHOLDED if name in wanted}
        if self.errors is not None and self.gaps is not None:
            sums = (self.errors @ counts).reshape(-1, BINS + 2, counts.shape[1])
            found["brier"] = _ratio(sums[:, 0], sums[:, -1])
            gaps = _ratio(sums[:, 1:-1], sums[:, -1:])
            found["ece"] = np.abs(gaps).sum(axis=1)
            found[ECE_NOISE] = np.abs(gaps - self.gaps[:, :, None]).sum(axis=1)
        kept = {*wanted, *([ECE_NOISE] if "ece" in wanted else [])}
        return {name: value for name, value in found.items() if name in kept}


def sum_plan(
    labels: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray | None,
    owners: np.ndarray,
    n_patients: int,
    calibrated: bool,
) -> SumPlan:
    """Prepare all findings.

    Args:
        labels: (n, k), 1 / 0 / NaN.
        scores: (n, k).
        thresholds: float64 (k,); None where nothing is read at thresholds.
        owners: int (n,), each film's place among the n_patients patients.
        calibrated: whether Brier score and ECE are wanted.
    """
    film, finding = np.nonzero(measured(labels, scores))
    label, score, owner = labels[film, finding] == 1, scores[film, finding].astype(np.float64), owners[film]
    k = labels.shape[1]
    confusion = errors = gaps = None
    if thresholds is not None:
        alarm = score >= thresholds[finding]
        cell = np.where(alarm, np.where(label, 0, 1), np.where(label, 2, 3))
        confusion = _summed([cell * k + finding], [owner], None, (4 * k, n_patients))
    if calibrated:
        first, gap = finding * (BINS + 2), label - score
        rows = [first, first + 1 + ece_bin(score), first + BINS + 1]
        errors = _summed(rows, [owner] * 3, [gap * gap, gap, np.ones(len(gap))], (k * (BINS + 2), n_patients))
        whole = errors.sum(axis=1).reshape(k, -1)
        gaps = _ratio(whole[:, 1:-1], whole[:, -1:])
    return SumPlan(confusion, errors, gaps)


def _summed(rows: list[np.ndarray], columns: list[np.ndarray], values: list[np.ndarray] | None, shape: tuple[int, int]
            ) -> sparse.csc_array:
    """Sums by column, a patient's: a product with draws then reads them in their order, and what it adds to is small.

    Row by row, each film would fetch its patient's draws from anywhere: with 280,000 patients that takes 2 to 5 times
    as long.
    """
    row, column = np.concatenate(rows).astype(np.int32), np.concatenate(columns).astype(np.int32)
    value = np.ones(len(row)) if values is None else np.concatenate(values)
    # Summed row by row first: what one finding's sums round to must not depend on the findings beside it.
    return sparse.csr_array((value, (row, column)), shape=shape).tocsc()


def _sums(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The sum of products of each column, in double precision."""
    return np.einsum("gb,gb->b", one, other, dtype=np.float64)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
