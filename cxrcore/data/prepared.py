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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from cxrcore.data.mapmaking import make
from cxrcore.errors import DataError, DiskFullError

SIZE_STEP = 32  # pixels; what all six architectures can halve five times
VERSION = 1  # of the decoding; raise it when images.load gives other pixels
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

    A finished map that holds more films than asked for serves as well; from one that holds some of them, these are
    copied.

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
    maps = _finished(size, root)
    found = _find(wanted, maps)
    if found:
        return found
    key = hashlib.sha256(f"{VERSION}|{size}|{wanted.to_csv()}".encode()).hexdigest()[:12]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _only_one(root / f"{key}.lock"):
            if not (root / key).exists():
                meta = {"size": size, "version": VERSION}
                make(films, wanted, root / key, meta, maps, workers or os.cpu_count() or 1, progress)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise DataError(f"prepared pixels cannot be written in {root}: {error.strerror}") from None
        shutil.rmtree(root / f"{key}.partial", ignore_errors=True)
        raise DiskFullError(_no_room(len(wanted) * size * size, root)) from None
    return open_prepared(root / key)


def check_size(size: int) -> None:
    """DataError unless `size` is a multiple of 32: networks would crop or refuse other sizes."""
    if size < SIZE_STEP or size % SIZE_STEP:
        raise DataError(f"--img_size {size}: image sizes are multiples of {SIZE_STEP} (32, 64, 96, ... 224)")


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


def _finished(size: int, root: Path) -> list[Path]:
    """Finished maps of this size and version, the smallest first."""
    found = []
    for manifest in root.glob("*/manifest.json"):
        if manifest.parent.suffix == ".partial":  # may have been killed while writing it
            continue
        try:
            meta = json.loads(manifest.read_text())
        except ValueError:  # damaged, as a power cut can leave it: this map is made anew under another selection
            continue
        if (meta["size"], meta["version"]) == (size, VERSION):
            found.append((meta["n_films"], manifest.parent))
    return [folder for _, folder in sorted(found)]


def _find(wanted: pd.DataFrame, maps: Sequence[Path]) -> PreparedPixels | None:
    """The first map that holds all wanted films unchanged."""
    for folder in maps:
        held = pd.read_parquet(folder / "films.parquet", columns=list(wanted.columns))
        if len(held) >= len(wanted) and len(wanted.merge(held)) == len(wanted):
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


def _no_room(needed: int, root: Path) -> str:
    free = shutil.disk_usage(root if root.exists() else root.parent).free
    return f"no room for the prepared pixels: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free in {root}"
