"""Plans from the draws at hand: more films make the interval as narrow as planned, and promises take the least."""

import numpy as np
import pytest
from scipy.stats import binom

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.planner import half_width_of
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import Resampled, difference, resample
from cxrcore.queries.decisions.plans import PLANNED, apart_plan, interval_plan, promise_in_words, seeds_in_words
from cxrcore.queries.repeats.of_run import Repeats
from cxrcore.store import Predictions

NAMES = ("Mass", "Hernia")
AT = np.array([0.55, 0.6])


def films(n, seed=0, better=0.0):
    """Films of n patients, two each, who are alike; nobody has the last finding."""
    rng = np.random.default_rng(seed)
    labels = np.column_stack([np.repeat(rng.random(n) < 0.3, 2), np.zeros(2 * n)]).astype(np.float32)
    logits = np.random.default_rng(seed + 1).normal(0, 1, labels.shape) + (1 + better) * labels
    ids = np.array([f"{i:06d}.png" for i in range(2 * n)])
    return Predictions(ids, np.repeat([f"p{i}" for i in range(n)], 2).astype(object), labels,
                       (1 / (1 + np.exp(-logits))).astype(np.float32), NAMES)


def measured(n, **made):
    held = films(n, **made)
    return resample(held, patient_draws(held.patient_ids, held.image_ids), PLANNED, AT)


@pytest.mark.parametrize("measure", PLANNED)
def test_as_many_films_as_planned_give_the_interval_that_was_wanted(measure):
    plan = interval_plan(measured(400), NAMES, measure, 0.03)
    assert np.isnan(plan["films"][1])  # no film has it
    needed = plan["films"][0]
    grown = interval_plan(measured(round(400 * needed / plan["positives"][0]), seed=5), NAMES, measure, 0.03)
    assert grown["half_width"][0] == pytest.approx(0.03, rel=0.15)  # other films, other draws


# -- what stands on the screen against simulation, at 20 settings

PATIENTS, PREVALENCE, SAMPLES = 150, 0.3, 2500


def sampled(measures, patients, films_each, alike, separation, rng):
    """Measures on so many samples of patients, who have the finding or not, with films that are alike."""
    has = np.repeat(rng.random((SAMPLES, patients)) < PREVALENCE, films_each, axis=1)
    own, shared = rng.standard_normal(has.shape, np.float32), rng.standard_normal((SAMPLES, patients), np.float32)
    score = separation * has + np.sqrt(alike) * np.repeat(shared, films_each, axis=1) + np.sqrt(1 - alike) * own
    alarm, m = score >= 0.7 * separation, has.sum(axis=1)
    tp, fp = (alarm & has).sum(axis=1), (alarm & ~has).sum(axis=1)
    found = {"recall": tp / m, "specificity": 1 - fp / (has.shape[1] - m), "precision": tp / (tp + fp)}
    if "auroc" in measures:
        rising = np.take_along_axis(has, np.argsort(score, axis=1), axis=1)
        found["auroc"] = (rising @ np.arange(1.0, has.shape[1] + 1) - m * (m + 1) / 2) / (m * (has.shape[1] - m))
    return found


@pytest.mark.parametrize(("films_each", "alike", "separation", "times"), [
    (1, 0.0, 1.2, 0.8), (2, 0.5, 1.0, 1.3), (3, 0.9, 2.0, 0.7), (2, 0.2, 1.6, 0.6), (4, 0.7, 1.4, 1.5)])
def test_the_films_on_the_screen_give_the_wanted_interval_within_5_percent(films_each, alike, separation, times):
    """Where the error is known well, as of many samples; 4 measures at 5 settings each."""
    rng = np.random.default_rng(8)
    found = sampled(PLANNED, PATIENTS, films_each, alike, separation, rng)
    films = PATIENTS * films_each
    n_positive = np.array([round(films * PREVALENCE)])
    held = Resampled({name: np.append(values.mean(), values)[None] for name, values in found.items()}, n_positive,
                     films - n_positive, films, PATIENTS, True, "samples")
    for measure in PLANNED:
        wanted = float(times * half_width_of(np.std(found[measure])))
        plan = interval_plan(held, ("Mass",), measure, wanted)
        patients = round(plan["films"][0] / PREVALENCE / films_each)
        again = sampled([measure], patients, films_each, alike, separation, rng)[measure]
        assert half_width_of(np.std(again)) == pytest.approx(wanted, rel=0.05), measure


def test_a_promise_takes_the_fewest_patients_whose_wrong_ones_show_it():
    said = promise_in_words(0.9, 0.95)
    assert said.startswith("29 patients if all of them are right, 46 if 1 is wrong")
    for wrong, part in enumerate(said.split(", ")):
        n = int(part.split()[0])
        assert binom.cdf(wrong, n, 0.1) <= 0.05 < binom.cdf(wrong, n - 1, 0.1)
    for bad in ((1, 0.95), (0, 0.95), (0.9, 1), (0.9, 0.2)):
        with pytest.raises(UsageError):
            promise_in_words(*bad)


def test_two_runs_that_differ_are_told_by_patients_and_equal_ones_by_none():
    one, other = measured(300), measured(300, better=0.2)
    plan = apart_plan(difference(one, other, "auroc"), NAMES, 300)
    change = difference(one, other, "auroc")
    z = 1.959964 + 0.841621
    assert plan["patients"][0] == np.ceil(300 * (z * change.error[0] / change.point[0]) ** 2)
    assert plan["finding"].tolist()[:2] == ["Mass", "Hernia"] and len(plan) == 3
    assert apart_plan(difference(one, one, "auroc"), NAMES, 300)["patients"].isna().all()


def test_what_another_seed_tells_is_said_or_what_is_missing():
    values = np.array([0.81, 0.83])
    said = seeds_in_words(Repeats(("a", "b"), (0, 1), values, float(values.std(ddof=1)), 0.01))
    assert said.startswith("2 seeds of this training differ by 0.0141") and "times the patients" in said
    assert "Only one seed" in seeds_in_words(Repeats(("a",), (0,), values[:1], np.nan, 0.01))
    assert "not recorded" in seeds_in_words(None)
