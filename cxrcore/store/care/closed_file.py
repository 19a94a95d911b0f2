"""A store's file in one's turn with no connection open: made whole, counted, copied.

What is here is for a store that is a file. Whoever copies it holds the gate for as long as reading the file takes, and
nothing else: what is written reaches the disk after the gate is open again.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from cxrcore.data.files import disk_room
from cxrcore.errors import DiskFullError, StoreError
from cxrcore.store import schema, store_path, turns

_PIECE = 1 << 24  # bytes copied at a time


def settle(own: turns.Turn) -> dict[str, int]:
    """Bring the last commits into the one file, wait for readers, and count: {table: rows}, with 'form'.

    Raises:
        StoreBusy, StoreError, DiskFullError: as `turns.connection`; StoreError too where it is no store of ours.
    """
    with own.connect() as con:
        counted = counts(con)
        con.execute("CHECKPOINT")
    if store_path.beside(own.path, store_path.WAL).exists():
        raise StoreError(f"the last commits of the store {own.path} cannot be brought into its file; nothing was done")
    return counted


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """{table: rows} of an open store, with 'form' for the version of its schema."""
    applied = schema.version(con)
    schema.check(con, applied)
    names = con.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()
    return {"form": applied} | {name: turns.one_row(con.execute(f'SELECT count(*) FROM "{name}"'))[0]
                                for (name,) in names}


def digests(con: duckdb.DuckDBPyConnection, catalog: str = "") -> dict[str, tuple[int, int]]:
    """{table: its rows, and a number that follows from all that they hold}; every block is read."""
    names = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = coalesce(nullif(?, ''), "
                        "current_database()) ORDER BY table_name", [catalog]).fetchall()
    prefix = f"{catalog}." if catalog else ""
    return {name: turns.one_row(con.execute(f'SELECT count(*), coalesce(bit_xor(hash(t)), 0) FROM {prefix}"{name}" t'))
            for (name,) in names}


def copy(source: Path, target: Path, check: Callable[[], None] = lambda: None) -> None:
    """Copy a file that nobody writes; the new one is whole in memory, not yet on the disk (see `to_disk`)."""
    with source.open("rb") as read, target.open("xb") as write:
        while piece := read.read(_PIECE):
            write.write(piece)
            check()


def to_disk(*paths: Path) -> None:
    """Wait until files, or the entries of folders, are on the disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def require_room(folder: Path, needed: int) -> None:
    """DiskFullError unless so many bytes are free."""
    free = disk_room.free_bytes(folder)
    if free < needed:
        raise DiskFullError(f"no room in {folder}: {needed / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are free; "
                            "nothing was changed")


def in_words(counted: Mapping[str, int]) -> str:
    """What a store holds, for people."""
    return (f"{counted.get('runs', 0):,} runs, {counted.get('prediction_sets', 0):,} prediction sets, "
            f"{counted.get('predictions', 0):,} rows of scores")
