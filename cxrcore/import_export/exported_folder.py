"""A run's folder, as `export` writes it, read and checked: it may come from anywhere, and from another version.

Bounded in size and time, and checked whole; what does not fit is refused in one line, and columns that this version
does not know are left out and named.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore.data.files import bounded_file, bounded_parquet
from cxrcore.errors import DataError
from cxrcore.store import CSV, Store, film_checks, run_checks
from cxrcore.store.whole_run_tables import cast, conformed
from cxrcore.store.whole_runs import with_label_set_info

FORMAT, FORMAT_VERSION = "chest x-ray workbench run", 2
FIRST = 1  # the version without label_set_info, whose readers knew NIH's list alone
RUN = "run.json"
AS_JSON = ("runs", "prediction_sets", "epochs", "threshold_sets", "calibrators", "datasets", "label_set_info")
AS_PARQUET = ("metrics", "localization", "boxes")
_FILES = {name: f"{name}.parquet" for name in (*AS_PARQUET, "predictions")} | {
    "images": "films.parquet", "label_sets": "labels.parquet"}
_WIDE = {"predictions": "scores", "label_sets": "labels"}  # a column a finding, in place of a column of lists
_KEYS = {"predictions": ("prediction_id",), "label_sets": ("dataset_id", "label_set")}  # that say whose list a row has
_MOST_WIDE = bounded_parquet.Bounds(columns=2_000)  # of several lists, each of 64 findings at most
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
        tables = {name: _of_json(name, document.get(name), left_out) for name in AS_JSON
                  if name != "label_set_info" or name in document}
        lists = lists_of(tables)
        for name in _FILES:
            tables[name] = _of_parquet(folder, name, lists.get(name, {}), left_out)
        return RunFolder(run_checks.checked(conformed(with_label_set_info(tables), Store.run_columns())), left_out)
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


# -- lists of findings


def lists_of(tables: Mapping[str, pa.Table]) -> dict[str, dict[tuple[str, ...], tuple[str, ...]]]:
    """{wide table: {key of its rows: the list that they are of}}, the keys as `_KEYS` names them.

    Args:
        tables: datasets, prediction_sets and label_set_info; without the last every label set is its data set's own.

    Raises:
        DataError: what is no list of findings, or predictions of a data set that is not there.
    """
    own = {row["dataset_id"]: film_checks.findings_of("the data set", row["findings"])
           for row in tables["datasets"].to_pylist()}
    of_sets: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in tables["prediction_sets"].to_pylist():
        if row["dataset_id"] not in own:
            raise DataError(f"prediction_sets name a data set that is not this run's: {row['dataset_id']!a:.60}")
        of_sets[(row["prediction_id"],)] = own[row["dataset_id"]]
    of_labels: dict[tuple[str, ...], tuple[str, ...]] = {(one, CSV): findings for one, findings in own.items()}
    for row in tables["label_set_info"].to_pylist() if "label_set_info" in tables else ():
        of_labels[row["dataset_id"], row["label_set"]] = film_checks.findings_of("a label set", row["findings"])
    return {"predictions": of_sets, "label_sets": of_labels}


def wide(name: str, rows: pa.Table, lists: Mapping[tuple[str, ...], tuple[str, ...]]) -> pa.Table:
    """A column of lists as a column a finding, float32: of all lists in it, in their order; NaN under the others'.

    Args:
        name: 'predictions' or 'label_sets'.
        lists: as `lists_of`.
    """
    columns = {finding: np.full(len(rows), np.nan, np.float32) for findings in lists.values() for finding in findings}
    for findings, own in _by_list(name, rows, lists):
        values = rows[_WIDE[name]].take(own).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        for finding, value in zip(findings, values.reshape(-1, len(findings)).T, strict=True):
            columns[finding][own] = value
    found = rows.drop_columns([_WIDE[name]])
    for finding, values in columns.items():
        found = found.append_column(finding, pa.array(values))
    return found


def _by_list(name: str, rows: pa.Table, lists: Mapping[tuple[str, ...], tuple[str, ...]]
             ) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
    """(findings, rows that are of this list), in the order of the lists.

    Raises:
        DataError: a row of none.
    """
    groups = np.zeros(len(rows), np.int64)
    for column in _KEYS[name]:
        values = rows[column].unique()
        groups = groups * len(values) + pc.index_in(rows[column], value_set=values).to_numpy()
    _, first, of_row = np.unique(groups, return_index=True, return_inverse=True)
    place, known = (
        np.zeros(len(first), np.int64),
        {findings: k for k, findings in enumerate(dict.fromkeys(lists.values()))},
    )
    for group, row in enumerate(first):
        key = tuple(rows[column][int(row)].as_py() for column in _KEYS[name])
        if key not in lists:
            what = "prediction set" if name == "predictions" else "data set or a label set"
            raise DataError(f"{name} name a {what} that is not this run's: {key[-1]!a:.60}")
        place[group] = known[lists[key]]
    order = np.argsort(place[of_row], kind="stable")
    starts = np.searchsorted(place[of_row][order], np.arange(len(known) + 1))
    for findings, k in known.items():
        if starts[k] < starts[k + 1]:
            yield findings, order[starts[k]:starts[k + 1]]


# -- Parquet


def _of_parquet(folder: Path, name: str, lists: Mapping[tuple[str, ...], tuple[str, ...]], left_out: list[str]
                ) -> pa.Table:
    known = set(Store.run_columns()[name].names)
    if name not in _WIDE:
        rows = bounded_parquet.read_parquet(folder / _FILES[name])
    else:
        rows = bounded_parquet.read_parquet(folder / _FILES[name], _MOST_WIDE)
        known = known - {_WIDE[name]} | {finding for findings in lists.values() for finding in findings}
    left_out += [_left_out(_FILES[name], column) for column in rows.column_names if column not in known]
    return _narrow(name, rows, lists) if name in _WIDE else rows


def _narrow(name: str, rows: pa.Table, lists: Mapping[tuple[str, ...], tuple[str, ...]]) -> pa.Table:
    """What `wide` made, as a column of lists; rows of one list stand together."""
    if lacking := [column for column in _KEYS[name] if column not in rows.column_names]:
        raise DataError(f"{name}: the column {lacking[0]} is missing")
    every = list(dict.fromkeys(finding for findings in lists.values() for finding in findings))
    columns = {one: cast(one, rows[one], pa.float32()).to_numpy() for one in every if one in rows.column_names}
    kept, parts, lengths, order = [one for one in rows.column_names if one not in {*every, _WIDE[name]}], [], [], []
    for findings, own in _by_list(name, rows, lists):
        if absent := [one for one in findings if one not in columns]:
            raise DataError(f"{_WIDE[name]} lack {absent[0]}")
        if strange := [one for one in columns if one not in findings and not np.isnan(columns[one][own]).all()]:
            raise DataError(f"{_WIDE[name]} have numbers under {strange[0]}, which is no finding of theirs")
        parts.append(np.column_stack([columns[one][own] for one in findings]).astype(np.float32).ravel())
        lengths.append(np.full(len(own), len(findings)))
        order.append(own)
    ends = np.cumsum(np.concatenate([[0], *lengths])).astype(np.int32)
    values = pa.ListArray.from_arrays(pa.array(ends), pa.array(np.concatenate([np.zeros(0, np.float32), *parts])))
    taken = np.concatenate([np.zeros(0, np.int64), *order])
    return rows.select(kept).take(taken).append_column(_WIDE[name], values)


def _left_out(file: str, column: str) -> str:
    return f"left out, since this version does not know it: {file}, column {column[:60]!a}"
