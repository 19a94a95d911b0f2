"""A CSV as people have it: saved by Excel in Europe, with tabs, a byte order mark, UTF-16 or a Windows code page.

What was found is said (`Dialect.notes`), and the text is then the same for all who read it: UTF-8 without a mark. Pure:
bytes in, bytes out; the bounds of foreign files are `bounded_file`'s.
"""

import codecs
import csv
import io
import re
import statistics
from dataclasses import dataclass

import pandas as pd

SEPARATORS = (",", ";", "\t")  # the first counts where several do as well
_HEAD = 1 << 16  # characters that tell separator and decimal sign
_ROWS = 50  # of them
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)", re.IGNORECASE)  # Excel's own first line
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_SMALL = re.compile(r"[+-]?0?,\d+(?:[eE][+-]?\d+)?")  # no number with thousands begins so
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f]")
_SPOKEN = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written.

    Attributes:
        separator: between cells: ',', ';' or a tab.
        decimal: '.' or ','.
        encoding: Python's name: 'utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be' or 'cp1252'.
        sep_line: it begins with Excel's line `sep=;`, which is no row.
    """

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    sep_line: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What is out of the usual, one line worth printing; () for commas, points and UTF-8."""
        said = []
        if self.separator in _SPOKEN:
            said.append(f"{_SPOKEN[self.separator]} between cells")
        if self.decimal == ",":
            said.append("decimal commas")
        if self.encoding.startswith("utf-16"):
            said.append("UTF-16")
        if self.encoding == "cp1252":
            said.append("Windows' code page 1252")
        return (f"read with {', '.join(said)}",) if said else ()


def sniff(data: bytes) -> Dialect:
    """How a CSV is written, told by all of its bytes (the encoding) and its first rows (the rest).

    A separator counts by the cells that it gives in the header and, in the middle, in the rows: so neither commas in a
    header's brackets nor decimal commas are taken for one. Never raises: what is no table is called the usual.
    """
    encoding = _encoding(data)
    text = _decoded_head(data, encoding)
    own = _SEP_LINE.match(text)
    if own:
        text = text[own.end():]
    cells = {separator: _cells(text, separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda one: _fields(cells[one]))
    if own and own[1] in SEPARATORS:
        separator = own[1]
    return Dialect(separator, _decimal(cells[separator][1:], separator), encoding, own is not None)


def utf8(data: bytes, dialect: Dialect) -> bytes:
    """The text as UTF-8 without a byte order mark and without Excel's `sep=` line.

    Raises:
        UnicodeDecodeError: a ValueError: it is no text in the dialect's encoding.
    """
    if dialect.encoding == "utf-8":
        data.decode("utf-8")
        text = data
    elif dialect.encoding == "utf-8-sig":
        text = data[len(codecs.BOM_UTF8):]
    else:
        text = data.decode(dialect.encoding).removeprefix("\ufeff").encode("utf-8")
    if dialect.sep_line:
        text = re.sub(rb"\A[^\r\n]*(?:\r\n|\r|\n)", b"", text, count=1)
    return text


def with_points(cells: pd.Series) -> pd.Series:
    """Texts with a point where a number has a decimal comma ('0,5' becomes '0.5'); all others as they are."""
    return cells.str.replace(r"^(\s*[+-]?\d*),(\d+(?:[eE][+-]?\d+)?\s*)$", r"\1.\2", regex=True)


def _encoding(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:4096]
    if len(head) >= 4 and head.count(0) > len(head) // 3:  # UTF-16 of Latin letters has a zero in every pair
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if _BINARY.search(data):
            return "utf-8"  # no text at all, which its reader says
        try:
            data.decode("cp1252")
        except UnicodeDecodeError:
            return "utf-8"
        return "cp1252"
    return "utf-8"


def _decoded_head(data: bytes, encoding: str) -> str:
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(data[: 2 * _HEAD])
    return text[:_HEAD]


def _cells(text: str, separator: str) -> list[list[str]]:
    """The first rows; a row that the head cuts off is left out."""
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > _ROWS:
                return rows
    except csv.Error:  # a cell longer than the module takes
        return rows
    return rows[:-1] if len(text) >= _HEAD and len(rows) > 1 else rows


def _fields(rows: list[list[str]]) -> int:
    if len(rows) < 2:
        return len(rows[0]) if rows else 0
    return min(len(rows[0]), int(statistics.median_low(len(row) for row in rows[1:])))


def _decimal(rows: list[list[str]], separator: str) -> str:
    cells = [cell.strip() for row in rows for cell in row]
    if any(_POINT.fullmatch(cell) for cell in cells):
        return "."
    comma = _SMALL if separator == "," else _COMMA
    return "," if any(comma.fullmatch(cell) for cell in cells) else "."
