"""Whether tables from outside are one whole run with its predictions: everything is checked before anything is saved.

What the tables may hold is what the workbench itself writes; what would be saved and never readable, or would speak
for another run, is refused in one line.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.config import TrainConfig
from cxrcore.errors import DataError
from cxrcore.findings import MEANS
from cxrcore.measures.decisions.promise_record import promise_of
from cxrcore.measures.thresholds.positions import UNREACHED
from cxrcore.store import film_checks
from cxrcore.store.records import KINDS, LONGEST_TEXT, STATUSES

SET_TABLES = ("predictions", "threshold_sets", "calibrators", "metrics", "localization")  # by prediction_id
DATA_TABLES = ("images", "label_sets", "label_set_info", "boxes")  # by dataset_id

_REQUIRED = {  # columns without NULL
    "runs": ("run_id", "name", "kind", "status", "started_at", "dataset_id", "split_scheme", "split_seed",
             "split_fingerprint", "config", "versions", "cost", "note", "archived"),
    "epochs": ("run_id", "epoch"),
    "prediction_sets": ("prediction_id", "run_id", "dataset_id", "split", "n", "n_expected", "created_at"),
    "predictions": ("prediction_id", "image_id", "scores"),
    "threshold_sets": ("set_id", "prediction_id", "name", "objective", "parameters", "thresholds", "created_at"),
    "calibrators": ("calibrator_id", "prediction_id", "method", "parameters", "created_at"),
    "metrics": ("prediction_id", "label_set", "finding", "metric"),
    "localization": ("prediction_id", "method", "image_id", "finding"),
    "datasets": ("dataset_id", "name", "kind", "findings", "label_source", "n_images", "n_patients"),
    "images": ("dataset_id", "image_id", "patient_id"),
    "label_sets": ("dataset_id", "label_set", "image_id", "labels"),
    "label_set_info": ("dataset_id", "label_set", "findings"),
    "boxes": ("dataset_id", "image_id", "finding", "x", "y", "width", "height"),
}
_SHARES = ("auroc", "ap", "f1", "recall", "precision", "specificity", "brier", "ece")  # in [0, 1]
_CONFIG = get_type_hints(TrainConfig) | {"weights_name": str, "file": str}  # kinds of what is stored with a run
_MOST = 10**9  # films or measurements; more can be counted on
_LAST_EPOCH = 1_000_000  # which the charts of a training still have an axis for
_YEARS = range(1970, 2200)  # what every reader of times can hold
_DEEPEST = 12  # levels of a stored JSON object
_FREE = ("name", "note", "author", "config", "versions", "cost", "parameters", "sex", "view")  # all others: one line
_LISTS = ("not_fitted", "unstable", "not_met")  # of a threshold set's parameters: findings
_SHA256 = 64  # hexadecimal digits


def checked(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables as the store may take them: NaN as NULL, films sorted, a run that says 'running' interrupted.

    Args:
        tables: all that belong to a run, with the store's columns and types.

    Raises:
        DataError: what does not fit, in one line.
    """
    missing = sorted(_REQUIRED.keys() - tables.keys())
    if missing:
        raise DataError(f"{missing[0]} is missing")
    found = {name: _filled(name, _without_nan(tables[name])) for name in _REQUIRED}
    if len(found["runs"]) != 1:
        raise DataError(f"there are {len(found['runs'])} runs in it, not one")
    (run,), sets = found["runs"].to_pylist(), found["prediction_sets"].to_pylist()
    _check_ids(run, sets, found)
    _check_run(run)
    _check_sets(sets)
    _check_epochs(found["epochs"])
    of_data = {}
    for row in found["datasets"].to_pylist():
        film_checks.check_data_set(row, found)
        of_data[row["dataset_id"]] = tuple(row["findings"])
    found["predictions"] = film_checks.sorted_predictions(
        found["predictions"], {row["prediction_id"]: row for row in sets}, found["images"],
        {dataset_id: len(names) for dataset_id, names in of_data.items()})
    of_set = {row["prediction_id"]: of_data[row["dataset_id"]] for row in sets}
    _check_measured(found, of_set)
    for row in found["threshold_sets"].to_pylist():
        _check_thresholds(row, of_set[row["prediction_id"]])
    for row in found["calibrators"].to_pylist():
        _check_calibrator(row, of_set[row["prediction_id"]])
    if run["status"] == "running":  # of which nothing is running here
        place = found["runs"].column_names.index("status")
        found["runs"] = found["runs"].set_column(place, "status", pa.array(["interrupted"]))
    return found


