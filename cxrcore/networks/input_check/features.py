"""What a network makes of a film on its way to the scores: pooled outputs of four of its stages.

These numbers tell films like those that the network was trained on from others (`familiarity`). They come from the same
forward that gives the scores, read by hooks that leave nothing behind.
"""

import contextlib
import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cxrcore.errors import DataError
from cxrcore.networks.architectures import of_timm
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.networks.cam_layer import PREFIXES, layout_of
from cxrcore.networks.prediction import default_device, full_precision

STAGES = 4
CHANNELS = 64  # of a stage at most, evenly from all: more cost memory and tell no more
GRID = 4  # cells a side in which a stage's channels are averaged: enough to see which way is up


def stages(model: nn.Module) -> list[str]:
    """Names of the layers whose outputs are read: four, evenly from the first stage to the last.

    Args:
        model: of `architectures.build`; timm lists the stages of its networks.

    Raises:
        DataError: not of this one.
    """
    names = [stage["module"] for stage in getattr(of_timm(model), "feature_info", None) or [] if "module" in stage]
    if not names or any(name not in dict(model.named_modules()) for name in names):
        raise DataError("timm lists no stages of this network whose outputs could be read")
    return [names[round(i)] for i in np.linspace(0, len(names) - 1, STAGES)]


@contextlib.contextmanager
def reading(model: nn.Module) -> Generator[Callable[[], torch.Tensor]]:
    """While it is open, forwards of the model leave their features behind.

    Yields:
        features(): those of the last forward, float32 (B, D) on the CPU. D depends on architecture and image size.
    """
    pooled: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            pooled[name] = _pooled(output, own_prefix)

        return hook

    names, own_prefix = stages(model), int(getattr(of_timm(model), "num_prefix_tokens", 0) or 0)
    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield lambda: torch.cat([pooled[name] for name in names], dim=1).cpu()
    finally:
        for handle in handles:
            handle.remove()


def extract(
    model: nn.Module, spec: InputSpec, films: np.ndarray, batch_size: int = 32,
    on_batch: Callable[[int], None] = lambda n: None,
) -> np.ndarray:
    """Features of films, in fp32: float32 (N, D).

    Args:
        model: moved to the default device, put into evaluation mode.
        films: uint8 (N, S, S).
        on_batch: told the number of films after each batch.
    """
    device = default_device()
    model.to(device).eval()
    parts = []
    with full_precision(), torch.inference_mode(), reading(model) as features:
        for start in range(0, len(films), batch_size):
            batch = torch.from_numpy(np.array(films[start : start + batch_size])).unsqueeze(1).to(device)
            model(normalise(batch, spec))
            parts.append(features().numpy())
            on_batch(len(batch))
    return np.concatenate(parts)


def _pooled(given: Any, own_prefix: int) -> torch.Tensor:
    """A stage's output as (B, d): each channel's mean in the cells of a grid, and its spread over the film.

    Args:
        given: (B, C, h, w), (B, h, w, C) or tokens, which are laid out as the square that they come from.
        own_prefix: tokens before those of places, as timm has it.
    """
    output = (given[0] if isinstance(given, tuple | list) and given else given)
    layer = layout_of(output.detach(), "", 0, [own_prefix, *PREFIXES]) if torch.is_tensor(output) else None
    if layer is None and not (torch.is_tensor(output) and output.ndim == 4):
        raise DataError("the outputs of this network's stages have no places")
    output = layer.to_maps(output.detach()) if layer and layer.to_maps else output.detach()
    output = output[:, :: math.ceil(output.shape[1] / CHANNELS)]
    output = output.float()
    side = min(GRID, *output.shape[2:])
    cells = functional.adaptive_avg_pool2d(output, side).flatten(1)
    return torch.cat([cells, output.flatten(2).std(dim=2, correction=0)], dim=1)
