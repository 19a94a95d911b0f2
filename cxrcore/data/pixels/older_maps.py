"""Maps that were prepared by an older rule: they serve for the films that the newer rule reads alike.

Rule 2 reads DICOM otherwise (`used_range`, padding, windows) and TIFF with white at 0; every other kind of film has the
pixels of rule 1. What a film is, its first bytes say and not its name, so each film is looked into once, and the map
remembers.

    prepared/<id>/alike-<version>.npy    bool (N,), rows whose film was looked into and is read alike
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data.pixels.film_file import is_dicom

ALIKE = {(1, 2)}  # rule of a map, rule now: pairs that differ in the kinds below alone
_HEAD = 132  # bytes
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def serves(folder: Path, films: Mapping[str, Path], version: int) -> bool:
    """Whether an older map holds all these films as the rule of `version` reads them.

    Args:
        films: image_id -> path; all are in the map.
    """
    names = pd.read_parquet(folder / "films.parquet", columns=["image_id"])["image_id"]
    rows = pd.Series(np.arange(len(names)), index=names.to_numpy()).loc[list(films)].to_numpy()
    return bool(_look(folder, rows, films.values(), len(names), version).all())


def rows_alike(folder: Path, rows: np.ndarray, paths: Iterable[Path], n: int, version: int) -> np.ndarray:
    """Which rows of an older map hold what the rule of `version` reads: bool, in their order.

    Args:
        rows: of the map.
        paths: of their films.
        n: rows that the map has.
    """
    return _look(folder, rows, paths, n, version, stop=False)


def _look(folder: Path, rows: np.ndarray, paths: Iterable[Path], n: int, version: int, stop: bool = True) -> np.ndarray:
    """Looks into the films that were not looked into yet; with `stop` no further than the first that is read anew."""
    file = folder / f"alike-{version}.npy"
    known = _remembered(file, n)
    new = 0
    for row, path in zip(rows.tolist(), paths, strict=True):
        if not known[row]:
            if _alike(path):
                known[row], new = True, new + 1
            elif stop:
                break
    if new:
        _remember(file, known)
    return known[rows]


def _alike(path: Path) -> bool:
    try:
        with open(path, "rb") as film:
            head = film.read(_HEAD)
    except OSError:  # gone: told by who prepares it
        return False
    return bool(head) and not is_dicom(head) and not head.startswith(_TIFF)


def _remembered(file: Path, n: int) -> np.ndarray:
    with contextlib.suppress(OSError, ValueError, EOFError):
        known = np.load(file)
        if known.shape == (n,) and known.dtype == bool:
            return known
    return np.zeros(n, bool)


def _remember(file: Path, known: np.ndarray) -> None:
    with contextlib.suppress(OSError):  # a folder that cannot be written: looked into again the next time
        new = file.with_suffix(f".{os.getpid()}")
        with open(new, "wb") as target:
            np.save(target, known)
        os.replace(new, file)
