"""Textures that every phantom film draws from: trees of vessels and fields of noise, made once a process.

Seeded by a constant, so that the bank is the same everywhere; a film takes its own piece of it. Pure numpy and Pillow.
"""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

_BANK_SEED = 20171215
_N_TREES = 10
_N_FIELDS = 6
_TREE_PIXELS = 400  # a side; covers |u| 0 to 1 and v 0 to 1.2
_TREE_SPAN_V = 1.2
_FIELD_PIXELS = 1024
_MARKER_HEIGHT = 32


class Textures:
    """The bank, for films of one size.

    Args:
        size: of the films, pixels a side.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._trees, self._fields = _trees(), _fields()

    def tree(self, which: int, side: np.ndarray, v: np.ndarray) -> np.ndarray:
        """One tree of vessels, 0 to about 1, looked up at |u| (S, S) and v (S, 1)."""
        tree = self._trees[which % _N_TREES]
        column = np.clip(side * _TREE_PIXELS, 0, _TREE_PIXELS - 1).astype(np.int32)
        row = np.clip(v * (_TREE_PIXELS / _TREE_SPAN_V), 0, _TREE_PIXELS - 1).astype(np.int32)
        return tree[row, column]

    def field(self, rng: np.random.Generator, kind: str) -> np.ndarray:
        """A random piece (S, S) of noise of unit variance: 'cloud' (smooth), 'mottle' (finer) or 'grain' (finest).

        Its scale follows the film's size, so that a small film is the large one made smaller.
        """
        bank = self._fields[kind][int(rng.integers(_N_FIELDS))]
        stride = max(_FIELD_PIXELS // 2 // self.size, 1)
        span = self.size * stride
        if span > _FIELD_PIXELS:  # films above 1024 px: the bank is laid side by side
            bank = np.tile(bank, (-(-span // _FIELD_PIXELS) + 1,) * 2)
        top, left = rng.integers(0, len(bank) - span + 1, 2)
        piece = bank[top:top + span:stride, left:left + span:stride]
        return piece[:, ::-1] if rng.random() < 0.5 else piece


@cache
def _trees() -> list[np.ndarray]:
    rng = np.random.default_rng(_BANK_SEED)
    return [_draw_tree(rng) for _ in range(_N_TREES)]


def _draw_tree(rng: np.random.Generator) -> np.ndarray:
    """Branches from the hilum outwards, thinner and fainter with each fork; thick ones drawn under fine ones."""
    big = 2 * _TREE_PIXELS
    density = np.zeros((big, big), np.float32)
    for angle in np.linspace(-1.45, 1.75, 10) + rng.normal(0, 0.15, 10):
        root = np.array([rng.normal(0.2, 0.025), 0.5 / _TREE_SPAN_V + 0.07 * np.sin(angle) + rng.normal(0, 0.015)])
        _grow(density, rng, root * big, angle, rng.uniform(6, 11), rng.uniform(0.1, 0.19) * big, 0)
    image = Image.fromarray(density).resize((_TREE_PIXELS, _TREE_PIXELS), Image.Resampling.BOX)
    return np.minimum(np.asarray(image), 1.2)


def _grow(density: np.ndarray, rng: np.random.Generator, start: np.ndarray, angle: float, width: float, length: float,
          depth: int) -> None:
    """One branch and, from its end, two or three thinner ones."""
    bend = angle + rng.normal(0, 0.22)
    middle = start + length / 2 * np.array([np.cos(angle), np.sin(angle)])
    end = middle + length / 2 * np.array([np.cos(bend), np.sin(bend)])
    mask = Image.new("L", density.shape[::-1])
    points = [tuple(start), tuple(middle), tuple(end)]
    ImageDraw.Draw(mask).line(points, fill=255, width=max(round(width), 2), joint="curve")
    box = mask.getbbox()
    if box:
        left, top, right, bottom = box
        density[top:bottom, left:right] += np.asarray(mask.crop(box), np.float32) / 255 * min(0.14 + width / 13, 0.8)
    if depth == 4 or not (0 < end[0] < len(density) and 0 < end[1] < len(density)):
        return
    for turn in rng.normal((-0.42, 0.42), 0.16) if rng.random() < 0.75 else rng.normal((-0.5, 0.05, 0.5), 0.14):
        _grow(density, rng, end, bend + turn, width * 0.68, length * rng.uniform(0.62, 0.9), depth + 1)


@cache
def _fields() -> dict[str, list[np.ndarray]]:
    """Fields whose power falls with frequency; they tile."""
    rng = np.random.default_rng(_BANK_SEED + 1)
    n = _FIELD_PIXELS
    frequency = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :]) * n
    frequency[0, 0] = np.inf
    shapes = {"cloud": frequency**-2.0, "mottle": frequency**-1.1 * (frequency > 12),
              "grain": np.exp(-(frequency / (n / 5)) ** 2) * np.isfinite(frequency)}
    bank = {}
    for kind, shape in shapes.items():
        bank[kind] = []
        for _ in range(_N_FIELDS):
            noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((n, n))) * shape, s=(n, n))
            bank[kind].append((noise / noise.std()).astype(np.float32))
    return bank


@cache
def marker(text: str) -> np.ndarray:
    """A letter of lead as the technician lays it on the cassette, float32 (h, w), 0 to 1."""
    mask = Image.new("L", (_MARKER_HEIGHT * max(len(text), 1), _MARKER_HEIGHT * 2))
    ImageDraw.Draw(mask).text((2, 2), text, fill=255, font_size=_MARKER_HEIGHT)
    return np.asarray(mask.crop(mask.getbbox()), np.float32) / 255
