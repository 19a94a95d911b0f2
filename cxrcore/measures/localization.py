"""How well a map points at a box, and what needs no network to point as well. Pure numpy.

A map is float (H, W), non-negative, hottest where the network looked most. A box is x, y, width, height in the map's
pixels; pixel (row, column) covers the square from (column, row) to (column + 1, row + 1), so boxes need no rounding
and `to_scale` brings them from one raster to another. Functions of boxes take float (..., 4) and broadcast.

Sources: pointing game, Zhang et al., Top-down neural attention by excitation backprop, IJCV 2018; IoU and IoBB, Wang et
al., ChestX-ray8, CVPR 2017.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

NIH_SIDE = 1024  # pixels a side of the films that NIH's boxes were drawn on

HOTTEST = 0.05  # share of the film that a box is drawn around
RANDOM, CENTRE, MEDIAN_BOX = "random place", "film centre", "median box"  # what needs no network, as methods
FLOORS = (RANDOM, CENTRE, MEDIAN_BOX)
UNTRAINED = " (random weights)"  # after a method's name
PLACES = 21  # a side of the grid of places where a box is tried


def to_scale(boxes: np.ndarray, size: tuple[float, float], new_size: tuple[float, float]) -> np.ndarray:
    """Boxes of a raster of `size` (width, height) on one of `new_size`."""
    across, down = new_size[0] / size[0], new_size[1] / size[1]
    return np.asarray(boxes, float) * (across, down, across, down)


# -- a map against a box


def pointing_hit(heat: np.ndarray, box: np.ndarray) -> float:
    """1 if the hottest pixel's centre lies in the box, else 0.

    Of several equally hot pixels, the share that lies in it: a map without a peak scores as chance does.
    """
    rows, columns = np.nonzero(heat == heat.max())
    x, y, width, height = box
    inside = (x <= columns + 0.5) & (columns + 0.5 < x + width) & (y <= rows + 0.5) & (rows + 0.5 < y + height)
    return float(inside.mean())


def hottest_box(heat: np.ndarray, share: float = HOTTEST) -> np.ndarray:
    """The bounding box of the hottest pixels, float64 (4,).

    Args:
        share: of the pixels; those as hot as the last of them count too, so a flat map gives the whole film.
    """
    n = max(1, round(share * heat.size))
    rows, columns = np.nonzero(heat >= np.partition(heat, -n, axis=None)[-n])
    left, top = columns.min(), rows.min()
    return np.array([left, top, columns.max() + 1 - left, rows.max() + 1 - top], float)


def energy_in_box(heat: np.ndarray, box: np.ndarray) -> float:
    """The share of the map's sum that lies in the box, border pixels by their covered part; NaN for a map of zeros."""
    total = heat.sum(dtype=np.float64)
    if total == 0:
        return float("nan")
    x, y, width, height = box
    across, down = _covered(heat.shape[1], x, x + width), _covered(heat.shape[0], y, y + height)
    return float(down @ heat.astype(np.float64) @ across / total)


def _covered(n: int, start: float, stop: float) -> np.ndarray:
    """How much of each of n unit cells lies between start and stop."""
    cells = np.arange(n)
    return np.clip(np.minimum(cells + 1, stop) - np.maximum(cells, start), 0, 1)


# -- a box against a box


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union; 0 where both are empty."""
    shared = _intersection(a, b)
    return _share(shared, _area(a) + _area(b) - shared)


def iobb(detected: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Intersection over the detected box's area; 0 where that is empty."""
    return _share(_intersection(detected, truth), _area(detected))


def _intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = np.asarray(a, float), np.asarray(b, float)
    near = np.maximum(a[..., :2], b[..., :2])
    far = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    return np.clip(far - near, 0, None).prod(axis=-1)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.asarray(boxes, float)[..., 2:].prod(axis=-1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


# -- what needs no network: the floors, over the boxes of one finding


def random_hit(boxes: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The chance of a random pixel of a film of `size` (width, height): the box's share of it, (n,)."""
    return _area(boxes) / (size[0] * size[1])


def point_in_box(boxes: np.ndarray, x: float, y: float) -> np.ndarray:
    """Whether a fixed point, such as the film's centre, lies in each box: bool (n,)."""
    boxes = np.asarray(boxes, float)
    return np.all((boxes[:, :2] <= (x, y)) & ((x, y) < boxes[:, :2] + boxes[:, 2:]), axis=1)


def median_boxes(boxes: np.ndarray, films: np.ndarray | None = None) -> np.ndarray:
    """For each film the median of the others' boxes (x, y, width and height each for itself); NaN for an only film.

    Args:
        films: int (n,), the film of each box, all of 0 to the greatest; None where each box has one of its own.

    Returns:
        float64 (films, 4).
    """
    boxes = np.asarray(boxes, float)
    films = np.arange(len(boxes)) if films is None else films
    n = films.max() + 1
    if n < 2:
        return np.full((n, 4), np.nan)
    return np.stack([np.median(boxes[films != film], axis=0) for film in range(n)])


def centred_boxes(boxes: np.ndarray, x: float, y: float) -> np.ndarray:
    """Boxes of these sizes around one point, (n, 4)."""
    boxes = np.asarray(boxes, float)
    return np.column_stack([x - boxes[:, 2] / 2, y - boxes[:, 3] / 2, boxes[:, 2:]])


def everywhere(box: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """A box moved to all places of a film of `size` (width, height), on a grid that ends at the edges: (places, 4)."""
    width, height = np.minimum(box[2:], size)
    across, down = (np.linspace(0, whole - part, PLACES) for whole, part in zip(size, (width, height), strict=True))
    x, y = (axis.ravel() for axis in np.meshgrid(across, down))
    return np.column_stack([x, y, np.full(len(x), width), np.full(len(x), height)])


def one_draw_each(overlaps: Sequence[np.ndarray], seed: int = 0) -> np.ndarray:
    """One value of each distribution, (n,), so that their share above any cut is close to that of all values.

    A stratified draw: of n distributions one gives its lowest n-th, another the next, in a random order.

    Args:
        overlaps: n arrays, each the values of one film.
        seed: of numpy's default generator.
    """
    places = (np.random.default_rng(seed).permutation(len(overlaps)) + 0.5) / len(overlaps)
    return np.array([np.quantile(values, place) for values, place in zip(overlaps, places, strict=True)])


def boxes_on(boxes: pd.DataFrame | None, image_id: str, finding: str, film: np.ndarray) -> np.ndarray:
    """The boxes of one finding on one film in the film's pixels, float (n, 4).

    A list that reaches beyond the film was drawn on larger ones: NIH's, of which this film is a smaller copy.
    """
    if boxes is None:
        return np.empty((0, 4))
    of_film = boxes[(boxes["image_id"] == image_id) & (boxes["finding"] == finding)]
    return to_scale(of_film[["x", "y", "width", "height"]].to_numpy(float), drawn_on(boxes, film), film.shape[::-1])


def drawn_on(boxes: pd.DataFrame, film: np.ndarray) -> tuple[int, int]:
    """The raster (width, height) that a whole list of boxes was drawn on: the film's, or NIH's larger one."""
    height, width = film.shape
    fits = (boxes["x"] + boxes["width"]).max() <= width and (boxes["y"] + boxes["height"]).max() <= height
    return (width, height) if fits else (NIH_SIDE, NIH_SIDE)
