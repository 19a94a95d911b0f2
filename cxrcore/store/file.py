"""The store's file: one transaction at a time, schema kept up to date, arrays to Arrow and back.

The embedded backend of `store`; nobody else imports it.
"""

import contextlib
import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cxrcore.config import is_read_only
from cxrcore.errors import RunError, StoreError
from cxrcore.store import safety_copy, schema, store_path, turns
from cxrcore.store.backends.file_session import FileSession
from cxrcore.store.backends.session import Answer, Session, Unwatched

OF_RUN = "prediction_id IN (SELECT prediction_id FROM prediction_sets WHERE run_id = ?)"

_LOG = logging.getLogger(__name__)  # scripts print what it says


@dataclass(frozen=True)
class _Known:
    """What was found in a store's file.

    Attributes:
        seen: device, inode and change token of the file.
    """

    seen: tuple[int, ...]
    version: int


_open_here: ContextVar[tuple[Path, duckdb.DuckDBPyConnection] | None] = ContextVar("open_here", default=None)
_known: dict[Path, _Known] = {}
_known_guard = threading.Lock()


class StoreFile:
    """A DuckDB file at a path; cheap to make, holds no connection. The file is created by the first write.

    Attributes:
        path: absolute, with `~` and links followed.
    """

    def __init__(self, url: str | Path):
        self.path = store_path.resolved(url)

    @property
    def key(self) -> str:
        """What tells this store from all others; it opens with `Store(key)`."""
        return str(self.path)

    @property
    def title(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def exists(self) -> bool:
        """Whether there is a file yet; the first write makes one."""
        return self.path.exists()

    @property
    def folder(self) -> Path:
        """Where runs' folders, prepared films and what was worked out lie."""
        return self.path.parent

    def make(self) -> bool:
        """An empty file, or one of today's form; whether anything was changed."""
        before = self.change_token()
        with self.write():
            pass
        return self.change_token() != before

    def trouble(self, wait: float = 2.0) -> str:
        """Why the store cannot be read just now, in one line; '' where it can, or is not there yet.

        Args:
            wait: seconds for one's turn.
        """
        try:
            if store_path.exists(self.path):
                with turns.connection(self.path, write=False, wait=wait) as con:
                    schema.version(con)
        except StoreError as error:
            return str(error)
        return ""

    def change_token(self) -> tuple[int, ...]:
        """A value that changes with every commit, from `stat` alone (opening the file would endanger its locks)."""
        token: list[int] = []
        for path in (self.path, store_path.beside(self.path, store_path.WAL)):
            try:  # a killed process leaves its last commit in the .wal
                info = os.stat(path)
                token += [info.st_mtime_ns, info.st_size]
            except OSError:
                token += [0, 0]
        return tuple(token)

    def copy_before(self) -> Path | None:
        """The copy from before the store's form last changed, if it still lies beside the store.

        An older store is brought up to date first.
        """
        with self._connected():
            return safety_copy.kept_copy(self.path)

    def lease(self, key: str) -> contextlib.AbstractContextManager[Unwatched]:
        """A file keeps no leases: the locks of its folder tell who is at what."""
        return contextlib.nullcontext(Unwatched())

    def heard(self, key: str) -> tuple[str, float] | None:
        """Nobody, of a file."""
        return None

    @contextlib.contextmanager
    def write(self) -> Generator[FileSession]:
        """One transaction; an exception inside leaves the file as it was."""
        store_path.exists(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder of the store {self.path} cannot be made: {error.strerror}") from None
        with turns.turn(self.path, write=True) as own, contextlib.ExitStack() as stack:
            if not self.exists:
                stack.push(self._leave_none)
            con = stack.enter_context(own.connect())
            applied = self._schema(con)
            if 0 < applied < len(schema.STEPS) and 0 < (applied := schema.version(con)) < len(schema.STEPS):
                if store_path.beside(self.path, store_path.WAL).exists():
                    con.execute("CHECKPOINT")  # all of it into the one file that is copied
                stack.close()
                copy = safety_copy.keep_copy(self.path, applied, own.signals.check)
                con = stack.enter_context(own.connect())
                self._change_form(con, applied, copy)
            con.begin()
            if not applied:
                schema.upgrade(con)
            yield FileSession(con)
            own.signals.check()
            con.commit()

    def _leave_none(self, kind: type[BaseException] | None, *_: object) -> None:
        """Where there was no file and nothing could be written, none stays: a store that is away may come back."""
        if kind is not None:
            for path in (self.path, store_path.beside(self.path, store_path.WAL)):
                path.unlink(missing_ok=True)

    def _change_form(self, con: duckdb.DuckDBPyConnection, applied: int, copy: Path) -> None:
        """The missing steps in a transaction of their own: all of them, or the file stays as it was."""
        try:
            con.begin()
            schema.upgrade(con)
            con.commit()
        except duckdb.Error as error:
            if (failure := turns.failure(self.path, error)) is not error:
                raise failure from None
            raise StoreError(f"the store {self.path} cannot be brought from form {applied} to {len(schema.STEPS)}, and "
                             f"is as it was: {' '.join(str(error).split())[:200]}") from None
        _LOG.warning("the store %s was brought from form %d to %d; as it was before it lies in %s, which may be "
                     "deleted once all is well", self.path, applied, len(schema.STEPS), copy)

    @contextlib.contextmanager
    def reading(self) -> Generator[None]:
        """All that this thread reads of the store inside is read in one opening of it, and of one moment."""
        with self._connected() as con:
            token = _open_here.set((self.path, con))
            try:
                yield
            finally:
                _open_here.reset(token)

    @contextlib.contextmanager
    def read(self) -> Generator[FileSession]:
        """A transaction that changes nothing; in `reading`, the one that is under way."""
        with self._connected() as con:
            yield FileSession(con)

    @contextlib.contextmanager
    def _connected(self) -> Generator[duckdb.DuckDBPyConnection]:
        held = _open_here.get()
        if held is not None and held[0] == self.path:
            yield held[1]
            return
        if not store_path.exists(self.path):  # an empty store answers like any other
            with turns.in_memory() as con:
                schema.upgrade(con)
                yield con
            return
        with contextlib.ExitStack() as stack:
            con = stack.enter_context(turns.connection(self.path, write=False))
            if self._schema(con) < len(schema.STEPS):
                stack.close()
                if not is_read_only() and all(os.access(place, os.W_OK) for place in (self.path, self.path.parent)):
                    with self.write():
                        pass  # brings an older store up to date
                    con = stack.enter_context(turns.connection(self.path, write=False))
                    self._schema(con)
                else:
                    con = stack.enter_context(self.up_to_date_elsewhere())
            yield con

    @contextlib.contextmanager
    def up_to_date_elsewhere(self) -> Generator[duckdb.DuckDBPyConnection]:
        """An older store that nobody here may write to, as a copy of today's form that is gone afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "store.duckdb"
            with turns.turn(self.path, write=False) as own:
                safety_copy.copy_store(self.path, copy, own.signals.check)
            with turns.connection(copy, write=True) as con:
                schema.upgrade(con)
                yield con

    def _schema(self, con: duckdb.DuckDBPyConnection) -> int:
        """The schema version of the opened file; its tables are looked at once a process and file.

        Remembered by the file's identity and change token: another file in its place is another file, even one that
        was copied over it.
        """
        info = os.stat(self.path)
        seen = (info.st_dev, info.st_ino, *self.change_token())
        with _known_guard:
            known = _known.get(self.path)
        if known and known.seen == seen:
            return known.version
        applied = schema.version(con)
        if known is None or (known.seen[:2], known.version) != (seen[:2], applied):
            schema.check(con, applied)
        with _known_guard:
            _known[self.path] = _Known(seen, applied)
        return applied


def to_lists(values: np.ndarray) -> pa.Array:
    """(n, k) floats as an Arrow list column without a Python loop."""
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))


def from_lists(column: pa.ChunkedArray) -> np.ndarray:
    """An Arrow column of lists of one length k as float32 (n, k); (0, 0) where it has no rows."""
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1 if len(column) else 0)


def from_strings(column: pa.ChunkedArray) -> np.ndarray:
    """An Arrow text column as an object array of str."""
    return column.to_numpy(zero_copy_only=False)


def nan_to_null(frame: pd.DataFrame) -> pa.Table:
    """A frame for insertion: NaN becomes NULL."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def to_frame(answer: Answer) -> pd.DataFrame:
    """What was asked for, as a frame: NULL becomes NaN, but None in truth values, lists and texts that are all NULL."""
    table = answer.to_arrow_table()
    empty = [name for name, column in zip(table.column_names, table.columns, strict=True)
             if pa.types.is_string(column.type) and 0 < len(column) == column.null_count]
    return table.to_pandas().assign(**dict.fromkeys(empty))


def new_id() -> str:
    """Time and a short random part, so that ids sort by age; made here since DuckLake has no sequences."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def require(con: Session, *, run_id: str | None = None, prediction_id: str | None = None) -> None:
    """Nothing is written for a run or a prediction set that is not there, such as one deleted meanwhile.

    Raises:
        RunError: no such run.
        StoreError: no such prediction set.
    """
    if run_id is not None and not con.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchone():
        raise RunError(f"no run '{run_id}': it may have been deleted")
    query = "SELECT 1 FROM prediction_sets WHERE prediction_id = ?"
    if prediction_id is not None and not con.execute(query, [prediction_id]).fetchone():
        raise StoreError(f"no prediction set '{prediction_id}': its run may have been deleted")
