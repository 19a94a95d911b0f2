"""Whether a film is one of those that were prepared, by its pixels: a renamed file is the same film."""

import numpy as np

from cxrcore.data.pixels.prepared import PreparedPixels

STRIP = 64  # pixels of the middle row that are compared first


def strips(held: PreparedPixels) -> np.ndarray:
    """A short piece of every film's middle row: uint8 (N, at most `STRIP`).

    Of 112,120 films 7 MB, but each lies on another page of the disk; worth keeping.
    """
    return np.array(_middle(held.pixels))


def find_film_in(held: PreparedPixels, film: np.ndarray, found_strips: np.ndarray | None = None) -> str | None:
    """The image id of a prepared film with these very pixels, or None.

    Args:
        film: uint8 (S, S), as `film_file.load_film` gives it at the map's size.
        found_strips: of `strips`, where they are at hand.
    """
    pieces = strips(held) if found_strips is None else found_strips
    candidates = np.flatnonzero((pieces == _middle(film[None])).all(axis=1))
    same = {int(row) for row in candidates if np.array_equal(held.pixels[row], film)}
    return next((name for name, row in held.row_of.items() if row in same), None) if same else None


def _middle(pixels: np.ndarray) -> np.ndarray:
    side = pixels.shape[1]
    left = max((side - STRIP) // 2, 0)
    return pixels[:, side // 2, left:left + STRIP]

