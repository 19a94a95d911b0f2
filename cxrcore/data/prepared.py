"""Prepared pixels: every film decoded once into a uint8 memory map of N x S x S.

    prepared/<id>/pixels.npy      uint8 (N, S, S)
                  films.parquet   image_id, bytes and mtime_ns of the file, reason (why it was skipped, or empty)
                  manifest.json   written last: size, counts, version

`<id>` names the films (by name, length and time of change), the size and the version of the decoding. While it is
made, the folder is called `<id>.partial`; a killed run goes on where it stopped. Batches are gathered straight from
the map. Knows nothing of labels, splits or torch.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from cxrcore.data.decode import start_worker, write_films
from cxrcore.errors import DataError, DiskFullError

VERSION = 1  # of the decoding; raise it when images.load gives other pixels
MAX_UNREADABLE = 0.01  # share of films that may be skipped
CHUNK = 16  # films a task
FEW_FILMS = 64  # below this, starting worker processes costs more than it saves
SYNC_EVERY = 5.0  # seconds between making progress durable
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class PreparedPixels:
    """An opened map.

    Attributes:
        pixels: uint8 (N, S, S), read-only, paged in on demand.
        row_of: image_id -> row of the map, for the films that could be read.
        skipped: image_id -> reason, for those that could not.
    """

    folder: Path
    pixels: np.ndarray
    row_of: Mapping[str, int]
    skipped: Mapping[str, str]

    @property
    def size(self) -> int:
        """S, pixels a side."""
        return self.pixels.shape[1]

    def rows(self, image_ids: Sequence[str]) -> np.ndarray:
        """Rows of the map for films that are in it (KeyError otherwise)."""
        return np.fromiter((self.row_of[i] for i in image_ids), np.int64, len(image_ids))


def prepare(
    films: Mapping[str, Path], size: int, root: Path, *, workers: int | None = None, progress: bool = True
) -> PreparedPixels:
    """Open the map that holds these films, making it first where there is none.

    A finished map that holds more films than asked for serves as well.

    Args:
        films: image_id -> path.
        size: pixels a side, a multiple of 32.
        root: the folder of prepared maps.
        workers: processes; default one a core.

    Raises:
        DataError: a size that is no multiple of 32, or more than 1 % of the films unreadable (named).
        DiskFullError: no room; the partial map is removed.
    """
    check_size(size)
    wanted = _signatures(films)
    found = _find(wanted, size, root)
    if found:
        return found
    key = hashlib.sha256(f"{VERSION}|{size}|{wanted.to_csv()}".encode()).hexdigest()[:12]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _only_one(root / f"{key}.lock"):
            if not (root / key).exists():
                _make(films, wanted, size, root / key, workers or os.cpu_count() or 1, progress)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        shutil.rmtree(root / f"{key}.partial", ignore_errors=True)
        raise DiskFullError(_no_room(len(wanted) * size * size, root)) from None
    return open_prepared(root / key)


def check_size(size: int) -> None:
    """DataError unless `size` is a multiple of 32: networks would crop or refuse other sizes."""
    if size < 32 or size % 32:
        raise DataError(f"--img_size {size}: image sizes are multiples of 32 (32, 64, 96, ... 224)")


def open_prepared(folder: Path) -> PreparedPixels:
    """Open a finished map.

    Raises:
        DataError: no finished map in this folder.
    """
    try:
        films = pd.read_parquet(folder / "films.parquet")
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    except OSError:
        raise DataError(f"no prepared pixels in {folder}: run scripts/prepare.py") from None
    readable = films["reason"] == ""
    rows = np.flatnonzero(readable)
    return PreparedPixels(
        folder,
        pixels,
        dict(zip(films["image_id"].to_numpy()[rows], rows.tolist(), strict=True)),
        dict(zip(films["image_id"][~readable], films["reason"][~readable], strict=True)),
    )


def _signatures(films: Mapping[str, Path]) -> pd.DataFrame:
    """One row a film, sorted by name: image_id, bytes, mtime_ns. A film that vanished has -1."""

    def stat(path: Path) -> tuple[int, int]:
        try:
            info = os.stat(path)
            return info.st_size, info.st_mtime_ns
        except OSError:
            return -1, -1

    rows = [(image_id, *stat(films[image_id])) for image_id in sorted(films)]
    return pd.DataFrame(rows, columns=["image_id", "bytes", "mtime_ns"])


def _find(wanted: pd.DataFrame, size: int, root: Path) -> PreparedPixels | None:
    """The smallest finished map of this size and version that holds all wanted films unchanged."""
    candidates = []
    for manifest in root.glob("*/manifest.json"):
        if manifest.parent.suffix == ".partial":  # may have been killed while writing it
            continue
        meta = json.loads(manifest.read_text())
        if (meta["size"], meta["version"]) == (size, VERSION) and meta["n_films"] >= len(wanted):
            candidates.append((meta["n_films"], manifest.parent))
    for _, folder in sorted(candidates):
        held = pd.read_parquet(folder / "films.parquet", columns=list(wanted.columns))
        if len(wanted.merge(held)) == len(wanted):
            return open_prepared(folder)
    return None


@contextlib.contextmanager
def _only_one(path: Path):
    """Two trainings that need the same map: the second waits and finds it made."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that prepares the same films ({path.stem})", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(films, wanted, size, folder: Path, workers: int, progress: bool) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    _reserve(partial, len(wanted), size)
    reasons = _decode_all([films[i] for i in wanted["image_id"]], size, partial, workers, progress)
    named = wanted.assign(reason=[reasons.get(row, "") for row in range(len(wanted))])
    named.to_parquet(partial / "films.parquet")
    meta = {"size": size, "version": VERSION, "n_films": len(wanted), "n_skipped": len(reasons)}
    (partial / "manifest.json").write_text(json.dumps(meta))
    (partial / "done.bin").unlink()
    os.replace(partial, folder)


