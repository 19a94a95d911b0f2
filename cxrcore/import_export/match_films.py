"""Lays the rows of somebody else's predictions on the films of a table: each film once, in the parts of a split."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.config import IMPORTED_PARTS
from cxrcore.data.film_ids import Films
from cxrcore.errors import DataError, UsageError
from cxrcore.import_export.film_column import HINT
from cxrcore.import_export.part_column import part_of
from cxrcore.import_export.prediction_file import PredictionFile

NEAR = 1e-5  # by which a film's scores differ that several GPUs gave, of 1 and of the score
LABELS_AGREE = 0.999  # share of the labels beside scores without films' names that have to be the films' own


@dataclass(frozen=True)
class Once:
    """The rows that count: known films, each once.

    Attributes:
        kept: int (n,), rows of the file.
        n_repeated: films that stand there more than once.
        n_contradicting: those among them with different scores.
        apart: the greatest difference between scores that were taken for the same.
    """

    kept: np.ndarray
    n_repeated: int = 0
    n_contradicting: int = 0
    apart: float = 0.0


def rows_of(file: PredictionFile, films: pd.Index, table_name: str) -> np.ndarray:
    """The table's row of each row of the file, -1 for an unknown film.

    Raises:
        DataError: none is known.
    """
    rows = Films(films).rows_of(file.image_ids)
    if (rows < 0).all():
        raise DataError(f"none of the {len(rows):,} films is in the table of {table_name}: the file has "
                        f"'{file.image_ids[0]}' in the column '{file.image_column}', the table '{films[0]}'; {HINT} "
                        "names another column")
    return rows


def each_once(scores: np.ndarray, rows: np.ndarray) -> Once:
    """The file's first row of each known film.

    Args:
        scores: (m, k), of all rows. rows: int (m,), as `rows_of`.
    """
    known = np.flatnonzero(rows >= 0)
    _, first, inverse = np.unique(rows[known], return_index=True, return_inverse=True)
    if len(first) == len(known):
        return Once(known)
    own, original = scores[known], scores[known[first]][inverse]
    with np.errstate(invalid="ignore"):  # infinite ones
        apart = np.where((own == original) | (np.isnan(own) & np.isnan(original)), 0.0, np.abs(own - original))
    other = ~(apart <= NEAR * (1 + np.abs(original))).all(axis=1)
    repeated = np.flatnonzero(np.bincount(inverse) > 1)
    return Once(known[np.sort(first)], len(repeated), len(np.unique(inverse[other])),
                float(apart[~other].max(initial=0.0)))


def parts_of(said: np.ndarray | None, declared: str, n: int) -> dict[str, np.ndarray]:
    """{part: rows}, of the words of a column of parts, or of what was declared.

    Raises:
        UsageError: a part that there is not.
    """
    if said is None:
        said = np.full(n, declared, object)
    places, words = pd.factorize(said.astype(str))
    kinds = np.array([part_of(word) or word.lower() for word in words], object)
    if unknown := sorted(set(kinds) - set(IMPORTED_PARTS)):
        raise UsageError(f"unknown part of a split '{unknown[0]}': expected one of {', '.join(IMPORTED_PARTS)}")
    said = kinds[places]
    return {part: np.flatnonzero(said == part) for part in IMPORTED_PARTS if (said == part).any()}


def check_labels(file: PredictionFile, rows: np.ndarray, labels: np.ndarray) -> None:
    """DataError where a file without names of films brings labels, and they are not those of the films it was laid on.

    Args:
        rows: as `rows_of`. labels: (films, k), 1 / 0 / NaN, of the table.
    """
    if file.labels is None:
        return
    theirs, ours = file.labels[rows >= 0], labels[rows[rows >= 0]]
    known = ~np.isnan(theirs) & ~np.isnan(ours)
    if known.any() and (agree := float((theirs == ours)[known].mean())) < LABELS_AGREE:
        raise DataError(f"{file.name} names no films, and its labels agree with those of the table's films in "
                        f"{agree:.1%} only: its rows are other films, or in another order")