# -- columns


def _without_nan(rows: pa.Table) -> pa.Table:
    """Undefined numbers are NULL in the store; of infinite ones there are none."""
    for place, column in enumerate(rows.schema):
        if pa.types.is_floating(column.type):
            values = rows[column.name]
            if pc.any(pc.is_inf(values)).as_py():
                raise DataError(f"{column.name} holds a number that is not finite")
            rows = rows.set_column(place, column.name, pc.if_else(pc.is_nan(values), None, values))
    return rows


def _filled(name: str, rows: pa.Table) -> pa.Table:
    for column in _REQUIRED[name]:
        if rows[column].null_count:
            raise DataError(f"{name} lacks {column} in {rows[column].null_count} of {len(rows)} rows")
    for column in rows.schema:
        values = rows[column.name]
        if pa.types.is_string(column.type):
            if pc.any(pc.match_substring(values, "\0")).as_py() or (column.name not in _FREE and not all(
                    text.isprintable() for text in values.drop_null().unique().to_pylist())):
                raise DataError(f"{name}.{column.name} holds a character that cannot be shown")
            if column.name not in ("config", "parameters") and (
                    pc.max(pc.utf8_length(values)).as_py() or 0) > LONGEST_TEXT:
                raise DataError(f"{name}.{column.name} holds a text of more than {LONGEST_TEXT:,} characters")
        if pa.types.is_timestamp(column.type):
            years = set(pc.year(values).unique().to_pylist()) - {None}
            if not years <= set(_YEARS):
                raise DataError(f"{name}.{column.name} is of the year {min(years - set(_YEARS))}")
    return rows


# -- what belongs to what


def _check_ids(run: Mapping[str, Any], sets: Sequence[Mapping[str, Any]], tables: Mapping[str, pa.Table]) -> None:
    """Ids have the workbench's forms, stand once, and name nothing outside these tables."""
    run_id = ids.checked(ids.RUN, run["run_id"])
    own = {"run": {run_id}, "prediction set": _once(tables["prediction_sets"], "prediction_id", ids.PREDICTIONS),
           "data set": _once(tables["datasets"], "dataset_id", ids.DATASET)}
    _once(tables["threshold_sets"], "set_id", ids.THRESHOLDS)
    _once(tables["calibrators"], "calibrator_id", ids.CALIBRATOR)
    named = [("epochs", "run_id", "run"), ("prediction_sets", "run_id", "run"),
             ("prediction_sets", "dataset_id", "data set"), *((name, "prediction_id", "prediction set")
                                                              for name in SET_TABLES),
             *((name, "dataset_id", "data set") for name in DATA_TABLES)]
    for name, column, what in named:
        others = set(tables[name][column].unique().to_pylist()) - own[what]
        if others:
            raise DataError(f"{name} name a {what} that is not this run's: {min(others)!a:.60}")
    used = {row["dataset_id"] for row in sets} | {ids.checked(ids.DATASET, run["dataset_id"])}
    if unused := own["data set"] - used:
        raise DataError(f"data set {min(unused)} is none that this run's predictions are of")
    for set_id in tables["metrics"]["set_id"].drop_null().unique().to_pylist():  # it may be another run's
        ids.checked(ids.THRESHOLDS, set_id)


def _once(rows: pa.Table, column: str, kind: str) -> set[str]:
    found = [ids.checked(kind, one) for one in rows[column].to_pylist()]
    if len(set(found)) < len(found):
        raise DataError(f"a {kind} stands twice")
    return set(found)


