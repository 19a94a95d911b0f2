"""A file that is written anew: a reader sees the old one or the new one, never half of it."""

import contextlib
import os
import threading
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, alone: bool = False) -> Generator[Path]:
    """A name beside a file to write to; what is there when the body ends takes the file's place at once.

    The name has the file's ending, since some writers add theirs. When the body raises, the old file stays and nothing
    of the new one.

    Args:
        alone: nobody else writes this file meanwhile; then the name is always the same, so that what a killed process
            left is written over.

    Raises:
        OSError: it cannot be written there.
    """
    writer = "" if alone else f"{os.getpid()}-{threading.get_ident()}."
    partial = path.with_name(f"{path.stem}.{writer}new{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
