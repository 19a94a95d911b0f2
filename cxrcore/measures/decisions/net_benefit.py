"""What a threshold is worth to somebody who says what a miss is worth: net benefit and decision curves. Pure numpy.

One missed film is as bad as N false alarms. Then a finding is worth an alarm from a probability of t = 1 / (1 + N) on,
and a threshold's net benefit, in films with the finding that are found for nothing, of each film looked at, is

    TP / n - FP / n * t / (1 - t)        where t / (1 - t) = 1 / N

or, at a prevalence pi other than the films' own, r pi - (1 - s) (1 - pi) / N. An alarm for none is worth 0, an alarm
for all pi - (1 - pi) / N; what lies above both is worth having.

Two curves over t are told apart. At a threshold that stands where it is, only the ratio changes, and scores need to be
no probabilities. In a decision curve the threshold moves with t and IS the probability t: it needs calibrated scores.

Source: Vickers and Elkin, Decision curve analysis, Medical Decision Making 2006 (the formula, both curves).
"""

from dataclasses import dataclass

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures.calibration import Calibrator
from cxrcore.measures.decisions.prevalence import require_prevalence
from cxrcore.measures.metrics import measured
from cxrcore.measures.thresholds.fitting import Ladder, ladder
from cxrcore.measures.thresholds.positions import UNREACHED, sort_scores

CUTOFFS = np.arange(1, 100) / 100  # of a decision curve, as probabilities


def cutoff_of(ratio: np.ndarray | float) -> np.ndarray:
    """The probability t = 1 / (1 + N) from which an alarm is worth it, in (0, 1), of harm ratios N.

    Raises:
        UsageError: a ratio that is no number above 0.
    """
    return 1 / (1 + require_ratio(ratio))


def require_ratio(ratio: np.ndarray | float) -> np.ndarray:
    """The harm ratio as float64.

    Raises:
        UsageError: a ratio that is no number above 0.
    """
    found = np.asarray(ratio, np.float64)
    if (wrong := found[~((found > 0) & np.isfinite(found))]).size:
        raise UsageError(f"harm ratio {wrong.flat[0]:g} is no number above 0: one missed film is as bad as so many "
                         "false alarms")
    return found


