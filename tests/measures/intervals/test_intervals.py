"""Draws of patients and measures in them: against scikit-learn on films that are really resampled, and scipy."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from clustered_films import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from cxrcore.errors import ResamplingError, UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import calibration, metrics
from cxrcore.measures.intervals import resampling
from cxrcore.measures.intervals.draws import Draws, patient_draws
from cxrcore.measures.intervals.intervals import MACRO, resample
from cxrcore.measures.intervals.resampling import MEASURES
from cxrcore.measures.intervals.scored_films import subset
from cxrcore.measures.thresholds.fitting import ladder
from cxrcore.store import Predictions

THRESHOLDED = metrics.THRESHOLDED


def films(seed=0, n=60, n_patients=12, k=3, steps=None, unknown=0.1, prevalence=0.3) -> Predictions:
    """Random films; with `steps`, scores are rounded so that many are tied."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, k)) < prevalence).astype(np.float32)
    scores = np.clip(0.25 * labels + 0.75 * rng.random((n, k)), 0, 1)
    if steps:
        scores = np.round(scores * steps) / steps
    labels[rng.random((n, k)) < unknown] = np.nan
    patients = rng.integers(0, n_patients, n)
    patients[:2] = 0, n_patients - 1
    return Predictions(
        np.array([f"{i:05d}.png" for i in range(n)], object),
        np.array([f"p{p}" for p in patients], object),
        labels,
        scores.astype(np.float32),
        tuple(f"f{k}" for k in range(labels.shape[1])),
    )


def drawn(of: Predictions, **options) -> Draws:
    return patient_draws(of.patient_ids, of.image_ids, **options)


def rows_of(draws: Draws, column: int, of: Predictions) -> np.ndarray:
    """The films of one draw, each as often as its patient was drawn."""
    times = dict(zip(draws.patients, draws.counts[:, column], strict=True))
    return np.repeat(np.arange(len(of.image_ids)), [times[patient] for patient in of.patient_ids])


def by_hand(measure: str, labels: np.ndarray, scores: np.ndarray, threshold: float) -> float:
    """A measure of one finding by scikit-learn or the project's own point measures; NaN where undefined."""
    known = ~(np.isnan(labels) | np.isnan(scores))
    labels, scores = labels[known], scores[known].astype(np.float64)
    if measure in THRESHOLDED:
        counts = metrics.confusion(labels[:, None], scores[:, None], np.array([threshold]))
        return float(getattr(counts, measure)[0])
    if not len(labels) or (measure not in resampling.CALIBRATED and not labels.any()):
        return np.nan
    if measure == "auroc":
        return roc_auc_score(labels, scores) if not labels.all() else np.nan
    if measure == "ap":
        return average_precision_score(labels, scores)
    if measure == "brier":
        return brier_score_loss(labels, scores)
    if measure == "ece":
        return calibration.ece(labels, scores)
    steps = ladder(labels, scores)
    return steps.thresholds[np.argmax(steps.f1)]


def assert_exact(of: Predictions, draws: Draws, thresholds: np.ndarray):
    found = resample(of, draws, MEASURES, thresholds)
    for column in range(draws.n_draws + 1):
        taken = subset(of, rows_of(draws, column - 1, of) if column else slice(None))
        for k in range(of.labels.shape[1]):
            for measure in MEASURES:
                expected = by_hand(measure, taken.labels[:, k], taken.scores[:, k], thresholds[k])
                np.testing.assert_allclose(found.values[measure][k, column], expected, rtol=0, atol=1e-12,
                                           err_msg=f"{measure}, finding {k}, draw {column}")


# -- values in every draw


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 50), st.integers(2, 9), st.sampled_from([None, 1, 3, 20]),
       st.sampled_from([0.02, 0.3, 0.98]))
def test_every_measure_is_that_of_the_resampled_films(seed, n, n_patients, steps, prevalence):
    of = films(seed, n, n_patients, 2, steps, prevalence=prevalence)
    assert_exact(of, drawn(of, n_draws=6, seed=seed), np.array([0.5, 1 / 3]))


@pytest.mark.parametrize("steps", [None, 50], ids=["distinct scores", "tied scores"])
def test_many_films_and_several_batches_of_draws(steps):
    of = films(1, 2_000, 300, 2, steps, prevalence=0.1)
    draws = drawn(of, n_draws=205)
    found = resample(of, draws)
    for column in (0, 99, 100, 101, 204):
        rows = rows_of(draws, column, of)
        for k in range(2):
            for measure in ("auroc", "ap"):
                expected = by_hand(measure, of.labels[rows, k], of.scores[rows, k], 0)
                assert abs(found.values[measure][k, column + 1] - expected) < 1e-12
    assert found.values["auroc"].shape == (2, 206)


