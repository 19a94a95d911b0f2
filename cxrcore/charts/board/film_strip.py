"""A finding's films as small pictures in one image, spread evenly over the axis of its scores. Pure."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cxrcore.measures.curves import logit

MOST_FILMS = 600
MOST_BYTES = 300_000  # of the image
STRETCHES = 50  # of the axis, from each of which as many films are taken, as far as it has them
SIDES = (48, 40, 32, 24)  # pixels of a film, the largest first that fits
QUALITIES = (70, 50, 30)
ACROSS = 30  # films in a line of the image


@dataclass(frozen=True)
class FilmStrip:
    """What the strip is made of.

    Attributes:
        finding: canonical name.
        image_ids, scores, labels: (n,) of the films, n <= `MOST_FILMS`; labels 1 and 0.
        n_films: that there are, of which these are some.
        sprite: an image with the films in lines of `across`, each side x side pixels, of MIME type `kind`.
        leads: whether a film can be explained.
    """

    finding: str
    image_ids: tuple[str, ...]
    scores: np.ndarray
    labels: np.ndarray
    n_films: int
    sprite: bytes
    side: int
    across: int
    kind: str
    leads: bool


def spread_films(labels: np.ndarray, scores: np.ndarray, low: float, high: float, most: int = MOST_FILMS) -> np.ndarray:
    """Films spread evenly over a logit axis: rows, int64, those that matter most in a stretch first.

    The axis is cut into `STRETCHES`; each gives the films with and without the finding by turns, evenly over it, as far
    as it has them. So the share of films with the finding is not that of all films.

    Args:
        labels: (n,), 1 / 0 / NaN; films with an unknown label or score are left out.
        scores: (n,), in [0, 1].
        low, high: where the axis begins and ends.
    """
    known = np.flatnonzero(~np.isnan(labels) & ~np.isnan(scores))
    at = logit(scores[known].astype(np.float64))
    edges = np.linspace(*logit(np.array([low, high])), STRETCHES + 1)[1:-1]
    stretch = np.searchsorted(edges, at, side="right")
    taken: list[list[int]] = []
    for place in range(STRETCHES):
        here = known[stretch == place]
        kinds = [_evenly(here[labels[here] == kind], scores, most // STRETCHES) for kind in (1, 0)]
        by_turns = [row for turn in range(max(map(len, kinds))) for kind in kinds for row in kind[turn:turn + 1]]
        taken.append(by_turns[: most // STRETCHES])
    return np.array([row for rows in taken for row in rows], np.int64)


def _evenly(rows: np.ndarray, scores: np.ndarray, most: int) -> list[int]:
    """At most so many of the rows, evenly over their scores."""
    ordered = rows[np.argsort(scores[rows], kind="stable")]
    if len(ordered) <= most:
        return ordered.tolist()
    return ordered[np.linspace(0, len(ordered) - 1, most).round().astype(int)].tolist()


def sprite(films: Sequence[np.ndarray]) -> tuple[bytes, int]:
    """One WebP image of the films in lines of `ACROSS`, of at most `MOST_BYTES`, and a film's side in it.

    Args:
        films: uint8 (S, S) each.

    Raises:
        ValueError: no film, or none of the sizes fits, as of more films than `MOST_FILMS`.
    """
    for side in SIDES if films else ():
        lines = -(-len(films) // ACROSS)
        sheet = np.zeros((lines * side, ACROSS * side), np.uint8)
        for place, film in enumerate(films):
            top, left = place // ACROSS * side, place % ACROSS * side
            sheet[top:top + side, left:left + side] = np.asarray(
                Image.fromarray(film).resize((side, side), Image.Resampling.BILINEAR))
        for quality in QUALITIES:
            file = io.BytesIO()
            Image.fromarray(sheet).save(file, "WEBP", quality=quality, method=2)
            if file.tell() <= MOST_BYTES:
                return file.getvalue(), side
    raise ValueError(f"{len(films)} films do not fit into {MOST_BYTES} bytes")
