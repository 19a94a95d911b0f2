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
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrcore import ids
from cxrcore.data.files import bounded_file, own_folders
from cxrcore.data.pixels import prepared
from cxrcore.errors import DataError, StoreError, UsageError
from cxrcore.store import store_path, turns
from cxrcore.store.care import closed_file
from cxrcore.store.care.file_checks import sha256
from cxrcore.store.run_folder import PROGRESS
from cxrcore.store.store import Store

FILE, LIST, MAPS = "store.duckdb", "backup.json", "prepared"
FORMAT = 1
_CHECKPOINTS = ".pth"


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
        raise StoreError(f"there is no store {store.path} (--store or CXR_STORE names another)")
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
    sizes = sum(path.stat().st_size for path, _ in _wanted(store, runs, checkpoints, maps))
    closed_file.require_room(partial, sizes + store.path.stat().st_size)
    for path, place in _wanted(store, runs, checkpoints, maps):
        _copy_file(path, partial / place)
    with turns.turn(store.path, write=True) as own:
        rows = closed_file.settle(own)
        closed_file.copy(own.path, partial / FILE, own.signals.check)
    made_at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    ended = {run_id for run_id, status in _statuses(Store(partial / FILE)).items() if status != "running"}
    for path, place in _wanted(store, ended, checkpoints, maps=False):
        _copy_file(path, partial / place)
    for name in runs.keys() - _statuses(Store(partial / FILE)).keys():  # deleted meanwhile
        if ids.is_one(ids.RUN, name):
            own_folders.remove(partial, name)
    _drop_gate(partial)
    files = {path.relative_to(partial).as_posix(): (path.stat().st_size, sha256(path))
             for path in sorted(partial.rglob("*")) if path.is_file()}
    closed_file.to_disk(*(partial / name for name in files))
    said = {"format": FORMAT, "made_at": made_at, "store": store.path.name, "rows": rows,
            "files": {name: list(one) for name, one in files.items()}}
    (partial / LIST).write_text(json.dumps(said, indent=1))
    closed_file.to_disk(partial / LIST, partial)


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
             or (len(parts) == 3 and parts[0] == MAPS and ids.is_one(ids.DATASET, parts[1])))
    if not known or not ids.is_one(ids.FILE, parts[-1]):
        raise DataError(f"the backup {folder} names {ascii(name)[:60]}, which no backup holds")
    return Path(name)


def _statuses(store: Store) -> dict[str, str]:
    """{run_id: status}, as the store says."""
    with turns.connection(store.path, write=False) as con:
        return dict(con.execute("SELECT run_id, status FROM runs ORDER BY run_id").fetchall())


def _wanted(store: Store, runs: dict[str, str] | set[str], checkpoints: bool, maps: bool) -> Iterator[tuple[Path, str]]:
    """(file, its place in the backup) beside the store; what is being written is left out."""
    for run_id in sorted(runs):
        folder = store.folder / run_id
        if not ids.is_one(ids.RUN, run_id) or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.is_file() and ".new" not in path.name and path.name != PROGRESS and ids.is_one(
                    ids.FILE, path.name) and (checkpoints or path.suffix != _CHECKPOINTS):
                yield path, f"{run_id}/{path.name}"
    for one in prepared.finished_maps(store.folder / MAPS) if maps else ():
        for path in sorted(one.folder.iterdir()):
            if path.is_file() and ids.is_one(ids.DATASET, one.folder.name) and ids.is_one(ids.FILE, path.name):
                yield path, f"{MAPS}/{one.folder.name}/{path.name}"


def _copy_file(path: Path, target: Path) -> None:
    """Copy a file that may be replaced or deleted meanwhile; one that is there already and unchanged is left."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as source:
        was = os.fstat(source.fileno())
        with contextlib.suppress(FileNotFoundError):
            there = target.stat()
            if (there.st_size, there.st_mtime_ns) == (was.st_size, was.st_mtime_ns):
                return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copied:
            shutil.copyfileobj(source, copied, 1 << 20)
        os.utime(target, ns=(was.st_atime_ns, was.st_mtime_ns))


def _drop_gate(folder: Path) -> None:
    for suffix in (store_path.GATE, store_path.HOLDER):
        with contextlib.suppress(OSError):
            store_path.beside(folder / FILE, suffix).unlink(missing_ok=True)
