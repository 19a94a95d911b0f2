"""The disk's space of what was deleted, given back: the store copied into a new file, compared, and put in its place.

DuckDB goes on using a file's free blocks, and never makes the file smaller. The new file is whole before it takes the
old one's place in one step: a process that is killed at any point leaves the old store or the new one.
"""

import contextlib
import os
import shutil
from pathlib import Path

import duckdb

from cxrcore.errors import StoreError
from cxrcore.store import store_path, turns
from cxrcore.store.backends import standing
from cxrcore.store.care import closed_file
from cxrcore.store.store import Store


def vacuum(store: Store) -> tuple[int, int]:
    """Copy all that a store holds into a new file and put it in the old one's place; bytes before and after.

    Nobody else can use the store meanwhile; others wait, as long as they do for any writer.

    Raises:
        StoreError: no store, or the copy does not hold what the store does; the store stays as it is.
        StoreBusy: it stayed in use. DiskFullError: no room for a second file.
    """
    store.require_writable()
    if not store.exists:
        raise StoreError(f"there is no store {store.path} (--store or CXR_STORE names another)")
    with turns.turn(store.path, write=True) as own:
        path = own.path
        new = path.with_name(f"{path.stem}.vacuum{path.suffix}")
        closed_file.settle(own)
        before = path.stat().st_size
        closed_file.require_room(path.parent, before)
        try:
            _remove(new)
            _copy_rows(path, new)
            own.signals.check()
            shutil.copymode(path, new)
            closed_file.to_disk(new)
            os.replace(new, path)
            closed_file.to_disk(path.parent)
        except OSError as error:
            raise StoreError(f"the store {path} cannot be made smaller: {error.strerror or error}") from None
        finally:
            with contextlib.suppress(OSError):
                _remove(new)
        return before, path.stat().st_size


def _copy_rows(old: Path, new: Path) -> None:
    """Every table and view of a closed store in a file of its own, compared row for row by what they hold.

    What the leaderboard shows is worked out anew where it does not follow from the metrics.
    """
    try:
        with contextlib.closing(duckdb.connect(str(new))) as con:
            name = turns.one_row(con.execute("SELECT current_database()"))[0]
            turns.attach(con, old, "was")
            con.execute(f'COPY FROM DATABASE was TO "{name}"')
            same = closed_file.digests(con, "was") == closed_file.digests(con)
            con.execute("DETACH was")
            standing.mend(con)
            con.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise _failed(old, error) from None
    if not same or store_path.beside(new, store_path.WAL).exists():
        raise StoreError(f"the copy of the store {old} is not what the store holds; the store stays as it is")


def _failed(path: Path, error: duckdb.Error) -> Exception:
    known = turns.failure(path, error)
    return known if known is not error else StoreError(
        f"the store {path} cannot be copied, and is as it was: {' '.join(str(error).split())[:200]}")


def _remove(new: Path) -> None:
    for path in (new, store_path.beside(new, store_path.WAL)):
        path.unlink(missing_ok=True)
