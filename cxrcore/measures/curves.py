"""Curves of one finding: ROC, precision-recall, measures against the threshold, and score histograms. Pure numpy.

Labels are 1 / 0 / NaN (unknown films are left out), scores float32 in [0, 1]. A decision is positive when
float64(score) >= threshold, so films of one score always change sides together: ties are one step of every curve.

Areas come from exact counts. What is drawn is thinned (`curve_thinning`): at most 400 points
within 0.002 of the exact curve, as an area and as a distance in the unit square.

    ROC         straight lines between the operating points, ties as diagonals; the area below is the AUROC.
    PR          a staircase: precision P(n) holds from recall R(n-1) to R(n), since a straight line there would promise
                what no threshold gives (Davis and Goadrich, ICML 2006). The area below is the average precision.

Steps larger than the tolerance are drawn as steps, smaller ones flow into straight lines. ROC curves always keep the
tolerance; PR curves of real networks do (22,433 films: at most 290 points), a staircase made for the purpose, of some
200 positives whose steps are all alike, is drawn within 0.003.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import overload

import numpy as np

from cxrcore.measures.curve_thinning import thin, with_stops
from cxrcore.measures.metrics import measured

LOGIT_LIMIT = 16.0  # logits beyond are drawn here: float32 scores next to 1 end at 16.6
FINE_BIN = 1 / 32  # logits; histograms merge these into wider ones
MEASURES = ("f1", "recall", "precision")
VIEWS = {"roc": ("roc",), "pr": ("pr",), "scores": (), "thresholds": MEASURES}  # and the lines that each draws

_MANY = 2000  # thresholds that a measure is worked out at; all of them where there are fewer


@dataclass(frozen=True)
class Ranking:
    """Exact counts at every distinct score of one finding.

    Attributes:
        thresholds: float32 (k,), the distinct scores, falling.
        tp, fp: int64 (k,), films with and without the finding whose score is at least the threshold.
        positives, negatives: films with and without the finding.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    positives: int
    negatives: int

    @property
    def auroc(self) -> float:
        """Area under the ROC curve; NaN without positives or without negatives."""
        if not self.positives or not self.negatives:
            return float("nan")
        higher = np.diff(self.fp, prepend=0) * (self.tp + np.append(0, self.tp[:-1]))  # twice the trapezia, in films
        return float(higher.sum() / (2 * self.positives * self.negatives))

    @property
    def ap(self) -> float:
        """Average precision, the sum of precision over the steps of recall; NaN without positives."""
        if not self.positives:
            return float("nan")
        return float((np.diff(self.tp, prepend=0) * (self.tp / (self.tp + self.fp))).sum() / self.positives)

    def measure(self, name: str, at: np.ndarray) -> np.ndarray:
        """'f1', 'recall' or 'precision' with alarms from the at-th distinct score upwards: float64, as `at`."""
        tp, fp = self.tp[at], self.fp[at]
        return {"f1": lambda: 2 * tp / (tp + fp + self.positives), "recall": lambda: tp / self.positives,
                "precision": lambda: tp / (tp + fp)}[name]()


@dataclass(frozen=True)
class DrawnCurve:
    """A curve as it is drawn, m <= 400 points from the highest threshold to the lowest.

    Attributes:
        x, y: float32 (m,).
        thresholds: float32 (m,), of the operating point that a drawn point belongs to; inf where no film has an alarm.
        tp, fp: float32 (m,), exact counts at that threshold.
        bends: bool (m,), the points that make the line; the others lie on straight stretches of it, for a pointer.
    """

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    bends: np.ndarray


@dataclass(frozen=True)
class Histogram:
    """Scores on a logit scale, ln(s / (1 - s)), in bins of `FINE_BIN` from -`LOGIT_LIMIT` to `LOGIT_LIMIT`.

    Attributes:
        positives, negatives: int64 (n,), films of each bin.
        first: where in all the bins these begin; empty ones at both ends are left out.
    """

    positives: np.ndarray
    negatives: np.ndarray
    first: int


@dataclass(frozen=True)
class FindingCurves:
    """One finding in one set of predictions, with what one view draws of it.

    Attributes:
        positives, negatives: films with and without the finding; the others are unknown.
        auroc, ap: exact, NaN where undefined.
        best: threshold with the greatest F1, and that F1; NaN without positives.
        lines: by `VIEWS`; of 'thresholds' the x is the logit of the threshold. Empty where undefined.
        histogram: of the view 'scores', else None.
    """

    positives: int
    negatives: int
    auroc: float
    ap: float
    best: tuple[float, float]
    lines: dict[str, DrawnCurve]
    histogram: Histogram | None


def finding_curves(labels: np.ndarray, scores: np.ndarray, view: str) -> FindingCurves:
    """What a view needs of one finding.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: float32 (n,), in [0, 1], or NaN.
        view: one of `VIEWS`.
    """
    known = measured(labels, scores)
    labels, scores = labels[known], scores[known]
    ranks = ranking(labels, scores)
    best, top = None, (np.nan, np.nan)
    if ranks.positives:
        f1 = ranks.measure("f1", np.arange(len(ranks.tp)))
        best = int(f1.argmax())
        top = float(ranks.thresholds[best]), float(f1[best])
    return FindingCurves(ranks.positives, ranks.negatives, ranks.auroc, ranks.ap, top, _lines(ranks, view, best),
                         histogram(labels, scores) if view == "scores" else None)


