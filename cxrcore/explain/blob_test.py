"""The planted-blob test: whether a network's maps point at the place that a score comes from.

A spot, bright or dark in turn, is planted on an otherwise empty, noisy film, at sixteen places. The network's last
layer is replaced by one with an output a place: the direction in which the spot there moves what the last layer is
given. What the spot adds to the raw Grad-CAM map of its output, over the film without it, has to be greatest where the
spot is. Layout, class tokens, the order of rows and columns and the places of the cells all have to be right for that,
and the cells must see their own surroundings more than the rest of the film. It says nothing of what the network has
learned, and takes no data.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cxrcore.errors import WorkbenchError
from cxrcore.explain.maps import Explainer
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.networks.classifier import features_before, with_weights
from cxrcore.networks.prediction import full_precision

WITHIN = 0.8  # cells, along each axis: half a cell to the nearest one's middle, and as much again at the film's edges
NEEDED = 13  # of the spots: a map that stands still, or is turned or mirrored, finds 12 of 16 on the coarsest grid
_GREY, _NOISE, _CONTRAST = 118, 20, 100  # of 255
_WIDTH = 1 / 18  # the spot's sigma, in film sides
_A_SIDE = 4  # rows and columns of spots, each a little off the middle of its field
_NOTICED = 5e-4  # of the features' length: less is near what single precision rounds away on its way there
_FINE = 4  # cells a side from which on their places are measured besides


@dataclass(frozen=True)
class Found:
    """What came of the test.

    Attributes:
        hits: spots, of 16, that were found within `WITHIN` cells.
        apart: median distance of the hottest cell from the spot, in cells.
        shift: pixels that the maps lay further right and down than `registration` says; 0 where that is right.
        cells: a side.
        layer: where the maps were taken from, in words.
        pooled: as `CamLayer.pooled`.
        blind: spots that the network's features do not notice at all.
    """

    hits: int
    apart: float
    shift: float
    cells: int
    layer: str
    pooled: bool
    blind: int = 0

    @property
    def why_off(self) -> str:
        """Why the maps do not pass, or ''."""
        total = _A_SIDE**2
        if self.hits >= NEEDED:
            return ""
        if self.blind > total - NEEDED:
            return (f"the network does not notice a spot at {self.blind} of {total} places, so its maps cannot "
                    "be checked")
        return (f"a spot planted at {total} places was found at {self.hits} ({NEEDED} are needed) by maps of "
                f"{self.cells} x {self.cells} cells")


def planted(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The empty film uint8 (S, S), films with a spot (n, S, S), and where it is: float (n, 2), x and y in pixels."""
    rng = np.random.default_rng(0)
    empty = _GREY + rng.normal(0, _NOISE, (size, size))
    middles = (np.arange(_A_SIDE) + 0.5) / _A_SIDE
    fields = np.stack([np.tile(middles, _A_SIDE), np.repeat(middles, _A_SIDE)], 1)
    at = (fields + rng.uniform(-0.06, 0.06, fields.shape)) * size - 0.5
    pixels = np.arange(size)
    bumps = [np.exp(-((pixels - x) ** 2 + (pixels[:, None] - y) ** 2) / (2 * (_WIDTH * size) ** 2)) for x, y in at]
    signs = [1 - 2 * ((place + place // _A_SIDE) % 2) for place in range(len(bumps))]  # as on a chess board
    films = [_as_film(empty + sign * _CONTRAST * bump) for sign, bump in zip(signs, bumps, strict=True)]
    return _as_film(empty), np.array(films), at


def _as_film(values: np.ndarray) -> np.ndarray:
    return (values + 0.5).clip(0, 255).astype(np.uint8)


def run(model: nn.Module, architecture: str, spec: InputSpec, size: int) -> Found:
    """Plant the spots and look for them; the network stays as it is.

    Args:
        model: of `architectures.build`, in evaluation mode; on any device.
        size: S, pixels a side of its films.

    Raises:
        WorkbenchError: the network has no layer to take maps from, or no linear last layer.
    """
    empty, films, at = planted(size)
    asked, blind = _asking(model, spec, empty, films)
    if blind.sum() > len(films) - NEEDED:
        return Found(0, float("nan"), 0.0, 0, "", False, int(blind.sum()))
    names = tuple(f"spot {place}" for place in range(len(films)))
    explainer = Explainer(asked, architecture, spec, names)
    added = np.array([explainer.raw(film, (name,))[0] for film, name in zip(films, names, strict=True)])
    added = np.where(blind[:, None, None], np.nan, added - explainer.raw(empty, names))
    layer, cells = explainer.layer(size), added.shape[-1]
    offset, cell = explainer.offset(size), size / cells
    shift = 0.0
    apart = _apart(added, at, offset, cell)
    if cells >= _FINE:
        measured = float(np.nanmedian(_centres(added, cell, offset) - at))
        moved = _apart(added, at, offset + measured, cell)
        if abs(measured) > cell / 4 and _hits(moved) > _hits(apart):
            shift, apart = measured, moved
    return Found(_hits(apart), float(np.nan_to_num(np.median(apart), nan=np.inf)), shift, cells,
                 layer.in_words(cells), layer.pooled, int(blind.sum()))


def _asking(model: nn.Module, spec: InputSpec, empty: np.ndarray, films: np.ndarray) -> tuple[nn.Module, np.ndarray]:
    """The network with an output a spot, and which spots it does not notice."""
    device = next(model.parameters()).device
    with torch.no_grad(), full_precision():
        batch = torch.from_numpy(np.concatenate([empty[None], films])).unsqueeze(1).to(device)
        features, _ = features_before(model, normalise(batch, spec))
        if not bool(features.isfinite().all()):
            raise WorkbenchError("its features are not finite")
        difference = features[1:] - features[0]
        norm = difference.norm(dim=1, keepdim=True)
        blind = (norm <= _NOTICED * features[0].norm())[:, 0]
        weight = difference / norm.clamp(min=1e-30)
    twin = copy.deepcopy(model).requires_grad_(False)
    return with_weights(twin, weight, torch.zeros(len(films), device=device)), blind.cpu().numpy()


def _apart(added: np.ndarray, at: np.ndarray, offset: float, cell: float) -> np.ndarray:
    """Distance of each map's hottest cell from its spot along the worse axis, in cells; NaN where there is no map."""
    n, cells = len(added), added.shape[-1]
    hottest = np.nan_to_num(added, nan=-np.inf).reshape(n, -1).argmax(1)
    middles = np.stack([hottest % cells, hottest // cells], 1)
    lies = ((middles + 0.5) * cell - 0.5 - offset).clip(0, cells * cell - 1)
    apart = np.abs(lies - at).max(1) / cell
    nothing = ~(np.nan_to_num(added, nan=0.0).reshape(n, -1).max(1) > 0)
    return np.where(nothing, np.nan, apart)


def _centres(added: np.ndarray, cell: float, offset: float) -> np.ndarray:
    """Centre of the hotter half of each map, float (n, 2), x and y in pixels."""
    most = added.max((1, 2), keepdims=True)
    hot = np.where(added >= most / 2, added.clip(0), 0.0)
    places = (np.arange(added.shape[-1]) + 0.5) * cell - 0.5 - offset
    total = hot.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([hot.sum(1) @ places / total, hot.sum(2) @ places / total], 1)


def _hits(apart: np.ndarray) -> int:
    return int((np.nan_to_num(apart, nan=np.inf) <= WITHIN).sum())
