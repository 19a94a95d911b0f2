"""The worker's half of preparing: decode films and write their pixels into place.

Imports little, so that workers start fast.
"""

import io
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from cxrcore import images
from cxrcore.errors import FilmError


def start_worker() -> None:
    """Leave Ctrl-C to the parent, and never outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def write_films(pixels: Path, offset: int, size: int, films: Sequence[tuple[int, Path]]) -> dict[int, str]:
    """Write each film of (row, path) as size x size uint8 into its row of the map.

    Written as a file rather than through a memory map: a full disk is then an error and not a fatal signal.

    Args:
        pixels: the map's file.
        offset: bytes before row 0.

    Returns:
        row -> reason, for the films that cannot be read.

    Raises:
        OSError: the map cannot be written.
    """
    failed = {}
    with open(pixels, "r+b", buffering=0) as target:
        for row, path in films:
            try:
                film = images.load(path, size)
            except FilmError as error:
                failed[row] = str(error)
                continue
            target.seek(offset + row * size * size)
            _write_fully(target, film.tobytes())
    return failed


def _write_fully(target: io.RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:  # the system may write less than asked when the disk is nearly full
        view = view[target.write(view) :]
