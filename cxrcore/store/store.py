"""The results store: runs, epochs, predictions, thresholds and metrics in one DuckDB file.

The only module (with its lower parts `storebulk`, `storetransfer`, `storefile`, `schema` and `gate`) that knows
DuckDB. Every method opens the file, does one transaction and closes it, so that trainings and dashboards share a
store. Frames have the columns of `schema`; undefined numbers are NULL in the file and NaN outside. Knows nothing of
torch, Streamlit or Plotly.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxrcore import __version__, ids
from cxrcore.data.files import own_folders
from cxrcore.errors import RunError, StoreError
from cxrcore.findings import N_FINDINGS
from cxrcore.store.file import nan_to_null, new_id, require
from cxrcore.store.films_and_scores import BulkTables
from cxrcore.store.records import KINDS, STATUSES, EpochRecord, require_short
from cxrcore.store.whole_runs import OF_RUN, RUN_TABLES, SET_TABLES, TransferTables

METRIC_COLUMNS = ("finding", "metric", "set_id", "value", "low", "high", "n_positive", "n", "method")
LOCALIZATION_COLUMNS = ("method", "image_id", "finding", "hit", "iou", "iobb", "energy")

# Rows are added by every measurement and replaced by none: its number within the prediction set tells the newest. Rows
# of one measurement are one transaction's, so only two of the same key in one call are told apart by their place.
_NEXT = "(SELECT coalesce(max(measurement), 0) + 1 FROM {} WHERE prediction_id = ?)"
_NEWEST = "row_number() OVER (PARTITION BY {} ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1"
_METRICS = (f"(SELECT * EXCLUDE (measurement) FROM metrics WHERE {{}} "
            f"QUALIFY {_NEWEST.format('prediction_id, label_set, finding, metric, set_id')})")
# Which set of a run's split stands for it: measured before unmeasured, complete before subsets, best before last.
_CHOSEN = """QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY
    prediction_id IN (SELECT prediction_id FROM metrics) DESC, n = n_expected DESC,
    coalesce(checkpoint, '') = 'model_last.pth', created_at DESC, prediction_id DESC) = 1"""


class Store(BulkTables, TransferTables):
    """A results store.

    What belongs to its runs lies beside the file: `<run_id>/` with the checkpoints, `prepared/` and `cache/`.
    """

    def run_folder(self, run_id: str) -> Path:
        """Where the run's checkpoints and progress file lie: right beside the store, wherever an id comes from.

        Raises:
            DataError: an id that this workbench does not make, such as one that leads elsewhere.
        """
        return self.path.parent / ids.checked(ids.RUN, run_id)

    def run_file(self, run_id: str, name: str) -> Path | None:
        """A file of the run's folder, where there is one."""
        if not ids.is_one(ids.RUN, run_id):  # as earlier versions let in: it has no folder
            return None
        path = self.run_folder(run_id) / name
        return path if path.exists() else None

    # -- runs

    def create_run(
        self,
        config: Mapping[str, Any],
        dataset_id: str,
        kind: str = "trained",
        *,
        split: tuple[str, int, str] = ("given", 0, ""),
        versions: Mapping[str, str] | None = None,
        git_commit: str | None = None,
        n_parameters: int | None = None,
        note: str = "",
    ) -> str:
        """Begin a run, with status 'running'.

        Args:
            config: kept verbatim as JSON; `name` and `arch` become columns.
            split: scheme, seed and fingerprint.

        Returns:
            run_id: time of the start and a short random part, so that ids sort by age.
        """
        if kind not in KINDS:
            raise StoreError(f"unknown kind of run '{kind}': expected one of {', '.join(KINDS)}")
        require_short(config.get("name"), note)
        run_id = new_id()
        with self._write() as con:
            con.execute(
                """INSERT INTO runs VALUES (?, ?, ?, ?, 'running', now(), NULL, ?, ?, ?, ?, ?, ?, '{}', ?, NULL, ?, ?,
                   false)""",
                [run_id, config.get("name") or "", config.get("arch"), kind, dataset_id, *split, json.dumps(config),
                 json.dumps(versions or {}), git_commit, n_parameters, note],
            )
        return run_id

    def log_epoch(self, run_id: str, record: EpochRecord) -> None:
        """Append one epoch; the same epoch logged again (after a resume) changes nothing."""
        row = dataclasses.astuple(record)
        with self._write() as con:
            require(con, run_id=run_id)
            con.execute(
                """INSERT INTO epochs SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?
                   WHERE NOT EXISTS (SELECT 1 FROM epochs WHERE run_id = ? AND epoch = ?)""",
                [run_id, *(None if value != value else value for value in row), run_id, record.epoch],
            )

    def finish_run(
        self, run_id: str, status: str, *, best_epoch: int | None = None, cost: Mapping[str, Any] | None = None
    ) -> None:
        """Set how the run ended ('running' again for one that is resumed)."""
        if status not in STATUSES:
            raise StoreError(f"unknown status '{status}': expected one of {', '.join(STATUSES)}")
        with self._write() as con:
            require(con, run_id=run_id)
            con.execute(
                """UPDATE runs SET status = $status, best_epoch = coalesce($best, best_epoch),
                   finished_at = CASE WHEN $status = 'running' THEN NULL ELSE now() END,
                   cost = coalesce($cost, cost) WHERE run_id = $run""",
                {"status": status, "best": best_epoch, "cost": json.dumps(cost) if cost else None, "run": run_id},
            )

    def edit_run(
        self, run_id: str, *, name: str | None = None, note: str | None = None, archived: bool | None = None
    ) -> None:
        """Rename, annotate, archive or bring back; what is None stays."""
        require_short(name, note)
        with self._write() as con:
            require(con, run_id=run_id)
            con.execute("""UPDATE runs SET name = coalesce(?, name), note = coalesce(?, note),
                           archived = coalesce(?, archived) WHERE run_id = ?""", [name, note, archived, run_id])

    def delete_run(self, run_id: str) -> None:
        """Delete the run with all that was measured on it, and its folder.

        A run whose id this workbench does not make, as earlier versions took over from run folders, has none.
        """
        with self._write() as con:
            require(con, run_id=run_id)
            for table in SET_TABLES:  # not what another run holds too, as earlier versions let in
                con.execute(f"DELETE FROM {table} WHERE {OF_RUN} AND prediction_id NOT IN "
                            "(SELECT prediction_id FROM prediction_sets WHERE run_id <> ?)", [run_id, run_id])
            for table in RUN_TABLES:
                con.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])
        if ids.is_one(ids.RUN, run_id):
            own_folders.remove(self.path.parent, run_id)

    def runs(self) -> pd.DataFrame:
        """All runs, newest first; config, versions and cost are JSON texts."""
        return self._frame("SELECT * FROM runs ORDER BY started_at DESC, run_id DESC")

    def run(self, run_id: str) -> dict[str, Any]:
        """One run as a dictionary, with config, versions and cost parsed.

        Raises:
            RunError: no such run.
        """
        rows = self._frame("SELECT * FROM runs WHERE run_id = ?", [run_id])
        if rows.empty:
            raise RunError(f"no run '{run_id}' in {self.path}")
        row = rows.iloc[0].to_dict()
        return row | {key: json.loads(row[key]) for key in ("config", "versions", "cost")}

    def epochs(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Epochs of these runs, in order."""
        return self._frame("SELECT * FROM epochs WHERE list_contains(?, run_id) ORDER BY run_id, epoch",
                           [list(run_ids)])

    # -- what is measured on predictions

    def save_metrics(self, prediction_id: str, metrics: pd.DataFrame, label_set: str = "csv") -> None:
        """Append metrics measured on a prediction set; columns `METRIC_COLUMNS`."""
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            con.register("new_rows", nan_to_null(metrics[list(METRIC_COLUMNS)]))
            con.execute(f"INSERT INTO metrics SELECT ?, ?, *, ?, {_NEXT.format('metrics')} FROM new_rows",
                        [prediction_id, label_set, __version__, prediction_id])

    def metrics(self, prediction_ids: Sequence[str]) -> pd.DataFrame:
        """The newest metrics of these prediction sets, with the name of the threshold set (or None) as `threshold_set`.

        One row a prediction set, label set, finding, metric and threshold set, in their order.
        """
        return self._frame(f"""
            SELECT m.*, t.name AS threshold_set FROM {_METRICS.format("list_contains(?, prediction_id)")} m
            LEFT JOIN threshold_sets t USING (set_id)
            ORDER BY m.prediction_id, label_set, metric, set_id, finding""", [list(prediction_ids)])

    def save_threshold_set(
        self,
        prediction_id: str,
        name: str,
        objective: str,
        thresholds: np.ndarray,
        *,
        parameters: Mapping[str, Any] | None = None,
        author: str = "",
        note: str = "",
    ) -> str:
        """Save one threshold per finding, with the predictions they were fitted on; returns set_id.

        Raises:
            StoreError: not 14 numbers.
        """
        if np.shape(thresholds) != (N_FINDINGS,):
            raise StoreError(f"a threshold set needs {N_FINDINGS} thresholds, got shape {np.shape(thresholds)}")
        if np.isnan(thresholds).any():  # would come back as 0
            raise StoreError("a threshold set needs a threshold for every finding, got NaN")
        set_id = new_id()
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            con.execute("INSERT INTO threshold_sets VALUES (?, ?, ?, ?, ?, ?, ?, ?, now())",
                        [set_id, prediction_id, name, objective, json.dumps(parameters or {}),
                         [float(t) for t in thresholds], author, note])
        return set_id

    def threshold_sets(self, run_id: str) -> pd.DataFrame:
        """The sets that were fitted on any predictions of the run, newest first."""
        return self._frame(f"SELECT * FROM threshold_sets WHERE {OF_RUN} ORDER BY created_at DESC, set_id DESC",
                           [run_id])

    def save_calibrator(self, prediction_id: str, method: str, parameters: Mapping[str, Any]) -> str:
        """Save a calibrator with the predictions it was fitted on; returns calibrator_id.

        Args:
            method, parameters: `method` and `maps` of a `calibration.Calibrator`.
        """
        calibrator_id = new_id()
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            con.execute("INSERT INTO calibrators VALUES (?, ?, ?, ?, now())",
                        [calibrator_id, prediction_id, method, json.dumps(parameters)])
        return calibrator_id

    def calibrators(self, prediction_id: str) -> pd.DataFrame:
        """The calibrators that were fitted on these predictions, newest first; parameters are JSON texts."""
        return self._frame("SELECT * FROM calibrators WHERE prediction_id = ? "
                           "ORDER BY created_at DESC, calibrator_id DESC", [prediction_id])

    def save_localization(self, prediction_id: str, rows: pd.DataFrame) -> None:
        """Append how well maps hit boxes; columns `LOCALIZATION_COLUMNS`."""
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            con.register("new_rows", nan_to_null(rows[list(LOCALIZATION_COLUMNS)]))
            con.execute(f"INSERT INTO localization SELECT ?, *, {_NEXT.format('localization')} FROM new_rows",
                        [prediction_id, prediction_id])

    def localization(self, prediction_ids: Sequence[str]) -> pd.DataFrame:
        """How well maps hit boxes, with prediction_id; the newest measurement of each film, finding and method.

        In the order of prediction_id, method, image_id and finding.
        """
        return self._frame(f"""
            SELECT * EXCLUDE (measurement) FROM localization WHERE list_contains(?, prediction_id)
            QUALIFY {_NEWEST.format("prediction_id, method, image_id, finding")}
            ORDER BY prediction_id, method, image_id, finding""", [list(prediction_ids)])

    def chosen_set(self, run_id: str, split: str, checkpoint_sha256: str | None = None) -> str | None:
        """The prediction_id that stands for a run's split, as on the leaderboard; None where there is none.

        Args:
            checkpoint_sha256: only predictions of this checkpoint.
        """
        rows = self._frame(f"""SELECT prediction_id FROM prediction_sets WHERE run_id = ? AND split = ?
                               AND (? IS NULL OR checkpoint_sha256 = ?) {_CHOSEN} ORDER BY prediction_id""",
                           [run_id, split, checkpoint_sha256, checkpoint_sha256])
        return None if rows.empty else rows["prediction_id"].iloc[0]

    def leaderboard(self) -> pd.DataFrame:
        """One row a (run, split): the newest set that has been measured, with its macro metrics.

        Complete sets come before subsets, and a run's best checkpoint before its last. F1 stands at thresholds that
        were fitted on the run's own predictions, on those that stand for its val where these were measured at them.

        Columns: run_id, split, prediction_id, n (films that were measured, where the set was: those with a label and a
        score of some finding), n_expected, checkpoint, auroc, ap, f1, f1_fitted_on (split whose scores gave the max-F1
        thresholds), n_defined (findings inside the macro mean).
        """
        shown = _METRICS.format("label_set = 'csv' AND metric IN ('auroc', 'ap', 'f1')")
        of_own_set = "metric = 'f1' AND finding = 'macro' AND t.objective = 'max_f1' AND fitted.run_id = s.run_id"
        order = "row(fitted.prediction_id = val.prediction_id, fitted.split = 'val', t.created_at, t.set_id)"
        return self._frame(f"""
            WITH newest AS (SELECT * FROM prediction_sets {_CHOSEN})
            SELECT s.run_id, s.split, s.prediction_id,
                least(max(m.n) FILTER (metric = 'auroc' AND finding = 'macro'), s.n) AS n, s.n_expected, s.checkpoint,
                max(value) FILTER (metric = 'auroc' AND finding = 'macro') AS auroc,
                max(value) FILTER (metric = 'ap' AND finding = 'macro') AS ap,
                arg_max(value, {order}) FILTER ({of_own_set}) AS f1,
                arg_max(fitted.split, {order}) FILTER ({of_own_set}) AS f1_fitted_on,
                count(value) FILTER (metric = 'auroc' AND finding NOT IN ('macro', 'micro')) AS n_defined
            FROM newest s LEFT JOIN {shown} m USING (prediction_id)
            LEFT JOIN threshold_sets t USING (set_id)
            LEFT JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id
            LEFT JOIN newest val ON val.run_id = s.run_id AND val.split = 'val'
            GROUP BY s.run_id, s.split, s.prediction_id, s.n, s.n_expected, s.checkpoint
            ORDER BY s.run_id DESC, s.split""")
