"""The store's large tables: films with labels and boxes, and the scores of prediction sets.

A part of `store`; nobody else imports it. Rows go in and out as Arrow columns, without a Python loop.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.errors import StoreError
from cxrcore.findings import checked_list
from cxrcore.store.backends.session import Session
from cxrcore.store.file import from_lists, from_strings, nan_to_null, new_id, require, to_frame, to_lists
from cxrcore.store.label_sets import LabelSets, insert_label_set, read_against
from cxrcore.store.records import CSV, LabelSet, Predictions
from cxrcore.store.turns import one_row

_IMAGES = ("image_id", "patient_id", "follow_up", "age", "sex", "view")
_BOXES = ("image_id", "finding", "x", "y", "width", "height")


class FilmsAndScores(LabelSets):
    """Data sets and prediction sets."""

    def add_dataset(self, dataset_id: str, images: pd.DataFrame, labels: np.ndarray, findings: Sequence[str], *,
                    name: str, kind: str, label_source: str, policy: str = "",
                    boxes: pd.DataFrame | None = None) -> None:
        """Add every film of a table with its labels and boxes; does nothing where the data set is known.

        Args:
            images: columns image_id, patient_id, follow_up, age, sex, view.
            labels: float (n, k), 1 / 0 / NaN.
            findings: k canonical names, in the columns' order.
            policy: what became of uncertain labels, as `LabelSet.policy`.
            boxes: columns image_id, finding, x, y, width, height in pixels of the original.

        Raises:
            FindingError: not a list of findings.
            StoreError: labels of another width.
        """
        own = list(checked_list(findings))
        if labels.shape != (len(images), len(own)):
            raise StoreError(f"labels have shape {labels.shape}, expected ({len(images)}, {len(own)})")
        if dataset_id in set(self.datasets()["dataset_id"]):
            return  # nearly always so; spares the gate
        rows = nan_to_null(images).append_column("labels", to_lists(labels.astype(np.float32)))
        with self._write() as con:
            if one_row(con.execute("SELECT count(*) FROM datasets WHERE dataset_id = ?", [dataset_id]))[0]:
                return
            n_patients = images["patient_id"].replace("", None).nunique()
            con.execute("INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?)",
                        [dataset_id, name, kind, own, label_source, len(images), n_patients])
            con.insert("images", rows.select(_IMAGES), dataset_id=dataset_id)
            insert_label_set(con, LabelSet(dataset_id, CSV, tuple(own), source=label_source, policy=policy), rows)
            if boxes is not None:
                con.insert("boxes", nan_to_null(boxes).select(_BOXES), dataset_id=dataset_id)

    def datasets(self) -> pd.DataFrame:
        """All data sets."""
        return self._frame("SELECT * FROM datasets ORDER BY name, dataset_id")

    def images(self, dataset_id: str) -> pd.DataFrame:
        """image_id, patient_id, follow_up, age, sex, view; sorted by image_id."""
        with self._read() as con:
            return to_frame(con.rows("images", _IMAGES, "dataset_id = ?", [dataset_id], ("image_id",)))

    def boxes(self, dataset_id: str) -> pd.DataFrame:
        """image_id, finding, x, y, width, height; sorted by them."""
        with self._read() as con:
            return to_frame(con.rows("boxes", _BOXES, "dataset_id = ?", [dataset_id], _BOXES))

    def save_predictions(
        self,
        run_id: str,
        dataset_id: str,
        split: str,
        image_ids: Sequence[str] | np.ndarray,
        scores: np.ndarray,
        *,
        checkpoint: str | None = None,
        checkpoint_sha256: str | None = None,
        n_expected: int | None = None,
        precision: str = "fp32",
        prediction_id: str | None = None,
    ) -> str:
        """Save a new prediction set; sets are immutable, and none is ever overwritten.

        Args:
            scores: float (n, k), probabilities in [0, 1], in the order of the data set's findings; NaN for a finding
                without scores.
            n_expected: readable films of the split; more than n marks the set as a subset.
            prediction_id: as `file.new_id` makes it, where it was given before; nothing is done where the run has this
                set already. Default a new one.

        Returns:
            prediction_id.

        Raises:
            StoreError: no such data set, wrong shape, scores outside [0, 1], a film twice, or of another data set.
            RunError: no such run.
        """
        scores = np.asarray(scores, np.float32)
        rows = _rows_in_order(image_ids, scores, len(self.findings(dataset_id)))
        prediction_id = prediction_id or new_id()
        with self._write() as con:
            require(con, run_id=run_id)
            if con.execute("SELECT 1 FROM prediction_sets WHERE prediction_id = ? AND run_id = ?",
                           [prediction_id, run_id]).fetchone():
                return prediction_id
            _require_films(con, dataset_id, rows)
            con.insert("predictions", rows, prediction_id=prediction_id, id_number=ids.number_of(prediction_id))
            con.execute("INSERT INTO prediction_sets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, now())",
                        [prediction_id, run_id, dataset_id, split, checkpoint, checkpoint_sha256, len(scores),
                         n_expected if n_expected is not None else len(scores), precision])
        return prediction_id

    def prediction_sets(self, run_id: str | None = None) -> pd.DataFrame:
        """The sets of one run or of all, newest first."""
        return self._frame("SELECT * FROM prediction_sets WHERE CAST(? AS VARCHAR) IS NULL OR run_id = ? "
                           "ORDER BY created_at DESC NULLS LAST, prediction_id DESC", [run_id, run_id])

    def predictions(self, prediction_id: str, label_set: str = CSV) -> Predictions:
        """Scores with patients and the labels of a set, on the films that both have, sorted by image_id.

        Args:
            label_set: findings come in its order; those that it derives get their scores by `measures.derived`.

        Raises:
            StoreError: no such prediction set, or no such label set of its data set.
        """
        own = self._own_predictions(prediction_id)
        if label_set == CSV:
            return own
        row = self._frame("SELECT dataset_id FROM prediction_sets WHERE prediction_id = ? ORDER BY dataset_id",
                          [prediction_id])
        dataset_id = row["dataset_id"].iloc[0]
        return read_against(own, self.label_set(dataset_id, label_set), self.labels(dataset_id, label_set))

    def _own_predictions(self, prediction_id: str) -> Predictions:
        """Scores with the labels that their data set came with."""
        with self._read() as con:
            of = con.execute("SELECT dataset_id FROM prediction_sets WHERE prediction_id = ?",
                             [prediction_id]).fetchone()
            names = con.execute("SELECT findings FROM datasets WHERE dataset_id = ?", of or [None]).fetchone()
            if of is None or names is None:
                raise StoreError(f"no prediction set '{prediction_id}' in {self.key}")
            scores = con.rows("predictions", ("image_id", "scores"), "id_number = ? AND prediction_id = ?",
                              [ids.number_of(prediction_id), prediction_id], ("image_id",)).to_arrow_table()
            # Joined here: plain scans of one data set and a hash look-up take half the time of the same join in SQL.
            images = con.rows("images", ("image_id", "patient_id"), "dataset_id = ?", of).to_arrow_table()
            labels = con.rows("label_sets", ("image_id", "labels"), "dataset_id = ? AND label_set = ?",
                              [*of, CSV]).to_arrow_table()
        if not len(scores):
            raise StoreError(f"no prediction set '{prediction_id}' in {self.key}")
        image_row = _positions(scores["image_id"], images["image_id"])
        same_order = labels["image_id"].equals(images["image_id"])
        label_row = image_row if same_order else _positions(scores["image_id"], labels["image_id"])
        return Predictions(
            from_strings(scores["image_id"]),
            from_strings(images["patient_id"])[image_row],
            from_lists(labels["labels"])[label_row],
            from_lists(scores["scores"]),
            tuple(names[0]),
        )


def _positions(wanted: pa.ChunkedArray, among: pa.ChunkedArray) -> np.ndarray:
    """Where each wanted film stands in another column.

    Raises:
        StoreError: a film that is not there.
    """
    found = pc.index_in(wanted, value_set=among.combine_chunks())
    if found.null_count:
        raise StoreError(f"{found.null_count} films of the prediction set have no labels in its data set")
    return found.to_numpy()


def _rows_in_order(image_ids: Sequence[str] | np.ndarray, scores: np.ndarray, k: int) -> pa.Table:
    """Films and scores sorted by film, after the checks of `save_predictions`."""
    if scores.shape != (len(image_ids), k) or not len(scores):
        raise StoreError(f"scores have shape {scores.shape}, expected ({len(image_ids)}, {k}) and not empty")
    low, high = np.nanmin(scores, initial=0), np.nanmax(scores, initial=0)
    if low < 0 or high > 1:
        raise StoreError(f"scores run from {low:.4g} to {high:.4g}; probabilities in [0, 1] are stored")
    names = np.asarray(image_ids, dtype=str)
    order = np.argsort(names, kind="stable")
    twice = np.flatnonzero(names[order][1:] == names[order][:-1])
    if len(twice):
        raise StoreError(f"film {names[order][twice[0]]} stands twice in one prediction set")
    return pa.table({"image_id": pa.array(np.asarray(image_ids, object)[order], pa.string()),
                     "scores": to_lists(scores[order])})


def _require_films(con: Session, dataset_id: str, rows: pa.Table) -> None:
    """StoreError unless every film of the rows is in the data set."""
    if strangers := con.strangers(dataset_id, rows.select(["image_id"])):
        raise StoreError(f"{strangers} films of the predictions are not in data set {dataset_id}")
