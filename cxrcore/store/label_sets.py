"""Label sets: several readings of a data set's films, and scores as they are read against one of them.

A part of `store`. Every data set has the set `CSV`, which it came with; others are added beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.errors import StoreError
from cxrcore.findings import checked_list
from cxrcore.measures import derived
from cxrcore.store import store_path
from cxrcore.store.backends.base import StoreBase
from cxrcore.store.backends.session import Session
from cxrcore.store.file import from_lists, from_strings, nan_to_null, to_lists
from cxrcore.store.records import CSV, LabelSet, Predictions, is_taken, require_short, rows_of


class LabelSets(StoreBase):
    """The readings of films."""

    def findings(self, dataset_id: str) -> tuple[str, ...]:
        """The data set's own findings, in their order.

        Raises:
            StoreError: no such data set.
        """
        rows = self._frame("SELECT findings FROM datasets WHERE dataset_id = ? ORDER BY findings", [dataset_id])
        if rows.empty:
            raise StoreError(f"no data set '{dataset_id}' in {self.key}")
        return tuple(rows["findings"].iloc[0])

    def label_sets(self) -> list[LabelSet]:
        """The label sets of all data sets; a data set's own comes first, then the others by age.

        Raises:
            StoreError: one is not as any version of the workbench wrote it.
        """
        rows = self._frame("SELECT * FROM label_set_info ORDER BY dataset_id, label_set <> ?, created_at, label_set",
                           [CSV])
        try:
            return [_of_row(row) for row in rows_of(rows)]
        except (TypeError, ValueError, AttributeError):
            raise store_path.refusal(self.key, "the list of its label sets (label_set_info) is damaged; a backup or "
                                                "an older copy may be sound") from None

    def label_set(self, dataset_id: str, name: str) -> LabelSet:
        """One of them.

        Raises:
            StoreError: there is none of this name.
        """
        for one in self.label_sets():
            if (one.dataset_id, one.name) == (dataset_id, name):
                return one
        raise StoreError(f"data set {dataset_id} has no label set '{name}'")

    def labels(self, dataset_id: str, label_set: str = CSV) -> pd.DataFrame:
        """float32, indexed and sorted by image_id, one column a finding of the set; empty without such a set.

        Raises:
            StoreError: a film has another number of labels than the set has findings.
        """
        with self._read() as con:
            rows = con.rows("label_sets", ("image_id", "labels"), "dataset_id = ? AND label_set = ?",
                            [dataset_id, label_set], ("image_id",)).to_arrow_table()
            names = con.execute("SELECT findings FROM label_set_info WHERE dataset_id = ? AND label_set = ?",
                                [dataset_id, label_set]).fetchone()
        index, found = pd.Index(from_strings(rows["image_id"]), name="image_id"), list(names[0] or ()) if names else []
        if not len(rows):
            return pd.DataFrame(index=index, dtype=np.float32)
        if pc.list_value_length(rows["labels"]).unique().to_pylist() != [len(found)]:
            raise store_path.refusal(self.key, f"the labels of its label set '{label_set}' are damaged; a backup or an "
                                               "older copy may be sound")
        return pd.DataFrame(from_lists(rows["labels"]), index, found)

    def save_label_set(
        self,
        dataset_id: str,
        name: str,
        labels: pd.DataFrame,
        *,
        derived_from: Mapping[str, Sequence[str]] | None = None,
        source: str = "",
        policy: str = "",
        reader: str = "",
        again: bool = False,
    ) -> LabelSet:
        """Add another reading of a data set's films.

        Args:
            name: as `ids.LABELS` allows; not `CSV`.
            labels: float, 1 / 0 / NaN, indexed by image_id, one column a finding (canonical names).
            derived_from: {finding that the data set does not have: its parts there}.
            again: take the place of the set of this name.

        Raises:
            StoreError, DataError, FindingError: no such data set, a name that is taken or of another form, films of
                other data sets or twice, labels other than 1 / 0 / NaN, a finding that is neither the data set's nor
                derived from it; nothing is saved.
        """
        parts = _parts(derived_from)
        checked_name(name)
        _check(labels, parts, self.findings(dataset_id))
        require_short(source, policy, reader)
        findings = tuple(map(str, labels.columns))
        rows = nan_to_null(pd.DataFrame({"image_id": labels.index.astype(str)})).append_column(
            "labels", to_lists(labels.to_numpy(np.float32)))
        with self._write() as con:
            _require_room(con, dataset_id, name, again)
            _require_films(con, dataset_id, rows)
            if again:
                _delete(con, dataset_id, name)
            insert_label_set(con, LabelSet(dataset_id, name, findings, tuple(parts.items()), source, policy, reader),
                             rows)
        return self.label_set(dataset_id, name)

    def require_label_set(self, dataset_id: str, name: str, labels: pd.DataFrame, *,
                          derived_from: Mapping[str, Sequence[str]] | None = None, again: bool = False) -> None:
        """Whether `save_label_set` would save this; nothing is written.

        Raises:
            StoreError, DataError, FindingError: as there.
        """
        checked_name(name)
        _check(labels, _parts(derived_from), self.findings(dataset_id))
        with self._read() as con:
            _require_room(con, dataset_id, name, again)
            _require_films(con, dataset_id, nan_to_null(pd.DataFrame({"image_id": labels.index.astype(str)})))

    def delete_label_set(self, dataset_id: str, name: str) -> None:
        """Delete a reading, with what was measured on it; `CSV` stays.

        Raises:
            StoreError: there is none of this name, or it is the data set's own.
        """
        if name == CSV:
            raise StoreError(f"'{CSV}' are the labels that the data set came with: they stay")
        with self._write() as con:
            if not con.execute("SELECT 1 FROM label_set_info WHERE dataset_id = ? AND label_set = ?",
                               [dataset_id, name]).fetchone():
                raise StoreError(f"data set {dataset_id} has no label set '{name}'")
            _delete(con, dataset_id, name)


def insert_label_set(con: Session, labels: LabelSet, rows: pa.Table) -> None:
    """Write a set down; it is made now.

    Args:
        rows: columns image_id and labels.
    """
    con.insert("label_sets", rows.select(["image_id", "labels"]), dataset_id=labels.dataset_id, label_set=labels.name)
    con.execute("INSERT INTO label_set_info VALUES (?, ?, ?, ?, ?, ?, ?, now())",
                [labels.dataset_id, labels.name, list(labels.findings), json.dumps(dict(labels.derived)), labels.source,
                 labels.policy, labels.reader])


def read_against(films: Predictions, labels: LabelSet, values: pd.DataFrame) -> Predictions:
    """Predictions on the films that a label set has read, with its labels and findings.

    Args:
        films: with all findings of their data set.
        values: the set's labels, as `LabelSets.labels`.
    """
    place = values.index.get_indexer(pd.Index(films.image_ids))
    rows = np.flatnonzero(place >= 0)
    parts = dict(labels.derived)
    scores = [derived.derived_scores(films.scores[rows][:, [films.place(part) for part in parts[name]]])
              if name in parts else films.scores[rows, films.place(name)] for name in labels.findings]
    return replace(films, image_ids=films.image_ids[rows], patient_ids=films.patient_ids[rows],
                   labels=values.to_numpy(np.float32)[place[rows]], scores=np.column_stack(scores).astype(np.float32),
                   findings=labels.findings)


def labels_as(labels: LabelSet, own: pd.DataFrame) -> pd.DataFrame:
    """The labels that a data set came with, in the findings of another set: its derived ones follow from their parts.

    Args:
        own: as `LabelSets.labels` of `CSV`.
    """
    parts = dict(labels.derived)
    return pd.DataFrame({finding: derived.derived_labels(own[list(parts[finding])].to_numpy(np.float32))
                         if finding in parts else own[finding] for finding in labels.findings}, own.index)


def _of_row(row: Any) -> LabelSet:
    values = {name: getattr(row, name) for name in ("dataset_id", "source", "policy", "reader")}
    texts = {name: value if isinstance(value, str) else "" for name, value in values.items()}
    parts = json.loads(row.derived if isinstance(row.derived, str) else "{}")
    at = row.created_at  # nanoseconds would not hold every year that may stand there
    made = "" if pd.isna(at) else str(int(at.asm8.astype("datetime64[us]").astype(np.int64)) // 1000)
    return LabelSet(name=row.label_set, findings=tuple(row.findings), created_at=made,
                    derived=tuple((finding, tuple(own)) for finding, own in parts.items()), **texts)


def checked_name(name: str) -> str:
    """The name, if a label set that is added can have it.

    Raises:
        DataError: another form than `ids.LABELS`. StoreError: it means the labels that a data set came with.
    """
    ids.checked(ids.LABELS, name)
    if is_taken(name):
        raise StoreError(f"'{name}' means the labels that the data set came with: choose another name")
    return name


def _parts(derived_from: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    return {finding: tuple(own) for finding, own in (derived_from or {}).items()}


def _check(labels: pd.DataFrame, parts: Mapping[str, tuple[str, ...]], own: Sequence[str]) -> None:
    """The checks of `save_label_set` that need no film of the store."""
    findings = checked_list(map(str, labels.columns))
    for finding in findings:
        if finding not in own and finding not in parts:
            raise StoreError(f"{finding} is no finding of the data set: it has {', '.join(own)}")
    for finding, made_of in parts.items():
        if finding in own or finding not in findings:
            raise StoreError(f"{finding} is a finding of the data set itself, or of no label: it cannot be derived")
        if not made_of or len(set(made_of) & set(own)) < len(made_of):
            raise StoreError(f"{finding} has to be made of findings of the data set, each once: {', '.join(own)}")
    if not len(labels) or not labels.index.astype(str).is_unique:
        raise StoreError("a label set needs films, and each of them once")
    values = labels.to_numpy(np.float32)
    if not (np.isin(values, (0, 1)) | np.isnan(values)).all():
        raise StoreError("labels other than 1, 0 and unknown")


def _require_room(con: Session, dataset_id: str, name: str, again: bool) -> None:
    """The name is free, also in other letters' case, or its set may go."""
    known = con.execute("SELECT label_set FROM label_set_info WHERE dataset_id = ? AND lower(label_set) = lower(?)",
                        [dataset_id, name]).fetchone()
    if known and (known[0] != name or not again):
        raise StoreError(f"data set {dataset_id} has a label set '{known[0]}' already: nothing was saved")


def _require_films(con: Session, dataset_id: str, rows: pa.Table) -> None:
    """The films of the rows are the data set's."""
    if strangers := con.strangers(dataset_id, rows.select(["image_id"])):
        raise StoreError(f"{strangers} films of the labels are not in data set {dataset_id}: nothing was saved")


def _delete(con: Session, dataset_id: str, name: str) -> None:
    con.execute("DELETE FROM metrics WHERE label_set = ? AND prediction_id IN "
                "(SELECT prediction_id FROM prediction_sets WHERE dataset_id = ?)", [name, dataset_id])
    for table in ("label_sets", "label_set_info"):
        con.execute(f"DELETE FROM {table} WHERE dataset_id = ? AND label_set = ?", [dataset_id, name])
