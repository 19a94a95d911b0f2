"""DeLong's variance and test: documented values, the definition by loops, and edge cases."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from cxrcore.measures.intervals.delong import delong


def test_the_iris_case_of_roc_comparison():
    """Value of the test in github.com/yandexdataschool/roc_comparison (MIT)."""
    flowers = load_iris()
    train, test, known, labels = train_test_split(flowers.data, flowers.target == 1, test_size=0.8, random_state=42)
    scores = LogisticRegression(solver="lbfgs").fit(train, known).predict_proba(test)[:, 1]
    found = delong(labels.astype(float), scores[:, None])
    assert found.auroc[0] == pytest.approx(0.8176638176638177, abs=1e-12)
    assert found.covariance[0, 0] == pytest.approx(0.0015359814789736538, abs=1e-10)


def test_the_documented_example_of_pauc():
    """pypi.org/project/pauc 0.1.7: AUC 0.708, interval from 0.378 to 1 (clipped)."""
    labels = np.array([0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1.0])
    scores = np.array([0.1, 0.35, 0.24, 0.8, 0.2, 0.85, 0.13, 0.85, 0.74, 0.58, 0.71, 0.25])
    found = delong(labels, scores[:, None])
    error = np.sqrt(found.covariance[0, 0])
    assert round(found.auroc[0], 3) == 0.708
    assert found.covariance[0, 0] == pytest.approx(0.0284722, abs=1e-7)
    assert found.auroc[0] - 1.959964 * error == pytest.approx(0.378, abs=5e-4)
    assert found.auroc[0] + 1.959964 * error > 1


def test_the_example_of_mlstatkit():
    """Its scores A rank all four films right, B three of four pairs; z is positive where the first is the better."""
    scores = np.array([[0.10, 0.20], [0.40, 0.30], [0.35, 0.40], [0.80, 0.70]])
    found = delong(np.array([0, 1, 0, 1.0]), scores)
    np.testing.assert_allclose(found.auroc, [1.0, 0.75])
    assert found.covariance[0, 0] + found.covariance[1, 1] - 2 * found.covariance[0, 1] == pytest.approx(0.125)
    assert found.test() == pytest.approx((0.70711, 0.47950), abs=1e-5)
    assert found.test(1, 0) == pytest.approx((-0.70711, 0.47950), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 12), st.sampled_from([3, 1000]))
def test_the_same_as_the_definition_pair_by_pair(seed, m, n, levels):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1.0, 0.0], [m, n]))
    scores = rng.integers(0, levels, (m + n, 2)) / levels
    wins = [np.sign(np.subtract.outer(s[labels == 1], s[labels == 0])) / 2 + 0.5 for s in scores.T]
    expected = (np.cov([w.mean(axis=1) for w in wins]) / m + np.cov([w.mean(axis=0) for w in wins]) / n)
    found = delong(labels, scores)
    np.testing.assert_allclose(found.covariance, expected, atol=1e-14)
    np.testing.assert_allclose(found.auroc, [roc_auc_score(labels, s) for s in scores.T], atol=1e-14)


def test_unknown_films_are_left_out():
    rng = np.random.default_rng(0)
    labels, scores = (rng.random(60) < 0.4).astype(float), rng.random((60, 2))
    gaps = labels.copy()
    gaps[:10] = np.nan
    missing = scores.copy()
    missing[10:20, 1] = np.nan
    found, expected = delong(gaps, missing), delong(labels[20:], scores[20:])
    np.testing.assert_array_equal(found.covariance, expected.covariance)


@pytest.mark.parametrize(("labels", "defined"), [([1, 1, 1], False), ([0, 0, 0], False), ([np.nan] * 3, False),
                                                 ([1, 0, 0], True)])
def test_too_few_films_of_a_kind_are_nan(labels, defined):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = delong(np.array(labels, float), np.array([[0.1, 0.4], [0.5, 0.2], [0.3, 0.3]]))
    assert np.isnan(found.auroc).any() != defined
    assert np.isnan(found.covariance).all() and np.isnan(found.test()).all()


def test_equal_scores_have_no_test():
    scores = np.random.default_rng(0).random(30)
    assert np.isnan(delong((np.arange(30) % 3 == 0).astype(float), np.column_stack([scores, scores])).test()).all()