def _reserve(partial: Path, n: int, size: int) -> None:
    """The empty map at its full length, so that a full disk shows before the first film; kept as it is on resume."""
    pixels, done = partial / "pixels.npy", partial / "done.bin"
    if done.exists() and done.stat().st_size == n:
        return
    partial.mkdir(exist_ok=True)
    if shutil.disk_usage(partial).free < n * size * size:
        raise OSError(errno.ENOSPC, "no room for the map")
    np.lib.format.open_memmap(pixels, mode="w+", dtype=np.uint8, shape=(n, size, size))
    if hasattr(os, "posix_fallocate"):  # Linux; elsewhere the check above has to do
        with open(pixels, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, pixels.stat().st_size)
    done.write_bytes(bytes(n))


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
        for chunk, failed in results:
            reasons |= failed
            if len(reasons) > MAX_UNREADABLE * len(paths):
                shutil.rmtree(partial)
                raise DataError(_too_many(reasons, len(paths)))
            journal.add([row for row in chunk if row not in failed])
            bar.update(len(chunk))
    return reasons


def _run(jobs, workers: int):
    """(chunk, failures) of every job, on `workers` processes, with a bounded number of jobs under way."""
    if workers == 1:
        yield from ((chunk, write_films(*job)) for chunk, job in jobs)
        return
    # spawn: forking a process that runs torch's threads can hang.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker)
    pending: dict[Future, Sequence[int]] = {}
    try:
        for chunk, job in jobs:
            pending[pool.submit(write_films, *job)] = chunk
            while len(pending) >= 4 * workers:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    except BrokenProcessPool:
        raise DataError("a process that prepared films was killed (out of memory?); the same command goes on where "
                        "this one stopped") from None
    finally:
        pool.shutdown(cancel_futures=True)


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
        with open(self._pixels, "rb") as file:
            os.fsync(file.fileno())
        self._done[self._waiting] = 1
        self._done.flush()
        self._waiting, self._synced = [], time.monotonic()


def _no_room(needed: int, root: Path) -> str:
    free = shutil.disk_usage(root if root.exists() else root.parent).free
    return f"no room for the prepared pixels: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free in {root}"


def _too_many(reasons: Mapping[int, str], n: int) -> str:
    some = "; ".join(list(reasons.values())[:3])
    return f"at least {len(reasons)} of {n} films cannot be read, more than {MAX_UNREADABLE:.0%}: {some}"
