"""What a foreign file may take, in one place, and its bytes: never more than that.

Films have bounds of their own (`film_file.MAX_BYTES`, `film_file.MAX_PIXELS`, `decode_film.LIMITS`); what a damaged or
hostile table may take while it is parsed, `TABLE_LIMITS` says.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

import numpy as np

from cxrcore.data.files.limited_process import Limits, Processes
from cxrcore.errors import DataError

MAX_BYTES = 200_000_000  # of a table, packed and unpacked: the whole NIH table has 8 MB, its predictions 30 MB as text
MAX_ROWS = 2_000_000  # ChestX-ray14 has 112,120 films
MAX_COLUMNS = 2_000
MAX_LINE = 200_000  # bytes of a line of text
MAX_ARRAYS = 500_000_000  # bytes of the arrays in an .npz
MAX_JSON = 1_000_000  # bytes of a settings file
TABLE_LIMITS = Limits(cpu=60.0, wall=120.0, memory=1_200_000_000)
TABLES = Processes("cxrcore.import_export.prediction_file", TABLE_LIMITS)  # where foreign tables are parsed

_AT_ONCE = 1 << 24
_STREAMS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def check_size(n: int, name: str, most: int | None = None) -> None:
    """DataError where `n` bytes are more than are read: `most`, or `MAX_BYTES`."""
    most = most or MAX_BYTES
    if n > most:
        raise DataError(f"{name} is {_megabytes(n)} large; at most {_megabytes(most)} are read")


def content(path: str | Path, most: int | None = None) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: larger than `most` (default `MAX_BYTES`), or a pipe or device, which may never end.
        OSError: as `open`.
    """
    with opened(path) as file:
        check_size(os.fstat(file.fileno()).st_size, str(path), most)
        data = file.read((most or MAX_BYTES) + 1)
    check_size(len(data), str(path), most)  # it may have grown
    return data


def settings(path: str | Path, most: int = MAX_JSON) -> Any:
    """What a JSON file of at most so many bytes says.

    Raises:
        ValueError: it is no JSON, too deep or too large. OSError: as `open`.
    """
    try:
        return json.loads(content(path, most))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except DataError as error:
        raise ValueError(str(error)) from None


@contextlib.contextmanager
def opened(path: str | Path) -> Generator[IO[bytes]]:
    """A regular file, open.

    Raises:
        DataError: a pipe or device, which may never end. OSError: as `open`.
    """
    kind = os.stat(path).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # opening a folder says what it is
        raise DataError(f"{path} is a pipe or a device and no file")
    with open(path, "rb") as file:
        yield file


def table_text(path: str | Path) -> bytes:
    """The text of a table on disk, unpacked where its name ends in .gz, .bz2, .xz, .zip or .tar (also .tar.gz, ...).

    Raises:
        DataError: more bytes, rows or longer lines than are read, or an archive of several files.
        OSError, EOFError, zlib.error, lzma.LZMAError, BadZipFile, TarError: it cannot be unpacked.
    """
    with opened(path) as file, _unpacked(file, Path(path)) as plain:
        check_size(os.fstat(file.fileno()).st_size, str(path))
        text = plain.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise DataError(f"{path} unpacks to more than {_megabytes(MAX_BYTES)}, which is the most that is read")
    check_lines(text, str(path))
    return text


def check_lines(text: bytes, name: str) -> None:
    """DataError where a text has more lines, or longer ones, than are read."""
    rows, last, longest = 0, -1, 0
    for start in range(0, len(text), _AT_ONCE):
        block = np.frombuffer(text, np.uint8, min(_AT_ONCE, len(text) - start), start)
        ends = np.flatnonzero((block == 10) | (block == 13)) + start
        if len(ends):
            longest = max(longest, int(np.diff(ends, prepend=last).max()))
            rows, last = rows + len(ends), int(ends[-1])
    if max(longest, len(text) - last) > MAX_LINE:
        raise DataError(f"{name} has a line of more than {MAX_LINE // 1000:,} kB, which is the most that is read")
    if b"\r\n" in text[: MAX_LINE + 2]:
        rows //= 2
    check_rows(rows - 1, name)  # the header


def check_rows(rows: int, name: str, columns: int = 0) -> None:
    """DataError where a table has more rows or columns than are read."""
    if rows > MAX_ROWS:
        raise DataError(f"{name} has {rows:,} rows; at most {MAX_ROWS:,} are read")
    if columns > MAX_COLUMNS:
        raise DataError(f"{name} has {columns:,} columns; at most {MAX_COLUMNS:,} are read")


def check_arrays(file: str | Path | IO[bytes], name: str) -> list[tuple[int, ...]]:
    """The shapes of the arrays in an .npz, of which nothing but the heads is read.

    Raises:
        DataError: it holds more bytes or arrays than are read.
        BadZipFile, ValueError, OSError: no such file, or an array that claims more than it has.
    """
    shapes = []
    with zipfile.ZipFile(file) as packed:
        members = packed.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > MAX_ARRAYS:
            raise DataError(f"{name} unpacks to {_megabytes(unpacked)}; at most {_megabytes(MAX_ARRAYS)} are read")
        check_rows(0, name, len(members))
        for member in members:
            with packed.open(member) as stream:
                shapes.append(check_array(stream, member.file_size)[0])
    return shapes


def check_array(stream: IO[bytes], n: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of a .npy of `n` bytes, whose header is read; ValueError where it claims more bytes."""
    old = np.lib.format.read_magic(stream) == (1, 0)
    found = (np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0)(stream)
    if int(np.prod(found[0], dtype=object)) * found[2].itemsize > n:
        raise ValueError("an array claims more numbers than there are")
    return found


def _megabytes(n: int) -> str:
    return f"{n / 1e6:,.0f} MB"


@contextlib.contextmanager
def _unpacked(file: IO[bytes], path: Path) -> Generator[IO[bytes]]:
    """What is in a packed file, as its name says; the file itself where the name says nothing."""
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    ending = endings[-1] if endings else ""
    with contextlib.ExitStack() as stack:
        if ending in _STREAMS:
            file = stack.enter_context(_STREAMS[ending](file))
        if ".tar" in (ending, *endings[:-1] * (ending in _STREAMS)):
            archive = stack.enter_context(tarfile.open(fileobj=_AtMost(file), mode="r|"))
            inner = next((archive.extractfile(member) for member in archive if member.isfile()), None)
        elif ending == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(file))
            names = archive.namelist()
            inner = stack.enter_context(archive.open(names[0])) if len(names) == 1 else None
        else:
            inner = file
        if inner is None:
            raise DataError(f"{path} is an archive that does not hold one file: unpack it first")
        yield inner


class _AtMost(io.RawIOBase):
    """A stream that ends in an error after `MAX_BYTES`: what an archive skips is unpacked too."""

    def __init__(self, stream: IO[bytes]):
        self._stream, self._left = stream, MAX_BYTES

    def read(self, n: int = -1) -> bytes:
        data = self._stream.read(min(n, self._left + 1) if n >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"the archive unpacks to more than {_megabytes(MAX_BYTES)}, which is the most that is read")
        return data
