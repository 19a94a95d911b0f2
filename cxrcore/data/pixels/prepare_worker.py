"""Films decoded and written into their place in a map: by limited processes, each of which has the limits for a film.

`write_films` is what such a process does; `decoded` is what the preparing process asks of it.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from cxrcore.data.files.limited_process import Answer, Ended, LimitedProcess
from cxrcore.data.pixels import film_file
from cxrcore.errors import DataError, FilmError


def decoded(process: LimitedProcess, pixels: Path, offset: int, size: int, films: Sequence[tuple[int, Path]]
            ) -> tuple[dict[int, str], dict[int, str]]:
    """Have each film of (row, path) written as size x size uint8 into its row of the map.

    A film that ends the process is an unreadable one; a new process goes on behind it.

    Args:
        pixels: the map's file.
        offset: bytes before row 0.

    Returns:
        row -> reason, for the films that cannot be read; row -> what was taken in reading it, for DICOM films.

    Raises:
        DataError: the process was killed from outside.
        OSError: the map cannot be written.
    """
    failed, notes, left = {}, {}, [(row, str(path.absolute())) for row, path in films]
    while left:
        try:
            for said, _ in process.ask(write_films, pixels=str(pixels.absolute()), offset=offset, size=size,
                                       films=left.copy()):
                row, _ = left.pop(0)
                if said["reason"]:
                    failed[row] = said["reason"]
                elif said["notes"]:
                    notes[row] = "; ".join(said["notes"])
        except Ended as error:
            if error.from_outside or not left:
                raise DataError("a process that prepared films was killed (out of memory?); the same command goes on "
                                "where this one stopped") from None
            row, path = left.pop(0)
            failed[row] = f"{path} {error}"
    return failed, notes


# -- in the limited process


def write_films(_: bytes, pixels: str, offset: int, size: int, films: Sequence[tuple[int, str]]) -> Iterator[Answer]:
    """An answer a film, in their order: why it cannot be read, or nothing; and what was taken in reading it.

    Written as a file rather than through a memory map: a full disk is then an error and not a fatal signal.
    """
    with open(pixels, "r+b", buffering=0) as target:
        for row, path in films:
            reason, notes = "", ()
            try:
                film, notes = film_file.load_noted(path, size)
                target.seek(offset + row * size * size)
                _write_fully(target, film.tobytes())
            except FilmError as error:
                reason = str(error)
            yield {"reason": reason, "notes": notes}, b""


def _write_fully(target: io.RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:  # the system may write less than asked when the disk is nearly full
        view = view[target.write(view) :]
