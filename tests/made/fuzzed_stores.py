"""Kinds of mutated inputs: stores, backups of them, and links into one."""

import multiprocessing
import random
import shutil
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import opened_pages
import run_folders
import scored_runs
from fuzzed import WORDS, Begun, Read, changed_bytes

from cxrcore import errors
from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.errors import WorkbenchError
from cxrcore.queries import board_state, evaluated_runs, from_store, run_groups
from cxrcore.store import Store
from cxrcore.store.care import backup, checking

WAIT = 200  # seconds until a process that reads a store is taken for stuck
PAGES = sorted(path.stem for path in (PROJECT_ROOT / "pages").glob("*.py"))
CHANGES = (  # what SQL can do to a store: another form, or rows that no version wrote
    "ALTER TABLE {table} DROP COLUMN {column}", "ALTER TABLE {table} RENAME COLUMN {column} TO other",
    "ALTER TABLE {table} ADD COLUMN further VARCHAR", "ALTER TABLE {table} RENAME TO other", "DROP TABLE {table}",
    "ALTER TABLE {table} ALTER COLUMN {column} TYPE VARCHAR", "DELETE FROM {table}", "DELETE FROM schema_version",
    "INSERT INTO schema_version VALUES (99, now())", "INSERT INTO schema_version VALUES (-1, now())",
    "UPDATE schema_version SET version = 1", "INSERT INTO {table} SELECT * FROM {table}",
    "CREATE TABLE further AS SELECT 1 AS a", "CREATE MACRO max(x) AS 7",
    "CREATE OR REPLACE VIEW latest_metrics AS SELECT 1", "DROP VIEW latest_metrics", "CREATE SCHEMA other")
ROW_CHANGES = tuple(f"UPDATE {{table}} SET {{column}} = {value}" for value in (
    "NULL", "'x'", "''", "'../x'", "0", "-1", "'NaN'::DOUBLE", "1e308", "'{{'", "'[]'", "'null'", "'{{\"a\": NaN}}'",
    "[]", "[NULL]", "['x']", "[1.5, 2]", "repeat('x', 300000)", "'2026-01-01'", "'0001-01-01'", "chr(8238)",
    "'=1+1'", "repeat('[', 9000)"))


def _reads(connection: Connection) -> None:
    """A process of its own: reads stores that it is told of, and says what came of each."""
    while True:
        try:
            path, way = connection.recv()
        except EOFError:  # nobody asks any more
            return
        try:
            _WAYS[way](Path(path))
            connection.send(("", ""))
        except WorkbenchError as error:
            connection.send((type(error).__name__, str(error)))
        except Exception as error:  # told to the one that asked
            connection.send(("wrong", f"{type(error).__name__}: {error} {_where(error)}"))


def _where(error: Exception) -> str:
    place, trace = "", error.__traceback__
    while trace is not None:
        if "cxrcore" in trace.tb_frame.f_code.co_filename:
            place = f"at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def read_store(path: Path) -> None:
    """What pages and scripts read of any store."""
    store = Store(path)
    known = from_store.overview(store)
    run_groups.groups(known.runs, known.board, known.datasets, from_store.statuses(store, known.runs), "test")
    for run_id in known.runs["run_id"].tolist():
        store.run(run_id)
        store.epochs([run_id])
        store.threshold_sets(run_id)
        sets = store.prediction_sets(run_id)["prediction_id"].tolist()
        store.metrics(sets)
        store.localization(sets)
        for prediction_id in sets:
            store.predictions(prediction_id)
            store.calibrators(prediction_id)
    for dataset_id in store.datasets()["dataset_id"].tolist():
        store.images(dataset_id)
        store.labels(dataset_id)
        store.boxes(dataset_id)


_WAYS: dict[str, Callable[[Path], object]] = {
    "read": read_store, "check": lambda path: checking.check(Store(path)),
    "verify": backup.verified, "write": lambda path: Store(path).edit_run("20260101-000000-abcdef", note="x")}


class _Reader:
    """The other process, started again where a store ended it."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def read(self, path: Path, way: str) -> None:
        if self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_reads, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        self._connection.send((str(path), way))
        if not self._connection.poll(WAIT):
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"a store was read for more than {WAIT} s")
        try:
            kind, text = self._connection.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"a store ended the process that read it ({self._process.exitcode})") from None
        if kind == "wrong":
            raise AssertionError(text)
        if kind:
            raise getattr(errors, kind)(text)


def stores(folder: Path) -> Begun:
    """Stores with changed bytes, of another form, with odd rows or another's files beside them; and backups."""
    store, _, _ = run_folders.store_with_run(folder / "whole" / "store.duckdb", n=16)
    whole = backup.back_up(store, folder / "backup").folder
    with duckdb.connect(str(store.path)) as con:
        con.execute("CHECKPOINT")
        columns = con.execute("SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING "
                              "(table_oid, table_name) ORDER BY ALL").fetchall()
    data, reader, counted = store.path.read_bytes(), _Reader(), [0]

    def make(rng: random.Random) -> Read:
        counted[0] += 1  # a path of its own: forms are remembered by it
        place = folder / f"in{counted[0]}"
        shutil.rmtree(folder / f"in{counted[0] - 1}", ignore_errors=True)
        if rng.random() < 0.15:
            shutil.copytree(whole, place)
            file = rng.choice([path for path in sorted(place.rglob("*")) if path.is_file()])
            file.write_bytes(changed_bytes(rng, file.read_bytes(), early=4_000))
            return lambda: reader.read(place, "verify")
        place.mkdir()
        path = place / "store.duckdb"
        path.write_bytes(data)
        way = rng.random()
        if way < 0.4:
            path.write_bytes(changed_bytes(rng, data, early=rng.choice((12_288, 300_000, 0))))
        else:
            _changed_by_sql(rng, path, columns)
        if rng.random() < 0.1:
            Path(f"{path}.wal").write_bytes(changed_bytes(rng, data[:5_000]))
        way_of = rng.choice(("read", "read", "read", "check", "write"))
        return lambda: reader.read(path, way_of)

    return make


