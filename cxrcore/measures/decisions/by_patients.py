"""Recall, specificity and precision as promises count them: by patients, each with his share of films that are right.

A patient with many films of the kind weighs no more than one with a single film, so the values differ from those that
count films. Intervals are the central 95 % of draws of patients, as everywhere. Pure numpy.
"""

from dataclasses import dataclass

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.promises import MEASURES
from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.intervals.intervals import Interval, interval_of
from cxrcore.measures.intervals.scored_films import Films, check
from cxrcore.measures.metrics import measured


@dataclass(frozen=True)
class ByPatients:
    """A measure counted by patients.

    Attributes:
        interval: each of the k findings and, last, their macro mean.
        patients: int64 (k,), who have films of the kind, or an alarm.
    """

    interval: Interval
    patients: np.ndarray


def shares_right(films: Films, thresholds: np.ndarray, measure: str, owners: np.ndarray, n_patients: int) -> np.ndarray:
    """The share of each patient's films of the kind that is right: float64 (p, k), NaN where he has none.

    Args:
        thresholds: float64 (k,).
        measure: of `promises.MEASURES`: films with the finding (recall), without it (specificity), or with an alarm
            (precision).
        owners: int (n,), each film's place among the patients.

    Raises:
        UsageError: another measure.
    """
    if measure not in MEASURES:
        raise UsageError(f"unknown measure '{measure}': a promise has one of {', '.join(MEASURES)}")
    known = measured(films.labels, films.scores)
    alarm = known & (films.scores.astype(np.float64) >= np.asarray(thresholds, np.float64))
    positive, negative = known & (films.labels == 1), known & (films.labels == 0)
    kind, right = {"recall": (positive, positive & alarm), "specificity": (negative, negative & ~alarm),
                   "precision": (alarm, positive & alarm)}[measure]
    of_kind, of_right = (np.column_stack([np.bincount(owners, column, n_patients) for column in films.T])
                         for films in (kind, right))
    with np.errstate(invalid="ignore"):
        return np.where(of_kind > 0, of_right / of_kind, np.nan)


def read_by_patients(films: Films, thresholds: np.ndarray, measure: str, draws: Draws) -> ByPatients:
    """A measure at thresholds, counted by patients, with its interval; arguments as `shares_right`.

    Args:
        draws: of the films' patients.

    Raises:
        UsageError: another measure. ResamplingError: as `scored_films.check` and `Draws.owners`.
    """
    check(films)
    owners = draws.owners(films.patient_ids, films.image_ids)
    shares = shares_right(films, thresholds, measure, owners, len(draws.patients))
    some = ~np.isnan(shares)
    parts = []
    for counts in draws.batches():
        whole = some.T.astype(np.float64) @ counts
        with np.errstate(invalid="ignore"):
            parts.append(np.where(whole > 0, np.where(some, shares, 0).T @ counts / whole, np.nan))
    values = np.concatenate(parts, axis=1)
    return ByPatients(interval_of(values, ~np.isnan(values[:, 0])), some.sum(axis=0))
