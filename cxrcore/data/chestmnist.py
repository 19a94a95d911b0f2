"""ChestMNIST: the films of ChestX-ray14 as small squares, with the same labels, in one .npz; unpacked as an NIH folder.

The archive brings its own split and neither film names nor patients, so films are called chestmnist_<split>_<row>.
Films are read piece by piece: those of 224 px are 5.6 GB.

Source: Yang et al., MedMNIST v2, Scientific Data 2023; https://medmnist.com (MedMNIST+ for 64, 128 and 224 px).
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cxrcore.config import CHESTMNIST_SIZES
from cxrcore.data.files import bounded_file, csv_file
from cxrcore.data.splits import SPLITS
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS, NO_FINDING

NAME = "ChestMNIST"
TABLE = "chestmnist.csv"
FILMS = "images"
PREFIX = "chestmnist_"
_AT_ONCE = 1024  # films in memory
# What numpy and zipfile raise on archives that are none, or cut off.
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def archive_name(size: int) -> str:
    """Of the .npz as it is published."""
    return "chestmnist.npz" if size == CHESTMNIST_SIZES[0] else f"chestmnist_{size}.npz"


def is_chestmnist(image_ids: Iterable[str]) -> bool:
    """Whether all films are named as `unpack` names them."""
    return all(str(image_id).startswith(PREFIX) for image_id in image_ids)


def labels(archive: Path) -> dict[str, np.ndarray]:
    """The labels of each part: float32 (n, 14), in `NIH_FINDINGS` order, which is the archive's.

    Raises:
        DataError: not such an archive.
    """
    try:
        found = {part: _labels(archive, part) for part in SPLITS}
    except _UNREADABLE as error:
        raise DataError(_unreadable(archive, error)) from None
    for part, own in found.items():
        if own.ndim != 2 or own.shape[1] != len(NIH_FINDINGS) or not np.isin(own, (0, 1)).all():
            raise DataError(f"{archive} is not ChestMNIST: {part}_labels should be rows of {len(NIH_FINDINGS)} zeros "
                            "and ones")
    return {part: own.astype(np.float32) for part, own in found.items()}


def _labels(archive: Path, part: str) -> np.ndarray:
    with zipfile.ZipFile(archive) as held, held.open(f"{part}_labels.npy") as stream:
        n = held.getinfo(f"{part}_labels.npy").file_size
        bounded_file.check_size(n, f"{archive}: {part}_labels")
        shape, *_ = bounded_file.check_array(stream, n)
        bounded_file.check_rows(shape[0] if shape else 0, f"{archive}: {part}_labels")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)


def chestmnist_table(found: dict[str, np.ndarray]) -> pd.DataFrame:
    """The films as an NIH table with a column Split and empty patients.

    Args:
        found: as `labels` gives them.
    """
    frames = []
    for part, own in found.items():
        texts = ["|".join(np.asarray(NIH_FINDINGS)[row > 0]) or NO_FINDING for row in own]
        frames.append(pd.DataFrame({"Image Index": [f"{PREFIX}{part}_{row}" for row in range(len(own))],
                                    "Finding Labels": texts, "Patient ID": "", "Split": part}))
    return pd.concat(frames, ignore_index=True)


def unpack(archive: Path, folder: Path) -> Iterator[int]:
    """Write `folder`/images/<part>/*.png and, last of all, the table; yields the number of films after each step.

    Raises:
        DataError: not such an archive; a folder without a table stays behind.
    """
    found = labels(archive)
    for part, own in found.items():
        target = folder / FILMS / part
        target.mkdir(parents=True, exist_ok=True)
        n = 0
        for films in _films(archive, part, len(own)):
            for film in films:
                Image.fromarray(film).save(target / f"{PREFIX}{part}_{n}.png", compress_level=1)
                n += 1
            yield len(films)
    csv_file.write_csv(chestmnist_table(found), folder / TABLE)


def _films(archive: Path, part: str, n_labels: int) -> Iterator[np.ndarray]:
    """Grey films as uint8 (at most `_AT_ONCE`, S, S), batch after batch."""
    try:
        with zipfile.ZipFile(archive) as held, held.open(f"{part}_images.npy") as stream:
            shape, by_column, dtype = bounded_file.check_array(stream, held.getinfo(f"{part}_images.npy").file_size)
            if len(shape) != 3 or shape[1] != shape[2] or dtype != np.uint8 or by_column:
                raise ValueError(f"{part}_images should be grey squares")
            if shape[1] > max(CHESTMNIST_SIZES):
                raise ValueError(f"{part}_images are of {shape[1]} pixels a side; published are {CHESTMNIST_SIZES}")
            if shape[0] != n_labels:
                raise DataError(f"{archive} is not ChestMNIST: {shape[0]:,} films of {part}, but {n_labels:,} labels")
            for first in range(0, shape[0], _AT_ONCE):
                n = min(_AT_ONCE, shape[0] - first)
                films = np.frombuffer(stream.read(n * shape[1] * shape[2]), np.uint8)
                yield films.reshape(n, *shape[1:])
    except _UNREADABLE as error:
        raise DataError(_unreadable(archive, error)) from None


def _unreadable(archive: Path, error: Exception) -> str:
    return f"{archive} cannot be read as ChestMNIST: {' '.join(str(error).split())}"
