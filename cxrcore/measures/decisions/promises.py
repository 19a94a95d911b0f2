"""Thresholds that keep a recall, specificity or precision for new patients, with a confidence: no distribution assumed.

What is promised is counted by patients: the mean, over patients who have films of the kind, of the share of these films
that is right. Films of one patient are not independent, so a patient counts once. By the rule 'drawn' he counts by one
of his films of the kind, drawn with a stored seed: right with a chance of just that share. By 'whole' he counts as
right where all of his films of the kind are, which is at most that share, so the promise is kept more than it says.

Recall and specificity. Of n patients, the threshold is the exact order statistic: the highest (for specificity the
lowest) at which so few are wrong that this would happen to a threshold that breaks the promise with a chance of at most
1 - c, by the binomial distribution. Ties only add to the confidence. At least n patients with bound^n <= 1 - c.

Precision. Which patients count depends on the threshold: those with an alarm. At a threshold fixed beforehand the
number of them who are right is binomial, which gives an exact p-value. Thresholds are tested from the fewest alarms on,
each at the full 1 - c, until one fails, and the last that passed is taken (fixed-sequence testing): all thresholds
between two scores share their alarms, so nothing is skipped and there is no grid. The first test stands where as many
patients have an alarm as was fixed before looking. The patient whose score sets that place is no random one: there he
is left out if he is right, and the others, given his score, are binomial again. This is exact if precision, once it
has sunk to the bound below the beginning, stays there on the way down; if it rises and sinks anew there, the chance of
a broken promise can exceed 1 - c.

All of it holds for one finding at a time, and if nothing about the network was chosen on these patients; of a choice
among m networks, each has to keep the promise with (1 - c) / m (`Aim.choices`).

Sources: Clopper and Pearson, Biometrika 1934 (the binomial bound); Wilks, Annals of Mathematical Statistics 1941
(order statistics as bounds for any distribution); Bates et al., Distribution-free, risk-controlling prediction sets,
Journal of the ACM 2021; Angelopoulos et al., Learn then test, arXiv 2110.01052, 2021 (fixed-sequence testing of risks).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.core.util.hashing import hash_pandas_object
from scipy.special import bdtr, betainc

from cxrcore.errors import UsageError
from cxrcore.measures.intervals.draws import units
from cxrcore.measures.intervals.scored_films import Films, check
from cxrcore.measures.metrics import measured
from cxrcore.measures.thresholds.positions import UNREACHED

MEASURES = ("recall", "specificity", "precision")
DRAWN, WHOLE = RULES = ("drawn", "whole")
CONFIDENCE = 0.95
MAX_SEED = 2**31 - 1
FIRST_ALARMS = 30  # patients with an alarm where the tests of precision begin
_BLOCK = 1024  # positions tested at a time


@dataclass(frozen=True)
class Aim:
    """What is to be promised.

    Attributes:
        measure: of `MEASURES`.
        bound: the least value for new patients, in (0, 1).
        confidence: c, from 0.5 to below 1.
        rule: `DRAWN` or `WHOLE`, how a patient with several films of the kind counts once.
        seed: of the films that are drawn, from 0 to `MAX_SEED`.
        first_alarms: of precision: patients with an alarm at the first test, from 1; see `beginning`.
        choices: networks among which this one was chosen on the very patients, from 1.

    Raises:
        UsageError: one out of its range.
    """

    measure: str
    bound: float
    confidence: float = CONFIDENCE
    rule: str = DRAWN
    seed: int = 0
    first_alarms: int = FIRST_ALARMS
    choices: int = 1

    def __post_init__(self) -> None:
        for name, value, known in (("measure", self.measure, MEASURES), ("rule", self.rule, RULES)):
            if value not in known:
                raise UsageError(f"unknown {name} '{value}': a promise has one of {', '.join(known)}")
        if not 0 < self.bound < 1:
            raise UsageError(f"{self.measure} at least {self.bound:g} cannot be promised: take a number above 0 and "
                             "below 1")
        if not 0.5 <= self.confidence < 1:
            raise UsageError(f"confidence {self.confidence:g} is not from 0.5 to below 1")
        if not 0 <= self.seed <= MAX_SEED or self.first_alarms < 1 or self.choices < 1:
            raise UsageError(f"a promise needs a seed from 0 to {MAX_SEED}, and first alarms and choices from 1")

    @property
    def error(self) -> float:
        """The chance of a broken promise that is allowed to this network."""
        return (1 - self.confidence) / self.choices

    @property
    def fewest(self) -> int:
        """The fewest patients of the kind of whom all are right who show it: bound^n <= error."""
        return fewest_patients(self.bound, self.error)

    @property
    def beginning(self) -> int:
        """Patients with an alarm at the first test of precision: `first_alarms`, or so many that a test can pass."""
        return max(self.first_alarms, self.fewest + 1)


@dataclass(frozen=True)
class Promises:
    """The thresholds of k findings that keep an aim, each by itself.

    Attributes:
        thresholds: float64 (k,), in [0, 1] or `UNREACHED`; NaN where the patients are too few or too often wrong.
        patients: int64 (k,), who count: those with the finding (recall), without it (specificity), or with an alarm at
            the threshold (precision; where none passed: at the beginning, or all if they are fewer).
        right: int64 (k,), of them.
        needed: int64 (k,), where there is no threshold: how many would do, of patients where these are too few, else
            of right ones at the beginning; 0 where there is a threshold.
    """

    aim: Aim
    thresholds: np.ndarray
    patients: np.ndarray
    right: np.ndarray
    needed: np.ndarray


def fewest_patients(bound: float, error: float = 1 - CONFIDENCE) -> int:
    """The least n with bound^n <= error: with fewer patients nothing can be promised, even if all are right."""
    n = max(int(np.ceil(np.log(error) / np.log(bound))) - 1, 1)  # one less: a logarithm may round up
    while bound**n > error:
        n += 1
    return n


def wrong_allowed(patients: int, bound: float, error: float) -> int:
    """The most of n patients who may be wrong: the greatest e with P(Bin(n, 1 - bound) <= e) <= error; -1 for none."""
    tried = np.arange(int(patients * (1 - bound)) + 1)  # from its mean on a binomial's lower tail is over one half
    return int(np.searchsorted(bdtr(tried, patients, 1 - bound), error, side="right")) - 1


def promise(films: Films, aim: Aim) -> Promises:
    """The threshold of each finding that keeps the aim for new patients, exact over every score.

    Args:
        films: of the patients who stand for new ones; a film of an unknown patient stands alone.

    Raises:
        ResamplingError: films, labels or scores that are not as `scored_films.check` wants them.
    """
    check(films)
    owners, patients = pd.factorize(units(films.patient_ids, films.image_ids))
    owners = owners.astype(np.min_scalar_type(len(patients)))  # small numbers are sorted some times faster
    ranks = drawing_ranks(films.image_ids, aim.seed)
    of_one = {"recall": _recall, "specificity": _specificity, "precision": _precision}[aim.measure]
    known = measured(films.labels, films.scores)
    found = [of_one(_Kind(label[seen] == 1, score[seen], owners[seen], ranks[seen]), aim)
             for label, score, seen in zip(films.labels.T, films.scores.T, known.T, strict=True)]
    thresholds, *counts = zip(*found, strict=True) if found else ((), (), (), ())
    return Promises(aim, np.array(thresholds, np.float64), *(np.array(one, np.int64) for one in counts))


def drawing_ranks(image_ids: np.ndarray, seed: int) -> np.ndarray:
    """The order in which films are drawn, int64 (n,): of some films of a patient, the one of least rank is drawn.

    It follows from the seed and each film's name, so it does not depend on the order of the films.
    """
    names = pd.Series(np.asarray(image_ids, object))
    drawn = hash_pandas_object(names, index=False, hash_key=f"{seed:016d}").to_numpy()
    ranks = np.empty(len(drawn), np.int64)
    ranks[np.argsort(drawn, kind="stable")] = np.arange(len(drawn))
    return ranks


# -- recall and specificity


@dataclass(frozen=True)
class _Kind:
    """The measured films of one finding, m of them: bool label, score, int patient, int rank of drawing, each (m,)."""

    positive: np.ndarray
    scores: np.ndarray
    owners: np.ndarray
    ranks: np.ndarray


_Found = tuple[float, int, int, int]  # threshold, patients, right, needed


def _recall(kind: _Kind, aim: Aim) -> _Found:
    scores = np.sort(_one_a_patient(kind, kind.positive, aim.rule, np.minimum))
    place = wrong_allowed(len(scores), aim.bound, aim.error)
    if place < 0:
        return np.nan, len(scores), 0, aim.fewest
    threshold = float(scores[place])
    return threshold, len(scores), int((scores >= threshold).sum()), 0


def _specificity(kind: _Kind, aim: Aim) -> _Found:
    scores = np.sort(_one_a_patient(kind, ~kind.positive, aim.rule, np.maximum))[::-1]
    place = wrong_allowed(len(scores), aim.bound, aim.error)
    if place < 0:
        return np.nan, len(scores), 0, aim.fewest
    above = float(np.nextafter(scores[place], scores.dtype.type(2)))
    return min(above, UNREACHED), len(scores), int((scores <= scores[place]).sum()), 0


def _one_a_patient(kind: _Kind, rows: np.ndarray, rule: str, worst: np.ufunc) -> np.ndarray:
    """The score that each patient with such films counts by, of the films' type: of a drawn film, or the worst."""
    owners, scores = kind.owners[rows], kind.scores[rows]
    if not len(owners):
        return scores
    if rule == DRAWN:
        last_drawn = np.argsort(-kind.ranks[rows])
        first = np.full(int(owners.max()) + 1, -1)
        first[owners[last_drawn]] = last_drawn  # of several films of a patient the last one written stays
        return scores[first[first >= 0]]
    order = np.argsort(owners, kind="stable")
    return worst.reduceat(scores[order], np.unique(owners[order], return_index=True)[1])


