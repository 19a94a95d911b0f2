"""Bands of curves: equal to resampled films read by scikit-learn, and as wide as the curve truly moves."""

import numpy as np
import pytest
from clustered_films import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from sklearn.metrics import precision_recall_curve
from sklearn.metrics import roc_curve as sklearn_roc

from cxrcore.measures.intervals.curve_bands import CURVES, STEPS, in_draws, summed_up
from cxrcore.measures.intervals.draws import patient_draws

EXACT = 1e-9
REPEATS = 120
PLACES = (26, 64, 128, 192)  # of the grid: false positive rates, or recalls, of 0.1 to 0.75


@st.composite
def findings(draw):
    """Labels (some unknown), float32 scores with ties from none to all, and patients of 1 to many films."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(3, 400))
    labels = (rng.random(n) < draw(st.sampled_from([0.02, 0.3, 0.9]))).astype(np.float32)
    labels[rng.random(n) < draw(st.sampled_from([0, 0.1]))] = np.nan
    scores = rng.beta(1 + np.nan_to_num(labels), 3)
    levels = draw(st.sampled_from([None, 1, 4, 30]))
    patients = rng.integers(0, draw(st.sampled_from([2, 20, 400])), n).astype(str).astype(object)
    patients[:2] = ["a", "b"]
    return labels, (scores if levels is None else np.round(scores * levels) / levels).astype(np.float32), patients


def by_hand(labels, scores, curve, grid):
    """The curve of resampled films on the grid, as scikit-learn gives it."""
    if not (labels == 1).any() or (curve == "roc" and not (labels == 0).any()):
        return np.full(len(grid), np.nan)
    if curve == "roc":
        fpr, recall, _ = sklearn_roc(labels, scores.astype(float), drop_intermediate=False)
        return np.interp(grid, fpr, recall)
    precision, recall, _ = precision_recall_curve(labels, scores.astype(float))
    precision, recall = precision[-2::-1], recall[-2::-1]  # from the highest threshold; without the point of none
    return precision[np.searchsorted(recall, grid)]


@settings(max_examples=50, deadline=None)
@given(findings(), st.sampled_from(CURVES))
def test_every_draw_is_the_curve_of_the_resampled_films(finding, curve):
    labels, scores, patients = finding
    draws = patient_draws(patients, np.arange(len(labels)).astype(str), 12, seed=3)
    owners = draws.owners(patients, np.arange(len(labels)).astype(str))
    grid, found = in_draws(labels, scores, owners, draws, curve)
    known = ~np.isnan(labels)
    for draw, values in enumerate(found):
        films = np.repeat(np.flatnonzero(known), draws.counts[owners[known], draw])
        expected = by_hand(labels[films], scores[films], curve, grid)
        assert np.allclose(values, expected, rtol=0, atol=EXACT, equal_nan=True)


def test_the_band_holds_the_middle_of_the_draws_that_are_defined():
    labels, scores = np.array([1, 0, 0, 1.0, 0, 1]), np.array([0.9, 0.8, 0.2, 0.6, 0.4, 0.3], np.float32)
    owners = np.array([0, 0, 1, 2, 3, 3])
    draws = patient_draws(owners.astype(str).astype(object), np.array(list("abcdef"), object), 300)
    _, values = in_draws(labels, scores, owners, draws, "roc")
    defined = values[~np.isnan(values[:, 0])]
    found = summed_up(*in_draws(labels, scores, owners, draws, "roc"))
    assert 0 < found.undefined == 300 - len(defined) and found.draws == len(defined)
    assert np.allclose([found.low, found.high], np.quantile(defined, [0.025, 0.975], axis=0), rtol=0, atol=EXACT)
    assert np.array_equal(found.x, np.arange(STEPS + 1) / STEPS) and found.high[-1] == 1


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("label", [np.nan, 0.0])
def test_films_without_positives_have_no_band(curve, label):
    draws = patient_draws(np.array(["a", "b"], object), np.array(["x", "y"], object), 20)
    found = summed_up(*in_draws(np.full(2, label), np.array([0.1, 0.2]), np.arange(2), draws, curve))
    assert np.isnan([found.low, found.high]).all() and (found.draws, found.undefined) == (0, 20)


@pytest.mark.parametrize("curve", CURVES)
def test_bands_hold_the_true_curve_as_often_as_they_say(curve):
    """Films of one patient resemble each other, so a band that drew films would be too narrow."""
    prevalence, separation = 0.15, 1.2
    held, held_by_films = np.zeros(len(PLACES)), np.zeros(len(PLACES))
    for seed in range(REPEATS):
        [films] = simulate([seed, 77], n_patients=200, prevalence=(prevalence,), separation=separation)
        for counter, patients in ((held, films.patient_ids), (held_by_films, films.image_ids)):
            draws = patient_draws(patients, films.image_ids, 200, seed)
            owners = draws.owners(patients, films.image_ids)
            found = summed_up(*in_draws(films.labels[:, 0], films.scores[:, 0], owners, draws, curve))
            at = np.searchsorted(found.x, np.array(PLACES) / STEPS)
            truth = _truth(found.x[at], curve, prevalence, separation)
            counter += (found.low[at] <= truth) & (truth <= found.high[at])
    assert ((held / REPEATS > 0.88) & (held / REPEATS < 0.99)).all()
    assert held_by_films.sum() < held.sum() - 0.03 * REPEATS * len(PLACES)


def _truth(x, curve, prevalence, separation):
    """Of endlessly many films: scores of films without the finding are normal, with it `separation` further up."""
    if curve == "roc":
        return ndtr(separation + ndtri(x))
    tp, fp = prevalence * x, (1 - prevalence) * ndtr(ndtri(x) - separation)
    return tp / (tp + fp)
