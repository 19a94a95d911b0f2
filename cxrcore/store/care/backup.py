"""A backup of a store while others write to it: a folder with the file, the run folders, and what they all add up to.

    <folder>/store.duckdb     the store of one moment
             <run_id>/        what was worked out of the run; with the checkpoints where they are asked for
             prepared/<id>/   prepared films, where they are asked for
             backup.json      written last: rows of each table, bytes and SHA-256 of each file

Run folders are copied before the store, and those of ended runs looked at once more after it: a checkpoint is never
newer than the rows of its run, so that a training can go on from it.
"""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrcore import ids
from cxrcore.data.files import bounded_file, own_folders
from cxrcore.errors import DataError, StoreError, UsageError
from cxrcore.store import store_path, turns
from cxrcore.store.care import closed_file, moving, run_files
from cxrcore.store.care.file_checks import sha256
from cxrcore.store.store import Store

FILE, LIST = "store.duckdb", "backup.json"
FORMAT = 1


@dataclass(frozen=True)
class Backup:
    """A backup that was found whole.

    Attributes:
        rows: {table: rows}, with 'form'.
        files: {path inside the folder: (bytes, SHA-256)}.
    """

    folder: Path
    made_at: str
    rows: dict[str, int]
    files: dict[str, tuple[int, str]]

    @property
    def n_bytes(self) -> int:
        """Of all its files."""
        return sum(size for size, _ in self.files.values())


def back_up(store: Store, out: Path, *, checkpoints: bool = False, maps: bool = False) -> Backup:
    """Write a backup and read it back.

    Args:
        out: a folder that is not there yet, or is empty.
        checkpoints: copy the weights of the runs too.
        maps: copy the prepared films too.

    Raises:
        UsageError: `out` is taken or cannot be written. StoreError: no store, or the copy is not what was copied.
        StoreBusy, DiskFullError: as `turns.connection`.
    """
    if not store.exists:
        raise StoreError(f"there is no store {store.key} (--store or CXR_STORE names another)")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already: a backup needs a folder of its own, choose another with --out")
    partial = out.with_name(f"{out.name}.partial")
    try:
        own_folders.remove(out.parent, partial.name, ids.BACKUP_PARTIAL)
        partial.mkdir(parents=True)
        _fill(store, partial, checkpoints, maps)
        whole = verified(partial)
        partial.rename(out)  # also over an empty folder
        closed_file.to_disk(out.parent)
    except OSError as error:
        raise UsageError(f"the backup cannot be written in {out}: {error.strerror or error}") from None
    return Backup(out, whole.made_at, whole.rows, whole.files)


def _fill(store: Store, partial: Path, checkpoints: bool, maps: bool) -> None:
    runs = _statuses(store)
    files = list(run_files.wanted(store.folder, runs, checkpoints=checkpoints, maps=maps))
    sizes = sum(path.stat().st_size for path, _ in files)
    closed_file.require_room(partial, sizes + (store.path.stat().st_size if store.is_file else 0))
    for path, place in files:
        run_files.copy_file(path, partial / place)
    rows = _copy_store(store, partial / FILE)
    made_at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    ended = {run_id for run_id, status in _statuses(Store(partial / FILE)).items() if status != "running"}
    for path, place in run_files.wanted(store.folder, ended, checkpoints=checkpoints, maps=False):
        run_files.copy_file(path, partial / place)
    for name in runs.keys() - _statuses(Store(partial / FILE)).keys():  # deleted meanwhile
        if ids.is_one(ids.RUN, name):
            own_folders.remove(partial, name)
    _drop_gate(partial)
    held = {path.relative_to(partial).as_posix(): (path.stat().st_size, sha256(path))
            for path in sorted(partial.rglob("*")) if path.is_file()}
    closed_file.to_disk(*(partial / name for name in held))
    said = {"format": FORMAT, "made_at": made_at, "store": store.title, "rows": rows,
            "files": {name: list(one) for name, one in held.items()}}
    (partial / LIST).write_text(json.dumps(said, indent=1))
    closed_file.to_disk(partial / LIST, partial)


def _copy_store(store: Store, copy: Path) -> dict[str, int]:
    """The store of one moment as a file; {table: rows}, with 'form'."""
    if not store.is_file:
        moving.copy_rows(store, Store(copy))
        with turns.turn(copy, write=True) as own:
            return closed_file.settle(own)
    with turns.turn(store.path, write=True) as own:
        rows = closed_file.settle(own)
        closed_file.copy(own.path, copy, own.signals.check)
    return rows


def verified(folder: Path) -> Backup:
    """Read a backup: every file by its checksum, every row of the store.

    Raises:
        DataError: it is no backup, or not whole.
    """
    try:
        said: Any = bounded_file.settings(folder / LIST, bounded_file.MAX_BYTES)
        found = Backup(folder, str(said["made_at"]), {str(name): int(n) for name, n in said["rows"].items()},
                       {str(name): (int(n), str(digest)) for name, (n, digest) in said["files"].items()})
        form = said["format"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{folder} is no backup of a store: it has no {LIST} that can be read") from None
    if form != FORMAT:
        raise DataError(f"{folder} was written by another version of the workbench: update this one")
    for name, (size, digest) in found.files.items():
        path = folder / _checked_place(name, folder)
        if not path.is_file() or path.is_symlink() or path.stat().st_size != size or sha256(path) != digest:
            raise DataError(f"the backup {folder} is not whole: {name} is missing or is not what was written")
    if FILE not in found.files:
        raise DataError(f"{folder} is no backup of a store: it holds no {FILE}")
    try:
        with turns.connection(folder / FILE, write=False) as con:
            counted = closed_file.counts(con)
            closed_file.digests(con)
    finally:
        _drop_gate(folder)
    if counted != found.rows:
        raise DataError(f"the backup {folder} does not hold the rows that it says")
    return found


def _checked_place(name: str, folder: Path) -> Path:
    """A path inside a backup, as one is written: nothing that leads out of it."""
    parts = Path(name).parts
    known = (parts == (FILE,) or (len(parts) == 2 and ids.is_one(ids.RUN, parts[0]))
             or (len(parts) == 3 and parts[0] == run_files.MAPS and ids.is_one(ids.DATASET, parts[1])))
    if not known or not ids.is_one(ids.FILE, parts[-1]):
        raise DataError(f"the backup {folder} names {ascii(name)[:60]}, which no backup holds")
    return Path(name)


def _statuses(store: Store) -> dict[str, str]:
    """{run_id: status}, as the store says."""
    if store.is_file:  # in the form that it has
        with turns.connection(store.path, write=False) as con:
            return dict(con.execute("SELECT run_id, status FROM runs ORDER BY run_id").fetchall())
    with store._read() as con:
        return dict(con.execute("SELECT run_id, status FROM runs ORDER BY run_id").fetchall())


def _drop_gate(folder: Path) -> None:
    for suffix in (store_path.GATE, store_path.HOLDER):
        with contextlib.suppress(OSError):
            store_path.beside(folder / FILE, suffix).unlink(missing_ok=True)