def _lines(ranks: Ranking, view: str, best: int | None) -> dict[str, DrawnCurve]:
    if best is None or (view == "roc" and not ranks.negatives):
        return {}
    makers = {"roc": roc_curve, "pr": pr_curve} | {
        name: partial(threshold_curve, name=name, keep=best) for name in MEASURES}
    return {name: makers[name](ranks) for name in VIEWS[view]}


def ranking(labels: np.ndarray, scores: np.ndarray) -> Ranking:
    """Counts at every distinct score; labels 1 / 0 and scores without NaN."""
    ordered, positives = np.sort(scores), np.sort(scores[labels == 1])
    first = np.flatnonzero(np.diff(ordered, prepend=np.float32(-1)))  # where a new score begins
    thresholds = ordered[first][::-1]
    tp = len(positives) - np.searchsorted(positives, thresholds)
    alarms = (len(ordered) - first)[::-1]
    return Ranking(thresholds, tp, alarms - tp, len(positives), len(ordered) - len(positives))


def roc_curve(ranks: Ranking) -> DrawnCurve:
    """The ROC curve from (0, 0) to (1, 1); needs positives and negatives."""
    path = np.column_stack([np.append(0, ranks.fp) / ranks.negatives, np.append(0, ranks.tp) / ranks.positives])
    return _drawn(ranks, path, np.arange(-1, len(ranks.tp)))


def pr_curve(ranks: Ranking) -> DrawnCurve:
    """The precision-recall staircase from recall 0 to recall 1; needs positives.

    It begins at the precision of the highest score, without the customary point at precision 1, which no threshold
    gives, and ends at the prevalence.
    """
    at = np.arange(len(ranks.tp))
    recall, precision = ranks.measure("recall", at), ranks.measure("precision", at)
    corners = np.column_stack([np.append(0, recall[:-1]), precision])
    return _drawn(ranks, _interleaved(corners, np.column_stack([recall, precision])), np.repeat(at, 2))


def threshold_curve(ranks: Ranking, name: str, keep: int) -> DrawnCurve:
    """A measure against the logit of the threshold, a staircase: between two scores nothing changes.

    Worked out at all distinct scores, or at `_MANY` of them, half evenly along the axis and half evenly in films.

    Args:
        name: one of `MEASURES`.
        keep: a distinct score that must be among them.
    """
    x = logit(ranks.thresholds)
    at = np.arange(len(x))
    if len(x) > _MANY:
        along = np.searchsorted(-x, np.linspace(-x[0], -x[-1], _MANY // 2))
        at = np.unique(np.concatenate([along, np.linspace(0, len(x) - 1, _MANY // 2).astype(int), [0, keep, at[-1]]]))
    y = ranks.measure(name, at)
    path = _interleaved(np.column_stack([x[at], y]), np.column_stack([np.append(x[at][1:], x[-1]), y]))
    width = max(x[0] - x[-1], FINE_BIN)
    drawn = _drawn(ranks, path / [width, 1], np.repeat(at, 2))
    return replace(drawn, x=drawn.x * np.float32(width))


def histogram(labels: np.ndarray, scores: np.ndarray) -> Histogram:
    """Scores of films with and without the finding; labels 1 / 0 and scores without NaN."""
    bins = ((logit(scores) + LOGIT_LIMIT) / FINE_BIN).astype(int).clip(0, int(2 * LOGIT_LIMIT / FINE_BIN) - 1)
    if not len(bins):
        return Histogram(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    first, n = bins.min(), bins.max() - bins.min() + 1
    with_it = labels == 1
    return Histogram(np.bincount(bins[with_it] - first, minlength=n), np.bincount(bins[~with_it] - first, minlength=n),
                     int(first))


def merge_bins(shown: list[Histogram], most: int) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Histograms on common bins, each 1, 2, 4, ... fine ones wide so that there are at most about `most`.

    Returns:
        edges: float64 (m + 1,), logits.
        counts: (positives, negatives) of each histogram, int64 (m,).
    """
    filled = [one for one in shown if len(one.positives)]
    first = min((one.first for one in filled), default=0)
    last = max((one.first + len(one.positives) for one in filled), default=1)
    wide = 1
    while (last - first) / wide > most:
        wide *= 2
    start, n = first // wide, -(-last // wide) - first // wide
    edges = (np.arange(start, start + n + 1) * wide) * FINE_BIN - LOGIT_LIMIT

    def merged(one: Histogram, counts: np.ndarray) -> np.ndarray:
        into = (one.first + np.arange(len(counts))) // wide - start
        return np.bincount(into, counts, minlength=n).astype(np.int64)

    return edges, [(merged(one, one.positives), merged(one, one.negatives)) for one in shown]


@overload
def logit(scores: np.ndarray) -> np.ndarray: ...


@overload
def logit(scores: float) -> np.float64: ...


def logit(scores: np.ndarray | float) -> np.ndarray | np.float64:
    """ln(s / (1 - s)) as float64, within +-`LOGIT_LIMIT`."""
    wide = np.asarray(scores, np.float64)
    with np.errstate(divide="ignore"):
        return (np.log(wide) - np.log1p(-wide)).clip(-LOGIT_LIMIT, LOGIT_LIMIT)


def _interleaved(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    return np.stack([even, odd], axis=1).reshape(-1, 2)


def _drawn(ranks: Ranking, path: np.ndarray, at: np.ndarray) -> DrawnCurve:
    points, place, bends = with_stops(path, *thin(path))
    at = at[place]
    some = at >= 0
    x, y = points.T.astype(np.float32)
    return DrawnCurve(x, y, np.where(some, ranks.thresholds[at], np.float32(np.inf)),
                      (ranks.tp[at] * some).astype(np.float32), (ranks.fp[at] * some).astype(np.float32), bends)
