"""The layer whose output class activation maps are taken from, found by a dry run, and its output laid out as maps.

Of the layers that a network runs through, the last one whose output has places and whose every place the logits depend
on: of a convolutional network what is pooled, of a transformer with a class token the input of the last attention,
behind which only that token counts. Outputs may be (B, C, h, w), (B, h, w, C) or tokens (B, prefix + h x w, C), the
prefix being a class token, registers, both or nothing.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cxrcore.errors import RunError
from cxrcore.networks.architectures import find_architecture, of_timm

NCHW, NHWC, TOKENS = "NCHW", "NHWC", "tokens"
LEAST = 2  # places a side: with fewer a map says nothing
PREFIXES = (0, 1, 2, 4, 5, 8)  # tokens before those of places, where timm does not say
_TRIED = 24  # layers at most, from the last
_MIXES = re.compile(r"(^|\.)((\w+_)?(attn|attention|token_mixer)|attn_\w+)(\.|$)")  # inside, places are mixed


@dataclass(frozen=True)
class CamLayer:
    """A layer and how its output is laid out.

    Attributes:
        path: of the module in the network.
        layout: of `NCHW`, `NHWC` or `TOKENS`.
        prefix: tokens before those of places.
        pooled: what follows is a mean over the places and linear layers, so that HiResCAM equals Grad-CAM.
    """

    path: str
    layout: str = NCHW
    prefix: int = 0
    pooled: bool = False

    @property
    def to_maps(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """What lays an output out as (B, C, h, w); None where it is that already."""
        return None if self.layout == NCHW else self._laid_out

    def _laid_out(self, output: torch.Tensor) -> torch.Tensor:
        if self.layout == NHWC:
            return output.permute(0, 3, 1, 2)
        side = math.isqrt(output.shape[1] - self.prefix)
        return output[:, self.prefix:].unflatten(1, (side, side)).permute(0, 3, 1, 2)

    def in_words(self, cells: int) -> str:
        """'blocks.11.norm1 (4 x 4 tokens after 1 other)'; cells: a side."""
        kind = {NCHW: "cells", NHWC: "cells, channels last", TOKENS: "tokens"}[self.layout]
        after = f" after {self.prefix} other{'s' * (self.prefix > 1)}" if self.prefix else ""
        return f"{self.path} ({cells} x {cells} {kind}{after})"


def cam_layer(model: nn.Module, architecture: str, image_size: int) -> CamLayer:
    """The layer of a network: of the six as `architectures` names it, of others by a dry run.

    Raises:
        RunError: there is none.
    """
    entry = find_architecture(architecture)
    if entry.cam_layer:
        return CamLayer(entry.cam_layer, TOKENS if entry.has_tokens else NCHW, int(entry.has_tokens), entry.pooled_head)
    return find_layer(model, image_size)


@dataclass
class _Passed:
    """A module that a dry run went through.

    Attributes:
        layer: what its output looks like.
        runs: how often it ran.
    """

    layer: CamLayer
    runs: int = 1


def find_layer(model: nn.Module, image_size: int) -> CamLayer:
    """Dry runs of a network on one random film, with its own weights in evaluation mode; it stays as it was.

    Raises:
        RunError: no layer's output has places that the logits depend on.
    """
    weight = next(model.parameters())
    film = torch.randn(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0)).to(weight)
    was_training = model.training
    model.eval()
    try:
        passed = _passed(model, film)
        for one in [one for one in reversed(passed.values()) if one.runs == 1][:_TRIED]:
            gradient = _gradient(model, one.layer, film)
            if gradient is not None and _reaches_all(gradient):
                return CamLayer(one.layer.path, one.layer.layout, one.layer.prefix, _is_mean(gradient))
    finally:
        model.train(was_training)
    raise RunError("no layer of it has places, two or more a side, that its scores depend on")


def _passed(model: nn.Module, film: torch.Tensor) -> dict[str, _Passed]:
    """All modules whose output has places, in the order in which they ended."""
    found: dict[str, _Passed] = {}
    own = [int(getattr(of_timm(model), "num_prefix_tokens", 0) or 0), *PREFIXES]

    def note(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if path in found:
                found[path].runs += 1
            elif torch.is_tensor(output) and (layer := layout_of(output, path, film.shape[-1], own)):
                found[path] = _Passed(layer)

        return hook

    handles = [module.register_forward_hook(note(path)) for path, module in model.named_modules()
               if path and not _MIXES.search(path)]
    try:
        with torch.no_grad():
            model(film)
    finally:
        for handle in handles:
            handle.remove()
    return found


def layout_of(output: torch.Tensor, path: str, image_size: int, prefixes: list[int] | tuple[int, ...] = PREFIXES
              ) -> CamLayer | None:
    """How an output is laid out over the places of a square film; None where it has no places."""
    shape = output.shape
    if output.ndim == 4:
        if shape[2] == shape[3] >= LEAST:
            return CamLayer(path, NCHW)
        return CamLayer(path, NHWC) if shape[1] == shape[2] >= LEAST else None
    if output.ndim != 3:
        return None
    for prefix in prefixes:
        places = shape[1] - prefix
        side = math.isqrt(max(places, 0))
        if side >= LEAST and side * side == places and image_size % side == 0:
            return CamLayer(path, TOKENS, prefix)
    return None


def _gradient(model: nn.Module, layer: CamLayer, film: torch.Tensor) -> torch.Tensor | None:
    """Of a sum of logits, by the layer's output, laid out as maps (C, h, w); None where it cannot be taken."""
    kept: dict[str, torch.Tensor] = {}

    def hook(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        kept["leaf"] = output.detach().clone().requires_grad_()
        return kept["leaf"]

    handle = model.get_submodule(layer.path).register_forward_hook(hook)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            logits = model(film.clone())
            weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1)).to(logits)
            gradient, = torch.autograd.grad((logits * weights).sum(), kept["leaf"], allow_unused=True)
    except RuntimeError:  # what follows writes into the output
        return None
    finally:
        handle.remove()
    return None if gradient is None else (layer.to_maps or (lambda maps: maps))(gradient)[0]


def _reaches_all(gradient: torch.Tensor) -> bool:
    """Whether the logits depend on every place."""
    return bool((gradient.abs().amax(0) > 0).all())


def _is_mean(gradient: torch.Tensor) -> bool:
    """Whether every place has the same gradient, as under a mean; of one film: what follows may not be linear."""
    spread = (gradient - gradient.mean(dim=(1, 2), keepdim=True)).abs().max()
    return bool(spread <= 1e-4 * gradient.abs().max())
