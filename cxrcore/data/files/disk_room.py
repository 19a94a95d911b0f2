"""Room on a disk: a folder to fill, whether what comes will fit, and a full disk as one line."""

import contextlib
import errno
import shutil
from collections.abc import Generator
from pathlib import Path

from cxrcore.errors import DataError, DiskFullError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_folder(folder: Path) -> None:
    """The folder, with those above it.

    Raises:
        DataError: a file is in its place or above it, or nothing may be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made: {error.strerror}") from None


def free_bytes(folder: Path) -> int:
    """Of the disk of a folder that is there."""
    return shutil.disk_usage(folder).free


def check_room(folder: Path, needed: float) -> None:
    """DiskFullError unless that many bytes are free on the disk of a folder that is there."""
    if (free := free_bytes(folder)) < needed:
        raise DiskFullError(f"no room in {folder}: {_in_words(needed)} are needed, {_in_words(free)} are free; make "
                            "room, or choose another folder with --out")


def _in_words(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


@contextlib.contextmanager
def full_in_one_line(folder: Path) -> Generator[None]:
    """What is written inside raises DiskFullError once nothing more fits."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFullError(f"the disk of {folder} is full: make room and start again, or choose another folder with "
                            "--out") from None
