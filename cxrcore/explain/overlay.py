"""A class activation map laid over its film. All geometry is the film's own.

The network sees the whole film squeezed into a square, so its map is stretched back over the whole film, whatever the
film's shape.
"""

import matplotlib as mpl
import numpy as np
from PIL import Image

STRONGEST = 0.65  # opacity of the hottest place of a map shown in full
COLOURS = {  # {matplotlib's name: the part of it that is used}: neither black, grey nor near-white, as a film is too
    "inferno": (0.3, 0.97), "viridis": (0.25, 1.0), "plasma": (0.1, 0.97), "jet": (0.0, 1.0)}
HOTTEST = 0.2  # share of the film inside the outline
_COLDEST = 1e-3  # what an outline goes around, at least: none goes around an empty map
_LINE = 360  # the outline's width is the long side over this
_STEPS = 256  # of colour


def opacity(score: float, threshold: float) -> float:
    """How strongly a map is shown: min(1, score / threshold), so that an unlikely finding does not glow."""
    return 1.0 if score >= threshold else float(score / threshold)


def overlay(film: np.ndarray, heat: np.ndarray, strength: float, size: tuple[int, int] | None = None,
            colours: str = "inferno", contour: bool = False) -> np.ndarray:
    """The film with the map over it: warmer and less transparent where the map is hotter; uint8 (h, w, 3).

    Args:
        film: uint8 (H, W).
        heat: float (S, S) in [0, 1], over the whole film whatever its shape.
        strength: opacity of the hottest place, in [0, 1]; 0 leaves the film as it is.
        size: (w, h) to draw at; default the film's own.
        colours: of `COLOURS`; all but jet, which papers use, grow evenly lighter and need no colour vision.
        contour: draw a line around the hottest `HOTTEST` of the film instead of colouring it.
    """
    size = size or film.shape[::-1]
    grey = resized(film, size)
    warm = _stretched(heat, size)
    table = colour_table(colours)
    if contour:
        level = float(np.quantile(warm[::4, ::4], 1 - HOTTEST))  # of some pixels, since all take 20 ms to sort
        return _outlined(grey, warm > max(level, _COLDEST), strength, table[-_STEPS // 4])
    steps = (warm * (_STEPS - 1) + 0.5).astype(np.uint8)
    alpha = (np.float32(strength) * warm)[..., None]
    grey = grey[..., None].astype(np.float32)
    return (grey + (table[steps] - grey) * alpha + 0.5).astype(np.uint8)


def drawn_size(film: np.ndarray, shortest: int, longest: int) -> tuple[int, int]:
    """(width, height) of a film of the same shape whose long side lies between two limits."""
    height, width = film.shape
    side = max(width, height)
    scale = min(max(side, shortest), longest) / side
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(film: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The film at (w, h): uint8 (h, w)."""
    if film.shape == size[::-1]:
        return film
    return np.asarray(Image.fromarray(film).resize(size, Image.Resampling.BILINEAR))


def _stretched(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)


def colour_table(name: str) -> np.ndarray:
    """The colours of a map from cold to hot, float32 (256, 3), 0 to 255; name: of `COLOURS`."""
    low, high = COLOURS[name]
    return (mpl.colormaps[name](np.linspace(low, high, _STEPS))[:, :3] * 255).astype(np.float32)


def _outlined(grey: np.ndarray, inside: np.ndarray, strength: float, colour: np.ndarray) -> np.ndarray:
    """A line along the inner border of these places."""
    from scipy import ndimage  # here alone: pages that draw no outline are there sooner

    width = max(1, round(max(grey.shape) / _LINE))
    line = inside & ~ndimage.binary_erosion(inside, iterations=width, border_value=1)
    drawn = np.repeat(grey[..., None], 3, axis=2)
    share = min(1.0, strength / STRONGEST)
    drawn[line] = (drawn[line] + (colour - drawn[line]) * share + 0.5).astype(np.uint8)
    return drawn