def net_benefit(tp: np.ndarray | int, fp: np.ndarray | int, n: np.ndarray | int, cutoff: np.ndarray | float
                ) -> np.ndarray:
    """TP / n - FP / n * t / (1 - t): float64, of shapes that broadcast; NaN without films.

    Args:
        cutoff: t, a probability in (0, 1).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(n) > 0, np.asarray(tp) / n - np.asarray(fp) / n * odds_of(cutoff), np.nan)


def net_benefit_at(recall: np.ndarray | float, specificity: np.ndarray | float, prevalence: np.ndarray | float,
                   cutoff: np.ndarray | float) -> np.ndarray:
    """Net benefit at a prevalence: r pi - (1 - s) (1 - pi) t / (1 - t), of shapes that broadcast; NaN if undefined.

    An alarm for all is `net_benefit_at(1, 0, ...)`, one for none is 0.

    Raises:
        UsageError: a prevalence of 0 or 1, or a cut-off outside (0, 1).
    """
    share = require_prevalence(prevalence)
    return np.asarray(recall) * share - (1 - np.asarray(specificity, np.float64)) * (1 - share) * odds_of(cutoff)


def odds_of(cutoff: np.ndarray | float) -> np.ndarray:
    """t / (1 - t), what a false alarm costs in misses.

    Raises:
        UsageError: a cut-off outside (0, 1).
    """
    t = np.asarray(cutoff, np.float64)
    if (wrong := t[~((t > 0) & (t < 1))]).size:
        raise UsageError(f"cut-off {wrong.flat[0]:g} is no probability above 0 and below 1")
    return t / (1 - t)


# -- curves over the cut-off


@dataclass(frozen=True)
class DecisionCurves:
    """Net benefit over cut-offs t, where a film gets an alarm from a probability of t on.

    Attributes:
        cutoffs: float64 (m,).
        network: float64 (k, m), of each finding; NaN where it has no probabilities, positives or negatives.
        for_all: float64 (k, m), of an alarm for every film. An alarm for none is worth 0.
        prevalence: float64 (k,), that all of it stands at.
        calibrated: whether a calibrator made the probabilities; else the scores were taken as they are.
    """

    cutoffs: np.ndarray
    network: np.ndarray
    for_all: np.ndarray
    prevalence: np.ndarray
    calibrated: bool


def decision_curves(
    labels: np.ndarray,
    scores: np.ndarray,
    cutoffs: np.ndarray = CUTOFFS,
    calibrator: Calibrator | None = None,
    prevalence: np.ndarray | float | None = None,
) -> DecisionCurves:
    """The decision curve of each finding, exact at every cut-off: alarm where the probability >= t.

    Args:
        labels: (n, k), 1 / 0 / NaN.
        scores: (n, k) in [0, 1] or NaN; what is not measured of a finding is left out of it.
        cutoffs: (m,), probabilities in (0, 1).
        calibrator: makes probabilities of the scores; without one the scores are taken for probabilities, which has
            to be said beside the curve.
        prevalence: (k,) or one for all; of the films where None.

    Raises:
        UsageError: a cut-off or a prevalence outside (0, 1).
    """
    t = np.asarray(cutoffs, np.float64)
    found = scores if calibrator is None else calibrator(scores)
    known = measured(labels, found)
    positives, negatives = ((known & (labels == label)).sum(axis=0) for label in (1, 0))
    defined = (positives > 0) & (negatives > 0)
    own = np.where(defined, positives / np.maximum(positives + negatives, 1), np.nan)
    share = own if prevalence is None else np.where(defined, np.broadcast_to(prevalence, own.shape), np.nan)
    network = np.full((len(own), len(t)), np.nan)
    for k in np.flatnonzero(defined):
        tp, fp = sort_scores(labels[:, k], found[:, k]).alarms(t)
        network[k] = (net_benefit(tp, fp, positives[k] + negatives[k], t) if prevalence is None else
                      net_benefit_at(tp / positives[k], 1 - fp / negatives[k], share[k], t))
    for_all = net_benefit_at(1.0, 0.0, share[:, None], t)
    return DecisionCurves(t, network, for_all, share, calibrator is not None)


# -- one ratio


@dataclass(frozen=True)
class BestLine:
    """The threshold of greatest net benefit for one finding.

    Attributes:
        threshold: in [0, 1], or `UNREACHED` where no alarm is worth it; NaN without positives or negatives.
        net_benefit: there.
        tp, fp: right and wrong alarms on the films themselves.
    """

    threshold: float
    net_benefit: float
    tp: int
    fp: int


def best_line(labels: np.ndarray, scores: np.ndarray, ratio: float, prevalence: float | None = None) -> BestLine:
    """The threshold of greatest net benefit, exact over every distinct score and 'never'; of equals, the highest.

    At the films' own prevalence it is the threshold of least cost, objective 'cost' of `fitting`.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,) in [0, 1] or NaN.
        ratio: N: one missed film is as bad as N false alarms.
        prevalence: in (0, 1); of the films where None.

    Raises:
        UsageError: a ratio or a prevalence out of its range.
    """
    cutoff, steps = cutoff_of(ratio), ladder(labels, scores)
    share = np.nan if prevalence is None else require_prevalence(prevalence)
    if not steps.n_positive or not steps.n_negative:
        return BestLine(np.nan, np.nan, 0, 0)
    tp, fp = np.append(0, steps.tp), np.append(0, steps.fp)
    misses = 1 if prevalence is None else share / (1 - share) * steps.n_negative / steps.n_positive
    best = int(np.argmax(tp * (require_ratio(ratio) * misses) - fp))  # in false alarms: equals are found equal
    worth = (net_benefit(tp[best], fp[best], steps.n_positive + steps.n_negative, cutoff) if prevalence is None else
             net_benefit_at(tp[best] / steps.n_positive, 1 - fp[best] / steps.n_negative, share, cutoff))
    return BestLine(float(steps.thresholds[best - 1]) if best else UNREACHED, float(worth), int(tp[best]),
                    int(fp[best]))


# -- the range of ratios


@dataclass(frozen=True)
class WorthRange:
    """The harm ratios N for which thresholds are worth more than an alarm for all and than one for none.

    Attributes:
        low, high: float64 (k,), N has to lie strictly between; high may be infinite. NaN where no N will do, or where
            there are no positives or no negatives.
    """

    low: np.ndarray
    high: np.ndarray


def worth_range(recall: np.ndarray, specificity: np.ndarray, prevalence: np.ndarray | float) -> WorthRange:
    """The range of a threshold that stands where it is: from (1 - PPV) / PPV to NPV / (1 - NPV).

    Worth more than none where r pi > (1 - s) (1 - pi) / N, and more than all where s (1 - pi) / N > (1 - r) pi.

    Args:
        recall, specificity: (k,), in [0, 1] or NaN.
        prevalence: (k,) or one for all.

    Raises:
        UsageError: a prevalence of 0 or 1.
    """
    share = require_prevalence(prevalence)
    odds = (1 - share) / share
    return _range(_quotient(1 - np.asarray(specificity, np.float64), recall) * odds,
                  _quotient(specificity, 1 - np.asarray(recall, np.float64)) * odds)


def best_worth_range(labels: np.ndarray, scores: np.ndarray, prevalence: np.ndarray | float | None = None
                     ) -> WorthRange:
    """The range in which the network is worth more than both at its best threshold for each ratio.

    It is chosen on the very films, so its ends flatter: at the upper one a threshold below all positives is left.

    Args:
        labels, scores: (n, k), as of `decision_curves`.
        prevalence: (k,) or one for all; of the films where None.

    Raises:
        UsageError: a prevalence of 0 or 1.
    """
    ends = np.array([_best_ends(ladder(*pair)) for pair in zip(labels.T, scores.T, strict=True)]).reshape(-1, 3)
    share = ends[:, 2] if prevalence is None else require_prevalence(prevalence)
    odds = (1 - share) / share
    return _range(ends[:, 0] * odds, ends[:, 1] * odds)


def _best_ends(steps: Ladder) -> tuple[float, float, float]:
    """Least (1 - s) / r and greatest s / (1 - r) of all thresholds, and the prevalence; NaN without both kinds."""
    if not steps.n_positive or not steps.n_negative:
        return np.nan, np.nan, np.nan
    recall, alarms = steps.tp / steps.n_positive, steps.fp / steps.n_negative
    high = np.where((recall == 1) & (alarms == 1), 0, _quotient(1 - alarms, 1 - recall))  # an alarm for all: 0 / 0
    return (float(np.min(alarms / recall)), float(np.max(high)),
            steps.n_positive / (steps.n_positive + steps.n_negative))


def _quotient(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Infinite over 0, and NaN for 0 / 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part, np.float64) / whole


def _range(low: np.ndarray, high: np.ndarray) -> WorthRange:
    some = low < high
    return WorthRange(np.where(some, low, np.nan), np.where(some, high, np.nan))
