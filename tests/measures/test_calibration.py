"""Calibration: measures against reference values, maps against scikit-learn and known truths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from cxrcore.errors import UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import calibration
from cxrcore.measures.curves import logit


def films(n=6000, seed=0, distort=lambda z: z, base=-2.0):
    """True probabilities p, labels drawn from them, and scores whose logits are distorted."""
    rng = np.random.default_rng(seed)
    z = rng.normal(base, 1.4, (n, len(NIH_FINDINGS)))
    labels = (rng.random(z.shape) < expit(z)).astype(np.float32)
    return expit(z), labels, expit(distort(z)).astype(np.float32)


def test_ece_gives_torchmetrics_documented_value():
    labels, scores = np.array([0, 0, 1, 1, 1.0]), np.array([0.25, 0.25, 0.55, 0.75, 0.75])
    assert calibration.ece(labels, scores, 2) == pytest.approx(0.29)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int8, 60, elements=st.integers(0, 1)),
       hnp.arrays(np.float32, 60, elements=st.floats(0, 1, width=32)))
def test_measures_equal_scikit_learn(labels, scores):
    assert calibration.brier(labels.astype(float), scores) == pytest.approx(
        brier_score_loss(labels, scores.astype(np.float64), pos_label=1))
    found = calibration.reliability(labels.astype(float), scores, 10)
    assert found.n.sum() == 60
    assert 0 <= calibration.ece(labels.astype(float), scores) <= 1


def test_reliability_curves_equal_scikit_learn():
    _, labels, scores = films()
    observed, score = calibration_curve(labels[:, 0], scores[:, 0], n_bins=10, strategy="quantile")
    found = calibration.reliability(labels[:, 0], scores[:, 0], 10, equal_films=True)
    np.testing.assert_allclose(found.observed, observed, atol=0.01)
    np.testing.assert_allclose(found.score, score, atol=0.01)


def test_unknown_labels_and_scores_take_no_part():
    labels, scores = np.array([1, 0, np.nan, 1, 0]), np.array([0.9, 0.2, 0.9, np.nan, 0.4])
    known = (labels[[0, 1, 4]], scores[[0, 1, 4]])
    assert calibration.brier(labels, scores) == calibration.brier(*known)
    assert calibration.ece(labels, scores) == calibration.ece(*known)
    assert np.isnan(calibration.ece(np.full(3, np.nan), np.ones(3)))
    assert np.isnan(calibration.brier(np.full(3, np.nan), np.ones(3)))


@pytest.mark.parametrize("method", calibration.METHODS)
@pytest.mark.parametrize("distort", [lambda z: 2 * z + 1, lambda z: z + 3, lambda z: 0.4 * z],
                         ids=["both", "bias", "scale"])
def test_a_map_fitted_on_val_mends_test(method, distort):
    _, val_labels, val_scores = films(distort=distort)
    truth, labels, scores = films(seed=1, distort=distort)
    fitted = calibration.fit_calibrator(val_labels, val_scores, NIH_FINDINGS, method)
    before, after = (calibration.calibrated_measures(labels, made) for made in (scores, fitted(scores)))
    assert after["ece"].mean() < 0.35 * before["ece"].mean() and after["ece"].max() < 0.03
    assert after["brier"].mean() < before["brier"].mean()
    assert np.abs(fitted(scores) - truth).mean() < (0.01 if method == "platt" else 0.03)


def test_platt_finds_scale_and_bias_and_keeps_the_order():
    _, labels, scores = films(n=40_000, distort=lambda z: 2 * z + 1)
    fitted = calibration.fit_calibrator(labels, scores, NIH_FINDINGS)
    for finding in NIH_FINDINGS:
        assert fitted.maps[finding]["scale"] == pytest.approx(0.5, abs=0.04)
        assert fitted.maps[finding]["bias"] == pytest.approx(-0.5, abs=0.08)
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(logit(scores[:, 0])[:, None], labels[:, 0])
    assert fitted.maps[NIH_FINDINGS[0]]["scale"] == pytest.approx(plain.coef_[0, 0], rel=1e-3)
    made = fitted(scores)[:, 0]
    assert roc_auc_score(labels[:, 0], made) == pytest.approx(roc_auc_score(labels[:, 0], scores[:, 0]), abs=1e-6)


def test_separable_scores_stay_finite():
    labels = np.zeros((200, len(NIH_FINDINGS)), np.float32)
    labels[:50] = 1
    scores = np.where(labels == 1, 0.9, 0.1).astype(np.float32)
    made = calibration.fit_calibrator(labels, scores, NIH_FINDINGS)(scores)
    assert np.isfinite(made).all() and (made[:50] > 0.9).all() and (made[50:] < 0.1).all()


def test_a_finding_with_too_few_films_has_no_probability():
    _, labels, scores = films(n=500)
    labels[:, 2] = 0
    labels[:4, 2] = 1
    labels[:, 3] = np.nan
    for method in calibration.METHODS:
        fitted = calibration.fit_calibrator(labels, scores, NIH_FINDINGS, method)
        assert fitted.unfitted == NIH_FINDINGS[2:4]
        assert np.isnan(fitted(scores)).any(axis=0).nonzero()[0].tolist() == [2, 3]
        assert np.isnan(fitted(scores)[:, 2:4]).all()


@pytest.mark.parametrize(("probability", "positives", "shown"), [
    (0.3, 14, "0.3"), (0.02, 14, "0.02"), (0.3, 1400, "0.30"), (0.02, 1400, "0.020"), (0.123456, 10**6, "0.1235"),
    (0.98, 50, "0.98"), (0.98, 5, "> 0.9"), (0.9999, 5, "> 0.99"), (2e-5, 40, "< 0.0001"), (0.0, 40, "< 0.0001"),
    (1.0, 40, "> 0.9999"), (0.5, 5, "0.5")])
def test_a_probability_has_no_more_digits_than_its_films_bear(probability, positives, shown):
    assert calibration.in_digits(probability, positives) == shown


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-4, 1 - 1e-4), st.integers(1, 10**5))
def test_the_last_digit_is_that_of_the_standard_error(p, positives):
    """More films never take a digit away, and what is written is not off by more than the error, about."""
    text = calibration.in_digits(p, positives)
    error, decimals = p * np.sqrt((1 - p) / positives), len(text.split(".")[1])
    assert decimals <= len(calibration.in_digits(p, 4 * positives).split(".")[1])
    if 1 < decimals < calibration.MOST_DECIMALS:
        assert 10**-0.5 - 1e-9 <= error / 10.0**-decimals <= 10**0.5 + 1e-9


def test_an_unknown_method_is_one_line():
    with pytest.raises(UsageError, match="platt, isotonic"):
        calibration.fit_calibrator(*films(n=50)[1:], NIH_FINDINGS, "magic")


def test_scores_that_are_no_probabilities_are_named():
    _, labels, scores = films()
    assert calibration.not_probabilities(labels, scores, NIH_FINDINGS) == []
    scores[:, 4] = expit(logit(scores[:, 4]) + 3)
    assert calibration.not_probabilities(labels, scores, NIH_FINDINGS) == [NIH_FINDINGS[4]]


def test_expected_f1_is_the_best_of_every_cut():
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(1, 6, 300), 2)
    cuts = np.unique(p)
    expected = [2 * p[p >= cut].sum() / ((p >= cut).sum() + p.sum()) for cut in cuts]
    assert calibration.expected_f1_threshold(p, p) == cuts[np.argmax(expected)]


def test_expected_f1_comes_near_the_best_f1_where_probabilities_are_right():
    truth, labels, scores = films(n=30_000)
    for k in range(3):
        at = calibration.expected_f1_threshold(scores[:, k], truth[:, k])
        cuts = np.quantile(scores[:, k], np.linspace(0, 1, 80))
        best = max(f1_score(labels[:, k], scores[:, k] >= cut) for cut in cuts)
        assert f1_score(labels[:, k], scores[:, k].astype(np.float64) >= at) > best - 0.01
