"""The cells of a table that its description names, as text under our own names; of a second table too."""

from pathlib import Path

import pandas as pd

from cxrcore.data.description import Description
from cxrcore.data.description_parts import COLUMNS, Column
from cxrcore.data.table_cells import Table
from cxrcore.errors import DataError
from cxrcore.findings import display_name

FINDING = "="  # stands before a finding's name where that finding has a column


def read_cells(described: Description, csv_path: Path, partial: bool = False
               ) -> tuple[pd.DataFrame, int, tuple[str, ...]]:
    """Columns `film`, those of `Description.people` that are there, and `labels` or `=<finding>` of each finding.

    Args:
        partial: films, readers and some of the findings' columns will do, as in label files.

    Returns:
        The rows as text, how many were left out because `films.only` takes others, and what is to be said of how the
        file is written.

    Raises:
        DataError: no such file, not a table, no rows, or missing columns (named).
    """
    table = Table(csv_path)
    other = _second(described, csv_path)
    names = {} if described.labels.column is None else {"labels": described.labels.column}
    wanted = {"film": described.film, **names, **described.people}
    there = {key: column for key, column in wanted.items()
             if other is not None and table.place_of(column.names) is None and other.place_of(column.names) is not None}
    second_is_gone = described.join is not None and other is None
    may_miss = second_is_gone or partial
    optional = {key for key, column in wanted.items()
                if not column.needed or (may_miss and key in described.people and key != "reader")}
    only = {f"only {name}": (name,) for name in described.films.only}
    on = {"on": (described.join.on,)} if there and described.join else {}
    places = table.places({key: column.names for key, column in wanted.items() if key not in there} | only | on,
                          optional, described.name)
    places |= {f"{FINDING}{finding}": place for finding, place in finding_places(table, described, partial).items()}
    raw = table.cells(list(places.values()))
    cells = pd.DataFrame({key: _cell(raw[place], wanted.get(key)) for key, place in places.items()})
    if there and other is not None and described.join is not None:
        _add_joined(cells, there, other, described.join.to)
    return *_chosen(cells, described), table.notes


def finding_places(table: Table, described: Description, partial: bool = False) -> dict[str, int]:
    """{finding: column, from 0} where each finding has a column, in the order of the list.

    Raises:
        DataError: missing columns, or two for one finding.
    """
    if described.labels.form != COLUMNS:
        return {}
    found: dict[str, int] = {}
    taken = {place for column in (described.film, *described.people.values())
             if (place := table.place_of(column.names)) is not None}
    for place, heading in enumerate(table.headings):
        finding = None if place in taken else described.finding_of(heading)
        if finding in found:
            raise DataError(f"{table.path} has two columns for {display_name(finding)}: '{heading}' and "
                            f"'{table.headings[found[finding]]}'")
        if finding is not None:
            found[finding] = place
    missing = [display_name(finding) for finding in described.findings if finding not in found]
    if missing and not (partial and found):
        raise DataError(f"{table.path} is no table of {described.name}: missing column(s) {', '.join(missing[:12])}; "
                        f"it has {', '.join(table.headings[:20])}")
    return {finding: found[finding] for finding in described.findings if finding in found}


def _second(described: Description, csv_path: Path) -> Table | None:
    """The second table, where it lies beside the first."""
    if described.join is None:
        return None
    path = csv_path.parent / described.join.table
    return Table(path) if path.is_file() else None


def _cell(cells: pd.Series, column: Column | None) -> pd.Series:
    """Text without what stands around it; the part of a path that is meant. Labels are left: their texts are few."""
    if column is None:
        return cells
    cells = cells.str.strip()
    if column.part:
        place = column.part - 1 if column.part > 0 else column.part
        cells = pd.Series([_part(text, place) for text in cells], cells.index, dtype=cells.dtype)
    if column.before:
        cells = cells.str.split(column.before, n=1, regex=False).str[0]
    if column.number:
        cells = cells.str.removesuffix(".0").str.lstrip("0").where(cells.str.strip("0.") != "", cells.str[:1])
    return cells


def _part(text: str, place: int) -> str:
    """One part of a path; "" where it has fewer."""
    parts = (text if "/" in text else text.replace("\\", "/")).split("/")
    return parts[place] if -len(parts) <= place < len(parts) else ""


def _add_joined(cells: pd.DataFrame, there: dict[str, Column], other: Table, to: str) -> None:
    """Columns of the second table, looked up by the value that both have; its first row of a value counts."""
    places = other.places({key: column.names for key, column in there.items()} | {"to": (to,)}, (), "the second table")
    raw = other.cells(list(places.values()))
    key = raw[places["to"]].str.strip()
    first = ~key.duplicated()
    row_of = pd.Series(raw.index[first], index=key[first]).reindex(cells.pop("on").str.strip())
    for name, column in there.items():
        values = _cell(raw[places[name]], column)
        cells[name] = values.reindex(row_of.to_numpy()).fillna("").to_numpy()


def _chosen(cells: pd.DataFrame, described: Description) -> tuple[pd.DataFrame, int]:
    keep = pd.Series(True, cells.index)
    for name, values in described.films.only.items():
        keep &= cells.pop(f"only {name}").str.strip().isin(values)
    if keep.all():
        return cells, 0
    if not keep.any():
        raise DataError(f"no row of the table has what films.only of {described.name} takes")
    return cells[keep].reset_index(drop=True), int((~keep).sum())
