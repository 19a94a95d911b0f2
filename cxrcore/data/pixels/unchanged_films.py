"""Whether films on disk are still as they were prepared, looked at beside other work.

Of 112,120 films on a cold or a far disk this takes up to minutes, in which a training or an evaluation can go on with
the prepared pixels; it asks for the answer before it keeps anything.
"""

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from cxrcore.errors import DataError

Signature = tuple[int, int]  # bytes and mtime_ns of a file; -1 for one that is not there
GONE: Signature = (-1, -1)


def signature(path: Path) -> Signature:
    """Bytes and time of change of a film's file as they are now."""
    try:
        info = os.stat(path)
    except OSError:
        return GONE
    return info.st_size, info.st_mtime_ns


class FilmCheck:
    """A look at every film, in a thread of its own from the start.

    Args:
        films: image_id -> path.
        held: image_id -> what the film's file was when it was prepared.
        mark: a file that is made once a film turns out to have changed, for those that come later.
    """

    def __init__(self, films: Mapping[str, Path], held: Mapping[str, Signature], mark: Path):
        self._changed: str | None = None
        self._thread = threading.Thread(target=self._look, args=(films, held, mark), name="films", daemon=True)
        self._thread.start()

    def confirm(self) -> None:
        """Wait for the answer.

        Raises:
            DataError: a film has changed or is gone.
        """
        self._thread.join()
        if self._changed is not None:
            raise DataError(f"film {self._changed} has changed or gone since the films were prepared: nothing was "
                            "kept; start again, then what changed is prepared anew")

    def _look(self, films: Mapping[str, Path], held: Mapping[str, Signature], mark: Path) -> None:
        self._changed = next((name for name, path in films.items() if signature(path) != held[name]), None)
        if self._changed is not None:
            with contextlib.suppress(OSError):
                mark.touch()
