"""A store moved from one kind to the other and back, looked at, backed up and restored: nothing is lost on the way."""

import contextlib
import os
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import run_folders
import scored_runs

from cxrcore.config import PROJECT_ROOT, StoreConfig
from cxrcore.errors import DataError, StoreError, UsageError
from cxrcore.store import Store, schema
from cxrcore.store.backends import standing
from cxrcore.store.backends.session import LARGE
from cxrcore.store.care import backup, checking, commands, moving, restore
from cxrcore.store.measurements import LOCALIZATION_COLUMNS

pytest.importorskip("psycopg", reason="the package psycopg is not installed")

from cxrcore.store.team import connections, tables

OLD = 2 * 86400  # seconds


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Store:
    """A file with all kinds of rows, some of them measured twice, and a run folder. Read-only by agreement."""
    store = scored_runs.make(tmp_path_factory.mktemp("filled") / "runs" / "store.duckdb", 40, 60, 2)
    scored_runs.add_experts(store)
    run_id = store.runs()["run_id"][0]
    prediction_id = store.chosen_set(run_id, "test")
    boxes = pd.DataFrame([("gradcam", store.images(scored_runs.DATASET)["image_id"][0], finding, True, 0.5, np.nan, iou)
                          for finding, iou in (("Mass", 0.25), ("Nodule", 0.5))], columns=list(LOCALIZATION_COLUMNS))
    for part in (boxes, boxes.assign(energy=0.75)[:1]):
        store.save_localization(prediction_id, part)
    known = store.images(scored_runs.DATASET)[:3].assign(age=[1.5, np.nan, 3])
    store.add_dataset("other", known, np.array([[1, np.nan], [0, 1], [1, 0]]), ["Mass", "fracture_x"], name="o",
                      kind="mine", label_source="x", boxes=pd.DataFrame({
                          "image_id": known["image_id"][:1], "finding": "Mass", "x": 1.5, "y": 2.0, "width": 3.0,
                          "height": 4.0}))
    store.save_calibrator(prediction_id, "platt", {"Mass": {"scale": 1.5, "bias": 0.25}})
    store.edit_run(run_id, note="Grüße\n'quoted' % and \\ more", archived=True)
    metrics = store.metrics([prediction_id]).query("label_set == 'csv'")
    store.save_metrics(prediction_id, metrics.assign(value=metrics["value"] / 2))
    store.run_folder(run_id).mkdir()
    (store.run_folder(run_id) / "model_best.pth").write_bytes(b"weights")
    return store


@pytest.fixture
def team(postgres, tmp_path):
    yield postgres.store(tmp_path / "shared")
    close()


def close() -> None:
    connections.close_all()


def answers(store: Store) -> dict[str, object]:
    """All that pages and scripts may ask."""
    runs = store.runs()["run_id"].tolist()
    sets = store.prediction_sets()["prediction_id"].tolist()
    frames = {"runs": store.runs(), "epochs": store.epochs(runs), "sets": store.prediction_sets(),
              "datasets": store.datasets(), "board": store.leaderboard(), "metrics": store.metrics(sets),
              "boxes": store.boxes("other"), "localization": store.localization(sets)}
    frames |= {f"thresholds {one}": store.threshold_sets(one) for one in runs}
    frames |= {f"calibrators {one}": store.calibrators(one) for one in sets}
    frames |= {f"images {one}": store.images(one) for one in store.datasets()["dataset_id"]}
    frames |= {f"labels {one.name} {one.dataset_id}": store.labels(one.dataset_id, one.name)
               for one in store.label_sets()}
    return frames | {"label sets": store.label_sets(), "chosen": [store.chosen_set(run, part) for run in runs
                                                                  for part in scored_runs.PARTS]}


def same(one: Store, other: Store) -> None:
    mine, theirs = answers(one), answers(other)
    assert mine.keys() == theirs.keys() and len(mine) > 15
    for name, found in mine.items():
        if isinstance(found, pd.DataFrame):
            pd.testing.assert_frame_equal(found, theirs[name], obj=name)
        else:
            assert found == theirs[name], name
    for prediction_id in one.prediction_sets()["prediction_id"]:
        for labels in ("csv", "experts"):
            scores, other_scores = one.predictions(prediction_id, labels), other.predictions(prediction_id, labels)
            for name in ("image_ids", "patient_ids", "labels", "scores"):
                np.testing.assert_array_equal(getattr(scores, name), getattr(other_scores, name))
            assert scores.findings == other_scores.findings