def test_points_are_those_of_metrics():
    of = films(2, 700, 150, len(NIH_FINDINGS), 200)
    of.labels[:, 3] = 0
    of.labels[:, 5] = np.nan
    thresholds = np.linspace(0.2, 0.9, len(NIH_FINDINGS))
    thresholds[7] = 1.0  # no alarm: its precision is undefined
    of.scores[of.scores == 1] = 0.99
    found = resample(of, drawn(of, n_draws=20), ("auroc", "ap", *THRESHOLDED), thresholds)
    for rows in (metrics.ranking_metrics(of.labels, of.scores, of.findings),
                 metrics.threshold_metrics(of.labels, of.scores, of.findings, thresholds, None)):
        for measure, own in rows[rows["finding"] != "micro"].groupby("metric"):
            np.testing.assert_allclose(found.interval(measure).point, own["value"], rtol=0, atol=1e-12)


def test_the_documented_values_of_torchmetrics(monkeypatch):
    scores = np.array([[0.75, 0.05, 0.35], [0.45, 0.75, 0.05], [0.05, 0.55, 0.75], [0.05, 0.65, 0.05]])
    labels = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]], np.float32)
    of = replace(films(n=4, n_patients=4), labels=labels, scores=scores)
    found = resample(of, drawn(of))
    np.testing.assert_allclose(found.interval("auroc").point, [0.625, 0.5, 0.8333, 0.6528], atol=1e-4)
    np.testing.assert_allclose(found.interval("ap").point, [0.75, 0.5833, 0.9167, 0.75], atol=1e-4)
    monkeypatch.setattr(resampling, "BINS", 2)
    of = replace(films(n=5, n_patients=5), labels=np.array([[0], [0], [1], [1], [1]], np.float32),
                 scores=np.array([[0.25], [0.25], [0.55], [0.75], [0.75]]))
    assert resample(of, drawn(of), ["ece"]).interval("ece").point[0] == pytest.approx(0.29)


def test_the_order_of_films_does_not_matter():
    of = films(3, 300, 40)
    turned = subset(of, np.random.default_rng(0).permutation(300))
    one, other = drawn(of), drawn(turned)
    assert one.key == other.key and (one.counts == other.counts).all()
    plain, shuffled = (resample(f, one, MEASURES, np.full(3, 0.4)) for f in (of, turned))
    for measure in MEASURES:
        np.testing.assert_allclose(plain.values[measure], shuffled.values[measure], rtol=0, atol=1e-12)


# -- intervals


def test_the_same_as_scipy_where_every_patient_has_one_film():
    """The same generator draws the same rows, so not only about but exactly the same interval."""
    of = replace(films(4, 80, k=1, unknown=0), patient_ids=np.array([f"{i:03d}" for i in range(80)], object))

    def statistic(labels, scores):
        return roc_auc_score(labels, scores)

    expected = bootstrap((of.labels[:, 0], of.scores[:, 0]), statistic, paired=True, vectorized=False, n_resamples=400,
                         method="percentile", rng=np.random.default_rng(7))
    found = resample(of, drawn(of, n_draws=400, seed=7)).interval("auroc")
    np.testing.assert_allclose([found.low[0], found.high[0], found.error[0]],
                               [*expected.confidence_interval, expected.standard_error], rtol=0, atol=1e-12)


def test_macro_is_the_mean_of_the_same_findings_in_every_draw():
    of = films(5, 300, 60, 4, unknown=0)
    of.labels[:, 2] = 0
    found = resample(of, drawn(of, n_draws=200))
    interval, values = found.interval("auroc"), found.values["auroc"][[0, 1, 3]].mean(axis=0)
    assert interval.n_excluded == 1 and interval.point[MACRO] == values[0]
    np.testing.assert_allclose([interval.low[MACRO], interval.high[MACRO]], np.percentile(values[1:], [2.5, 97.5]))
    assert interval.error[MACRO] == pytest.approx(values[1:].std(ddof=1))


def test_draws_without_positives_are_dropped_and_counted():
    of = films(6, 200, 40, unknown=0)
    only = of.patient_ids == "p3"
    of.labels[:, 1] = only  # all positives are of one patient
    draws = drawn(of)
    without = int((draws.counts[list(draws.patients).index("p3")] == 0).sum())
    interval = resample(of, draws).interval("auroc")
    assert 300 < without < 450  # (1 - 1/40)^40 of 1,000
    assert interval.n_dropped.tolist() == [0, without, 0, without]
    assert not np.isnan([interval.low, interval.high]).any()


