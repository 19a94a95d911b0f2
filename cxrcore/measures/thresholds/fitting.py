"""Fitting thresholds, one a finding, from labels and scores of the films they are fitted on. Pure numpy, scikit-learn.

A fitted set is frozen and read elsewhere (fitted on val, read on test). Decision: float64(score) >= threshold.

Between two neighbouring scores of positives nothing is won by a lower threshold: it only adds false alarms. So every
objective that counts alarms chooses among the scores of positives, the rungs of a `Ladder`, and is exact. Expected F1
counts none: it believes calibrated scores, and so chooses among the scores of all films.

Sources: van Rijsbergen, Information Retrieval, 1979 (F-beta); Youden, Cancer 1950 (J); Lipton et al., Thresholding
classifiers to maximize F1 score, ECML PKDD 2014.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures import calibration
from cxrcore.measures.metrics import measured

CLASSIC_GRID = tuple(round(0.05 + 0.01 * i, 2) for i in range(36))  # 0.05 to 0.40 inclusive
FALLBACK = 0.5  # of a finding that cannot be fitted
NEVER = 1.0  # where no alarm at all serves an objective best
STABLE_POSITIVES = 50  # below this a fitted threshold is marked unstable


@dataclass(frozen=True)
class ThresholdSet:
    """One threshold per finding.

    Attributes:
        name: as shown.
        objective: a key of `OBJECTIVES`, 'fixed' or 'classic'; 'manual' for a set that was dragged.
        thresholds: float64 (k,), in [0, 1], one a finding.
        findings: k names, in the thresholds' order.
        parameters: of the objective; `not_fitted` lists findings without positives (or too few to calibrate), which
            keep 0.5, `unstable` those fitted on fewer than 50 positives, `not_met` those for which no threshold meets
            the condition. `calibration` is the map that expected F1 was read on: its method and each finding's map.
    """

    name: str
    objective: str
    thresholds: np.ndarray
    findings: tuple[str, ...]
    parameters: dict[str, Any] = field(default_factory=dict)

    def of(self, findings: Sequence[str]) -> np.ndarray:
        """The thresholds of these findings, float64, in this order; `FALLBACK` where the set has none."""
        own = dict(zip(self.findings, self.thresholds.tolist(), strict=True))
        return np.array([own.get(finding, FALLBACK) for finding in findings])


@dataclass(frozen=True)
class Ladder:
    """The thresholds worth setting for one finding, highest first, with their exact counts.

    Attributes:
        thresholds: float64 (m,), the distinct scores of positives, descending.
        tp, fp: int64 (m,), alarms at each that are right and wrong.
        n_positive, n_negative: films with a known label and a score.
        tp_always, fp_always: alarms that stay at `NEVER`, since a score of 1 is no lower than any threshold.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    n_positive: int
    n_negative: int
    tp_always: int
    fp_always: int

    @property
    def f1(self) -> np.ndarray:
        """F1 at each threshold."""
        return 2 * self.tp / (self.tp + self.fp + self.n_positive)


def ladder(labels: np.ndarray, scores: np.ndarray) -> Ladder:
    """The ladder of one finding: labels 1 / 0 / NaN and scores, both (n,)."""
    known = measured(labels, scores)
    everyone, positives = np.sort(scores[known]), np.sort(scores[known & (labels == 1)])
    rungs = np.unique(positives)[::-1]
    tp = len(positives) - np.searchsorted(positives, rungs)
    alarms = len(everyone) - np.searchsorted(everyone, rungs)
    tp_always = int((positives >= NEVER).sum())
    fp_always = int((everyone >= NEVER).sum()) - tp_always
    return Ladder(rungs.astype(np.float64), tp, alarms - tp, len(positives), len(everyone) - len(positives), tp_always,
                  fp_always)


# -- objectives: each finds its rung; None = no alarm serves best


def _max_f_beta(steps: Ladder, beta: float) -> int:
    weight = beta * beta
    return int(np.argmax((1 + weight) * steps.tp / (steps.tp + steps.fp + weight * steps.n_positive)))


def _youden(steps: Ladder, _: float) -> int:
    return int(np.argmax(steps.tp / steps.n_positive - steps.fp / max(steps.n_negative, 1)))


