"""Which prepared map shows a data set's films, and their boxes, for all pages that show films."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.data import film_files
from cxrcore.data.files import bounded_file
from cxrcore.data.phantoms.mark import MARK
from cxrcore.data.pixels import prepared
from cxrcore.data.pixels.prepared import PreparedPixels
from cxrcore.errors import WorkbenchError
from cxrcore.queries import film_sources, from_store
from cxrcore.queries.film_sources import FilmSource
from cxrcore.queries.kept import kept
from cxrcore.store import Store
from cxrcore.store.records import rows_of

NIH_BOX_SIDE = 1024  # pixels a side of the films that NIH's boxes were drawn on
PROBES = 3  # films of a map that are compared with those on disk

PHANTOM = "phantom"  # kind of data set


@dataclass(frozen=True)
class FilmMap:
    """The pixels of a data set's films, each from the largest map that holds it.

    Attributes:
        maps: those with the most pixels a side (then the most films) first.
        box_side: pixels a side that the data set's boxes are counted in; None where it is not known.
    """

    maps: tuple[PreparedPixels, ...]
    box_side: int | None

    @property
    def size(self) -> int:
        """Pixels a side of the largest map."""
        return self.maps[0].size

    def film(self, image_id: str) -> np.ndarray | None:
        """uint8 (S, S); None where it is in no map."""
        for held in self.maps:
            if (row := held.row_of.get(image_id)) is not None:
                return np.asarray(held.pixels[row])
        return None

    def holds(self, image_ids: pd.Series) -> np.ndarray:
        """Which of the films are in some map, bool (n,)."""
        return np.logical_or.reduce([image_ids.isin(held.row_of.keys()).to_numpy() for held in self.maps])


def films_of(store: Store, dataset_id: str) -> FilmMap | None:
    """The maps to show a known data set's films from; None where there are none."""
    overview = from_store.overview(store)
    if dataset_id not in overview.datasets.index:
        return None
    return film_map(store, dataset_id, overview.datasets.at[dataset_id, "kind"], from_store.images(store, dataset_id),
                    film_sources.sources(overview.runs[overview.runs["dataset_id"] == dataset_id]))


def film_map(store: Store, dataset_id: str, kind: str, images: pd.DataFrame,
             sources: tuple[FilmSource, ...]) -> FilmMap | None:
    """The maps to show this data set's films from; None where none was prepared beside the store.

    Args:
        kind: of the data set. Films whose names repeat (see `film_sources.names_repeat`) are shown only where the
            folder that they were trained from still holds them as they were prepared.
        images: as `Store.images`.
        sources: of the data set's runs.
    """
    return _film_map(dataset_id, kind, sources, _largest_first(store.folder / "prepared"), images)


@kept(8)  # a mapped file and its index, shared by all readers
def _film_map(dataset_id: str, kind: str, sources: tuple[FilmSource, ...], folders: tuple[Path, ...],
              _images: pd.DataFrame) -> FilmMap | None:
    home = None
    if film_sources.names_repeat(kind):
        home = next((source for source in sources if source.is_home_of(dataset_id)), None)
        if home is None:
            return None
    box_side = _drawn_size(home.img_root) if home and kind == PHANTOM else {"nih": NIH_BOX_SIDE}.get(kind)
    maps, missing = [], _images["image_id"]
    for folder in folders:
        try:
            pixels = prepared.open_prepared(folder)
        except WorkbenchError:
            continue
        held = missing.isin(pixels.row_of.keys())
        if held.any() and (home is None or _unchanged(missing[held].iloc[:PROBES], folder, home)):
            maps.append(pixels)
            missing = missing[~held]
    return FilmMap(tuple(maps), box_side) if maps else None


def _largest_first(root: Path) -> tuple[Path, ...]:
    """Folders of finished maps, the one with the most pixels a side first."""
    found = prepared.finished_maps(root)
    found.sort(key=lambda one: (one.size, one.version, one.n_films, one.folder), reverse=True)
    return tuple(one.folder for one in found)


def _unchanged(image_ids: pd.Series, folder: Path, home: FilmSource) -> bool:
    """Whether these films lie in `home` as they were when the map in `folder` was made."""
    was = pd.read_parquet(folder / "films.parquet", columns=["image_id", "bytes", "mtime_ns"]).set_index("image_id")
    try:
        paths = film_files.find_films(home.img_root, image_ids, home.films)
        now = {image_id: os.stat(path) for image_id, path in paths.items()}
    except (WorkbenchError, OSError):
        return False
    return bool(now) and all((stat.st_size, stat.st_mtime_ns) == tuple(was.loc[image_id])
                             for image_id, stat in now.items())


def _drawn_size(home: Path) -> int | None:
    """Pixels a side that phantoms were drawn with."""
    try:
        return int(bounded_file.settings(home / MARK)["recipe"]["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


# -- boxes


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
    held = films_of(store, dataset_id)
    kind = from_store.overview(store).datasets.at[dataset_id, "kind"]
    side = held.box_side if held else {"nih": NIH_BOX_SIDE}.get(kind)
    if side is None:
        return []
    return [FilmBox(row.finding, *(value / side for value in (row.x, row.y, row.width, row.height)))
            for row in rows_of(own)]


@kept(4)
def _boxes(store: Store, dataset_id: str, token: tuple[int, ...]) -> pd.DataFrame:
    return store.boxes(dataset_id)
