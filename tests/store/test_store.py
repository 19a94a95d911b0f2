"""The results store: what goes in comes out, nothing is overwritten, and a file that is no store is refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from store_rows import rows_in, rows_of

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import DiskFullError, RunError, StoreBusy, StoreError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store, schema, turns
from cxrcore.store.backends import standing
from cxrcore.store.measurements import LOCALIZATION_COLUMNS, METRIC_COLUMNS

TABLES = (
    "datasets",
    "images",
    "label_sets",
    "label_set_info",
    "boxes",
    "runs",
    "epochs",
    "prediction_sets",
    "predictions",
    "threshold_sets",
    "calibrators",
    "metrics",
    "localization",
)


def epoch(number: int, loss: float = 0.5) -> EpochRecord:
    return EpochRecord(number, loss, 0.25, 0.7, 0.3, 1e-4, 12.5, 33.0)


def scores_for(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, len(NIH_FINDINGS)), np.float32)


def metric_rows(*rows: tuple) -> pd.DataFrame:
    """Rows of (finding, metric, set_id, value)."""
    frame = pd.DataFrame(rows, columns=["finding", "metric", "set_id", "value"])
    return frame.assign(low=np.nan, high=frame["value"], n_positive=5, n=40, method="exact")


def in_process(code: str) -> subprocess.Popen:
    """Python code in a process of its own that says 'held' when it got so far."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
    assert process.stdout.readline().strip() == "held"
    return process


@pytest.fixture
def impatient(monkeypatch):
    """Waiting for the store is bounded at a third of a second."""
    monkeypatch.setattr(turns, "WRITER_WAIT", 0.3)
    monkeypatch.setattr(turns, "READER_WAIT", 0.3)


# -- an empty store


@pytest.mark.embedded
def test_a_store_without_a_file_is_empty_and_stays_without(store):
    assert store.runs().empty and store.datasets().empty and store.prediction_sets().empty
    assert store.epochs(["x"]).empty and store.metrics([]).empty and store.leaderboard().empty
    assert store.labels("x").shape == (0, 0) and store.label_sets() == []
    with pytest.raises(StoreError, match="no data set 'x'"):
        store.findings("x")
    assert store.threshold_sets("x").empty and store.images("x").empty and store.boxes("x").empty
    with pytest.raises(RunError, match="no run 'x'"):
        store.run("x")
    with pytest.raises(StoreError, match="no prediction set 'x'"):
        store.predictions("x")
    assert not store.path.exists() and not store.path.parent.exists()


# -- data sets


def test_a_data_set_comes_back_as_it_was(store, data):
    images = store.images(data.dataset_id)
    plain = {name: data.images[name].astype(float) for name in ("age", "follow_up")}
    pd.testing.assert_frame_equal(images, data.images.assign(**plain), check_dtype=False)
    assert images[["age", "follow_up", "sex"]].isna().sum().tolist() == [1, 1, 1]
    labels = store.labels(data.dataset_id)
    assert labels.columns.tolist() == list(NIH_FINDINGS) and labels.index.tolist() == data.image_ids
    np.testing.assert_array_equal(labels.to_numpy(), data.labels)
    assert labels.to_numpy().dtype == np.float32 and np.isnan(labels.iloc[0]["Infiltration"])
    row = store.datasets().iloc[0]
    assert (row["n_images"], row["n_patients"], row["name"], row["kind"]) == (40, 20, "tiny", "nih")
    assert list(row["findings"]) == list(NIH_FINDINGS)


def test_boxes_come_back_and_stay_with_their_data_set(store, data):
    boxes = pd.DataFrame({"image_id": data.image_ids[:2], "finding": ["Mass", "Nodule"], "x": [1.25, 2], "y": [3.0, 4],
                          "width": [5.0, 6], "height": [7.0, 8.123456789]})
    store.add_dataset(
        "other",
        data.images[::-1],
        data.labels[::-1],
        NIH_FINDINGS,
        name="b",
        kind="nih",
        label_source="csv",
        boxes=boxes,
    )
    pd.testing.assert_frame_equal(store.boxes("other"), boxes)
    assert store.boxes(data.dataset_id).empty
    # In the order of their names, whatever the order they came in.
    assert store.images("other")["image_id"].tolist() == store.labels("other").index.tolist() == sorted(data.image_ids)
    np.testing.assert_array_equal(store.labels("other").to_numpy(), data.labels[np.argsort(data.image_ids)])


def test_a_known_data_set_is_added_once(store, data):
    token = store.change_token()
    for _ in range(2):
        store.add_dataset(
            data.dataset_id, data.images, data.labels, NIH_FINDINGS, name="again", kind="nih", label_source="csv"
        )
    assert store.change_token() == token, "a known data set must not even open the file for writing"
    assert rows_in(store, "images") == rows_in(store, "label_sets") == 40


