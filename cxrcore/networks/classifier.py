"""The last layer of a network, which gives its logits, and what it is given: for probes of what lies before it.

timm names that layer. Most networks have one, linear; a 1 x 1 convolution is the same; distilled ones have two, whose
outputs are averaged.
"""

import copy
from collections.abc import Sequence

import torch
from torch import nn

from cxrcore.errors import CheckpointError
from cxrcore.networks.checkpoint import head_prefixes

_SAME = 1e-3  # how far a probe's logits may lie from the network's, as a share of their spread


def classifier_paths(model: nn.Module) -> tuple[str, ...]:
    """Where the network's last layers stand, as timm names them."""
    return tuple(prefix.removesuffix(".") for prefix in head_prefixes(model))


def classifiers(model: nn.Module) -> list[nn.Module]:
    """The last layers themselves.

    Raises:
        CheckpointError: one is missing, or is neither linear nor a convolution of 1 x 1.
    """
    found = []
    for path in classifier_paths(model):
        try:
            layer = model.get_submodule(path)
        except AttributeError:
            raise CheckpointError(f"its last layer, {path}, is not there") from None
        if not isinstance(layer, nn.Linear | nn.Conv2d) or not _is_plain(layer):
            raise CheckpointError(f"its last layer, {path}, is no linear layer but a {type(layer).__name__}")
        found.append(layer)
    if not found:
        raise CheckpointError("timm names no last layer of it")
    return found


def _is_plain(layer: nn.Linear | nn.Conv2d) -> bool:
    return isinstance(layer, nn.Linear) or (tuple(layer.kernel_size) == (1, 1) and layer.groups == 1)


def features_before(model: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the last layers are given, side by side, and the network's own logits.

    Args:
        inputs: float32 (B, 3, S, S), normalised.

    Returns:
        float32 (B, D) and (B, k).

    Raises:
        CheckpointError: the last layer is not given one row of numbers a film.
    """
    given: list[torch.Tensor] = []
    handles = [layer.register_forward_pre_hook(lambda _, args: given.append(args[0]) or None)
               for layer in classifiers(model)]
    try:
        logits = model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    rows = [one.flatten(1) if one.ndim == 4 and one.shape[2:] == (1, 1) else one for one in given]
    if len(rows) != len(handles) or any(one.ndim != 2 or len(one) != len(inputs) for one in rows):
        raise CheckpointError("its last layer is not given one row of numbers a film")
    return torch.cat(rows, dim=1), logits


def with_weights(model: nn.Module, weight: torch.Tensor, bias: torch.Tensor) -> nn.Module:
    """Put other last layers into a network, in place; its other weights stay, shared or not.

    Args:
        weight: float32 (k, D) on all that `features_before` gives; of two layers their outputs are averaged.
        bias: float32 (k,).
    """
    layers = classifiers(model)
    widths = [layer.get_parameter("weight").shape[1] for layer in layers]
    for path, own, part in zip(classifier_paths(model), layers, weight.split(widths, dim=1), strict=True):
        made = copy.copy(own)
        made._parameters = dict(own._parameters)
        shape = (*part.shape, *own.get_parameter("weight").shape[2:])
        made.weight = nn.Parameter((part * len(layers)).reshape(shape).contiguous(), requires_grad=False)
        made.bias = nn.Parameter(bias.clone(), requires_grad=False)
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, made)
    return model


def joined(layers: Sequence[nn.Module]) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (k, D) and bias (k,) of last layers on what `features_before` gives; the reverse of `with_weights`."""
    weights = [layer.get_parameter("weight").detach().flatten(1) for layer in layers]
    biases = [layer.bias.detach() if isinstance(layer.bias, torch.Tensor) else weight.new_zeros(len(weight))
              for layer, weight in zip(layers, weights, strict=True)]
    return torch.cat(weights, dim=1) / len(layers), torch.stack(biases).mean(0)


def require_linear(model: nn.Module, features: torch.Tensor, logits: torch.Tensor) -> None:
    """Hold a network to being its last layers on their features, and nothing behind them.

    Raises:
        CheckpointError: its logits are something else.
    """
    weight, bias = joined(classifiers(model))
    apart = (features @ weight.T + bias - logits).abs().max()
    if not apart <= _SAME * max(float(logits.std()), 1e-6):
        raise CheckpointError("its logits are not what its last layer makes of one row of numbers a film")
