"""A run's folder, as `export` writes it, read and checked: it may come from anywhere, and from another version.

Bounded in size and time, and checked whole; what does not fit is refused in one line, and columns that this version
does not know are left out and named.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cxrcore.data.files import bounded_file, bounded_parquet
from cxrcore.errors import DataError
from cxrcore.findings import FINDINGS, N_FINDINGS
from cxrcore.store import Store, run_checks
from cxrcore.store.whole_run_tables import cast, conformed

FORMAT, FORMAT_VERSION = "chest x-ray workbench run", 1
RUN = "run.json"
AS_JSON = ("runs", "prediction_sets", "epochs", "threshold_sets", "calibrators", "datasets")
AS_PARQUET = ("metrics", "localization", "boxes")
_FILES = {name: f"{name}.parquet" for name in (*AS_PARQUET, "predictions")} | {
    "images": "films.parquet", "label_sets": "labels.parquet"}
_WIDE = {"predictions": "scores", "label_sets": "labels"}  # a column a finding, in place of a column of lists
_MOST_JSON = 32_000_000  # bytes of run.json; isotonic calibrators of many films take a few


@dataclass(frozen=True)
class RunFolder:
    """What a folder holds.

    Attributes:
        tables: as `Store.restore_run` takes them, checked.
        left_out: a line for each column that this version does not know.
    """

    tables: Mapping[str, pa.Table]
    left_out: Sequence[str] = field(default_factory=list)


def read_run_folder(folder: Path) -> RunFolder:
    """The folder's tables, checked.

    Raises:
        DataError: not such a folder, damaged, foreign in a part, or of a newer format; the text begins with it.
    """
    try:
        document = _document(folder / RUN)
        left_out: list[str] = []
        tables = {name: _of_json(name, document.get(name), left_out) for name in AS_JSON}
        for name in _FILES:
            tables[name] = _of_parquet(folder, name, left_out)
        return RunFolder(run_checks.checked(conformed(tables, Store.run_columns())), left_out)
    except DataError as error:
        raise DataError(f"{folder} cannot be read as an exported run: {error}") from None


def run_id_of(folder: Path) -> str | None:
    """The run that a folder says it is of; None where it is no run's folder."""
    try:
        (run,) = _document(folder / RUN)["runs"]
        return run["run_id"]
    except (DataError, KeyError, TypeError, ValueError):
        return None


# -- run.json


def _document(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"{path.name} is missing")
    try:
        document = json.loads(bounded_file.content(path, _MOST_JSON))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is no JSON: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f"{path.name} is not of an exported run")
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError(f"its format_version is no version: {version!a:.60}")
    if version > FORMAT_VERSION:
        raise DataError(f"it was written by a newer version of the workbench (format {version}, this one reads "
                        f"{FORMAT_VERSION}): update this one")
    return document


def _of_json(name: str, rows: Any, left_out: list[str]) -> pa.Table:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{name} of {RUN} is no list of objects")
    columns = Store.run_columns()[name]
    further = dict.fromkeys(key for row in rows for key in row if key not in columns.names)
    left_out += [_left_out(RUN, f"{name}.{key}") for key in further]
    return pa.table([_column(f"{name}.{column.name}", [row.get(column.name) for row in rows], column.type)
                     for column in columns], schema=columns)


def _column(what: str, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array([None if value is None else _value(value, kind) for value in values], kind)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        raise DataError(f"{what}: {' '.join(str(error).split())[:100]}") from None


def _value(value: Any, kind: pa.DataType) -> Any:
    """A JSON value as the store's type takes it; ValueError where it is of another kind."""
    if pa.types.is_list(kind):
        if not isinstance(value, list):
            raise ValueError(f"{value!a:.60} is no list")
        return [_value(one, kind.value_type) for one in value]
    if pa.types.is_timestamp(kind):
        return _time(value)
    wanted, word = ((str, "text") if pa.types.is_string(kind) else (bool, "yes or no") if pa.types.is_boolean(kind)
                    else (int | float, "number") if pa.types.is_floating(kind) else (int, "whole number"))
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        raise ValueError(f"{value!a:.60} is no {word}")
    return value


def _time(value: Any) -> dt.datetime:
    found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{value!a:.60} is no time with a time zone")
    return found.astimezone(dt.UTC)


# -- Parquet


def _of_parquet(folder: Path, name: str, left_out: list[str]) -> pa.Table:
    rows, known = bounded_parquet.read_parquet(folder / _FILES[name]), set(Store.run_columns()[name].names)
    if wide := _WIDE.get(name):
        known = known - {wide} | set(FINDINGS)
    left_out += [_left_out(_FILES[name], column) for column in rows.column_names if column not in known]
    return _narrow(rows, wide) if wide else rows


def _narrow(rows: pa.Table, column: str) -> pa.Table:
    """What `export` wrote as a column a finding, as a column of lists."""
    if lacking := [finding for finding in FINDINGS if finding not in rows.column_names]:
        raise DataError(f"{column} lack {lacking[0]}")
    each = [cast(finding, rows[finding], pa.float32()).to_numpy() for finding in FINDINGS]
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * N_FINDINGS)
    lists = pa.ListArray.from_arrays(offsets, pa.array(np.column_stack(each).astype(np.float32).ravel()))
    kept = [name for name in rows.column_names if name not in (*FINDINGS, column)]
    return rows.select(kept).append_column(column, lists)


def _left_out(file: str, column: str) -> str:
    return f"left out, since this version does not know it: {file}, column {column[:60]!a}"
