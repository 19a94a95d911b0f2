"""A run as a folder of plain files, and back: Parquet for what is long, JSON for what people read, CSV for other tools.

    <run_id>/run.json           the run, its prediction sets, epochs, threshold sets, calibrators, the lists of findings
             predictions.parquet  a row a film and prediction set, a column a finding, float32
             films.parquet, labels.parquet, boxes.parquet  the data set, with every set of labels of its films
             metrics.parquet, localization.parquet         what was measured
             test.csv, val.csv  the newest complete scores of each part beside the labels, for other tools
             thresholds/        each threshold set as a file that the board and scripts/eval.py read

Where the run has films of several lists, or labels of others, predictions.parquet and labels.parquet have a column for
each finding of all lists; a row has numbers under the findings of its own, which run.json names.
Everything but the checkpoints is there, so a store that reads the folder holds the very rows. The CSVs and the
threshold files say again what stands in the others: they are not read back.
"""

import datetime as dt
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrcore import __version__, ids
from cxrcore.config import ExportConfig
from cxrcore.data.files import csv_file, own_folders
from cxrcore.errors import RunError, UsageError
from cxrcore.evaluation import hand_in
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import exported_folder
from cxrcore.import_export.exported_folder import (
    AS_JSON,
    AS_PARQUET,
    FIRST,
    FORMAT,
    FORMAT_VERSION,
    RUN,
    lists_of,
    wide,
)
from cxrcore.interrupts import raise_again
from cxrcore.store import Store, audit_marks, run_thresholds, threshold_file
from cxrcore.store.whole_run_tables import ids_of, label_digests

_LOG = logging.getLogger(__name__)  # scripts print what it says


def export_all(config: ExportConfig) -> list[Path]:
    """Export the run that is asked for, or all; says and returns their folders.

    Raises:
        RunError: no such run.
        UsageError: a store without runs, or a folder that cannot be written.
    """
    store = hand_in.opened(config.store)
    run_ids = [config.run] if config.run else list(store.runs()["run_id"])
    if not run_ids:
        raise UsageError(f"the store {store.key} holds no runs to export")
    written = []
    for run_id in run_ids:
        raise_again()
        if not config.run and not ids.is_one(ids.RUN, run_id):  # as earlier versions took over from run folders
            _LOG.info(f"left out: run {run_id!a}, whose id this workbench does not make")
            continue
        written.append(export(store, run_id, Path(config.out)))
        _LOG.info(f"written: {written[-1]}")
        if marks := audit_marks.of_config(store.run(run_id)["config"]):
            _LOG.info(f"  warned at import: {audit_marks.in_words(marks)}")
    return written


