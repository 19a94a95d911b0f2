"""The films that predictions are about: of a table on disk, or of the store. No pixels are needed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import film_files, films
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.errors import DataError
from cxrcore.store import Store

OFFICIAL = "the official test list"


@dataclass(frozen=True)
class DataSetFilms:
    """Every film of a data set.

    Attributes:
        kind: 'nih', 'phantom' or what the store says.
        images: one row a film: image_id, patient_id, follow_up, age, sex, view.
        labels: float32 (n, k), 1 / 0 / NaN.
        findings: k names, in the columns' order.
        boxes: as `box_list.read_boxes`; None where there are none.
        official_test: films of the official test list, where it lies beside the table.
        notes: lines worth printing of how its table was read.
    """

    dataset_id: str
    name: str
    kind: str
    label_source: str
    images: pd.DataFrame
    labels: np.ndarray
    findings: tuple[str, ...]
    boxes: pd.DataFrame | None = None
    official_test: frozenset[str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether these are phantoms."""
        return self.kind == "phantom"


def of_csv(csv_path: str | Path, data: str | None = None, policy: str | None = None) -> DataSetFilms:
    """The films of a table, with the lists that lie beside it.

    Args:
        data, policy: as for `films.read_table`.

    Raises:
        DataError, FindingError: as `films.read_table`.
    """
    described = films.description_of(csv_path, data)
    table = films.read_table(csv_path, data, policy)
    tests = Path(csv_path).parent / described.test_list if described.test_list else None
    kind, source = films.kind_of(table, described)
    return DataSetFilms(
        table.dataset_id, films.name_of(table, described, csv_path), kind, source, table.images, table.labels,
        table.findings, films.boxes_of(described, csv_path),
        frozenset(film_files.read_list(tests)) if tests is not None and tests.exists() else None, table.notes)


def of_store(store: Store, dataset_id: str) -> DataSetFilms:
    """The films of a data set that the store knows.

    Raises:
        DataError: it does not.
    """
    known = store.datasets().set_index("dataset_id")
    if dataset_id not in known.index:
        raise DataError(f"no data set '{dataset_id}' in {store.key}")
    row, images = known.loc[dataset_id], store.images(dataset_id)
    labels = store.labels(dataset_id).loc[images["image_id"]].to_numpy(np.float32)
    return DataSetFilms(dataset_id, row["name"], row["kind"], row["label_source"], images, labels,
                        tuple(row["findings"]))


def add_to(store: Store, table: DataSetFilms) -> None:
    """Make the films known to the store."""
    store.add_dataset(table.dataset_id, table.images, table.labels, table.findings, name=table.name, kind=table.kind,
                      label_source=table.label_source, boxes=table.boxes)


def add_dataset(store: Store, films: FilmSet) -> None:
    """Make the films known to the store."""
    kind, source = film_sets.kind_of(films.table, films.description)
    store.add_dataset(films.table.dataset_id, films.table.images, films.table.labels, films.table.findings,
                      name=films.name, kind=kind, label_source=source, boxes=films.boxes)