# -- the run


def _check_run(run: Mapping[str, Any]) -> None:
    for column, known in (("kind", KINDS), ("status", STATUSES)):
        if run[column] not in known:
            raise DataError(f"unknown {column} of run {run[column]!a:.60}: expected one of {', '.join(known)}")
    for column in ("best_epoch", "n_parameters"):
        if (run[column] or 0) < 0:
            raise DataError(f"{column} is below 0")
    _check_config(json_object("config", run["config"]))
    json_object("versions", run["versions"])
    if not all(isinstance(value, int | float | None) for value in json_object("cost", run["cost"]).values()):
        raise DataError("cost holds something else than numbers")


def _check_config(config: Mapping[str, Any]) -> None:
    """What pages and scripts read of it has the types that they expect."""
    for key, kind in _CONFIG.items():
        value, allowed = config.get(key), {type(None), *(get_args(kind) or (kind,))}
        if type(value) not in allowed | ({int} if float in allowed else set()):
            raise DataError(f"config.{key} is of another kind: {value!a:.60}")
    columns = config.get("columns", {})
    if not isinstance(columns, dict) or not all(isinstance(value, str) for value in columns.values()):
        raise DataError("config.columns is no mapping of findings to columns")
    for key, fields in (("audit", ("name", "state", "text")), ("members", ("run_id", "name"))):
        lines = config.get(key, [])
        if not isinstance(lines, list) or not all(
                isinstance(line, dict) and all(isinstance(line.get(own), str) for own in fields) for line in lines):
            raise DataError(f"config.{key} is no list of objects with {', '.join(fields)}")


def json_object(what: str, text: str) -> dict[str, Any]:
    """A stored JSON text, which has to be an object of finite numbers, texts and not too many levels.

    Raises:
        DataError: it is another thing.
    """
    try:
        found = json.loads(text, parse_constant=float)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair can be neither shown nor kept
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f"{what} is no JSON object: {text!a:.60}")
    for value, depth in _values(found):
        if depth > _DEEPEST or (isinstance(value, int | float) and not abs(value) <= sys.float_info.max):
            raise DataError(f"{what} holds a number that is not finite, or more than {_DEEPEST} levels")
        if isinstance(value, str) and "\0" in value:
            raise DataError(f"{what} holds a character that is none")
    return found


def _values(found: Any) -> Iterator[tuple[Any, int]]:
    """Every value in a JSON document, keys too, with its level."""
    stack = [(found, 0)]
    while stack:
        value, depth = stack.pop()
        yield value, depth
        if isinstance(value, dict):
            stack += [(key, depth) for key in value]
        if isinstance(value, dict | list):
            stack += [(inner, depth + 1) for inner in (value.values() if isinstance(value, dict) else value)]


def _check_epochs(epochs: pa.Table) -> None:
    numbers = epochs["epoch"].to_pylist()
    if len(set(numbers)) < len(numbers) or min(numbers, default=1) < 1 or max(numbers, default=1) > _LAST_EPOCH:
        raise DataError(f"an epoch stands twice, or is not between 1 and {_LAST_EPOCH:,}")


def _check_sets(sets: Sequence[Mapping[str, Any]]) -> None:
    for row in sets:
        ids.checked(ids.SPLIT, row["split"])
        if row["checkpoint"] is not None:
            ids.checked(ids.FILE, row["checkpoint"])
        digest = row["checkpoint_sha256"]
        if digest is not None and (len(digest) != _SHA256 or set(digest) - set("0123456789abcdef")):
            raise DataError(f"checkpoint_sha256 is no SHA-256: {digest!a:.60}")


# -- what was measured