def _changed_by_sql(rng: random.Random, path: Path, columns: list[tuple[str, str]]) -> None:
    with duckdb.connect(str(path)) as con:
        for _ in range(rng.choice((1, 1, 2))):
            table, column = rng.choice(columns)
            change = rng.choice(CHANGES if rng.random() < 0.5 else ROW_CHANGES)
            try:
                con.execute(change.format(table=table, column=column))
            except duckdb.Error:  # such as a number for a list
                continue
        if rng.random() < 0.7:
            con.execute("CHECKPOINT")


# -- links

PARAMETERS = (
    "run", "run", "look", "labels", "data", "finding", "set", "ref", "t", "u", "on", "by", "way", "view", "show",
    "scores", "rate", "page", "measure", "guess", "groups", "differences", "cost", "band", "archived", "film",
    "slide", "method", "threshold", "embed")
SOUND = (
    "max_f1@val", "recall:0.9@val", "fixed:0.5", "classic@val", "Mass:0.4", "Mass:never", "Mass:max_f1@val", "test",
    "val", "external", "auroc", "roc", "pr", "Own", "0.1", "0.1.2", "gradcam", "recall:", "cost:nan@val",
    "f_beta:1e400", "Mass:1e999", "Mass:-0", "Mass:0.4:0.5", "half", "precision:0.5@half", ":", "::", "@", "a@b@c",
    "no:such@val", "cost:1000@test", "expected_f1@val", "promise@val", "youden:1@val", "Effusion:inf", "macro:0.5")


def _store_of_links() -> Store:
    path = default_store()
    return Store(path) if path.exists() else scored_runs.make(path, 60, 80, findings=("Mass", "Effusion", "Hernia"))


def _word(rng: random.Random, own: tuple[str, ...]) -> str:
    word = rng.choice((*own, *own, *SOUND, *SOUND, *WORDS))
    if rng.random() < 0.2 and word:
        at = rng.randrange(len(word))
        word = word[:at] + rng.choice((*WORDS, ":", "@", ".")) + word[at + rng.randrange(2):]
    return word


def links(folder: Path) -> Begun:
    """What the board makes of the thresholds that a link names."""
    store = _store_of_links()
    known = from_store.overview(store)
    names = run_groups.run_labels(known.runs)
    [run] = evaluated_runs.evaluated(known.runs, known, names)
    sets = tuple(store.threshold_sets(run.run_id)["set_id"])

    def make(rng: random.Random) -> Read:
        pairs = [f"{rng.choice(('', '', '^'))}{rng.choice(('Mass', 'Effusion', _word(rng, sets)))}:{_word(rng, sets)}"
                 if rng.random() < 0.7 else _word(rng, sets) for _ in range(rng.choice((0, 1, 1, 3, 30)))]
        key, reference = (rng.choice((None, _word(rng, sets))) for _ in range(2))

        def read() -> None:
            state = board_state.read_state(store, run, key, reference, pairs)
            assert state.thresholds.shape == (3,) and isinstance(state.pairs, list)
            board_state.provenance(state, run, "test")
            board_state.notes(state, run, "test", [5, 5, 5])

        return read

    return make


def pages(folder: Path) -> Begun:
    """Pages opened by links that nobody wrote; whatever they say, it is no exception."""
    store = _store_of_links()
    own = (*store.runs()["run_id"], "scored", *store.prediction_sets()["prediction_id"], "Mass", "Effusion")

    def make(rng: random.Random) -> Read:
        page = rng.choice(PAGES)
        asked = {rng.choice(PARAMETERS): [_word(rng, own) for _ in range(rng.choice((1, 1, 2, 9)))]
                 for _ in range(rng.choice((1, 2, 4)))}
        link = {name: _sendable(values) for name, values in asked.items()}
        return lambda: opened_pages.open_page(page, **link)

    return make


def _sendable(values: list[str]) -> list[str]:
    """As a browser can send them: no lone surrogates, and not of endless length."""
    return [value.encode("utf-8", "replace").decode("utf-8")[:4_000] for value in values]
