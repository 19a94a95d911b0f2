"""What is measured on predictions: metrics, threshold sets, calibrators, maps on boxes; and the leaderboard of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrcore import __version__
from cxrcore.errors import StoreError
from cxrcore.store.backends.base import StoreBase
from cxrcore.store.file import OF_RUN, nan_to_null, new_id, require, to_frame
from cxrcore.store.turns import one_row

METRIC_COLUMNS = ("finding", "metric", "set_id", "value", "low", "high", "n_positive", "n", "method")
LOCALIZATION_COLUMNS = ("method", "image_id", "finding", "hit", "iou", "iobb", "energy")

# A measurement's number within its prediction set, by which the newest is told.
_NEXT = "SELECT coalesce(max(measurement), 0) + 1 FROM {} WHERE prediction_id = ?"


class Measurements(StoreBase):
    """The half of `Store` that holds measurements: rows are added by each, and the newest are read."""

    def save_metrics(self, prediction_id: str, metrics: pd.DataFrame, label_set: str = "csv") -> None:
        """Append metrics measured on a prediction set; columns `METRIC_COLUMNS`.

        Raises:
            StoreError: no such predictions, or no such label set of their films, as where it was deleted meanwhile.
        """
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            if not con.execute("SELECT 1 FROM label_set_info JOIN prediction_sets USING (dataset_id) WHERE "
                               "prediction_id = ? AND label_set = ?", [prediction_id, label_set]).fetchone():
                raise StoreError(f"there is no label set '{label_set}' that the films of {prediction_id} were read in")
            (number,) = one_row(con.execute(_NEXT.format("metrics"), [prediction_id]))
            con.insert("metrics", nan_to_null(metrics[list(METRIC_COLUMNS)]), prediction_id=prediction_id,
                       label_set=label_set, code_version=__version__, measurement=number)

    def metrics(self, prediction_ids: Sequence[str]) -> pd.DataFrame:
        """The newest metrics of these prediction sets, with the name of the threshold set, if any, as `threshold_set`.

        One row a prediction set, label set, finding, metric and threshold set, in their order.
        """
        with self._read() as con:
            return to_frame(con.metrics(prediction_ids))

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
            StoreError: not as many numbers as the predictions have findings, or not numbers.
        """
        if np.isnan(thresholds).any():  # would come back as 0
            raise StoreError("a threshold set needs a threshold for every finding, got NaN")
        set_id = new_id()
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            (names,) = one_row(con.execute("SELECT findings FROM datasets JOIN prediction_sets USING (dataset_id) "
                                           "WHERE prediction_id = ?", [prediction_id]))
            if np.shape(thresholds) != (len(names),):
                raise StoreError(f"a threshold set needs {len(names)} thresholds, got shape {np.shape(thresholds)}")
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
            (number,) = one_row(con.execute(_NEXT.format("localization"), [prediction_id]))
            con.insert("localization", nan_to_null(rows[list(LOCALIZATION_COLUMNS)]), prediction_id=prediction_id,
                       measurement=number)

    def localization(self, prediction_ids: Sequence[str]) -> pd.DataFrame:
        """How well maps hit boxes, with prediction_id; the newest measurement of each film, finding and method.

        In the order of prediction_id, method, image_id and finding.
        """
        with self._read() as con:
            return to_frame(con.localization(prediction_ids))

    def chosen_set(self, run_id: str, split: str, checkpoint_sha256: str | None = None) -> str | None:
        """The prediction_id that stands for a run's split, as on the leaderboard; None where there is none.

        Args:
            checkpoint_sha256: only predictions of this checkpoint.
        """
        with self._read() as con:
            found = con.chosen_set(run_id, split, checkpoint_sha256).fetchone()
        return None if found is None else found[0]

    def leaderboard(self) -> pd.DataFrame:
        """One row a (run, split): the newest set that has been measured, with its macro metrics.

        Complete sets come before subsets, a run's best checkpoint before its last, and scores of a film alone before
        means over views of it. F1 stands at thresholds that were fitted on the run's own predictions, on those that
        stand for its val where these were measured at them.

        Columns: run_id, split, prediction_id, dataset_id (of the films), n (films that were measured, where the set
        was: those with a label and a score of some finding), n_expected, checkpoint, auroc, ap, f1, each with the ends
        of its interval as auroc_low, auroc_high and so on, f1_fitted_on (split whose scores gave the max-F1
        thresholds), n_defined (findings inside the macro mean).
        """
        with self._read() as con:
            return to_frame(con.leaderboard())
