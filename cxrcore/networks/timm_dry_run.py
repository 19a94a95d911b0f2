"""Whether a network of timm takes the films that it is to be trained on: tried before anything is written."""

import contextlib
import copy
import math
from collections.abc import Generator
from typing import Any

import torch
from timm.layers import PatchEmbed
from torch import nn

from cxrcore.errors import RunError
from cxrcore.networks.architectures import of_timm

_FAULTS = (RuntimeError, TypeError, ValueError, AttributeError, AssertionError, LookupError,
           ArithmeticError)  # how networks take films that they are not made for


@contextlib.contextmanager
def in_one_line(architecture: str, image_size: int) -> Generator[None]:
    """Whatever a network's builder, or the network, says of films that it does not take, as one line.

    Raises:
        RunError: in place of it.
    """
    try:
        yield
    except _FAULTS as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise RunError(f"{architecture} cannot be trained on films of {image_size} x {image_size} pixels ({reason}): "
                       "try another --img_size, or another network") from None


def require_takes(model: nn.Module, image_size: int, n_findings: int) -> None:
    """Score two films, and take a training's gradients of a copy; the network and the generators stay as they are.

    Raises:
        RunError: its outputs are not a logit a finding, or it would leave out a part of each film.
        RuntimeError, TypeError and others: what the network says.
    """
    embed = getattr(of_timm(model), "patch_embed", None)
    patch = embed.patch_size[0] if isinstance(embed, PatchEmbed) else 1  # others' patches may overlap
    if image_size % patch:
        raise RunError(f"the network looks at patches of {patch} x {patch} pixels, into which films of {image_size} x "
                       f"{image_size} cannot be cut: choose --img_size a multiple of {math.lcm(32, patch)}")
    films = torch.randn(2, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    films = films.to(memory_format=torch.channels_last)
    was_training = model.training
    with torch.no_grad():
        _require_logits(model.eval()(films), n_findings)
    model.train(was_training)
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(model).train()
        logits = trial(films)
        _require_logits(logits, n_findings)
        logits.square().mean().backward()


def _require_logits(output: Any, n_findings: int) -> None:
    if not torch.is_tensor(output) or output.shape != (2, n_findings):
        found = " x ".join(map(str, output.shape)) if torch.is_tensor(output) else f"a {type(output).__name__}"
        raise RunError(f"the network gives {found} for 2 films, not {n_findings} logits each")
