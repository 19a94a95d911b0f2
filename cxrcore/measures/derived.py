"""Findings that are made of others: "Nodule or mass" is present where a nodule or a mass is. Pure numpy.

    scores       1 - (1 - a)(1 - b), the probability of any if the parts were independent. It falls with no part, is 0
                 where all parts are 0 and 1 where one is 1. As a probability it is too high where parts come together.
    labels       present where one part is; absent where all parts are; else unknown
    thresholds   the formula of the scores, and their rounding: a film whose every part has an alarm has one here too.
                 The reverse need not hold, since parts that are all a little below theirs add up.

This is the one place that makes them; whoever shows one prints its `formula`.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.errors import FindingError
from cxrcore.measures.thresholds.positions import UNREACHED


def derived_scores(parts: np.ndarray) -> np.ndarray:
    """Scores of the derived finding: float32 (n,), worked out in double precision.

    Args:
        parts: (n, m), a column a part, in [0, 1]; a film without a score of one part has none.

    Raises:
        FindingError: no part at all.
    """
    return _any(parts).astype(np.float32)


def derived_threshold(parts: np.ndarray) -> float:
    """The threshold of the derived finding, in [0, 1]: a float32 number, as its scores are.

    Where a part is `UNREACHED`, so is this.

    Args:
        parts: (m,), the thresholds of the parts; NaN where one has none makes NaN.

    Raises:
        FindingError: no part at all.
    """
    own = np.asarray(parts, np.float64)
    if (own > 1).any() and not np.isnan(own).any():
        return UNREACHED
    return float(_any(own[None])[0].astype(np.float32))


def derived_labels(parts: np.ndarray) -> np.ndarray:
    """Labels of the derived finding, float32 (n,): 1 where one part is 1, 0 where all are 0, else NaN.

    Args:
        parts: (n, m), a column a part, 1 / 0 / NaN.

    Raises:
        FindingError: no part at all.
    """
    _check(parts.shape[1])
    return np.select([(parts == 1).any(axis=1), (parts == 0).all(axis=1)], [1, 0], np.nan).astype(np.float32)


def formula(parts: Sequence[str]) -> str:
    """What is done to the scores, in letters that people read: '1 - (1 - Nodule)(1 - Mass)'.

    Raises:
        FindingError: no part at all.
    """
    _check(len(parts))
    return "1 - " + "".join(f"(1 - {part})" for part in parts) if len(parts) > 1 else parts[0]


def _any(parts: np.ndarray) -> np.ndarray:
    """1 - prod(1 - part) of each row: float64 (n,)."""
    _check(parts.shape[1])
    wide = parts.astype(np.float64)
    if wide.shape[1] == 1:  # itself to the last bit, also where it is tiny
        return wide[:, 0]
    none = np.ones(len(wide))
    for column in wide.T:  # in one order, or the rounding of scores and thresholds could differ
        none *= 1 - column
    return 1 - none


def _check(n_parts: int) -> None:
    if not n_parts:
        raise FindingError("a derived finding needs at least one finding that it is made of")
