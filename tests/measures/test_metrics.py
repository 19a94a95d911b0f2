"""Measures against scikit-learn and torchmetrics' documented values; edge cases by the table of the design."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as reference

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import metrics

rng = np.random.default_rng(0)


def _many(n=400, k=14):
    labels = (rng.random((n, k)) < 0.2).astype(np.float32)
    return labels, np.clip(0.3 * labels + 0.7 * rng.random((n, k)), 0, 1).astype(np.float32)


def test_ranking_measures_give_torchmetrics_documented_values():
    scores = np.array([[0.75, 0.05, 0.35], [0.45, 0.75, 0.05], [0.05, 0.55, 0.75], [0.05, 0.65, 0.05]])
    labels = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]], np.float32)
    np.testing.assert_allclose(metrics.per_finding(metrics.auroc, labels, scores), [0.625, 0.5, 0.8333], atol=1e-4)
    np.testing.assert_allclose(metrics.per_finding(metrics.average_precision, labels, scores), [0.75, 0.5833, 0.9167],
                               atol=1e-4)


def test_f1_gives_torchmetrics_documented_values():
    labels = np.array([[0, 1, 0], [1, 0, 1]], np.float32)
    scores = np.array([[0.11, 0.22, 0.84], [0.73, 0.33, 0.92]])
    f1 = metrics.confusion(labels, scores, np.full(3, 0.5)).f1
    np.testing.assert_allclose(f1, [1, 0, 2 / 3])
    assert metrics.macro(f1)[0] == pytest.approx(0.5556, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int8, 30, elements=st.integers(0, 1)),
       hnp.arrays(np.float32, 30, elements=st.floats(0, 1, width=32)), st.floats(0, 1))
def test_every_measure_at_a_threshold_equals_scikit_learn(labels, scores, threshold):
    decided = scores.astype(np.float64) >= threshold
    counts = metrics.confusion(labels[:, None].astype(np.float32), scores[:, None], np.array([threshold]))
    tn, fp, fn, tp = reference.confusion_matrix(labels, decided, labels=[0, 1]).ravel()
    assert (counts.tp[0], counts.fp[0], counts.fn[0], counts.tn[0]) == (tp, fp, fn, tn)
    if labels.any():
        assert counts.f1[0] == reference.f1_score(labels, decided)
        assert counts.recall[0] == reference.recall_score(labels, decided)
    if decided.any():
        assert counts.precision[0] == reference.precision_score(labels, decided)


def test_a_score_equal_to_the_threshold_is_an_alarm_in_double_precision():
    score = np.float32(0.1)  # 0.10000000149 as a double
    labels = np.ones((1, 1), np.float32)
    assert metrics.confusion(labels, score.reshape(1, 1), np.array([float(score)])).tp[0] == 1
    assert metrics.confusion(labels, score.reshape(1, 1), np.array([0.1])).tp[0] == 1
    assert metrics.confusion(labels, score.reshape(1, 1), np.array([np.nextafter(float(score), 1)])).tp[0] == 0


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        pytest.param([1, 1, 0], [0.1, 0.2, 0.3], {"f1": 0.0, "recall": 0.0, "precision": np.nan, "specificity": 1.0},
                     id="positives without an alarm"),
        pytest.param([0, 0, 0], [0.9, 0.2, 0.3], {"f1": np.nan, "recall": np.nan, "precision": 0.0,
                                                  "specificity": 2 / 3}, id="no positives"),
        pytest.param([1, 1, 1], [0.9, 0.8, 0.7], {"f1": 1.0, "recall": 1.0, "precision": 1.0, "specificity": np.nan},
                     id="no negatives"),
        pytest.param([1, np.nan, 0], [0.9, 0.9, 0.1], {"f1": 1.0, "recall": 1.0, "precision": 1.0, "specificity": 1.0},
                     id="unknown labels do not count"),
    ],
)
def test_edge_cases(labels, scores, expected):
    counts = metrics.confusion(np.array(labels, np.float32)[:, None], np.array(scores)[:, None], np.array([0.5]))
    for name, value in expected.items():
        np.testing.assert_equal(getattr(counts, name)[0], value, err_msg=name)


def test_undefined_findings_leave_the_macro_mean_and_are_counted():
    labels, scores = _many()
    labels[:, 3] = 0
    labels[:, 5] = np.nan
    value, excluded = metrics.macro(metrics.per_finding(metrics.auroc, labels, scores))
    rest = [k for k in range(14) if k not in (3, 5)]
    assert excluded == 2
    assert value == pytest.approx(reference.roc_auc_score(labels[:, rest], scores[:, rest]))
    assert np.isnan(metrics.macro(np.full(14, np.nan))[0])


def test_rows_for_the_store_hold_every_finding_macro_and_micro():
    labels, scores = _many()
    labels[:, 13] = 0
    rows = metrics.threshold_metrics(labels, scores, NIH_FINDINGS, np.full(14, 0.5), "set").set_index(
        ["metric", "finding"]
    )
    decided = scores >= 0.5
    assert set(rows.index.get_level_values("finding")) == {*NIH_FINDINGS, "macro", "micro"}
    assert rows.loc[("f1", "micro"), "value"] == pytest.approx(reference.f1_score(labels, decided, average="micro"))
    assert rows.loc[("f1", "macro"), "value"] == pytest.approx(
        reference.f1_score(labels[:, :13], decided[:, :13], average="macro"))
    assert rows.loc[("precision", "macro"), "value"] == pytest.approx(
        reference.precision_score(labels[:, :13], decided[:, :13], average="macro"))
    assert rows.loc[("f1", "macro"), "n"] == len(labels)
    assert np.isnan(rows.loc[("f1", "Hernia"), "value"])


def test_a_finding_without_scores_is_undefined_and_not_zero():
    labels = np.array([[1], [0]], np.float32)
    counts = metrics.confusion(labels, np.full((2, 1), np.nan), np.array([0.5]))
    assert np.isnan(counts.recall[0]) and np.isnan(counts.specificity[0]) and np.isnan(counts.f1[0])
