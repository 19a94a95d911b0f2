"""How sure a measure is, and whether two runs differ: patient-cluster bootstrap, pure numpy and scipy.

    draws = patient_draws(films.patient_ids, films.image_ids)     # once for all that is compared
    sure = resample(films, draws, ("auroc", "ap"))                # values in every draw, one plan a run
    sure.interval("auroc")                                        # each finding, then their macro mean
    run, reference = shared_films([run, reference])               # then draws of those, and resample each
    change = difference(resampled_run, resampled_reference, "auroc")
    verdicts(change.point[:MACRO], change.p[:MACRO], "auroc")     # Holm over the findings

Intervals are the central 95 % of the draws (percentiles). p-values come from the draws' standard error by a normal
distribution, since 1,000 draws cannot resolve the small p of a corrected family. A draw that leaves a measure undefined
(no positives, or none but positives) is dropped for that finding and counted.

The macro mean of a draw is taken over the findings that are defined on the films themselves, so that every draw speaks
of the same mean; a draw in which one of them is undefined is dropped for macro and counted. Where less than half of
the draws is left, there is no interval.

ECE is drawn upwards by chance, and resampled films add chance to chance: the percentiles of a well calibrated network
lie wholly above its true ECE. So ECE alone has another interval, at least 95 % by simulation (`_ece_edges`).

Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentiles, standard error); Field and Welsh,
Bootstrapping clustered data, J R Stat Soc B 2007; further ones in `draws`, `resampling`, `holm` and `delong`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from cxrcore.errors import ResamplingError, UsageError
from cxrcore.measures.intervals.draws import Draws, patient_draws
from cxrcore.measures.intervals.resampling import CALIBRATED, ECE_NOISE, MEASURES, RANKED, rank_plan, sum_plan
from cxrcore.measures.intervals.scored_films import Films, check, shared_films
from cxrcore.measures.metrics import THRESHOLDED, measured

LEVEL = 0.95
EDGES = (50 * (1 - LEVEL), 50 * (1 + LEVEL))  # percentiles
MACRO = -1  # where the macro mean stands, behind the findings
CELLS = 400_000  # films times findings that are worked on at a time: some 100 MB
MANY_POSITIVES = 100  # with fewer, intervals were not found to cover what they promise
PATIENTS_UNKNOWN = "patients unknown: too narrow"
PATIENTS_UNKNOWN_NOTE = "The table names no patients, so films were drawn one by one: intervals are too narrow."
NEEDS = {"auroc": (True, True), "specificity": (False, True), "precision": (False, False), "brier": (False, False),
         "ece": (False, False)}  # positives, negatives; other measures need positives alone


@dataclass(frozen=True)
class Interval:
    """A measure with its interval: float64 (k + 1,), the findings and, last, their macro mean.

    Attributes:
        point: on the films themselves, as `metrics` has it; NaN where undefined.
        low, high: the central 95 % of the draws.
        error: standard error, the draws' standard deviation.
        n_dropped: int64 (k + 1,), draws that were undefined; if more than half are, low, high and error are NaN.
        n_excluded: findings that are not in the macro mean.
    """

    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    n_dropped: np.ndarray
    n_excluded: int


@dataclass(frozen=True)
class Difference(Interval):
    """A first measure minus a second one within each draw, with its test.

    Attributes:
        z: point / error. p: two-sided, uncorrected, in [0, 1]. Where no draw differs from another, p is 1 for a
            difference of 0 and NaN (no test) for any other.
    """

    z: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class Resampled:
    """One run's measures on its films and in every draw.

    Attributes:
        values: {measure: float64 (k, 1 + draws)}, first on the films themselves; NaN where undefined.
        n_positive, n_negative: int64 (k,), films with and without each finding.
        n_films, n_patients: that were measured, for at least one of the findings.
        patients_known: if False, say `PATIENTS_UNKNOWN` beside every interval.
        draws_key: of the draws; equal keys may be subtracted.
    """

    values: dict[str, np.ndarray]
    n_positive: np.ndarray
    n_negative: np.ndarray
    n_films: int
    n_patients: int
    patients_known: bool
    draws_key: str

    @property
    def rare(self) -> np.ndarray:
        """Findings with fewer than `MANY_POSITIVES` positive films, whose intervals may be too narrow: bool (k,)."""
        return self.n_positive < MANY_POSITIVES

    def interval(self, measure: str) -> Interval:
        """The measure with its interval."""
        included = self.in_macro(measure)
        found = _summary(self.values[measure], included)
        if measure == "ece":
            found |= _ece_edges(found, self.values[ECE_NOISE], included)
        return Interval(**found)

    def in_macro(self, measure: str) -> np.ndarray:
        """Findings that the macro mean holds, by the rule of `metrics`: bool (k,)."""
        defined = ~np.isnan(self.values[measure][:, 0])
        return defined & (self.n_positive > 0) if measure == "precision" else defined

    def undefined(self, measure: str) -> dict[int, str]:
        """Why findings have no value: {its place: 'no known film', 'no positives', 'no negatives' or 'no alarms'}."""
        positives, negatives = NEEDS.get(measure, (True, False))
        return {int(k): self._reason(k, positives, negatives)
                for k in np.flatnonzero(np.isnan(self.values[measure][:, 0]))}

    def _reason(self, k: int, positives: bool, negatives: bool) -> str:
        if self.n_positive[k] + self.n_negative[k] == 0:
            return "no known film"
        if positives and self.n_positive[k] == 0:
            return "no positives"
        return "no negatives" if negatives and self.n_negative[k] == 0 else "no alarms"


def resample(
    films: Films,
    draws: Draws,
    measures: Sequence[str] = ("auroc", "ap"),
    thresholds: np.ndarray | None = None,
    told: Callable[[float], None] = lambda share: None,
) -> Resampled:
    """Measure a run in every draw, some findings and some draws at a time, so that memory grows with the films alone.

    Args:
        films: labels 1 / 0 / NaN and scores in [0, 1] or NaN, (n, k); an unknown label or score takes the film out of
            that finding only. They may be a part of the films whose patients were drawn, such as one sex.
        measures: of `MEASURES`.
        thresholds: float64 (k,), for F1, recall, precision and specificity; alarm where float64(score) >= threshold.
        told: hears the share of the work that is done, up to 1.

    Raises:
        ResamplingError: scores outside [0, 1], other labels, films without their patients in the draws, or of fewer
            than two of them.
        UsageError: an unknown measure, or one that needs thresholds without them.
    """
    _check_measures(measures, thresholds, films.labels.shape[1])
    check(films)
    labels, scores = np.asarray(films.labels, np.float64), films.scores
    owners = draws.owners(films.patient_ids, films.image_ids)
    if (own := len(np.unique(owners))) < 2:
        raise ResamplingError(f"films of {own} of the drawn patients: intervals need at least 2, take more films")
    at = np.asarray(thresholds, np.float64) if set(measures) & set(THRESHOLDED) else None
    blocks = np.array_split(np.arange(labels.shape[1]), min(labels.size // CELLS + 1, labels.shape[1]))
    parts = []
    for done, block in enumerate(blocks):
        parts.append(_in_draws(labels[:, block], scores[:, block], None if at is None else at[block], owners, draws,
                               measures, lambda share, done=done: told((done + share) / len(blocks))))
    known = measured(labels, scores)
    anywhere = known.any(axis=1)
    return Resampled({name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
                     (known & (labels == 1)).sum(axis=0), (known & (labels == 0)).sum(axis=0), int(anywhere.sum()),
                     len(np.unique(owners[anywhere])), draws.patients_known, draws.key)


def _in_draws(
    labels: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray | None,
    owners: np.ndarray,
    draws: Draws,
    measures: Sequence[str],
    told: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """{measure: (k, 1 + draws)} of some findings; arguments as `resample`, owners as `Draws.owners`."""
    n_patients = len(draws.patients)
    ranks = [rank_plan(*pair, owners, n_patients) for pair in zip(labels.T, scores.T, strict=True)
             if set(measures) & set(RANKED)]
    sums = sum_plan(labels, scores, thresholds, owners, n_patients, calibrated=bool(set(measures) & set(CALIBRATED)))
    parts, done = [], 0
    for counts in draws.batches():
        whole = counts.astype(np.float32)
        ranked = [plan.values(whole, measures) for plan in ranks]
        parts.append(sums.values(counts, measures)
                     | {name: np.stack([one[name] for one in ranked]) for name in RANKED if name in measures})
        done += counts.shape[1]
        told(done / (1 + draws.n_draws))
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}


def difference(first: Resampled, second: Resampled, measure: str) -> Difference:
    """A measure of the first minus that of the second, draw by draw: two runs on the same films, or two groups.

    The macro difference holds the findings that both define.

    Raises:
        ResamplingError: they were not measured in the same draws.
    """
    if first.draws_key != second.draws_key:
        raise ResamplingError("these were measured in other draws of patients: measure both in the same draws")
    included = first.in_macro(measure) & second.in_macro(measure)
    found = _summary(first.values[measure] - second.values[measure], included)
    point, error = found["point"], found["error"]
    certain = error < 1e-12  # rounding alone; a run against itself, or two that no draw changes
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(certain, np.where(np.abs(point) < 1e-12, 0.0, np.nan), point / error)
    return Difference(**found, z=z, p=2 * ndtr(-np.abs(z)))


def compare(
    first: Films,
    second: Films,
    measures: Sequence[str] = ("auroc", "ap"),
    thresholds: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
    **drawn: int,
) -> tuple[Resampled, Resampled]:
    """Two runs over the films that both have, in the same draws; `n_films` is the number of those films.

    Args:
        measures: as for `resample`.
        thresholds: of the first and of the second run.
        drawn: `n_draws` and `seed` of `patient_draws`.

    Raises:
        ResamplingError: as `shared_films`, `patient_draws` and `resample`.
    """
    pair = shared_films([first, second])
    draws = patient_draws(pair[0].patient_ids, pair[0].image_ids, **drawn)
    one, other = (resample(films, draws, measures, at) for films, at in zip(pair, thresholds, strict=True))
    return one, other


def interval_of(values: np.ndarray, included: np.ndarray) -> Interval:
    """The interval of a measure that follows from resampled ones.

    Args:
        values: float64 (k, 1 + draws), as of `Resampled`.
        included: bool (k,), the findings of the macro mean.
    """
    return Interval(**_summary(values, included))


def _summary(values: np.ndarray, included: np.ndarray) -> dict[str, Any]:
    """What `Interval` holds, of values (k, 1 + draws) and the findings of their macro mean."""
    rows = _with_macro(values, included)
    point, drawn = rows[:, 0], rows[:, 1:]
    dropped = np.isnan(drawn).sum(axis=1)
    enough = np.flatnonzero(~np.isnan(point) & (2 * dropped <= drawn.shape[1]))
    low, high, error = np.full((3, len(rows)), np.nan)
    if len(enough):
        low[enough], high[enough] = np.nanpercentile(drawn[enough], EDGES, axis=1)
        error[enough] = np.nanstd(drawn[enough], axis=1, ddof=1)
    return {"point": point, "low": low, "high": high, "error": error, "n_dropped": dropped,
            "n_excluded": int((~included).sum())}


def _ece_edges(found: dict[str, Any], noise: np.ndarray, included: np.ndarray) -> dict[str, np.ndarray]:
    """The interval of ECE.

    ECE adds up absolute gaps, so chance can only add to it: at most the noise, by the triangle inequality, which bounds
    it from below. From above the standard error is enough.
    """
    low, defined = found["low"].copy(), ~np.isnan(found["error"])
    most = np.nanpercentile(_with_macro(noise, included)[defined, 1:], EDGES[1], axis=1)
    low[defined] = np.maximum(found["point"][defined] - most, 0)
    return {"low": low, "high": found["point"] + ndtri(EDGES[1] / 100) * found["error"]}


def _with_macro(values: np.ndarray, included: np.ndarray) -> np.ndarray:
    macro = values[included].mean(axis=0) if included.any() else np.full(values.shape[1], np.nan)
    return np.vstack([values, macro])


def _check_measures(measures: Sequence[str], thresholds: np.ndarray | None, k: int) -> None:
    if strange := set(measures) - set(MEASURES):
        raise UsageError(f"unknown measure '{min(strange)}': expected some of {', '.join(MEASURES)}")
    if set(measures) & set(THRESHOLDED) and (thresholds is None or np.shape(thresholds) != (k,)):
        raise UsageError(f"{', '.join(sorted(set(measures) & set(THRESHOLDED)))} need one threshold for each of the "
                         f"{k} findings")
