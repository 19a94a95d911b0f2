"""The films of a data set out of its table, as its description says: patients, ages, views, labels, its own split.

Knows the quirks of the tables that are about (see `read_films`). Knows nothing of pixels, splits that are drawn, or the
store.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore.data import description_parts as words
from cxrcore.data import film_ids, read_labels, readings
from cxrcore.data.described_cells import FINDING, read_cells
from cxrcore.data.description import Description
from cxrcore.data.read_labels import ReadLabels
from cxrcore.data.readings import Readings
from cxrcore.data.splits import SPLITS
from cxrcore.data.table_cells import shown
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS

MOST_FOLLOW_UP = 100_000  # films of a patient before one; NIH has 183
MAX_AGE = 100  # years; 16 rows of NIH's table say 148 to 414


@dataclass(frozen=True)
class FilmTable:
    """Every film of the table, whether it is on disk or not.

    Attributes:
        images: one row a film: image_id (see `film_ids`), patient_id (str, "" = unknown), follow_up (Int32), age
            (Float32, years, NA = unknown), sex ('M', 'F' or NA), view ('PA', 'AP' or NA).
        labels: float32 (n, k), 1 / 0 / NaN = unknown, in the order of `findings`.
        findings: canonical names.
        dataset_id: hash of findings, films, patients and labels, and of nothing else; see `dataset_hash`.
        n_ages_unknown: ages that are missing, unreadable or over 100 years.
        given: str (n,), 'train', 'val' or 'test', where the table says it in every row; else None.
        n_rows: of the table: more than films where a film has several.
        uncertain: {finding: cells that said 'uncertain'}, before the policy.
        notes: lines worth printing: what was left out, what uncertain labels became.
    """

    images: pd.DataFrame
    labels: np.ndarray
    findings: tuple[str, ...]
    dataset_id: str
    n_ages_unknown: int
    given: np.ndarray | None = None
    n_rows: int = 0
    uncertain: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_films(described: Description, csv_path: str | Path, policy: str | None = None) -> FilmTable:
    """Read a table.

    NIH's header has 12 fields (its bracketed names contain commas, and a comma trails) over rows of 11, so columns are
    taken by name from the left; ages come as 58, '058Y', '11M' or '3D'; headings match in any case. A table that brings
    its own split may leave patients empty: they are then unknown. Of several readers the majority counts; ties are
    unknown.

    Args:
        policy: what uncertain labels become; None for the description's own.

    Raises:
        DataError: no such file, not a table, missing columns (named), an empty table, a row that is cut off, a film
            listed twice, or an unknown policy.
        FindingError: an unknown finding, or a cell that is no label, with its row and text.
    """
    described = described.with_policy(policy)
    cells, n_left, written = read_cells(described, Path(csv_path))
    _check_there(cells, described, csv_path)
    given = _given_split(cells, described, csv_path)
    image_ids = film_ids.film_ids(cells["film"], described.films.drop, str(csv_path))
    said = labels_of(cells, described, str(csv_path))
    found = readings_of(image_ids, cells, said, described, str(csv_path))
    rows = found.first_row
    images = _images(cells.iloc[rows].reset_index(drop=True), image_ids.iloc[rows].reset_index(drop=True), described)
    labels = found.majority() if len(found.film) > len(rows) else found.labels[np.argsort(found.film)]
    left = (f"{n_left:,} rows were left out: films.only takes others",) if n_left else ()
    notes = (*written, *described.said, *said.notes, *left)
    return FilmTable(images, labels, described.findings, dataset_hash(images, labels, described.findings),
                     int(images["age"].isna().sum()), None if given is None else given[rows], len(cells) + n_left,
                     said.uncertain, notes)


def dataset_hash(images: pd.DataFrame, labels: np.ndarray, findings: Sequence[str]) -> str:
    """12 hex digits that name the data set: the same films with the same labels, wherever they lie.

    Over the sorted (image_id, patient_id, labels); the names of the findings stand before them unless they are NIH's,
    whose data sets were named so before there were others.

    Args:
        images: image_id, patient_id.
        labels: float (n, k), 1 / 0 / NaN, in the order of `findings`.
    """
    order = np.argsort(images["image_id"].to_numpy(object), kind="stable")
    cells = np.where(np.isnan(labels), b"?", np.where(labels > 0, b"1", b"0"))[order]
    texts = pa.array(np.ascontiguousarray(cells).view(f"S{labels.shape[1]}").ravel()).cast(pa.string())
    names, patients = (pa.array(images[column].to_numpy(object)[order], pa.string())
                       for column in ("image_id", "patient_id"))
    rows = pc.binary_join_element_wise(names, patients, texts, "|").to_pylist()
    before = [] if tuple(findings) == NIH_FINDINGS else ["|".join(findings)]
    return hashlib.sha256("\n".join([*before, *rows]).encode()).hexdigest()[:12]


def labels_of(cells: pd.DataFrame, described: Description, table: str) -> ReadLabels:
    """The labels of each row of cells, as `read_cells` gives them."""
    if described.labels.form == words.COLUMNS:
        own = {name: cells[f"{FINDING}{name}"] for name in described.findings if f"{FINDING}{name}" in cells}
        return read_labels.of_columns(own, described, table)
    return read_labels.of_names(cells["labels"], described, table)


def readings_of(image_ids: pd.Series, cells: pd.DataFrame, said: ReadLabels, described: Description, table: str
                ) -> Readings:
    """The rows as readings: by reader where the description has a column for them."""
    several = described.labels.form == words.ROWS or described.labels.repeated == words.ANY
    return readings.read(image_ids, cells.get("reader"), said.values, several, table)


# -- people


def _check_there(cells: pd.DataFrame, described: Description, table: str | Path) -> None:
    """Films, names of findings and patients stand in every row; patients may be unknown where the split is given."""
    needed = {"film": described.film}
    if described.labels.column is not None and described.labels.blank == words.REFUSED:
        needed["labels"] = described.labels.column
    if "patient" in described.people and ("split" not in cells or (cells["split"] == "").all()):
        needed["patient"] = described.people["patient"]
    for key, column in needed.items():
        blank = cells[key] == "" if key in cells else np.zeros(1, bool)
        if blank.any():
            raise DataError(f"{table} row {int(np.argmax(blank)) + 2} has no {column.names[0]}: is the file cut off?")


def _given_split(cells: pd.DataFrame, described: Description, table: str | Path) -> np.ndarray | None:
    """The table's own split, None where it has none in any row."""
    if "split" not in cells or (cells["split"] == "").all():
        return None
    parts = cells["split"].str.lower().map(described.parts)
    if parts.isna().any():
        row = int(np.argmax(parts.isna()))
        raise DataError(f"{table} row {row + 2}: split '{shown(cells['split'].iloc[row])}' is none of "
                        f"{', '.join(SPLITS)}, in any spelling")
    return parts.to_numpy(str)


