"""A run's tables in the store's own columns, their ids, and the same tables under new ids. Knows no files, no SQL."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore.errors import DataError
from cxrcore.store.file import from_lists
from cxrcore.store.records import CSV

_IDS = {"runs": "run_id", "prediction_sets": "prediction_id", "threshold_sets": "set_id",
        "calibrators": "calibrator_id"}  # what a store holds once
_KINDS = (pa.types.is_boolean, pa.types.is_timestamp)  # that stay what they are
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def conformed(tables: Mapping[str, pa.Table], columns: Mapping[str, pa.Schema]) -> dict[str, pa.Table]:
    """The tables with the store's columns and types; what they lack is NULL, further columns are left out.

    Raises:
        DataError: a table is missing, or a column is of another type.
    """
    found = {}
    for name, wanted in columns.items():
        if name not in tables:
            raise DataError(f"{name} is missing")
        rows = tables[name]
        found[name] = pa.table([cast(f"{name}.{column.name}", rows[column.name], column.type)
                                if column.name in rows.column_names else pa.nulls(len(rows), column.type)
                                for column in wanted], schema=wanted)
    return found


def cast(what: str, column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """A column as the type that the store has; a text is no number and a number no text.

    Raises:
        DataError: it is of another kind, or does not fit.
    """
    if column.type == wanted:
        return column
    if not _is_alike(column.type, wanted):
        raise DataError(f"{what} is of {column.type}, not of {wanted}")
    try:
        if pa.types.is_integer(wanted) and pa.types.is_floating(column.type):  # as pandas keeps those with gaps
            column = pc.if_else(pc.is_nan(column), None, column)
        return column.cast(wanted, safe=not pa.types.is_floating(wanted))
    except pa.ArrowException as error:
        raise DataError(f"{what} cannot be kept: {' '.join(str(error).split())[:100]}") from None


def _is_alike(kind: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_null(kind):
        return True
    if pa.types.is_list(wanted) or pa.types.is_large_list(wanted):
        return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and (
            kind.value_type == wanted.value_type or _is_alike(kind.value_type, wanted.value_type))
    if any(test(wanted) for test in _TEXTS):
        return any(test(kind) for test in _TEXTS)
    if pa.types.is_floating(wanted) or pa.types.is_integer(wanted):
        return pa.types.is_floating(kind) or pa.types.is_integer(kind)
    return any(test(wanted) and test(kind) for test in _KINDS)


def ids_of(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, str, list[str]]]:
    """(table, column, ids) of what a store holds once: run, prediction sets, threshold sets, calibrators."""
    return ((table, column, tables[table][column].to_pylist()) for table, column in _IDS.items())


def label_digests(tables: Mapping[str, pa.Table]) -> dict[tuple[str, str], str]:
    """{(data set, label set): SHA-256 of its findings and labels, whatever the order of its rows}.

    The labels that a data set came with are left out: its id stands for them.
    """
    found = {}
    for row in tables["label_set_info"].to_pylist():
        if row["label_set"] == CSV:
            continue
        own = tables["label_sets"].filter(pc.and_(*(pc.equal(tables["label_sets"][column], row[column])
                                                    for column in ("dataset_id", "label_set"))))
        own = own.take(pc.sort_indices(own["image_id"]))
        values = from_lists(own["labels"]).astype("<f4")
        values[np.isnan(values)] = np.nan  # one NaN of the many
        said = json.dumps([row["findings"], json.loads(row["derived"] or "{}"), own["image_id"].to_pylist()],
                          sort_keys=True)
        found[row["dataset_id"], row["label_set"]] = hashlib.sha256(said.encode() + values.tobytes()).hexdigest()
    return found


def renamed(tables: Mapping[str, pa.Table], new_id: Callable[[], str]) -> dict[str, pa.Table]:
    """A run under new ids, in the order of the old ones; what names another run's threshold set goes on doing so."""
    old = {one for *_, own in ids_of(tables) for one in own}
    new: set[str] = set()
    while len(new) < len(old):
        new.add(new_id())
    renaming = dict(zip(sorted(old), sorted(new), strict=True))
    before, after = pa.array(list(renaming), pa.string()), pa.array(list(renaming.values()), pa.string())
    found = {}
    for name, rows in tables.items():
        for column in set(_IDS.values()) & set(rows.column_names):
            own = rows[column]
            place = pc.index_in(own, value_set=before)
            rows = rows.set_column(rows.column_names.index(column), column,
                                   pc.if_else(place.is_null(), own, after.take(place)))
        found[name] = rows
    (title,) = found["runs"]["name"].to_pylist()
    runs = found["runs"]
    found["runs"] = runs.set_column(runs.column_names.index("name"), "name", pa.array([f"{title} (copy)".strip()]))
    return found
