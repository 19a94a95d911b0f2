"""Opens a foreign table as columns by name: CSV as people have it, Parquet or npz, packed by gzip or zip or not.

For the limited process: sizes are bounded here, time and memory by it.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrcore.data.files import bounded_file, csv_file, people_csv
from cxrcore.errors import DataError

KINDS = (".csv", ".parquet", ".npz")
PACKED = (".gz", ".zip")
_METADATA = 20_000_000  # bytes of a text and entries of a list in what a Parquet file says of itself
_PARQUET_MAGIC, _ZIP_MAGIC, _GZIP_MAGIC = b"PAR1", b"PK", b"\x1f\x8b"
_RARE_SEPARATOR = "|"
_FIRST_ROWS, _FIRST_CELLS = 2_000, 500_000
_SCORE = re.compile(r"[+-]?\d*[.,]\d+([eE][+-]?\d+)?(\.\d+)?")  # the last as pandas makes names differ


@dataclass(frozen=True)
class Table:
    """Columns by name.

    Attributes:
        columns: names.
        read: an array (n,) for each wanted column; those of the second list as texts, as they are written.
        first: the same of the first rows, of all columns that may hold texts or whole numbers.
        headed: False where a CSV's first line holds numbers instead of names.
        notes: how it is written, where that is out of the usual.
    """

    columns: list[str]
    read: Callable[[Sequence[str], Sequence[str]], dict[str, np.ndarray]]
    first: Callable[[], dict[str, np.ndarray]]
    headed: bool = True
    notes: tuple[str, ...] = ()


def opened(content: bytes) -> Table:
    """The table in a file's bytes.

    Raises:
        DataError: it is none of the kinds, damaged, or larger than `bounded_file` allows.
    """
    if content.startswith(_GZIP_MAGIC):
        content = _unpacked(content)
    elif content.startswith(_ZIP_MAGIC):
        content = _of_zip(content)
    if content.startswith(_PARQUET_MAGIC):
        return _parquet(content)
    if content.startswith(_ZIP_MAGIC):
        return _npz(content)
    return _csv(content)


def _of_zip(content: bytes) -> bytes:
    """The one file in a zip that is no npz, as Kaggle packs what it gives; the zip itself where it is another."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = [one for one in packed.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX")]
            if len(members) != 1 or members[0].filename.endswith(".npy"):
                return content
            with packed.open(members[0]) as plain:
                return _bounded(plain)
    except DataError:
        raise
    except Exception:  # what zipfile and zlib raise at damaged bytes is no closed list
        return content


