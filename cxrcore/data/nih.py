"""Reader of the NIH ChestX-ray14 layout: Data_Entry_2017.csv, the box list, the official lists and the films.

Knows both published versions of the table and the quirks of common copies (see `read_table`). Knows nothing of
splits, pixels or the store.

Source: NIH Clinical Center, https://nihcc.app.box.com/v/ChestXray-NIHCC; Wang et al., CVPR 2017.
"""

import hashlib
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore.data.files import bounded_file, csv_file
from cxrcore.data.splits import SPLITS
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import N_FINDINGS, canonical, parse_labels

TEST_LIST = "test_list.txt"
MAX_AGE = 100  # years; 16 rows of the published table say 148 to 414
SEARCH_DEPTH = 3  # img_root / images_001 / images / film.png

_REQUIRED = {"image_id": ("image index",), "labels": ("finding labels",), "patient_id": ("patient id",)}
_OPTIONAL = {
    "follow_up": ("follow-up #",),
    "age": ("patient age",),
    "sex": ("patient gender", "patient sex"),
    "view": ("view position",),
    "part": ("split",),
}
# What pandas raises on files that are no table: text in another coding, damaged or foreign archives, odd rows.
_UNREADABLE = (ValueError, OSError, EOFError, ImportError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
               tarfile.TarError)
_PUBLISHED_NAMES = {"image_id": "Image Index", "labels": "Finding Labels", "patient_id": "Patient ID"}


@dataclass(frozen=True)
class NihTable:
    """Every row of the table, whether its film is on disk or not.

    Attributes:
        images: one row a film: image_id, patient_id (str without leading zeros), follow_up (Int32), age (Float32,
            years, NA = unknown), sex ('M', 'F' or NA), view ('PA', 'AP' or NA).
        labels: float32 (n, 14), 1 / 0, in `FINDINGS` order.
        dataset_id: hash of the sorted (image_id, patient_id, labels) and of nothing else.
        n_ages_unknown: ages that are missing, unreadable or over 100 years.
        given: str (n,), 'train', 'val' or 'test', where the table has a column Split in every row; else None.
    """

    images: pd.DataFrame
    labels: np.ndarray
    dataset_id: str
    n_ages_unknown: int
    given: np.ndarray | None = None


def read_table(csv_path: str | Path) -> NihTable:
    """Read Data_Entry_2017.csv, Data_Entry_2017_v2020.csv or a copy of either.

    The header has 12 fields (its bracketed names contain commas, and a comma trails) over rows of 11, so columns are
    taken by name from the left; ages come as 58, '058Y', '11M' or '3D'; names of columns match in any case. A table
    that brings its own split (a column Split) may leave Patient ID empty: patients are then unknown, and "" here.

    Raises:
        DataError: no such file, not a table, missing columns (named), an empty table, a row that is cut off, or a film
            listed twice.
        FindingError: an unknown finding, with its row and text.
    """
    csv_path = Path(csv_path)
    raw = _read_columns(csv_path)
    if raw.empty:
        raise DataError(f"{csv_path} has no rows")
    given = _given_split(raw["part"], csv_path)
    for column, published in _PUBLISHED_NAMES.items():
        if (raw[column] == "").any() and not (column == "patient_id" and given is not None):
            row = int(np.argmax(raw[column] == "")) + 2
            raise DataError(f"{csv_path} row {row} has no {published}: is the file cut off?")
    twice = raw["image_id"][raw["image_id"].duplicated()]
    if len(twice):
        raise DataError(f"{csv_path}: film {twice.iloc[0]} stands in the table twice ({len(twice)} such rows)")
    labels = _parse_label_column(raw["labels"], csv_path)
    age = _parse_ages(raw["age"])
    images = pd.DataFrame(
        {
            "image_id": raw["image_id"],
            "patient_id": _patient_numbers(raw["patient_id"]),
            "follow_up": pd.to_numeric(raw["follow_up"], errors="coerce").round().astype("Int32"),
            "age": age,
            "sex": raw["sex"].str.strip().str.upper().str[:1].where(lambda s: s.isin(["M", "F"])),
            "view": raw["view"].str.strip().str.upper().where(lambda s: s.isin(["PA", "AP"])),
        }
    )
    return NihTable(images, labels, dataset_hash(images, labels), int(age.isna().sum()), given)