# -- precision


def _precision(kind: _Kind, aim: Aim) -> _Found:
    lines, alarmed, right, spared = _alarms(kind, aim.rule)
    first = int(np.searchsorted(alarmed, aim.beginning))
    if first == len(lines):
        n = int(alarmed[-1]) if len(lines) else 0
        return np.nan, n, int(right[-1]) if n else 0, aim.beginning
    alarmed, right, lines = alarmed[first:], right[first:], lines[first:]
    at_first = _p_value(alarmed[0] - spared[first], right[0] - spared[first], aim.bound)
    if at_first > aim.error:
        return np.nan, int(alarmed[0]), int(right[0]), _right_needed(int(alarmed[0]), aim)
    passed = 1
    while passed < len(lines):
        block = slice(passed, passed + _BLOCK)
        failed = np.flatnonzero(_p_value(alarmed[block], right[block], aim.bound) > aim.error)
        if len(failed):
            passed += int(failed[0])
            break
        passed = min(passed + _BLOCK, len(lines))
    return float(lines[passed - 1]), int(alarmed[passed - 1]), int(right[passed - 1]), 0


def _alarms(kind: _Kind, rule: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is counted at each distinct score, falling: four arrays.

    They are the score, patients with an alarm, those of them who are right, and 1 where one of the right ones has his
    first alarm there.
    """
    order = np.argsort(-kind.scores, kind="stable")
    scores, own = kind.scores[order], kind.owners[order]
    by_patient = np.argsort(own, kind="stable")  # each patient's films together, highest score first
    patient, place = own[by_patient].astype(np.int64), np.arange(len(own))
    positive = kind.positive[order][by_patient]
    new = np.diff(patient, prepend=-1) != 0
    if rule == DRAWN:
        rank = kind.ranks[order][by_patient] - patient * (int(kind.ranks.max(initial=0)) + 1)  # lower for each patient
        drawn = np.maximum.accumulate(np.where(rank == np.minimum.accumulate(rank), place, 0))
        now = positive[drawn]
    else:
        wrong = np.cumsum(~positive)
        before = np.maximum.accumulate(np.where(new, wrong - ~positive, 0))
        now = wrong == before
    change = now.astype(np.int64)
    change[1:] -= np.where(new[1:], False, now[:-1])
    back = np.empty((3, len(own)), np.int64)
    back[:, by_patient] = new, change, new & now
    end = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else place
    alarmed, right, first_right = np.cumsum(back, axis=1)[:, end]
    return scores[end], alarmed, right, (np.diff(first_right, prepend=0) > 0).astype(np.int64)


def _p_value(alarmed: np.ndarray | int, right: np.ndarray, bound: float) -> np.ndarray:
    """P(Bin(alarmed, bound) >= right), if no more than the bound of all alarms are right."""
    return np.where(right > 0, betainc(np.maximum(right, 1), alarmed - right + 1, bound), 1.0)


def _right_needed(alarmed: int, aim: Aim) -> int:
    """How many of the patients at the beginning would have to be right."""
    tried = np.arange(1, alarmed + 1)
    return int(tried[np.argmax(_p_value(alarmed - 1, tried - 1, aim.bound) <= aim.error)])
