"""What is measured on predictions: metrics, threshold sets, calibrators, maps on boxes; and the leaderboard of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrcore import __version__
from cxrcore.errors import StoreError
from cxrcore.store.file import OF_RUN, StoreFile, nan_to_null, new_id, require
from cxrcore.store.run_folder import LAST
from cxrcore.store.turns import one_row

METRIC_COLUMNS = ("finding", "metric", "set_id", "value", "low", "high", "n_positive", "n", "method")
LOCALIZATION_COLUMNS = ("method", "image_id", "finding", "hit", "iou", "iobb", "energy")

# Rows are added by every measurement and replaced by none: its number within the prediction set tells the newest. Rows
# of one measurement are one transaction's, so only two of the same key in one call are told apart by their place.
_NEXT = "(SELECT coalesce(max(measurement), 0) + 1 FROM {} WHERE prediction_id = ?)"
_NEWEST = "row_number() OVER (PARTITION BY {} ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1"
_METRICS = (f"(SELECT * EXCLUDE (measurement) FROM metrics WHERE {{}} "
            f"QUALIFY {_NEWEST.format('prediction_id, label_set, finding, metric, set_id')})")
# Which set of a run's split stands for it: measured before unmeasured, complete before subsets, best before last, the
# film alone before a mean over views.
_CHOSEN = f"""QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY
    prediction_id IN (SELECT DISTINCT prediction_id FROM metrics WHERE label_set = 'csv') DESC, n = n_expected DESC,
    coalesce(checkpoint, '') = '{LAST}', coalesce(precision, '') LIKE '%views', created_at DESC,
    prediction_id DESC) = 1"""

# The macro means of the leaderboard. Of some hundred rows a prediction set they are a handful: they alone are told by
# age, by no more columns than needed; F1 stands for each threshold set, of which only those of one aim are asked for.
_MACRO = f"""SELECT prediction_id, metric, value, low, high, n FROM metrics
    WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap')
    QUALIFY {_NEWEST.format('prediction_id, metric')}"""
_MACRO_F1 = f"""SELECT prediction_id, set_id, value, low, high FROM metrics
    WHERE label_set = 'csv' AND finding = 'macro' AND metric = 'f1'
        AND set_id IN (SELECT set_id FROM threshold_sets WHERE objective = 'max_f1')
    QUALIFY {_NEWEST.format('prediction_id, set_id')}"""
# How many findings have an AUROC, of each prediction set. Most were measured once, and their rows need only counting:
# to tell the newest of a million rows takes four times as long.
_OF_FINDINGS = "FROM metrics WHERE label_set = 'csv' AND metric = 'auroc' AND finding <> 'macro' AND finding <> 'micro'"
_OWN = f"""SELECT prediction_id, count(value) AS n_defined,
    coalesce(min(measurement) = max(measurement) AND count(measurement) = count(*), false) AS once
    {_OF_FINDINGS} GROUP BY prediction_id"""
_DEFINED = f"""SELECT prediction_id, n_defined FROM own WHERE once UNION ALL
    SELECT prediction_id, count(value) AS n_defined FROM (SELECT prediction_id, value {_OF_FINDINGS}
        AND prediction_id IN (SELECT prediction_id FROM own WHERE NOT once)
        QUALIFY {_NEWEST.format('prediction_id, finding')}) GROUP BY prediction_id"""


class Measurements(StoreFile):
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
            StoreError: not as many numbers as the predictions have findings, or not numbers.
        """
        if np.isnan(thresholds).any():  # would come back as 0
            raise StoreError("a threshold set needs a threshold for every finding, got NaN")
        set_id = new_id()
        with self._write() as con:
            require(con, prediction_id=prediction_id)
            (k,) = one_row(con.execute("SELECT len(findings) FROM datasets JOIN prediction_sets USING (dataset_id) "
                                       "WHERE prediction_id = ?", [prediction_id]))
            if np.shape(thresholds) != (k,):
                raise StoreError(f"a threshold set needs {k} thresholds, got shape {np.shape(thresholds)}")
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

        Complete sets come before subsets, a run's best checkpoint before its last, and scores of a film alone before
        means over views of it. F1 stands at thresholds that were fitted on the run's own predictions, on those that
        stand for its val where these were measured at them.

        Columns: run_id, split, prediction_id, dataset_id (of the films), n (films that were measured, where the set
        was: those with a label and a score of some finding), n_expected, checkpoint, auroc, ap, f1, each with the ends
        of its interval as auroc_low, auroc_high and so on, f1_fitted_on (split whose scores gave the max-F1
        thresholds), n_defined (findings inside the macro mean).
        """
        order = "row(fitted.prediction_id = val.prediction_id, fitted.split = 'val', t.created_at, t.set_id)"
        means = ", ".join(f"max({side}) FILTER (metric = '{name}') AS {name}{end}" for name in ("auroc", "ap")
                          for side, end in (("value", ""), ("low", "_low"), ("high", "_high")))
        return self._frame(f"""
            WITH newest AS (SELECT prediction_id, run_id, split, dataset_id, n, n_expected, checkpoint
                            FROM prediction_sets {_CHOSEN}),
            macro AS ({_MACRO}), macro_f1 AS ({_MACRO_F1}), own AS ({_OWN}), defined AS ({_DEFINED}),
            means AS (SELECT prediction_id, max(n) FILTER (metric = 'auroc') AS n, {means} FROM macro
                      GROUP BY prediction_id),
            f1 AS (SELECT s.prediction_id, arg_max({{'value': value, 'low': low, 'high': high, 'split': fitted.split}},
                                                   {order}) AS best
                FROM macro_f1 m JOIN newest s USING (prediction_id) JOIN threshold_sets t USING (set_id)
                JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id AND fitted.run_id = s.run_id
                LEFT JOIN newest val ON val.run_id = s.run_id AND val.split = 'val'
                WHERE value IS NOT NULL GROUP BY s.prediction_id)
            SELECT s.run_id, s.split, prediction_id, s.dataset_id, least(m.n, s.n) AS n, s.n_expected, s.checkpoint,
                m.* EXCLUDE (prediction_id, n), best.value AS f1, best.low AS f1_low, best.high AS f1_high,
                best.split AS f1_fitted_on, coalesce(n_defined, 0) AS n_defined
            FROM newest s LEFT JOIN means m USING (prediction_id) LEFT JOIN f1 USING (prediction_id)
            LEFT JOIN defined USING (prediction_id)
            ORDER BY s.run_id DESC, s.split""")
