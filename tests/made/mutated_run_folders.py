"""Two kinds of mutated inputs: folders of exported runs, and Parquet files."""

import io
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fuzzed import Begun, Read
from run_folders import OLD, content_of, exported, rows_of, store_with_run

from cxrcore.data.files import bounded_parquet
from cxrcore.errors import WorkbenchError
from cxrcore.import_export import export
from cxrcore.measures.metrics import auroc
from cxrcore.store import Store

EXPORTED = 5  # one of so many accepted ones is read in every way
VALUES = (None, True, False, 0, -1, 1, 5, 1.5, -0.0, 2**31, 2**63, 10**400, 1e308, float("nan"), float("inf"), "", " ",
          "x", "../precious", "/", ".", "a/b", "NaN", "null", "1", "{}", "[]", "{", '{"a": NaN}', "[" * 5000, "\0",
          "\ud800", "=1+1", "x" * 200_000, [], {}, [[]], [None], {"a": 1}, "2026-01-01", "2026-01-01T00:00:00+00:00",
          "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "20200101-000000-abcdef", "running", "test", "val",
          "trained", "Mass", "macro", "gradcam")
CELLS = (None, np.nan, np.inf, -np.inf, -1.0, 0.5, 2.0, 1e300, 2**40, "", "x", "../x", "a" * 20_000, b"\xff", True)
TABLES = ("predictions", "films", "labels", "boxes", "metrics", "localization")


def run_folders(place: Path) -> Begun:
    """Mutated folders of exported runs, restored into the store of another run, and deleted again.

    A refused folder leaves the store byte for byte as it was; an accepted one is read in every way, and once it is
    deleted every row is as before.
    """
    store, _, _ = store_with_run(place / "runs" / "store.duckdb", seed=4, n=16)
    (place / "precious").mkdir()
    with store._write() as con:
        con.execute("SELECT 1")  # what is in the .wal goes into the file
    folder, other = exported(place / "out", n=16), exported(place / "out", seed=5, n=16)
    theirs = json.loads((export.export(store, store.runs()["run_id"][0], place / "theirs") / "run.json").read_text())
    rows, held = rows_of(store), {"before": content_of(store)}

    def make(rng: random.Random) -> Read:
        shutil.rmtree(place / "in", ignore_errors=True)
        mutated = Path(shutil.copytree(folder, place / "in" / folder.name))
        for _ in range(rng.choice((1, 2, 3))):
            rng.choice(MUTATIONS)(rng, mutated, other, theirs)
        as_copy, everything = rng.random() < 0.2, rng.random() < 1 / EXPORTED

        def read() -> None:
            try:
                run_id = export.restore(store, mutated, as_copy=as_copy)
            except WorkbenchError:
                assert content_of(store) == held["before"], "a refused folder changed the store"
                raise
            finally:
                there = {path.name for path in place.iterdir() if path.is_dir()}
                assert there - {"again"} == {"runs", "precious", "out", "in", "theirs"}, there
            _read(store, run_id)
            if everything:
                _read_all(store, run_id, place / "again")
            store.delete_run(run_id)
            assert _without_films(rows_of(store)) == _without_films(rows), "another run's rows have changed"
            held["before"] = content_of(store)

        return read

    return make


def parquet_files(folder: Path) -> Begun:
    """Parquet files with changed bytes, most of them in the footer."""
    files, path = [path.read_bytes() for path in sorted(OLD.glob("*/*.parquet"))], folder / "t.parquet"

    def make(rng: random.Random) -> Read:
        content = bytearray(rng.choice(files))
        footer = int.from_bytes(content[-8:-4], "little")
        for _ in range(rng.choice((1, 1, 2, 4, 10))):
            place = len(content) - 8 - rng.randrange(footer) if rng.random() < 0.6 else rng.randrange(len(content))
            content[place] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        path.write_bytes(content)
        return lambda: bounded_parquet.read_parquet(path)

    return make


def _without_films(rows: dict) -> dict:
    """Films of an accepted folder stay when its run goes."""
    return {name: own for name, own in rows.items() if name not in (
        "datasets", "images", "label_sets", "label_set_info", "boxes")}


def _read(store: Store, run_id: str) -> None:
    """What every page reads."""
    assert isinstance(store.run(run_id)["config"], dict)
    board = store.leaderboard()
    for row in board[board["run_id"] == run_id].itertuples():
        held = store.predictions(row.prediction_id)
        assert held.labels.shape == held.scores.shape == (row.n, 14) and list(held.image_ids) == sorted(held.image_ids)
        auroc(held.labels[:, 0], held.scores[:, 0])


def _read_all(store: Store, run_id: str, out: Path) -> None:
    """What some pages and scripts read besides."""
    sets = list(store.prediction_sets(run_id)["prediction_id"])
    assert len(store.runs()) == 2 and len(store.epochs([run_id])) < 5
    store.metrics(sets)
    store.localization(sets)
    for prediction_id in sets:
        store.calibrators(prediction_id)
    for row in store.threshold_sets(run_id).itertuples():
        assert not np.isnan(row.thresholds).any() and isinstance(json.loads(row.parameters), dict)
    export.export(store, run_id, out)


