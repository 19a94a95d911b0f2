"""Reads predictions that others made: a CSV, Parquet or npz file with a row a film, parsed in a limited process.

Gives what the file says and judges nothing (see `audit`): scores may be outside [0, 1], films may stand there twice.
Knows no data set and no store.
"""

import hashlib
import io
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrcore.data import film_ids
from cxrcore.data.files import bounded_file, csv_file
from cxrcore.data.files.limited_process import Answer, Ended
from cxrcore.errors import DataError, UsageError
from cxrcore.import_export.prediction_columns import SPLIT_COLUMN, finding_columns, image_column, letters

KINDS = (".csv", ".parquet", ".npz")
_SEPARATORS = (",", ";", "\t", "|")
_METADATA = 20_000_000  # bytes of a text and entries of a list in what a Parquet file says of itself
_PARQUET_MAGIC, _ZIP_MAGIC = b"PAR1", b"PK"


@dataclass(frozen=True)
class PredictionFile:
    """What a file holds.

    Attributes:
        name: of the file.
        sha256: of its bytes, hexadecimal.
        image_ids: object (n,), paths with `film_ids.MARK` between their folders.
        scores: float64 (n, k), as written; NaN for findings without a column, and for what is no number.
        findings: k canonical names that were looked for, in the columns' order.
        columns: {finding: column}.
        image_column: the column of the film names.
        parts: object (n,), of a column 'split'; None without one.
        ignored: columns that were not used.
    """

    name: str
    sha256: str
    image_ids: np.ndarray
    scores: np.ndarray
    findings: tuple[str, ...]
    columns: Mapping[str, str]
    image_column: str
    parts: np.ndarray | None
    ignored: tuple[str, ...]

    @property
    def present(self) -> np.ndarray:
        """Which of the findings have a column with any score, bool (k,)."""
        return np.isin(self.findings, list(self.columns)) & ~np.isnan(self.scores).all(axis=0)


@dataclass(frozen=True)
class _Table:
    """Columns by name, and a way to read some of them as an array each."""

    columns: list[str]
    read: Callable[[list[str]], dict[str, np.ndarray]]


def parse_mapping(pairs: str) -> dict[str, str]:
    """{column: what it is} of 'old=new,old2=new2'.

    Raises:
        UsageError: a part without '='.
    """
    mapping = {}
    for pair in filter(None, (part.strip() for part in pairs.split(","))):
        column, equals, what = pair.rpartition("=")
        if not equals or not column.strip() or not what.strip():
            raise UsageError(f"--map '{pair}': expected COLUMN=FINDING, such as covid_edema=Edema")
        mapping[column.strip()] = what.strip()
    return mapping


def read_prediction_file(path: str | Path, findings: Sequence[str], mapping: Mapping[str, str] | None = None
                         ) -> PredictionFile:
    """The predictions of a file on disk; see `parse_prediction_file`."""
    path = Path(path)
    try:
        content = bounded_file.content(path)
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file of predictions") from None
    except OSError as error:
        raise DataError(f"no predictions can be read from {path}: {error.strerror}") from None
    return parse_prediction_file(content, path.name, findings, mapping)


def parse_prediction_file(content: bytes, name: str, findings: Sequence[str], mapping: Mapping[str, str] | None = None
                          ) -> PredictionFile:
    """The predictions of a file's content.

    Args:
        name: the file's; its ending matters only where the content does not tell what it is.
        findings: canonical names of the data set that the films are of, the order of the scores.
        mapping: {column: finding or 'image_id'}, where names alone do not tell.

    Raises:
        DataError: none of the three kinds, damaged, without films or findings, or larger than `bounded_file` allows;
            the text begins with the name.
        UsageError: a mapping that does not fit, or columns that could be taken in two ways.
    """
    if not content:
        raise DataError(f"{name} is empty")
    bounded_file.check_size(len(content), name)
    try:
        said, scores = bounded_file.TABLES.ask(parsed, content, name=name, findings=list(findings),
                                                 mapping=dict(mapping or {}))
    except Ended as error:
        raise DataError(f"{name} {error}") from None
    return PredictionFile(
        name, hashlib.sha256(content).hexdigest(), _texts(said["image_ids"]),
        np.frombuffer(scores, np.float64).reshape(-1, len(findings)).copy(), tuple(findings), said["columns"],
        said["image_column"], _texts(said["parts"]) if said["parts"] is not None else None, tuple(said["ignored"]))


def _texts(values: list[str]) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found


# -- in the limited process


def parsed(content: bytes, name: str, findings: Sequence[str], mapping: Mapping[str, str]) -> Iterator[Answer]:
    """What `parse_prediction_file` makes of a file, as an answer: the scores are its bytes."""
    try:
        yield _parsed(content, name, findings, mapping)
    except MemoryError:
        raise DataError(f"{name} does not fit into {bounded_file.TABLE_LIMITS.memory / 1e9:g} GB of memory") from None


