"""What a film is called: a name alone, as store, links and folders need it, also where a table gives paths.

A path loses the folders that its description drops and has `~` for each `/`:
`CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg` is
`train~patient00001~study1~view1_frontal.jpg`. So the small and the full release have the same ids, no two paths have
one, and the path can be told from the id. Paths with `~`, `..` or empty parts are refused, as is what no file can be
called; see `ids.FILE`.
"""

from collections.abc import Container, Iterable
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.errors import DataError

MARK = "~"
ENDINGS = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff", ".bmp", ".npy")  # of files of images
_NO_PATH = r"~|(?:^|/)\.{0,2}(?:/|$)"
_PLAIN = r"^[\w.,()+~-]{1,120}$"  # names that need no further look: nearly all


def film_ids(cells: pd.Series, drop: int, table: str) -> pd.Series:
    """The id of each film.

    Args:
        cells: as the table writes them.
        drop: leading folders that are not part of the id.
        table: for errors.

    Raises:
        DataError: a name or path that no film can have, with its row.
    """
    turned = cells.str.contains("\\", regex=False) & ~cells.str.contains("/", regex=False)
    if turned.any():  # paths as Windows writes them
        cells = cells.where(~turned, cells.str.replace("\\", "/", regex=False))
    deep = cells.str.contains("/", regex=False)
    if deep.any():
        short = pd.Series([text.split("/", drop)[-1] if drop else text for text in cells], cells.index, cells.dtype)
        _refuse(cells, deep.to_numpy(bool) & short.str.contains(_NO_PATH, regex=True).to_numpy(bool), table)
        cells = cells.where(~deep, short.str.replace("/", MARK, regex=False))
    plain = pd.Series(pc.match_substring_regex(pa.array(cells, pa.string()), _PLAIN).to_numpy(zero_copy_only=False),
                      cells.index)
    odd = cells[~plain]
    if len(odd):
        wrong = odd.index[[not ids.is_one(ids.FILE, name) for name in odd]]
        _refuse(cells, cells.index.isin(wrong), table)
    return cells


def path_of(image_id: str) -> str | None:
    """The path below the dropped folders that an id stands for; None where it is a name alone, or leads elsewhere."""
    parts = image_id.split(MARK)
    return "/".join(parts) if len(parts) > 1 and not {"", ".", ".."} & set(parts) else None


def ending(name: str) -> str:
    """A name's ending in lower case where it is one of images, else ''."""
    _, point, last = name.rpartition(".")
    found = (point + last).lower()
    return found if found in ENDINGS and len(found) < len(name) else ""


def stem(name: str) -> str:
    """A name without the ending of an image; others as they are."""
    return name[: -len(found)] if (found := ending(name)) else name


def as_known(image_ids: Iterable[str], known: Container[str]) -> list[str]:
    """The ids of other people's paths, which may begin in another folder, as a data set has them; others as they are.

    Args:
        known: the ids of the data set's films.
    """
    def short(image_id: str) -> str:
        parts = image_id.split(MARK)
        ends = (MARK.join(parts[first:]) for first in range(len(parts)))
        return next((end for end in ends if end in known), image_id)

    return [short(str(image_id)) for image_id in image_ids]


def stems(names: Iterable[str]) -> list[str]:
    """Film names without the ending of an image, as files name them that were converted."""
    return [stem(str(name)) for name in names]


class Films:
    """The films of a table, to be found by the names that others give them.

    Args:
        image_ids: each once.
    """

    def __init__(self, image_ids: Iterable[str]):
        self.index = pd.Index(np.asarray(list(image_ids), object))

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(self.index)

    @cached_property
    def _bare(self) -> tuple[pd.Index, frozenset[str]] | None:
        """Names without endings, where they still tell the films apart."""
        bare = pd.Index(np.array(stems(self.index), object))
        return (bare, frozenset(bare)) if bare.is_unique else None

    def rows_of(self, names: np.ndarray) -> np.ndarray:
        """The place of each film, int (n,), -1 for an unknown one; folders and endings such as .png need not agree.

        Args:
            names: object (n,), paths with `MARK` between their folders.
        """
        rows = self.index.get_indexer(names)
        if (rows < 0).any():
            rows = np.where(rows < 0, self.index.get_indexer(as_known(names, self._whole)), rows)
        if (rows < 0).any() and self._bare:
            bare, known = self._bare
            rows = np.where(rows < 0, bare.get_indexer(as_known(stems(names), known)), rows)
        return rows


def _refuse(cells: pd.Series, wrong: np.ndarray, table: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{table} row {row + 2}: {ascii(cells.iloc[row])[:80]} can be the name of no film")
