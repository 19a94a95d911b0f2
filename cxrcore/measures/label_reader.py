"""The label as a reader: one set of labels measured against another on the films that both have read.

    draws = patient_draws(patient_ids, image_ids)
    reader = read_against(labels, reference, patient_ids, image_ids, draws)
    reader.counts.tp, reader.interval("precision")       # each finding, then their macro mean
    reader.roc_point(k)                                  # where a chart of that finding draws the reader
    difference(reader.in_draws, other.in_draws, "kappa")     # two readers against one reference, in the same draws

The reference is taken as the truth: precision is the share of the positive labels that it confirms (PPV), recall the
share of its positives that the labels have (sensitivity). Kappa takes neither as the truth. It falls where a finding is
rare, for the same recall and specificity, so kappas compare on the same films alone. Films that one of the two has not
read leave that finding.

Intervals are the central 95 % of draws of patients (`intervals`). Draws cannot show how unsure a share of few films is,
so shares of fewer than `MANY_POSITIVES` films have intervals that hold Wilson's, as in `subgroups`.

Sources: Cohen, A coefficient of agreement for nominal scales, Educ Psychol Meas 1960; Byrt, Bishop and Carlin, Bias,
prevalence and kappa, J Clin Epidemiol 1993; Wilson, J Am Stat Assoc 1927.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from cxrcore.errors import ResamplingError
from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.intervals.intervals import MACRO, MANY_POSITIVES, Interval, Resampled
from cxrcore.measures.intervals.resampling import sum_plan
from cxrcore.measures.metrics import Counts, measured
from cxrcore.measures.reliability import wilson

MEASURES = ("precision", "recall", "specificity", "false_alarm", "kappa", "prevalence", "reference_prevalence")
PRESENT = 0.5  # between the labels 0 and 1


@dataclass(frozen=True)
class RocPoint:
    """A reader among ROC curves of one finding; numbers in [0, 1], NaN where undefined.

    Attributes:
        x, y: the share of false alarms (1 - specificity), and recall.
        x_low, x_high, y_low, y_high: the 95 % interval of each by itself.
    """

    x: float
    y: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float


@dataclass(frozen=True)
class LabelReader:
    """Labels of k findings measured against a reference.

    Attributes:
        counts: int64 (k,) each; tp: both have the finding, fp: the labels alone, fn: the reference alone.
        in_draws: the `MEASURES` on the films and in every draw; `n_positive` and `n_negative` are the reference's.
    """

    counts: Counts
    in_draws: Resampled

    @property
    def n(self) -> np.ndarray:
        """Films that both have read: int64 (k,)."""
        return self.counts.tp + self.counts.fp + self.counts.fn + self.counts.tn

    def interval(self, measure: str) -> Interval:
        """A measure of `MEASURES` with its interval: the findings and, last, their macro mean.

        Kappa is in [-1, 1], the others in [0, 1]. Undefined are recall without positives in the reference, precision
        without positive labels, specificity and false alarms without negatives in the reference, all without films,
        and kappa also where both call all films the same.
        """
        own = self.in_draws.interval(measure)
        if measure == "kappa":
            return own
        n = self._films_of(measure)
        low, high = own.low.copy(), own.high.copy()
        ends = wilson(own.point[:MACRO], np.maximum(n, 1))
        few = n < MANY_POSITIVES
        low[:MACRO] = np.where(few, np.fmin(low[:MACRO], ends[0]), low[:MACRO])
        high[:MACRO] = np.where(few, np.fmax(high[:MACRO], ends[1]), high[:MACRO])
        return replace(own, low=low, high=high)

    def roc_point(self, k: int) -> RocPoint:
        """Where the labels stand among ROC curves of the k-th finding that were measured on the reference."""
        x, y = self.interval("false_alarm"), self.interval("recall")
        return RocPoint(*(float(values[k]) for values in (x.point, y.point, x.low, x.high, y.low, y.high)))

    def _films_of(self, measure: str) -> np.ndarray:
        """How many films a measure is a share of: int64 (k,)."""
        if measure == "precision":
            return self.counts.tp + self.counts.fp
        if measure == "recall":
            return self.in_draws.n_positive
        return self.n if measure.endswith("prevalence") else self.in_draws.n_negative


def read_against(labels: np.ndarray, reference: np.ndarray, patient_ids: np.ndarray, image_ids: np.ndarray,
                 draws: Draws) -> LabelReader:
    """Measure labels against a reference of the same films and findings.

    Args:
        labels, reference: (n, k), 1 / 0 / NaN.
        patient_ids, image_ids: str (n,).
        draws: of the patients of these films, or of more.

    Raises:
        ResamplingError: shapes that do not fit, other labels, films without their patients in the draws, or of fewer
            than two of them.
    """
    _check(labels, reference, len(patient_ids), len(image_ids))
    owners = draws.owners(patient_ids, image_ids)
    if (own := len(np.unique(owners))) < 2:
        raise ResamplingError(f"films of {own} of the drawn patients: intervals need at least 2, take more films")
    known = measured(labels, reference)
    cells = _cells(labels, reference, owners, draws)
    anywhere = known.any(axis=1)
    found = Resampled(_values(cells), (known & (reference == 1)).sum(axis=0), (known & (reference == 0)).sum(axis=0),
                      int(anywhere.sum()), len(np.unique(owners[anywhere])), draws.patients_known, draws.key)
    films = (cells.tp, cells.fp, cells.fn, cells.tn)
    return LabelReader(Counts(*(cell[:, 0].astype(np.int64) for cell in films)), found)


def agreement(readings: Mapping[str, np.ndarray], patient_ids: np.ndarray, image_ids: np.ndarray, draws: Draws
              ) -> dict[tuple[str, str], LabelReader]:
    """Each pair of readings, the second one as the reference: for kappa, which of them it is does not matter.

    Args:
        readings: {name of a reader or a label set: labels (n, k), 1 / 0 / NaN}, of the same films and findings.

    Raises:
        ResamplingError: as `read_against`.
    """
    return {(one, other): read_against(readings[one], readings[other], patient_ids, image_ids, draws)
            for one, other in combinations(readings, 2)}


def _cells(labels: np.ndarray, reference: np.ndarray, owners: np.ndarray, draws: Draws) -> Counts:
    """Confusion counts on the films themselves and in every draw: float64 (k, 1 + draws)."""
    k = labels.shape[1]
    plan = sum_plan(reference, labels, np.full(k, PRESENT), owners, len(draws.patients), calibrated=False)
    return Counts(*np.split(np.hstack([plan.confusion @ counts for counts in draws.batches()]), 4))


def _values(cells: Counts) -> dict[str, np.ndarray]:
    """The `MEASURES`, of counts of any shape; NaN where undefined."""
    tp, fp, fn, tn = cells.tp, cells.fp, cells.fn, cells.tn
    n = tp + fp + fn + tn
    return {
        "precision": cells.precision,
        "recall": cells.recall,
        "specificity": cells.specificity,
        "false_alarm": _ratio(fp, fp + tn),
        # (observed - expected agreement) / (1 - expected), brought to whole numbers
        "kappa": _ratio(2 * (tp * tn - fp * fn), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)),
        "prevalence": _ratio(tp + fp, n),
        "reference_prevalence": _ratio(tp + fn, n),
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _check(labels: np.ndarray, reference: np.ndarray, *lengths: int) -> None:
    if labels.ndim != 2 or labels.shape != reference.shape or {*lengths} != {len(labels)}:
        raise ResamplingError(f"labels of shape {labels.shape} and {reference.shape} for {lengths[0]} films: bring "
                              "both to the same films and findings")
    for own in (labels, reference):
        if not (np.isin(own, (0, 1)) | np.isnan(own)).all():
            raise ResamplingError("labels other than 1, 0 and unknown: bring them to the label contract first")
