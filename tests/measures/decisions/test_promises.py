"""Promises for new patients: exact positions against brute force, and how often they are broken in many samples."""

import clustered_films
import numpy as np
import pytest
from patient_samples import Population
from scipy.stats import binom

from cxrcore.errors import UsageError
from cxrcore.measures.decisions import promises
from cxrcore.measures.decisions.by_patients import read_by_patients
from cxrcore.measures.decisions.promises import DRAWN, RULES, Aim, drawing_ranks, fewest_patients, promise
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.store import Predictions

SIDES = {"recall": 1, "specificity": 0}


def one_score_a_patient(films, k, label, rule, seed):
    """The score that each patient counts by, patient by patient."""
    ranks, found = drawing_ranks(films.image_ids, seed), []
    for patient in np.unique(films.patient_ids):
        rows = np.flatnonzero((films.patient_ids == patient) & (films.labels[:, k] == label)
                              & ~np.isnan(films.scores[:, k]))
        if len(rows):
            scores = films.scores[rows, k]
            worst = scores.min() if label else scores.max()
            found.append(scores[np.argmin(ranks[rows])] if rule == DRAWN else worst)
    return np.array(found)


@pytest.fixture(scope="module")
def films():
    """Three findings of 200 patients; scores with ties, unknown labels and scores."""
    found = clustered_films.simulate(3, 200, (0.3, 0.15, 0.5))[0]
    found.labels[::11, 0], found.scores[::13, 1] = np.nan, np.nan
    return Predictions(found.image_ids, found.patient_ids, found.labels, np.round(found.scores, 3).astype(np.float32),
                       found.findings)


# -- recall and specificity


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("measure", SIDES)
def test_recall_and_specificity_are_the_exact_order_statistic(films, measure, rule):
    """Of all thresholds the farthest at which the binomial bound still holds."""
    for bound in (0.6, 0.8, 0.9):
        found = promise(films, Aim(measure, bound, rule=rule, seed=4))
        for k in range(3):
            scores = one_score_a_patient(films, k, SIDES[measure], rule, 4).astype(np.float64)
            n = len(scores)
            allowed = [e for e in range(n) if binom.cdf(e, n, 1 - bound) <= 0.05]
            assert found.patients[k] == n
            if not allowed:
                assert np.isnan(found.thresholds[k]) and found.needed[k] > n
                continue
            wrong = (scores < found.thresholds[k]) if SIDES[measure] else (scores >= found.thresholds[k])
            farther = np.unique(scores)
            farther = farther[farther > found.thresholds[k]] if SIDES[measure] else farther[
                farther < found.thresholds[k]]
            assert wrong.sum() <= max(allowed) and found.right[k] == n - wrong.sum() and found.needed[k] == 0
            for other in farther:
                broken = (scores < other) if SIDES[measure] else (scores >= other)
                assert broken.sum() > max(allowed)


def test_too_few_patients_are_told_how_many_would_do():
    assert fewest_patients(0.9) == 29 and 0.9**29 <= 0.05 < 0.9**28
    for bound in np.linspace(0.05, 0.999, 60):
        for error in (0.5, 0.05, 0.05 / 12, 0.001):
            n = fewest_patients(bound, error)
            assert bound**n <= error and (n == 1 or bound ** (n - 1) > error)
            assert promises.wrong_allowed(n, bound, error) == 0 or n == 1
            assert promises.wrong_allowed(n - 1, bound, error) == -1
    few = clustered_films.simulate(1, 16, (0.9999,))[0]
    found = promise(few, Aim("recall", 0.9))
    assert (found.patients, found.needed, np.isnan(found.thresholds).all()) == ([16], [29], True)
    nobody = promise(few, Aim("specificity", 0.9))
    assert (nobody.patients, nobody.needed) == ([0], [29]) and np.isnan(nobody.thresholds[0])


def broken_share(measure, bound, n_patients, samples, rule=DRAWN, **aim):
    """How often the promise is broken, over samples from a population whose own value is known."""
    whole, rng = Population(clustered_films.simulate(11, 3000, (0.25,) * 8)[0]), np.random.default_rng(5)
    broken = []
    for _ in range(samples):
        found = promise(whole.sample(n_patients, rng), Aim(measure, bound, rule=rule, **aim))
        broken.append(whole.value(found.thresholds, measure) < bound)
    return np.concatenate(broken)


@pytest.mark.parametrize("measure", promises.MEASURES)
def test_promises_are_broken_as_rarely_as_they_say(measure):
    """At most 5 % of the samples and two standard errors of that share."""
    broken = broken_share(measure, *((0.5, 250) if measure == "precision" else (0.8, 80)), 100)
    assert broken.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(broken))


def test_one_position_farther_breaks_them_more_often(monkeypatch):
    """So that the test above can fail: here one more patient may be wrong."""
    allowed = promises.wrong_allowed
    monkeypatch.setattr(promises, "wrong_allowed", lambda *given: allowed(*given) + 1)
    broken = broken_share("recall", 0.8, 80, 100)
    assert broken.mean() > 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(broken))


# -- precision