def _check_measured(tables: Mapping[str, pa.Table], of_set: Mapping[str, tuple[str, ...]]) -> None:
    """`of_set`: {prediction_id: findings of its data set}."""
    data_sets = dict(zip(*(tables["prediction_sets"][column].to_pylist() for column in (
        "prediction_id", "dataset_id")), strict=True))
    read = {(row["dataset_id"], row["label_set"]): {*row["findings"], *MEANS}
            for row in tables["label_set_info"].to_pylist()}
    for row in tables["localization"].group_by(["prediction_id", "finding"]).aggregate([]).to_pylist():
        if row["finding"] not in of_set[row["prediction_id"]]:
            raise DataError(f"localization name an unknown finding: {row['finding']!a:.60}")
    for row in tables["metrics"].group_by(["prediction_id", "label_set", "finding"]).aggregate([]).to_pylist():
        known = read.get((data_sets[row["prediction_id"]], row["label_set"]))
        if known is None:
            raise DataError(f"metrics name labels that are not there: {row['label_set']!a:.60}")
        if row["finding"] not in known:
            raise DataError(f"metrics name an unknown finding: {row['finding']!a:.60}")
    film_checks.require_films("localization", tables["localization"]["image_id"], tables["images"]["image_id"])
    _check_values(tables)


def _check_values(tables: Mapping[str, pa.Table]) -> None:
    metrics = tables["metrics"]
    counts = [(metrics, "n"), (metrics, "n_positive"), *((tables[name], "measurement") for name in (
        "metrics", "localization") if "measurement" in tables[name].column_names)]
    for rows, column in counts:
        if (pc.min(rows[column]).as_py() or 0) < 0 or (pc.max(rows[column]).as_py() or 0) > _MOST:
            raise DataError(f"{column} is not between 0 and {_MOST:,}")
    for metric in metrics["metric"].unique().to_pylist():
        if not (metric.isascii() and metric.isidentifier()):
            raise DataError(f"metrics name no measure: {metric!a:.60}")
    values = metrics.filter(pc.is_in(metrics["metric"], value_set=pa.array(_SHARES)))["value"]
    if (pc.min(values).as_py() or 0) < 0 or (pc.max(values).as_py() or 0) > 1:
        raise DataError("a metric is outside [0, 1]")


def _check_thresholds(row: Mapping[str, Any], findings: Sequence[str]) -> None:
    values = row["thresholds"]
    if len(values) != len(findings):
        raise DataError(f"thresholds are not {len(findings)} a row")
    if not all(value is not None and 0 <= value <= UNREACHED for value in values):
        raise DataError("a threshold is missing, or outside [0, 1]")
    parameters = json_object("parameters of a threshold set", row["parameters"])
    for key in _LISTS:
        if not isinstance(parameters.get(key, []), list) or set(map(str, parameters.get(key, []))) - set(findings):
            raise DataError(f"{key} of a threshold set is no list of findings")
    kept = promise_of(parameters)
    if kept is not None and set(kept.findings) - set(findings):
        raise DataError(f"a promise of an unknown finding: {min(set(kept.findings) - set(findings))!a:.60}")


def _check_calibrator(row: Mapping[str, Any], findings: Sequence[str]) -> None:
    """As `calibration.Calibrator` reads it."""
    maps = json_object("parameters of a calibrator", row["parameters"])
    wanted = {"platt": ("scale", "bias"), "isotonic": ("x", "y")}.get(row["method"])
    if wanted is None or not maps.keys() <= set(findings):
        raise DataError(f"a calibrator of an unknown method or finding: {row['method']!a:.60}")
    is_map = _are_numbers if row["method"] == "platt" else _is_staircase
    for own in maps.values():
        if not isinstance(own, dict) or own.keys() != set(wanted) or not is_map(*(own[one] for one in wanted)):
            raise DataError(f"a calibrator's map is not {' and '.join(wanted)}")


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)


def _is_staircase(first: Any, second: Any) -> bool:
    """Its corners: x ascending, y in [0, 1]."""
    if not (isinstance(first, list) and isinstance(second, list) and 1 <= len(first) == len(second)
            and _are_numbers(*first, *second)):
        return False
    x, y = np.array(first, np.float64), np.array(second, np.float64)
    return bool((np.diff(x) >= 0).all() and ((y >= 0) & (y <= 1)).all())
