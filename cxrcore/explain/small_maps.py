"""Maps as the few cells that they are made of, for a screen that stretches them over the film itself.

A map of 224 x 224 pixels is a grid of 7 x 7 cells, stretched: 50 kB against 49 bytes. A browser that has the cells of
all findings goes from one to the next without asking.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SmallMaps:
    """Maps before they are stretched.

    Attributes:
        cells: uint8 (k, h, w); 0 and 255 are each map's coldest and hottest cell.
        low, high: float32 (k,), of the stretched map's coldest and hottest pixel, in shares of 255; alike where the map
            is flat, so that there is nothing to draw.
        size: S, pixels a side of the network's input.
        offset: pixels of it that stretched maps lie too far right and down.
    """

    cells: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: int
    offset: float

    def placed(self) -> np.ndarray:
        """What a screen has to draw, float32 (k, S, S) in [0, 1]: as `Explanation.placed`, but for the 256 steps."""
        span = (self.high - self.low)[:, None, None]
        heat = (_stretched(self.cells / np.float32(255), self.size) - self.low[:, None, None]) / np.where(span, span, 1)
        return place(np.where(span, heat, 0).clip(0, 1).astype(np.float32), self.offset)


def small_maps(cells: np.ndarray, size: int, offset: float) -> SmallMaps:
    """Pack maps.

    Args:
        cells: float32 (k, h, w), rectified.
        size, offset: as in `SmallMaps`.
    """
    least, greatest = (reduce(cells, axis=(1, 2), keepdims=True) for reduce in (np.min, np.max))
    span = greatest - least
    share = (cells - least) / np.where(span > 0, span, 1)
    stretched = _stretched(share, size)
    low, high = (reduce(stretched, axis=(1, 2)).astype(np.float32) for reduce in (np.min, np.max))
    return SmallMaps((share * 255 + 0.5).astype(np.uint8), low, high, size, offset)


def _stretched(cells: np.ndarray, size: int) -> np.ndarray:
    """(k, S, S): bilinear between the middles of the cells, as OpenCV and Pillow stretch."""
    return _between(size, cells.shape[1]) @ cells @ _between(size, cells.shape[2]).T


def _between(size: int, n: int) -> np.ndarray:
    """float32 (size, n): the weights of n cells in each of `size` pixels."""
    at = ((np.arange(size) + 0.5) * n / size - 0.5).clip(0, n - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n))).astype(np.float32)


def place(maps: np.ndarray, offset: float) -> np.ndarray:
    """Maps (k, H, W) moved left and up by `offset` pixels; what comes in at the edges is the edge."""
    if not offset:
        return maps
    whole, part = divmod(offset, 1)
    for axis in (1, 2):
        last = maps.shape[axis] - 1
        at = np.arange(last + 1) + int(whole)
        here, beyond = (maps.take(places.clip(0, last), axis) for places in (at, at + 1))
        maps = here + (beyond - here) * maps.dtype.type(part)
    return maps
