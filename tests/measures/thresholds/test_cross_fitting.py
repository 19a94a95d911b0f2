"""Cross-fitting over halves of the patients, against a loop by hand with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from cxrcore.errors import UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import confusion
from cxrcore.measures.thresholds import cross_fitting, fitting
from cxrcore.measures.thresholds.cross_fitting import cross_fitted, halves

HERNIA = NIH_FINDINGS.index("Hernia")


def films(n=600, n_patients=150, seed=0, signal=1.5, prevalence=0.2):
    """Labels with unknowns, scores, patients; every half has positives of every finding."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, len(NIH_FINDINGS))) < prevalence).astype(np.float32)
    scores = 1 / (1 + np.exp(-(rng.normal(size=labels.shape) + signal * labels - 1)))
    labels[rng.random(labels.shape) < 0.02] = np.nan
    patients = np.array([f"{p:05d}" for p in rng.integers(0, n_patients, n)], object)
    return labels, scores.astype(np.float32), patients


def test_the_same_as_a_loop_by_hand():
    labels, scores, patients = films(120, 50)
    crossed = cross_fitted(labels, scores, patients, "max_f1", seed=4)
    first = halves(patients, 4)
    for k in range(0, len(NIH_FINDINGS), 3):
        known = ~np.isnan(labels[:, k])
        decided = np.full(len(labels), False)
        for fit_on, read_on in ((first, ~first), (~first, first)):
            fit_on = fit_on & known
            truth, own = labels[fit_on, k], scores[fit_on, k].astype(np.float64)
            best = max(np.unique(own), key=lambda t, truth=truth, own=own: (f1_score(truth, own >= t), t))
            assert best in crossed.thresholds[:, k]
            decided[read_on] = scores[read_on, k].astype(np.float64) >= best
        tn, fp, fn, tp = confusion_matrix(labels[known, k], decided[known]).ravel()
        counts = crossed.counts
        assert (counts.tp[k], counts.fp[k], counts.fn[k], counts.tn[k]) == (tp, fp, fn, tn)
        assert counts.f1[k] == pytest.approx(f1_score(labels[known, k], decided[known]), abs=1e-12)


@pytest.mark.parametrize(("objective", "parameter"), [("recall", 0.8), ("youden", None), ("classic", None),
                                                      ("expected_f1", None)])
def test_each_half_is_fitted_as_any_films_are(objective, parameter):
    labels, scores, patients = films(seed=2)
    crossed = cross_fitted(labels, scores, patients, objective, parameter, seed=1)
    first = halves(patients, 1)
    for fitted, rows in zip(crossed.thresholds, (first, ~first), strict=True):
        assert (
            fitted == fitting.fit_thresholds(labels[rows], scores[rows], NIH_FINDINGS, objective, parameter).thresholds
        ).all()


def test_scores_that_know_nothing_look_better_where_they_were_fitted():
    """For noise, any F1 above that of alarming always is flattery, and cross-fitting takes it away."""
    apparent, crossed = [], []
    for seed in range(20):
        labels, scores, patients = films(seed=seed, signal=0, prevalence=0.1)
        fitted = fitting.max_f1(labels, scores, NIH_FINDINGS).thresholds
        apparent.append(np.nanmean(confusion(labels, scores, fitted).f1))
        crossed.append(np.nanmean(cross_fitted(labels, scores, patients, "max_f1", seed=seed).counts.f1))
    assert np.mean(apparent) > np.mean(crossed) + 0.01


def test_a_threshold_that_nobody_fits_is_not_flattered():
    labels, scores, patients = films()
    labels[:, HERNIA] = 0
    crossed = cross_fitted(labels, scores, patients, "fixed", 0.3)
    assert (crossed.thresholds == 0.3).all()
    plain = confusion(labels, scores, np.full(len(NIH_FINDINGS), 0.3))
    for name in ("tp", "fp", "fn", "tn"):
        assert (getattr(crossed.counts, name) == getattr(plain, name)).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=80), st.integers(0, 5))
def test_patients_stay_whole_and_the_halves_are_even(owners, seed):
    patients = np.array([str(owner) for owner in owners], object)
    first = halves(patients, seed)
    one, other = set(patients[first]), set(patients[~first])
    assert first.shape == patients.shape and first.dtype == bool
    assert not one & other and abs(len(one) - len(other)) <= 1


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(60)), st.integers(0, 3))
def test_the_order_of_films_does_not_matter(order, seed):
    labels, scores, patients = films(60, 25)
    order = np.array(order)
    assert (halves(patients[order], seed) == halves(patients, seed)[order]).all()
    plain = cross_fitted(labels, scores, patients, "max_f1", seed=seed)
    turned = cross_fitted(labels[order], scores[order], patients[order], "max_f1", seed=seed)
    np.testing.assert_array_equal(turned.thresholds, plain.thresholds)
    for name in ("tp", "fp", "fn", "tn"):
        np.testing.assert_array_equal(getattr(turned.counts, name), getattr(plain.counts, name))


def test_another_seed_draws_other_halves():
    patients = films()[2]
    assert (halves(patients, 0) == halves(patients, 0)).all()
    assert (halves(patients, 0) != halves(patients, 1)).any()


