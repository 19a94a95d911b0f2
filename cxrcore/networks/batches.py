"""From prepared pixels to what a network is fed: gathering and normalisation.

Batches are gathered from the memory map by one background thread, so that the next one is ready when a step ends, or on
the network's device where the films lie there; normalisation works on whole batches, on the device.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

import numpy as np
import torch

_AHEAD = 3  # batches gathered in advance
Pixels = np.ndarray | torch.Tensor  # uint8 (N, S, S)
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
    offset, slope = _line(spec, gray.device)
    b, _, h, w = gray.shape
    out = torch.empty((b, 3, h, w), device=gray.device, memory_format=torch.channels_last)
    return torch.addcmul(offset, gray.float(), slope, out=out)


@lru_cache(64)
def _line(spec: InputSpec, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """-mean / std and 1 / (255 std), each (1, 3, 1, 1); made once, since a GPU is waited for while they are copied."""
    with torch.inference_mode(False):  # or a gradient could not go through them later
        mean, std = (torch.tensor(values, dtype=torch.float32, device=device).view(1, 3, 1, 1)
                     for values in (spec.mean, spec.std))
        return -mean / std, 1 / (255 * std)


def gather(pixels: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    """Rows of the map as a uint8 tensor (B, 1, S, S)."""
    return torch.from_numpy(np.asarray(pixels[rows])).unsqueeze(1)


@overload
def batches(pixels: Pixels, rows: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device
            ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]: ...


@overload
def batches(pixels: Pixels, rows: np.ndarray, labels: None, batch_size: int, device: torch.device
            ) -> Iterator[tuple[torch.Tensor, None]]: ...


def batches(
    pixels: Pixels, rows: np.ndarray, labels: np.ndarray | None, batch_size: int, device: torch.device
) -> Iterator[_Batch]:
    """Batches in the order of `rows`, gathered ahead by a background thread or on the device.

    Args:
        pixels: uint8 (N, S, S), a map on disk or a tensor on the device.
        rows: rows of the map, in the order they are to come.
        labels: float32 (len(rows), k), in the same order; None where only pixels are wanted.

    Yields:
        uint8 (B, 1, S, S) and float32 (B, k) on the device; the last batch may be shorter.
    """
    if isinstance(pixels, torch.Tensor):
        yield from _on_device(pixels, rows, labels, batch_size, device)
        return
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


def _on_device(pixels: torch.Tensor, rows: np.ndarray, labels: np.ndarray | None, batch_size: int,
               device: torch.device) -> Iterator[_Batch]:
    places = to_device(torch.from_numpy(rows), device)
    targets = None if labels is None else to_device(torch.from_numpy(labels), device)
    for start in range(0, len(rows), batch_size):
        some = slice(start, start + batch_size)
        yield pixels.index_select(0, places[some]).unsqueeze(1), None if targets is None else targets[some]


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on the device that nothing waits for."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


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
