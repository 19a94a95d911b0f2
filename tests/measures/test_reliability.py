"""Reliability of a finding: bins and counts against a loop over films, intervals against scipy and by simulation."""

import numpy as np
import pytest
from clustered_films import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cxrcore.measures import calibration
from cxrcore.measures.reliability import design_effect, finding_reliability, wilson

REPEATS = 400


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.3, 0.95]), st.sampled_from([None, 1, 3, 40]),
       st.integers(1, 500))
def test_bins_hold_the_films_that_they_say(seed, prevalence, levels, n):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < prevalence).astype(np.float32)
    labels[rng.random(n) < 0.1] = np.nan
    scores = rng.beta(1, 4, n)
    scores = (scores if levels is None else np.round(scores * levels) / levels).astype(np.float32)
    found = finding_reliability(labels, scores, rng.integers(0, 40, n))
    assert (found.positives, found.negatives) == ((labels == 1).sum(), (labels == 0).sum())
    assert found.n.sum() == found.positives + found.negatives and found.hits.sum() == found.positives
    assert len(found.n) <= calibration.BINS and (found.n > 0).all() and (np.diff(found.score) > 0).all()
    assert np.allclose(found.observed, found.hits / found.n)
    assert np.isclose((found.score * found.n).sum(), scores[~np.isnan(labels)].sum(dtype=np.float64))
    assert (found.low <= found.observed).all() and (found.observed <= found.high).all()
    if found.n.size and levels is None:
        assert found.n.max() - found.n.min() <= 2  # equally many


def test_a_finding_without_films_has_no_bins_and_no_numbers():
    found = finding_reliability(np.full(3, np.nan), np.full(3, 0.5), np.arange(3))
    assert not len(found.n) and np.isnan([found.ece, found.brier]).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (3, 20), (20, 20), (1, 1706), (0, 1)])
def test_wilson_equals_scipys(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert np.allclose(wilson(np.array([hits / n]), np.array([n])), [[expected.low], [expected.high]], atol=1e-12)


def test_the_design_effect_counts_films_that_say_the_same():
    """Four films a patient that always agree are worth one; a patient's own film each, one each."""
    positive, place = np.repeat([True, False, False, True, False], 4), np.zeros(20, int)
    assert design_effect(positive, place, np.repeat(np.arange(5), 4), 1) == pytest.approx(4)
    assert design_effect(positive, place, np.arange(20), 1) == pytest.approx(1)
    assert (design_effect(np.zeros(20, bool), place, np.arange(20), 2) == 1).all()


def test_intervals_hold_the_true_share_as_often_as_they_say():
    """Of patients whose films resemble each other; Wilson's own interval, of films, is too narrow."""
    held, alone, n = 0, 0, 0
    for seed in range(REPEATS):
        [films] = simulate([seed, 5], n_patients=200, prevalence=(0.2,), alike=0.8, separation=0)
        scores = np.full(len(films.labels), 0.3)  # one bin of all films, whose true share is the prevalence
        found = finding_reliability(films.labels[:, 0], scores, films.patient_ids.astype(int))
        low, high = wilson(found.observed, found.n)
        held += int(found.low[0] <= 0.2 <= found.high[0])
        alone += int(low[0] <= 0.2 <= high[0])
        n += 1
    assert 0.92 <= held / n <= 0.98
    assert alone / n < 0.9
