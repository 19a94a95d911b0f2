"""What "the newest" and "in order" mean in the store: said in SQL, for many rows and whatever order they came in."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from store_rows import rows_of

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store
from cxrcore.store.file import to_lists
from cxrcore.store.measurements import LOCALIZATION_COLUMNS, METRIC_COLUMNS

N = 140_000  # rows of one measurement: more than one row group of the engine, so that its threads share the work


def boxes_hit(n: int, iou: float, order: np.ndarray | None = None) -> pd.DataFrame:
    """A measurement of n films by one method."""
    rows = pd.DataFrame({"method": "gradcam", "image_id": [f"{i:08d}.png" for i in range(n)], "finding": "Mass",
                         "hit": iou > 0.5, "iou": iou, "iobb": iou, "energy": iou})
    return rows[list(LOCALIZATION_COLUMNS)].iloc[slice(None) if order is None else order]


@pytest.fixture
def prediction_id(store, data, run_id) -> str:
    return store.save_predictions(
        run_id, data.dataset_id, "test", data.image_ids, np.full((40, len(NIH_FINDINGS)), 0.5)
    )


def macro(metric: str, value: float, set_id: str | None = None) -> pd.DataFrame:
    row = dict.fromkeys(METRIC_COLUMNS) | {"finding": "macro", "metric": metric, "set_id": set_id, "value": value,
                                           "n": 40, "n_positive": 5, "method": "exact"}
    return pd.DataFrame([row])


def test_the_newest_of_many_measurements_is_read_every_time(store, prediction_id):
    store.save_localization(prediction_id, boxes_hit(N, 0.1))
    store.save_localization(prediction_id, boxes_hit(N, 0.9))
    store.save_localization(prediction_id, boxes_hit(1000, 0.5))  # some films again
    for _ in range(3):
        rows = Store(store.key).localization([prediction_id, "another"])
        iou = rows.set_index("image_id")["iou"].sort_index()
        assert len(iou) == N and (iou[:1000] == 0.5).all() and (iou[1000:] == 0.9).all()
        assert rows["image_id"].is_monotonic_increasing
    assert rows.columns.tolist() == ["prediction_id", *LOCALIZATION_COLUMNS]


def test_a_film_twice_in_one_measurement_counts_as_it_came_last(store, prediction_id):
    store.save_localization(prediction_id, pd.concat([boxes_hit(5, 0.1), boxes_hit(5, 0.2)]))
    assert store.localization([prediction_id])["iou"].tolist() == [0.2] * 5


def test_measurements_are_numbered_within_their_predictions(store, data, run_id, prediction_id):
    other = store.save_predictions(
        run_id, data.dataset_id, "val", data.image_ids, np.full((40, len(NIH_FINDINGS)), 0.5)
    )
    for own, iou in ((prediction_id, 0.1), (other, 0.2), (prediction_id, 0.3)):
        store.save_localization(own, boxes_hit(2, iou))
    rows = store.localization([other, prediction_id])
    assert rows.groupby("prediction_id")["iou"].first().to_dict() == {prediction_id: 0.3, other: 0.2}


def test_rows_of_a_run_folder_from_before_there_were_numbers_are_older_than_any_other(store, prediction_id):
    rows = {"method": ["gradcam"] * 3, "image_id": ["00000000.png"] * 3, "finding": ["Mass"] * 3,
            "iou": [0.0, 0.1, 0.2]}
    with store._write() as con:
        con.insert("localization", pa.table(rows), prediction_id=prediction_id, measurement=None)
    assert store.localization([prediction_id])["iou"].tolist() == [0.2]
    store.save_localization(prediction_id, boxes_hit(1, 0.9))
    assert store.localization([prediction_id])["iou"].tolist() == [0.9]


def test_metrics_measured_again_stand_once_and_the_newest_counts(store, run_id, prediction_id):
    set_id = store.save_threshold_set(prediction_id, "max F1", "max_f1", np.full(len(NIH_FINDINGS), 0.5))
    (dataset_id,) = store.datasets()["dataset_id"]
    store.save_label_set(dataset_id, "experts", store.labels(dataset_id))
    for value in (0.9, 0.7, 0.8):
        store.save_metrics(prediction_id, pd.concat([macro("auroc", value), macro("f1", value / 2, set_id)]))
        store.save_metrics(prediction_id, macro("auroc", value / 4), label_set="experts")
    rows = store.metrics([prediction_id])
    assert rows[["label_set", "metric", "value"]].values.tolist() == [
        ["csv", "auroc", 0.8], ["csv", "f1", 0.4], ["experts", "auroc", 0.2]]
    assert "measurement" not in rows
    assert store.leaderboard()[["auroc", "f1"]].values.tolist() == [[0.8, 0.4]]
    assert rows_of(store, "SELECT metric, value FROM latest_metrics ORDER BY metric, value") == [
        ("auroc", 0.8), ("f1", 0.4)]
    store.save_metrics(prediction_id, macro("auroc", np.nan))  # no longer defined is newer than any value
    assert np.isnan(store.leaderboard()["auroc"][0])


def test_films_labels_and_scores_are_in_the_order_of_names_whatever_order_they_came_in(store):
    n = 130_000
    order = np.random.default_rng(0).permutation(n)
    names = np.array([f"{i:08d}.png" for i in range(n)], object)
    images = pd.DataFrame({"image_id": names[order], "patient_id": (order // 3).astype(str), "follow_up": 0,
                           "age": 50.0, "sex": "M", "view": "PA"})
    labels = np.tile(order.astype(np.float32)[:, None], len(NIH_FINDINGS))
    store.add_dataset("many", images, labels, NIH_FINDINGS, name="many", kind="nih", label_source="csv")
    assert (store.images("many")["image_id"] == names).all()
    held = store.labels("many")
    assert (held.index == names).all() and (held["Hernia"] == np.arange(n)).all()
    run_id = store.create_run({}, "many")
    with store._write() as con:  # as an import might: not in order, in several pieces
        con.execute("INSERT INTO prediction_sets (prediction_id, run_id, dataset_id, split, n, n_expected) "
                    "VALUES ('p', ?, 'many', 'test', ?, ?)", [run_id, n, n])
        for part in np.array_split(order, 2):
            scores = to_lists(np.repeat(part[:, None] / n, 14, axis=1).astype(np.float32))
            con.insert("predictions", pa.table({"image_id": names[part], "scores": scores}), prediction_id="p",
                       id_number=0)
    found = store.predictions("p")
    assert (found.image_ids == names).all() and (np.diff(found.scores[:, 0]) > 0).all()
    assert (found.labels[:, 0] == np.arange(n)).all() and found.patient_ids[7] == "2"


def test_boxes_and_data_sets_are_in_a_set_order(store, data):
    boxes = pd.DataFrame({"image_id": data.image_ids[:3] * 2, "finding": list(NIH_FINDINGS[:6]), "x": [3.0, 1, 2] * 2,
                          "y": 0.0, "width": 1.0, "height": 1.0})
    store.add_dataset("b", data.images, data.labels, NIH_FINDINGS, name="tiny", kind="nih", label_source="csv",
                      boxes=boxes.iloc[::-1])
    held = store.boxes("b")
    pd.testing.assert_frame_equal(held, boxes.sort_values(["image_id", "finding"], ignore_index=True))
    store.add_dataset("a", data.images, data.labels, NIH_FINDINGS, name="tiny", kind="nih", label_source="csv")
    assert store.datasets()["dataset_id"].tolist() == sorted(["a", "b", data.dataset_id])
