"""Parquet files from outside, read within bounds: five kilobytes of one can hold gigabytes.

Bounded are the file, its rows and columns, the length of a text and all texts together. Texts are read as
dictionaries and measured before they are written out, so that one long text that stands in every row is refused where
it is still small. Columns of lists or records are refused: a row of them has no bound.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxrcore.data.files import parquet_footer
from cxrcore.errors import DataError

TIGHT = ("UNCOMPRESSED", "SNAPPY")  # a byte becomes some 22 at most; others, such as gzip, make thousands of it
_BATCH = 65_536  # rows
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary,
          pa.types.is_large_binary, pa.types.is_binary_view)


@dataclass(frozen=True)
class Bounds:
    """What a file may hold.

    Attributes:
        file_bytes: on the disk.
        table_bytes: once read.
        text: bytes of one cell.
        codecs: compressions that are read.
    """

    file_bytes: int = 1 << 30
    table_bytes: int = 1 << 30
    rows: int = 20_000_000
    columns: int = 200
    text: int = 10_000
    codecs: Collection[str] = TIGHT


def read_parquet(path: Path, bounds: Bounds = Bounds()) -> pa.Table:
    """The whole table; texts as plain strings.

    Raises:
        DataError: no file, none of Parquet, damaged, or over a bound; one line that begins with the file's name.
    """
    if not path.is_file():  # a pipe or a device would be waited for
        raise DataError(f"{path.name} is missing")
    if path.stat().st_size > bounds.file_bytes:
        raise DataError(f"{path.name} is larger than {bounds.file_bytes / 1e6:,.0f} MB")
    try:
        _check(path, bounds)
        with pq.ParquetFile(path) as file:
            texts = _texts(path.name, file.schema_arrow)
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = _read(path.name, file, bounds)
        table.validate(full=True)  # of texts, that they are UTF-8
        return table
    except (OSError, ValueError, KeyError, TypeError, MemoryError, pa.ArrowException) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {' '.join(str(error).split())[:120]}") from None


def _check(path: Path, bounds: Bounds) -> None:
    """What the file says of itself, before anything of it is read."""
    said = parquet_footer.read_footer(path)
    if said.rows > bounds.rows or said.columns > bounds.columns:
        raise DataError(f"{path.name} has {said.rows:,} rows and {said.columns:,} columns; at most {bounds.rows:,} and "
                        f"{bounds.columns:,} are read")
    if others := said.codecs - set(bounds.codecs):
        raise DataError(f"{path.name} is compressed with {min(others)}; {' or '.join(bounds.codecs)} is read")
    if max(said.uncompressed, said.rows * said.columns) > bounds.table_bytes:
        raise DataError(_too_large(path.name, bounds))


def _texts(name: str, columns: pa.Schema) -> list[str]:
    """Which columns hold texts; all others have to be of numbers or times, whose size is known."""
    if len(set(columns.names)) < len(columns.names):
        raise DataError(f"{name} has two columns of one name")
    texts = []
    for column in columns:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if any(test(kind) for test in _TEXTS):
            texts.append(column.name)
        elif not (pa.types.is_primitive(kind) or pa.types.is_null(kind)):
            raise DataError(f"{name} has a column {column.name!a} of {str(kind)[:40]}, which is not read")
    return texts


def _read(name: str, file: pq.ParquetFile, bounds: Bounds) -> pa.Table:
    """Batch after batch while all of it stays within the bound; texts are written out last."""
    batches, total = [], 0
    for batch in file.iter_batches(_BATCH):
        total += sum(_size(name, column, bounds) for column in batch.columns)
        if total > bounds.table_bytes:
            raise DataError(_too_large(name, bounds))
        batches.append(batch)
    if not batches:
        return pa.table({column.name: _plain(pa.array([], column.type)) for column in file.schema_arrow})
    return pa.Table.from_batches([pa.RecordBatch.from_arrays([_plain(column) for column in batch.columns],
                                                             batch.schema.names) for batch in batches])


def _size(name: str, column: pa.Array, bounds: Bounds) -> int:
    """Bytes of a column once its texts are written out."""
    if not pa.types.is_dictionary(column.type):
        return column.nbytes
    lengths = pc.binary_length(column.dictionary)
    longest = pc.max(lengths).as_py() or 0
    if longest > bounds.text:
        raise DataError(f"{name} holds a text of {longest:,} bytes; at most {bounds.text:,} are read")
    return pc.sum(lengths.take(column.indices)).as_py() or 0


def _too_large(name: str, bounds: Bounds) -> str:
    return f"{name} would take more than {bounds.table_bytes / 1e6:,.0f} MB in memory"


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
