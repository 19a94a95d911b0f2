"""From prepared pixels to what a network is fed: gathering, light augmentation, normalisation.

Batches are gathered from the memory map by one background thread, so that the next one is ready when a step ends;
augmentation and normalisation work on whole batches, on the network's device.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch.nn import functional

from cxrcore.settings import Constants

DEFAULTS = Constants()
_AHEAD = 3  # batches gathered in advance
_Batch = tuple[torch.Tensor, torch.Tensor | None]  # pixels, and labels where there are any


@dataclass(frozen=True)
class InputSpec:
    """What a network expects of its pixels, after division by 255.

    Attributes:
        mean, std: per channel, three numbers each.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def normalise(gray: torch.Tensor, spec: InputSpec) -> torch.Tensor:
    """Grey pixels (B, 1, S, S), uint8 or float in [0, 255], as float32 (B, 3, S, S) in channels-last memory.

    The one normalisation of training, evaluation and upload.
    """
    mean = torch.tensor(spec.mean, dtype=torch.float32, device=gray.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, dtype=torch.float32, device=gray.device).view(1, 3, 1, 1)
    b, _, h, w = gray.shape
    out = torch.empty((b, 3, h, w), device=gray.device, memory_format=torch.channels_last)
    return torch.addcmul(-mean / std, gray.float(), 1 / (255 * std), out=out)


def augment(gray: torch.Tensor, generator: torch.Generator, constants: Constants = DEFAULTS) -> torch.Tensor:
    """A small random shift, scale and rotation of each film; no flip, since the heart lies on the left.

    Args:
        gray: uint8 or float (B, 1, S, S).
        generator: on the CPU, so that every device sees the same films.
        constants: of which max_shift, max_scale and max_rotation are used.

    Returns:
        float32 (B, 1, S, S) in the same range; black beyond the border.
    """
    if not (constants.max_shift or constants.max_scale or constants.max_rotation):
        return gray.float()
    b = len(gray)
    uniform = torch.rand((4, b), generator=generator) * 2 - 1
    angle, scale = uniform[0] * math.radians(constants.max_rotation), 1 + uniform[1] * constants.max_scale
    shift = uniform[2:] * 2 * constants.max_shift  # affine_grid counts from -1 to 1
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack([torch.stack([cos, -sin, shift[0]], 1), torch.stack([sin, cos, shift[1]], 1)], 1)
    grid = functional.affine_grid(theta.to(gray.device), list(gray.shape), align_corners=False)
    return functional.grid_sample(gray.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def gather(pixels: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    """Rows of the map as a uint8 tensor (B, 1, S, S)."""
    return torch.from_numpy(np.asarray(pixels[rows])).unsqueeze(1)


@overload
def batches(pixels: np.ndarray, rows: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device
            ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]: ...


@overload
def batches(pixels: np.ndarray, rows: np.ndarray, labels: None, batch_size: int, device: torch.device
            ) -> Iterator[tuple[torch.Tensor, None]]: ...


def batches(
    pixels: np.ndarray, rows: np.ndarray, labels: np.ndarray | None, batch_size: int, device: torch.device
) -> Iterator[_Batch]:
    """Batches in the order of `rows`, gathered ahead by a background thread.

    Args:
        pixels: uint8 (N, S, S).
        rows: rows of the map, in the order they are to come.
        labels: float32 (len(rows), k), in the same order; None where only pixels are wanted.

    Yields:
        uint8 (B, 1, S, S) and float32 (B, k) on the device; the last batch may be shorter.
    """
    pinned = device.type == "cuda"

    def make(start: int) -> _Batch:
        stop = start + batch_size
        films = gather(pixels, rows[start:stop])
        targets = None if labels is None else torch.from_numpy(labels[start:stop])
        if not pinned:
            return films, targets
        return films.pin_memory(), targets if targets is None else targets.pin_memory()

    for films, targets in _ahead(make, range(0, len(rows), batch_size)):
        there = films.to(device, non_blocking=pinned)
        yield there, targets if targets is None else targets.to(device, non_blocking=pinned)


def _ahead(make: Callable[[int], _Batch], starts: Sequence[int]) -> Iterator[_Batch]:
    """make(start) for each start, in order, computed up to `_AHEAD` items in advance."""
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        pending: deque[Future[_Batch]] = deque()
        for start in starts:
            pending.append(pool.submit(make, start))
            if len(pending) > _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
