"""From the planes of a chest to a film: attenuation, blur, noise, the film's curve, and what lies on the cassette.

Pure numpy; knows no findings.
"""

import numpy as np

from cxrcore.data.phantoms.anatomy import Body, Fields, Pose
from cxrcore.data.phantoms.textures import Textures, marker

_DARK, _BRIGHT = 0.04, 1.78  # path lengths that become black and white


def expose(fields: Fields, body: Body, pose: Pose, rng: np.random.Generator, textures: Textures) -> np.ndarray:
    """The film as uint8 (S, S), 0 = black."""
    portable = pose.view == "AP"
    lungs = fields.air * np.float32(body.air * body.depth)
    path = fields.tissue - lungs + fields.vessels
    inside = fields.tissue > 0.05
    path += inside * (0.018 * textures.field(rng, "cloud") + 0.010 * textures.field(rng, "mottle"))
    path = _blur(path)
    if portable:
        path = _blur(path)
    # Few quanta come through thick parts, so noise grows with the path.
    path += textures.field(rng, "grain") * np.float32(0.016 if portable else 0.009) * np.sqrt(np.clip(path, 0.05, None))
    return _develop(path, pose, rng)


def _blur(plane: np.ndarray) -> np.ndarray:
    """The focal spot's blur: 1-2-1 along both axes."""
    wide = np.pad(plane, 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) * np.float32(1 / 16)


def _develop(path: np.ndarray, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """The film's curve with the day's exposure, the marker and the edges of the field."""
    low, high = _DARK + rng.normal(0, 0.02), _BRIGHT * rng.normal(1.0, 0.06) * (1.06 if pose.view == "AP" else 1.0)
    level = np.clip((path - np.float32(low)) / np.float32(high - low), 0, 1)
    level = level ** np.float32(rng.normal(0.93, 0.08))
    level = level * (1.75 - 0.75 * level)  # the shoulder of the curve
    _lay_marker(level, pose, rng)
    _collimate(level, rng)
    return (np.clip(level, 0, 1) * 250 + 2).astype(np.uint8)


def _lay_marker(level: np.ndarray, pose: Pose, rng: np.random.Generator) -> None:
    """L on the patient's left, sometimes with the word PORTABLE's P on an AP film."""
    size = len(level)
    text = "AP" if pose.view == "AP" and rng.random() < 0.6 else "L"
    glyph = marker(text)
    height = max(size // 24, 5)
    rows = np.linspace(0, len(glyph) - 1, height).astype(int)
    columns = np.linspace(0, glyph.shape[1] - 1, max(round(glyph.shape[1] * height / len(glyph)), 3)).astype(int)
    small = glyph[np.ix_(rows, columns)]
    top, left = int(size * rng.uniform(0.03, 0.1)), int(size * rng.uniform(0.83, 0.9))
    patch = level[top:top + small.shape[0], left:left + small.shape[1]]
    np.maximum(patch, small[:, :patch.shape[1]] * 0.95, out=patch)


def _collimate(level: np.ndarray, rng: np.random.Generator) -> None:
    """Black borders outside the field, on some films."""
    if rng.random() < 0.3:
        edge = int(len(level) * rng.uniform(0.01, 0.04))
        level[:, :edge] = 0
    if rng.random() < 0.3:
        level[:int(len(level) * rng.uniform(0.01, 0.03))] = 0
