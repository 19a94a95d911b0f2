"""Making a map of prepared pixels: reserve, copy what other maps hold, decode the rest on all cores, name it last.

The writing half of `prepared`; nobody else imports it.
"""

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pandas as pd
from tqdm import tqdm

from cxrcore import ids
from cxrcore.data.files import own_folders
from cxrcore.data.files.limited_process import LimitedProcess
from cxrcore.data.pixels import decode_film, map_notes, older_maps
from cxrcore.data.pixels.prepare_worker import decoded
from cxrcore.errors import DataError

MAX_UNREADABLE = 0.01  # share of films that may be skipped
CHUNK = 16  # films a task
COPIED = 1024  # films at a time from another map
FEW_FILMS = 64  # below this, starting worker processes costs more than it saves
SYNC_EVERY = 5.0  # seconds between making progress durable
_Job = tuple[Path, int, int, Sequence[tuple[int, Path]]]  # what `decoded` takes, besides a process
_Done = tuple[dict[int, str], dict[int, str]]  # and what it gives


def make_map(
    films: Mapping[str, Path],
    wanted: pd.DataFrame,
    folder: Path,
    meta: Mapping[str, int],
    known: Mapping[Path, int],
    workers: int,
    progress: bool,
) -> None:
    """Make the map `folder`; while it is made it is called `<folder>.partial`, and a killed call goes on there.

    Args:
        films: image_id -> path.
        wanted: image_id, bytes and mtime_ns of each row of the map.
        meta: size and version, for the manifest.
        known: finished maps of the same size and their versions, from which unchanged films are copied.

    Raises:
        DataError: more than 1 % of the films unreadable (named), or a worker was killed.
        OSError: no room.
    """
    partial, size = folder.with_name(f"{folder.name}.partial"), meta["size"]
    if _reserve(partial, len(wanted), size):
        _copy_known(films, wanted, partial, known, meta["version"])
    reasons = _decode_all([films[i] for i in wanted["image_id"]], size, partial, workers, progress)
    notes = map_notes.read(partial)
    named = wanted.assign(reason=[reasons.get(row, "") for row in range(len(wanted))],
                          notes=[notes.get(row, "") for row in range(len(wanted))])
    map_notes.say(notes.values())
    named.to_parquet(partial / "films.parquet")
    counts = {"n_films": len(wanted), "n_skipped": len(reasons)}
    (partial / "manifest.json").write_text(json.dumps(dict(meta) | counts))
    (partial / "done.bin").unlink()
    (partial / map_notes.FILE).unlink(missing_ok=True)
    os.replace(partial, folder)


def _reserve(partial: Path, n: int, size: int) -> bool:
    """The empty map at its full length, so that a full disk shows before the first film; False where it was begun."""
    pixels, done = partial / "pixels.npy", partial / "done.bin"
    if done.exists() and done.stat().st_size == n:
        return False
    partial.mkdir(exist_ok=True)
    if shutil.disk_usage(partial).free < n * size * size:
        raise OSError(errno.ENOSPC, "no room for the map")
    np.lib.format.open_memmap(pixels, mode="w+", dtype=np.uint8, shape=(n, size, size))
    if hasattr(os, "posix_fallocate"):  # Linux; elsewhere the check above has to do
        with open(pixels, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, pixels.stat().st_size)
    done.write_bytes(bytes(n))
    return True


def _copy_known(films: Mapping[str, Path], wanted: pd.DataFrame, partial: Path, known: Mapping[Path, int],
                version: int) -> None:
    """Take unchanged films over from other maps: no film is decoded twice for being in two selections."""
    target = np.load(partial / "pixels.npy", mmap_mode="r+")
    journal = _Journal(partial / "done.bin", partial / "pixels.npy")
    for folder, made_by in known.items():
        held = pd.read_parquet(folder / "films.parquet")
        n = len(held)
        held = held.assign(source=np.arange(len(held)))[held["reason"] == ""]
        both = wanted.assign(row=np.arange(len(wanted))).iloc[journal.todo()].merge(held, on=list(wanted.columns))
        if made_by != version:
            paths = [films[image_id] for image_id in both["image_id"]]
            both = both[older_maps.rows_alike(folder, both["source"].to_numpy(), paths, n, version)]
        if "notes" in both:
            map_notes.add(partial, dict(zip(both["row"].tolist(), both["notes"], strict=True)))
        source = np.load(folder / "pixels.npy", mmap_mode="r")
        for start in range(0, len(both), COPIED):
            part = both.iloc[start : start + COPIED]
            target[part["row"]] = source[part["source"]]
        target.flush()
        journal.add(both["row"].tolist())
        journal.close()


