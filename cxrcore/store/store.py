"""The results store: runs, epochs, predictions, thresholds and metrics, in one DuckDB file or in a team's database.

The only module (with its lower parts) that knows of databases. Every method is one transaction, and no connection is
kept: a file is opened for it and closed, so that trainings and dashboards share a store. Frames have the columns of
`schema`; undefined numbers are NULL in the store and NaN outside. Knows nothing of torch, Streamlit or Plotly.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxrcore import ids
from cxrcore.data.files import own_folders
from cxrcore.errors import RunError, StoreError
from cxrcore.store.file import OF_RUN, new_id, require
from cxrcore.store.films_and_scores import FilmsAndScores
from cxrcore.store.measurements import Measurements
from cxrcore.store.records import KINDS, STATUSES, EpochRecord, require_short
from cxrcore.store.turns import one_row
from cxrcore.store.whole_runs import RUN_TABLES, SET_TABLES, WholeRuns


class Store(FilmsAndScores, Measurements, WholeRuns):
    """A results store.

    What belongs to its runs lies beside the file, or in the team's shared folder: `<run_id>/` with the checkpoints,
    `prepared/` and `cache/`.
    """

    def run_folder(self, run_id: str) -> Path:
        """Where the run's checkpoints and progress file lie: right beside the store, wherever an id comes from.

        Raises:
            DataError: an id that this workbench does not make, such as one that leads elsewhere.
        """
        return self.folder / ids.checked(ids.RUN, run_id)

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
        self.log_epochs(run_id, [record])

    def log_epochs(self, run_id: str, records: Sequence[EpochRecord]) -> None:
        """Append epochs, all or none of them; those that are there already stay as they are."""
        with self._write() as con:
            require(con, run_id=run_id)
            for record in records:
                row = [None if value != value else value for value in dataclasses.astuple(record)]
                con.execute("""INSERT INTO epochs SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?
                               WHERE NOT EXISTS (SELECT 1 FROM epochs WHERE run_id = ? AND epoch = ?)""",
                            [run_id, *row, run_id, record.epoch])

    def finish_run(
        self, run_id: str, status: str, *, best_epoch: int | None = None, cost: Mapping[str, Any] | None = None
    ) -> None:
        """Set how the run ended ('running' again for one that is resumed)."""
        if status not in STATUSES:
            raise StoreError(f"unknown status '{status}': expected one of {', '.join(STATUSES)}")
        with self._write() as con:
            require(con, run_id=run_id)
            con.execute(
                """UPDATE runs SET status = ?, best_epoch = coalesce(?, best_epoch),
                   finished_at = CASE WHEN ? = 'running' THEN NULL ELSE now() END,
                   cost = coalesce(?, cost) WHERE run_id = ?""",
                [status, best_epoch, status, json.dumps(cost) if cost else None, run_id],
            )

    def change_config(self, run_id: str, changed: Mapping[str, Any]) -> None:
        """Keep settings of a run that goes on with others than it began with."""
        with self._write() as con:
            require(con, run_id=run_id)
            (text,) = one_row(con.execute("SELECT config FROM runs WHERE run_id = ?", [run_id]))
            con.execute("UPDATE runs SET config = ? WHERE run_id = ?", [json.dumps(json.loads(text) | dict(changed)),
                                                                       run_id])

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
            for table in (*SET_TABLES, *con.kept):  # not what another run holds too, as earlier versions let in
                con.execute(f"DELETE FROM {table} WHERE {OF_RUN} AND prediction_id NOT IN "
                            "(SELECT prediction_id FROM prediction_sets WHERE run_id <> ?)", [run_id, run_id])
            for table in RUN_TABLES:
                con.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])
        if ids.is_one(ids.RUN, run_id):
            own_folders.remove(self.folder, run_id)

    def runs(self) -> pd.DataFrame:
        """All runs, newest first; config, versions and cost are JSON texts."""
        return self._frame("SELECT * FROM runs ORDER BY started_at DESC NULLS LAST, run_id DESC")

    def run(self, run_id: str) -> dict[str, Any]:
        """One run as a dictionary, with config, versions and cost parsed; None for what is not known.

        Raises:
            RunError: no such run.
        """
        with self._read() as session:
            rows = session.execute("SELECT * FROM runs WHERE run_id = ?", [run_id]).to_arrow_table().to_pylist()
        if not rows:
            raise RunError(f"no run '{run_id}' in {self.key}")
        return rows[0] | {key: json.loads(rows[0][key]) for key in ("config", "versions", "cost")}

    def epochs(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Epochs of these runs, in order."""
        return self._frame("SELECT * FROM epochs WHERE run_id = ANY(?) ORDER BY run_id, epoch", [list(run_ids)])

    def validation_curves(self) -> dict[str, list[float]]:
        """{run_id: macro AUROC on validation after each epoch that has one}, of all runs with such an epoch."""
        with self._read() as session:
            return dict(session.execute(
                "SELECT run_id, array_agg(val_macro_auroc ORDER BY epoch) AS curve FROM epochs "
                "WHERE val_macro_auroc IS NOT NULL GROUP BY run_id ORDER BY run_id").fetchall())
