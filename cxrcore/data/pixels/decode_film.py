"""Films from outside: decoded in a limited process, whatever they hold.

`read_in_limits` is what everything that opens single films calls; `film_file` holds how it is done, in the process,
as do the workers of preparing (`pixels.prepare_worker`).
"""

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path

from cxrcore.data.files.limited_process import Answer, Ended, LimitedProcess, Processes
from cxrcore.data.pixels import film_file, limits
from cxrcore.data.pixels.dicom_frame import from_answer, header
from cxrcore.data.pixels.film_file import Film
from cxrcore.data.pixels.limits import LIMITS
from cxrcore.errors import FilmError

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
    if len(data) > limits.MAX_BYTES:
        return film_file.read_film(data, name)  # says so
    try:
        said, pixels = PROCESSES.ask(film, data, path=path, name=name)
    except Ended as error:
        raise FilmError(f"{name} {error}") from None
    return Film(from_answer(said, pixels), tuple(said["notes"]), said["kind"])


@contextlib.contextmanager
def workers(n: int) -> Generator[list[LimitedProcess]]:
    """Processes for many films: one is the warm one that single films share, more are started and ended again."""
    with contextlib.ExitStack() as stack:
        if n == 1:
            yield [stack.enter_context(PROCESSES.lent())]
            return
        own = [stack.enter_context(contextlib.closing(LimitedProcess(__name__, PROCESSES.limits))) for _ in range(n)]
        for process in own:
            process.start()
        yield own


# -- in the limited process


def film(data: bytes, path: str | None, name: str) -> Iterator[Answer]:
    """`film_file.read_film` as an answer."""
    found = film_file.read_film(path or data, name)
    yield {"notes": found.notes, "kind": found.kind} | header(found.pixels), found.pixels.tobytes()
