"""How a table is read that comes without a description: as NIH's, or as what its columns say beyond doubt.

What is taken for granted is said in `Description.said`, which whoever reads the table prints and shows. What leaves a
doubt is refused, in one line that names the command that proposes a description.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import guess_table
from cxrcore.data.description import Description, read_description, shipped_names
from cxrcore.data.description_parts import BLANKS, COLUMNS, NAMES, UNKNOWN, Column, Labels, label_word, plain_word
from cxrcore.data.guess_table import HEADINGS, Guess, KnownNames
from cxrcore.data.splits import PART_SPELLINGS
from cxrcore.data.table_cells import Table, shown
from cxrcore.errors import DataError
from cxrcore.findings import NIH_FINDINGS, display_name

NIH = "nih"  # the description that counts where nothing else is said
_NIH_FILM = re.compile(r"\d{8}_\d{3}(?:\.\w{2,5})?")
_ALL_FOLDERS = 20  # more than paths have: the last part alone is the film's id
_PEOPLE = ("age", "sex", "view", "follow_up")
_PART_WORDS = frozenset(word for words in PART_SPELLINGS.values() for word in words)
_SHOWN = 8  # names in a line


@dataclass
class _Films:
    """The column of films.

    Attributes:
        drop: leading folders of its paths that are not part of the id.
        nih: all are named as NIH names its films.
        lines: what is to be said.
    """

    drop: int = 0
    nih: bool = False
    lines: list[str] = field(default_factory=list)


def recognised(csv_path: str | Path) -> Description:
    """How this table is read where nothing says it.

    Raises:
        DataError: no table, or one that leaves a doubt.
    """
    table, nih = Table(csv_path), read_description(NIH)
    needed = [column for column in (nih.film, nih.labels.column, nih.people["patient"]) if column is not None]
    missing = [column.names[0] for column in needed if table.place_of(column.names) is None]
    if missing:
        return _by_its_columns(table, nih, missing)
    films = _films(table, nih.film.names[0], nih) if table.has_paths else _Films()
    people, said = dict(nih.people), films.lines
    _add_split(table, people, said, taken=[name for column in people.values() for name in column.names])
    return replace(nih, films=replace(nih.films, drop=films.drop), people=people, said=tuple(said))


# -- films


def _films(table: Table, heading: str, nih: Description) -> _Films:
    """How the ids of films come out of their column.

    NIH's films are called by their names wherever they lie; so are others, in tables that are not laid out as NIH's.
    Where two paths have one name, the paths stay.
    """
    place = table.place_of([heading])
    cells = table.cells([place or 0]).iloc[:, 0].str.strip()
    paths = pd.Series(cells.unique(), dtype=str).str.replace("\\", "/", regex=False)
    names = paths.str.rsplit("/", n=1).str[-1]
    found = _Films(nih=bool(names.map(lambda name: bool(_NIH_FILM.fullmatch(name))).all()))
    n_deep = int(paths.str.contains("/", regex=False).sum())
    if not n_deep:
        return found
    if names.duplicated().any():
        twice = shown(names[names.duplicated()].iloc[0])
        found.lines.append(f"films: the folders of their paths are part of their names, as {twice} lies in several")
    elif found.nih or table.place_of(nih.film.names) is None:
        found.drop = _ALL_FOLDERS
        found.lines.append(f"films: {n_deep:,} are paths; a film is called by its name without the folders, such as "
                           f"{shown(names.iloc[0])}")
    return found


# -- the table's own split


def _add_split(table: Table, people: dict[str, Column], said: list[str], taken: Sequence[str]) -> None:
    """The column of parts, under any of its names; one with other words, such as numbered folds, is left out."""
    own = people.pop("split", None)
    letters = {guess_table.letters(name): name for name in reversed(table.headings)}
    first = [heading for name in (own.names if own else ()) for heading in table.headings
             if heading.lower() == name.lower()]
    others = [letters[name] for name in HEADINGS["split"] if name in letters]
    for heading in dict.fromkeys((*first, *others)):
        if heading.lower() in {name.lower() for name in taken} - {"split"}:
            continue
        words = {plain_word(text) for text in table.cells([table.place_of([heading]) or 0]).iloc[:, 0].unique()}
        if words <= _PART_WORDS or (heading in first and words & _PART_WORDS):  # a hole in it is refused with its row
            people["split"] = Column((heading,), needed=False)
            said.append(f"split: column '{heading}' holds the table's own ({', '.join(sorted(words & _PART_WORDS))}); "
                        "--split given trains by it")
            return
        if words != {""}:
            odd = shown(min(words - _PART_WORDS))
            said.append(f"split: column '{heading}' was left out: '{odd}' is none of train, val, test")


# -- tables that are not laid out as NIH's


def _by_its_columns(table: Table, nih: Description, missing: Sequence[str]) -> Description:
    _refuse_published(table)
    try:
        guess = guess_table.guess_table(table, KnownNames())
    except DataError:
        raise DataError(f"{table.path} is no table of {nih.name}: missing column(s) {', '.join(missing)}; it has "
                        f"{', '.join(table.headings[:12])}{_hint(table)}") from None
    if "reader" in guess.people:
        raise _doubt(table, f"column '{guess.people['reader']}' names readers")
    if guess.repeated:
        raise _doubt(table, "a film has several rows")
    heading = guess.people["film"]
    films = _films(table, heading, nih)
    labels, findings, said = (_one_hot if guess.form == COLUMNS else _named)(table, guess, films)
    people = {key: Column((guess.people[key],), needed=False) for key in _PEOPLE if key in guess.people}
    said = [f"film: column '{heading}'", *films.lines, *said]
    if "patient" in guess.people:
        people["patient"] = Column((guess.people["patient"],), number=True)
    elif films.nih:
        people["patient"] = Column((heading,), part=-1, before="_", number=True)
        said.append("patient: the number that NIH's names of films begin with")
    else:
        said.append("patient: no column found, so patients are unknown")
    said += [f"{key}: column '{guess.people[key]}'" for key in ("patient", *_PEOPLE) if key in guess.people]
    if guess.form == COLUMNS or "split" in guess.people:
        _add_split(table, people, said, taken=[column.names[0] for column in people.values()])
    own = replace(nih, film=Column((heading,)), people=people, labels=labels, findings=findings,
                  films=replace(nih.films, drop=films.drop), said=tuple(said))
    if findings == NIH_FINDINGS:
        return own
    return replace(own, name=table.path.name.split(".")[0], kind="films", label_source="its table", citation="",
                   n_films=None, vocabulary=dict(guess.findings), notes={}, derived={}, test_list=None, boxes=None)


def _one_hot(table: Table, guess: Guess, films: _Films) -> tuple[Labels, tuple[str, ...], list[str]]:
    """One column a finding: the labels, the list of findings, and what is to be said."""
    found = tuple(guess.findings.values())
    whole = set(found) >= set(NIH_FINDINGS)
    if guess.left_out and not whole:
        raise _doubt(table, f"column '{shown(guess.left_out[0])}' may be a finding or not")
    findings = tuple(name for name in NIH_FINDINGS if name in found) if set(found) <= set(NIH_FINDINGS) else found
    blank = 0
    for heading in guess.findings:
        cells = table.cells([table.place_of([heading]) or 0]).iloc[:, 0]
        codes, texts = pd.factorize(cells)
        words = [label_word(str(text)) for text in texts]
        empty = [code for code, word in enumerate(words) if word in BLANKS]
        if empty and not set(words) & {*guess_table.NEGATIVE}:
            raise _doubt(table, f"empty cells of column '{heading}' may mean that the finding is absent or unknown")
        blank += int(np.isin(codes, empty).sum())
    said = [f"labels: one column a finding, {len(findings)} of them: {_some(findings)}"]
    said += [line for line in guess.lines if line.startswith("column ") or "was left out" in line]
    if guess.left_out:
        said.append(f"labels: left out, as no known finding is called so: {_some(guess.left_out)}")
    if blank:
        said.append(f"labels: {blank:,} empty cells count as unknown")
    return Labels(COLUMNS, None, positive=guess_table.POSITIVE, negative=guess_table.NEGATIVE,
                  uncertain=guess_table.UNCERTAIN, blank=UNKNOWN), findings, said


def _named(table: Table, guess: Guess, films: _Films) -> tuple[Labels, tuple[str, ...], list[str]]:
    """Names in one column: they have to be NIH's, as the list is nowhere else to be read."""
    heading = guess.names or ""
    strange = [name for name in guess.findings.values() if name not in NIH_FINDINGS] + list(guess.left_out)
    if strange:
        raise _doubt(table, f"column '{heading}' names '{shown(strange[0])}', which is none of NIH's findings")
    nih_heading = guess_table.letters(heading) == guess_table.letters("Finding Labels")
    if not (films.nih or nih_heading or set(guess.findings.values()) == set(NIH_FINDINGS)):
        raise _doubt(table, f"column '{heading}' names {len(guess.findings)} findings, and the list may be longer")
    said = [f"labels: column '{heading}' names NIH's findings, with '{guess.separator}' between them"]
    return Labels(NAMES, Column((heading,)), guess.separator, "[]'\" ", guess.nothing, blank="refused"
                  ), NIH_FINDINGS, said


def _refuse_published(table: Table) -> None:
    """A table with all the columns of a published data set is read by its description, once it is named."""
    for name in shipped_names():
        own = read_description(name)
        columns = [own.film, *([own.labels.column] if own.labels.column else []),
                   *(column for column in own.people.values() if column.needed)]
        if own.kind == NIH or own.join is not None or own.n_films is None or not all(
                table.place_of(column.names) is not None for column in columns):
            continue
        there = {own.finding_of(heading) for heading in table.headings}
        if own.labels.form != COLUMNS or there >= set(own.findings):
            raise DataError(f"{table.path} has the columns of {own.name}: --data {name} reads it so"
                            f"{_hint(table, 'of another table')}")


def _doubt(table: Table, what: str) -> DataError:
    return DataError(f"{table.path} leaves a doubt: {what}{_hint(table)}")


def _hint(table: Table, of: str = "to look over and to give as --data") -> str:
    return f"; python scripts/describe.py {table.path} proposes a description {of}"


def _some(names: Sequence[str]) -> str:
    said = [display_name(name) if name in NIH_FINDINGS else shown(name) for name in names[:_SHOWN]]
    return ", ".join(said) + (", ..." if len(names) > _SHOWN else "")
