"""Films from outside: decoded in a limited process, whatever they hold.

`read_in_limits` is what everything that opens single films calls; `film_file` holds how it is done, in the process,
as do the workers of preparing (`pixels.prepare_worker`).
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cxrcore.data.files import limited_work
from cxrcore.data.files.limited_process import Answer, Ended, LimitedProcess, Limits, Processes
from cxrcore.data.pixels import film_file
from cxrcore.data.pixels.film_file import Film
from cxrcore.errors import FilmError

LIMITS = Limits(cpu=10.0, wall=60.0, memory=1_200_000_000)  # for a film
PROCESSES = Processes(__name__, LIMITS)


def read_in_limits(source: bytes | str | Path, name: str = "") -> Film:
    """`film_file.read_film` within `LIMITS`.

    Args:
        source: the file's bytes, or its path.
        name: what to call it in errors; default the path, or 'the file'.

    Raises:
        FilmError: it cannot be read, or not within the limits; the text says why.
    """
    name = name or ("the file" if isinstance(source, bytes) else str(source))
    data, path = (source, None) if isinstance(source, bytes) else (b"", os.path.abspath(source))
    if len(data) > film_file.MAX_BYTES:
        return film_file.read_film(data, name)  # says so
    try:
        said, pixels = PROCESSES.ask(film, data, path=path, name=name)
    except Ended as error:
        raise FilmError(f"{name} {error}") from None
    return Film(_array(said, pixels), tuple(said["notes"]), said["kind"])


def frame(data: bytes, syntax: str, plugin: str, options: dict[str, str | int]) -> np.ndarray:
    """Decode one compressed frame of a DICOM file; in this process only where it is a limited one.

    The only library that reads JPEG Lossless and JPEG-LS (GDCM) ends the whole process on some damaged frames, with
    signals that Python cannot catch; RLE frames may unpack to sixty times what they should.

    Args:
        data: compressed, as it stands in the file.
        syntax: UID of the transfer syntax.
        plugin: pydicom's name of the library that is to decode it.
        options: pydicom's decoding options: rows, columns, bits_stored, ...

    Returns:
        (rows, columns) or (rows, columns, samples), integers.

    Raises:
        ValueError: it cannot be decoded, within the limits.
    """
    if limited_work.inside():
        return _frame(data, syntax, plugin, options)
    with contextlib.suppress(Ended, RuntimeError, FilmError):
        return _array(*PROCESSES.ask(dicom_frame, data, syntax=syntax, plugin=plugin, options=options))
    raise ValueError("the frame cannot be decoded")


@contextlib.contextmanager
def workers(n: int) -> Iterator[list[LimitedProcess]]:
    """Processes for many films: one is the warm one that single films share, more are started and ended again."""
    with contextlib.ExitStack() as stack:
        if n == 1:
            yield [stack.enter_context(PROCESSES.lent())]
            return
        own = [stack.enter_context(contextlib.closing(LimitedProcess(__name__, PROCESSES.limits))) for _ in range(n)]
        for process in own:
            process.start()
        yield own


def _array(said: dict, data: bytes) -> np.ndarray:
    return np.frombuffer(data, said["dtype"]).reshape(said["shape"])


# -- in the limited process


def film(data: bytes, path: str | None, name: str) -> Iterator[Answer]:
    """`film_file.read_film` as an answer."""
    found = film_file.read_film(path or data, name)
    yield {"notes": found.notes, "kind": found.kind} | _header(found.pixels), found.pixels.tobytes()


def dicom_frame(data: bytes, syntax: str, plugin: str, options: dict[str, str | int]) -> Iterator[Answer]:
    """`frame` as an answer."""
    pixels = _frame(data, syntax, plugin, options)
    yield _header(pixels), pixels.tobytes()


def _frame(data: bytes, syntax: str, plugin: str, options: dict[str, str | int]) -> np.ndarray:
    from pydicom.encaps import encapsulate  # takes 0.2 s to import, and most films need none
    from pydicom.pixels import get_decoder

    return get_decoder(syntax).as_array(encapsulate([data]), index=0, raw=True, decoding_plugin=plugin, **options)[0]


def _header(pixels: np.ndarray) -> dict[str, object]:
    return {"shape": pixels.shape, "dtype": pixels.dtype.str}
