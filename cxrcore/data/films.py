"""The films of a training or an evaluation: the table, the split drawn over it, and what is on disk of it.

The first step of every script. Knows nothing of pixels, networks or the store.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import box_list, chestmnist, description, film_files, film_table, splits
from cxrcore.data.description import Description, read_description
from cxrcore.data.film_table import FilmTable
from cxrcore.data.phantoms import recipe
from cxrcore.data.recognise_table import NIH, recognised
from cxrcore.data.splits import SPLITS, Split
from cxrcore.errors import DataError
from cxrcore.findings import display_name


@dataclass(frozen=True)
class FilmSet:
    """A table with its split and its films.

    Attributes:
        paths: image_id -> path of the films on disk.
        boxes: as `box_list.read_boxes`, where they lie beside the CSV; else None.
        name: of the data set, for people.
        description: how its table was read.
        files: lines worth printing of how its films were found.
    """

    table: FilmTable
    split: Split
    paths: Mapping[str, Path]
    boxes: pd.DataFrame | None
    name: str
    description: Description
    files: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """The data set's list, in the order of the labels."""
        return self.table.findings

    def unknown_labels(self) -> dict[str, int]:
        """{finding: films whose label of it is unknown}, of findings that have any."""
        unknown = np.isnan(self.table.labels).sum(axis=0)
        return {finding: int(n) for finding, n in zip(self.findings, unknown, strict=True) if n}

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
        """What was found, in a few lines."""
        n, present = len(self.table.images), len(self.paths)
        parts = ", ".join(f"{part} {len(self.on_disk(part)):,}" for part in SPLITS)
        patients = self.table.images["patient_id"]
        people = f"{patients.nunique():,} patients" if patients.any() else "unknown patients"
        lines = [
            f"{self.name}: {n:,} films of {people} in the table; {present:,} on disk, {n - present:,} missing",
            f"split {self.split.scheme} (seed {self.split.seed}, {self.split.fingerprint}), on disk: {parts}",
        ]
        if self.table.n_ages_unknown:
            lines.append(f"{self.table.n_ages_unknown:,} ages unknown (missing, unreadable or over "
                         f"{film_table.MAX_AGE})")
        lines += [*self.table.notes, *self.files]
        unknown = self.unknown_labels()
        if unknown and unknown != self.table.uncertain:  # which the notes told
            same = len(unknown) == len(self.findings) and len(set(unknown.values())) == 1
            each = {"of each finding": max(unknown.values())} if same else unknown
            lines.append("labels unknown: " + ", ".join(f"{display_name(name)} {n:,}" if not same else f"{n:,} {name}"
                                                        for name, n in each.items()))
        if self.split.scheme in splits.LEAKY_SCHEMES:
            leaked = splits.leaked_patients(self.split, patients)
            lines.append("note: this split leaks: " + (f"{leaked:,} patients have films in train and val"
                                                       if patients.any() else "it parts patients"))
        return "\n".join(lines)


def load_film_set(csv_path: str | None, img_root: str | None, scheme: str | None, seed: int, data: str | None = None,
                  policy: str | None = None) -> FilmSet:
    """Read the table, find its films and draw the split.

    Lists of films and boxes are looked for beside the CSV and in img_root.

    Args:
        csv_path, img_root: None for those that the file `data` names.
        scheme: None where no split matters: as the table gives it, by patient, or by film where patients are unknown.
        data: how the table is read, see `description_of`.
        policy: what uncertain labels become; None for the description's own.

    Raises:
        DataError: a flag missing, or what reading, finding and splitting refuse.
    """
    csv_path, img_root = places_of(data, csv_path, img_root)
    if not csv_path or not img_root:
        raise DataError("--csv_path and --img_root are needed: the table of the films and their folder; or --data, "
                        "after scripts/download.py")
    described = description_of(csv_path, data)
    table = film_table.read_films(described, csv_path, policy)
    described = _closer(described, table)
    known_patients = bool((table.images["patient_id"] != "").all())
    scheme = scheme or ("given" if table.given is not None else "patient" if known_patients else "random")
    paths = film_files.find_films(img_root, table.images["image_id"], described.films)
    beside = (Path(csv_path).parent, Path(img_root))
    test_list = _first_existing(beside, described.test_list)
    if scheme == "official" and test_list is None:
        wanted = described.test_list or "an official list of test films, which its description does not name"
        raise DataError(f"--split official needs {wanted} of the {_release(described)} beside {csv_path}")
    split = splits.draw_split(scheme, table.images["image_id"], table.images["patient_id"], table.labels, seed,
                              film_files.read_list(test_list) if test_list else None, table.given)
    return FilmSet(table, split, paths, boxes_of(described, csv_path, beside), name_of(table, described, csv_path),
                   described, tuple(film_files.in_words(paths, img_root, described.films)))


