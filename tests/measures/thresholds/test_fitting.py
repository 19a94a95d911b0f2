"""Fitted thresholds against brute force and scikit-learn."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit
from sklearn.metrics import f1_score

from cxrcore.errors import UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.calibration import Calibrator
from cxrcore.measures.thresholds import fitting


def _wide(column, fill=0.0):
    wide = np.full((len(column), len(NIH_FINDINGS)), fill, np.float32)
    wide[:, 0] = column
    return wide


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.int8, 25, elements=st.integers(0, 1)),
       hnp.arrays(np.float32, 25, elements=st.sampled_from(np.linspace(0, 1, 9, dtype=np.float32))))
def test_max_f1_is_the_best_of_every_distinct_score(labels, scores):
    fitted = fitting.max_f1(_wide(labels), _wide(scores), NIH_FINDINGS).thresholds[0]
    best = fitting.best_f1(_wide(labels), _wide(scores))[0]
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
    fitted = fitting.classic(_wide(labels), _wide(scores), NIH_FINDINGS).thresholds[0]
    grid = [round(0.05 + i / 100, 2) for i in range(36)]
    values = [f1_score(labels, scores.astype(np.float64) >= t) for t in grid]
    assert grid[0] == 0.05 and grid[-1] == 0.40
    assert fitted == grid[int(np.argmax(values))]


def test_findings_that_cannot_be_fitted_are_named():
    labels = np.zeros((100, len(NIH_FINDINGS)), np.float32)
    labels[:60, 0] = 1
    labels[:10, 1] = 1
    fitted = fitting.max_f1(labels, np.random.default_rng(1).random(labels.shape).astype(np.float32), NIH_FINDINGS)
    assert fitted.parameters["unstable"] == ["Cardiomegaly"]
    assert "Hernia" in fitted.parameters["not_fitted"] and "Atelectasis" not in fitted.parameters["not_fitted"]
    assert fitted.thresholds[13] == 0.5


def test_unknown_labels_do_not_take_part():
    labels, scores = _wide([1, np.nan, 0, 0]), _wide([0.6, 0.9, 0.4, 0.3])
    assert fitting.max_f1(labels, scores, NIH_FINDINGS).thresholds[0] == pytest.approx(0.6)
    assert fitting.best_f1(labels, scores)[0] == 1


def test_films_without_a_score_do_not_take_part():
    labels, scores = _wide([1, 1, 0, 0]), _wide([0.6, np.nan, 0.4, np.nan])
    assert fitting.max_f1(labels, scores, NIH_FINDINGS).thresholds[0] == pytest.approx(0.6)
    assert fitting.best_f1(labels, scores)[0] == 1
    assert np.isnan(fitting.best_f1(_wide([1, 0]), _wide([np.nan, np.nan]))[0])


# -- objectives


COLUMN = hnp.arrays(np.float32, 30, elements=st.sampled_from(np.linspace(0, 1, 13, dtype=np.float32)))


def counts_at(labels, scores, threshold):
    alarm = scores.astype(np.float64) >= threshold
    tp, fp = int((alarm & (labels == 1)).sum()), int((alarm & (labels == 0)).sum())
    return tp, fp, int((labels == 1).sum()) - tp, int((labels == 0).sum()) - fp


def value_of(objective, labels, scores, threshold, parameter):
    """What the objective is about, to be as great as possible, computed one by one."""
    tp, fp, fn, tn = counts_at(labels, scores, threshold)
    if objective == "youden":
        return tp / (tp + fn) + (tn / (tn + fp) if tn + fp else 1.0) - 1
    if objective == "cost":
        return -(fp + parameter * fn)
    return (1 + parameter**2) * tp / ((1 + parameter**2) * tp + parameter**2 * fn + fp)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int8, 30, elements=st.integers(0, 1)), COLUMN,
       st.sampled_from([("max_f1", 1.0), ("f_beta", 0.5), ("f_beta", 3.0), ("youden", 0.0), ("cost", 0.3),
                        ("cost", 20.0)]))
def test_every_objective_is_reached_exactly(labels, scores, wanted):
    objective, parameter = wanted
    if not labels.any():
        return
    fitted = fitting.fit_thresholds(
        _wide(labels), _wide(scores), NIH_FINDINGS, objective, parameter or None
    ).thresholds[0]
    candidates = [*(float(t) for t in np.unique(scores)), 1.0]  # the last: no alarm, but for films that score 1
    best = max(value_of(objective, labels, scores, t, parameter) for t in candidates)
    got = value_of(objective, labels, scores, fitted, parameter)
    assert got == pytest.approx(best, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int8, 30, elements=st.integers(0, 1)), COLUMN, st.sampled_from([0.3, 0.5, 0.9, 1.0]))
def test_conditions_are_met_with_the_best_that_they_leave(labels, scores, at_least):
    if not labels.any():
        return
    distinct = [float(t) for t in np.unique(scores)]
    recall = fitting.fit_thresholds(_wide(labels), _wide(scores), NIH_FINDINGS, "recall", at_least).thresholds[0]
    enough = [t for t in distinct if counts_at(labels, scores, t)[0] / labels.sum() >= at_least]
    assert counts_at(labels, scores, recall)[:2] == counts_at(labels, scores, max(enough))[:2]
    fitted = fitting.fit_thresholds(_wide(labels), _wide(scores), NIH_FINDINGS, "precision", at_least)
    precisions = {t: counts_at(labels, scores, t)[0] / sum(counts_at(labels, scores, t)[:2]) for t in distinct}
    precise = [t for t, value in precisions.items() if value >= at_least]
    tp, fp, *_ = counts_at(labels, scores, fitted.thresholds[0])
    if precise:
        assert tp / (tp + fp) >= at_least and tp == counts_at(labels, scores, min(precise))[0]
        assert "not_met" not in fitted.parameters
    else:
        assert tp / (tp + fp) == max(precisions.values()) and fitted.parameters["not_met"] == ["Atelectasis"]


def calibrated_films(n=4000, seed=0):
    """Labels drawn from probabilities that the scores distort: true logit = (logit of the score - 1) / 2."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-2.5, 1.2, (n, len(NIH_FINDINGS)))
    labels = (rng.random(z.shape) < expit(z)).astype(np.float32)
    labels[rng.random(labels.shape) < 0.02] = np.nan
    scores = expit(2 * z + 1).astype(np.float32)
    scores[rng.random(scores.shape) < 0.02] = np.nan
    return labels, scores


