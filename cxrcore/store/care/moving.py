"""A whole store copied into another one of either kind, and what all of its rows add up to.

Rows go piece by piece, a transaction each, so that a store of any size can move; runs and data sets come last, so that
nothing of a half-made copy is shown, and the same command begins it anew.
"""

import contextlib
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from cxrcore import ids
from cxrcore.errors import StoreError, UsageError
from cxrcore.store import schema, turns
from cxrcore.store.backends.session import LARGE, Session
from cxrcore.store.care import closed_file, run_files
from cxrcore.store.store import Store

TABLES = ("images", "boxes", "label_sets", "label_set_info", "epochs", "prediction_sets", "predictions",
          "threshold_sets", "calibrators", "metrics", "localization", "datasets", "runs")
_PIECES = LARGE | {"metrics": ("prediction_id",)}  # {table: columns whose values tell a piece from others}
_WHOLE = 1 << 64
_AT_ONCE = 100_000  # rows in a transaction


@dataclass(frozen=True)
class Contents:
    """What a table holds.

    Attributes:
        checksum: follows from every value of every row, and not from their order; 64 bits.
    """

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: "Contents") -> "Contents":
        return Contents(self.rows + other.rows, (self.checksum + other.checksum) % _WHOLE)


def contents(store: Store) -> dict[str, Contents]:
    """{table: what it holds} of a whole store, which may be used meanwhile.

    Raises:
        StoreError: as every reading.
    """
    with _of_one_moment(store) as held, held._read() as con, turns.in_memory() as engine:
        return {table: sum((_of_piece(engine, piece) for piece in pieces(con, table)), Contents()) for table in TABLES}


def copy_store(source: Store, target: Store, *, maps: bool = False) -> dict[str, Contents]:
    """Copy rows and run folders, and compare what was written with what was read.

    Args:
        target: there is none yet, or an empty one.
        maps: copy the prepared films too.

    Returns:
        what the target holds now.

    Raises:
        UsageError: one store twice, no source, or a target that holds something. StoreError: they are not the same.
    """
    if source.key == target.key:
        raise UsageError("a store cannot be copied into itself")
    if not source.exists:
        raise UsageError(f"there is no store {source.key}")
    target.make()
    require_empty(target)
    read = copy_rows(source, target)
    with source._read() as con:
        known = [run_id for (run_id,) in con.execute("SELECT run_id FROM runs ORDER BY run_id").fetchall()]
    if source.folder != target.folder:
        for path, place in run_files.wanted(source.folder, known, checkpoints=True, maps=maps):
            run_files.copy_file(path, target.folder / place)
    written = contents(target)
    if written != read:
        wrong = next(table for table in TABLES if written[table] != read[table])
        raise StoreError(f"the copy {target.key} does not hold what was read of {wrong}: somebody else may have "
                         "written to it; begin again with an empty store")
    return written


def copy_rows(source: Store, target: Store) -> dict[str, Contents]:
    """Copy all rows, of one moment; what was read."""
    found = {}
    with _of_one_moment(source) as held, held._read() as con, turns.in_memory() as engine:
        for table in TABLES:
            found[table] = Contents()
            for batch in _batches(pieces(con, table)):
                found[table] += sum((_of_piece(engine, piece) for piece in batch), Contents())
                _insert(target, table, batch)
    return found


def in_words(held: dict[str, Contents]) -> list[str]:
    """A line a table, with rows and checksum."""
    return [f"{table:<16}{one.rows:>12,} rows  {one.checksum:016x}" for table, one in sorted(held.items())]


@contextlib.contextmanager
def _of_one_moment(store: Store) -> Generator[Store]:
    """A store that stays as it is; a file is copied, so that its writers need not wait for the reading of it."""
    if not store.is_file or not store.exists:
        yield store
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store.duckdb"
        with turns.turn(store.path, write=True) as own:
            closed_file.settle(own)
            closed_file.copy(own.path, copy, own.signals.check)
        yield Store(copy)


def pieces(con: Session, table: str) -> Iterator[pa.Table]:
    """A table's rows, so many at a time as belong together."""
    names, keys = schema.columns()[table].names, _PIECES.get(table)
    if keys is None:
        yield con.rows(table, names, "true", [], ("rowid",)).to_arrow_table()
        return
    listed = ", ".join(keys)
    for key in con.execute(f"SELECT DISTINCT {listed} FROM {table} ORDER BY {listed}").fetchall():
        where, parameters = _is(keys, key)
        if table == "predictions":
            where, parameters = f"id_number = ? AND {where}", [ids.number_of(key[0] or ""), *parameters]
        yield con.rows(table, names, where, parameters, ("rowid",)).to_arrow_table()


def _is(keys: Sequence[str], values: Sequence[object]) -> tuple[str, list[object]]:
    where = " AND ".join(f"{key} IS NULL" if value is None else f"{key} = ?"
                         for key, value in zip(keys, values, strict=True))
    return where, [value for value in values if value is not None]


def _batches(pieces: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """Pieces with rows, as many as are written at a time."""
    batch: list[pa.Table] = []
    for piece in pieces:
        batch += [piece] if len(piece) else []
        if sum(map(len, batch)) >= _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _of_piece(engine: duckdb.DuckDBPyConnection, piece: pa.Table) -> Contents:
    engine.register("piece", piece)
    rows, added = turns.one_row(engine.execute("SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0) FROM piece t"))
    engine.unregister("piece")
    return Contents(rows, added % _WHOLE)


def _insert(target: Store, table: str, batch: Sequence[pa.Table]) -> None:
    with target._write() as con:
        for piece in batch if table in LARGE else [pa.concat_tables(batch)]:
            same = {}
            if table == "predictions" and target.is_file:
                same["id_number"] = ids.number_of(piece["prediction_id"][0].as_py() or "")
            con.insert(table, piece, **same)


def require_empty(target: Store) -> None:
    """Nothing is there, or what a copy left that was cut off, which goes.

    Raises:
        UsageError: it holds something.
    """
    with target._read() as con:
        held = {table: turns.one_row(con.execute(f"SELECT count(*) FROM {table}"))[0] for table in TABLES}
    if held["runs"] or held["datasets"]:
        raise UsageError(f"the store {target.key} holds {held['runs']} runs and {held['datasets']} data sets already: "
                         "a copy needs an empty one")
    if any(held.values()):
        with target._write() as con:
            for table in (*TABLES, *con.kept):
                con.execute(f"DELETE FROM {table}")
