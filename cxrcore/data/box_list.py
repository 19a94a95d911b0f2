"""Boxes around findings, out of the list that a description names."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import film_ids, read_labels
from cxrcore.data.description import Description
from cxrcore.data.description_parts import Boxes
from cxrcore.data.table_cells import Table, shown
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import one_of

SIDES = ("x", "y", "width", "height")


def read_boxes(described: Description, path: str | Path) -> pd.DataFrame:
    """image_id, finding (canonical), x, y, width, height in pixels of the original film; of all readers.

    NIH's BBox_List_2017.csv has a header of 9 fields over rows of 6, and writes 'Infiltrate' for Infiltration. Rows
    that stand among labels and have no box ('No finding') are left out.

    Raises:
        DataError: not such a list, or the description names no boxes.
        FindingError: an unknown finding.
    """
    boxes = described.boxes
    if boxes is None:
        raise DataError(f"{described.name} has no boxes")
    raw = _cells(boxes, Path(path), described)
    if boxes.file is None:  # among labels
        raw = raw[(raw[list(SIDES)] != "").any(axis=1)]
    sides = _numbers(raw, path)
    if boxes.corners:
        sides["width"], sides["height"] = sides["width"] - sides["x"], sides["height"] - sides["y"]
    ids = film_ids.film_ids(raw["film"], described.films.drop, str(path))
    findings = _findings(raw, described, path)
    found = pd.concat([ids.rename("image_id"), findings.rename("finding"), sides], axis=1)
    return found[findings.notna()].reset_index(drop=True)


def _cells(boxes: Boxes, path: Path, described: Description) -> pd.DataFrame:
    """film, finding and the four numbers, as text."""
    table = Table(path)
    places = {"film": boxes.film, "finding": boxes.finding, **dict(zip(SIDES, boxes.sides, strict=True))}
    named = {key: (place,) for key, place in places.items() if isinstance(place, str)}
    found = table.places(named, (), f"the boxes of {described.name}")
    found |= {key: place - 1 for key, place in places.items() if isinstance(place, int)}
    raw = table.cells(list(found.values()))
    cells = pd.DataFrame({key: raw[place].str.strip() for key, place in found.items()})
    return cells if boxes.always is None else cells.assign(finding=boxes.always)


def _numbers(raw: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    blank = (raw == "").any(axis=1)
    if blank.any():
        row = int(raw.index[int(np.argmax(blank))]) + 2
        raise DataError(f"{path} row {row} is no box: it needs a film, a finding and four numbers")
    try:
        return raw[list(SIDES)].astype(float)
    except ValueError as error:
        raise DataError(f"{path} cannot be read as a box list: {' '.join(str(error).split())[:200]}") from None


def _findings(raw: pd.DataFrame, described: Description, path: str | Path) -> pd.Series:
    """Canonical names; NA for names that the description leaves out."""
    known: dict[str, str | None] = {}
    for name in raw["finding"].unique():
        known[name] = described.finding_of(name)
        if known[name] is None and not read_labels.is_left_out(name, described):
            row = int(raw.index[int(np.argmax(raw["finding"] == name))]) + 2
            try:
                one_of(described.findings, name)
            except FindingError as error:
                raise FindingError(f"{path} row {row}: {shown(error, 2_000)}") from None
    return raw["finding"].map(known)
