"""A run as a folder of plain files, and back: Parquet for what is long, JSON for what people read, CSV for other tools.

    <run_id>/run.json           the run, its prediction sets, epochs, threshold sets and calibrators
             predictions.parquet  a row a film and prediction set, a column a finding, float32
             films.parquet, labels.parquet, boxes.parquet  the data set
             metrics.parquet, localization.parquet         what was measured
             test.csv, val.csv  the newest complete scores of each part beside the labels, for other tools
             thresholds/        each threshold set as a file that the board and scripts/eval.py read

Everything but the checkpoints is there, so a store that reads the folder holds the very rows. The CSVs and the
threshold files say again what stands in the others: they are not read back.
"""

import datetime
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrcore import __version__, thresholdfile
from cxrcore.config import ExportConfig, default_store
from cxrcore.errors import DataError, UsageError
from cxrcore.findings import FINDINGS, N_FINDINGS
from cxrcore.store import Store
from cxrcore.thresholdfile import ThresholdFile

FORMAT, FORMAT_VERSION = "chest x-ray workbench run", 1
RUN = "run.json"
_AS_JSON = ("runs", "prediction_sets", "epochs", "threshold_sets", "calibrators", "datasets")
_AS_PARQUET = ("metrics", "localization", "boxes")


def export_all(config: ExportConfig) -> list[Path]:
    """Export the run that is asked for, or all; prints and returns their folders.

    Raises:
        RunError: no such run.
        UsageError: a store without runs, or a folder that cannot be written.
    """
    store = Store(config.store or default_store())
    run_ids = [config.run] if config.run else list(store.runs()["run_id"])
    if not run_ids:
        raise UsageError(f"the store {store.path} holds no runs to export")
    written = []
    for run_id in run_ids:
        written.append(export(store, run_id, Path(config.out)))
        print(f"written: {written[-1]}")
    return written


def export(store: Store, run_id: str, out: Path) -> Path:
    """Write a run's folder into `out`; one that is there is replaced as a whole.

    Raises:
        RunError: no such run.
        UsageError: the folder cannot be written.
    """
    tables = store.run_tables(run_id)
    folder, partial = out / run_id, out / f"{run_id}.partial"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(tables, partial)
        _write_for_people(store, run_id, tables, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return folder


def is_export(path: Path) -> bool:
    """Whether this is a folder that `export` wrote, or one of such folders."""
    return path.name == RUN or (path.is_dir() and bool(folders(path)))


def folders(path: Path) -> list[Path]:
    """The runs' folders at or right below a path, oldest run first."""
    if path.name == RUN:
        return [path.parent]
    return [path] if (path / RUN).exists() else sorted(found.parent for found in path.glob(f"*/{RUN}")
                                                       if found.parent.suffix != ".partial")


def restore(store: Store, folder: Path) -> str:
    """Read a run's folder into the store; returns run_id.

    Raises:
        DataError: not such a folder, damaged, or of a newer format.
        RunError: the store has this run.
    """
    try:
        document = json.loads((folder / RUN).read_text(encoding="utf-8"))
        if document.get("format") != FORMAT:
            raise DataError(f"{folder / RUN} is not an exported run")
        if document["format_version"] > FORMAT_VERSION:
            raise DataError(f"{folder} was written by a newer version of the workbench: update this one")
        tables = {name: _from_json(document[name]) for name in _AS_JSON}
        for name in _AS_PARQUET:
            tables[name] = pq.read_table(folder / f"{name}.parquet")
        tables |= _films_in(folder) | {"predictions": _predictions_in(folder)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise DataError(f"{folder} cannot be read as an exported run: {' '.join(str(error).split())[:200]}") from None
    return store.restore_run({name: _typed(name, rows) for name, rows in tables.items()})


# -- out


def _write(tables: Mapping[str, pa.Table], folder: Path) -> None:
    head: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION, "workbench_version": __version__}
    document = head | {name: tables[name].to_pylist() for name in _AS_JSON}
    (folder / RUN).write_text(json.dumps(document, indent=1, default=_as_text) + "\n", encoding="utf-8")
    for name in _AS_PARQUET:
        pq.write_table(tables[name], folder / f"{name}.parquet")
    pq.write_table(_wide(tables["predictions"], "scores"), folder / "predictions.parquet")
    pq.write_table(tables["images"], folder / "films.parquet")
    pq.write_table(_wide(tables["label_sets"], "labels"), folder / "labels.parquet")


def _as_text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in {RUN}")


def _wide(rows: pa.Table, column: str) -> pa.Table:
    """A list column as a column a finding."""
    values = rows[column].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, N_FINDINGS)
    wide = rows.drop_columns([column])
    for finding, own in zip(FINDINGS, values.T, strict=True):
        wide = wide.append_column(finding, pa.array(np.ascontiguousarray(own)))
    return wide


