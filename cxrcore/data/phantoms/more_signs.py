"""The six findings beside NIH's as their textbook signs on a phantom; `signs` says how a sign works.

Source of the signs: Goodman, Felson's Principles of Chest Roentgenology; Hansell et al., Fleischner Society: Glossary
of terms for thoracic imaging, Radiology 2008 (a granuloma as it is seen is a small nodule, dense with calcium); Cobb,
Outline for the study of scoliosis, 1948 (the thoracic curve is mostly to the right); Aguilera et al., Radiography of
cardiac conduction devices, RadioGraphics 2011 (where the leads run and end).
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from cxrcore.data.phantoms.anatomy import Body, Fields, ball, step
from cxrcore.data.phantoms.drawn import Drawn, add, fill, of_side, spot
from cxrcore.data.phantoms.textures import Textures

# The way of a pacemaker's leads as (u, v), for a generator on the film's right: through the subclavian and the
# brachiocephalic vein to the superior vena cava, then to the apex of the right ventricle or, in a J, into the atrium.
_FROM_LEFT = ((0.5, 0.2), (0.42, 0.06), (0.2, 0.07), (-0.02, 0.16), (-0.12, 0.28))
_FROM_RIGHT = ((-0.5, 0.2), (-0.42, 0.06), (-0.24, 0.08), (-0.15, 0.17), (-0.13, 0.28))
_TO_VENTRICLE = ((-0.14, 0.5), (-0.12, 0.72), (0.02, 0.9), (0.2, 0.94), (0.36, 0.95))
_TO_ATRIUM = ((-0.15, 0.5), (-0.15, 0.68), (-0.08, 0.75), (-0.04, 0.66), (-0.05, 0.6))
_LEAD = 0.012  # half of a lead's width, in u


def _shape_scoliosis(body: Body, drawn: Drawn) -> None:
    side = -1 if drawn.rng.random() < 0.8 else 1
    body.bend = side * (0.07 + 0.17 * drawn.contrast)


def _scoliosis(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """The bent spine itself, already built; the lung beside it gives way."""
    course = np.abs(fields.spine)
    column = step(0.12 - np.abs(fields.u - fields.spine), 0.02) * step(fields.v, 0.03) * step(1 - fields.v, 0.05)
    effect = column * (course / max(float(course.max()), 1e-6))
    fill(fields, 0.4 * effect)
    return effect


def _aortic_elongation(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A large, high knob, and the descending aorta in a bow to the left of the patient."""
    reach = 0.06 + 0.18 * drawn.contrast * drawn.rng.uniform(0.9, 1.1)
    way = np.clip((fields.v - 0.26) / 0.66, 0, 1)
    course = 0.13 + reach * np.sin(np.pi * way)
    bow = np.sqrt(np.clip(1 - ((fields.u - course) / 0.1) ** 2, 0, 1))
    bow = np.maximum(bow, 0.6 * step(course - fields.u, 0.05) * step(fields.u - 0.04, 0.04))  # no lung shows between
    bow *= step(fields.v - 0.24, 0.04) * step(0.92 - fields.v, 0.08)
    knob = ball(fields.ellipse(0.17 + 0.4 * reach, 0.26 - 0.1 * reach, 0.12 + 0.3 * reach, 0.13 + 0.3 * reach))
    return add(fields, np.maximum(bow, knob), 0.1 + 0.16 * drawn.contrast)


