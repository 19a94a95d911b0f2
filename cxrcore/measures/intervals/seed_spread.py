"""How far another seed moves a result: mean and spread over repeats of a training, and the difference of two. Pure.

Repeats are read on the same films, so their spread is the seeds' alone: it says nothing of other patients, as draws of
patients say nothing of other seeds.

Sources: Welch, The generalization of Student's problem when several different population variances are involved,
Biometrika 1947; Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from cxrcore.errors import UsageError

LEVEL = 0.95
_CERTAIN = 1e-12  # rounding alone


@dataclass(frozen=True)
class SeedSpread:
    """Repeats summed up, of any number of values each.

    Attributes:
        mean: float64 (m,); NaN where a repeat has no value.
        sd: float64 (m,), the standard deviation of one repeat (n - 1); NaN of a single one.
        n: repeats.
    """

    mean: np.ndarray
    sd: np.ndarray
    n: int


@dataclass(frozen=True)
class SeedDifference:
    """The mean of a first training's repeats minus that of a second one's, as far as seeds go.

    Attributes:
        point: float64 (m,).
        low, high: the 95 % interval by Student's t; NaN where one of them has a single repeat.
        p: two-sided, uncorrected; NaN without an interval, and where no repeat differs from another.
        paired: whether repeats of one seed were subtracted from each other.
    """

    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    paired: bool


def seed_spread(values: np.ndarray) -> SeedSpread:
    """Mean and standard deviation over repeats; values: float64 (n, m), a row a repeat."""
    values = np.asarray(values, np.float64)
    n = len(values)
    sd = values.std(axis=0, ddof=1) if n > 1 else np.full(values.shape[1], np.nan)
    return SeedSpread(values.mean(axis=0), sd, n)


def seed_difference(first: np.ndarray, second: np.ndarray, paired: bool = False) -> SeedDifference:
    """The difference of two trainings' means with the interval that their seeds give it.

    Args:
        first, second: float64 (n, m), a row a repeat; paired ones in the order of the same seeds.
        paired: Student's interval of the differences seed by seed; else Welch's, for two spreads that may differ.

    Raises:
        UsageError: paired, and not as many of both.
    """
    if paired and len(first) != len(second):
        raise UsageError(f"{len(first)} and {len(second)} repeats cannot be paired")
    one, other = seed_spread(first), seed_spread(second)
    point = one.mean - other.mean
    if paired:
        changes = seed_spread(np.asarray(first, np.float64) - np.asarray(second, np.float64))
        error, freedom = changes.sd / np.sqrt(changes.n), np.full(len(point), changes.n - 1.0)
    else:
        parts = one.sd**2 / one.n, other.sd**2 / other.n
        error = np.sqrt(parts[0] + parts[1])
        freedom = _welch(parts, (one.n, other.n))
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = np.where(error < _CERTAIN, 0.0, stdtrit(freedom, (1 + LEVEL) / 2) * error)
        p = np.where(error < _CERTAIN, np.nan, 2 * stdtr(freedom, -np.abs(point) / error))
    reach = np.where(np.isnan(error), np.nan, reach)
    return SeedDifference(point, point - reach, point + reach, p, paired)


def _welch(parts: tuple[np.ndarray, np.ndarray], n: tuple[int, int]) -> np.ndarray:
    """Degrees of freedom by Welch and Satterthwaite; NaN where nothing varies, or one has a single repeat."""
    if min(n) < 2:
        return np.full(len(parts[0]), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (n[0] - 1) + parts[1] ** 2 / (n[1] - 1))
