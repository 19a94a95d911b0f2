"""Whether what lies beside a store is whole: run folders, checkpoints, prepared films, leftovers of killed programs."""

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from filelock import FileLock, Timeout

from cxrcore import ids
from cxrcore.data.pixels import prepared
from cxrcore.errors import WorkbenchError
from cxrcore.store import safety_copy, turns, waiting
from cxrcore.store.care import kept_old
from cxrcore.store.care.troubles import RESTORE, Trouble
from cxrcore.store.progress import effective_status, read_progress
from cxrcore.store.run_folder import BEST, LAST

_HALF = re.compile(r".+\.new(\.\w+)?|.+\.vacuum(\.\w+)?(\.wal)?|.+\.restoring(\.\w+)?")  # temporary names
AGE = 3600.0  # seconds after which a temporary file is nobody's work any more


def troubles(
    store: Path, runs: Sequence[Mapping[str, Any]], newest: Mapping[str, str], now: float
) -> Iterator[Trouble]:
    """What is wrong beside a store that is a file; no connection to it is open.

    Args:
        runs: rows of the runs, with n_epochs.
        newest: {run_id: SHA-256 of the best checkpoint, as its newest predictions name it}.
        now: seconds since 1970, of the check.
    """
    yield from in_folder(store.parent, runs, newest, now)
    yield from _without_run(store, {run["run_id"] for run in runs})
    if (copy := safety_copy.kept_copy(store)) is not None:
        yield Trouble(f"{copy} is the store from before its form changed", "delete it once all is well", is_fault=False)
    for folder in kept_old.folders(store):
        yield Trouble(f"{folder} holds what a restore took away", "delete it once all is well", is_fault=False)


def in_folder(
    root: Path, runs: Sequence[Mapping[str, Any]], newest: Mapping[str, str], now: float,
    status: Callable[[Mapping[str, Any]], str] | None = None,
) -> Iterator[Trouble]:
    """What is wrong in the folder of a store of either kind.

    Args:
        runs, newest, now: as `troubles`.
        status: of a run, where more is known than its folder says.
    """
    for run in runs:
        told = status(run) if status else effective_status(run["status"], read_progress(root / run["run_id"]))
        yield from _of_run(root, run, told, newest.get(run["run_id"]), now)
        yield from _waiting(root, run["run_id"])
    yield from left_over(root, now)
    yield from _of_maps(root / "prepared")


# -- runs


def _of_run(root: Path, run: Mapping[str, Any], status: str, wanted: str | None, now: float) -> Iterator[Trouble]:
    run_id, folder = run["run_id"], root / run["run_id"]
    if run["kind"] != "trained" or not ids.is_one(ids.RUN, run_id):
        return
    if status == "running":
        return
    if run["status"] == "running" and not waiting.in_folder(folder):
        goes_on = (folder / LAST).exists()
        yield Trouble(f"run {run_id} stopped before its end",
                      f"go on with it: python scripts/train.py --resume {run_id}" if goes_on else
                      "delete it on the Runs page (Manage): it has no checkpoint to go on from", is_fault=False)
    if not run["n_epochs"]:
        return
    if not folder.is_dir():
        yield Trouble(f"run {run_id} was trained, but its folder {folder} is missing", "put it back beside the store, "
                      "or " + RESTORE + "; its scores and measures are in the store, explanations need the checkpoint")
        return
    yield from _of_checkpoints(run_id, folder, wanted)
    yield from left_over(folder, now)


def _waiting(root: Path, run_id: str) -> Iterator[Trouble]:
    if not ids.is_one(ids.RUN, run_id) or waiting.is_at_work(read_progress(root / run_id)):
        return
    for path in waiting.in_folder(root / run_id):
        try:
            waiting.read(path)
        except WorkbenchError as error:
            yield Trouble(str(error), f"evaluate the run again, python scripts/eval.py --run {run_id}, and delete the "
                                      "file")
        else:
            yield Trouble(f"results of run {run_id} wait to be handed in ({path})", waiting.COMMAND, is_fault=False)


