"""Whether a network serves some groups of patients worse: measures of each group, the gap between two, a shortcut.

    groups = GROUPINGS["sex"](images)                             # images in the order of the films
    draws = patient_draws(films.patient_ids, films.image_ids)     # of all films: one draw serves every group
    found = {name: measure_group(subset(films, groups.place == place), draws, thresholds) ...}
    gaps(found, "M", "recall")                                    # each other group minus M, draw by draw

A gap is a measure of one group minus that of another: in recall it is the TPR of A minus the TPR of B (the gap of
equal opportunity). A finding that a group has on fewer than `MIN_POSITIVES` films is suppressed there, in every
measure.

Draws cannot show how unsure a rate of few films is: where none of 12 films raises an alarm, no draw has one. So rates
of fewer than `MANY_POSITIVES` films have intervals that hold Wilson's, and their gaps a standard error that is at least
that of two proportions under no gap. Both take films as independent; draws, which do not, make them wider where they
can. Pure numpy, scipy and pandas.

Sources: Hardt, Price and Srebro, Equality of opportunity in supervised learning, NeurIPS 2016 (gaps in TPR and FPR);
Seyyed-Kalantari et al., CheXclusion: fairness gaps in deep chest X-ray classifiers, Pacific Symposium on Biocomputing
2021 (the same on films of the chest); Zech et al., PLoS Medicine 2018 (the view as a shortcut); Wilson, J Am Stat Assoc
1927 (his interval); Fleiss, Statistical methods for rates and proportions, 1981 (two proportions).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.intervals.holm import ALPHA, holm
from cxrcore.measures.intervals.intervals import (
    EDGES,
    MACRO,
    MANY_POSITIVES,
    Difference,
    Interval,
    Resampled,
    difference,
    resample,
)
from cxrcore.measures.intervals.scored_films import AnyFilms, subset

MIN_POSITIVES = 10
MIN_PATIENTS = 2  # as intervals need
MEASURES = ("auroc", "recall", "false_alarm")
AGE_EDGES = (0, 20, 40, 60, 80)  # where the bands begin; the last one ends with `OLDEST`
AGE_BANDS = ("0-19", "20-39", "40-59", "60-79", "80+")
OLDEST = 100  # years; NIH's table holds ages such as 412
EDGE = float(ndtri(EDGES[1] / 100))  # of an interval, in standard errors
HIGHER, LOWER, TIED, UNTESTED = "higher", "lower", "tied", "untested"


@dataclass(frozen=True)
class Groups:
    """Which group each film belongs to.

    Attributes:
        names: of the groups, in order.
        place: int64 (n,), each film's place among the names; -1 where it is unknown.
    """

    names: tuple[str, ...]
    place: np.ndarray

    @property
    def n_films(self) -> np.ndarray:
        """Films of each group: int64 (g,)."""
        return np.bincount(self.place[self.place >= 0], minlength=len(self.names))

    @property
    def n_unknown(self) -> int:
        """Films whose group nobody knows."""
        return int((self.place < 0).sum())

    def n_patients(self, owners: np.ndarray) -> np.ndarray:
        """Patients of each group: int64 (g,); one whose films lie in several groups counts in each.

        Args:
            owners: int (n,), as `Draws.owners`.
        """
        return np.array([len(np.unique(owners[self.place == place])) for place in range(len(self.names))])


# -- groupings: frames of `Store.images`, a row a film


def by_sex(images: pd.DataFrame) -> Groups:
    """F and M; anything else is unknown."""
    return _by_word(images["sex"], ("F", "M"))


def by_view(images: pd.DataFrame) -> Groups:
    """PA and AP; anything else is unknown."""
    return _by_word(images["view"], ("PA", "AP"))


def by_age(images: pd.DataFrame) -> Groups:
    """Bands of 20 years, by the age on the film's day; missing, negative and over `OLDEST` years are unknown."""
    age = _numbers(images["age"])
    band = np.searchsorted(AGE_EDGES, age, side="right") - 1  # NaN sorts behind all
    return Groups(AGE_BANDS, np.where((age >= 0) & (age <= OLDEST), band, -1))


def by_order(images: pd.DataFrame) -> Groups:
    """The patient's first film in the data set (follow-up number 0) and all later ones.

    By the number and not by which films were measured: in a part of the films the earliest may be a late one. Missing
    and negative numbers are unknown.
    """
    number = _numbers(images["follow_up"])
    return Groups(("first", "later"), np.select([number == 0, number > 0], [0, 1], -1))


GROUPINGS = {"sex": by_sex, "age": by_age, "view": by_view, "order": by_order}


def _by_word(column: pd.Series, words: Sequence[str]) -> Groups:
    return Groups(tuple(words), pd.Index(words).get_indexer(column.astype(object)))


def _numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)


# -- measures of a group


def measure_group(films: AnyFilms, draws: Draws, thresholds: np.ndarray,
                  told: Callable[[float], None] = lambda share: None) -> Resampled:
    """The `MEASURES` of one group's films in every draw; NaN where they are suppressed or undefined.

    Args:
        films: of the group.
        draws: of the patients of all films, whatever their group.
        thresholds: float64 (k,); false alarms are FP / (FP + TN).
        told: hears the share of the work that is done.

    Raises:
        ResamplingError: as `resample`, and so for films of fewer than `MIN_PATIENTS` patients.
    """
    found = resample(films, draws, ("auroc", "recall", "specificity"), thresholds, told)
    return _without_few(found, {name: found.values[name] for name in ("auroc", "recall")}
                        | {"false_alarm": 1 - found.values["specificity"]})


def suppressed(found: Resampled) -> np.ndarray:
    """Findings with fewer than `MIN_POSITIVES` positive films: bool (k,)."""
    return found.n_positive < MIN_POSITIVES