def _unpacked(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            return _bounded(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be unpacked: {_one_line(error)}") from None


def _bounded(packed: IO[bytes] | gzip.GzipFile) -> bytes:
    plain = packed.read(bounded_file.MAX_BYTES + 1)
    if len(plain) > bounded_file.MAX_BYTES:
        raise DataError(f"it unpacks to more than {bounded_file.MAX_BYTES / 1e6:,.0f} MB, which is the most that is "
                        "read")
    if not plain:
        raise DataError("it unpacks to nothing")
    return plain


# -- CSV


def _csv(content: bytes) -> Table:
    dialect = people_csv.sniff(content)
    if b"\0" in content[:4096] and not dialect.encoding.startswith("utf-16"):
        raise DataError(f"this is no text: expected one of {', '.join(KINDS)}")
    try:
        text = people_csv.utf8(content, dialect)
        head = text[:100_000].split(b"\n", 1)[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text (byte {error.start}): expected one of {', '.join(KINDS)}") from None
    bounded_file.check_lines(text, "it")
    rare = _RARE_SEPARATOR in head and dialect.separator not in head
    separator = _RARE_SEPARATOR if rare else dialect.separator
    columns = [str(column) for column in _csv_frame(text, separator, nrows=0).columns]
    headed = not _are_scores(columns)
    options: dict[str, Any] = {}
    if not headed:
        columns = [f"column {place + 1}" for place in range(len(columns))]
        options = {"header": None, "names": columns}

    def read(wanted: Sequence[str], texts: Sequence[str] = ()) -> dict[str, np.ndarray]:
        kinds: dict[Hashable, Any] = dict.fromkeys(texts, str)
        # Without index_col, rows that end in a comma more than the header would shift all columns.
        frame = _csv_frame(text, separator, usecols=list(wanted), dtype=kinds, index_col=False, **options)
        return {column: _cells(frame[column], column in kinds, dialect.decimal) for column in wanted}

    def first() -> dict[str, np.ndarray]:
        rows = max(20, min(_FIRST_ROWS, _FIRST_CELLS // max(len(columns), 1)))
        frame = _csv_frame(text, separator, nrows=rows, dtype=str, index_col=False, **options)
        return {column: frame[column].map(csv_file.bare).to_numpy(object) for column in columns if column in frame}

    return Table(columns, read, cache(first), headed, dialect.notes)


def _csv_frame(text: bytes, separator: str, **options: Any) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(text), sep=separator, encoding="utf-8", **options)
    except MemoryError:
        raise
    except Exception as error:  # odd rows, other codings, numbers without end
        raise DataError(f"cannot be read as CSV: {_one_line(error)}") from None


def _cells(column: pd.Series, texts: bool, decimal: str) -> np.ndarray:
    if texts:
        return column.map(csv_file.bare).to_numpy()
    if decimal == "," and column.dtype.kind not in "fiub":
        pointed = people_csv.with_points(column.astype("str"))
        numbers = pd.to_numeric(pointed, errors="coerce")
        return (numbers if numbers.notna().sum() == column.notna().sum() else pointed).to_numpy()
    return column.to_numpy()


def _are_scores(names: Sequence[str]) -> bool:
    """Whether a first line holds scores, after the name or number of a film: not names, nor a matrix' 0, 1, 2, ..."""
    return 2 * sum(bool(_SCORE.fullmatch(name)) for name in names[1:]) > len(names) - 1


# -- Parquet


def _parquet(content: bytes) -> Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content), thrift_string_size_limit=_METADATA,
                              thrift_container_size_limit=_METADATA)
        kinds = file.schema_arrow
        columns = list(kinds.names)
        bounded_file.check_rows(file.metadata.num_rows, "it", max(len(columns), file.metadata.num_columns))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # what Arrow raises at damaged bytes is no closed list
        raise DataError(f"cannot be read as Parquet: {_one_line(error)}") from None

    def read(wanted: Sequence[str], texts: Sequence[str] = ()) -> dict[str, np.ndarray]:
        def arrays() -> dict[str, np.ndarray]:
            table = file.read(list(wanted), use_threads=False)
            return {column: table[column].to_numpy() for column in wanted}

        return _of_arrow(arrays)

    def first() -> dict[str, np.ndarray]:
        def arrays() -> dict[str, np.ndarray]:
            wanted = [own.name for own in kinds if columns.count(own.name) == 1 and _may_name(own.type)]
            batches = file.iter_batches(_FIRST_ROWS, columns=wanted, use_threads=False) if wanted else iter(())
            batch = next(iter(batches), None)
            return {} if batch is None else {name: batch[name].to_numpy(zero_copy_only=False) for name in wanted}

        return _of_arrow(arrays)

    return Table(columns, read, cache(first))


def _of_arrow(arrays: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    try:
        return arrays()
    except MemoryError:
        raise
    except Exception as error:
        raise DataError(f"cannot be read as Parquet: {_one_line(error)}") from None


def _may_name(kind: pa.DataType) -> bool:
    own = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(own) or pa.types.is_large_string(own) or pa.types.is_integer(own)


# -- npz


def _npz(content: bytes) -> Table:
    """Arrays of one length by name, or a matrix beside an array of its columns' names."""
    try:
        for shape in bounded_file.check_arrays(io.BytesIO(content), "it"):
            bounded_file.check_rows(shape[0] if shape else 0, "it", shape[1] if len(shape) == 2 else 0)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (DataError, MemoryError):
        raise
    except Exception as error:  # nor is what zipfile, zlib and numpy raise
        raise DataError(f"cannot be read as npz: {_one_line(error)}") from None
    columns = _columns_of(arrays)

    def read(wanted: Sequence[str], texts: Sequence[str] = ()) -> dict[str, np.ndarray]:
        return {column: columns[column] for column in wanted}

    def first() -> dict[str, np.ndarray]:
        return {name: array[:_FIRST_ROWS] for name, array in columns.items() if array.dtype.kind in "OUiu"}

    return Table(list(columns), read, cache(first))


def whole_texts(texts: np.ndarray) -> np.ndarray:
    """Texts, object (n,), without halves of characters, which arrays can hold and files cannot."""
    try:
        "".join(texts.tolist()).encode()
    except UnicodeEncodeError:
        return np.array([text.encode("utf-8", "replace").decode() for text in texts], object)
    return texts


def _columns_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    lists = {name: array for name, array in arrays.items() if array.ndim == 1}
    columns = dict(lists)
    for name, matrix in arrays.items():
        if matrix.ndim != 2:
            continue
        names = next((own for own in lists.values() if len(own) == matrix.shape[1] and own.dtype.kind in "US"
                      and len(own) != matrix.shape[0]), np.arange(matrix.shape[1]))
        for place, column in enumerate(names):
            text = column.decode("utf-8", "replace") if isinstance(column, bytes) else str(column)
            columns.setdefault(text if len(arrays) == 1 or text not in columns else f"{name}_{text}", matrix[:, place])
    sizes = [len(array) for array in columns.values()]
    n = max(sizes, key=sizes.count) if sizes else 0
    return {name.encode("utf-8", "replace").decode(): _decoded(array) for name, array in columns.items()
            if len(array) == n}


def _decoded(array: np.ndarray) -> np.ndarray:
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
