"""The films of a training or an evaluation: the table, the split drawn over it, and what is on disk of it.

The first step of every script. Knows nothing of pixels, networks or the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import chestmnist, nih, splits
from cxrcore.data.nih import NihTable
from cxrcore.data.phantoms import recipe
from cxrcore.data.splits import SPLITS, Split
from cxrcore.errors import DataError

BOX_LIST = "BBox_List_2017.csv"
PUBLISHED_SIZE = 112_120


@dataclass(frozen=True)
class FilmSet:
    """A table with its split and its films.

    Attributes:
        paths: image_id -> path of the films on disk.
        boxes: NIH's boxes where the list lies beside the CSV, else None.
        name: of the data set, for people.
    """

    table: NihTable
    split: Split
    paths: Mapping[str, Path]
    boxes: pd.DataFrame | None
    name: str

    def on_disk(self, part: str) -> np.ndarray:
        """Rows of one part of the split ('train', 'val', 'test') whose film is on disk, ascending."""
        rows = self.split.rows(part)
        return rows[self.table.images["image_id"].iloc[rows].isin(self.paths.keys()).to_numpy()]

    def image_ids(self, rows: np.ndarray) -> np.ndarray:
        """Film names of table rows."""
        return self.table.images["image_id"].to_numpy()[rows]

    def subset(self, rows: np.ndarray, size: int | None) -> np.ndarray:
        """At most `size` of these table rows (None for all): seeded, nested, same imbalance, ascending.

        The same films come out whatever the order of the table is; its two published versions differ in it.
        """
        by_name = rows[np.argsort(self.image_ids(rows).astype(str), kind="stable")]
        return splits.subset(by_name, self.table.labels, size, self.split.seed)

    def describe(self) -> str:
        """What was found, in two or three lines."""
        n, present = len(self.table.images), len(self.paths)
        parts = ", ".join(f"{part} {len(self.on_disk(part)):,}" for part in SPLITS)
        patients = self.table.images["patient_id"]
        people = f"{patients.nunique():,} patients" if patients.any() else "unknown patients"
        lines = [
            f"{self.name}: {n:,} films of {people} in the table; {present:,} on disk, {n - present:,} missing",
            f"split {self.split.scheme} (seed {self.split.seed}, {self.split.fingerprint}), on disk: {parts}",
        ]
        if self.table.n_ages_unknown:
            lines.append(f"{self.table.n_ages_unknown:,} ages unknown (missing, unreadable or over {nih.MAX_AGE})")
        if self.split.scheme in splits.LEAKY_SCHEMES:
            leaked = splits.leaked_patients(self.split, patients)
            lines.append("note: this split leaks: " + (f"{leaked:,} patients have films in train and val"
                                                       if patients.any() else "it parts patients"))
        return "\n".join(lines)


def load_film_set(csv_path: str | None, img_root: str | None, scheme: str | None, seed: int) -> FilmSet:
    """Read the table, find its films and draw the split.

    The official lists and the boxes are looked for beside the CSV and in img_root.

    Args:
        scheme: None where no split matters: by patient, or as the table gives it.

    Raises:
        DataError: a flag missing, or what `nih` and `splits` refuse.
    """
    if not csv_path or not img_root:
        raise DataError("--csv_path and --img_root are needed: the NIH table and the folder of its films; or --data, "
                        "after scripts/download.py")
    table = nih.read_table(csv_path)
    scheme = scheme or ("patient" if table.given is None else "given")
    paths = nih.find_films(img_root, table.images["image_id"])
    beside = (Path(csv_path).parent, Path(img_root))
    test_list = _first_existing(beside, nih.TEST_LIST)
    if scheme == "official" and test_list is None:
        raise DataError(f"--split official needs {nih.TEST_LIST} of the NIH release beside {csv_path}")
    box_list = _first_existing(beside, BOX_LIST)
    split = splits.draw_split(scheme, table.images["image_id"], table.images["patient_id"], table.labels, seed,
                              nih.read_list(test_list) if test_list else None, table.given)
    return FilmSet(table, split, paths, nih.read_boxes(box_list) if box_list else None, name_of(table, csv_path))


def name_of(table: NihTable, csv_path: str) -> str:
    """The published table by its name, another by its folder's; phantoms are called so."""
    if len(table.images) == PUBLISHED_SIZE:
        return chestmnist.NAME if chestmnist.is_chestmnist(table.images["image_id"]) else "NIH ChestX-ray14"
    if chestmnist.is_chestmnist(table.images["image_id"]):
        return f"{chestmnist.NAME}, {len(table.images):,} films of it"
    folder = Path(csv_path).resolve().parent.name
    return f"Phantoms ({folder})" if recipe.is_phantom(table.images["patient_id"]) else folder


def kind_of(table: NihTable) -> tuple[str, str]:
    """The data set's kind and where its labels come from, as the store keeps them."""
    if recipe.is_phantom(table.images["patient_id"]):
        return "phantom", "drawn with the film"
    if chestmnist.is_chestmnist(table.images["image_id"]):
        return "chestmnist", "ChestMNIST: those of ChestX-ray14"
    return "nih", "Data_Entry CSV"


def _first_existing(folders: tuple[Path, ...], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).exists()), None)
