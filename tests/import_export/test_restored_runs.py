"""What a run folder from anywhere may do to a store: come in whole, or be refused in one line with nothing changed."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from run_folders import OLD, content_of, copied, edit, edit_table, exported, rows_of, store_with_run

from cxrcore import cli
from cxrcore.config import ImportConfig
from cxrcore.data import film_table
from cxrcore.data.files import bounded_parquet, parquet_footer
from cxrcore.errors import DataError, RunError, UsageError, WorkbenchError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import export, import_run
from cxrcore.queries import from_store
from cxrcore.store import Store
from cxrcore.ui.runs import manage
from scripts import import_predictions

OTHER = "20200101-000000-abcdef"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("original"))


@pytest.fixture
def folder(original, tmp_path):
    """A run's folder that a test may damage."""
    return copied(original, tmp_path / "in")


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A store with another run on other films, and beside it a folder that is nobody's business."""
    place = tmp_path_factory.mktemp("held")
    (place / "precious").mkdir()
    (place / "precious" / "work.txt").write_text("years")
    store, run_id, _ = store_with_run(place / "runs" / "store.duckdb", seed=4)
    store.run_folder(run_id).mkdir()
    return store


def refused(store: Store, folder, *says: str, error=DataError) -> None:
    before = content_of(store)
    with pytest.raises(error) as told:
        import_run.import_predictions([str(folder)], ImportConfig(store=str(store.path)))
    assert "\n" not in str(told.value) and all(word in str(told.value) for word in says), str(told.value)
    assert content_of(store) == before


# -- ids


@pytest.mark.parametrize("run_id", ["../precious", "/tmp/precious", ".", "", "..", "prepared", "a/b", "a\\b", "CON",
                                    "20200101-000000-abcdef/..", "20200101-000000-abcdef\n", "20200101-000000-ABCDEF",
                                    "２0200101-000000-abcdef", None, 5, ["x"]])
def test_a_run_id_of_another_form_is_refused_and_deletes_nothing(held, folder, run_id):
    def change(document):
        for table in ("runs", "epochs", "prediction_sets"):
            for row in document[table]:
                row["run_id"] = run_id

    edit(folder, change)
    refused(held, folder)
    if isinstance(run_id, str):
        with pytest.raises(WorkbenchError):
            held.run_folder(run_id)
        with pytest.raises(WorkbenchError):
            held.delete_run(run_id)
    assert (held.path.parent.parent / "precious" / "work.txt").exists() and held.path.exists()


def _swap(document: dict, old: str, new: str) -> dict:
    return json.loads(json.dumps(document).replace(old, new))


@pytest.mark.parametrize(("table", "column"), [("prediction_sets", "prediction_id"), ("threshold_sets", "set_id"),
                                               ("calibrators", "calibrator_id"), ("datasets", "dataset_id")])
@pytest.mark.parametrize("bad", ["../x", ""])
def test_every_other_id_is_held_to_its_form(held, folder, table, column, bad):
    old = json.loads((folder / "run.json").read_text())[table][0][column]
    edit(folder, lambda document: _swap(document, old, bad))
    for name in ("predictions", "metrics", "localization", "films", "labels", "boxes"):
        edit_table(folder, name, lambda rows: rows.replace(old, bad))
    refused(held, folder, "that this workbench makes")


@pytest.mark.parametrize("bad", ["../a.png", "/etc/passwd", "..", "a/", "x" * 300])
def test_film_and_checkpoint_names_are_names_alone(held, folder, bad):
    edit(folder, lambda document: document["prediction_sets"][0].update(checkpoint=bad))
    refused(held, folder, "no file name")
    edit(folder, lambda document: document["prediction_sets"][0].update(checkpoint=None))
    for name in ("films", "labels", "predictions", "boxes", "localization"):
        edit_table(folder, name, lambda rows: rows.assign(image_id=rows["image_id"].replace(
            "00000001_000.png", bad)))
    refused(held, folder, "no file name")