def _hilar_enlargement(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """Lobulated opacities at one hilum or at both, as large lymph nodes or vessels make them."""
    rng, total = drawn.rng, np.zeros_like(fields.air)
    for side in (-1, 1) if rng.random() < 0.5 else (drawn.side,):
        for _ in range(4):
            u = side * (0.35 if side > 0 else 0.3) + rng.normal(0, 0.045)
            v = (0.47 if side > 0 else 0.51) + rng.normal(0, 0.045)
            total = np.maximum(total, ball(fields.ellipse(u, v, *rng.uniform(0.085, 0.135, 2))))
    return add(fields, total, 0.12 + 0.2 * drawn.contrast)


def _granuloma(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A few calcified dots of at most 1 cm, sharp and denser than a rib, close together."""
    rng, total = drawn.rng, np.zeros_like(fields.air)
    u, v = spot(fields, drawn, 0.15, 0.8, 0.1)
    smallest = 0.75 * float(fields.u[0, 1] - fields.u[0, 0])  # of a dot that no grid of pixels misses
    for _ in range(int(rng.integers(1, 4))):
        radius = max(rng.uniform(0.022, 0.034), smallest)
        total = np.maximum(total, ball(fields.ellipse(u, v, radius, radius)))
        u, v = u + rng.normal(0, 0.06), v + rng.normal(0, 0.06) / fields.aspect
    return add(fields, total, 0.35 + 0.65 * drawn.contrast)


def _pacemaker(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """A generator below a clavicle, mostly the left, with one or two leads to the heart; its box is the generator's."""
    rng, strength = drawn.rng, np.float32(0.25 + 0.75 * drawn.contrast)
    side = 1 if rng.random() < 0.85 else -1
    u, v, tilt = side * rng.uniform(0.56, 0.68), rng.uniform(0.24, 0.32), rng.uniform(-0.4, 0.4)
    x, y = fields.u - np.float32(u), (fields.v - np.float32(v)) * np.float32(fields.aspect)
    c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    outline = ((x * c + y * s) / rng.uniform(0.13, 0.16)) ** 4 + ((y * c - x * s) / rng.uniform(0.12, 0.15)) ** 4
    generator = step(1 - outline, 0.35) * (1 - 0.35 * step(0.02 - y * c + x * s, 0.02))  # the battery is denser
    ends = [_TO_VENTRICLE] + [_TO_ATRIUM] * (rng.random() < 0.6)
    leads = np.zeros_like(generator)
    for end in ends:
        way = np.array((_FROM_LEFT if side > 0 else _FROM_RIGHT) + end) + rng.normal(0, 0.012, (10, 2))
        np.maximum(leads, _line(fields, np.vstack([(u, v), way])), out=leads)
    fields.tissue += strength * np.maximum(0.85 * generator, 0.34 * leads)
    return generator


def _line(fields: Fields, way: np.ndarray) -> np.ndarray:
    """A fine smooth line through points (n, 2) of u and v: 1 in its middle."""
    for _ in range(2):  # corners are cut off: Chaikin, An algorithm for high-speed curve generation, 1974
        quarter, rest = 0.75 * way[:-1] + 0.25 * way[1:], 0.25 * way[:-1] + 0.75 * way[1:]
        way = np.vstack([way[:1], np.stack([quarter, rest], axis=1).reshape(-1, 2), way[-1:]])
    line, levels = np.zeros(fields.u.shape, np.float32), fields.v[:, 0]
    way = way.astype(np.float32) * np.array((1, fields.aspect), np.float32)
    for start, end in pairwise(way):
        low, high = sorted((start[1], end[1]))
        rows = slice(*np.searchsorted(levels, ((low - 3 * _LEAD) / fields.aspect, (high + 3 * _LEAD) / fields.aspect)))
        x, y, along = fields.u[rows] - start[0], fields.v[rows] * np.float32(fields.aspect) - start[1], end - start
        part = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-9), 0, 1)
        away2 = (x - part * along[0]) ** 2 + (y - part * along[1]) ** 2
        np.maximum(line[rows], np.exp(-away2 / np.float32(_LEAD**2)), out=line[rows])
    return line


def _pneumoperitoneum(fields: Fields, drawn: Drawn, textures: Textures) -> np.ndarray:
    """Free gas: a dark sickle between the right dome of the diaphragm and the liver, sometimes under both domes."""
    rng, total = drawn.rng, np.zeros_like(fields.air)
    for side in (-1, 1) if rng.random() < 0.3 else (-1,):
        across = 1 - ((fields.side - 0.45) / rng.uniform(0.34, 0.42)) ** 2
        thick = np.float32((0.025 + 0.05 * drawn.contrast) * rng.uniform(0.85, 1.15)) * np.clip(across, 0, 1)
        below = fields.v - fields.dome - 0.024  # of the diaphragm itself
        total += step(below, 0.008) * step(thick - below, 0.01) * step(across - 0.1, 0.1) * of_side(fields, side)
    fields.tissue -= np.float32(0.2 + 0.25 * drawn.contrast) * total
    return total


MORE_SHAPES: dict[str, Callable[[Body, Drawn], None]] = {
    "Scoliosis": _shape_scoliosis,
}

MORE_DRAWERS: dict[str, Callable[[Fields, Drawn, Textures], np.ndarray]] = {
    "Aortic_Elongation": _aortic_elongation,
    "Scoliosis": _scoliosis,
    "Hilar_Enlargement": _hilar_enlargement,
    "Granuloma": _granuloma,
    "Pacemaker": _pacemaker,
    "Pneumoperitoneum": _pneumoperitoneum,
}