def test_expected_f1_is_cut_where_half_of_it_is_a_films_probability():
    """Lipton 2014: an alarm pays exactly while its probability is over half of the greatest expected F1."""
    labels, scores = calibrated_films()
    fitted = fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "expected_f1")
    assert fitted.name == "expected F1 (Platt)"
    maps = json.loads(json.dumps(fitted.parameters["calibration"]))  # as the store and the file keep it
    p = Calibrator(maps["method"], maps["maps"], NIH_FINDINGS)(scores)
    for k in range(len(NIH_FINDINGS)):
        alarm = scores[:, k].astype(np.float64) >= fitted.thresholds[k]
        expected = 2 * p[alarm, k].sum() / (alarm.sum() + np.nansum(p[:, k]))
        assert p[alarm, k].min() >= expected / 2 >= np.nanmax(p[~alarm, k])
        assert abs(fitted.thresholds[k] - fitting.max_f1(labels, scores, NIH_FINDINGS).thresholds[k]) < 0.25


def test_expected_f1_needs_films_of_both_kinds():
    labels, scores = calibrated_films(600)
    for k, n in enumerate((0, 4, 5, 49, 50)):
        labels[:, k] = 0
        labels[np.flatnonzero(~np.isnan(scores[:, k]))[:n], k] = 1
    labels[:, 5] = 1
    fitted = fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "expected_f1")
    left, known = fitted.parameters["not_fitted"], set(fitted.parameters["calibration"]["maps"])
    assert left == [NIH_FINDINGS[0], NIH_FINDINGS[1], NIH_FINDINGS[5]] and known == set(NIH_FINDINGS) - set(left)
    assert fitted.thresholds[[0, 1, 5]].tolist() == [0.5] * 3
    assert {NIH_FINDINGS[2], NIH_FINDINGS[3]} <= set(fitted.parameters["unstable"])
    assert not {NIH_FINDINGS[4], *left} & set(fitted.parameters["unstable"])


def test_where_no_alarm_is_cheapest_there_is_none():
    labels, scores = _wide([0, 0, 0, 1]), _wide([0.9, 0.8, 0.7, 0.1])
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "cost", 0.5).thresholds[0] == fitting.NEVER
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "cost", 5).thresholds[0] == pytest.approx(0.1)


def test_a_score_of_one_raises_an_alarm_at_every_threshold():
    labels, scores = _wide([1, *[0] * 9]), _wide([0.9, *[1.0] * 9])
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "cost", 0.5).thresholds[0] == pytest.approx(
        0.9
    )  # which costs no more alarms


def test_the_rungs_of_a_ladder_carry_exact_counts():
    rng = np.random.default_rng(5)
    labels, scores = (rng.random(400) < 0.2).astype(float), np.round(rng.random(400), 2).astype(np.float32)
    labels[:7], scores[7:12] = np.nan, np.nan
    steps = fitting.ladder(labels, scores)
    known = ~np.isnan(labels) & ~np.isnan(scores)
    assert (steps.n_positive, steps.n_negative) == ((labels[known] == 1).sum(), (labels[known] == 0).sum())
    assert (np.diff(steps.thresholds) < 0).all()
    for threshold, tp, fp in zip(steps.thresholds, steps.tp, steps.fp, strict=True):
        assert (tp, fp) == counts_at(labels[known], scores[known], threshold)[:2]


def test_names_and_parameters_of_a_fit():
    labels, scores = _wide([1, 0, 1]), _wide([0.6, 0.5, 0.4])
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "recall", 0.9).name == "recall ≥ 0.9"
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "f_beta").parameters["beta"] == 2
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "fixed", 0.3).thresholds[3] == 0.3
    assert fitting.fit_thresholds(labels, scores, NIH_FINDINGS, "classic").objective == "classic"
    for objective, parameter in (("best", None), ("recall", 0.0), ("f_beta", -1.0), ("precision", float("nan"))):
        with pytest.raises(UsageError):
            fitting.fit_thresholds(labels, scores, NIH_FINDINGS, objective, parameter)