def test_runs_that_an_earlier_version_let_in_are_shown_and_can_be_deleted(held, tmp_path):
    """Their folder, wherever the id leads, stays."""
    store, _, _ = store_with_run(tmp_path / "runs" / "store.duckdb")
    (tmp_path / "precious").mkdir()
    with store._write() as con:
        con.execute("INSERT INTO runs SELECT * REPLACE ('../precious' AS run_id, 'running' AS status) FROM runs")
    assert from_store.statuses(store, store.runs())["../precious"] == "interrupted"
    assert not manage._is_running(store, "../precious") and store.run_file("../precious", "model_best.pth") is None
    store.delete_run("../precious")
    assert (tmp_path / "precious").exists() and len(store.runs()) == 1


def test_deleting_a_copy_that_shares_predictions_leaves_the_original_its_own(tmp_path):
    """As earlier versions let in."""
    store, run_id, _ = store_with_run(tmp_path / "store.duckdb")
    before = rows_of(store)
    with store._write() as con:
        for table in ("runs", "prediction_sets"):
            con.execute(f"INSERT INTO {table} SELECT * REPLACE ('{OTHER}' AS run_id) FROM {table}")
    store.delete_run(OTHER)
    assert rows_of(store) == before and len(store.predictions(store.prediction_sets(run_id)["prediction_id"][0]).scores)


# -- what belongs to whom


def test_predictions_that_name_another_run_are_refused(held, folder):
    victim = held.runs()["run_id"][0]
    before = held.leaderboard()
    edit(folder, lambda document: [row.update(run_id=victim) for row in document["prediction_sets"]] and None)
    refused(held, folder, "prediction_sets name a run that is not this run's")
    pd.testing.assert_frame_equal(held.leaderboard(), before)


@pytest.mark.parametrize("name", ["predictions", "metrics", "localization"])
def test_rows_of_another_runs_predictions_are_refused(held, folder, name):
    theirs = held.prediction_sets()["prediction_id"][0]
    edit_table(folder, name, lambda rows: rows.assign(prediction_id=[theirs, *rows["prediction_id"][1:]]))
    refused(held, folder, f"{name} name a prediction set that is not this run's")


@pytest.mark.parametrize(("table", "column"), [("prediction_sets", "prediction_id"), ("threshold_sets", "set_id"),
                                               ("calibrators", "calibrator_id")])
def test_ids_that_the_store_has_are_refused(held, folder, table, column):
    theirs = held._frame(f"SELECT {column} FROM {table}")[column][0]
    mine = json.loads((folder / "run.json").read_text())[table][0][column]
    edit(folder, lambda document: _swap(document, mine, theirs))
    for name in ("predictions", "metrics", "localization"):
        edit_table(folder, name, lambda rows: rows.replace(mine, theirs))
    refused(held, folder, "already has", theirs, "--as_copy", error=RunError)
    (copy,) = import_run.import_predictions([str(folder)], ImportConfig(store=str(held.path), as_copy=True))
    held.delete_run(copy)
    assert theirs in set(held._frame(f"SELECT {column} FROM {table}")[column])


def test_a_copy_comes_in_under_new_ids_and_goes_without_a_trace(folder, tmp_path):
    store = Store(tmp_path / "store.duckdb")
    (first,) = import_run.import_predictions([str(folder)], ImportConfig(store=str(store.path)))
    before = rows_of(store)
    (copy,) = import_run.import_predictions([str(folder)], ImportConfig(store=str(store.path), as_copy=True))
    runs = store.runs().set_index("run_id")
    assert runs["name"][copy] == f"{runs['name'][first]} (copy)" and len(runs) == 2
    one, other = store.run_tables(first), store.run_tables(copy)
    for table, column in (("prediction_sets", "prediction_id"), ("threshold_sets", "set_id"),
                          ("calibrators", "calibrator_id")):
        ids = [set(tables[table][column].to_pylist()) for tables in (one, other)]
        assert ids[0] and len(ids[0]) == len(ids[1]) and not ids[0] & ids[1]
    board = store.leaderboard().set_index(["run_id", "split"])
    for part in ("val", "test"):
        scores = [store.predictions(board["prediction_id"][run_id, part]).scores for run_id in (first, copy)]
        assert np.array_equal(*scores)
        assert board["f1"][first, part] == board["f1"][copy, part]  # its metrics name its own threshold sets
    assert len(one["metrics"]) == len(other["metrics"]) and len(store.datasets()) == 1
    store.delete_run(copy)
    assert rows_of(store) == before


