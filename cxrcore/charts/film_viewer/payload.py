"""What the film viewer is sent: the film once, as a picture, and all maps as the few cells they are made of. Pure.

A length (uint32), a header in JSON, then bytes without gaps: the colours of a map from cold to hot (256 x RGB), the
picture, and each layer's cells. Fourteen maps of 7 x 7 cells take 700 bytes.
"""

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from cxrcore.findings import display_name
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.measures.thresholds.told_apart import told_apart

LONGEST = 1024  # pixels of the picture's long side
BRUSH = 0.09  # width of a stroke, as a share of the film's long side
_LOSSLESS = 384  # up to which long side a picture is sent as it is
_QUALITY = 92
ONE, ALL, METHODS, RUNS = "one", "all", "methods", "runs"  # views


@dataclass(frozen=True)
class Network:
    """One network's view of the film.

    Attributes:
        name, colour, mark: of its run; colour #RRGGBB, mark a data URI.
        scores: float (k,) of the viewer's findings; NaN where it has none.
        thresholds: float (k,).
        notes: (k,) a line for each finding, plain text.
        before: float (k,), scores of the film without a patch; None without one.
        uppers: float (k,), up to where a person is asked from the threshold on; None where nobody is.
    """

    name: str
    colour: str
    mark: str
    scores: np.ndarray
    thresholds: np.ndarray
    notes: Sequence[str]
    before: np.ndarray | None = None
    uppers: np.ndarray | None = None


@dataclass(frozen=True)
class Layer:
    """The maps of one network by one method.

    Attributes:
        title: over its picture, where several stand side by side.
        network: its place among the networks.
        findings: of the maps, canonical names; none where one map serves all.
        cells, low, high, size, offset: as in `explain.small_maps.SmallMaps`.
        off: the network's maps are switched off, so that the film stands there alone.
        awaited: the maps are not there yet, and flat until then.
    """

    title: str
    network: int
    findings: Sequence[str]
    cells: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: int
    offset: float
    off: bool = False
    awaited: bool = False


@dataclass(frozen=True)
class Box:
    """A box of the data set, in the film's own pixels."""

    finding: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Shown:
    """How the viewer is to look.

    Attributes:
        view: ONE, ALL (findings), METHODS or RUNS, side by side.
        open: the finding whose map is shown.
        strength: opacity of a map's hottest place, in [0, 1].
        contour: a line around its hottest fifth in place of colour.
        colours: (256, 3), 0 to 255, from cold to hot.
        said: of the film, for who cannot see it.
        painted: which patch the scores are of, as the viewer named it; None without one.
        strokes: of that patch, each a line of (x, y) in the film's pixels.
        occludable: whether a patch can be painted.
        keys: whether digits choose findings wherever the keyboard is.
        warnings: what must be known before any score is believed, plain text; they stand over the scores.
    """

    view: str
    open: str
    strength: float
    contour: bool
    colours: np.ndarray
    said: str
    painted: str | None = None
    strokes: Sequence[Sequence[Sequence[float]]] = ()
    occludable: bool = False
    keys: bool = True
    warnings: Sequence[str] = ()


def no_maps(title: str, network: int = 0, size: int = 1) -> Layer:
    """A layer without maps: the film alone; title, network, size as in `Layer`."""
    none = np.zeros(0)
    return Layer(title, network, ("",), np.zeros((0, 1, 1), np.uint8), none, none, size, 0.0)


def awaited_maps(title: str, network: int, findings: Sequence[str]) -> Layer:
    """A layer whose maps are not there yet: the film alone, in as many pictures as there will be; as in `Layer`."""
    flat = np.zeros(len(findings))
    return Layer(title, network, findings, np.zeros((len(findings), 1, 1), np.uint8), flat, flat, 1, 0.0, awaited=True)


