"""What alarms are worth where the finding is rarer or more common than on the films at hand. Pure numpy.

By Bayes' theorem, from recall r, specificity s and prevalence pi. What is taken for granted is `ASSUMPTION`: it holds
where the sick are as sick and the healthy as healthy as here, and fails where the films of another place differ.

Source: Altman and Bland, Diagnostic tests 2: predictive values, BMJ 1994.
"""

from dataclasses import dataclass, fields

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures.intervals.intervals import Interval, Resampled, interval_of

ASSUMPTION = "Recall and specificity carry over from these films to a place of this prevalence."
NEEDED = ("recall", "specificity")  # measures that `in_draws` needs of a `Resampled`
FILMS = 1000  # that alarms and misses are counted on


@dataclass(frozen=True)
class AtPrevalence:
    """What a threshold gives at a prevalence: float64 of one shape; NaN where it is undefined.

    Attributes:
        ppv: share of the alarms that are right, in [0, 1]; NaN where no film gets an alarm.
        npv: share of the films without an alarm that do not have the finding, in [0, 1]; NaN where all get one.
        alarms_per_1000: films with an alarm, right or wrong, of 1,000 films: 0 to 1000.
        misses_per_1000: films with the finding and without an alarm, of 1,000 films: 0 to 1000.
    """

    ppv: np.ndarray
    npv: np.ndarray
    alarms_per_1000: np.ndarray
    misses_per_1000: np.ndarray


MEASURES = tuple(one.name for one in fields(AtPrevalence))


def at_prevalence(recall: np.ndarray | float, specificity: np.ndarray | float, prevalence: np.ndarray | float
                  ) -> AtPrevalence:
    """Predictive values and films per 1,000, by Bayes' theorem.

    Args:
        recall, specificity: in [0, 1] or NaN, of shapes that broadcast with the prevalence's.
        prevalence: above 0 and below 1, or NaN where it is not known.

    Raises:
        UsageError: a prevalence of 0 or 1, or outside.
    """
    share = require_prevalence(prevalence)
    hit, missed = share * recall, share * (1 - np.asarray(recall, np.float64))
    spared, wrong = (1 - share) * specificity, (1 - share) * (1 - np.asarray(specificity, np.float64))
    return AtPrevalence(_ratio(hit, hit + wrong), _ratio(spared, spared + missed), FILMS * (hit + wrong),
                        FILMS * missed)


def require_prevalence(prevalence: np.ndarray | float) -> np.ndarray:
    """The prevalence as float64.

    Raises:
        UsageError: one of 0 or 1, or outside; NaN passes, for a finding of which none is known.
    """
    share = np.asarray(prevalence, np.float64)
    if (wrong := share[~np.isnan(share) & ~((share > 0) & (share < 1))]).size:
        raise UsageError(f"prevalence {wrong.flat[0]:g} is not above 0 and below 1: at 0 nobody has the finding, at 1 "
                         "everybody has")
    return share


def in_draws(found: Resampled, prevalence: np.ndarray | float) -> dict[str, Interval]:
    """{measure of `MEASURES`: it with its interval, each finding and, last, their macro mean}.

    Each draw of patients gives a recall and a specificity, and they give the values of that draw.

    Args:
        found: with the measures `NEEDED`.
        prevalence: (k,) of the k findings, or one for all.

    Raises:
        UsageError: as `at_prevalence`, or recall and specificity were not drawn.
    """
    if not set(NEEDED) <= found.values.keys():
        raise UsageError(f"values at a prevalence need draws of {' and '.join(NEEDED)}")
    recall, specificity = (found.values[name] for name in NEEDED)
    share = np.broadcast_to(require_prevalence(prevalence), recall.shape[:1])
    drawn = at_prevalence(recall, specificity, share[:, None])
    values = {name: getattr(drawn, name) for name in MEASURES}
    return {name: interval_of(own, ~np.isnan(own[:, 0])) for name, own in values.items()}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