def _parsed(content: bytes, name: str, findings: Sequence[str], mapping: Mapping[str, str]) -> Answer:
    try:
        table = _opened(content)
        columns = table.columns
        bounded_file.check_rows(0, "it", len(columns))
        image_name = image_column(columns, mapping)
        rest = [column for column in columns if column != image_name]
        others = {column: what for column, what in mapping.items() if column != image_name}
        chosen = finding_columns(rest, findings, others, lambda column: _is_binary(table.read([column])[column]))
        split = next((column for column in rest if letters(column) == SPLIT_COLUMN), None)
        used = [image_name, *chosen.values(), *([split] if split else [])]
        values = table.read(used)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    if not len(values[image_name]):
        raise DataError(f"{name} has no rows")
    scores = np.full((len(values[image_name]), len(findings)), np.nan)
    for finding, column in chosen.items():
        scores[:, findings.index(finding)] = _numbers(values[column], column, name)
    return {"image_ids": _as_ids(values[image_name]).tolist(), "columns": chosen, "image_column": image_name,
            "parts": np.char.strip(values[split].astype(str)).tolist() if split else None,
            "ignored": [column for column in columns if column not in used]}, scores.tobytes()


def _as_ids(names: np.ndarray) -> np.ndarray:
    """Paths as ids of films have them: which of their folders count, only the table can tell."""
    texts = pd.Series(names).astype(str).str.strip().str.replace("\\", "/", regex=False)
    return texts.str.strip("/").str.replace("/", film_ids.MARK, regex=False).to_numpy(object)


def _numbers(values: np.ndarray, column: str, name: str) -> np.ndarray:
    """float64 (n,); empty cells are NaN."""
    if values.ndim != 1 or values.dtype.kind not in "fiubOUS":  # complex numbers, times, records
        what = "arrays" if values.ndim != 1 else str(values.dtype)[:40]
        raise DataError(f"{name}: the column '{column}' holds {what}, expected one number a film")
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    except OverflowError:  # at whole numbers of hundreds of digits, which none of its ways to mend errors spares
        raise DataError(f"{name}: the column '{column}' holds a number too large to be one") from None
    texts = pd.Series(values, dtype=object)
    odd = numbers.isna() & texts.notna() & ~texts.astype(str).str.strip().str.lower().isin(["", "nan", "na", "none"])
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(f"{name}: '{str(values[row])[:40]}' in the column '{column}', row {row + 1}, is no number")
    return numbers.to_numpy(np.float64)


def _is_binary(values: np.ndarray) -> bool:
    return values.dtype.kind in "fiub" and bool(np.isin(values, (0, 1)).all())


# -- the three kinds


def _opened(content: bytes) -> _Table:
    if content.startswith(_PARQUET_MAGIC):
        return _parquet(content)
    if content.startswith(_ZIP_MAGIC):
        return _npz(content)
    return _csv(content)


def _csv(content: bytes) -> _Table:
    if b"\0" in content[:4096]:
        raise DataError(f"this is no text: expected one of {', '.join(KINDS)}")
    bounded_file.check_lines(content, "it")
    try:
        head = content[:100_000].split(b"\n", 1)[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text (byte {error.start}): expected one of {', '.join(KINDS)}") from None
    separator = max(_SEPARATORS, key=head.count)
    try:
        columns = [str(column) for column in
                   pd.read_csv(io.BytesIO(content), sep=separator, nrows=0, encoding="utf-8-sig").columns]
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"cannot be read as CSV: {_one_line(error)}") from None

    def read(wanted: list[str]) -> dict[str, np.ndarray]:
        texts: dict[Hashable, Any] = {column: str for column in wanted if letters(column) == SPLIT_COLUMN}
        if len(wanted) > 1:
            texts[wanted[0]] = str  # the films: 007.png is no number
        try:
            # Without index_col, rows that end in a comma more than the header would shift all columns.
            frame = pd.read_csv(io.BytesIO(content), sep=separator, usecols=wanted, dtype=texts, index_col=False,
                                encoding="utf-8-sig")
        except MemoryError:
            raise
        except Exception as error:  # odd rows, other codings, numbers without end
            raise DataError(f"cannot be read as CSV: {_one_line(error)}") from None
        return {column: (frame[column].map(csv_file.bare) if column in texts else frame[column]).to_numpy()
                for column in wanted}

    return _Table(columns, read)


def _parquet(content: bytes) -> _Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content), thrift_string_size_limit=_METADATA,
                              thrift_container_size_limit=_METADATA)
        columns = list(file.schema_arrow.names)
        bounded_file.check_rows(file.metadata.num_rows, "it", max(len(columns), file.metadata.num_columns))
    except (DataError, MemoryError):
        raise
    except Exception as error:  # what Arrow raises at damaged bytes is no closed list
        raise DataError(f"cannot be read as Parquet: {_one_line(error)}") from None

    def read(wanted: list[str]) -> dict[str, np.ndarray]:
        try:
            table = file.read(wanted, use_threads=False)
            return {column: table[column].to_numpy() for column in wanted}
        except MemoryError:
            raise
        except Exception as error:
            raise DataError(f"cannot be read as Parquet: {_one_line(error)}") from None

    return _Table(columns, read)


def _npz(content: bytes) -> _Table:
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
    columns = {name: _decoded(array) for name, array in columns.items() if len(array) == n}

    def read(wanted: list[str]) -> dict[str, np.ndarray]:
        return {column: columns[column] for column in wanted}

    return _Table(list(columns), read)


def _decoded(array: np.ndarray) -> np.ndarray:
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