def _given_split(column: pd.Series, csv_path: Path) -> np.ndarray | None:
    """The table's own split, None where it has none in any row."""
    parts = column.str.lower()
    if (parts == "").all():
        return None
    wrong = ~parts.isin(SPLITS)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{csv_path} row {row + 2}: split '{column.iloc[row]}' is none of {', '.join(SPLITS)}")
    return parts.to_numpy(str)


def _patient_numbers(column: pd.Series) -> pd.Series:
    """'00000010' and '10.0' are patient 10; unknown stays ""."""
    return column.str.removesuffix(".0").str.lstrip("0").where(column.str.strip("0.") != "", column.str[:1])


def _read_columns(csv_path: Path) -> pd.DataFrame:
    """The table's known columns as text under our names; optional ones that are absent come back as NA."""
    try:
        text = io.BytesIO(bounded_file.table_text(csv_path))
        header = pd.read_csv(text, nrows=0, encoding="utf-8-sig").columns
        bounded_file.check_rows(0, str(csv_path), len(header))
        position = {str(column).strip().lower(): i for i, column in enumerate(header)}
        found = {ours: next((position[n] for n in names if n in position), None)
                 for ours, names in (_REQUIRED | _OPTIONAL).items()}
        missing = [_PUBLISHED_NAMES[ours] for ours in _REQUIRED if found[ours] is None]
        if missing:
            raise DataError(f"{csv_path} is not an NIH table: missing column(s) {', '.join(missing)}; "
                            f"it has {', '.join(map(str, header[:12]))}")
        used = sorted(i for i in found.values() if i is not None)
        # The header is skipped: its field count differs from the rows', which would shift the columns.
        text.seek(0)
        raw = pd.read_csv(text, header=None, skiprows=1, usecols=used, dtype=str, encoding="utf-8-sig",
                          keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"no such CSV: {csv_path}") from None
    except IsADirectoryError:
        raise DataError(f"{csv_path} is a folder; the CSV itself is needed, for example "
                        f"{csv_path / 'Data_Entry_2017.csv'}") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{csv_path} is empty") from None
    except _UNREADABLE as error:
        raise DataError(f"{csv_path} cannot be read as CSV: {' '.join(str(error).split())}") from None
    blank = pd.Series([""] * len(raw), dtype=str)
    return pd.DataFrame({ours: raw[i].fillna("").str.strip() if i is not None else blank for ours, i in found.items()})


def _parse_label_column(column: pd.Series, csv_path: Path) -> np.ndarray:
    """float32 (n, 14). Some 840 distinct texts stand for all 112,120 rows, so each is parsed once."""
    codes, texts = pd.factorize(column)
    parsed = np.zeros((len(texts), N_FINDINGS), np.float32)
    for code, text in enumerate(texts):
        try:
            parsed[code] = parse_labels(text)
        except FindingError as error:
            row = int(np.argmax(codes == code)) + 2  # the header is line 1
            raise FindingError(f"{csv_path} row {row} ('{text}'): {error}") from None
    return parsed[codes]


def _parse_ages(column: pd.Series) -> pd.Series:
    """Years as Float32 from '58', '058Y', '11M' (months) or '3D' (days); over 100 years or unreadable is NA."""
    codes, texts = pd.factorize(column)  # some 500 distinct texts stand for all 112,120 rows
    parts = pd.Series(texts, dtype=str).str.strip().str.extract(r"^(\d+(?:\.\d+)?)\s*([YyMmWwDd]?)$")
    per_year = parts[1].str.upper().map({"Y": 1.0, "": 1.0, "M": 12.0, "W": 52.1775, "D": 365.25})
    years = pd.to_numeric(parts[0], errors="coerce") / per_year
    return years.where(years <= MAX_AGE).astype("Float32").take(codes).reset_index(drop=True)