# -- mutations; each returns what it did


def _places(value, path=()):
    """Every place in a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _json(rng: random.Random, folder: Path, change) -> object:
    path = folder / "run.json"
    try:
        document = json.loads(path.read_bytes())
        where = rng.choice(list(_places(document)))
    except (ValueError, IndexError):
        return "nothing"
    holder = document
    for key in where[:-1]:
        holder = holder[key]
    done = change(holder, where[-1])
    path.write_text(json.dumps(document))
    return where, done


def a_value(rng, folder, other, theirs):
    value = rng.choice(VALUES)
    return _json(rng, folder, lambda holder, key: (holder.__setitem__(key, value), repr(value)[:30])[1])


def a_deletion(rng, folder, other, theirs):
    return _json(rng, folder, lambda holder, key: (holder.pop(key), "gone")[1])


def an_addition(rng, folder, other, theirs):
    def add(holder, key):
        if isinstance(holder, list):
            holder.append(rng.choice((holder[key], rng.choice(VALUES))))
        else:
            holder[f"further_{key}"] = rng.choice(VALUES)
        return "added"

    return _json(rng, folder, add)


def a_foreign_id(rng, folder, other, theirs):
    """An id of the store's own run in place of one of the folder's, everywhere or in one file."""
    table, column = rng.choice((("runs", "run_id"), ("prediction_sets", "prediction_id"), ("threshold_sets", "set_id"),
                                ("calibrators", "calibrator_id"), ("datasets", "dataset_id")))
    path = folder / "run.json"
    try:
        mine = json.loads(path.read_bytes())[table][0][column]
    except (ValueError, LookupError, TypeError):
        return "nothing"
    new = rng.choice((theirs[table][0][column], "../precious", "."))
    if rng.random() < 0.7:
        path.write_text(path.read_text().replace(str(mine), new))
    if rng.random() < 0.7:
        for name in TABLES:
            _table(folder, name, lambda frame: frame.replace(mine, new))
    return column, new


def _table(folder: Path, name: str, change) -> str:
    path = folder / f"{name}.parquet"
    try:
        frame = change(pq.read_table(io.BytesIO(path.read_bytes())).to_pandas())
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, pa.ArrowException):
        return "nothing"
    return name


def a_cell(rng, folder, other, theirs):
    def change(frame):
        column, value = rng.choice(list(frame.columns)), rng.choice(CELLS)
        frame = frame.astype({column: object})
        row = rng.randrange(len(frame)) if rng.random() < 0.7 else slice(None)
        frame.iloc[row, frame.columns.get_loc(column)] = value
        return frame

    return "cell", _table(folder, rng.choice(TABLES), change)


def columns(rng, folder, other, theirs):
    def change(frame):
        column = rng.choice(list(frame.columns))
        return rng.choice((frame.drop(columns=column), frame.assign(further=1), frame.rename(columns={column: "other"}),
                           frame.assign(**{column: [[1.0]] * len(frame)}), frame.astype({column: str}),
                           frame[frame.columns[::-1]]))

    return "columns", _table(folder, rng.choice(TABLES), change)


def rows(rng, folder, other, theirs):
    def change(frame):
        n = len(frame)
        return rng.choice((frame[: n // 2], frame.iloc[:0], frame.iloc[[*range(n), 0]], frame[::-1],
                           frame.sample(n, random_state=rng.randrange(99))))

    return "rows", _table(folder, rng.choice(TABLES), change)


def some_bytes(rng, folder, other, theirs):
    path = folder / rng.choice(("run.json", *(f"{name}.parquet" for name in TABLES)))
    content = bytearray(path.read_bytes() if path.exists() else b"")
    if rng.random() < 0.5:
        content = content[: rng.randrange(len(content) + 1)]
    first = rng.choice((0, max(len(content) - 2500, 0)))  # the last ones say what the others mean
    for _ in range(rng.choice((0, 1, 4, 40)) if content else 0):
        content[rng.randrange(first, len(content))] = rng.choice((0, 127, 128, 255, rng.randrange(256)))
    path.write_bytes(bytes(content))
    return "bytes", path.name


def a_file(rng, folder, other, theirs):
    name, another = rng.sample([f"{one}.parquet" for one in TABLES], 2)
    what = rng.choice(("gone", "another's", "swapped"))
    if what == "gone":
        (folder / name).unlink(missing_ok=True)
    else:
        shutil.copy((other if what == "another's" else folder) / (name if what == "another's" else another),
                    folder / name) if (folder / another).exists() else None
    return what, name


MUTATIONS = (a_value, a_value, a_value, a_deletion, an_addition, a_foreign_id, a_cell, a_cell, columns, rows,
             some_bytes, a_file)