def test_a_finding_that_one_half_cannot_fit_is_left_out():
    labels, scores, patients = films()
    first = halves(patients)
    labels[~first, HERNIA] = 0
    scores[:, 0] = np.where(first & (labels[:, 0] == 1), np.nan, scores[:, 0])  # positives without a score
    crossed = cross_fitted(labels, scores, patients, "max_f1")
    assert np.isnan(crossed.thresholds[1, HERNIA]) and not np.isnan(crossed.thresholds[0, HERNIA])
    assert np.isnan(crossed.thresholds[0, 0]) and not np.isnan(crossed.thresholds[1, 0])
    for name in ("f1", "recall", "precision", "specificity"):
        assert np.isnan(getattr(crossed.counts, name)).nonzero()[0].tolist() == [0, HERNIA]
    assert crossed.counts.total().tp == crossed.counts.tp[1:HERNIA].sum()


def test_too_few_positives_to_calibrate_are_too_few_to_cross_fit():
    labels, scores, patients = films()
    first = halves(patients)
    for rows in (first, ~first):
        labels[np.flatnonzero(rows & (labels[:, HERNIA] == 1))[3:], HERNIA] = 0
    assert np.isnan(cross_fitted(labels, scores, patients, "expected_f1").counts.f1).nonzero()[0].tolist() == [HERNIA]
    assert not np.isnan(cross_fitted(labels, scores, patients, "max_f1").counts.f1).any()


def test_films_with_unknown_labels_or_without_scores_take_no_part():
    labels, scores, patients = films()
    labels[:50, 3], scores[50:80, 3] = np.nan, np.nan
    counts = cross_fitted(labels, scores, patients, "max_f1").counts
    taken = (~np.isnan(labels) & ~np.isnan(scores)).sum(axis=0)
    assert (counts.tp + counts.fp + counts.fn + counts.tn == taken).all()


@pytest.mark.parametrize("n", [0, 1, 3])
def test_one_patient_or_none_cannot_be_cross_fitted(n):
    labels = np.ones((n, len(NIH_FINDINGS)), np.float32)
    crossed = cross_fitted(labels, labels, np.array(["1"] * n, object), "max_f1")
    assert np.isnan(crossed.counts.f1).all() and crossed.thresholds.shape == (2, len(NIH_FINDINGS))


def test_unknown_objectives_are_refused():
    with pytest.raises(UsageError):
        cross_fitted(*films(), "luck")


# -- over several halvings


def test_halvings_are_the_cross_fits_of_their_seeds_and_count_positives():
    labels, scores, patients = films(300, 90, prevalence=0.1)
    scores[:40, 2] = np.nan
    heard = []
    found = cross_fitting.halvings(labels, scores, patients, "recall", 0.8, heard.append)
    assert found.f1.shape == (cross_fitting.HALVINGS, len(NIH_FINDINGS)) and len(np.unique(found.f1[:, 0])) > 5
    for seed in (0, 7, cross_fitting.HALVINGS - 1):
        alone = cross_fitted(labels, scores, patients, "recall", 0.8, seed).counts.f1
        np.testing.assert_array_equal(found.f1[seed], alone)
    assert found.positives.tolist() == [int(((labels[:, k] == 1) & ~np.isnan(scores[:, k])).sum())
                                        for k in range(len(NIH_FINDINGS))]
    assert heard == pytest.approx(np.arange(1, cross_fitting.HALVINGS + 1) / cross_fitting.HALVINGS)
    every = np.ones(len(NIH_FINDINGS), bool)
    assert found.macro(every) == pytest.approx(found.f1.mean(axis=1))
    assert found.macro(every).mean() == pytest.approx(found.mean.mean())


def test_a_finding_that_few_halvings_can_fit_has_no_mean():
    labels, scores, patients = films(400, 100)
    for k, positives in ((HERNIA, 1), (0, 2)):  # of one patient; of two, who stand in one half now and then
        labels[:, k] = 0
        _, first = np.unique(patients, return_index=True)
        labels[first[:positives], k] = 1
    found = cross_fitting.halvings(labels, scores, patients, "max_f1")
    lost = np.isnan(found.f1).sum(axis=0)
    assert lost[HERNIA] == cross_fitting.HALVINGS and 0 < lost[0] < cross_fitting.HALVINGS / 2
    assert np.isnan(found.mean[HERNIA]) and np.isnan(found.filled[:, HERNIA]).all()
    assert found.mean[0] == pytest.approx(np.nanmean(found.f1[:, 0]))
    assert not np.isnan(found.filled[:, 0]).any()
    assert found.macro(~np.isnan(found.mean)).mean() == pytest.approx(np.nanmean(found.mean))
    assert len(found.macro(np.zeros(len(NIH_FINDINGS), bool))) == 0


def test_fewer_positives_spread_wider():
    spreads = []
    for prevalence in (0.02, 0.3):
        labels, scores, patients = films(1500, 500, prevalence=prevalence)
        spreads.append(np.mean(np.std(cross_fitting.halvings(labels, scores, patients, "max_f1").filled, axis=0)))
    assert spreads[0] > 2 * spreads[1] > 0