def test_there_is_no_interval_where_most_draws_are_undefined():
    of = films(6, 200, 40, unknown=0)
    for k, patient in enumerate(("p3", "p4")):
        of.labels[:, k] = of.patient_ids == patient
    interval = resample(of, drawn(of)).interval("auroc")
    assert interval.n_dropped[MACRO] > 500  # both patients are in 40 % of the draws
    assert np.isnan([interval.low[MACRO], interval.high[MACRO], interval.error[MACRO]]).all()
    assert not np.isnan(interval.point).any() and not np.isnan(interval.low[:MACRO]).any()


def test_ece_has_an_interval_that_holds_what_chance_added():
    """Scores that are right: the percentiles lie above the true ECE of 0, the interval reaches down to it.

    Where scores are far from right, chance is small beside that.
    """
    rng = np.random.default_rng(0)
    scores = rng.beta(1, 4, (3000, 1))
    labels = (rng.random((3000, 1)) < scores).astype(np.float32)
    of = replace(films(n=3000, n_patients=600), scores=scores, labels=labels)
    found = resample(of, drawn(of), ["ece"])
    interval = found.interval("ece")
    assert np.percentile(found.values["ece"][0, 1:], 2.5) > 0.005
    assert interval.low[0] == 0 and interval.low[0] < interval.point[0] < interval.high[0]
    assert interval.low[MACRO] == interval.low[0] and interval.high[MACRO] == interval.high[0]
    far = replace(of, scores=np.sqrt(scores))
    interval = resample(far, drawn(far), ["ece"]).interval("ece")
    truth = np.mean(np.sqrt(scores) - scores)
    assert 0.75 * truth < interval.low[0] < truth < interval.high[0] < 1.1 * truth


def test_intervals_grow_with_the_films_of_a_patient():
    """The same films as if they were of as many patients: too narrow."""
    (of,) = simulate(0, n_patients=400, alike=0.8)
    alone = replace(of, patient_ids=np.full(len(of.image_ids), "", object))
    honest, narrow = (resample(f, drawn(f)) for f in (of, alone))
    assert honest.patients_known and not narrow.patients_known
    assert narrow.interval("auroc").error[0] < 0.85 * honest.interval("auroc").error[0]


# -- draws


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 400), st.integers(0, 100))
def test_each_draw_holds_as_many_patients_as_there_are(n, seed):
    ids = np.array([f"{i}" for i in range(n)], object)
    draws = patient_draws(ids, ids, 50, seed)
    assert (draws.counts.sum(axis=0, dtype=np.int64) == n).all() and draws.counts.shape == (n, 50)
    assert (draws.counts[:, :20] == patient_draws(ids, ids, 20, seed).counts).all()
    assert (draws.counts != patient_draws(ids, ids, 50, seed + 1).counts).any()


def test_patients_are_drawn_alike():
    ids = np.array([f"{i}" for i in range(50)], object)
    mean = patient_draws(ids, ids, 4000).counts.mean(axis=1)
    assert np.abs(mean - 1).max() < 0.07  # 4.4 standard errors of 1 / sqrt(4000)


@pytest.mark.parametrize("nobody", [None, "", np.nan])
def test_films_without_patients_are_drawn_one_by_one_and_in_no_order(nobody):
    of = replace(films(7), patient_ids=np.full(60, nobody, object))
    draws, turned = drawn(of), drawn(subset(of, np.arange(60)[::-1]))
    assert len(draws.patients) == 60 and not draws.patients_known
    assert draws.key == turned.key and draws.key != drawn(films(7)).key
    assert resample(of, draws).n_patients == 60


def test_a_part_of_the_films_can_be_measured_in_the_draws_of_all():
    of = films(8, 300, 40)
    women = np.arange(300) % 2 == 0
    draws = drawn(of)
    found = resample(subset(of, women), draws)
    rows = rows_of(draws, 17, of)
    rows = rows[women[rows]]
    assert found.values["auroc"][0, 18] == pytest.approx(
        by_hand("auroc", of.labels[rows, 0], of.scores[rows, 0], 0), abs=1e-12)
    assert found.n_films == 150 and found.n_patients == len(set(of.patient_ids[women]))


# -- bad input


def test_undefined_findings_are_nan_with_their_reason():
    of = films(9, 100, 20, 5, unknown=0)
    of.labels[:, 0], of.labels[:, 1], of.labels[:, 2] = 0, 1, np.nan
    of.scores[:, 3] = 0.1
    found = resample(of, drawn(of, n_draws=50), MEASURES, np.full(5, 0.5))
    reasons = {0: "no positives", 1: "no negatives", 2: "no known film"}
    assert found.undefined("auroc") == reasons
    assert found.undefined("ap") == found.undefined("f1") == {0: "no positives", 2: "no known film"}
    assert found.undefined("precision") == {2: "no known film", 3: "no alarms"}
    assert found.undefined("specificity") == {1: "no negatives", 2: "no known film"}
    assert found.undefined("brier") == {2: "no known film"}
    interval = found.interval("auroc")
    assert interval.n_excluded == 3 and interval.n_dropped.tolist() == [50, 50, 50, 0, 0, 0]
    assert np.isnan(interval.low).tolist() == [True, True, True, False, False, False]
    assert found.rare.tolist() == [True, False, True, True, True]  # 0, 100, none and few positives


