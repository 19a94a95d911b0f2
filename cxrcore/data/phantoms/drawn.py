"""One drawn sign: how plain, where and with which numbers; the strokes that signs are made of; the box around it."""

from dataclasses import dataclass

import numpy as np

from cxrcore.data.phantoms.anatomy import Fields, step

BOX_LEVEL = 0.4  # share of the sign's own greatest effect that its box takes in


@dataclass(frozen=True)
class Drawn:
    """One sign on one film.

    Attributes:
        contrast: how plain, in (0, 1].
        side: -1 for the left of the film, 1 for the right; signs of the middle or of both sides ignore it.
        rng: the sign's own, so that adding one sign does not change another.
    """

    contrast: float
    side: int
    rng: np.random.Generator


def box(effect: np.ndarray) -> tuple[int, int, int, int] | None:
    """x, y, width, height in pixels around an effect (S, S); None if there is none."""
    seen = effect > BOX_LEVEL * max(float(effect.max()), 1e-6)
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def fill(fields: Fields, share: np.ndarray) -> np.ndarray:
    """Replace a share of the air by fluid or tissue; returns what it changed."""
    effect = share * fields.air
    fields.air -= effect
    return effect


def of_side(fields: Fields, side: int) -> np.ndarray:
    """1 on one side of the midline, 0 on the other."""
    return step(np.float32(side) * fields.u, 0.02)


def spot(fields: Fields, drawn: Drawn, low: float, high: float, margin: float) -> tuple[float, float]:
    """A random place in the lung of the sign's side as (u, v), `margin` away from its outlines."""
    v = drawn.rng.uniform(low, high)
    row = int(np.argmin(np.abs(fields.v[:, 0] - v)))
    inner, outer = float(fields.medial[row, 0]), float(fields.lateral[row, 0])
    inner = max(inner, 0.24) + margin * 0.6
    return drawn.side * drawn.rng.uniform(inner, max(outer - margin, inner + 0.02)), v


def add(fields: Fields, effect: np.ndarray, amount: float) -> np.ndarray:
    """Add tissue in the shape of `effect`; returns it."""
    fields.tissue += np.float32(amount) * effect
    return effect
