"""NIH's fourteen findings as their textbook signs on a phantom, and the drawing of any list of signs.

A sign works in two steps: it may change the body before the chest is built (a wide heart, a high diaphragm) and it may
draw into the planes afterwards. Its contrast, in (0, 1], says how plain it is.

Source of the signs: Goodman, Felson's Principles of Chest Roentgenology; Hansell et al., Fleischner Society: Glossary
of terms for thoracic imaging, Radiology 2008 (a nodule is at most 3 cm, a mass is more).
"""

from collections.abc import Callable

import numpy as np

from cxrcore.data.phantoms.anatomy import Body, Fields, ball, step
from cxrcore.data.phantoms.drawn import Drawn, add, fill, of_side, spot
from cxrcore.data.phantoms.more_signs import MORE_DRAWERS, MORE_SHAPES
from cxrcore.data.phantoms.textures import Textures


def shape_body(body: Body, signs: dict[str, Drawn]) -> None:
    """Change the body for the signs that are changes of shape."""
    for finding, drawn in signs.items():
        if finding in _SHAPES:
            _SHAPES[finding](body, drawn)


def draw_signs(fields: Fields, signs: dict[str, Drawn], textures: Textures) -> dict[str, np.ndarray]:
    """Draw the signs; returns for each the plane of its effect, from which `drawn.box` is taken."""
    return {finding: _DRAWERS[finding](fields, drawn, textures) for finding, drawn in signs.items()}


# -- changes of shape


def _lift(body: Body, side: int, by: float) -> None:
    right, left = body.diaphragm
    body.diaphragm = (right - by, left) if side < 0 else (right, left - by)


def _shape_atelectasis(body: Body, drawn: Drawn) -> None:
    _lift(body, drawn.side, 0.03 + 0.06 * drawn.contrast)  # loss of volume


def _shape_cardiomegaly(body: Body, drawn: Drawn) -> None:
    body.heart += 0.07 + 0.13 * drawn.contrast


def _shape_emphysema(body: Body, drawn: Drawn) -> None:
    by = drawn.contrast
    body.air *= 1 + 0.12 * by
    body.markings *= 1 - 0.55 * by
    body.heart *= 1 - 0.15 * by
    body.curve *= 1 - 0.75 * by
    one, other = body.diaphragm
    body.diaphragm = one + 0.1 * by, other + 0.1 * by


def _shape_fibrosis(body: Body, drawn: Drawn) -> None:
    one, other = body.diaphragm
    body.diaphragm = one - 0.04 * drawn.contrast, other - 0.04 * drawn.contrast


_SHAPES: dict[str, Callable[[Body, Drawn], None]] = {
    "Atelectasis": _shape_atelectasis,
    "Cardiomegaly": _shape_cardiomegaly,
    "Emphysema": _shape_emphysema,
    "Fibrosis": _shape_fibrosis,
} | MORE_SHAPES


# -- what is drawn


