"""Test-time views: a film as it is, then crops and turns of it, whose scores are averaged (Krizhevsky et al. 2012)."""

import math
from collections.abc import Iterator

import torch
from torch.nn import functional

# (share of the side that is shown, where its middle lies in shares of half a side: right, down; degrees)
_PLACES = (
    (1.0, 0.0, 0.0, 0.0), (0.9, -0.1, -0.1, 0.0), (0.9, 0.1, 0.1, 0.0), (0.9, 0.1, -0.1, 0.0), (0.9, -0.1, 0.1, 0.0),
    (0.95, 0.0, 0.0, 3.0), (0.95, 0.0, 0.0, -3.0), (0.9, 0.0, 0.0, 0.0), (0.95, 0.0, 0.0, 0.0), (1.05, 0.0, 0.0, 0.0))


def views_of(gray: torch.Tensor, n: int) -> Iterator[torch.Tensor]:
    """The first n views of films; the first is the film itself.

    Args:
        gray: uint8 or float (B, 1, S, S).
        n: 1 to 10.

    Yields:
        (B, 1, S, S) in the same range; black beyond the border.
    """
    yield gray
    for share, right, down, degrees in _PLACES[1:n]:
        cos, sin = share * math.cos(math.radians(degrees)), share * math.sin(math.radians(degrees))
        place = torch.tensor([[[cos, -sin, right], [sin, cos, down]]], device=gray.device).expand(len(gray), -1, -1)
        grid = functional.affine_grid(place, list(gray.shape), align_corners=False)
        yield functional.grid_sample(gray.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