def test_one_data_set_added_by_many_at_once_is_there_once(store, data):
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda _: Store(store.key).add_dataset(
                    "late", data.images, data.labels, NIH_FINDINGS, name="b", kind="nih", label_source="csv"
                ),
                range(4),
            )
        )
    assert rows_in(store, "datasets", "dataset_id = 'late'") == 1 and rows_in(store, "images") == 80


# -- runs


def test_a_run_comes_back_as_it_was_made(store, data):
    config = {"name": "seed 1 · größer", "arch": "vgg16", "lr": 1e-4, "nested": {"a": [1, None, "x'y"]}}
    run_id = store.create_run(config, data.dataset_id, split=("patient", 7, "f00"), versions={"torch": "2"},
                              git_commit="abc", n_parameters=5_000_000_000, note="a note")
    row = store.run(run_id)
    assert row["config"] == config and row["versions"] == {"torch": "2"} and row["cost"] == {}
    assert (row["name"], row["architecture"]) == (config["name"], "vgg16")
    assert (row["kind"], row["status"]) == ("trained", "running")
    assert (row["split_scheme"], row["split_seed"], row["split_fingerprint"]) == ("patient", 7, "f00")
    assert row["n_parameters"] == 5_000_000_000 and row["git_commit"] == "abc" and row["note"] == "a note"
    assert not row["archived"] and pd.isna(row["finished_at"]) and pd.isna(row["best_epoch"])
    assert abs(row["started_at"].timestamp() - time.time()) < 60


def test_runs_are_listed_newest_first_with_the_columns_of_the_schema(store, data):
    ids = [store.create_run({"name": str(i)}, data.dataset_id) for i in range(5)]
    runs = store.runs()
    assert runs["run_id"].tolist() == ids[::-1] and len(set(ids)) == 5
    assert runs.columns.tolist() == [
        "run_id", "name", "architecture", "kind", "status", "started_at", "finished_at", "dataset_id", "split_scheme",
        "split_seed", "split_fingerprint", "config", "versions", "cost", "git_commit", "best_epoch", "n_parameters",
        "note", "archived"]
    assert json.loads(runs["config"][0]) == {"name": "4"}


def test_unknown_kinds_and_statuses_name_the_choices(store, run_id):
    with pytest.raises(StoreError, match="'borrowed': expected one of trained, imported, ensemble"):
        store.create_run({}, "x", kind="borrowed")
    with pytest.raises(StoreError, match="'done': expected one of running, finished, failed, interrupted"):
        store.finish_run(run_id, "done")
    assert rows_in(store, "runs") == 1 and store.run(run_id)["status"] == "running"


def test_how_a_run_ends_and_goes_on(store, run_id):
    store.finish_run(run_id, "interrupted", best_epoch=2)
    row = store.run(run_id)
    assert (row["status"], row["best_epoch"]) == ("interrupted", 2) and not pd.isna(row["finished_at"])
    store.finish_run(run_id, "running")
    row = store.run(run_id)
    assert (row["status"], row["best_epoch"]) == ("running", 2) and pd.isna(row["finished_at"])
    store.finish_run(run_id, "finished", best_epoch=4, cost={"device": "cpu"})
    row = store.run(run_id)
    assert (row["status"], row["best_epoch"], row["cost"]) == ("finished", 4, {"device": "cpu"})


def test_editing_changes_what_is_given_and_nothing_else(store, run_id, data):
    other = store.create_run({"name": "other"}, data.dataset_id)
    before = store.run(run_id)
    store.edit_run(run_id, note="seen")
    store.edit_run(run_id, archived=True)
    assert store.run(run_id) == before | {"note": "seen", "archived": True}
    store.edit_run(run_id, name="", archived=False)
    assert store.run(run_id) == before | {"note": "seen", "name": ""}
    assert store.run(other)["name"] == "other" and not store.run(other)["archived"]
    with pytest.raises(RunError, match="no run 'gone'"):
        store.edit_run("gone", name="x")
    for text in ({"name": "x" * 100_001}, {"note": "x" * 100_001}):  # which no run folder may bring back
        with pytest.raises(StoreError, match="100,000 characters"):
            store.edit_run(run_id, **text)
    with pytest.raises(StoreError, match="100,000 characters"):
        store.create_run({"name": "x" * 100_001}, data.dataset_id)
    assert store.run(run_id) == before | {"note": "seen", "name": ""}


# -- epochs


