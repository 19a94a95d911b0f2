"""A film's maps by one network and method, kept beside the store as the few cells that they are made of."""

import contextlib
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.data.pixels import film_file
from cxrcore.errors import CheckpointError, WorkbenchError
from cxrcore.explain.small_maps import SmallMaps
from cxrcore.queries import explained_films
from cxrcore.queries.explained_films import Explained
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST

_MOST_SIDE, _MOST_SIZE = 256, 4096  # cells and pixels a side


@dataclass(frozen=True)
class FilmMaps:
    """Maps of one film; findings: of the maps, none where one map serves all."""

    findings: tuple[str, ...]
    small: SmallMaps


def read(store: Store, run_id: str, method: str, image_id: str) -> FilmMaps | None:
    """What `make` left; None where it has not been asked since the checkpoint was written, or the file is none of ours.

    Args:
        method: a key of `methods.METHODS`.
    """
    path = _path(store, run_id, method, image_id)
    if path is None or not path.exists():
        return None
    try:
        bounded_file.check_arrays(path, path.name)
        with np.load(path, allow_pickle=False) as held:
            findings, cells, low, high, size, offset = (
                held[name] for name in ("findings", "cells", "low", "high", "size", "offset"))
        small = SmallMaps(cells, low.astype(np.float32), high.astype(np.float32), int(size), float(offset))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, WorkbenchError):
        return None
    fits = (cells.dtype == np.uint8 and cells.ndim == 3 and low.shape == high.shape == (len(cells),)
            and 0 < max(cells.shape[1:]) <= _MOST_SIDE and 0 < small.size <= _MOST_SIZE and np.isfinite(small.offset)
            and findings.ndim == 1 and len(findings) in (0, len(cells)))
    return FilmMaps(tuple(map(str, findings)), small) if fits else None


def make(store: Store, run_id: str, method: str, image_id: str, pixels: np.ndarray) -> FilmMaps:
    """Ask the run's network, which loads torch, and keep what it says.

    Args:
        method: a key of `methods.METHODS` that is not slow.
        pixels: of the film, uint8 (H, W).

    Raises:
        CheckpointError: no checkpoint, one that breaks the contract, or one whose maps are off.
    """
    path = _path(store, run_id, method, image_id)  # of the checkpoint that is asked, should it change meanwhile
    loaded = explained_films.load_network(store, run_id)
    if loaded.maps.why_off:
        raise CheckpointError(f"its maps are off: {loaded.maps.why_off}")
    found = explained_films.explained(loaded, film_file.resize(pixels, loaded.image_size), method)
    _write(path, found)
    return FilmMaps(found.findings, found.small)


def keep(store: Store, run_id: str, method: str, image_id: str, found: Explained) -> None:
    """Leave maps that the run's network was just asked for, where none are kept; as `make`."""
    path = _path(store, run_id, method, image_id)
    if path is not None and not path.exists():
        _write(path, found)


def _write(path: Path | None, found: Explained) -> None:
    small = found.small
    with contextlib.suppress(OSError):  # a store on a disk that may not be written to
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial, open(partial, "wb") as file:
                np.savez_compressed(file, findings=np.array(found.findings, dtype=np.str_), cells=small.cells,
                                    low=small.low, high=small.high, size=small.size, offset=small.offset)


def can_make(store: Store, run_id: str) -> bool:
    """Whether the run has a network to ask."""
    return store.run_file(run_id, BEST) is not None


def _path(store: Store, run_id: str, method: str, image_id: str) -> Path | None:
    """Changes with the checkpoint; None without one."""
    checkpoint = store.run_file(run_id, BEST)
    if checkpoint is None:
        return None
    stat = checkpoint.stat()
    of = repr((run_id, stat.st_mtime_ns, stat.st_size, method, image_id))
    return store.folder / "cache" / "maps" / f"{hashlib.sha256(of.encode()).hexdigest()[:24]}.npz"
