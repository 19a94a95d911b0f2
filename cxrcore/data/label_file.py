"""Other people's readings of the same films: adjudicated labels, several readers, another policy, a cleaned set.

What a file says is read by a description, or guessed from its columns; what was guessed and what was left out is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cxrcore.data import described_cells, film_ids, film_table, guess_table
from cxrcore.data.description import Description, described
from cxrcore.data.description_parts import COLUMNS
from cxrcore.data.guess_table import Guess, KnownNames
from cxrcore.data.table_cells import Table, shown
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import canonical

_OF_PEOPLE = ("patient:", "age:", "sex:", "view:", "follow_up:", "split:")  # lines that say nothing of labels
_ROLES = ("film", "patient", "age", "sex", "view", "follow_up", "split", "reader")


@dataclass(frozen=True)
class LabelReading:
    """What one reader says of films, or what most say.

    Attributes:
        reader: a name; "" for all together, or where nobody is named.
        image_ids: str (n,), each once; see `film_ids`.
        findings: canonical names, in the order of the file's columns, or of the description where names stand in cells.
        labels: float32 (n, k), 1 / 0 / NaN.
        left_out: {column or name that is no known finding: the `--map 'COLUMN=FINDING'` that would take it}.
        film_column: heading of the column of films.
        notes: lines worth printing.
        description: as the file was read.
        policy: what became of uncertain labels, one of `config.LABEL_POLICIES`; '' where there were none.
        readers: how many read the film at most.
    """

    reader: str
    image_ids: np.ndarray
    findings: tuple[str, ...]
    labels: np.ndarray
    left_out: Mapping[str, str]
    film_column: str
    notes: tuple[str, ...]
    description: Description
    policy: str
    readers: int


def read_label_file(path: str | Path, description: Description | None = None,
                    mapping: Mapping[str, str] | None = None, by_reader: bool = False, policy: str | None = None,
                    known: Sequence[str] = ()) -> list[LabelReading]:
    """Read a CSV of labels, packed or not: one column a finding, one column of names, or rows by reader.

    Args:
        description: how it is read; None to tell by its columns.
        mapping: {column or name: canonical name}, as `--map COLUMN=FINDING` says.
        by_reader: one reading for each reader; else one in all, of the majority; ties are unknown.
        policy: what uncertain labels become; None for the description's own, else unknown.
        known: further findings that a column may be called by, such as the data set's.

    Raises:
        DataError: no such file, no column of films, two readings of one film by one reader, no finding known or mapped,
            or an unknown policy.
        FindingError: a cell that is no label, with its row.
    """
    path, mapping = Path(path), _checked(mapping or {})
    table = Table(path)
    own, left, notes = (_guessed(table, path, known, mapping) if description is None else
                        (_with_mapping(description, mapping), None, ()))
    own = own.with_policy(policy)
    _require_mapped(table, own, mapping)
    findings = tuple(_in_file_order(table, own))
    cells, _, written = described_cells.read_cells(own, path, partial=True)
    ids = film_ids.film_ids(cells["film"], own.films.drop, str(path))
    said = film_table.labels_of(cells, own, str(path))
    found = film_table.readings_of(ids, cells, said, own, str(path))
    left_out = {name: map_line(name) for name in (_unused(table, own) if left is None else left)}
    chosen = [own.findings.index(finding) for finding in findings]
    notes = (*written, *notes, *said.notes)

    def reading(reader: str, image_ids: np.ndarray, labels: np.ndarray, readers: int) -> LabelReading:
        return LabelReading(reader, image_ids, findings, labels[:, chosen], left_out, own.film.names[0], notes, own,
                            own.policy if said.uncertain else "", readers)

    if by_reader:
        return [reading(name, *found.of_reader(one), 1) for one, name in enumerate(found.readers)]
    most = int(np.bincount(found.film).max())
    return [reading("", found.image_ids, found.majority(), most)]


def _guessed(
    table: Table, path: Path, known: Sequence[str], mapping: Mapping[str, str]
) -> tuple[Description, tuple[str, ...] | None, tuple[str, ...]]:
    """How a file is read by what its columns tell, what is left out of it, and what was guessed of labels."""
    guess = guess_table.guess_table(table, KnownNames(known, mapping))
    return (described(guessed_values(guess, path.name), str(path), path), tuple(guess.left_out),
            tuple(line for line in guess.lines if not line.startswith(_OF_PEOPLE)))


def map_line(name: str) -> str:
    """The flag that takes a column or name for a finding."""
    return f"--map '{name}={guess_table.own_name(name) or 'FINDING'}'"


def guessed_values(guess: Guess, name: str) -> dict:
    """A guess as what a description's TOML would say."""
    columns = {role: guess.people[role] for role in _ROLES if role in guess.people}
    labels: dict[str, object] = {"form": guess.form}
    if guess.form == COLUMNS:
        labels |= {"positive": list(guess_table.POSITIVE), "negative": list(guess_table.NEGATIVE),
                   "uncertain": list(guess_table.UNCERTAIN), "blank": "unknown"}
    else:
        labels |= {"column": guess.names, "separator": guess.separator, "strip": "[]'\" ", "none": list(guess.nothing),
                   "blank": "unknown", "others": "ignored"}
    return {"name": name, "findings": list(dict.fromkeys(guess.findings.values())),
            "columns": columns, "labels": labels, "vocabulary": dict(guess.findings)}


def _checked(mapping: Mapping[str, str]) -> dict[str, str]:
    """With canonical names."""
    try:
        return {own: canonical(name) for own, name in mapping.items()}
    except FindingError as error:
        raise FindingError(f"--map: {error}") from None


def _require_mapped(table: Table, own: Description, mapping: Mapping[str, str]) -> None:
    """What was asked for by name is what is read: a slip of the pen must not leave another column in its place.

    Raises:
        DataError: a column that the file does not have, or a finding that another column is read for.
    """
    if own.labels.form != COLUMNS:
        return
    places = described_cells.finding_places(table, own, partial=True)
    for name, finding in mapping.items():
        place = table.place_of((name,))
        if place is None:
            raise DataError(f"--map names '{shown(name)}', which is no column of {table.path}; it has "
                            f"{', '.join(table.headings[:20])}")
        if places.get(finding) != place:
            other = f", '{table.headings[places[finding]]}'" if finding in places else ""
            raise DataError(f"--map '{shown(name)}={finding}' cannot be: {table.path} has another column for it{other}")


def _with_mapping(description: Description, mapping: Mapping[str, str]) -> Description:
    """With further names, which count before its own."""
    if not mapping:
        return description
    kept = {own: name for own, name in description.vocabulary.items() if name not in mapping.values()}
    findings = tuple(dict.fromkeys((*description.findings, *mapping.values())))
    return replace(description, findings=findings, vocabulary={**mapping, **kept})


def _in_file_order(table: Table, own: Description) -> list[str]:
    if own.labels.form != COLUMNS:
        return list(own.findings)
    places = described_cells.finding_places(table, own, partial=True)
    return sorted(places, key=lambda finding: places[finding])


def _unused(table: Table, own: Description) -> tuple[str, ...]:
    """Headings of columns that look like labels and are none of the description's."""
    if own.labels.form != COLUMNS:
        return ()
    used: set[int | None] = {*described_cells.finding_places(table, own, partial=True).values()}
    used |= {table.place_of(column.names) for column in (own.film, *own.people.values())}
    others = [place for place in range(len(table.headings)) if place not in used]
    cells = table.first_rows(guess_table.FIRST_ROWS)
    return tuple(table.headings[place] for place in others if guess_table.looks_like_labels(cells[place]))
