"""Readings: who read which film, and what the films' labels are when several did. Pure numpy and pandas."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.data.table_cells import shown
from cxrcore.errors import DataError


@dataclass(frozen=True)
class Readings:
    """One row a film and reader.

    Attributes:
        image_ids: str (n,), the films in the order of the table.
        first_row: int (n,), the first row of the table that is of each film.
        readers: names of the readers, sorted; ("",) where nobody is named.
        film: int (p,), index into `image_ids` of each reading.
        reader: int (p,), index into `readers` of each reading.
        labels: float32 (p, k), 1 / 0 / NaN.
    """

    image_ids: np.ndarray
    first_row: np.ndarray
    readers: tuple[str, ...]
    film: np.ndarray
    reader: np.ndarray
    labels: np.ndarray

    def majority(self) -> np.ndarray:
        """float32 (n, k): what most readers with an opinion say; NaN where as many say 1 as say 0, or nobody says.

        One reading is its own majority.
        """
        votes = np.nan_to_num(2 * self.labels - 1)  # 1, -1, or 0 for unknown
        sums = np.zeros((len(self.image_ids), self.labels.shape[1]))
        np.add.at(sums, self.film, votes)
        return np.where(sums > 0, 1, np.where(sums < 0, 0, np.nan)).astype(np.float32)

    def of_reader(self, reader: int) -> tuple[np.ndarray, np.ndarray]:
        """(film names, labels) of one reader, in the order of the films."""
        own = np.flatnonzero(self.reader == reader)
        own = own[np.argsort(self.film[own], kind="stable")]
        return self.image_ids[self.film[own]], self.labels[own]


def read(image_ids: pd.Series, readers: pd.Series | None, labels: np.ndarray, several: bool, table: str) -> Readings:
    """Rows of a table as readings.

    Args:
        image_ids: of each row.
        readers: of each row; None where nobody is named.
        labels: float32 (rows, k).
        several: rows of one film and reader are one reading, which has any of their findings; else they are refused.
        table: for errors.

    Raises:
        DataError: two readings of one film by one reader.
    """
    films, names = pd.factorize(image_ids)
    nobody = pd.Series([""] * len(films)) if readers is None else readers
    codes, who = pd.factorize(nobody, sort=True)
    pairs, firsts, reading = np.unique(films.astype(np.int64) * len(who) + codes, return_index=True,
                                       return_inverse=True)
    if len(pairs) < len(films):
        if not several:
            _refuse(image_ids, readers, reading, table)
        labels = _any(labels, reading, len(pairs))
    else:
        labels = labels[firsts]
    first_row = np.full(len(names), len(films))
    np.minimum.at(first_row, films, np.arange(len(films)))
    return Readings(np.asarray(names, object), first_row, tuple(str(one) for one in who), pairs // len(who),
                    pairs % len(who), labels)


def _any(labels: np.ndarray, reading: np.ndarray, n: int) -> np.ndarray:
    """Rows of one reading as one: present if any says so, else unknown if any is, else absent."""
    rank = np.where(np.isnan(labels), 1, np.where(labels == 1, 2, 0)).astype(np.int8)  # 0 absent, 1 unknown, 2 present
    order = np.argsort(reading, kind="stable")
    starts = np.searchsorted(reading[order], np.arange(n))
    highest = np.maximum.reduceat(rank[order], starts, axis=0)
    return np.array([0, np.nan, 1], np.float32)[highest]


def _refuse(image_ids: pd.Series, readers: pd.Series | None, reading: np.ndarray, table: str) -> None:
    n = len(reading) - len(np.unique(reading))
    row = int(np.argmax(pd.Series(reading).duplicated()))
    film = image_ids.iloc[row]
    if readers is None:
        raise DataError(f"{table}: film {film} stands in the table twice ({n:,} such rows)")
    reader = shown(readers.iloc[row])
    raise DataError(f"{table} row {row + 2}: reader {reader} has read film {film} twice ({n:,} such rows)")