def test_nothing_but_unknown_labels_is_nan_throughout():
    of = replace(films(), labels=np.full((60, 3), np.nan, np.float32))
    found = resample(of, drawn(of, n_draws=20), MEASURES, np.full(3, 0.5))
    for measure in MEASURES:
        assert np.isnan(found.interval(measure).point).all() and np.isnan(found.interval(measure).high).all()
        assert found.interval(measure).n_excluded == 3


@pytest.mark.parametrize(("change", "says"), [
    pytest.param({"scores": np.full((60, 3), 1.5)}, "take probabilities", id="logits"),
    pytest.param({"scores": np.full((60, 3), -np.inf)}, "take probabilities", id="infinite"),
    pytest.param({"labels": np.full((60, 3), 2.0)}, "label contract", id="other labels"),
    pytest.param({"scores": np.zeros((60, 2))}, "one row of both", id="other findings"),
    pytest.param({"labels": np.zeros((59, 3))}, "one row of both", id="other films"),
    pytest.param({"image_ids": np.full(60, "a.png", object)}, "stands twice", id="one film twice"),
])
def test_films_that_cannot_be_measured_are_refused_by_name(change, says):
    of = films()
    with pytest.raises(ResamplingError, match=says):
        resample(replace(of, **change), drawn(of, n_draws=5))


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_patients_are_refused(n):
    ids = np.full(n, "p", object)
    with pytest.raises(ResamplingError, match="at least 2"):
        patient_draws(ids, np.arange(n).astype(str).astype(object))


@pytest.mark.parametrize("n", [0, 1])
def test_a_part_of_fewer_than_two_patients_is_refused(n):
    of = films()
    with pytest.raises(ResamplingError, match=f"films of {n} of the drawn"):
        resample(subset(of, of.patient_ids == ("p0" if n else "nobody")), drawn(of, n_draws=5))


def test_strangers_to_the_draws_are_refused():
    of = films()
    some = subset(of, of.patient_ids != "p0")
    with pytest.raises(ResamplingError, match="not drawn"):
        resample(of, drawn(some, n_draws=5))


@pytest.mark.parametrize(("measures", "thresholds"), [
    (["luck"], None), (["f1"], None), (["recall"], np.zeros(2))])
def test_measures_that_cannot_be_had_are_refused(measures, thresholds):
    of = films()
    with pytest.raises(UsageError):
        resample(of, drawn(of, n_draws=5), measures, thresholds)


# -- many films


def test_findings_and_draws_worked_on_in_parts_give_the_same_numbers(monkeypatch):
    of, heard = films(3, n=90, k=5), []
    draws, at = drawn(of, n_draws=40), np.full(5, 0.4)
    whole = resample(of, draws, MEASURES, at)
    monkeypatch.setattr("cxrcore.measures.intervals.intervals.CELLS", 200)  # two findings at a time
    monkeypatch.setattr("cxrcore.measures.intervals.draws.BATCH_CELLS", 7 * len(draws.patients))
    monkeypatch.setattr("cxrcore.measures.intervals.draws.LEAST", 1)
    assert [counts.shape[1] for counts in draws.batches()] == [8, 7, 7, 7, 7, 5]
    parts = resample(of, draws, MEASURES, at, heard.append)
    assert whole.values.keys() == parts.values.keys()
    for name, values in whole.values.items():
        np.testing.assert_array_equal(parts.values[name], values, err_msg=name)
    assert heard == sorted(heard) and heard[-1] == 1 and len(heard) > 12


def test_however_many_the_patients_a_line_of_a_cache_is_filled_with_draws(monkeypatch):
    monkeypatch.setattr("cxrcore.measures.intervals.draws.BATCH_CELLS", 1)
    assert [counts.shape[1] for counts in drawn(films(3, n=90, k=5), n_draws=40).batches()] == [17, 16, 8]


def test_memory_grows_with_the_films_and_not_with_their_findings():
    of = films(0, n=60_000, n_patients=2_000, k=7, unknown=0, prevalence=0.02)
    alone = replace(of, labels=of.labels[:, :1], scores=of.scores[:, :1])
    draws, peaks = drawn(of, n_draws=30), []
    for taken in (alone, of):
        tracemalloc.start()
        resample(taken, draws, ("auroc", "ap", "brier", "ece"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]
