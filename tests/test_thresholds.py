"""Fitted thresholds against brute force and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from cxrcore import thresholds
from cxrcore.findings import N_FINDINGS


def _wide(column, fill=0.0):
    wide = np.full((len(column), N_FINDINGS), fill, np.float32)
    wide[:, 0] = column
    return wide


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.int8, 25, elements=st.integers(0, 1)),
       hnp.arrays(np.float32, 25, elements=st.sampled_from(np.linspace(0, 1, 9, dtype=np.float32))))
def test_max_f1_is_the_best_of_every_distinct_score(labels, scores):
    fitted = thresholds.max_f1(_wide(labels), _wide(scores)).thresholds[0]
    best = thresholds.best_f1(_wide(labels), _wide(scores))[0]
    if not labels.any():
        assert fitted == 0.5
        assert np.isnan(best)
        return
    every = {float(t): f1_score(labels, scores.astype(np.float64) >= float(t)) for t in np.unique(scores)}
    assert best == max(every.values())
    assert fitted == max(t for t, value in every.items() if value == best)


def test_classic_is_the_best_of_the_grid():
    rng = np.random.default_rng(0)
    labels = (rng.random(500) < 0.1).astype(np.float32)
    scores = np.clip(rng.random(500) * 0.3 + 0.15 * labels, 0, 1).astype(np.float32)
    fitted = thresholds.classic(_wide(labels), _wide(scores)).thresholds[0]
    grid = [round(0.05 + i / 100, 2) for i in range(36)]
    values = [f1_score(labels, scores.astype(np.float64) >= t) for t in grid]
    assert grid[0] == 0.05 and grid[-1] == 0.40
    assert fitted == grid[int(np.argmax(values))]


def test_findings_that_cannot_be_fitted_are_named():
    labels = np.zeros((100, N_FINDINGS), np.float32)
    labels[:60, 0] = 1
    labels[:10, 1] = 1
    fitted = thresholds.max_f1(labels, np.random.default_rng(1).random(labels.shape).astype(np.float32))
    assert fitted.parameters["unstable"] == ["Cardiomegaly"]
    assert "Hernia" in fitted.parameters["not_fitted"] and "Atelectasis" not in fitted.parameters["not_fitted"]
    assert fitted.thresholds[13] == 0.5


def test_unknown_labels_do_not_take_part():
    labels, scores = _wide([1, np.nan, 0, 0]), _wide([0.6, 0.9, 0.4, 0.3])
    assert thresholds.max_f1(labels, scores).thresholds[0] == pytest.approx(0.6)
    assert thresholds.best_f1(labels, scores)[0] == 1


def test_films_without_a_score_do_not_take_part():
    labels, scores = _wide([1, 1, 0, 0]), _wide([0.6, np.nan, 0.4, np.nan])
    assert thresholds.max_f1(labels, scores).thresholds[0] == pytest.approx(0.6)
    assert thresholds.best_f1(labels, scores)[0] == 1
    assert np.isnan(thresholds.best_f1(_wide([1, 0]), _wide([np.nan, np.nan]))[0])