def in_sequence(films, k, aim):
    """As the docstring says, threshold by threshold: (threshold or NaN, patients, right)."""
    ranks, passed = drawing_ranks(films.image_ids, aim.seed), None
    known = ~np.isnan(films.labels[:, k]) & ~np.isnan(films.scores[:, k])
    scores, before = films.scores[:, k], set()
    for line in np.unique(scores[known])[::-1]:
        alarmed = {}
        for patient in np.unique(films.patient_ids[known & (scores >= line)]):
            rows = np.flatnonzero(known & (films.patient_ids == patient) & (scores >= line))
            labels = films.labels[rows, k]
            alarmed[patient] = labels[np.argmin(ranks[rows])] == 1 if aim.rule == DRAWN else (labels == 1).all()
        if len(alarmed) >= aim.beginning:
            n, right = len(alarmed), sum(alarmed.values())
            if passed is None and any(alarmed[patient] for patient in alarmed.keys() - before):
                n, right = n - 1, right - 1
            if binom.sf(right - 1, n, aim.bound) > aim.error:
                return passed or (np.nan, len(alarmed), sum(alarmed.values()))
            passed = float(line), len(alarmed), sum(alarmed.values())
        before = set(alarmed)
    return passed or (np.nan, len(before), sum(alarmed.values()))


@pytest.mark.parametrize("rule", RULES)
def test_precision_is_tested_in_sequence_from_the_fewest_alarms_on(rule):
    films, found = clustered_films.simulate(6, 120, (0.4, 0.15, 0.7))[0], []
    films = Predictions(films.image_ids, films.patient_ids, films.labels, np.round(films.scores, 2), films.findings)
    films.labels[::9, 1], films.scores[::8, 0] = np.nan, np.nan
    for bound in (0.2, 0.4, 0.6, 0.85):
        aim = Aim("precision", bound, rule=rule, seed=2, first_alarms=12)
        made = promise(films, aim)
        for k in range(3):
            wanted = in_sequence(films, k, aim)
            assert np.array_equal([made.thresholds[k], made.patients[k], made.right[k]], wanted, equal_nan=True)
            found.append(np.isnan(wanted[0]))
    assert 2 < sum(found) < 10


def test_precision_begins_where_a_test_can_pass():
    assert Aim("precision", 0.5).beginning == 30
    assert Aim("precision", 0.99).beginning == fewest_patients(0.99) + 1 == 300
    few = clustered_films.simulate(1, 16, (0.5,))[0]
    found = promise(few, Aim("precision", 0.5))
    assert np.isnan(found.thresholds[0]) and (found.patients, found.needed) == ([16], [30])


def test_precision_that_fails_at_once_says_how_many_right_ones_would_do():
    films = clustered_films.simulate(2, 300, (0.05,))[0]
    found = promise(films, Aim("precision", 0.9))
    assert np.isnan(found.thresholds[0]) and found.patients[0] == 30 > found.needed[0] - 1 > found.right[0]
    needed = int(found.needed[0])
    assert binom.sf(needed - 2, 29, 0.9) <= 0.05 < binom.sf(needed - 3, 29, 0.9)


# -- counting by patients


def test_the_drawn_film_depends_on_seed_and_name_alone(films):
    order = np.random.default_rng(0).permutation(len(films.image_ids))
    turned = Predictions(*(getattr(films, name)[order] for name in ("image_ids", "patient_ids", "labels", "scores")),
                         films.findings)
    for measure in promises.MEASURES:
        one, other, third = (promise(made, Aim(measure, 0.5, seed=seed)) for made, seed in (
            (films, 1), (turned, 1), (films, 2)))
        assert np.array_equal(one.thresholds, other.thresholds, equal_nan=True)
        assert not np.array_equal(one.thresholds, third.thresholds, equal_nan=True)


def test_the_rule_of_all_films_promises_more():
    films = clustered_films.simulate(9, 400, (0.3,))[0]
    drawn, whole = (promise(films, Aim("recall", 0.8, rule=rule)) for rule in RULES)
    assert whole.thresholds[0] < drawn.thresholds[0] and whole.patients[0] == drawn.patients[0]


def test_a_choice_among_networks_costs_confidence(films):
    free, paid = (promise(films, Aim("recall", 0.8, choices=choices)) for choices in (1, 8))
    assert (paid.thresholds < free.thresholds).all()
    assert np.array_equal(paid.thresholds, promise(films, Aim("recall", 0.8, 1 - 0.05 / 8)).thresholds)


def test_values_by_patients_weigh_every_patient_alike():
    names = np.array(list("abcdef"), object)
    films = Predictions(names, np.array(list("xxxyzz"), object), np.array([[1, 1, 1, 1, 0, 0]], float).T,
                        np.array([[0.9, 0.1, 0.1, 0.9, 0.9, 0.1]]).T, ("finding",))
    draws = patient_draws(films.patient_ids, films.image_ids, 400)
    wanted = {"recall": (1 / 3 + 1) / 2, "specificity": 0.5, "precision": 2 / 3}
    for measure, value in wanted.items():
        found = read_by_patients(films, np.array([0.5]), measure, draws)
        assert np.isclose(found.interval.point[0], value)
        assert found.interval.low[0] <= value <= found.interval.high[0]
    assert read_by_patients(films, np.array([0.5]), "recall", draws).patients[0] == 2
    assert np.isnan(read_by_patients(films, np.array([0.95]), "precision", draws).interval.point[0])


@pytest.mark.parametrize("wrong", [
    {"measure": "f1"}, {"bound": 0}, {"bound": 1}, {"bound": np.nan}, {"confidence": 0.4}, {"confidence": 1},
    {"rule": "all"}, {"seed": -1}, {"first_alarms": 0}, {"choices": 0}])
def test_an_aim_out_of_range_is_refused(wrong):
    with pytest.raises(UsageError):
        Aim(**({"measure": "recall", "bound": 0.9} | wrong))
