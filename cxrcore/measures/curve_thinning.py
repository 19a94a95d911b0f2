"""Fewer points for the same line: curves of thousands of steps, drawn with a few hundred points. Pure numpy.

A path is float64 (n, 2) in the unit square whose x never turns back. What `thin` gives stays within `TOLERANCE` of it,
as a distance in both directions and as the area below, with as few points as that takes and never more than
`MAX_POINTS`. Where that many do not hold the tolerance, it is the better of two drawings:

    even steps      a path that rises or falls all the way is at most 2 long; between two points of it, 2 / 399 apart
                    along it, it leaves the straight line by 2 / 399 / (2 sqrt 2) = 0.0018 at most. So the tolerance
                    always holds for such paths, ROC curves among them.
    coarser         the smallest tolerance that `MAX_POINTS` hold. A saw whose teeth are all a little larger than the
                    tolerance ends at 0.003 (see tests/measures/test_curves.py).
"""

from itertools import pairwise

import numpy as np

TOLERANCE = 0.002
MAX_POINTS = 400
STOP = 0.03  # how far apart points stand on a long straight stretch, where there is room for more


def thin(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As few points as hold the curve within `TOLERANCE`, as a distance and as an area, at most `MAX_POINTS`.

    Args:
        path: float64 (n, 2), the exact curve's corners; x never turns back.

    Returns:
        points: float64 (m, 2), on the curve, its two ends among them.
        place: int64 (m,), the corner that each belongs to.
    """
    corners = _corners(path)
    path = path[corners]
    if len(path) < 3:
        return path, corners
    tolerance = TOLERANCE
    kept = _simplified(path, tolerance)
    while len(kept) <= MAX_POINTS and abs(_area(path[kept]) - _area(path)) > TOLERANCE:
        tolerance *= 0.7
        kept = _simplified(path, tolerance)
    if len(kept) <= MAX_POINTS:
        return path[kept], corners[kept]
    points, place = min((_evenly(path), _coarser(path)), key=lambda drawn: farthest(path, drawn[0]))
    return points, corners[place]


def with_stops(path: np.ndarray, points: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """More points on the straight stretches of a thinned line, which change nothing but give a pointer hold.

    Each belongs to a corner of the path and stands where the drawn line comes nearest to it.

    Args:
        path: as it went into `thin`.
        points, place: as they came out.

    Returns:
        points and place as before with the stops between them, and bool (k,): which of them bend the line.
    """
    way = np.diff(points, axis=0)
    length = np.hypot(*way.T)
    gap = max(STOP, length.sum() / max(MAX_POINTS - len(points), 1))
    n = np.where(len(points) < MAX_POINTS, length / gap, 0).astype(int)
    stretch = np.repeat(np.arange(len(n)), n)
    share = (np.arange(n.sum()) - (np.cumsum(n) - n)[stretch] + 1) / (n[stretch] + 1)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    start, stop = along[place[:-1]][stretch], along[place[1:]][stretch]
    corner = np.searchsorted(along, start + share * (stop - start)).clip(max=len(path) - 1)
    stops = _nearest(path[corner], points[stretch], points[stretch + 1])
    reached = np.hypot(*(stops - points[stretch]).T) / length[stretch]
    between = (reached > 0) & (reached < 1)
    stops, corner, reached = stops[between], corner[between], (stretch + reached)[between]
    order = np.argsort(np.concatenate([np.arange(len(points)), reached]), kind="stable")
    return (np.concatenate([points, stops])[order], np.concatenate([place, corner])[order],
            (np.arange(len(order)) < len(points))[order])


def _corners(path: np.ndarray) -> np.ndarray:
    """Where a path of many steps turns: points on the way of one level or upright run are left out."""
    moved = np.flatnonzero((np.diff(path, axis=0, prepend=np.nan) != 0).any(axis=1))
    step = np.sign(np.diff(path[moved], axis=0))
    straight = (step == 0).any(axis=1)
    on_the_way = straight[1:] & straight[:-1] & (step[1:] == step[:-1]).all(axis=1)
    return moved[np.concatenate([[True], ~on_the_way, [True]])[: len(moved)]]


def _simplified(path: np.ndarray, tolerance: float) -> np.ndarray:
    """Douglas and Peucker (1973), all open stretches of a round at once: the places of the points to keep."""
    start, stop = np.array([0]), np.array([len(path) - 1])
    kept = [start, stop]
    while len(start):
        length = stop - start
        stretch = np.repeat(np.arange(len(start)), length)
        begin = np.cumsum(length) - length
        place = np.arange(length.sum()) - begin[stretch] + start[stretch]
        away = _distance2(path[place], path[start][stretch], path[stop][stretch])
        worst = np.maximum.reduceat(away, begin)
        split = worst > tolerance**2
        hits = np.flatnonzero((away == worst[stretch]) & split[stretch])
        middle = place[hits[np.unique(stretch[hits], return_index=True)[1]]]
        kept.append(middle)
        start, stop = (np.concatenate(pair) for pair in ((start[split], middle), (middle, stop[split])))
    return np.unique(np.concatenate(kept))


def _evenly(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`MAX_POINTS` at even steps along the path, and the corner at or after each."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0, along[-1], MAX_POINTS)
    place = np.searchsorted(along, at).clip(max=len(path) - 1)
    return np.column_stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])]), place


def _coarser(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest tolerance that `MAX_POINTS` corners hold, to one part in a thousand."""
    low, high = TOLERANCE, 2.0
    while high > 1.001 * low:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if len(_simplified(path, middle)) <= MAX_POINTS else (middle, high)
    kept = _simplified(path, high)
    return path[kept], kept


def farthest(path: np.ndarray, drawn: np.ndarray) -> float:
    """The greatest distance of a point of the path (n, 2) from a drawn line (m, 2) whose x never turns back."""
    nearest = np.full(len(path), np.inf)
    for start, stop in pairwise(drawn):
        nearest = np.minimum(nearest, _distance2(path, start, stop))
    return float(np.sqrt(nearest.max()))


def _distance2(points: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Squared distance of each point from the stretch between `start` and `stop`; all (n, 2), or one stretch."""
    away = points - _nearest(points, start, stop)
    return np.einsum("...i,...i", away, away)


def _nearest(points: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Where the stretch between `start` and `stop` comes nearest to each point."""
    way = stop - start
    share = np.einsum("...i,...i", points - start, way) / np.maximum(np.einsum("...i,...i", way, way),
                                                                     np.finfo(float).tiny)
    return start + share.clip(0, 1)[..., None] * way


def _area(path: np.ndarray) -> float:
    return float(np.trapezoid(path[:, 1], path[:, 0]))
