"""Which column of a table holds the films: the one whose values are films of the data set, whatever it is called.

Where the films are not known, or no column has any of them, its name tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from cxrcore.data import film_ids
from cxrcore.data.film_ids import Films
from cxrcore.errors import DataError
from cxrcore.import_export.prediction_columns import FILM_NAMES, letters, some
from cxrcore.import_export.table_kinds import Table, whole_texts

HINT = "--map COLUMN=image_id"  # said wherever another column may be the films'


@dataclass(frozen=True)
class FilmColumn:
    """The column of the films.

    Attributes:
        name: its name.
        assumed: a sentence where its values chose it and not its name; else empty.
    """

    name: str
    assumed: str = ""


def find_film_column(table: Table, mapping: Mapping[str, str], films: Films | None) -> FilmColumn:
    """The column of the films.

    Args:
        mapping: {column: what it is}, as people declare it; counts before all else.
        films: of the data set; None where they are not known.

    Raises:
        DataError: there is none; the text says which column comes nearest.
    """
    declared = [column for column, what in mapping.items() if letters(what) in FILM_NAMES and column in table.columns]
    if declared:
        return FilmColumn(declared[0])
    named = _by_name(table.columns)
    if films is None or not len(films.index):
        if named is None:
            raise DataError("no column names the films: expected 'Image Index', 'image_id', 'path' or 'id', found "
                            f"{some(table.columns)}; {HINT} names it")
        return FilmColumn(named)
    first = {column: as_ids(values) for column, values in table.first().items()
             if values.ndim == 1 and len(values) and column not in mapping}
    share = {column: _share(values, films) for column, values in first.items()}
    best = max(share, key=lambda column: (share[column], column == named, len(set(first[column]))), default=None)
    if best is not None and share[best]:
        return FilmColumn(best, "" if best == named else _chosen(best, named))
    if named is not None and (values := as_ids(table.read([named], [named])[named])).size:
        if (films.rows_of(values) >= 0).any():  # further down
            return FilmColumn(named)
        raise DataError(f"none of the {len(values):,} films is in the table: the column '{named}' has "
                        f"'{_shown(values[0])}', the table '{films.index[0]}'{_nearest(first, films, named)}")
    if named is not None:
        return FilmColumn(named)
    raise DataError(f"no column names the films, such as '{films.index[0]}': found {some(table.columns)}"
                    f"{_nearest(first, films, '')}")


def as_ids(names: np.ndarray) -> np.ndarray:
    """Paths as ids of films have them, object (n,): which of their folders count, only the table can tell."""
    texts = pd.Series(names).astype(str).fillna("").str.strip().str.replace("\\", "/", regex=False)
    return whole_texts(texts.str.strip("/").str.replace("/", film_ids.MARK, regex=False).to_numpy(object))


def _by_name(columns: Sequence[str]) -> str | None:
    by_letters = {letters(column): column for column in reversed(columns)}
    return next((by_letters[name] for name in FILM_NAMES if name in by_letters), None)


def _share(values: np.ndarray, films: Films) -> float:
    """Share of rows that are films; fractions are none, and are not looked up."""
    some_rows = values[:: 1 + len(values) // 20]
    numbers = pd.to_numeric(pd.Series(some_rows, dtype=object), errors="coerce").to_numpy(np.float64)
    if np.isfinite(numbers).all() and (numbers != np.round(numbers)).any():
        return 0.0
    return float((films.rows_of(values) >= 0).mean())


def _chosen(best: str, named: str | None) -> str:
    other = f", those of '{named}' are not" if named is not None else ""
    return f"films are those of the column '{best}', whose values are films of the table{other} ({HINT} takes another)"


def _nearest(first: Mapping[str, np.ndarray], films: Films, named: str) -> str:
    """Which column looks most like names of films."""
    alike = {column: SequenceMatcher(None, str(values[0])[:200], films.index[0]).ratio()
             for column, values in list(first.items())[:100]}
    best = max(alike, key=alike.__getitem__, default=None)
    if best is None or best == named:
        return f"; {HINT} names another column"
    return f"; the column '{best}' comes nearest with '{_shown(first[best][0])}': {HINT} names one"


def _shown(value: object) -> str:
    return str(value)[:60]
