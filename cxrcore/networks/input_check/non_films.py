"""Images that are no upright chest films: what an input check is made from, and measured on.

Turned and inverted films come from the run's own; noise, blanks and pages of text are drawn here, and photographs are
those that scikit-learn brings along.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxrcore.data.pixels.film_file import resize

TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # by `familiarity.TURNED`; films are uint8 (N, S, S)
    "left": lambda films: np.rot90(films, 1, axes=(1, 2)),
    "down": lambda films: np.rot90(films, 2, axes=(1, 2)),
    "right": lambda films: np.rot90(films, 3, axes=(1, 2)),
    "inverted": lambda films: 255 - films,
}

_DRAWN_AT = 256  # pixels a side


def drawn(size: int, measuring: bool, n: int = 20) -> dict[str, np.ndarray]:
    """Kind -> uint8 (n, size, size).

    Args:
        measuring: the images to measure on; else those to make a check from. They have nothing in common.
    """
    rng = np.random.default_rng(int(measuring))
    makers = {"noise": _noise, "patches": _patches, "blank": _blank, "spot": _spot, "text": _page,
              "photograph": _photographs(int(measuring))}
    return {kind: np.stack([resize(make(rng, i), size) for i in range(n)]) for kind, make in makers.items()}


def _noise(rng: np.random.Generator, i: int) -> np.ndarray:
    """Of single pixels, even or normal."""
    shape = (_DRAWN_AT, _DRAWN_AT)
    if i % 2:
        return rng.integers(0, 256, shape, np.uint8)
    return np.clip(rng.normal(rng.uniform(60, 190), rng.uniform(10, 60), shape), 0, 255).astype(np.uint8)


def _patches(rng: np.random.Generator, i: int) -> np.ndarray:
    """Soft patches, from a few large ones to many small ones."""
    cells = 3 + 2 * i
    patches = Image.fromarray(rng.integers(0, 256, (cells, cells), np.uint8))
    return np.asarray(patches.resize((_DRAWN_AT, _DRAWN_AT), Image.Resampling.BICUBIC))


def _blank(rng: np.random.Generator, i: int) -> np.ndarray:
    """One grey, or a slope between two."""
    if i % 2:
        return np.full((_DRAWN_AT, _DRAWN_AT), rng.choice([0, 255, int(rng.integers(256))]), np.uint8)
    slope = np.tile(np.linspace(*rng.uniform(0, 255, 2), _DRAWN_AT), (_DRAWN_AT, 1))
    return (slope if rng.random() < 0.5 else slope.T).astype(np.uint8)


def _spot(rng: np.random.Generator, i: int) -> np.ndarray:
    """A spot of light on black."""
    y, x = np.mgrid[0:_DRAWN_AT, 0:_DRAWN_AT] / _DRAWN_AT
    return (255 * np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) * rng.uniform(2, 20))).astype(np.uint8)


def _page(rng: np.random.Generator, i: int) -> np.ndarray:
    """Lines of letters, dark on light or, each fourth, light on dark."""
    paper, ink = (20, 235) if i % 4 == 3 else (int(rng.integers(225, 256)), int(rng.integers(0, 60)))
    page = Image.new("L", (2 * _DRAWN_AT, int(2 * _DRAWN_AT * rng.uniform(1, 1.4))), paper)
    pen, height = ImageDraw.Draw(page), int(rng.integers(10, 28))
    font = ImageFont.load_default(height)
    for y in range(20, page.height - 20, round(1.4 * height)):
        letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz      "), 2 * page.width // height)
        pen.text((30, y), "".join(letters[: len(letters) // (1 if rng.random() < 0.9 else 3)]), fill=ink, font=font)
    return np.asarray(page)


def _photographs(which: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Pieces of one of scikit-learn's two sample photographs."""
    from sklearn.datasets import load_sample_images

    whole = np.asarray(Image.fromarray(load_sample_images().images[which]).convert("L"))

    def piece(rng: np.random.Generator, i: int) -> np.ndarray:
        side = int(min(whole.shape) * rng.uniform(0.4, 1))
        y, x = (int(rng.integers(0, length - side + 1)) for length in whole.shape)
        return whole[y : y + side, x : x + side]

    return piece