def test_there_and_back_nothing_is_lost(filled, team, tmp_path):
    held = moving.copy_store(filled, team)
    assert held == moving.contents(filled) and all(one.rows for name, one in held.items() if name != "epochs")
    same(filled, team)
    back = Store(tmp_path / "back" / "store.duckdb")
    assert moving.copy_store(team, back) == held == moving.contents(back)
    same(filled, back)
    run_id = filled.runs()["run_id"][0]
    assert (back.run_folder(run_id) / "model_best.pth").read_bytes() == b"weights"
    assert not [one for one in checking.check(team) + checking.check(back) if one.is_fault]
    back.edit_run(run_id, note="other")
    other = moving.contents(back)
    assert {name for name in held if other[name] != held[name]} == {"runs"}


def test_a_run_goes_out_of_one_kind_and_into_the_other(team, tmp_path):
    filled, run_id, _ = run_folders.store_with_run(tmp_path / "first" / "store.duckdb", seed=4)
    team.restore_run(filled.run_tables(run_id))
    elsewhere = Store(tmp_path / "elsewhere.duckdb")
    elsewhere.restore_run(team.run_tables(run_id))
    for store in (team, elsewhere):
        pd.testing.assert_frame_equal(filled.leaderboard(), store.leaderboard())
        assert store.run(run_id) == filled.run(run_id)
    copied = team.restore_run(filled.run_tables(run_id), as_copy=True)
    assert team.run(copied)["name"].endswith("(copy)") and len(team.runs()) == 2
    damaged = filled.run_tables(run_id)
    with pytest.raises(DataError):
        team.restore_run(damaged | {"predictions": damaged["predictions"][:-1]})
    assert len(team.runs()) == 2


def test_a_copy_that_was_cut_off_is_begun_anew(filled, team, monkeypatch):
    insert, done = moving._insert, []

    def cut(target, table, piece):
        if table == "threshold_sets":
            raise KeyboardInterrupt
        done.append(table)
        insert(target, table, piece)

    monkeypatch.setattr(moving, "_insert", cut)
    with pytest.raises(KeyboardInterrupt):
        moving.copy_store(filled, team)
    assert "predictions" in done and team.runs().empty and team.datasets().empty, "nothing of half a copy is shown"
    monkeypatch.setattr(moving, "_insert", insert)
    assert moving.copy_store(filled, team) == moving.contents(filled)
    with pytest.raises(UsageError, match="holds 2 runs and 2 data sets already: a copy needs an empty one"):
        moving.copy_store(filled, team)
    with pytest.raises(UsageError, match="into itself"):
        moving.copy_store(team, team)
    with pytest.raises(UsageError, match="there is no store"):
        moving.copy_store(Store("/nowhere/store.duckdb"), team)


def test_the_commands_say_what_they_did(filled, postgres, tmp_path, caplog):
    (tmp_path / "shared").mkdir()
    postgres.sql("CREATE SCHEMA commanded")
    key = postgres.address("commanded", tmp_path / "shared")
    try:
        with caplog.at_level("INFO"):
            assert commands.run_command("init", [], StoreConfig(store=key)) == 0
            assert commands.run_command("init", [], StoreConfig(store=key)) == 0
            assert commands.run_command("copy", [filled.key, key], StoreConfig()) == 0
            for words in (["one"], ["one", "two", "three"]):
                with pytest.raises(UsageError, match="copy needs two stores, FROM and TO"):
                    commands.run_command("copy", words, StoreConfig())
        said = [one.getMessage() for one in caplog.records]
        assert said[0].endswith(" is ready") and said[1].endswith("is ready, as it was")
        held = moving.contents(filled)
        assert f"runs            {held['runs'].rows:>12,} rows  {held['runs'].checksum:016x}" in said
        assert said[-1] == f"all of {filled.key} is in {Store(key).key}, read back and the same"
        with pytest.raises(StoreError, match="is a team's store in a database"):
            commands.run_command("vacuum", [], StoreConfig(store=key))
    finally:
        close()


def test_a_script_tells_a_damaged_store_by_its_code(filled, team, monkeypatch, capsys):
    moving.copy_store(filled, team)
    next((team.folder / "parts" / "images").iterdir()).unlink()
    monkeypatch.setattr(sys, "argv", ["store.py", "check", "--store", team.key])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROJECT_ROOT / "scripts" / "store.py"), run_name="__main__")
    out, _ = capsys.readouterr()
    assert ended.value.code == commands.FAULTS and "fault: " in out and "is missing: " in out