def _images(cells: pd.DataFrame, image_ids: pd.Series, described: Description) -> pd.DataFrame:
    blank = pd.Series([""] * len(cells), dtype=str)
    view = cells.get("view", blank)
    return pd.DataFrame({
        "image_id": image_ids,
        "patient_id": cells.get("patient", blank),
        "follow_up": _numbers_of_films(cells.get("follow_up", blank)),
        "age": _ages(cells, blank),
        "sex": cells.get("sex", blank).str.upper().str[:1].where(lambda s: s.isin(["M", "F"])),
        "view": view.map({text: described.views.get(text.casefold()) for text in view.unique()}).astype(view.dtype),
    })


def _numbers_of_films(column: pd.Series) -> pd.Series:
    """Follow-up numbers as Int32; what is none, or one that no patient has, is unknown."""
    numbers = pd.to_numeric(column, errors="coerce").round()
    return numbers.where(numbers.abs() < MOST_FOLLOW_UP).astype("Int32")


def _ages(cells: pd.DataFrame, blank: pd.Series) -> pd.Series:
    """Years as Float32: as the table has them, or from the years of birth and of the film."""
    if "birth_year" not in cells or "study_date" not in cells:
        return parse_ages(cells.get("age", blank))
    born, taken = (pd.to_numeric(cells[key].str[:4], errors="coerce") for key in ("birth_year", "study_date"))
    years = taken - born
    return years.where((years >= 0) & (years <= MAX_AGE)).astype("Float32")


def parse_ages(column: pd.Series) -> pd.Series:
    """Years as Float32 from '58', '058Y', '11M' (months) or '3D' (days); over 100 years or unreadable is NA."""
    codes, texts = pd.factorize(column)  # some 500 distinct texts stand for all 112,120 rows
    parts = pd.Series(texts, dtype=str).str.strip().str.extract(r"^(\d+(?:\.\d+)?)\s*([YyMmWwDd]?)$")
    per_year = parts[1].str.upper().map({"Y": 1.0, "": 1.0, "M": 12.0, "W": 52.1775, "D": 365.25})
    years = pd.to_numeric(parts[0], errors="coerce") / per_year
    return years.where(years <= MAX_AGE).astype("Float32").take(codes).reset_index(drop=True)