def export(store: Store, run_id: str, out: Path) -> Path:
    """Write a run's folder into `out`; what an earlier export of this run wrote there is replaced as a whole.

    Raises:
        RunError: no such run.
        DataError: an id that leads elsewhere.
        UsageError: the folder cannot be written, or holds what no export of this run wrote.
    """
    tables = store.run_tables(run_id)
    folder, partial = out / ids.checked(ids.EXPORT, run_id), out / f"{run_id}.partial"
    _require_own(folder, run_id)
    try:
        own_folders.remove(out, partial.name, ids.EXPORT_PARTIAL)
        partial.mkdir(parents=True)
        _write(tables, partial)
        _write_for_people(store, run_id, tables, partial)
        _exchange(partial, folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return folder


def _exchange(partial: Path, folder: Path) -> None:
    """The new folder in the old one's place: whenever a kill comes, what bears the run's name is whole."""
    old = folder.with_name(f"{folder.name}.old")
    if folder.exists():
        own_folders.remove(folder.parent, old.name, ids.EXPORT_OLD)
        folder.rename(old)
    partial.rename(folder)
    own_folders.remove(folder.parent, old.name, ids.EXPORT_OLD)


def _require_own(folder: Path, run_id: str) -> None:
    """UsageError unless the folder is free, or was written by an export of this very run."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if exported_folder.run_id_of(folder) != run_id or own_folders.foreign_entries(folder, ids.EXPORT):
        raise UsageError(f"{folder} holds what no export of this run wrote: nothing is replaced; choose another place "
                         "with --out")


def is_export(path: Path) -> bool:
    """Whether this is a folder that `export` wrote, or one of such folders."""
    return path.name == RUN or (path.is_dir() and bool(folders(path)))


def folders(path: Path) -> list[Path]:
    """The runs' folders at or right below a path, oldest run first."""
    if path.name == RUN:
        return [path.parent]
    return [path] if (path / RUN).exists() else sorted(found.parent for found in path.glob(f"*/{RUN}")
                                                       if found.parent.suffix not in (".partial", ".old"))


def restore(
    store: Store, folder: Path, *, as_copy: bool = False, say: Callable[[str], None] = lambda line: None
) -> str:
    """Read a run's folder into the store; returns run_id.

    Args:
        as_copy: under new ids, beside the run that may be there.
        say: hears what was left out, a line each.

    Raises:
        DataError: not such a folder, damaged, or of a newer format; nothing is written.
        RunError: the store has this run, something under one of its ids, or other labels under the name of one of its
            label sets; nothing is written.
    """
    found = exported_folder.read_run_folder(folder)
    run_id = store.restore_run(found.tables, as_copy=as_copy)
    for line in found.left_out:
        say(line)
    return run_id


def require_restorable(store: Store, folders: Sequence[Path], *, as_copy: bool = False) -> None:
    """Check all folders, as `restore` does it, before the first one is restored.

    Raises:
        DataError, RunError: as `restore`; or two of them hold the same run, parts of it, or other labels of one name.
    """
    seen: dict[str, Path] = {}
    labels: dict[tuple[str, str], tuple[str, Path]] = {}
    for folder in folders:
        tables = exported_folder.read_run_folder(folder).tables
        store.require_same_labels(tables)
        for key, digest in label_digests(tables).items():
            if labels.setdefault(key, (digest, folder))[0] != digest:
                raise RunError(f"{labels[key][1]} and {folder} hold different labels '{key[1]}': nothing was saved")
        if as_copy:
            continue
        store.require_new(tables)
        for own in {one for *_, named in ids_of(tables) for one in named}:
            if own in seen:
                raise RunError(f"{seen[own]} and {folder} hold the same run, or parts of it ({own}): nothing was saved")
            seen[own] = folder


# -- out


def _write(tables: Mapping[str, pa.Table], folder: Path) -> None:
    lists = lists_of(tables)
    plain = set(lists["label_sets"].values()) == {NIH_FINDINGS} and len(lists["label_sets"]) == len(tables["datasets"])
    head: dict[str, Any] = {"format": FORMAT, "format_version": FIRST if plain else FORMAT_VERSION,
                            "workbench_version": __version__}
    document = head | {name: tables[name].to_pylist() for name in AS_JSON}
    (folder / RUN).write_text(json.dumps(document, indent=1, default=_as_text) + "\n", encoding="utf-8")
    for name in AS_PARQUET:
        raise_again()
        pq.write_table(tables[name], folder / f"{name}.parquet")
    pq.write_table(wide("predictions", tables["predictions"], lists["predictions"]), folder / "predictions.parquet")
    pq.write_table(tables["images"], folder / "films.parquet")
    pq.write_table(wide("label_sets", tables["label_sets"], lists["label_sets"]), folder / "labels.parquet")


def _as_text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in {RUN}")


def _write_for_people(store: Store, run_id: str, tables: Mapping[str, pa.Table], folder: Path) -> None:
    sets = {row["prediction_id"]: row for row in tables["prediction_sets"].to_pylist()}
    board = store.leaderboard()
    for row in board[board["run_id"] == run_id].itertuples():
        raise_again()
        csv_file.write_csv(part_csv(store, row.prediction_id), folder / f"{_plain(row.split)}.csv")
    run = tables["runs"].to_pylist()[0]
    (folder / "thresholds").mkdir()
    for row in tables["threshold_sets"].to_pylist():
        fitted_on = sets[row["prediction_id"]]
        text = threshold_file.threshold_file_text(
            run_thresholds.file_of(run, fitted_on, row, store.findings(fitted_on["dataset_id"])))
        (folder / "thresholds" / f"{_plain(row['name'])}_{row['set_id']}.json").write_text(text, encoding="utf-8")


def part_csv(store: Store, prediction_id: str) -> pd.DataFrame:
    """Scores beside labels, a row a film; columns as the import reads them."""
    held = store.predictions(prediction_id)
    return pd.DataFrame({"Image Index": held.image_ids, "Patient ID": held.patient_ids}
                        | {f"prob_{finding}": held.scores[:, k] for k, finding in enumerate(held.findings)}
                        | {f"label_{finding}": held.labels[:, k] for k, finding in enumerate(held.findings)})


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:40] or "unnamed"