def test_the_script_takes_the_flag_in_both_spellings_and_says_what_it_left_out(folder, tmp_path, capsys):
    edit(folder, lambda document: [row.update(mood="good") for row in document["runs"]] and None)
    edit_table(folder, "films", lambda rows: rows.assign(hospital="A"))
    store = tmp_path / "s.duckdb"
    for flags in ([], ["--as-copy"], ["--as_copy"]):
        import_predictions.main([str(folder), "--store", str(store), *flags])
        said = capsys.readouterr().out
        assert all(one in said for one in ("column 'runs.mood'", "films.parquet, column 'hospital'", "restored run"))
    assert len(Store(store).runs()) == 3
    with pytest.raises(SystemExit) as end:
        cli.run(lambda _: import_predictions.main([str(folder), "--store", str(store)]))
    said = capsys.readouterr().err
    assert end.value.code == 2 and "already has run" in said and len(said.splitlines()) == 1


def test_as_copy_is_for_run_folders(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n")
    with pytest.raises(UsageError, match="as_copy"):
        import_run.import_predictions(
            [str(tmp_path / "x.csv")], ImportConfig(store=str(tmp_path / "s.duckdb"), as_copy=True)
        )


def test_of_several_folders_all_come_in_or_none(original, tmp_path):
    store = Store(tmp_path / "store.duckdb")
    store.add_dataset(
        "0" * 12,
        pd.DataFrame(
            {"image_id": ["a"], "patient_id": ["1"], "follow_up": [0], "age": [5.0], "sex": ["F"], "view": ["PA"]}
        ),
        np.zeros((1, 14)),
        NIH_FINDINGS,
        name="x",
        kind="nih",
        label_source="",
    )
    first, second = copied(original, tmp_path / "many"), copied(exported(tmp_path, seed=5), tmp_path / "many")
    edit(second, lambda document: document["runs"][0].update(started_at="yesterday"))
    refused(store, tmp_path / "many", "started_at")
    twice = tmp_path / "many" / "z"
    second.rename(tmp_path / "away")
    first.rename(tmp_path / "many" / "a")
    copied(original, twice)
    (twice / original.name).rename(tmp_path / "many" / "b")
    twice.rmdir()
    refused(store, tmp_path / "many", "the same run", error=RunError)


# -- films and labels


def test_other_labels_or_films_do_not_come_in_under_a_data_sets_id(folder, tmp_path):
    store = Store(tmp_path / "store.duckdb")
    store.datasets()
    for k, (name, change, n_patients) in enumerate((
            ("labels", lambda rows: rows.assign(Mass=1 - rows["Mass"]), 12),
            ("films", lambda rows: rows.assign(patient_id=rows["patient_id"].replace("1", "77")), 12),
            ("films", lambda rows: rows.assign(patient_id="7"), 1))):
        damaged = copied(folder, tmp_path / str(k))
        edit_table(damaged, name, change)
        edit(damaged, lambda document, n=n_patients: document["datasets"][0].update(n_patients=n))
        with pytest.raises(DataError, match="not those of data set"):
            export.restore(store, damaged)
        assert not store.path.exists()


def test_films_of_a_known_data_set_are_not_added_again(folder, tmp_path):
    store = Store(tmp_path / "store.duckdb")
    export.restore(store, folder)
    before = rows_of(store)
    export.restore(store, folder, as_copy=True)
    after = rows_of(store)
    assert all(before[name] == after[name] for name in ("datasets", "images", "label_sets", "boxes"))


def test_scores_come_back_in_the_order_of_films(folder, tmp_path):
    edit_table(folder, "predictions", lambda rows: rows.sample(frac=1, random_state=0))
    edit_table(folder, "labels", lambda rows: rows[::-1])
    store = Store(tmp_path / "store.duckdb")
    export.restore(store, folder)
    for row in store.leaderboard().itertuples():
        held = store.predictions(row.prediction_id)
        shown = pd.read_csv(folder / f"{row.split}.csv")
        assert list(held.image_ids) == sorted(held.image_ids) == list(shown["Image Index"])
        np.testing.assert_allclose(held.scores, shown[[f"prob_{finding}" for finding in NIH_FINDINGS]], rtol=1e-6)
        np.testing.assert_array_equal(held.labels, shown[[f"label_{finding}" for finding in NIH_FINDINGS]])


# -- damage


JSON_DAMAGE = {
    "a greater format": lambda d: d.update(format_version=3), "a format that is a text": lambda d: d.update(
        format_version="1"), "half a format": lambda d: d.update(format_version=1.5),
    "no format": lambda d: d.pop("format_version"), "a format that is true": lambda d: d.update(format_version=True),
    "two runs": lambda d: d["runs"].append(d["runs"][0]), "no run": lambda d: d.update(runs=[]),
    "a bad time": lambda d: d["runs"][0].update(started_at="soon"),
    "a time without a zone": lambda d: d["prediction_sets"][0].update(created_at="2026-01-01T00:00:00"),
    "a year that nobody can show": lambda d: d["runs"][0].update(started_at="9000-01-01T00:00:00+00:00"),
    "an unknown kind": lambda d: d["runs"][0].update(kind="magic"),
    "an unknown status": lambda d: d["runs"][0].update(status="done"),
    "an unknown part": lambda d: d["prediction_sets"][0].update(split="../test"),
    "config is no JSON": lambda d: d["runs"][0].update(config="{"),
    "config is a list": lambda d: d["runs"][0].update(config="[]"),
    "config is endless": lambda d: d["runs"][0].update(config="[" * 100_000),
    "config holds NaN": lambda d: d["runs"][0].update(config='{"lr": NaN}'),
    "an audit that is none": lambda d: d["runs"][0].update(config='{"audit": [1]}'),
    "a setting of another kind": lambda d: d["runs"][0].update(config='{"lr": "fast"}'),
    "a setting that is true": lambda d: d["runs"][0].update(config='{"seed": true}'),
    "an architecture of two lines": lambda d: d["runs"][0].update(architecture="a\nb"),
    "unstable findings that are none": lambda d: d["threshold_sets"][0].update(parameters='{"unstable": 5}'),
    "a cost that is a text": lambda d: d["runs"][0].update(cost='{"gmacs": "x"}'),
    "a number as name": lambda d: d["runs"][0].update(name=5), "no name": lambda d: d["runs"][0].pop("name"),
    "13 thresholds": lambda d: d["threshold_sets"][0]["thresholds"].pop(),
    "a threshold of NaN": lambda d: d["threshold_sets"][0]["thresholds"].__setitem__(0, float("nan")),
    "a threshold of null": lambda d: d["threshold_sets"][0]["thresholds"].__setitem__(0, None),
    "an unknown calibration": lambda d: d["calibrators"][0].update(method="magic"),
    "a calibrator of texts": lambda d: d["calibrators"][0].update(
        method="platt", parameters='{"Mass": {"scale": "1", "bias": 0}}'),
    "a map of lists where numbers belong": lambda d: d["calibrators"][0].update(
        method="platt", parameters='{"Mass": {"scale": [0.1], "bias": [0.2]}}'),
    "a staircase of numbers": lambda d: d["calibrators"][0].update(
        method="isotonic", parameters='{"Mass": {"x": 0.1, "y": 0.2}}'),
    "a staircase beyond every number": lambda d: d["calibrators"][0].update(
        method="isotonic", parameters='{"Mass": {"x": [1%s], "y": [1]}}' % ("0" * 400)),
    "a setting beyond every number": lambda d: d["runs"][0].update(config='{"lr": 1%s}' % ("0" * 400)),
    "other findings": lambda d: d["datasets"][0].update(findings=["Mass"]),
    "another count of films": lambda d: d["datasets"][0].update(n_images=5),
    "a set of another size": lambda d: d["prediction_sets"][0].update(n=5),
    "an epoch twice": lambda d: d["epochs"].append(d["epochs"][0]),
    "an epoch that no axis has": lambda d: d["epochs"][0].update(epoch=2**31 - 1),
    "an integer that does not fit": lambda d: d["epochs"][0].update(epoch=2**40),
    "a character that is none": lambda d: d["runs"][0].update(note="a\0b"),
    "half a surrogate": lambda d: d["runs"][0].update(note="\ud800"),
}


@pytest.mark.parametrize("damage", JSON_DAMAGE)
def test_a_damaged_run_json_is_refused_in_one_line(held, folder, damage):
    edit(folder, lambda document: JSON_DAMAGE[damage](document) and None)
    refused(held, folder, "cannot be read as an exported run")


def _null(column):
    return lambda rows: rows.assign(**{column: [None, *rows[column][1:]]})


TABLE_DAMAGE = {
    "a film without a name": ("predictions", _null("image_id")),
    "a film without a patient": ("films", _null("patient_id")),
    "a film twice": ("predictions", lambda rows: pd.concat([rows, rows[:1]])),
    "scores above 1": ("predictions", lambda rows: rows.assign(Mass=1.5)),
    "scores as texts": ("predictions", lambda rows: rows.assign(Mass="0.5")),
    "13 columns": ("predictions", lambda rows: rows.drop(columns="Mass")),
    "labels of 2": ("labels", lambda rows: rows.assign(Mass=2.0)),
    "labels without a film": ("labels", lambda rows: rows[1:]),
    "an unknown film": ("predictions", lambda rows: rows.assign(image_id=["x.png", *rows["image_id"][1:]])),
    "a metric of an unknown finding": ("metrics", lambda rows: rows.assign(finding="Love")),
    "an endless metric": ("metrics", lambda rows: rows.assign(value=np.inf)),
    "a metric above 1": ("metrics", lambda rows: rows.assign(value=3.0)),
    "numbers as texts": ("metrics", lambda rows: rows.assign(value="0.5")),
    "boxes of lists": ("boxes", lambda rows: rows.assign(x=[[1.0]] * len(rows))),
    "a negative box": ("boxes", lambda rows: rows.assign(width=-1.0)),
    "maps of an unknown film": ("localization", lambda rows: rows.assign(image_id="x.png")),
}


@pytest.mark.parametrize("damage", TABLE_DAMAGE)
def test_a_damaged_table_is_refused_in_one_line(held, folder, damage):
    edit_table(folder, *TABLE_DAMAGE[damage])
    refused(held, folder, "cannot be read as an exported run")


@pytest.mark.parametrize("name", ["run.json", "predictions.parquet", "films.parquet"])
def test_a_file_that_is_cut_missing_or_no_file_is_refused(held, folder, name):
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    refused(held, folder, name)
    path.write_bytes(b"")
    refused(held, folder, name)
    if name != "run.json":
        path.unlink()
        refused(held, folder, name, "missing")
        path.mkdir()
        refused(held, folder, name)


def test_a_run_that_was_running_is_interrupted_here(folder, tmp_path):
    edit(folder, lambda document: document["runs"][0].update(status="running", finished_at=None))
    store = Store(tmp_path / "store.duckdb")
    assert store.run(export.restore(store, folder))["status"] == "interrupted"


def test_tables_may_come_without_what_a_later_store_added(folder, tmp_path):
    """As a column that a schema step adds: it is NULL."""
    edit_table(folder, "localization", lambda rows: rows.drop(columns="energy"))
    store = Store(tmp_path / "store.duckdb")
    run_id = export.restore(store, folder)
    assert store.run_tables(run_id)["localization"]["energy"].null_count == 2


def test_a_folder_of_the_first_version_still_comes_in(tmp_path):
    (folder,) = OLD.iterdir()
    store = Store(tmp_path / "store.duckdb")
    told = []
    run_id = export.restore(store, folder, say=told.append)
    assert not told and run_id == folder.name
    run, board = store.run(run_id), store.leaderboard().set_index("split")
    assert run["note"] == "ä note\nof two lines" and run["config"]["lr"] == 1e-4 and run["status"] == "finished"
    for part in ("val", "test"):
        held, shown = store.predictions(board["prediction_id"][part]), pd.read_csv(folder / f"{part}.csv")
        np.testing.assert_allclose(held.scores, shown[[f"prob_{finding}" for finding in NIH_FINDINGS]], rtol=1e-6)
    assert board["auroc"].notna().all() and len(store.threshold_sets(run_id)) == 3
    assert film_table.dataset_hash(store.images(run["dataset_id"]), store.labels(run["dataset_id"]).to_numpy(),
                                   NIH_FINDINGS) == run["dataset_id"]


# -- Parquet within bounds


def test_a_small_file_of_gigabytes_is_refused_before_it_is_read(tmp_path):
    one = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000_000, np.int32)), pa.array(["x" * 9000]))
    path = tmp_path / "small.parquet"
    pq.write_table(pa.table({"a": one}), path)
    assert path.stat().st_size < 20_000
    before = pa.total_allocated_bytes()
    with pytest.raises(DataError, match="MB in memory"):
        bounded_parquet.read_parquet(path)
    assert pa.total_allocated_bytes() - before < 50e6


