"""The boxes of a film, as shares of it, for all pages that draw them."""

from dataclasses import dataclass

import pandas as pd

from cxrcore.queries import film_pixels
from cxrcore.queries.film_pixels import NIH_BOX_SIDE
from cxrcore.queries.from_store import overview
from cxrcore.queries.kept import kept
from cxrcore.store import Store
from cxrcore.store.records import rows_of


@dataclass(frozen=True)
class FilmBox:
    """A box of a finding; left, top, width, height as shares of the film, in [0, 1]."""

    finding: str
    left: float
    top: float
    width: float
    height: float


def boxes_on(store: Store, dataset_id: str, image_id: str) -> list[FilmBox]:
    """A film's boxes; none where the data set has none, or the size that they are counted in is not known."""
    boxes = _boxes(store, dataset_id, store.change_token())
    own = boxes[boxes["image_id"] == image_id]
    if own.empty:
        return []
    held = film_pixels.films_of(store, dataset_id)
    kind = overview(store).datasets.at[dataset_id, "kind"]
    side = held.box_side if held else {"nih": NIH_BOX_SIDE}.get(kind)
    if side is None:
        return []
    return [FilmBox(row.finding, *(value / side for value in (row.x, row.y, row.width, row.height)))
            for row in rows_of(own)]


@kept(4)
def _boxes(store: Store, dataset_id: str, token: tuple[int, ...]) -> pd.DataFrame:
    return store.boxes(dataset_id)