def _without_few(found: Resampled, values: Mapping[str, np.ndarray]) -> Resampled:
    few = suppressed(found)[:, None]
    return replace(found, values={name: np.where(few, np.nan, value) for name, value in values.items()})


def intervals(found: Mapping[str, Resampled], measure: str) -> dict[str, Interval]:
    """Each group's measure; the macro means are over the findings that all groups have, so that they compare."""
    common = np.all([one.in_macro(measure) for one in found.values()], axis=0)[:, None]
    made = {}
    for name, one in found.items():
        own = one.interval(measure)
        alike = replace(one, values={measure: np.where(common, one.values[measure], np.nan)}).interval(measure)
        own = replace(own, **_with_wilson(one, own, measure))
        parts = {field: np.append(getattr(own, field)[:MACRO], getattr(alike, field)[MACRO])
                 for field in ("point", "low", "high", "error", "n_dropped")}
        made[name] = Interval(**parts, n_excluded=alike.n_excluded)
    return made


def _films_of(found: Resampled, measure: str) -> np.ndarray:
    """How many films a rate is a share of: int64 (k,)."""
    return found.n_positive if measure == "recall" else found.n_negative


def _with_wilson(found: Resampled, own: Interval, measure: str) -> dict[str, np.ndarray]:
    """Low and high that hold Wilson's interval too where a rate is one of few films."""
    low, high = own.low.copy(), own.high.copy()
    if measure == "auroc":
        return {"low": low, "high": high}
    n, rate = np.maximum(_films_of(found, measure), 1), own.point[:MACRO]
    middle = (rate + EDGE**2 / (2 * n)) / (1 + EDGE**2 / n)
    reach = EDGE / (1 + EDGE**2 / n) * np.sqrt(rate * (1 - rate) / n + EDGE**2 / (4 * n**2))
    few = n < MANY_POSITIVES
    low[:MACRO] = np.where(few, np.fmin(low[:MACRO], np.maximum(middle - reach, 0)), low[:MACRO])
    high[:MACRO] = np.where(few, np.fmax(high[:MACRO], np.minimum(middle + reach, 1)), high[:MACRO])
    return {"low": low, "high": high}


# -- gaps


@dataclass(frozen=True)
class Gap:
    """A measure of one group minus that of the reference group; arrays (k + 1,), the findings and their macro mean.

    Attributes:
        name: of the group.
        change: the gap with its interval; macro over the findings that both groups have.
        p: corrected by Holm: the findings over all groups as one family, the macro means as another.
        words: 'higher', 'lower', 'tied' or 'untested', by the corrected p.
    """

    name: str
    change: Difference
    p: np.ndarray
    words: np.ndarray


def gaps(found: Mapping[str, Resampled], reference: str, measure: str) -> list[Gap]:
    """Each other group against the reference, in the same draws.

    Raises:
        ResamplingError: the groups were not measured in the same draws.
    """
    changes = {name: _gap(one, found[reference], measure) for name, one in found.items() if name != reference}
    if not changes:
        return []
    p = np.array([change.p for change in changes.values()])
    p = np.hstack([holm(p[:, :MACRO]), holm(p[:, MACRO:])])
    return [Gap(name, change, own, _words(change.point, own))
            for (name, change), own in zip(changes.items(), p, strict=True)]


def _gap(first: Resampled, second: Resampled, measure: str) -> Difference:
    """The difference with a standard error that few films cannot make too small."""
    change = difference(first, second, measure)
    if measure == "auroc":
        return change
    n = [np.maximum(_films_of(one, measure), 1) for one in (first, second)]
    alarms = [one.values[measure][:, 0] * films for one, films in zip((first, second), n, strict=True)]
    both = np.sum(alarms, axis=0) / np.sum(n, axis=0)
    least = np.where(np.minimum(*n) < MANY_POSITIVES, both * (1 - both) * (1 / n[0] + 1 / n[1]), 0)
    missing = np.fmax(least - change.error[:MACRO]**2, 0)
    shown = ~np.isnan(change.point[:MACRO])
    of_macro = missing[shown].sum() / max(shown.sum(), 1)**2
    added = np.append(missing, of_macro)
    error = np.where(added > 0, np.sqrt(np.nan_to_num(change.error)**2 + added), change.error)
    point, wider = change.point, added > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(wider, point / error, change.z)
    return replace(change, error=error, z=z, p=np.where(wider, 2 * ndtr(-np.abs(z)), change.p),
                   low=np.where(wider, np.fmin(change.low, point - EDGE * error), change.low),
                   high=np.where(wider, np.fmax(change.high, point + EDGE * error), change.high))


def _words(point: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.select([np.isnan(p), p > ALPHA, point > 0], [UNTESTED, TIED, HIGHER], LOWER)


# -- the shortcut


def view_alone(films: AnyFilms, views: Groups, draws: Draws,
               told: Callable[[float], None] = lambda share: None) -> tuple[Resampled, Resampled]:
    """How well AP-or-not orders the films of each label, and how well the run does on the same films: AUROC.

    Films of unknown view are left out. An AUROC under 0.5 says that the label is likelier on PA films.

    Args:
        views: as `by_view`.
        told: hears the share of the work that is done.

    Raises:
        ResamplingError: as `resample`.
    """
    known = views.place >= 0
    films, is_ap = subset(films, known), views.place[known] == views.names.index("AP")
    said = replace(films, scores=np.where(np.isnan(films.scores), np.nan, is_ap[:, None]).astype(np.float32))
    found = [resample(one, draws, ("auroc",), told=lambda share, done=done: told((done + share) / 2))
             for done, one in enumerate((said, films))]
    views_alone, the_run = (_without_few(one, one.values) for one in found)
    return views_alone, the_run
