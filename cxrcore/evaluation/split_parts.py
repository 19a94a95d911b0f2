"""Which films of a split are evaluated, and their prepared pixels."""

import logging
from collections.abc import Mapping

import numpy as np

from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import PreparedPixels, prepare
from cxrcore.store import Store

_LOG = logging.getLogger(__name__)  # scripts print what it says

EVALUATED = ("val", "test")


def chosen_rows(films: FilmSet, parts: Mapping[str, np.ndarray], at_most: int | None) -> dict[str, np.ndarray]:
    """The table rows to evaluate of each part: all, or a seeded subset with the same imbalance."""
    return {name: films.subset(rows, at_most) for name, rows in parts.items() if len(rows)}


def evaluated_parts(films: FilmSet) -> dict[str, np.ndarray]:
    """val and test of the split, as far as there are films on disk."""
    return {part: rows for part in EVALUATED if len(rows := films.on_disk(part))}


def prepare_parts(store: Store, films: FilmSet, parts: dict[str, np.ndarray], image_size: int) -> PreparedPixels:
    """The prepared map that holds all films of these parts."""
    wanted = films.image_ids(np.unique(np.concatenate(list(parts.values()))))
    pixels = prepare({i: films.paths[i] for i in wanted}, image_size, store.folder / "prepared")
    skipped = [pixels.skipped[i] for i in wanted if i in pixels.skipped]
    if skipped:
        _LOG.info(f"{len(skipped)} films cannot be read and are skipped: {'; '.join(skipped)}")
    return pixels


def assumed(films: FilmSet, pixels: PreparedPixels, parts: Mapping[str, np.ndarray]) -> list[str]:
    """What the table, its files and the DICOM films of these parts did not say themselves, and how it was taken."""
    ids = films.image_ids(np.unique(np.concatenate(list(parts.values()))))
    return [*films.table.notes, *films.files, *pixels.assumed(ids)]
