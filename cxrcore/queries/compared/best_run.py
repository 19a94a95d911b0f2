"""The best of compared runs against each of the others: what a comparison comes to in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrcore.measures.intervals.holm import BETTER, LOWER_IS_BETTER, UNTESTED, WORSE
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries.comparison import Compared, Contrast, contrasts


@dataclass(frozen=True)
class Lead:
    """The best run beside another one.

    Attributes:
        other: the other run.
        point, low, high: macro mean of the best minus that of the other, with its interval; NaN where undefined.
        word: the corrected verdict on that, as the best run's: 'better', 'tied' or 'untested'.
        better, worse: findings in which the best run is, by the corrected tests.
        tested: findings with a test.
    """

    other: Compared
    point: float
    low: float
    high: float
    word: str
    better: int
    worse: int
    tested: int


def best_run(compared: Sequence[Compared], measure: str) -> Compared | None:
    """The run with the best macro mean, the first of several; None where none has one."""
    sign = -1 if measure in LOWER_IS_BETTER else 1
    means = np.array([sign * one.found.interval(measure).point[MACRO] for one in compared])
    return None if np.isnan(means).all() else compared[int(np.nanargmax(means))]


def leads(compared: Sequence[Compared], best: Compared, measure: str) -> list[Lead]:
    """The best run against each of the others, in their order; the tests are one family, as those of `contrasts`."""
    return [_lead(one) for one in contrasts(compared, best.run.run_id, measure)[0]]


def _lead(one: Contrast) -> Lead:
    """`one` is the other against the best run, so all of it is turned round."""
    words, change = one.words[:MACRO], one.change
    turned = {BETTER: WORSE, WORSE: BETTER}
    return Lead(one.one, -change.point[MACRO], -change.high[MACRO], -change.low[MACRO],
                turned.get(one.words[MACRO], one.words[MACRO]), int((words == WORSE).sum()),
                int((words == BETTER).sum()), int((words != UNTESTED).sum()))