def pack(film: np.ndarray, findings: Sequence[str], networks: Sequence[Network], layers: Sequence[Layer],
         shown: Shown, labels: Mapping[str, bool] | None = None, boxes: Sequence[Box] = (),
         longest: int = LONGEST) -> bytes:
    """The viewer's bytes.

    Args:
        film: uint8 (H, W).
        findings: k names, of the rows.
        labels: {finding: whether the film has it}, of those that are known.
        longest: pixels of the picture's long side, at most.
    """
    picture, kind = _picture_of(film, longest)
    height, width = film.shape
    place = {finding: k for k, finding in enumerate(findings)}
    head: dict[str, Any] = {
        "film": {"id": film_id(film), "width": width, "height": height,
                 "bytes": len(picture), "type": kind, "grey": _as_colour(grey_of(film)), "said": shown.said},
        "view": shown.view, "open": place.get(shown.open, 0), "strength": shown.strength, "contour": shown.contour,
        "painted": shown.painted, "strokes": shown.strokes,
        "brush": brush_of(film.shape), "occludable": shown.occludable, "keys": shown.keys,
        "warnings": list(shown.warnings),
        "findings": [{"name": name, "title": display_name(name), "label": (labels or {}).get(name)}
                     for name in findings],
        "networks": [_network(one) for one in networks],
        "layers": [_layer(one, findings) for one in layers],
        "boxes": [{"finding": place[box.finding], "x": box.x, "y": box.y, "width": box.width, "height": box.height}
                  for box in boxes if box.finding in place]}
    body = np.asarray(shown.colours).round().astype(np.uint8).tobytes() + picture + b"".join(
        np.ascontiguousarray(one.cells, np.uint8).tobytes() for one in layers)
    head["version"] = hashlib.sha256(json.dumps(head).encode() + body).hexdigest()[:16]
    text = json.dumps(head, allow_nan=False).encode()
    return len(text).to_bytes(4, "little") + text + body


@dataclass(frozen=True)
class Captioned:
    """A film among several: what stands over it, and its bytes as `pack` makes them."""

    title: str
    said: str
    packed: bytes


def pack_films(films: Sequence[Captioned], all_together: str = "All") -> bytes:
    """Films side by side: a length (uint32), a header in JSON, then each film's bytes.

    Args:
        films: of the same networks in the same order.
        all_together: the button that shows all networks' maps at once.
    """
    body = b"".join(one.packed for one in films)
    head = {"all": all_together, "films": [{"title": one.title, "said": one.said, "bytes": len(one.packed)}
                                           for one in films]}
    head["version"] = hashlib.sha256(json.dumps(head).encode() + body).hexdigest()[:16]
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text + body


def film_id(film: np.ndarray) -> str:
    """What the viewer calls a film, uint8 (H, W)."""
    return hashlib.sha256(repr(film.shape).encode() + np.ascontiguousarray(film).tobytes()).hexdigest()[:16]


def _picture_of(film: np.ndarray, longest: int) -> tuple[bytes, str]:
    """The film, uint8 (H, W), as a file that browsers show, at most `longest` pixels a side, and its type."""
    image = Image.fromarray(film)
    if max(image.size) > longest:
        scale = longest / max(image.size)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))),
                             Image.Resampling.BILINEAR, reducing_gap=2)
    file = io.BytesIO()
    if max(image.size) <= _LOSSLESS:
        image.save(file, "PNG", compress_level=1)
        return file.getvalue(), "image/png"
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue(), "image/jpeg"


def grey_of(film: np.ndarray) -> int:
    """The grey of a patch: the film's mean, which says the least to a network."""
    return int(film[::4, ::4].mean() + 0.5)


def brush_of(shape: tuple[int, ...]) -> float:
    """How wide a stroke of the patch is, in pixels of a film (H, W)."""
    return BRUSH * max(shape)


def _as_colour(grey: int) -> str:
    return f"rgb({grey}, {grey}, {grey})"


def _network(one: Network) -> dict[str, Any]:
    scores, thresholds = (np.asarray(values, np.float64) for values in (one.scores, one.thresholds))
    return {"name": one.name, "colour": one.colour, "mark": one.mark, "scores": _numbers(scores),
            "thresholds": [value if math.isfinite(value) else 1.0 for value in thresholds.tolist()],
            "alarms": (scores >= thresholds).tolist(), "asks": _asks(one, scores), "notes": list(one.notes),
            "texts": [("–", rounded(threshold, ".3g")) if math.isnan(score) else told_apart(score, threshold)
                      for score, threshold in zip(scores.tolist(), thresholds.tolist(), strict=True)],
            "before": None if one.before is None else _numbers(np.asarray(one.before, np.float64))}


def _asks(one: Network, scores: np.ndarray) -> list[bool]:
    """Findings whose score lies between the two lines."""
    upper = one.thresholds if one.uppers is None else one.uppers
    return ((scores >= np.asarray(one.thresholds, np.float64)) & (scores < np.asarray(upper, np.float64))).tolist()


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _layer(one: Layer, findings: Sequence[str]) -> dict[str, Any]:
    own = list(one.findings)
    n, rows, columns = one.cells.shape
    return {"title": one.title, "network": one.network, "n": n, "rows": rows, "columns": columns, "size": one.size,
            "places": [(own.index(name) if name in own else -1) if own else 0 for name in findings],
            "offset": float(one.offset), "off": one.off, "awaited": one.awaited,
            "low": np.asarray(one.low, float).tolist(), "high": np.asarray(one.high, float).tolist()}