def test_epochs_come_back_in_order_with_undefined_numbers_as_nan(store, run_id, data):
    other = store.create_run({}, data.dataset_id)
    for number in (2, 1, 3):
        store.log_epoch(run_id, epoch(number, loss=float("nan") if number == 2 else number / 3))
    store.log_epoch(other, epoch(1))
    frame = store.epochs([run_id])
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["train_loss"].tolist()[::2] == [1 / 3, 1.0] and np.isnan(frame["train_loss"][1])
    assert frame.iloc[0].to_dict() == {"run_id": run_id, **vars(epoch(1, 1 / 3))}
    assert rows_in(store, "epochs", "train_loss IS NULL") == 1
    assert len(store.epochs([run_id, other])) == 4 and store.epochs([]).empty


def test_an_epoch_logged_again_changes_nothing(store, run_id):
    store.log_epoch(run_id, epoch(1, 0.5))
    store.log_epoch(run_id, epoch(1, 0.9))
    assert store.epochs([run_id])["train_loss"].tolist() == [0.5]


# -- predictions


def test_predictions_come_back_sorted_with_labels_and_patients(store, run_id, data):
    order = np.random.default_rng(2).permutation(40)[:25]
    scores = scores_for(25)
    scores[:, 13] = np.nan  # a finding that the network does not know
    ids = [data.image_ids[i] for i in order]
    prediction_id = store.save_predictions(run_id, data.dataset_id, "val", ids, scores, checkpoint="model_best.pth",
                                           checkpoint_sha256="ff", n_expected=30, precision="fp32")
    read, sort = store.predictions(prediction_id), np.argsort(ids)
    assert read.image_ids.tolist() == sorted(ids)
    np.testing.assert_array_equal(read.scores, scores[sort])
    np.testing.assert_array_equal(read.labels, data.labels[order][sort])
    assert read.patient_ids.tolist() == data.images["patient_id"].to_numpy()[order][sort].tolist()
    assert read.scores.dtype == read.labels.dtype == np.float32
    row = store.prediction_sets(run_id).iloc[0]
    assert (row["n"], row["n_expected"], row["split"], row["checkpoint"], row["checkpoint_sha256"]) == (
        25, 30, "val", "model_best.pth", "ff")


@given(npst.arrays(np.float32, (3, len(NIH_FINDINGS)), elements=st.floats(0, 1, width=32) | st.just(float("nan"))))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_float32_in_the_unit_interval_survives(store, run_id, data, scores):
    prediction_id = store.save_predictions(run_id, data.dataset_id, "val", data.image_ids[:3], scores)
    assert store.predictions(prediction_id).scores.tobytes() == scores.tobytes() or np.isnan(scores).any()
    np.testing.assert_array_equal(store.predictions(prediction_id).scores, scores)


def test_a_prediction_set_is_never_overwritten(store, run_id, data):
    first = store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, scores_for(40, 1))
    second = store.save_predictions(run_id, data.dataset_id, "test", data.image_ids[:9], scores_for(9, 2),
                                    n_expected=40)
    assert first != second
    np.testing.assert_array_equal(store.predictions(first).scores, scores_for(40, 1)[np.argsort(data.image_ids)])
    assert len(store.predictions(second).scores) == 9
    assert store.prediction_sets()["prediction_id"].tolist() == [second, first]
    assert store.prediction_sets("another").empty