def _decode_all(paths: Sequence[Path], size: int, partial: Path, workers: int, progress: bool) -> dict[int, str]:
    """Decode what is not done yet; row -> reason for unreadable films."""
    pixels = partial / "pixels.npy"
    offset = np.load(pixels, mmap_mode="r").offset
    journal = _Journal(partial / "done.bin", pixels)
    reasons: dict[int, str] = {}
    todo = journal.todo()
    chunks = [todo[i : i + CHUNK] for i in range(0, len(todo), CHUNK)]
    jobs = ((chunk, (pixels, offset, size, [(int(row), paths[row]) for row in chunk])) for chunk in chunks)
    results = _run(jobs, workers if len(todo) > FEW_FILMS else 1)
    bar = tqdm(total=len(paths), initial=len(paths) - len(todo), unit=" films", desc="Preparing films",
               disable=not progress)
    with bar, contextlib.closing(journal), contextlib.closing(results):
        for chunk, (failed, notes) in results:
            reasons |= failed
            map_notes.add(partial, notes)
            if len(reasons) > MAX_UNREADABLE * len(paths):
                own_folders.remove(partial.parent, partial.name, ids.MAP_PARTIAL)
                raise DataError(_too_many(reasons, len(paths)))
            journal.add([row for row in chunk if row not in failed])
            bar.update(len(chunk))
    return reasons


def _run(jobs: Iterable[tuple[np.ndarray, _Job]], workers: int
         ) -> Generator[tuple[np.ndarray, _Done]]:
    """(chunk, what was done) of every job, on `workers` limited processes, with a bounded number of jobs under way."""
    pending: dict[Future[_Done], np.ndarray] = {}
    with decode_film.workers(workers) as processes, ThreadPoolExecutor(workers) as threads:
        free: SimpleQueue[LimitedProcess] = SimpleQueue()
        for process in processes:
            free.put(process)
        try:
            for chunk, job in jobs:
                pending[threads.submit(_with_one, free, job)] = chunk
                while len(pending) >= 4 * workers:
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        yield pending.pop(future), future.result()
            while pending:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            if pending:  # something went wrong: what is under way would be thrown away
                for process in processes:
                    process.kill()


def _with_one(free: SimpleQueue[LimitedProcess], job: _Job) -> _Done:
    process = free.get()
    try:
        return decoded(process, *job)
    finally:
        free.put(process)


class _Journal:
    """Which rows are done: one byte a row, set only after the pixels are on the disk."""

    def __init__(self, path: Path, pixels: Path):
        self._done = np.memmap(path, np.uint8, "r+")
        self._pixels = pixels
        self._waiting: list[int] = []
        self._synced = time.monotonic()

    def todo(self) -> np.ndarray:
        return np.flatnonzero(self._done == 0)

    def add(self, rows: Sequence[int]) -> None:
        self._waiting += rows
        if time.monotonic() - self._synced > SYNC_EVERY:
            self._sync()

    def close(self) -> None:
        if self._pixels.exists():
            self._sync()

    def _sync(self) -> None:
        with open(self._pixels, "r+b") as file:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        self._done[self._waiting] = 1
        self._done.flush()
        self._waiting, self._synced = [], time.monotonic()


def _too_many(reasons: Mapping[int, str], n: int) -> str:
    some = "; ".join(list(reasons.values())[:3])
    return f"at least {len(reasons)} of {n} films cannot be read, more than {MAX_UNREADABLE:.0%}: {some}"