# -- what a look finds


def part(team: Store, table: str) -> Path:
    """The first file of a table."""
    return sorted((team.folder / "parts" / table).iterdir())[0]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _aged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (1, path.stat().st_mtime - OLD))


FAULTS = {
    "scores gone": (lambda team: part(team, "predictions").unlink(), "predictions.* is missing: ", "delete the run"),
    "scores cut off": (lambda team: os.truncate(part(team, "predictions"), 300), "bytes, not ", "delete the run"),
    "a bit turned": (lambda team: _flip(part(team, "label_sets")), "is damaged: it is not what was written",
                     "restore a backup into a new"),
    "an orphan": (lambda team: _aged(part(team, "predictions").with_name("x-1.parquet"), b"x"),
                  "x-1.parquet belongs to nothing", "delete it"),
    "half-written": (lambda team: _aged(part(team, "predictions").with_name("x.1-2.new.parquet"), b"x"),
                     "x.1-2.new.parquet belongs to nothing", "delete it"),
    "rows without a run": (lambda team: _sql(team, "DELETE FROM runs"), "rows of prediction_sets point to runs", ""),
    "a film twice": (lambda team: _sql(team, "INSERT INTO images (dataset_id, file, n_rows, n_bytes, sha256) SELECT "
                                             "dataset_id, file, n_rows, n_bytes, sha256 FROM images"),
                     "names stand twice in images", "restore a backup into a new"),
    "a wrong number": (lambda team: _sql(team, "UPDATE predictions SET id_number = 7"), "not found by their number",
                       ""),
}


def _sql(team: Store, statement: str) -> None:
    with team._write() as con:
        con.execute(statement)


# Those that have nothing to do with each other, in one store.
TOGETHER = (("scores gone", "a bit turned", "an orphan", "half-written", "a film twice"),
            ("scores cut off", "a wrong number"), ("rows without a run",))


def test_every_fault_is_planted():
    assert sorted(name for names in TOGETHER for name in names) == sorted(FAULTS)


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
def test_planted_faults_are_found_and_told_with_what_to_do(filled, team, names):
    moving.copy_store(filled, team)
    before = {one.what for one in checking.check(team)}
    for name in names:
        FAULTS[name][0](team)
    found = [one for one in checking.check(team) if one.what not in before]
    for _, what, do in (FAULTS[name] for name in names):
        assert [one for one in found if one.is_fault and re.search(what, one.what) and do in one.do], what
    assert all("\n" not in one.what and "--replace" not in one.do for one in found)


def test_what_is_being_written_is_no_fault(filled, team):
    moving.copy_store(filled, team)
    before = checking.check(team)
    part(team, "predictions").with_name("y-2.parquet").write_bytes(b"x")
    assert checking.check(team) == before


# -- backups


def test_a_backup_of_a_team_comes_back_as_a_file_and_as_a_teams(filled, team, postgres, tmp_path):
    moving.copy_store(filled, team)
    made = backup.back_up(team, tmp_path / "backup", checkpoints=True)
    assert made.rows["runs"] == 2 and any(name.endswith("model_best.pth") for name in made.files)
    with pytest.raises(UsageError, match="holds 2 runs"):
        restore.restore(team, made.folder, replace=True)
    file = Store(tmp_path / "restored" / "store.duckdb")
    restore.restore(file, made.folder)
    other = postgres.store(tmp_path / "other")
    restore.restore(other, made.folder)
    for store in (file, other):
        assert moving.contents(store) == moving.contents(filled)
        assert (store.run_folder(filled.runs()["run_id"][0]) / "model_best.pth").read_bytes() == b"weights"
    backup.verified(made.folder)
    with contextlib.suppress(FileNotFoundError):
        (made.folder / backup.FILE).unlink()
    with pytest.raises(DataError):
        restore.restore(postgres.store(tmp_path / "third"), made.folder)


def test_both_kinds_have_the_same_columns(team):
    """A step of the one needs a step of the other."""
    with team._read() as con:
        rows = con.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = "
                           "current_schema() ORDER BY table_name, ordinal_position").fetchall()
    for table in moving.TABLES:
        own = tuple(column for name, column in rows if name == table and column not in tables.HIDDEN)
        assert own == LARGE.get(table, tuple(schema.columns()[table].names)), table
    assert set(moving.TABLES) == schema.columns().keys() - {"schema_version", standing.TABLE}
