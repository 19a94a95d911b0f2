"""Prepared pixels: every film decoded once into a uint8 memory map of N x S x S.

    prepared/<id>/pixels.npy      uint8 (N, S, S)
                  films.parquet   image_id, bytes and mtime_ns of the file, reason (why it was skipped, or empty),
                                  notes (what was taken in reading a DICOM film, or empty)
                  manifest.json   written last: size, counts, version
                  changed         there once a film turned out to have changed since
                  alike-<n>.npy   of a map of an older rule, see `older_maps`

`<id>` names the films (by name, length and time of change), the size and the version of the decoding. While it is
made, the folder is called `<id>.partial`; a killed run goes on where it stopped. Batches are gathered straight from
the map. Knows nothing of labels, splits or torch.
"""

import contextlib
import dataclasses
import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from cxrcore import ids
from cxrcore.data.files import own_folders
from cxrcore.data.pixels import map_notes, older_maps
from cxrcore.data.pixels.prepare_films import make_map
from cxrcore.data.pixels.unchanged_films import FilmCheck, signature
from cxrcore.errors import DataError, DiskFullError

_LOG = logging.getLogger(__name__)  # scripts print what it says

SIZE_STEP = 32  # pixels; what all six architectures can halve five times
VERSION = 2  # of the rule; raise it when `load_film` gives other pixels, and see `older_maps`
PROBES = 64  # films of a map that are looked at before it is opened
CHANGED = "changed"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class PreparedPixels:
    """An opened map.

    Attributes:
        pixels: uint8 (N, S, S), read-only, paged in on demand.
        row_of: image_id -> row of the map, for the films that could be read.
        skipped: image_id -> reason, for those that could not.
        check: whether the films are still as they were prepared; None where that is known.
    """

    folder: Path
    pixels: np.ndarray
    row_of: Mapping[str, int]
    skipped: Mapping[str, str]
    check: FilmCheck | None = None

    @property
    def size(self) -> int:
        """S, pixels a side."""
        return self.pixels.shape[1]

    def rows(self, image_ids: Sequence[str]) -> np.ndarray:
        """Rows of the map for films that are in it (KeyError otherwise)."""
        return np.fromiter((self.row_of[i] for i in image_ids), np.int64, len(image_ids))

    def assumed(self, image_ids: Collection[str]) -> list[str]:
        """What was taken in reading the DICOM films among these, a line a kind; empty where nothing had to be."""
        try:
            films = pd.read_parquet(self.folder / "films.parquet", columns=["image_id", "notes"])
        except (OSError, ValueError):  # made before notes were kept, or a map that a test holds in memory
            return []
        return map_notes.in_words(films["notes"][films["image_id"].isin(list(image_ids)) & (films["notes"] != "")])

    def confirm(self) -> None:
        """To be asked before anything is kept that was made from the pixels.

        Raises:
            DataError: a film has changed since it was prepared.
        """
        if self.check is not None:
            self.check.confirm()


def prepare(
    films: Mapping[str, Path], size: int, root: Path, *, workers: int | None = None, progress: bool = True,
    at_once: bool = False,
) -> PreparedPixels:
    """Open the map that holds these films, making it first where there is none.

    A finished map of more films serves as well; from one of some of them, these are copied. Whether every film is still
    as it was prepared is looked at beside what follows: see `confirm`.

    Args:
        films: image_id -> path.
        size: pixels a side, a multiple of 32.
        root: the folder of prepared maps.
        workers: processes; default one a core.
        at_once: look at every film now.

    Raises:
        DataError: a size that is no multiple of 32, or more than 1 % of the films unreadable (named).
        DiskFullError: no room; the partial map is removed.
    """
    check_size(size)
    maps = _usable(size, root)
    if not at_once and (found := _find_by_name(films, maps)):
        return found
    wanted = _signatures(films)
    if found := _find(films, wanted, maps):
        return found
    key = hashlib.sha256(f"{VERSION}|{size}|{wanted.to_csv()}".encode()).hexdigest()[:12]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _only_one(root / f"{key}.lock"):
            if not (root / key).exists():
                make_map(films, wanted, root / key, {"size": size, "version": VERSION},
                         {one.folder: one.version for one in maps}, workers or os.cpu_count() or 1, progress)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise DataError(f"prepared pixels cannot be written in {root}: {error.strerror}") from None
        own_folders.remove(root, f"{key}.partial", ids.MAP_PARTIAL)
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
    rows = [(image_id, *signature(films[image_id])) for image_id in sorted(films)]
    return pd.DataFrame(rows, columns=["image_id", "bytes", "mtime_ns"])


