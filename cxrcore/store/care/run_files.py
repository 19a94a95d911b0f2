"""The files beside a store that belong to its runs, and a copy of one while it may be replaced or deleted."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cxrcore import ids
from cxrcore.data.pixels import prepared
from cxrcore.store.run_folder import PROGRESS

MAPS = "prepared"
_CHECKPOINTS = ".pth"


def wanted(root: Path, runs: Iterable[str], *, checkpoints: bool, maps: bool) -> Iterator[tuple[Path, str]]:
    """(file, its place under the folder) beside a store; what is being written is left out.

    Args:
        root: the store's folder.
        runs: ids.
    """
    for run_id in sorted(runs):
        folder = root / run_id
        if not ids.is_one(ids.RUN, run_id) or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.is_file() and ".new" not in path.name and path.name != PROGRESS and ids.is_one(
                    ids.FILE, path.name) and (checkpoints or path.suffix != _CHECKPOINTS):
                yield path, f"{run_id}/{path.name}"
    for one in prepared.finished_maps(root / MAPS) if maps else ():
        for path in sorted(one.folder.iterdir()):
            if path.is_file() and ids.is_one(ids.DATASET, one.folder.name) and ids.is_one(ids.FILE, path.name):
                yield path, f"{MAPS}/{one.folder.name}/{path.name}"


def copy_file(path: Path, target: Path) -> None:
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
