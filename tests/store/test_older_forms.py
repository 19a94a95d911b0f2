"""Stores from before label sets had names of their own, and from before prediction sets had numbers.

They open, come up to date, and hold exactly what they held.
"""

import json
import math
import re
from pathlib import Path

import duckdb
import numpy as np
import pytest
from run_folders import rows_of

from cxrcore import ids
from cxrcore.data.film_table import dataset_hash
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import export
from cxrcore.store import CSV, Store, schema

SAMPLE, FURTHER, LAST = (Path(__file__).with_name(f"store_of_form_{form}.sql") for form in (3, 4, 5))
FILMS, PHANTOMS = "aaaaaaaaaaa1", "aaaaaaaaaaa2"
VAL, TEST, OTHER = (f"20260301-100000-00000{letter}" for letter in "abc")
RUN = "20260301-090000-000001"


@pytest.fixture
def old(tmp_path) -> Store:
    path = tmp_path / "runs" / "store.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as con:
        con.execute(SAMPLE.read_text())
    return Store(path)


def rows(store: Store, query: str) -> list[tuple]:
    """Read past the store's own methods."""
    with duckdb.connect(str(store.path), read_only=True) as con:
        return con.execute(query).fetchall()


def test_every_row_stays_and_each_data_set_has_the_labels_that_it_came_with(old):
    before = rows_of(old)
    assert len(old.runs()) == 2
    after = rows_of(old)
    grown = {"schema_version", "predictions"}
    assert {table: after[table] for table in before if table not in grown} == {
        table: own for table, own in before.items() if table not in grown}
    assert len(after["predictions"]) == len(before["predictions"]) == 6
    assert after.keys() - before.keys() == {"label_set_info", "leaderboard_means"} and rows(
        old, "SELECT max(version) FROM schema_version"
    ) == [(len(schema.STEPS),)]
    sets = old.label_sets()
    assert [(one.dataset_id, one.name, one.findings, one.derived, one.source) for one in sets] == [
        (dataset_id, CSV, NIH_FINDINGS, (), "NIH release") for dataset_id in (FILMS, PHANTOMS)]
    assert old.findings(FILMS) == NIH_FINDINGS and {one.created_at for one in sets} == {""}
    copy = old.copy_before()
    assert copy is not None and copy.name == "store.before-3.duckdb" and rows_of(Store(copy)) == before


def test_labels_predictions_and_measures_are_what_they_were(old):
    stored = {image_id: np.array(labels, np.float32) for image_id, labels in rows(
        old, f"SELECT image_id, labels FROM label_sets WHERE dataset_id = '{FILMS}'")}
    view = rows(old, "SELECT * FROM latest_metrics ORDER BY ALL")
    scores = dict(rows(old, f"SELECT image_id, scores FROM predictions WHERE prediction_id = '{TEST}'"))
    labels = old.labels(FILMS)
    assert labels.columns.tolist() == list(NIH_FINDINGS) and labels.index.tolist() == sorted(stored)
    for image_id, own in stored.items():
        np.testing.assert_array_equal(labels.loc[image_id].to_numpy(), own)
    assert np.isnan(labels.at["1.png", "Infiltration"]) and labels.isna().sum().sum() == 1
    found = old.predictions(TEST)
    assert found.findings == NIH_FINDINGS and found.image_ids.tolist() == ["2.png", "3.png"]
    for image_id, own, label in zip(found.image_ids, found.scores, found.labels, strict=True):
        np.testing.assert_array_equal(own, np.array(scores[image_id], np.float32))
        np.testing.assert_array_equal(label, stored[image_id])
    measured = old.metrics([TEST]).set_index(["finding", "metric"])["value"]
    assert measured.to_dict() == {("macro", "auroc"): 0.75, ("macro", "f1"): 0.4, ("Mass", "auroc"): 0.6,
                                  ("macro", "ap"): 0.3}
    board = old.leaderboard().set_index("prediction_id")
    assert board.loc[TEST, ["auroc", "ap", "f1", "f1_fitted_on", "dataset_id"]].tolist() == [
        0.75,
        0.3,
        0.4,
        "val",
        FILMS,
    ]
    assert set(board.index) == {VAL, TEST, OTHER} and rows(old, "SELECT * FROM latest_metrics ORDER BY ALL") == view
    assert old.threshold_sets(RUN)["thresholds"][0].tolist() == [(k + 1) / 16 for k in range(14)]
    assert json.loads(old.calibrators(VAL)["parameters"][0]) == {"Mass": {"scale": 1.5, "bias": -0.5}}
    assert old.localization([TEST])["iou"].tolist() == [0.1]


