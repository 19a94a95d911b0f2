"""Differences of two runs, and of two groups, within shared draws; films that runs share; verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from clustered_films import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from cxrcore.errors import ResamplingError
from cxrcore.measures.intervals.delong import delong
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.holm import verdicts
from cxrcore.measures.intervals.intervals import MACRO, compare, difference, resample
from cxrcore.measures.intervals.resampling import MEASURES
from cxrcore.measures.intervals.scored_films import shared_films, subset
from cxrcore.store import Predictions

HALF = np.full(3, 0.5)


def run(seed=0, n=300, n_patients=60, signal=0.3) -> Predictions:
    """The same films for every seed, with other scores."""
    rng, own = np.random.default_rng(100), np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < 0.3).astype(np.float32)
    labels[rng.random((n, 3)) < 0.05] = np.nan
    patients = np.array([f"p{p}" for p in rng.integers(0, n_patients, n)], object)
    scores = np.clip(signal * np.nan_to_num(labels) + (1 - signal) * own.random((n, 3)), 0, 1)
    return Predictions(np.array([f"{i:05d}.png" for i in range(n)], object), patients, labels,
                       scores.astype(np.float32), tuple(f"f{k}" for k in range(labels.shape[1])))


# -- differences


def test_a_run_does_not_differ_from_itself():
    for measure in MEASURES:
        same = difference(*compare(run(), run(), [measure], (HALF, HALF), n_draws=100), measure)
        for name in ("point", "low", "high", "error", "z"):
            assert (getattr(same, name) == 0).all(), (measure, name)
        assert (same.p == 1).all()
        assert (verdicts(same.point, same.p, measure).words == "tied").all()


def test_both_runs_see_the_same_patients_in_every_draw():
    one, other = run(1), run(2)
    resampled = compare(one, other, n_draws=40)
    draws = patient_draws(one.patient_ids, one.image_ids, 40)
    change = resampled[0].values["auroc"] - resampled[1].values["auroc"]
    for column in (0, 13, 39):
        times = dict(zip(draws.patients, draws.counts[:, column], strict=True))
        rows = np.repeat(np.arange(300), [times[patient] for patient in one.patient_ids])
        rows = rows[~np.isnan(one.labels[rows, 1])]
        expected = np.subtract(*(roc_auc_score(one.labels[rows, 1], of.scores[rows, 1]) for of in (one, other)))
        assert change[1, column + 1] == pytest.approx(expected, abs=1e-12)


def test_the_difference_has_the_interval_and_the_test_of_its_draws():
    resampled = compare(run(1, signal=0.35), run(2), n_draws=300)
    change, values = difference(*resampled, "auroc"), resampled[0].values["auroc"] - resampled[1].values["auroc"]
    values = np.vstack([values, values.mean(axis=0)])
    np.testing.assert_array_equal(change.point, values[:, 0])
    np.testing.assert_allclose([change.low, change.high], np.percentile(values[:, 1:], [2.5, 97.5], axis=1))
    np.testing.assert_allclose(change.z, values[:, 0] / values[:, 1:].std(axis=1, ddof=1))
    np.testing.assert_allclose(change.p, 2 * ndtr(-np.abs(change.z)))
    back = difference(*resampled[::-1], "auroc")
    np.testing.assert_allclose([back.low, back.z, back.p], [-change.high, -change.z, change.p])


def test_the_macro_difference_holds_what_both_define():
    one, other = run(1), run(2)
    one.scores[:, 2] = np.nan  # a run that knows two of three findings
    change = difference(*compare(one, other, n_draws=100), "auroc")
    assert np.isnan(change.point[2]) and change.n_excluded == 1
    assert change.point[MACRO] == pytest.approx(change.point[:2].mean(), abs=1e-15)
    back = difference(*compare(other, one, n_draws=100), "auroc")
    np.testing.assert_allclose(back.point, -change.point)
    words = verdicts(change.point[:MACRO], change.p[:MACRO], "auroc")
    assert words.words[2] == "untested" and words.n_tests == 2


def test_certainty_without_any_spread_is_no_test():
    """Every draw says the same, of a run that is always right and one that says nothing."""
    one = run()
    right = replace(one, scores=np.nan_to_num(one.labels))
    constant = replace(one, scores=np.full_like(one.scores, 0.3))
    change = difference(*compare(right, constant, n_draws=50), "auroc")
    assert (change.point == 0.5).all() and (change.error == 0).all()
    assert np.isnan(change.p).all()
    assert (verdicts(change.point, change.p, "auroc").words == "untested").all()


def test_other_draws_cannot_be_subtracted():
    of = run()
    one, other = (resample(of, patient_draws(of.patient_ids, of.image_ids, 20, seed)) for seed in (0, 1))
    with pytest.raises(ResamplingError, match="same draws"):
        difference(one, other, "auroc")


def test_delong_agrees_where_every_patient_has_one_film():
    one, other = simulate(3, n_patients=800, n_runs=2)
    first = np.unique(one.patient_ids, return_index=True)[1]
    one, other = subset(one, first), subset(other, first)
    change = difference(*compare(one, other, n_draws=4000), "auroc")
    check = delong(one.labels[:, 0], np.column_stack([one.scores, other.scores]))
    z, p = check.test()
    assert change.point[0] == pytest.approx(check.auroc[0] - check.auroc[1], abs=1e-12)
    assert change.z[0] == pytest.approx(z, rel=0.06)  # 4 standard errors of a spread of 4,000 draws are 4.5 %
    assert change.p[0] == pytest.approx(p, abs=0.06)


def test_delong_is_too_sure_where_patients_have_many_films():
    one, other = simulate(4, n_patients=600, alike=0.9, n_runs=2)
    change = difference(*compare(one, other), "auroc")
    covariance = delong(one.labels[:, 0], np.column_stack([one.scores, other.scores])).covariance
    assert np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) < 0.8 * change.error[0]


def test_a_planted_gap_between_groups_is_found():
    """One draw of patients serves both groups; 3,000 positives a group, one misses 0.07 more."""
    rng = np.random.default_rng(0)
    women = np.repeat(rng.random(4000) < 0.5, 2)  # two films a patient
    labels = np.ones((8000, 1), np.float32)
    missed = rng.random(8000) < np.where(women, 0.27, 0.20)
    patients = np.repeat(np.arange(4000).astype(str).astype(object), 2)
    of = Predictions(np.arange(8000).astype(str).astype(object), patients, labels,
                     np.where(missed, 0.2, 0.8)[:, None], tuple(f"f{k}" for k in range(labels.shape[1])))
    draws = patient_draws(patients, of.image_ids)
    groups = [resample(subset(of, rows), draws, ["recall"], np.array([0.5])) for rows in (women, ~women)]
    assert min(group.n_positive[0] for group in groups) > 3000
    gap = difference(*groups, "recall")
    assert gap.point[0] == pytest.approx(-0.07, abs=0.02)
    assert gap.low[0] < -0.07 < gap.high[0] < 0
    assert gap.error[0] == pytest.approx(np.sqrt(0.27 * 0.73 / 4000 + 0.2 * 0.8 / 4000), rel=0.15)


@pytest.mark.parametrize(("measure", "expected"), [("auroc", "better"), ("ap", "better"), ("brier", "better"),
                                                   ("ece", "worse"), ("f1", "better")])
def test_a_verdict_knows_which_way_is_up(measure, expected):
    """The first run ranks far better, and its scores are further from being probabilities."""
    good, bad = simulate(5, n_patients=600, separation=2.5)[0], simulate(5, n_patients=600, separation=0.5)[0]
    if measure == "ece":
        good = replace(good, scores=np.sqrt(good.scores))
    change = difference(*compare(good, bad, [measure], (HALF[:1], HALF[:1]), n_draws=300), measure)
    assert verdicts(change.point, change.p, measure).words.tolist() == [expected] * 2


# -- shared films


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_only_shared_films_count_whatever_their_order(seed):
    rng = np.random.default_rng(seed)
    one, other = run(1), run(2)
    mine, theirs = rng.permutation(300)[:200], rng.permutation(300)[:200]
    first, second = shared_films([subset(one, mine), subset(other, theirs)])
    assert set(first.image_ids) == set(one.image_ids[mine]) & set(one.image_ids[theirs])
    rows = [list(one.image_ids).index(name) for name in first.image_ids]
    np.testing.assert_array_equal(first.scores, one.scores[rows])
    np.testing.assert_array_equal(second.scores, other.scores[rows])
    np.testing.assert_array_equal(second.labels, one.labels[rows])
    assert (second.image_ids == first.image_ids).all() and (second.patient_ids == one.patient_ids[rows]).all()


def test_a_film_without_a_score_in_one_run_leaves_the_finding_in_both():
    one, other = run(1), run(2)
    one.scores[:40, 0] = np.nan
    one.scores[:, 2] = np.nan  # never scored: the other keeps it
    first, second = shared_films([one, other])
    assert np.isnan(second.scores).sum(axis=0).tolist() == [40, 0, 0]
    assert np.isnan(first.scores).sum(axis=0).tolist() == [40, 0, 300]
    assert not np.isnan(other.scores).any()  # nobody's films are changed


def test_patients_that_one_run_knows_serve_both():
    one = run(1)
    nobody = replace(run(2), patient_ids=np.full(300, None, object))
    for pair in ([one, nobody], [nobody, one]):
        for films in shared_films(pair):
            assert (films.patient_ids == one.patient_ids).all()


def test_three_runs_share_the_films_that_all_have():
    parts = [subset(run(seed), slice(30 * seed, 200 + 30 * seed)) for seed in range(3)]
    assert [films.image_ids.tolist() for films in shared_films(parts)] == [parts[0].image_ids[60:].tolist()] * 3


def test_runs_that_cannot_be_compared_are_refused_by_name():
    of = run()
    with pytest.raises(ResamplingError, match="no film in common"):
        compare(subset(of, slice(0, 100)), subset(of, slice(100, 300)))
    relabelled = replace(of, labels=np.where(np.arange(300)[:, None] < 7, 1 - of.labels, of.labels))
    with pytest.raises(ResamplingError, match="7 shared films carry other labels"):
        compare(of, relabelled)
    with pytest.raises(ResamplingError, match="other labels"):
        compare(of, replace(of, labels=np.nan_to_num(of.labels)))
    renamed = replace(of, patient_ids="x" + of.patient_ids)
    with pytest.raises(ResamplingError, match="300 shared films belong to other patients"):
        compare(of, renamed)
    with pytest.raises(ResamplingError, match="at least 2"):
        compare(*(subset(of, of.patient_ids == "p3") for _ in range(2)))