def _write_for_people(store: Store, run_id: str, tables: Mapping[str, pa.Table], folder: Path) -> None:
    sets = {row["prediction_id"]: row for row in tables["prediction_sets"].to_pylist()}
    board = store.leaderboard()
    for row in board[board["run_id"] == run_id].itertuples():
        part_csv(store, row.prediction_id).to_csv(folder / f"{_plain(row.split)}.csv", index=False)
    run = tables["runs"].to_pylist()[0]
    (folder / "thresholds").mkdir()
    for row in tables["threshold_sets"].to_pylist():
        text = thresholdfile.dumps(_threshold_file(run, sets[row["prediction_id"]], row))
        (folder / "thresholds" / f"{_plain(row['name'])}_{row['set_id']}.json").write_text(text, encoding="utf-8")


def part_csv(store: Store, prediction_id: str) -> pd.DataFrame:
    """Scores beside labels, a row a film; columns as the import reads them."""
    held = store.predictions(prediction_id)
    return pd.DataFrame({"Image Index": held.image_ids, "Patient ID": held.patient_ids}
                        | {f"prob_{finding}": held.scores[:, k] for k, finding in enumerate(FINDINGS)}
                        | {f"label_{finding}": held.labels[:, k] for k, finding in enumerate(FINDINGS)})


def _threshold_file(run: Mapping[str, Any], fitted_on: Mapping[str, Any], row: Mapping[str, Any]) -> ThresholdFile:
    return ThresholdFile(
        np.array(row["thresholds"]), row["name"], row["objective"], json.loads(row["parameters"]), run["run_id"],
        run["name"], run["architecture"], fitted_on["checkpoint"], fitted_on["checkpoint_sha256"],
        fitted_on["dataset_id"], run["split_scheme"], run["split_fingerprint"], fitted_on["split"],
        row["prediction_id"], row["author"], row["note"], row["created_at"].isoformat())


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:40] or "unnamed"


# -- back in


def _from_json(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


def _films_in(folder: Path) -> dict[str, pa.Table]:
    return {"images": pq.read_table(folder / "films.parquet"),
            "label_sets": _narrow(pq.read_table(folder / "labels.parquet"), "labels")}


def _predictions_in(folder: Path) -> pa.Table:
    return _narrow(pq.read_table(folder / "predictions.parquet"), "scores")


def _narrow(rows: pa.Table, column: str) -> pa.Table:
    """What `_wide` made, back."""
    values = np.column_stack([rows[finding].to_numpy() for finding in FINDINGS]).astype(np.float32)
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * N_FINDINGS)
    lists = pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))
    return rows.drop_columns(list(FINDINGS)).append_column(column, lists)


def _typed(name: str, rows: pa.Table) -> pa.Table:
    """Empty tables need their columns of ids; the store fills the rest."""
    missing = [column for column in ("prediction_id", "run_id", "dataset_id") if column not in rows.column_names]
    for column in missing if not len(rows) else []:
        rows = rows.append_column(column, pa.array([], pa.string()))
    return rows
