"""Plans against simulation: at the number that is planned, the width, the power or the error is the one wanted."""

import numpy as np
import pytest

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.planner import (
    clustering,
    films_for_share,
    patients_for_width,
    patients_to_tell_apart,
    positives_for_auroc,
    positives_for_precision,
    seeds_or_patients,
)

Z, NEAR = 1.959964, 0.05  # relative
TRIALS = 20_000


def half_width(values):
    return Z * np.std(values)


@pytest.mark.parametrize(("share", "wanted", "alike"), [
    (0.5, 0.05, 0), (0.8, 0.05, 0), (0.9, 0.03, 0), (0.95, 0.02, 0.4), (0.7, 0.1, 0.6), (0.6, 0.03, 0.3)])
def test_films_for_recall(share, wanted, alike):
    """Patients of three films; a share `alike` of them decide by the patient, the others by the film."""
    rng = np.random.default_rng(1)

    def drawn(films):
        patients = -(-films // 3)
        right = rng.random((TRIALS // 10, patients, 3)) < share
        same = rng.random((TRIALS // 10, patients)) < alike
        return np.where(same[..., None], right[..., :1], right).mean(axis=(1, 2))

    effect = clustering(np.std(drawn(900)), share, 900)
    assert abs(effect - (1 + 2 * alike)) < 0.25
    n = films_for_share(share, wanted, clustered=1 + 2 * alike)
    assert abs(half_width(drawn(n)) / wanted - 1) < NEAR


@pytest.mark.parametrize(("precision", "recall", "wanted"), [
    (0.3, 0.8, 0.05), (0.5, 0.5, 0.04), (0.1, 0.95, 0.03), (0.8, 0.3, 0.05)])
def test_positives_for_precision(precision, recall, wanted):
    """Films are drawn, a fortieth of them with the finding, so how many have it is chance too."""
    rng = np.random.default_rng(2)
    n = positives_for_precision(precision, recall, wanted)
    positives = rng.binomial(40 * n, 1 / 40, TRIALS)
    negatives = 40 * n - positives
    tp = rng.binomial(positives, recall)
    fp = rng.binomial(negatives, recall * (1 - precision) / precision / 39)
    assert abs(half_width(tp / (tp + fp)) / wanted - 1) < NEAR


@pytest.mark.parametrize(("area", "wanted", "each"), [
    (0.8, 0.05, 4), (0.7, 0.04, 1), (0.9, 0.03, 9), (0.75, 0.06, 20), (0.85, 0.02, 2)])
def test_positives_for_auroc(area, wanted, each):
    """Exponential scores, whose variance is that of Hanley and McNeil."""
    rng = np.random.default_rng(3)
    m = positives_for_auroc(area, wanted, each)
    n, found = round(each * m), []
    for _ in range(2500):
        positives = rng.exponential(area / (1 - area), m)
        below = np.searchsorted(np.sort(rng.exponential(1, n)), positives)
        found.append(below.sum() / (m * n))
    assert abs(np.mean(found) - area) < 0.01
    assert abs(half_width(found) / wanted - 1) < NEAR


@pytest.mark.parametrize(("one", "other", "agree"), [(0.8, 0.75, 0.5), (0.6, 0.5, 0.0), (0.9, 0.87, 0.8)])
def test_patients_to_tell_two_runs_apart(one, other, agree):
    """Paired right-or-wrong answers of two runs; a share `agree` of the patients gets both by one draw."""
    rng = np.random.default_rng(4)

    def differences(patients, trials):
        same, a, b = rng.random((3, trials, patients), np.float32)
        return (a < one).astype(np.int8) - (np.where(same < agree, a, b) < other)

    at_hand = differences(2000, 20)
    error = np.std(at_hand) / np.sqrt(500)
    n = patients_to_tell_apart(500, one - other, error)
    drawn = differences(n, 3000)
    z = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(n))
    assert abs((np.abs(z) > Z).mean() / 0.8 - 1) < NEAR


@pytest.mark.parametrize(("spread", "seeds", "error"), [(0.004, 3, 0.003), (0.01, 2, 0.004), (0.002, 5, 0.006),
                                                        (0.02, 1, 0.004)])
def test_another_seed_against_more_patients(spread, seeds, error):
    rng = np.random.default_rng(5)

    def spread_of_means(seeds, patients):
        of_seeds = rng.normal(0, spread, (TRIALS, seeds)).mean(axis=1)
        return np.std(of_seeds + rng.normal(0, error / np.sqrt(patients), TRIALS))

    plan = seeds_or_patients(spread, seeds, error)
    assert abs(spread_of_means(seeds, 1) / plan.now - 1) < NEAR
    assert abs(spread_of_means(seeds + 1, 1) / plan.another_seed - 1) < NEAR
    assert abs(spread_of_means(seeds, 2) / plan.twice_the_patients - 1) < NEAR
    if np.isfinite(plan.patients_worth_a_seed):
        assert abs(spread_of_means(seeds, plan.patients_worth_a_seed) / plan.another_seed - 1) < NEAR
    else:
        assert spread_of_means(seeds, 1e9) > plan.another_seed


def test_errors_fall_with_the_root_of_the_patients():
    assert patients_for_width(400, 0.02, 0.01 * Z) == 1600
    assert patients_for_width(400, 0.02, 0.04 * Z) == 100


@pytest.mark.parametrize("ask", [
    lambda: films_for_share(1, 0.05), lambda: films_for_share(0.5, 0), lambda: films_for_share(0.5, np.nan),
    lambda: films_for_share(0.5, 0.1, level=1), lambda: positives_for_precision(0.5, 0, 0.1),
    lambda: positives_for_auroc(0.5, 0.1, 0), lambda: patients_to_tell_apart(100, 0, 0.1),
    lambda: patients_to_tell_apart(100, 0.1, 0.1, power=1), lambda: patients_for_width(10, np.nan, 0.1),
    lambda: seeds_or_patients(0.1, 0, 0.1), lambda: seeds_or_patients(np.nan, 2, 0.1)])
def test_what_is_out_of_range_is_refused(ask):
    with pytest.raises(UsageError):
        ask()


def test_what_has_no_spread_has_no_clustering():
    assert np.isnan(clustering(0.1, 1.0, 10)) and np.isnan(clustering(0.1, 0.5, 0))
