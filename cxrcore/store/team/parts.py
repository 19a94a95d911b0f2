"""The large tables of a team's store: Parquet files in its shared folder, each written once and never changed.

A file is written under another name, brought to the disk and renamed; only then does the database name it. So a row of
the database always has its whole file, whatever is killed when; a file without a row is somebody's work under way, or
what was left by a program that was killed (`scripts/store.py check` tells them apart by age).
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxrcore import ids
from cxrcore.data.files import disk_room
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DiskFullError, StoreError
from cxrcore.store import schema
from cxrcore.store.backends.session import LARGE

FOLDER = "parts"
_KEPT = "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Part:
    """A file, as the database names it.

    Attributes:
        key: values of the columns of `LARGE`, which the file does not hold.
    """

    table: str
    key: tuple[Any, ...]
    file: str
    n_rows: int
    n_bytes: int
    sha256: str


def columns(table: str) -> tuple[str, ...]:
    """What a file of this table holds."""
    return tuple(name for name in schema.columns()[table].names if name not in LARGE[table])


def pieces(table: str, rows: pa.Table, same: Mapping[str, Any]) -> list[tuple[tuple[Any, ...], pa.Table]]:
    """(key, its rows) of rows that may be of several parts, in the order of their first rows."""
    keys = [name for name in LARGE[table] if name not in same]
    if not keys:
        return [(tuple(same[name] for name in LARGE[table]), rows)] if len(rows) else []
    found = []
    for row in rows.select(keys).group_by(keys, use_threads=False).aggregate([]).to_pylist():
        mask = pc.and_(*[_is(rows[name], row[name]) for name in keys]) if len(keys) > 1 else _is(
            rows[keys[0]], row[keys[0]])
        known = {**same, **row}
        found.append((tuple(known[name] for name in LARGE[table]), rows.filter(mask)))
    return found


def _is(column: pa.ChunkedArray, value: Any) -> pa.ChunkedArray:
    return pc.is_null(column) if value is None else pc.fill_null(pc.equal(column, value), False)


def write(root: Path, table: str, key: tuple[Any, ...], rows: pa.Table) -> Part:
    """Write a part; it is whole and on the disk when this returns.

    Args:
        root: the shared folder.
        rows: columns that the table does not have are left out, missing ones are NULL.

    Raises:
        DiskFullError, StoreError: it cannot be written; nothing is left of it.
    """
    kinds = schema.columns()[table]
    held = pa.table({name: _cast(rows[name], kinds.field(name).type) if name in rows.column_names
                     else pa.nulls(len(rows), kinds.field(name).type) for name in columns(table)})
    label = "-".join("".join(c for c in str(one) if c in _KEPT)[:80] for one in key if one is not None)
    path = root / FOLDER / table / f"{label}-{secrets.token_hex(4)}.parquet"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            pq.write_table(held, partial, compression="zstd")
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = os.fstat(file.fileno()).st_size
        _names_to_disk(path.parent)
    except OSError as error:
        if error.errno in disk_room.FULL:
            raise DiskFullError(f"no room on the disk of {root}; what was to be written is not in the store") from None
        raise StoreError(f"{path.parent} cannot be written: {error.strerror or error}; is the shared folder mounted?"
                         ) from None
    return Part(table, key, path.name, len(held), size, digest)


def _cast(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type) and pa.types.is_integer(wanted):
        return column.cast(wanted)
    return column.cast(wanted, safe=not pa.types.is_floating(wanted))


def _names_to_disk(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not all shared file systems know it of a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def path_of(root: Path, table: str, file: str) -> Path:
    """Where a part lies; the database may come from somebody else.

    Raises:
        DataError: no name of a file alone.
    """
    return root / FOLDER / table / ids.checked(ids.FILE, file)


def read(root: Path, table: str, file: str, n_rows: int, wanted: Sequence[str]) -> pa.Table:
    """Rows of a part.

    Raises:
        StoreError: it is not there, or not whole.
    """
    path = path_of(root, table, file)
    try:
        rows = pq.ParquetFile(path, memory_map=False).read(columns=list(wanted))
    except FileNotFoundError:
        raise StoreError(f"the file {path} is missing: is the shared folder mounted? (python scripts/store.py check "
                         "says what else is)") from None
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:120]
        raise StoreError(f"the file {path} is damaged: {said} (python scripts/store.py check says what to do)"
                         ) from None
    if len(rows) != n_rows:
        raise StoreError(f"the file {path} is damaged: it has {len(rows)} rows, not {n_rows} (python scripts/store.py "
                         "check says what to do)")
    return rows


def remove(root: Path, table: str, files: Sequence[str]) -> None:
    """Delete files that no row names any more."""
    for file in files:
        with contextlib.suppress(OSError):
            path_of(root, table, file).unlink(missing_ok=True)
