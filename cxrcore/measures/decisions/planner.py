"""How many films, patients or repeats a question takes: closed forms. Pure numpy.

Half an interval's width is z standard errors, and errors fall with the root of the patients: so every plan is an error
at hand, or the one that theory gives, brought to the width that is wanted. Films of one patient are not independent;
how much wider that makes an interval is `clustering`, which draws of patients tell.

Sources: Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 1982 (variance of an AUROC);
Kish, Survey Sampling, 1965 (design effect); Bouthillier et al., Accounting for variance in machine learning benchmarks,
MLSys 2021 (seeds beside samples). How many patients a promise takes at least: `promises.fewest_patients`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from cxrcore.errors import UsageError

LEVEL = 0.95
POWER = 0.8  # chance that a difference that is there is told


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise UsageError(f"level {level:g} is not above 0 and below 1")
    return float(ndtri((1 + level) / 2))


def error_of_interval(low: float, high: float, level: float = LEVEL) -> float:
    """The standard error that an interval's width tells: half of it over z; NaN of NaN."""
    return (high - low) / (2 * _z(level))


def half_width_of(error: float, level: float = LEVEL) -> float:
    """Half of the interval that a standard error gives; NaN of NaN."""
    return _z(level) * error


def _require(name: str, value: float, low: float, high: float) -> float:
    if not low < value < high:
        raise UsageError(f"{name} {value:g} is not above {low:g} and below {high:g}")
    return float(value)


def clustering(error: float, share: float, n: int) -> float:
    """By how much films of the same patients widen the variance of a share: 1 where they are like independent ones.

    Args:
        error: standard error of the share by draws of patients.
        share: recall, specificity or precision, in (0, 1).
        n: films that it is a share of.

    Returns:
        The design effect; NaN where the share is 0, 1 or NaN.
    """
    independent = share * (1 - share) / n if n else np.nan
    return float(error**2 / independent) if independent > 0 else float("nan")


def films_for_share(share: float, half_width: float, level: float = LEVEL, clustered: float = 1.0) -> int:
    """Films that an interval of +- half_width takes: z^2 p (1 - p) / w^2, times the clustering.

    Of recall they are films with the finding, of specificity films without it, of precision alarms.

    Args:
        share: the value that is expected, in (0, 1).
        half_width: w, in (0, 1).
        clustered: of `clustering`.

    Raises:
        UsageError: one out of its range.
    """
    p, w = _require("the value", share, 0, 1), _require("the half width", half_width, 0, 1)
    return _whole(_z(level) ** 2 * p * (1 - p) / w**2 * _require("clustering", clustered, 0, np.inf))


def positives_for_precision(precision: float, recall: float, half_width: float, level: float = LEVEL,
                            clustered: float = 1.0) -> int:
    """Films with the finding that an interval of precision takes, among films that are drawn as they come.

    They give recall times as many right alarms, and these are precision times all alarms.

    Raises:
        UsageError: as `films_for_share`.
    """
    alarms = films_for_share(precision, half_width, level, clustered)
    return _whole(alarms * precision / _require("recall", recall, 0, np.nextafter(1, 2)))


def positives_for_auroc(area: float, half_width: float, negatives_each: float, level: float = LEVEL,
                        clustered: float = 1.0) -> int:
    """Films with the finding that an interval of AUROC takes, by the variance of Hanley and McNeil.

    With m positives and q m negatives the variance is (A (1 - A) + (m - 1) a + (q m - 1) b) / (q m^2), where a = Q1 -
    A^2 and b = Q2 - A^2: a square equation in m.

    Args:
        area: AUROC that is expected, in (0, 1).
        half_width: w, in (0, 1).
        negatives_each: q, films without the finding for each with it, above 0.
        clustered: by how much films of the same patients widen the variance.

    Raises:
        UsageError: one out of its range.
    """
    area, w = _require("AUROC", area, 0, 1), _require("the half width", half_width, 0, 1)
    q = _require("negatives a positive", negatives_each, 0, np.inf)
    a, b = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    variance = (w / _z(level)) ** 2 / _require("clustering", clustered, 0, np.inf)
    linear, rest = a + q * b, area * (1 - area) - a - b
    return _whole((linear + np.sqrt(linear**2 + 4 * q * variance * rest)) / (2 * q * variance))


def patients_for_width(patients: int, error: float, half_width: float, level: float = LEVEL) -> int:
    """Patients that an interval of +- half_width takes, of any measure whose error on so many patients is known.

    Args:
        patients, error: the patients at hand, and the standard error by draws of them.

    Raises:
        UsageError: a width or an error out of its range.
    """
    error = _require("the standard error", error, 0, np.inf)
    return _whole(patients * (_z(level) * error / _require("the half width", half_width, 0, np.inf)) ** 2)


def patients_to_tell_apart(patients: int, difference: float, error: float, power: float = POWER, level: float = LEVEL
                           ) -> int:
    """Patients on whom a difference of two runs is told with a chance of `power`, in a two-sided test.

    Args:
        patients, error: the patients at hand, and the standard error of the difference by paired draws of them.
        difference: that is to be told, such as the one at hand.
        power: in (0, 1).

    Raises:
        UsageError: a difference of 0, or another value out of its range.
    """
    size = _require("the size of the difference", abs(difference), 0, np.inf)
    error = _require("the standard error", error, 0, np.inf)
    return _whole(patients * ((_z(level) + float(ndtri(_require("power", power, 0, 1)))) * error / size) ** 2)


# -- another seed, or more patients


@dataclass(frozen=True)
class SeedPlan:
    """How sure the mean of a training's repeats is, as a standard error: for all seeds and all patients of the kind.

    Attributes:
        now: sqrt(spread^2 / seeds + error^2).
        another_seed: with one repeat more.
        twice_the_patients: with as many repeats on twice the patients.
        patients_worth_a_seed: how many times the patients tell as much as one repeat more; infinite where no number of
            patients does.
    """

    now: float
    another_seed: float
    twice_the_patients: float
    patients_worth_a_seed: float


def seeds_or_patients(spread: float, seeds: int, error: float) -> SeedPlan:
    """What another seed would tell against more patients.

    Repeats on the same films share what these films are like, so their spread is the seeds' alone; the mean's error
    over patients does not fall with repeats.

    Args:
        spread: standard deviation of repeats of one training on the same films, from 0.
        seeds: how many there are, from 1.
        error: standard error of a run's measure by draws of patients, above 0.

    Raises:
        UsageError: one out of its range.
    """
    if seeds < 1 or not spread >= 0:
        raise UsageError(f"{seeds} seeds with a spread of {spread:g}: there has to be a seed, and a spread from 0")
    error = _require("the standard error", error, 0, np.inf)
    of_seeds, gained = spread**2 / seeds, spread**2 / seeds - spread**2 / (seeds + 1)
    times = error**2 / (error**2 - gained) if error**2 > gained else np.inf
    return SeedPlan(float(np.sqrt(of_seeds + error**2)), float(np.sqrt(of_seeds - gained + error**2)),
                    float(np.sqrt(of_seeds + error**2 / 2)), float(times))


def _whole(number: float) -> int:
    return max(int(np.ceil(number - 1e-9)), 1)
