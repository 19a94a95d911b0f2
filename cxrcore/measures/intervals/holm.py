"""Many tests at once: Holm's correction and the one verdict that follows it. Pure numpy.

Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979. It keeps
the chance of any false verdict in the family at alpha, whatever the tests have to do with each other.
"""

from dataclasses import dataclass

import numpy as np

ALPHA = 0.05
LOWER_IS_BETTER = ("brier", "ece")
BETTER, WORSE, TIED, UNTESTED = "better", "worse", "tied", "untested"


@dataclass(frozen=True)
class Verdicts:
    """What a family of tests says; arrays have the family's shape.

    Attributes:
        p: float64, corrected by Holm, in [0, 1]; NaN where there was no test.
        words: str, 'better', 'worse', 'tied' or 'untested'.
        n_tests: how many tests the family counts; those that are NaN do not.
        n_untested: how many were NaN.
    """

    p: np.ndarray
    words: np.ndarray
    n_tests: int
    n_untested: int


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected for their number: float64 of p's shape; NaN stays NaN and does not count as a test."""
    p = np.asarray(p, np.float64)
    flat = p.ravel()
    tested = np.flatnonzero(~np.isnan(flat))
    rising = tested[np.argsort(flat[tested], kind="stable")]
    corrected = np.full(flat.shape, np.nan)
    corrected[rising] = np.minimum(np.maximum.accumulate(flat[rising] * np.arange(len(rising), 0, -1)), 1)
    return corrected.reshape(p.shape)


def verdicts(difference: np.ndarray, p: np.ndarray, measure: str, alpha: float = ALPHA) -> Verdicts:
    """One word for each test of a family; it follows the corrected p and nothing else.

    Args:
        difference: float64 of any shape, the first run's measure minus the second's.
        p: float64 of the same shape, uncorrected.
        measure: of `LOWER_IS_BETTER` a smaller value is the better one.
        alpha: the chance of any false verdict in the family.
    """
    corrected = holm(p)
    gain = -np.asarray(difference) if measure in LOWER_IS_BETTER else np.asarray(difference)
    words = np.where(corrected <= alpha, np.where(gain > 0, BETTER, WORSE), TIED)
    untested = np.isnan(corrected)
    return Verdicts(corrected, np.where(untested, UNTESTED, words), int((~untested).sum()), int(untested.sum()))