def _recall(steps: Ladder, at_least: float) -> int:
    return int(np.argmax(steps.tp / steps.n_positive >= at_least))  # the last rung has recall 1


def _precision(steps: Ladder, at_least: float) -> int:
    precision = steps.tp / (steps.tp + steps.fp)
    met = np.flatnonzero(precision >= at_least)
    return int(met[-1]) if len(met) else int(np.argmax(precision))


def _cost(steps: Ladder, miss: float) -> int | None:
    cost = steps.fp + miss * (steps.n_positive - steps.tp)
    best = int(np.argmin(cost))
    return best if cost[best] <= steps.fp_always + miss * (steps.n_positive - steps.tp_always) else None


@dataclass(frozen=True)
class Objective:
    """What a threshold is to achieve.

    Attributes:
        label, help: for people; `{}` in the label is the parameter's place.
        choose: (ladder, parameter) -> rung; None where the ladder is not enough to choose by.
        parameter: its name, None where there is none.
        default, low, high: of the parameter.
    """

    label: str
    help: str
    choose: Callable[[Ladder, float], int | None] | None
    parameter: str | None = None
    default: float = 0.0
    low: float = 0.0
    high: float = 1.0


OBJECTIVES: dict[str, Objective] = {
    "max_f1": Objective("max F1", "The greatest F1 over every distinct score.", lambda steps, _: _max_f_beta(steps, 1)),
    "expected_f1": Objective("expected F1 (Platt)", "The greatest F1 to be expected where scores, calibrated by "
                             "Platt's map, are taken for probabilities. No single film decides: rare findings gain; "
                             f"one with fewer than {calibration.MIN_POSITIVES} films stays at {FALLBACK}.", None),
    "f_beta": Objective("max F{}", "The greatest F-beta: recall counts beta times as much as precision.", _max_f_beta,
                        "beta", 2.0, 0.1, 10.0),
    "youden": Objective("Youden's J", "The greatest recall + specificity - 1.", _youden),
    "recall": Objective("recall ≥ {}", "The highest threshold with at least this recall.", _recall, "recall", 0.9,
                        0.01, 1.0),
    "precision": Objective("precision ≥ {}", "The lowest threshold with at least this precision; where none has it, "
                           "the one of greatest precision, marked.", _precision, "precision", 0.5, 0.01, 1.0),
    "cost": Objective("a miss costs {} false alarms", "The least cost, when one missed film is as bad as this many "
                      "false alarms.", _cost, "misses", 10.0, 0.01, 1000.0),
}


def fit_thresholds(
    labels: np.ndarray, scores: np.ndarray, findings: Sequence[str], objective: str, parameter: float | None = None
) -> ThresholdSet:
    """The thresholds that serve an objective best; of equals, the highest.

    Args:
        labels: float (n, k), 1 / 0 / NaN.
        scores: float (n, k) in [0, 1].
        findings: k names, in the columns' order.
        objective: a key of `OBJECTIVES`, 'fixed' or 'classic'.
        parameter: of the objective; None takes its default.

    Raises:
        UsageError: an unknown objective, or a parameter out of its range.
    """
    if objective == "fixed":
        return fixed(findings, FALLBACK if parameter is None else parameter)
    if objective == "classic":
        return classic(labels, scores, findings)
    value = check_parameter(objective, parameter)
    if OBJECTIVES[objective].choose is None:
        return expected_f1(labels, scores, findings)
    return fit_on_ladders([ladder(*pair) for pair in zip(labels.T, scores.T, strict=True)], findings, objective, value)


