"""Measures over labels and scores: pure numpy, one binary measure each and one place that averages.

Labels are float (n, k), 1 / 0 / NaN (unknown films leave the finding they are unknown for); scores are in [0, 1].
A decision is positive when float64(score) >= threshold. What is undefined is NaN, never 0:

    finding without positives        no AUROC, AP, F1, recall: it leaves the macro mean (of precision too) and is
                                     counted beside it
    positives, but no alarm          F1 0, recall 0; precision 0/0 is NaN
    finding without negatives        no AUROC, no specificity

Beside a measure stand the films that it was measured on: those whose label and score are both known. Knows no files
and no store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

THRESHOLDED = ("f1", "recall", "precision", "specificity")
_Measure = Callable[[np.ndarray, np.ndarray], float]  # of labels and scores, both (n,)


@dataclass(frozen=True)
class Counts:
    """Confusion counts, int64 arrays of one shape (a number a finding)."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        """2TP / (2TP + FP + FN); NaN without positives."""
        return _ratio(2 * self.tp, np.where(self.tp + self.fn > 0, 2 * self.tp + self.fp + self.fn, 0))

    @property
    def recall(self) -> np.ndarray:
        """TP / (TP + FN), sensitivity; NaN without positives."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> np.ndarray:
        """TP / (TP + FP), positive predictive value; NaN without alarms."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def specificity(self) -> np.ndarray:
        """TN / (TN + FP); NaN without negatives."""
        return _ratio(self.tn, self.tn + self.fp)

    def total(self) -> "Counts":
        """Counts over all findings together, for micro averages."""
        return Counts(*(np.asarray(x.sum()) for x in (self.tp, self.fp, self.fn, self.tn)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def confusion(labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> Counts:
    """Confusion counts of each finding at its threshold.

    Args:
        labels: (n, k), 1 / 0 / NaN.
        scores: (n, k).
        thresholds: (k,), double.
    """
    alarm = scores.astype(np.float64) >= np.asarray(thresholds, np.float64)
    scored = ~np.isnan(scores)
    positive, negative = (labels == 1) & scored, (labels == 0) & scored
    return Counts(*((a & b).sum(axis=0) for a, b in
                    ((alarm, positive), (alarm, negative), (~alarm, positive), (~alarm, negative))))


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve of one finding, in [0, 1]; NaN without positives or without negatives."""
    from sklearn.metrics import roc_auc_score  # here: it takes longer than all else that a page imports

    return _ranked(roc_auc_score, labels, scores, needs_negatives=True)


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of one finding (scikit-learn's sum over recall steps), in (0, 1]; NaN without positives."""
    from sklearn.metrics import average_precision_score

    return _ranked(average_precision_score, labels, scores, needs_negatives=False)


def _ranked(measure: _Measure, labels: np.ndarray, scores: np.ndarray, needs_negatives: bool) -> float:
    known = measured(labels, scores)
    labels, scores = labels[known], scores[known].astype(np.float64)
    if not (labels == 1).any() or (needs_negatives and not (labels == 0).any()):
        return float("nan")
    return float(measure(labels, scores))


def per_finding(measure: _Measure, labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """A binary measure of each column: float64 (k,)."""
    return np.array([measure(labels[:, k], scores[:, k]) for k in range(labels.shape[1])])


def macro(values: np.ndarray) -> tuple[float, int]:
    """Mean over the findings that are defined, and how many are excluded; (NaN, k) if none is defined."""
    defined = ~np.isnan(values)
    return (float(values[defined].mean()) if defined.any() else float("nan")), int((~defined).sum())


def measured(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Where a measure sees a film: its label and its score are both known; bool, of the arrays' shape."""
    return ~(np.isnan(labels) | np.isnan(scores))


def counted(labels: np.ndarray, scores: np.ndarray) -> tuple[int, int]:
    """How many positives and how many films a measure stands on.

    Args:
        labels, scores: (n,) of one finding; or (n, k) of all, for an average: then the positives of all findings
            together, and the films that are measured for at least one of them.
    """
    known = measured(labels, scores)
    return int((known & (labels == 1)).sum()), int((known if known.ndim == 1 else known.any(axis=1)).sum())


def ranking_metrics(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> pd.DataFrame:
    """AUROC and AP of each finding (k names, in the columns' order) and their macro mean, as rows for the store."""
    rows, films = [], _films(labels, scores)
    for name, measure in (("auroc", auroc), ("ap", average_precision)):
        values = per_finding(measure, labels, scores)
        rows += _rows(findings, name, values, films, None, "scikit-learn")
        rows.append(_row("macro", name, macro(values)[0], films[-1], None, "mean over defined findings"))
    return pd.DataFrame(rows)


def threshold_metrics(
    labels: np.ndarray, scores: np.ndarray, findings: Sequence[str], thresholds: np.ndarray, set_id: str | None
) -> pd.DataFrame:
    """F1, recall, precision and specificity of each finding, macro and micro, at a threshold set, as store rows."""
    counts = confusion(labels, scores, thresholds)
    together = counts.total()
    rows, films = [], _films(labels, scores)
    for name in THRESHOLDED:
        values = getattr(counts, name)
        rows += _rows(findings, name, values, films, set_id, "exact counts")
        averaged = values if name == "specificity" else np.where(counts.tp + counts.fn > 0, values, np.nan)
        rows.append(_row("macro", name, macro(averaged)[0], films[-1], set_id, "mean over defined findings"))
        rows.append(_row("micro", name, float(getattr(together, name)), films[-1], set_id, "counts of all findings"))
    return pd.DataFrame(rows)


def _films(labels: np.ndarray, scores: np.ndarray) -> list[tuple[int, int]]:
    """`counted` of each finding and, last, of their averages."""
    return [*(counted(*pair) for pair in zip(labels.T, scores.T, strict=True)), counted(labels, scores)]


def _rows(findings: Sequence[str], metric: str, values: np.ndarray, films: list[tuple[int, int]], set_id: str | None,
          method: str) -> list[dict[str, Any]]:
    return [_row(finding, metric, value, own, set_id, method)
            for finding, value, own in zip(findings, values, films[:-1], strict=True)]


def _row(finding: str, metric: str, value: float, films: tuple[int, int], set_id: str | None, method: str
         ) -> dict[str, Any]:
    return {"finding": finding, "metric": metric, "set_id": set_id, "value": float(value), "low": np.nan,
            "high": np.nan, "n_positive": films[0], "n": films[1], "method": method}
