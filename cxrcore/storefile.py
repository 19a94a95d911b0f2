"""The store's file: one transaction at a time, schema kept up to date, arrays to Arrow and back.

The lower half of `store`; nobody else imports it.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cxrcore import schema
from cxrcore.errors import RunError, StoreError
from cxrcore.findings import N_FINDINGS
from cxrcore.gate import connection


class StoreFile:
    """A DuckDB file at a path; cheap to make, holds no connection. The file is created by the first write."""

    def __init__(self, url: str | Path):
        self.path = Path(url)

    def change_token(self) -> tuple[int, ...]:
        """A value that changes with every commit, from `stat` alone (opening the file would endanger its locks)."""
        token: list[int] = []
        for path in (self.path, Path(f"{self.path}.wal")):  # a killed process leaves its last commit in the .wal
            try:
                info = os.stat(path)
                token += [info.st_mtime_ns, info.st_size]
            except OSError:
                token += [0, 0]
        return tuple(token)

    @contextlib.contextmanager
    def _write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction; an exception inside leaves the file as it was."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder of the store {self.path} cannot be made: {error.strerror}") from None
        with connection(self.path, write=True) as con:
            con.begin()
            schema.upgrade(con)
            yield con
            con.commit()

    @contextlib.contextmanager
    def _read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():  # an empty store answers like any other
            with contextlib.closing(duckdb.connect()) as con:
                schema.upgrade(con)
                yield con
            return
        if self._outdated():
            with self._write():
                pass  # brings an older store up to date
        with connection(self.path, write=False) as con:
            yield con

    def _outdated(self) -> bool:
        """Whether schema steps are missing; asked of the file once a process and then remembered."""
        known = getattr(self, "_current", False)
        if not known:
            with connection(self.path, write=False) as con:
                self._current = schema.version(con) == len(schema.STEPS)
        return not self._current

    def _frame(self, query: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        with self._read() as con:
            return con.execute(query, list(parameters)).df()


def to_lists(values: np.ndarray) -> pa.Array:
    """(n, k) floats as an Arrow list column without a Python loop."""
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))


def from_lists(column: pa.ChunkedArray) -> np.ndarray:
    """An Arrow column of 14-long lists as float32 (n, 14)."""
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, N_FINDINGS)


def from_strings(column: pa.ChunkedArray) -> np.ndarray:
    """An Arrow text column as an object array of str."""
    return column.to_numpy(zero_copy_only=False)


def nan_to_null(frame: pd.DataFrame) -> pa.Table:
    """A frame for insertion: NaN becomes NULL."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def new_id() -> str:
    """Time and a short random part, so that ids sort by age; made here since DuckLake has no sequences."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def require(con: duckdb.DuckDBPyConnection, *, run_id: str | None = None, prediction_id: str | None = None) -> None:
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