def test_the_order_holds_for_many_films_in_many_sets(store, run_id):
    """Rows are read in the order they were saved, whatever the engine's threads do."""
    n = 30_000
    images = pd.DataFrame({"image_id": [f"{i:08d}.png" for i in range(n)], "follow_up": 0, "age": 50.0, "sex": "M",
                           "patient_id": [str(i // 3) for i in range(n)], "view": "PA"})
    labels = np.tile(np.arange(n, dtype=np.float32)[:, None], len(NIH_FINDINGS))
    store.add_dataset("many", images[::-1], labels[::-1], NIH_FINDINGS, name="many", kind="nih", label_source="csv")
    sets = [store.save_predictions(run_id, "many", "test", images["image_id"][::-1], scores_for(n, i)[::-1])
            for i in (1, 2)]
    for i, prediction_id in enumerate(sets, 1):
        read = store.predictions(prediction_id)
        assert (read.labels[:, 0] == np.arange(n)).all() and (read.image_ids == images["image_id"]).all()
        assert (read.scores == scores_for(n, i)).all() and (read.patient_ids == images["patient_id"]).all()


@pytest.mark.parametrize("change, says", [
    (lambda ids, s: (ids, s[:, :13]), "scores have shape"),
    (lambda ids, s: (ids[:-1], s), "scores have shape"),
    (lambda ids, s: ([], s[:0]), "not empty"),
    (lambda ids, s: (ids, s + 1), r"probabilities in \[0, 1\]"),
    (lambda ids, s: (ids, s - 1), r"probabilities in \[0, 1\]"),
    (lambda ids, s: (ids, np.where(s > 0.5, np.inf, s)), r"probabilities in \[0, 1\]"),
    (lambda ids, s: ([ids[0], *ids[:-1]], s), "stands twice"),
    (lambda ids, s: (["stranger.png", *ids[1:]], s), "1 films of the predictions are not in data set"),
])
def test_wrong_predictions_are_refused_and_nothing_of_them_is_kept(store, run_id, data, change, says):
    ids, scores = change(data.image_ids, scores_for(40))
    with pytest.raises(StoreError, match=says):
        store.save_predictions(run_id, data.dataset_id, "test", ids, scores)
    assert rows_in(store, "predictions") == rows_in(store, "prediction_sets") == 0


# -- what is measured


def test_metrics_come_back_with_null_for_undefined(store, run_id, data):
    prediction_id = store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, scores_for(40))
    set_id = store.save_threshold_set(prediction_id, "max F1", "max_f1", np.linspace(0, 1, 14))
    rows = metric_rows(("Mass", "auroc", None, 0.75), ("Hernia", "auroc", None, np.nan), ("Mass", "f1", set_id, 1 / 3))
    store.save_metrics(prediction_id, rows)
    store.save_label_set(data.dataset_id, "other", store.labels(data.dataset_id))
    store.save_metrics(prediction_id, rows[:1], label_set="other")
    read = store.metrics([prediction_id])
    assert read["value"].dtype == np.float64 and len(read) == 4
    csv = read[read["label_set"] == "csv"]
    csv = csv.sort_values(["metric", "finding"], ascending=[True, False], ignore_index=True)
    pd.testing.assert_frame_equal(csv[list(METRIC_COLUMNS)], rows[list(METRIC_COLUMNS)], check_dtype=False)
    assert rows_in(store, "metrics", "value IS NULL") == 1 and rows_in(store, "metrics", "value = 'NaN'") == 0
    assert rows_in(store, "metrics", "low IS NULL") == 4
    assert csv["threshold_set"].tolist()[2] == "max F1" and csv["threshold_set"].isna().tolist() == [True, True, False]
    assert store.metrics(["other"]).empty


def test_thresholds_are_kept_to_the_last_bit(store, run_id, data):
    prediction_id = store.save_predictions(run_id, data.dataset_id, "val", data.image_ids, scores_for(40))
    thresholds = np.append(np.nextafter(np.linspace(0.1, 0.9, 13), 1), np.inf)  # inf = no alarm
    store.save_threshold_set(prediction_id, "first", "max_f1", thresholds)
    set_id = store.save_threshold_set(prediction_id, "mine", "manual", thresholds / 2, parameters={"beta": 2},
                                      author="me", note="why")
    sets = store.threshold_sets(run_id)
    assert sets["name"].tolist() == ["mine", "first"] and sets["set_id"][0] == set_id
    assert np.asarray(sets["thresholds"][1]).tobytes() == thresholds.tobytes()
    mine = sets.iloc[0]
    assert (mine["prediction_id"], mine["objective"], mine["author"], mine["note"]) == (
        prediction_id, "manual", "me", "why")
    assert json.loads(sets["parameters"][0]) == {"beta": 2}
    assert store.threshold_sets("another").empty
    with pytest.raises(StoreError, match="needs 14 thresholds"):
        store.save_threshold_set(prediction_id, "short", "manual", thresholds[:13])


def test_calibrators_and_localization_are_kept(store, run_id, data):
    prediction_id = store.save_predictions(run_id, data.dataset_id, "val", data.image_ids, scores_for(40))
    store.save_calibrator(prediction_id, "platt", {"a": [1.5] * 14})
    newest = store.save_calibrator(prediction_id, "isotonic", {"Mass": {"x": [0.25, 1.0], "y": [0.0, 1.0]}})
    held = store.calibrators(prediction_id)
    assert held["method"].tolist() == ["isotonic", "platt"] and held["calibrator_id"][0] == newest
    assert json.loads(held["parameters"][0]) == {"Mass": {"x": [0.25, 1.0], "y": [0.0, 1.0]}}
    assert set(held["prediction_id"]) == {prediction_id} and store.calibrators("another").empty
    rows = pd.DataFrame([("gradcam", data.image_ids[0], "Mass", True, 0.5, np.nan, 0.25)], columns=LOCALIZATION_COLUMNS)
    store.save_localization(prediction_id, rows)
    (platt,) = rows_of(store, "SELECT prediction_id, method, parameters FROM calibrators WHERE method = 'platt'")
    assert platt[:2] == (prediction_id, "platt") and json.loads(platt[2])["a"][0] == 1.5
    (hit,) = store.localization([prediction_id]).to_dict("records")
    assert np.isnan(hit.pop("iobb")) and hit == {
        "prediction_id": prediction_id, "method": "gradcam", "image_id": data.image_ids[0], "finding": "Mass",
        "hit": True, "iou": 0.5, "energy": 0.25}
    assert rows_of(store, "SELECT prediction_id, measurement FROM localization") == [(prediction_id, 1)]


# -- overviews


def with_metrics(store, run_id, data, split, n, value, fitted_on=None, n_expected=40):
    """A prediction set with a macro AUROC and, at thresholds fitted on another set, a macro F1."""
    prediction_id = store.save_predictions(run_id, data.dataset_id, split, data.image_ids[:n], scores_for(n),
                                           n_expected=n_expected)
    rows = [("macro", "auroc", None, value), ("Mass", "auroc", None, 0.5), ("Hernia", "auroc", None, np.nan)]
    for objective, f1 in (("max_f1", value / 2), ("classic", 0.9)):
        set_id = store.save_threshold_set(fitted_on or prediction_id, objective, objective, np.full(14, 0.5))
        rows.append(("macro", "f1", set_id, f1))
    store.save_metrics(prediction_id, metric_rows(*rows))
    return prediction_id


def test_the_leaderboard_shows_the_newest_complete_set_of_each_split(store, run_id, data):
    val = with_metrics(store, run_id, data, "val", 40, 0.6)
    with_metrics(store, run_id, data, "test", 40, 0.70, val)
    newest = with_metrics(store, run_id, data, "test", 40, 0.71, val)
    with_metrics(store, run_id, data, "test", 10, 0.99, val)  # a subset, though newer
    board = store.leaderboard().set_index("split")
    assert sorted(board.index) == ["test", "val"]
    row = board.loc["test"]
    assert (row["prediction_id"], row["n"], row["n_expected"]) == (newest, 40, 40)
    assert (row["auroc"], row["f1"], row["f1_fitted_on"]) == (0.71, 0.355, "val")
    assert row["n_defined"] == 1 and pd.isna(row["ap"])
    assert (board.loc["val"]["auroc"], board.loc["val"]["f1_fitted_on"]) == (0.6, "val")


@pytest.mark.embedded
def test_what_is_kept_for_the_leaderboard_follows_from_the_metrics(store, run_id, data):
    """After each kind of writing: a first measurement, another of a part of it, one of other labels, a deletion."""
    def kept() -> list:
        with store._read() as con:
            assert turns.one_row(con.execute(standing.UNLIKE)) == (0, None)
            return con.execute("SELECT prediction_id, metric, value, n FROM leaderboard_means ORDER BY ALL").fetchall()

    measured = with_metrics(store, run_id, data, "val", 40, 0.6)
    assert [(metric, value) for _, metric, value, _ in kept()] == [
        ("auroc", 0.6), ("f1", 0.3), ("f1", 0.9), ("findings", None)]
    store.save_metrics(measured, metric_rows(("macro", "auroc", None, 0.65), ("Hernia", "auroc", None, 0.7)))
    assert kept()[0][2] == 0.65 and kept()[-1][3] == 2
    store.save_label_set(data.dataset_id, "other", store.labels(data.dataset_id))
    before = kept()
    store.save_metrics(measured, metric_rows(("macro", "auroc", None, 0.1)), label_set="other")
    assert kept() == before
    gone = full_run(store, data)
    assert len(kept()) == 8
    store.delete_run(gone)
    assert kept() == before


def test_a_run_with_only_subsets_shows_its_newest(store, run_id, data):
    with_metrics(store, run_id, data, "test", 10, 0.8)
    with_metrics(store, run_id, data, "test", 5, 0.9)
    board = store.leaderboard()
    assert board[["n", "n_expected", "auroc"]].values.tolist() == [[5, 40, 0.9]]


def test_the_view_for_people_holds_each_runs_newest_complete_set(store, run_id, data):
    with_metrics(store, run_id, data, "test", 40, 0.7)
    newest = with_metrics(store, run_id, data, "test", 40, 0.71)
    with_metrics(store, run_id, data, "test", 10, 0.99)
    store.save_label_set(data.dataset_id, "other", store.labels(data.dataset_id))
    store.save_metrics(newest, metric_rows(("macro", "auroc", None, 0.1)), label_set="other")
    rows = rows_of(store, "SELECT name, architecture, split, finding, metric, value, threshold_set "
                          "FROM latest_metrics WHERE finding = 'macro' ORDER BY metric, threshold_set")
    assert rows == [("first", "resnet18", "test", "macro", "auroc", 0.71, None),
                    ("first", "resnet18", "test", "macro", "f1", 0.9, "classic"),
                    ("first", "resnet18", "test", "macro", "f1", 0.355, "max_f1")]


# -- deleting


def full_run(store, data) -> str:
    """A run with rows in every table that a run can have rows in, and a folder."""
    run_id = store.create_run({"name": "full"}, data.dataset_id)
    store.log_epoch(run_id, epoch(1))
    prediction_id = with_metrics(store, run_id, data, "test", 40, 0.7)
    store.save_calibrator(prediction_id, "platt", {})
    store.save_localization(prediction_id, pd.DataFrame(
        [("gradcam", data.image_ids[0], "Mass", True, 0.5, 0.5, 0.5)], columns=LOCALIZATION_COLUMNS))
    store.run_folder(run_id).mkdir()
    (store.run_folder(run_id) / "model_best.pth").write_bytes(b"weights")
    return run_id


def test_a_deleted_run_leaves_no_row_and_no_file_and_takes_nothing_else(store, data):
    kept = full_run(store, data)
    before = {table: rows_in(store, table) for table in TABLES}
    gone = full_run(store, data)
    assert all(rows_in(store, t) > before[t] for t in TABLES if t not in (
        "datasets", "images", "label_sets", "label_set_info", "boxes"))
    store.delete_run(gone)
    assert {table: rows_in(store, table) for table in TABLES} == before
    assert not store.run_folder(gone).exists() and (store.run_folder(kept) / "model_best.pth").exists()
    assert store.runs()["run_id"].tolist() == [kept]
    assert len(store.metrics(store.prediction_sets()["prediction_id"])) == 5
    with pytest.raises(RunError, match=gone):
        store.delete_run(gone)


@pytest.mark.parametrize("name", ["", ".", "..", "../runs", "%"])
def test_deleting_a_name_that_is_no_run_deletes_nothing(store, data, name):
    kept = full_run(store, data)
    with pytest.raises(RunError):
        store.delete_run(name)
    assert store.run(kept) and (store.run_folder(kept) / "model_best.pth").exists()


def test_nothing_is_written_for_a_run_deleted_meanwhile(store, data):
    """A training that goes on after its run was deleted on the dashboard."""
    run_id = full_run(store, data)
    prediction_id = store.prediction_sets(run_id)["prediction_id"][0]
    store.delete_run(run_id)
    writes = [
        lambda: store.log_epoch(run_id, epoch(2)),
        lambda: store.finish_run(run_id, "finished"),
        lambda: store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, scores_for(40)),
        lambda: store.save_metrics(prediction_id, metric_rows(("macro", "auroc", None, 0.5))),
        lambda: store.save_threshold_set(prediction_id, "x", "x", np.zeros(14)),
        lambda: store.save_calibrator(prediction_id, "platt", {}),
        lambda: store.save_localization(prediction_id, pd.DataFrame([("g", "a", "Mass", True, 0.1, 0.1, 0.1)],
                                                                    columns=LOCALIZATION_COLUMNS)),
    ]
    for write in writes:
        with pytest.raises((RunError, StoreError), match="may have been deleted"):
            write()
    assert all(rows_in(store, table) == 0 for table in TABLES[4:])


# -- knowing that something changed


def test_the_token_changes_with_every_commit_and_with_nothing_else(store, data, run_id):
    tokens = [store.change_token()]
    for write in (lambda: store.log_epoch(run_id, epoch(1)), lambda: store.edit_run(run_id, note="x"),
                  lambda: store.finish_run(run_id, "failed"), lambda: store.create_run({}, data.dataset_id)):
        write()
        tokens.append(store.change_token())
        store.runs(), store.leaderboard(), Store(store.key).epochs([run_id])
        assert store.change_token() == tokens[-1]
    assert len(set(tokens)) == 5


@pytest.mark.embedded
def test_the_token_sees_a_commit_that_its_writer_did_not_survive(store, data, run_id):
    token = store.change_token()
    code = f"""
import os, pathlib, duckdb
from cxrcore.store.turns import connection
with connection(pathlib.Path({str(store.path)!r}), write=True) as con:
    con.execute("SET wal_autocheckpoint = '1TB'")
    con.begin()
    con.execute("UPDATE runs SET note = 'last words'")
    con.commit()
    os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert os.path.getsize(f"{store.path}.wal") > 0
    assert store.change_token() != token
    assert store.run(run_id)["note"] == "last words"
    store.edit_run(run_id, name="and on")
    assert (store.run(run_id)["note"], store.run(run_id)["name"]) == ("last words", "and on")


# -- files that are no stores, older and newer stores


def foreign(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE mine (x INTEGER)")


def newer(path):
    Store(path).create_run({}, "x")
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO schema_version VALUES (?, now())", [len(schema.STEPS) + 1])


def cut(path):
    Store(path).create_run({}, "x")
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize("make, says", [
    (foreign, "no store of this workbench.*--store"),
    (lambda path: path.write_text("results\n" * 999), "cannot be used.*not a valid DuckDB"),
    (lambda path: path.mkdir(), "cannot be used"),
    (newer, r"has schema \d+, this version knows \d+: update the workbench"),
    (cut, "cannot be used"),
], ids=["foreign", "text", "folder", "newer", "cut off"])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path, make, says):
    path = tmp_path / "store.duckdb"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for use in (lambda: Store(path).runs(), lambda: Store(path).create_run({}, "x")):
        with pytest.raises(StoreError, match=says) as error:
            use()
        assert "\n" not in str(error.value)
    if before is not None:
        assert path.read_bytes() == before


@pytest.mark.parametrize("applied", range(len(schema.STEPS)))
def test_an_older_store_is_brought_up_to_date_by_reading_it(tmp_path, monkeypatch, applied):
    path = tmp_path / "store.duckdb"
    with monkeypatch.context() as older:
        older.setattr(schema, "STEPS", schema.STEPS[:applied])
        with duckdb.connect(str(path)) as con:
            schema.upgrade(con)
            if applied:
                con.execute("INSERT INTO runs (run_id, config, versions, cost) VALUES ('old', '{}', '{}', '{}')")
    assert Store(path).runs()["run_id"].tolist() == ["old"] * bool(applied)
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT list(version ORDER BY version) FROM schema_version").fetchone()[0] == list(
            range(1, len(schema.STEPS) + 1))
        con.execute("SELECT * FROM latest_metrics")


@pytest.mark.embedded
def test_the_schema_keeps_to_what_a_team_store_can_hold(store, run_id):
    """DuckLake refuses keys, enums and arrays of fixed size."""
    with duckdb.connect(str(store.path), read_only=True) as con:
        tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        types = {kind for (kind,) in con.execute("SELECT DISTINCT data_type FROM duckdb_columns()").fetchall()}
        constraints = con.execute("SELECT count(*) FROM duckdb_constraints()").fetchone()[0]
        assert con.execute("SELECT count(*) FROM duckdb_indexes()").fetchone()[0] == 0
    assert tables == {*TABLES, standing.TABLE, "schema_version"}
    assert constraints == 0
    assert not [kind for kind in types if "ENUM" in kind or kind[-2:-1].isdigit()]


def test_an_exception_inside_a_write_leaves_the_store_as_it_was(store, run_id):
    with pytest.raises(ZeroDivisionError), store._write() as con:
        con.execute("DELETE FROM runs")
        1 / 0  # noqa: B018
    assert store.runs()["run_id"].tolist() == [run_id]


# -- taking turns


@pytest.mark.embedded
def test_a_busy_store_says_who_holds_it(store, run_id, impatient):
    code = f"""
import pathlib, sys, time
sys.argv = ["scripts/train.py"]
from cxrcore.store.turns import connection
with connection(pathlib.Path({str(store.path)!r}), write=True):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = in_process(code)
    try:
        for use in (store.runs, lambda: store.edit_run(run_id, note="x")):
            with pytest.raises(StoreBusy, match=rf"train\.py \(process {holder.pid}\)") as error:
                use()
            assert str(store.path) in str(error.value)
    finally:
        holder.kill()
        holder.wait()
    store.edit_run(run_id, note="after")
    assert store.run(run_id)["note"] == "after"


@pytest.mark.embedded
def test_a_program_that_knows_no_gate_is_named_too(store, run_id, impatient):
    code = (f"import duckdb, time\ncon = duckdb.connect({str(store.path)!r}, read_only=True)\n"
            "print('held', flush=True)\ntime.sleep(60)")
    holder = in_process(code)
    try:
        assert store.run(run_id)["name"] == "first"  # readers do not disturb each other
        with pytest.raises(StoreBusy, match=rf"locked by .*PID {holder.pid}"):
            store.edit_run(run_id, note="x")
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.embedded
def test_a_short_hold_is_waited_for(store, run_id):
    code = f"""
import pathlib, time
from cxrcore.store.turns import connection
with connection(pathlib.Path({str(store.path)!r}), write=True):
    print("held", flush=True)
    time.sleep(0.5)
"""
    holder = in_process(code)
    store.edit_run(run_id, note="waited")
    assert holder.wait() == 0 and store.run(run_id)["note"] == "waited"


def test_threads_of_one_process_read_and_write_at_once(store, run_id, data):
    """The Streamlit server: many sessions, one process."""
    errors, stop = [], threading.Event()

    def guarded(work):
        try:
            work()
        except Exception as error:
            errors.append(error)

    def write(own: str):
        for number in range(1, 9):
            Store(store.key).log_epoch(own, epoch(number))

    def read():
        while not stop.is_set():
            assert len(Store(store.key).runs()) >= 1
            store.leaderboard()

    runs = [store.create_run({}, data.dataset_id) for _ in range(3)]
    writers = [threading.Thread(target=guarded, args=(lambda own=own: write(own),)) for own in runs]
    readers = [threading.Thread(target=guarded, args=(read,)) for _ in range(3)]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert errors == []
    assert store.epochs(runs).groupby("run_id")["epoch"].apply(list).tolist() == [list(range(1, 9))] * 3


# -- a full disk


def test_a_full_disk_loses_nothing_that_was_saved(small_disk, data):
    store, saved = Store(small_disk / "runs" / "store.duckdb"), []
    with pytest.raises(DiskFullError, match="no room on the disk"):
        for _ in range(50):
            saved += [store.create_run({"name": os.urandom(20_000).hex()}, data.dataset_id)]
    assert saved, "the disk must hold a few runs for this test to say anything"
    assert set(store.runs()["run_id"]) == set(saved)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    saved.append(store.create_run({}, data.dataset_id))
    assert set(store.runs()["run_id"]) == set(saved)


def test_a_store_that_could_not_be_made_on_a_full_disk_can_be_made_later(small_disk):
    filler = small_disk / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    filler.write_bytes(bytes(filler.stat().st_size - 12_000))
    store = Store(small_disk / "store.duckdb")
    with pytest.raises(DiskFullError):
        store.create_run({}, "x")
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert store.runs().empty
    assert store.create_run({}, "x") in set(store.runs()["run_id"])


def test_a_store_on_a_read_only_disk_is_read_and_not_written(small_disk):
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    store = Store(small_disk / "store.duckdb")
    run_id = store.create_run({"name": "taught"}, "x")
    for left in (f"{store.path}.gate", f"{store.path}.holder"):
        Path(left).unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert Store(store.key).run(run_id)["name"] == "taught"
    with pytest.raises(StoreError):
        store.edit_run(run_id, name="other")


def test_an_evaluation_under_way_and_a_last_checkpoint_hide_no_numbers(store, data, run_id):
    def measured(checkpoint: str, value: float | None) -> str:
        scores = np.full((len(data.images), len(NIH_FINDINGS)), 0.5, np.float32)
        id_ = store.save_predictions(run_id, data.dataset_id, "test", data.images["image_id"], scores,
                                     checkpoint=checkpoint)
        if value is not None:
            row = dict.fromkeys(METRIC_COLUMNS) | {"finding": "macro", "metric": "auroc", "value": value, "n": 1,
                                                   "n_positive": 1, "method": "test"}
            store.save_metrics(id_, pd.DataFrame([row]))
        return id_

    best = measured("model_best.pth", 0.8)
    measured("model_last.pth", 0.7)
    measured("model_best.pth", None)  # interrupted between its predictions and its metrics
    row = store.leaderboard().iloc[0]
    assert (row["prediction_id"], row["auroc"]) == (best, 0.8)
    assert rows_of(store, "SELECT value FROM latest_metrics") == [(0.7,)]


def test_a_threshold_that_is_no_number_is_refused(store, data, run_id):
    prediction_id = store.save_predictions(run_id, data.dataset_id, "val", data.image_ids,
                                           np.full((len(data.image_ids), len(NIH_FINDINGS)), 0.5))
    with pytest.raises(StoreError, match="NaN"):
        store.save_threshold_set(
            prediction_id, "wrong", "manual", np.append(np.full(len(NIH_FINDINGS) - 1, 0.5), np.nan)
        )
    assert store.threshold_sets(run_id).empty


@pytest.mark.parametrize("url", ["postgresql+psycopg2://u:secret@h/db", "POSTGRESQL://u:secret@h/db",
                                 " postgresql://u:secret@h/db", "mysql:/u:secret@h", "s3://bucket/store.duckdb"])
def test_an_address_of_another_form_is_no_file_s_name_and_is_not_repeated(url):
    with pytest.raises(StoreError, match="the address of the store cannot be read: expected a file") as said:
        Store(url)
    assert "secret" not in str(said.value)