def fit_on_ladders(ladders: Sequence[Ladder], findings: Sequence[str], objective: str, parameter: float | None = None
                   ) -> ThresholdSet:
    """As `fit_thresholds`, for an objective that counts alarms, where the ladders are there already.

    Args:
        ladders: of the findings, in their order.
        objective: a key of `OBJECTIVES` other than 'expected_f1'.
        parameter: as for `fit_thresholds`.

    Raises:
        UsageError: as `fit_thresholds`.
    """
    value, wanted = check_parameter(objective, parameter), OBJECTIVES[objective]
    assert wanted.choose is not None
    notes = _warnings(np.array([steps.n_positive for steps in ladders]), findings)
    thresholds = np.full(len(ladders), FALLBACK)
    not_met = []
    for k, (finding, steps) in enumerate(zip(findings, ladders, strict=True)):
        if not steps.n_positive:
            continue
        rung = wanted.choose(steps, value)
        thresholds[k] = NEVER if rung is None else steps.thresholds[rung]
        if objective == "precision" and steps.tp[rung] / (steps.tp[rung] + steps.fp[rung]) < value:
            not_met.append(finding)
    own = {wanted.parameter: value} if wanted.parameter else {}
    return ThresholdSet(wanted.label.format(f"{value:g}"), objective, thresholds, tuple(findings),
                        own | notes | ({"not_met": not_met} if not_met else {}))


def check_parameter(objective: str, parameter: float | None) -> float:
    """The parameter to fit with.

    Raises:
        UsageError: an unknown objective, or a parameter out of its range.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"unknown objective '{objective}': expected one of fixed, classic, {', '.join(OBJECTIVES)}")
    wanted = OBJECTIVES[objective]
    value = wanted.default if parameter is None else float(parameter)
    if wanted.parameter and not wanted.low <= value <= wanted.high:
        raise UsageError(f"{wanted.parameter} {value:g} is not between {wanted.low:g} and {wanted.high:g}")
    return value


def fixed(findings: Sequence[str], value: float = 0.5) -> ThresholdSet:
    """The same threshold for every finding."""
    return ThresholdSet(f"{value:g}", "fixed", np.full(len(findings), float(value)), tuple(findings),
                        {"value": value})


def max_f1(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> ThresholdSet:
    """The threshold of greatest F1 for each finding, as `fit_thresholds`."""
    return fit_thresholds(labels, scores, findings, "max_f1")


def expected_f1(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> ThresholdSet:
    """The score from which alarms have the greatest expected F1, by Platt's map of these films, as `fit_thresholds`."""
    fitted = calibration.fit_calibrator(labels, scores, findings, "platt")
    probabilities = fitted(scores)
    thresholds = np.array([
        calibration.expected_f1_threshold(scores[:, k], probabilities[:, k]) if finding in fitted.maps else FALLBACK
        for k, finding in enumerate(findings)])
    positives = _positives(labels, scores) * [finding in fitted.maps for finding in findings]
    return ThresholdSet(OBJECTIVES["expected_f1"].label, "expected_f1", thresholds, tuple(findings),
                        {"calibration": {"method": fitted.method, "maps": fitted.maps}}
                        | _warnings(positives, findings))


def best_f1(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The greatest F1 of each finding at any threshold: float64 (k,), NaN without positives."""
    ladders = [ladder(labels[:, k], scores[:, k]) for k in range(labels.shape[1])]
    return np.array([steps.f1.max() if steps.n_positive else np.nan for steps in ladders])


def classic(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> ThresholdSet:
    """The best of the grid 0.05, 0.06 ... 0.40 by F1, as early reproductions tune it; of equals, the lowest."""
    thresholds = np.full(labels.shape[1], FALLBACK)
    grid = np.array(CLASSIC_GRID)
    for k in range(labels.shape[1]):
        known = measured(labels[:, k], scores[:, k])
        positive = labels[known, k] == 1
        if positive.any():
            alarm = scores[known, k, None].astype(np.float64) >= grid
            f1 = 2 * (alarm & positive[:, None]).sum(axis=0) / (alarm.sum(axis=0) + positive.sum())
            thresholds[k] = grid[np.argmax(f1)]
    return ThresholdSet("classic", "classic", thresholds, tuple(findings),
                        {"grid": [0.05, 0.40, 0.01]} | _warnings(_positives(labels, scores), findings))


def _positives(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return ((labels == 1) & measured(labels, scores)).sum(axis=0)


def _warnings(positives: np.ndarray, findings: Sequence[str]) -> dict[str, list[str]]:
    """Of the positives that each finding was fitted on; 0 where it was not."""
    return {
        "not_fitted": [f for f, n in zip(findings, positives, strict=True) if n == 0],
        "unstable": [f for f, n in zip(findings, positives, strict=True) if 0 < n < STABLE_POSITIVES],
    }