def dataset_hash(images: pd.DataFrame, labels: np.ndarray) -> str:
    """12 hex digits that name the data set: the same films with the same labels, wherever they lie."""
    order = np.argsort(images["image_id"].to_numpy(object), kind="stable")
    cells = np.where(np.isnan(labels), b"?", np.where(labels > 0, b"1", b"0"))[order]
    texts = pa.array(np.ascontiguousarray(cells).view(f"S{labels.shape[1]}").ravel()).cast(pa.string())
    names, patients = (pa.array(images[column].to_numpy(object)[order], pa.string())
                       for column in ("image_id", "patient_id"))
    rows = pc.binary_join_element_wise(names, patients, texts, "|")
    return hashlib.sha256("\n".join(rows.to_pylist()).encode()).hexdigest()[:12]


def read_boxes(path: str | Path) -> pd.DataFrame:
    """BBox_List_2017.csv: image_id, finding, x, y, width, height in pixels of the original 1024-px film.

    Its header has 9 fields over rows of 6, and it writes 'Infiltrate' for Infiltration.

    Raises:
        DataError: not such a list.
        FindingError: an unknown finding.
    """
    names = ["image_id", "finding", "x", "y", "width", "height"]
    try:
        text = io.BytesIO(bounded_file.table_text(path))
        boxes = pd.read_csv(text, header=None, skiprows=1, usecols=range(6), names=names)
        boxes[names[2:]] = boxes[names[2:]].astype(float)
    except _UNREADABLE as error:
        raise DataError(f"{path} cannot be read as a box list: {' '.join(str(error).split())}") from None
    if boxes.isna().any(axis=None):
        row = int(np.argmax(boxes.isna().any(axis=1))) + 2
        raise DataError(f"{path} row {row} is no box: it needs a film, a finding and x, y, width, height")
    return boxes.assign(finding=boxes["finding"].map(canonical))


def read_list(path: str | Path) -> set[str]:
    """An official list of film names (test_list.txt); its last line ends without a newline.

    Raises:
        DataError: no such list, or not a text.
    """
    try:
        names = bounded_file.content(path).decode("utf-8").split(maxsplit=bounded_file.MAX_ROWS)
        bounded_file.check_rows(len(names), str(path))
        return set(map(csv_file.bare, names))
    except OSError:
        raise DataError(f"no such list of films: {path}; it comes with the NIH data and belongs beside the CSV"
                        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no list of films: it is not text") from None


def find_films(img_root: str | Path, image_ids: pd.Series) -> dict[str, Path]:
    """Where each film of the table lies: img_root/images_001/images/ to images_012, or one flat folder.

    A film that the table names without an ending is also found as its .png.

    Returns:
        image_id -> path, for the films that are on disk, in the table's order.

    Raises:
        DataError: no such folder, or not one film of the table in it (the text says what was looked for).
    """
    img_root = Path(img_root)
    if not img_root.is_dir():
        raise DataError(f"no such image folder: {img_root}")
    wanted = {name if "." in name else f"{name}.png": name for name in image_ids} | {name: name for name in image_ids}
    on_disk: dict[str, Path] = {}
    n_other = 0
    for folder, hits, others in _walk(img_root, SEARCH_DEPTH, wanted):
        n_other += others
        for name in hits:
            on_disk.setdefault(wanted[name], folder / name)
    if not on_disk:
        first = image_ids.iloc[0]
        raise DataError(f"no film of the table under {img_root}: looked for images_001/images/{first} (to images_012) "
                        f"and {first} itself; {n_other} other files are there")
    return {image_id: on_disk[image_id] for image_id in image_ids if image_id in on_disk}


def _walk(folder: Path, depth: int, wanted: Container[str]) -> Iterator[tuple[Path, list[str], int]]:
    """(folder, wanted names, number of other files) of `folder` and of its subfolders, in sorted order.

    Args:
        depth: levels that are looked into.
        wanted: names that are taken for files without asking the disk, which links to films and some disks would need.
    """
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    hits = [entry.name for entry in entries if entry.name in wanted]
    others = [entry for entry in entries if entry.name not in wanted]
    folders = [entry for entry in others if entry.is_dir()]
    yield folder, hits, len(others) - len(folders)
    if depth > 1:
        for entry in folders:
            yield from _walk(Path(entry.path), depth - 1, wanted)