def _atelectasis(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """Plates of collapsed lung above the raised diaphragm."""
    rng, total = drawn.rng, np.zeros_like(fields.air)
    base = 0.84 - 0.06 * drawn.contrast
    for _ in range(int(rng.integers(1, 4))):
        level, slope = base - rng.uniform(0.0, 0.2), rng.uniform(-0.25, 0.3)
        start, end = rng.uniform(0.2, 0.4), rng.uniform(0.65, 0.92)
        line = fields.v - np.float32(level) - np.float32(slope) * (fields.side - 0.5)
        plate = np.exp(-((line * np.float32(fields.aspect) / rng.uniform(0.022, 0.042)) ** 2))
        total = np.maximum(total, plate * step(fields.side - start, 0.05) * step(end - fields.side, 0.05))
    total *= of_side(fields, drawn.side) * fields.air
    fields.tissue += (0.14 + 0.22 * np.float32(drawn.contrast)) * total
    return total


def _cardiomegaly(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """The wide heart itself, already built."""
    left, top, right, bottom = fields.heart_box
    return ((fields.u > left) & (fields.u < right) & (fields.v > top) & (fields.v < bottom)).astype(np.float32)


def _effusion(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """Fluid that blunts the angle: its upper border is a meniscus, highest at the wall."""
    sides = (-1, 1) if drawn.rng.random() < 0.25 else (drawn.side,)
    total = np.zeros_like(fields.air)
    for side in sides:
        amount = drawn.contrast * drawn.rng.uniform(0.7, 1.1)
        level = 1.08 - 0.3 * amount - (0.12 + 0.2 * amount) * np.clip((fields.side - 0.3) / 0.7, 0, 1) ** 2
        share = step(fields.v - level, 0.035) * of_side(fields, side) * (fields.side < fields.lateral)
        total += fill(fields, 0.95 * share)
        fields.tissue += 0.17 * share * step(fields.dome - fields.v, 0.02)
    return total


def _infiltration(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A cluster of small, ill-defined, faint patches."""
    rng, share = drawn.rng, np.zeros_like(fields.air)
    u, v = spot(fields, drawn, 0.3, 0.75, 0.25)
    for _ in range(int(rng.integers(5, 9))):
        at = u + rng.normal(0, 0.13), v + rng.normal(0, 0.13)
        share = np.maximum(share, np.exp(-fields.ellipse(*at, *rng.uniform(0.06, 0.13, 2))))
    uneven = np.clip(0.75 + 0.45 * textures.field(rng, "mottle"), 0.1, 1.6)
    return fill(fields, np.clip((0.2 + 0.3 * drawn.contrast) * share * uneven, 0, 0.9) * of_side(fields, drawn.side))


def _mass(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A lobulated round opacity of more than 3 cm."""
    rng, radius = drawn.rng, drawn.rng.uniform(0.13, 0.24)
    u, v = spot(fields, drawn, 0.2, 0.8, radius)
    effect = ball(fields.ellipse(u, v, radius, radius * rng.uniform(0.8, 1.15), rng.uniform(0, 3)))
    for _ in range(2):
        angle = rng.uniform(0, 6.28)
        at = u + 0.55 * radius * np.cos(angle), v + 0.55 * radius * np.sin(angle) / fields.aspect
        effect = np.maximum(effect, ball(fields.ellipse(*at, radius * 0.66, radius * 0.66)))
    return add(fields, effect, 0.18 + 0.28 * drawn.contrast)


def _nodule(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A round opacity of at most 3 cm."""
    radius = drawn.rng.uniform(0.062, 0.098)
    u, v = spot(fields, drawn, 0.15, 0.85, radius + 0.04)
    return add(fields, ball(fields.ellipse(u, v, radius, radius * drawn.rng.uniform(0.9, 1.1))),
               0.24 + 0.34 * drawn.contrast)


def _pneumonia(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """One larger patch with soft, uneven edges in the middle or lower zone."""
    rng, radius = drawn.rng, drawn.rng.uniform(0.2, 0.3)
    u, v = spot(fields, drawn, 0.42, 0.78, radius * 0.8)
    rho2 = fields.ellipse(u, v, radius, radius * rng.uniform(0.9, 1.4), rng.uniform(-0.6, 0.6))
    uneven = np.clip(1 + 0.3 * textures.field(rng, "mottle"), 0.3, 1.5)
    return fill(fields, np.clip((0.3 + 0.35 * drawn.contrast) * np.exp(-rho2 * rho2) * uneven, 0, 0.95))


def _pneumothorax(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """The lung's edge stands off the wall: a fine line, and no markings beyond it."""
    gap = np.float32(0.08 + 0.2 * drawn.contrast * drawn.rng.uniform(0.8, 1.2))
    edge = fields.lateral - gap * (1.15 - 0.5 * np.clip(fields.v, 0, 1)) - 0.9 * np.clip(gap - fields.v, 0, None)
    own = of_side(fields, drawn.side) * step(fields.air - 0.15, 0.1)
    beyond = step(fields.side - edge, 0.012) * own
    lung = own * (1 - beyond)
    fields.vessels *= 1 - beyond
    fields.air += (0.16 * beyond - 0.13 * lung) * fields.air
    fields.tissue += 0.11 * np.exp(-(((fields.side - edge) / 0.013) ** 2)) * own
    return beyond


def _consolidation(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A dense segment that ends sharply at a fissure, with dark bronchi inside."""
    rng = drawn.rng
    upper = rng.random() < 0.5
    fissure = (0.42 if upper else 0.55) + rng.normal(0, 0.03) + rng.uniform(-0.15, 0.2) * (fields.side - 0.5)
    reach = rng.uniform(0.2, 0.3)
    away = fissure - fields.v if upper else fields.v - fissure
    share = step(away, 0.012) * step(reach - away, 0.12)
    share *= step(fields.side - rng.uniform(0.15, 0.4), 0.12) * step(1.1 - fields.side, 0.1)
    share *= of_side(fields, drawn.side) * np.float32(0.5 + 0.4 * drawn.contrast)
    fields.vessels *= 1 - 2.0 * share  # air in the bronchi, where vessels ran beside them
    return fill(fields, share)


def _edema(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A bat's wings around the hila, thick vessels, and Kerley B lines at the bases."""
    rng = drawn.rng
    weaker = rng.choice((0.0, 0.5, 1.0))  # often uneven, as in a patient who lies on one side
    wings = sum(np.exp(-fields.ellipse(side * 0.36, 0.5, 0.28, 0.42, side * 0.35) ** 2)
                * np.float32(1.0 if side == drawn.side else weaker) for side in (-1, 1))
    uneven = np.clip(1 + 0.25 * textures.field(rng, "mottle"), 0.4, 1.5)
    fields.vessels *= np.float32(1 + 0.6 * drawn.contrast)
    phase = np.abs(((fields.v * 26) % 1) - 0.5)
    lines = step(0.14 - phase, 0.1) * step(0.16 - np.abs(fields.v - 0.83), 0.03)
    lines = lines * step(fields.side - fields.lateral + 0.13, 0.03)
    fields.tissue += 0.09 * np.float32(drawn.contrast) * lines * fields.air
    return fill(fields, np.clip((0.25 + 0.35 * drawn.contrast) * wings * uneven, 0, 0.95))


def _emphysema(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """Large dark lungs, already built, with some thin-walled bullae in the upper zones."""
    rng = drawn.rng
    for _ in range(int(rng.integers(1, 4))):
        radius = rng.uniform(0.1, 0.2)
        u, v = spot(fields, Drawn(drawn.contrast, int(rng.choice((-1, 1))), rng), 0.14, 0.45, radius)
        rho2 = fields.ellipse(u, v, radius, radius * rng.uniform(0.9, 1.3))
        fields.tissue += 0.07 * np.exp(-(((np.sqrt(rho2) - 1) / 0.09) ** 2)) * fields.air
        fields.vessels *= 1 - step(1 - rho2, 0.1)
    return (fields.air > 0.25).astype(np.float32)


def _fibrosis(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A net of fine lines: towards both bases and the walls, or what an old infection left in one apex."""
    net = np.exp(-((textures.field(drawn.rng, "mottle") / 0.32) ** 2))
    if drawn.rng.random() < 0.5:
        where = step(fields.v - 0.55, 0.22) * step(fields.side - fields.lateral + 0.42, 0.18) * fields.air
    else:
        where = step(0.36 - fields.v, 0.14) * of_side(fields, drawn.side) * fields.air
    return add(fields, net * where, 0.15 + 0.22 * drawn.contrast)


def _pleural_thickening(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A rind along the wall, or a cap over the apex."""
    rng = drawn.rng
    thick = np.float32(0.05 + 0.07 * drawn.contrast) * (0.8 + 0.3 * np.sin(fields.v * np.float32(rng.uniform(10, 22))))
    if rng.random() < 0.3:
        share = step(0.04 + thick + 0.9 * (fields.side - 0.42) ** 2 - fields.v, 0.02)
    else:
        middle, half = rng.uniform(0.45, 0.7), rng.uniform(0.18, 0.3)
        share = step(fields.side - fields.lateral + thick, 0.015) * step(half - np.abs(fields.v - middle), 0.06)
    share = share * of_side(fields, drawn.side)
    fields.tissue += 0.12 * share * (fields.air > 0.02)
    return fill(fields, 0.9 * share)


def _hernia(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A bubble of gas over fluid, with a wall, behind the heart."""
    rng, radius = drawn.rng, drawn.rng.uniform(0.18, 0.27)
    u, v = rng.uniform(-0.16, 0.3), rng.uniform(0.74, 0.92)
    rho2 = fields.ellipse(u, v, radius, radius * rng.uniform(0.8, 1.05))
    inside, strength = ball(rho2), np.float32(0.35 + 0.65 * drawn.contrast)
    gas = inside * step(v + rng.uniform(0.0, 0.06) - fields.v, 0.008)
    fields.tissue += strength * (0.16 * inside - 0.62 * gas + 0.14 * np.exp(-(((np.sqrt(rho2) - 1) / 0.08) ** 2)))
    return inside


_DRAWERS: dict[str, Callable[[Fields, Drawn, Textures], np.ndarray]] = {
    "Atelectasis": _atelectasis,
    "Cardiomegaly": _cardiomegaly,
    "Effusion": _effusion,
    "Infiltration": _infiltration,
    "Mass": _mass,
    "Nodule": _nodule,
    "Pneumonia": _pneumonia,
    "Pneumothorax": _pneumothorax,
    "Consolidation": _consolidation,
    "Edema": _edema,
    "Emphysema": _emphysema,
    "Fibrosis": _fibrosis,
    "Pleural_Thickening": _pleural_thickening,
    "Hernia": _hernia,
} | MORE_DRAWERS
