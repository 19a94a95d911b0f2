"""Rows of the metrics table with their intervals, and what an evaluation keeps in the store."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import scored_runs
from sklearn.metrics import brier_score_loss, f1_score

from cxrcore.evaluation import kept_draws, measure_predictions, shares
from cxrcore.evaluation.metric_rows import measured_rows
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import calibration
from cxrcore.measures.calibration import Calibrator
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import resample
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.store import Predictions, Store

UNTHRESHOLDED = ("auroc", "ap", "brier", "ece")
EMPTY = NIH_FINDINGS.index("Edema")  # without a positive film in test


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Read-only by agreement."""
    return scored_runs.make(tmp_path_factory.mktemp("rows") / "store.duckdb", 300, 400, empty=(EMPTY,))


@pytest.fixture
def films(store):
    return store.predictions(prediction_id(store, "test"))


def prediction_id(store, part):
    return store.prediction_sets().set_index("split").at[part, "prediction_id"]


def test_an_evaluation_keeps_every_measure_with_its_interval(store, films):
    rows = store.metrics([prediction_id(store, "test")])
    at = rows.set_index(["metric", "finding", "threshold_set"]).sort_index()
    sets = store.threshold_sets(store.runs()["run_id"][0]).set_index("name")["thresholds"]
    draws = patient_draws(films.patient_ids, films.image_ids)
    for name, thresholds in sets.items():
        found = resample(films, draws, kept_draws.MEASURES, np.array(thresholds))
        for measure in (*THRESHOLDED, *UNTHRESHOLDED):
            held = at.loc[measure].xs(name if measure in THRESHOLDED else np.nan, level="threshold_set")
            sure = found.interval(measure)
            ordered = held.loc[[*NIH_FINDINGS, "macro"]]
            for column, expected in (("value", sure.point), ("low", sure.low), ("high", sure.high)):
                np.testing.assert_allclose(ordered[column].astype(float), expected, atol=1e-9, err_msg=measure)
            drawn = ordered["method"].str.contains("95 % of 1,000 patient draws, seed 0")
            assert (drawn == ordered["low"].notna()).all()
            assert drawn["macro"] or (name, measure) == ("0.5", "precision")  # a finding without alarms in most draws
    assert rows.loc[rows["finding"] == "micro", "low"].isna().all()
    assert np.isnan(at.loc[("f1", "Edema", "max F1"), "low"])


def test_scores_are_measured_as_probabilities(store, films):
    rows = store.metrics([prediction_id(store, "test")])
    held = rows[rows["metric"] == "brier"].set_index("finding")
    expected = [brier_score_loss(films.labels[:, k], films.scores[:, k].astype(float), pos_label=1)
                for k in range(len(NIH_FINDINGS))]
    np.testing.assert_allclose(held.loc[list(NIH_FINDINGS), "value"], expected)
    assert held.at["macro", "value"] == pytest.approx(np.mean(expected))
    auroc = rows[rows["metric"] == "auroc"].set_index("finding")
    assert held[["n", "n_positive"]].equals(auroc.loc[held.index, ["n", "n_positive"]])


def test_calibrators_of_validation_are_kept_and_come_back(store, films):
    val = store.predictions(prediction_id(store, "val"))
    held = store.calibrators(prediction_id(store, "val")).set_index("method")
    assert sorted(held.index) == sorted(calibration.METHODS)
    assert set(held["prediction_id"]) == {prediction_id(store, "val")}
    for method, row in held.iterrows():
        kept = Calibrator(method, json.loads(row["parameters"]), NIH_FINDINGS)
        np.testing.assert_array_equal(
            kept(films.scores), calibration.fit_calibrator(val.labels, val.scores, NIH_FINDINGS, method)(films.scores)
        )


def test_the_draws_that_pages_show_first_are_left_in_their_file(store, films, monkeypatch):
    sets = store.threshold_sets(store.runs()["run_id"][0]).set_index("name")["thresholds"]
    monkeypatch.setattr(kept_draws, "resample", None)  # it must not be called
    shown = kept_draws.AtThresholds(prediction_id(store, "test"), tuple(sets["max F1"].tolist()))
    held = kept_draws.in_draws(store, shown, films)
    assert held.n_films == 400


def test_films_of_unknown_patients_are_drawn_alone_and_this_is_said(tmp_path, films):
    nobody = replace(films, patient_ids=np.full(len(films.image_ids), None))
    ranked, (at_half,) = measured_rows(Store(tmp_path / "store.duckdb"), "p", nobody, [np.full(len(NIH_FINDINGS), 0.5)])
    for rows in (ranked, at_half):
        assert rows.loc[rows["low"].notna(), "method"].str.contains("patients unknown: too narrow").all()
        assert rows["low"].notna().any()


def test_films_of_one_patient_have_values_but_no_intervals(tmp_path, films):
    alone = replace(films, patient_ids=np.full(len(films.image_ids), "1"))
    ranked, (at_half,) = measured_rows(Store(tmp_path / "store.duckdb"), "p", alone, [np.full(len(NIH_FINDINGS), 0.5)])
    assert ranked["value"].notna().any() and ranked[["low", "high"]].isna().all(axis=None)
    value = at_half.set_index(["finding", "metric"]).at[(NIH_FINDINGS[0], "f1"), "value"]
    assert value == pytest.approx(f1_score(films.labels[:, 0], films.scores[:, 0] >= 0.5))
    assert not at_half["method"].str.contains("draws").any()


def test_more_films_than_sixty_thousand_have_intervals_too(tmp_path):
    rng, n, heard = np.random.default_rng(0), 61_000, []
    labels, scores = (
        np.full((n, len(NIH_FINDINGS)), np.nan, np.float32),
        rng.random((n, len(NIH_FINDINGS))).astype(np.float32),
    )
    labels[:, 0] = rng.random(n) < 0.003
    many = Predictions(np.arange(n).astype(str).astype(object), (np.arange(n) // 100).astype(str).astype(object),
                       labels, scores, NIH_FINDINGS)
    ranked, at_sets = measured_rows(Store(tmp_path / "store.duckdb"), "p", many,
                                    [np.full(len(NIH_FINDINGS), at) for at in (0.5, 0.2)], told=heard.append)
    for rows in (ranked, *at_sets):
        own = rows[rows["finding"] == NIH_FINDINGS[0]]
        assert ((own["low"] < own["value"]) & (own["value"] < own["high"])).all()
    assert heard == sorted(heard) and len(heard) > 10 and heard[-1] == pytest.approx(1)


def test_an_evaluation_tells_how_far_its_draws_are_over_all_parts(store, tmp_path):
    own = Store(shutil.copy(store.path, tmp_path))
    heard, sets = [], own.prediction_sets().set_index("split")["prediction_id"]
    measure_predictions.measure(own, own.runs()["run_id"][0], {part: sets[part] for part in ("test", "val")},
                                told=heard.append)
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1) and any(0 < share < 0.5 for share in heard)


def test_a_script_shows_a_bar_where_draws_take_long_and_none_where_they_do_not(capsys):
    for patience, shown in ((0, True), (60, False)):
        with shares.bar("Resampling patients", patience) as told:
            for done in range(5):
                told(shares.within(lambda share: share, done, 5)(1))
        assert ("Resampling patients: 100%" in capsys.readouterr().err) == shown