def _of_checkpoints(run_id: str, folder: Path, wanted: str | None) -> Iterator[Trouble]:
    if not (folder / BEST).is_file():
        yield Trouble(f"run {run_id} has no {BEST} in {folder}", RESTORE)
    for name in (BEST, LAST):
        path = folder / name
        if not path.is_file():
            continue
        if not _is_whole(path):
            yield Trouble(f"the checkpoint {path} is damaged or cut off", RESTORE)
        elif name == BEST and wanted is not None and sha256(path) != wanted:
            yield Trouble(f"the checkpoint {path} is not the one that the run's newest predictions were made with",
                          f"evaluate it again: python scripts/eval.py --run {run_id}; or {RESTORE}")


def _is_whole(path: Path) -> bool:
    """Whether the archive that a checkpoint is can be read to its end, by its own checksums."""
    try:
        with zipfile.ZipFile(path) as packed:
            return packed.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError):
        return False


def sha256(path: Path) -> str:
    """Of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_run(store: Path, known: set[str]) -> Iterator[Trouble]:
    """Run folders that no run of this store, nor of another one beside it, belongs to."""
    found = [path for path in sorted(store.parent.iterdir()) if path.is_dir() and ids.is_one(ids.RUN, path.name)
             and path.name not in known]
    if not found:
        return
    others, unread = _runs_of_neighbours(store)
    for folder in found:
        if folder.name not in others:
            holds = ", and holds results that wait to be handed in" if waiting.in_folder(folder) else ""
            doubt = f" ({unread.name} beside it cannot be read)" if unread else ""
            yield Trouble(f"the run folder {folder} belongs to no run{holds}{doubt}",
                          "a run that was deleted while it was in use leaves one: delete the folder, or bring back the "
                          "store that it belongs to", is_fault=unread is None)


def _runs_of_neighbours(store: Path) -> tuple[set[str], Path | None]:
    """Ids of the runs of the other stores in a folder, and a store that could not be read."""
    found: set[str] = set()
    unread = None
    own = re.compile(rf"{re.escape(store.stem)}\.(before-\d+|vacuum|restoring)")
    for path in sorted(store.parent.glob("*.duckdb")):
        if path == store or own.fullmatch(path.stem):
            continue
        try:
            with turns.connection(path, write=False) as con:
                found |= {run_id for (run_id,) in con.execute("SELECT run_id FROM runs ORDER BY run_id").fetchall()}
        except (WorkbenchError, duckdb.Error):
            unread = path
    return found, unread


# -- what killed programs left


def left_over(folder: Path, now: float) -> Iterator[Trouble]:
    """Temporary files and folders that nobody works on any more."""
    for path in sorted(folder.iterdir()):
        if _HALF.fullmatch(path.name) and path.is_file() and now - path.stat().st_mtime > AGE:
            yield Trouble(f"{path} was left half-written by a program that was killed", "delete it")
        if path.suffix == ".partial" and path.is_dir() and now - path.stat().st_mtime > AGE:
            yield Trouble(f"{path} is a folder that was not written to its end", "delete it, and make it again")


def _of_maps(root: Path) -> Iterator[Trouble]:
    if not root.is_dir():
        return
    finished = {one.folder: one for one in prepared.finished_maps(root)}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.suffix == ".partial":
            if not _is_being_made(root / f"{folder.stem}.lock"):
                yield Trouble(f"the prepared films {folder} were not made to their end",
                              "python scripts/prepare.py goes on where it stopped; or delete the folder")
        elif folder not in finished or not _fits(finished[folder]):
            yield Trouble(f"the prepared films {folder} are damaged",
                          "delete the folder: the films are prepared again when they are next needed")


def _is_being_made(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock).acquire(timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _fits(one: prepared.FinishedMap) -> bool:
    try:
        pixels = np.load(one.folder / "pixels.npy", mmap_mode="r")
        return pixels.shape == (one.n_films, one.size, one.size) and bool(prepared.open_prepared(one.folder).row_of)
    except (OSError, ValueError, KeyError, WorkbenchError):
        return False