@dataclass(frozen=True)
class FinishedMap:
    """A map on disk that was made to its end.

    Attributes:
        size: pixels a side.
        version: of the rule that its films were prepared by.
        changed_at: nanoseconds, of its manifest.
    """

    folder: Path
    size: int
    n_films: int
    version: int
    changed_at: int


def finished_maps(root: Path) -> list[FinishedMap]:
    """The finished maps below a folder, by name; what is being made, damaged or just removed is left out."""
    found = []
    for manifest in sorted(root.glob("*/manifest.json")):
        if manifest.parent.suffix == ".partial":  # may have been killed while writing it
            continue
        try:
            meta = json.loads(manifest.read_text())
            found.append(FinishedMap(manifest.parent, meta["size"], meta["n_films"], meta.get("version", 0),
                                     manifest.stat().st_mtime_ns))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a power cut can leave it damaged
            continue
    return found


def _usable(size: int, root: Path) -> list[FinishedMap]:
    """Finished maps of this size, the smallest first; those of older rules, which may serve for some films, last."""
    own = [one for one in finished_maps(root)
           if one.size == size and (one.version == VERSION or (one.version, VERSION) in older_maps.ALIKE)]
    return sorted(own, key=lambda one: (-one.version, one.n_films, one.folder))


def _serves(one: FinishedMap, films: Mapping[str, Path]) -> bool:
    """Whether a map that holds these films holds them as the rule of today reads them."""
    return one.version == VERSION or older_maps.serves(one.folder, films, VERSION)


def _find_by_name(films: Mapping[str, Path], maps: Sequence[FinishedMap]) -> PreparedPixels | None:
    """The newest map that holds all these names, its films looked at in the background; some of them now."""
    for one in sorted(maps, key=lambda one: (one.version, one.changed_at), reverse=True):
        folder = one.folder
        if (folder / CHANGED).exists():
            continue
        held = pd.read_parquet(folder / "films.parquet", columns=["image_id", "bytes", "mtime_ns"])
        own = dict(zip(held["image_id"], zip(held["bytes"].tolist(), held["mtime_ns"].tolist(), strict=True),
                       strict=True))
        if own.keys() >= films.keys() and all(
                signature(path) == own[name] for name, path in list(films.items())[:: max(1, len(films) // PROBES)]
                ) and _serves(one, films):
            return dataclasses.replace(open_prepared(folder), check=FilmCheck(films, own, folder / CHANGED))
    return None


def _find(films: Mapping[str, Path], wanted: pd.DataFrame, maps: Sequence[FinishedMap]) -> PreparedPixels | None:
    """The first map that holds all wanted films unchanged."""
    for one in maps:
        held = pd.read_parquet(one.folder / "films.parquet", columns=list(wanted.columns))
        if len(held) >= len(wanted) and len(wanted.merge(held)) == len(wanted) and _serves(one, films):
            return open_prepared(one.folder)
    return None


@contextlib.contextmanager
def _only_one(path: Path) -> Generator[None]:
    """Two trainings that need the same map: the second waits and finds it made."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _LOG.info(f"waiting for another process that prepares the same films ({path.stem})")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _no_room(needed: int, root: Path) -> str:
    free = shutil.disk_usage(root if root.exists() else root.parent).free
    return f"no room for the prepared pixels: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free in {root}"