def test_another_reading_joins_an_old_store(old):
    experts = old.labels(FILMS)[["Mass", "Hernia"]].iloc[1:]
    assert old.save_label_set(FILMS, "experts", experts).findings == ("Mass", "Hernia")
    assert old.predictions(VAL, "experts").image_ids.tolist() == ["1.png"]
    assert [one.name for one in old.label_sets()] == [CSV, "experts", CSV]


def test_a_run_of_an_old_store_goes_out_and_comes_back(old, tmp_path):
    named = dataset_hash(old.images(FILMS), old.labels(FILMS).to_numpy(), NIH_FINDINGS)
    with old._write() as con:  # the sample's films are made up, and not called by their hash
        for table in ("datasets", "images", "label_sets", "label_set_info", "boxes", "runs", "prediction_sets"):
            con.execute(f"UPDATE {table} SET dataset_id = ? WHERE dataset_id = ?", [named, FILMS])
    there = Store(tmp_path / "there.duckdb")
    export.restore(there, export.export(old, RUN, tmp_path))
    np.testing.assert_array_equal(there.predictions(TEST).labels, old.predictions(TEST).labels)
    assert json.loads((tmp_path / RUN / "run.json").read_text())["format_version"] == 1


def test_the_scores_of_a_store_without_numbers_are_what_they_were(old):
    with duckdb.connect(str(old.path)) as con:
        con.execute(FURTHER.read_text())
    query = "SELECT prediction_id, image_id, scores FROM predictions ORDER BY prediction_id, image_id"
    before = rows(old, query)
    found = old.predictions("by hand")
    assert found.image_ids.tolist() == ["0.png", "1.png"] and rows(old, query) == before
    np.testing.assert_array_equal(found.scores, old.predictions(OTHER).scores)
    assert dict(rows(old, "SELECT DISTINCT prediction_id, id_number FROM predictions")) == {
        "by hand": 0, VAL: 20260301100000 << 16, TEST: 20260301100000 << 16, OTHER: 20260301100000 << 16}
    copy = old.copy_before()
    assert copy is not None and copy.name == "store.before-4.duckdb"


def test_the_leaderboard_of_a_store_that_kept_no_means_is_what_it_was(old):
    with duckdb.connect(str(old.path)) as con:
        for step in (FURTHER, LAST):
            con.execute(step.read_text())
    before = rows_of(old)
    board = old.leaderboard().set_index("prediction_id")
    after = rows_of(old)
    assert {table: after[table] for table in before if table != "schema_version"} == {
        table: own for table, own in before.items() if table != "schema_version"}
    assert board.loc[TEST, ["auroc", "auroc_low", "auroc_high", "ap", "f1", "n", "n_defined"]].tolist() == [
        0.81, 0.7, 0.9, 0.3, 0.4, 2, 1]  # the AUROC that was measured last, and of Mass alone
    assert math.isnan(board.at["by hand", "auroc"]) and board.at["by hand", "n_defined"] == 0
    copy = old.copy_before()
    assert copy is not None and copy.name == "store.before-5.duckdb" and rows_of(Store(copy)) == before


def test_ids_of_one_second_share_no_scores(old):
    """Their numbers are the same here: the id itself decides."""
    assert old.predictions(VAL).image_ids.tolist() != old.predictions(TEST).image_ids.tolist()
    assert ids.number_of("20260301-100000-0001ff") - ids.number_of("20260301-100000-0000ff") == 1
    assert ids.number_of("20260301-100001-000000") > ids.number_of("20260301-100000-ffffff") > 0
    assert [ids.number_of(one) for one in ("by hand", "", "20260301-100000-00000A")] == [0, 0, 0]


def test_a_set_is_found_among_those_of_its_day_without_reading_them_all(tmp_path):
    """DuckDB skips blocks of 122,880 rows by the number; by the text, whose first letters are the date, it cannot."""
    store, n = Store(tmp_path / "store.duckdb"), 40_000
    sets = [f"20260301-1000{k:02d}-{255 - k:06x}" for k in range(16)]
    with store._write() as con:
        for one in sets:
            con.execute("INSERT INTO predictions SELECT ?, i::VARCHAR, [0.5], ? FROM range(?) r(i)",
                        [one, ids.number_of(one), n])
    with duckdb.connect(str(store.path), read_only=True) as con:
        def looked_at(where: str, *values) -> int:
            [(_, told)] = con.execute("EXPLAIN (ANALYZE, FORMAT json) SELECT image_id FROM predictions WHERE "
                                      f"{where}", values).fetchall()
            return sum(int(one) for one in re.findall(r'"operator_rows_scanned":\s*(\d+)', told))

        assert looked_at("prediction_id = ?", sets[9]) == 16 * n
        assert 0 < looked_at("id_number = ? AND prediction_id = ?", ids.number_of(sets[9]), sets[9]) <= 2 * 122_880
