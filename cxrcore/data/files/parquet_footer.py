"""What a Parquet file says of itself, decoded here: asked for an unknown compression, pyarrow ends the process.

The footer is Thrift's compact protocol (parquet.thrift, FileMetaData); of it only what `bounded_parquet` asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrcore.errors import DataError

MOST = 4_000_000  # bytes of a footer; a hundred columns in a hundred groups of rows take two million
_MAGIC = b"PAR1"
_CODECS = dict(enumerate(("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4")))  # as pyarrow's
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


@dataclass(frozen=True)
class Footer:
    """What the end of a Parquet file says of the rest.

    Attributes:
        rows, columns: of the table.
        uncompressed: bytes of all pages once unpacked, as the file says.
        codecs: names of the compressions that occur.
    """

    rows: int
    columns: int
    uncompressed: int
    codecs: frozenset[str]


def read_footer(path: Path) -> Footer:
    """The footer of a file.

    Raises:
        DataError: none of Parquet, or damaged.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 8, 0))
        end = stream.read(8)
        length = int.from_bytes(end[:4], "little")
        if end[4:] != _MAGIC or not 0 < length <= min(size - 12, MOST):
            raise DataError(f"{path.name} is no Parquet file, or cut off")
        stream.seek(size - 8 - length)
        content = stream.read(length)
    try:
        said, _ = _struct(content, 0)
        chunks = list(_chunks(said))
        codecs = frozenset(_CODECS.get(chunk[4], f"codec {chunk[4]}") for chunk in chunks)
        columns = sum(5 not in element for element in said[2])  # leaves: those without children
        return Footer(said[3], columns, sum(chunk[6] for chunk in chunks), codecs)
    except (LookupError, TypeError, ValueError, RecursionError):
        raise DataError(f"{path.name} is a damaged Parquet file") from None


def _chunks(said: dict[int, Any]) -> Iterator[dict[int, Any]]:
    """ColumnMetaData of every column in every group of rows."""
    for group in said.get(4, ()):
        for chunk in group[1]:
            yield chunk[3]


def _struct(content: bytes, at: int) -> tuple[dict[int, Any], int]:
    """{field: value} from a place on, and the place behind it."""
    found, field = {}, 0
    while head := content[at]:
        at += 1
        if head >> 4:
            field += head >> 4
        else:
            field, at = _number(content, at)
        kind = head & 15
        if kind in (_TRUE, _FALSE):
            found[field] = kind == _TRUE
        else:
            found[field], at = _value(kind, content, at)
    return found, at + 1


def _value(kind: int, content: bytes, at: int) -> tuple[Any, int]:
    if kind == _STRUCT:
        return _struct(content, at)
    if kind in (_I16, _I32, _I64):
        return _number(content, at)
    if kind in (_TRUE, _FALSE, _BYTE):  # in a list
        return content[at], at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _unsigned(content, at)
        return None, at + length
    if kind in (_LIST, _SET):
        return _list(content, at)
    raise ValueError(f"unknown type {kind}")  # maps do not occur


def _list(content: bytes, at: int) -> tuple[list[Any], int]:
    head, at = content[at], at + 1
    length = head >> 4
    if length == 15:
        length, at = _unsigned(content, at)
    found = []
    for _ in range(min(length, len(content))):
        one, at = _value(head & 15, content, at)
        found.append(one)
    return found, at


def _unsigned(content: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first."""
    number = 0
    for shift in range(0, 70, 7):
        byte, at = content[at], at + 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number without an end")


def _number(content: bytes, at: int) -> tuple[int, int]:
    number, at = _unsigned(content, at)
    return (number >> 1) ^ -(number & 1), at