def read_table(csv_path: str | Path, data: str | None = None, policy: str | None = None) -> FilmTable:
    """The films of a table, read as `description_of` says.

    Raises:
        DataError, FindingError: as `film_table.read_films`.
    """
    return film_table.read_films(description_of(csv_path, data), csv_path, policy)


def description_of(csv_path: str | Path, data: str | None = None) -> Description:
    """How a table is read: as `data` says, else as the description.toml beside it, else as it is recognised.

    Args:
        data: the name of a shipped description, or PATH.toml.

    Raises:
        DataError: no such description, or one that does not do; a table that leaves a doubt how it is read.
    """
    if data is not None:
        return read_description(data)
    beside = Path(csv_path).parent / description.BESIDE
    return read_description(beside) if beside.is_file() else recognised(csv_path)


def places_of(data: str | None, csv_path: str | None, img_root: str | None) -> tuple[str | None, str | None]:
    """Table and folder of the films: as they are given, else as a user's own description says.

    Raises:
        DataError: the description names no table, or none that is there.
    """
    if data is None or not description.is_file(data) or (csv_path and img_root):
        return csv_path, img_root
    described, folder = read_description(data), Path(data).parent
    if not csv_path:
        there = [folder / name for name in described.films.tables if (folder / name).exists()]
        if not there:
            named = ", ".join(str(folder / name) for name in described.films.tables)
            raise DataError(f"{data}: films.table names no table that is there{f': {named}' if named else ''}; "
                            "--csv_path says where it is")
        csv_path = str(there[0])
    return csv_path, img_root or str(folder / (described.films.root or "."))


def boxes_of(described: Description, csv_path: str | Path, beside: Iterable[Path] = ()) -> pd.DataFrame | None:
    """The boxes of a table, see `box_list.read_boxes`; None where there are none.

    Args:
        beside: folders where their list may lie, besides that of the table.
    """
    if described.boxes is None:
        return None
    if described.boxes.file is None:
        return box_list.read_boxes(described, csv_path)
    found = _first_existing((Path(csv_path).parent, *beside), described.boxes.file)
    return box_list.read_boxes(described, found) if found else None


def name_of(table: FilmTable, described: Description, csv_path: str | Path) -> str:
    """A published table by its name, another in NIH's layout by its folder's; phantoms are called so."""
    described = _closer(described, table)
    folder = Path(csv_path).resolve().parent.name
    if described.kind == "phantom":
        shipped = {read_description("phantoms").name, read_description(NIH).name}
        return f"Phantoms ({folder})" if described.name in shipped else described.name
    n = len(table.images)
    if described.n_films in (None, n, table.n_rows):
        return described.name
    return folder if described.kind == "nih" else f"{described.name}, {n:,} films of it"


def kind_of(table: FilmTable, described: Description) -> tuple[str, str]:
    """The data set's kind and where its labels come from, as the store keeps them."""
    described = _closer(described, table)
    return described.kind, described.label_source


def _closer(described: Description, table: FilmTable) -> Description:
    """Phantoms are told by their patients' numbers and ChestMNIST by its films' names, whatever was said."""
    if recipe.is_phantom(table.images["patient_id"]):
        phantoms = read_description("phantoms")
        return described if described.kind == phantoms.kind else dataclasses.replace(
            described, name=phantoms.name, kind=phantoms.kind, label_source=phantoms.label_source)
    if described.kind == NIH and chestmnist.is_chestmnist(table.images["image_id"]):
        return read_description("chestmnist")
    return described


def _release(described: Description) -> str:
    return "NIH release" if described.kind == NIH else f"data set {described.name}"


def _first_existing(folders: Iterable[Path], name: str | None) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).exists()), None) if name else None