def test_a_compression_that_nobody_knows_is_refused(tmp_path):
    """Asked of pyarrow, it ends the process."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path, compression="zstd")
    content = path.read_bytes()
    place = content.rfind(b"\x15\x0c")  # field 4 of the column, an i32: codec 6
    path.write_bytes(content[:place] + b"\x15\x43" + content[place + 2:])
    with pytest.raises(DataError, match="compressed with codec -34"):
        bounded_parquet.read_parquet(path)


def test_the_footer_says_what_pyarrow_says(tmp_path):
    path = tmp_path / "t.parquet"
    for codec in ("none", "snappy", "gzip", "zstd", "brotli", "lz4"):
        table = pa.table({f"c{k}": np.random.default_rng(k).random(5000) for k in range(30)} | {"t": ["é"] * 5000})
        pq.write_table(table, path, compression=codec, row_group_size=700)
        own, theirs = parquet_footer.read_footer(path), pq.read_metadata(path)
        columns = [theirs.row_group(g).column(c) for g in range(theirs.num_row_groups) for c in range(31)]
        assert (own.rows, own.columns) == (5000, 31) and own.codecs == {one.compression for one in columns}
        assert own.uncompressed == sum(one.total_uncompressed_size for one in columns)


def test_each_bound_is_kept(tmp_path):
    path, small = tmp_path / "t.parquet", bounded_parquet.Bounds(1 << 20, 1 << 20, rows=5, columns=2, text=10)
    for table, says, options in (
            ({"a": range(6)}, "6 rows", {}), ({"a": [1], "b": [1], "c": [1]}, "3 columns", {}),
            ({"a": ["x" * 11]}, "11 bytes", {}), ({"a": [[1]]}, "list", {}),
            ({"a": [1]}, "GZIP", {"compression": "gzip"}),
            ({"a": [{"b": 1}]}, "struct", {})):
        pq.write_table(pa.table(table), path, **options)
        with pytest.raises(DataError, match=says):
            bounded_parquet.read_parquet(path, small)
    pq.write_table(pa.table({"a": ["x", None, "é"], "b": [1.5, None, 2]}), path)
    assert bounded_parquet.read_parquet(path, small).equals(pq.read_table(path))
