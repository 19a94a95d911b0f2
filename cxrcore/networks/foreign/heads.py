"""The last layer of foreign weights, which gives their outputs: where it stands and whether it is one layer alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

_HEAD = re.compile(r"(?:new_|my_|cls_|mlp_)?(?:fc|fc_out|heads?|classifier|classification_head|last_linear|linear|"
                   r"linear_head|output|output_layer|out|cls|logits|final|predictor|pre_logits)\d*(?=\.|$)")
_COUNTER = re.compile(r"(?:^|\.)num_batches_tracked$")
_HARMLESS = re.compile(  # of losses, measures and profilers: nothing that a network's outputs depend on
    r"(?:^|\.)(?:(?:total_ops|total_params|n_averaged|pos_weight|op_threshs)$|(?:criterion|loss(?:_fn|_func|es)?|metrics?|"
    r"(?:train|val|valid|test)_\w+)\.)")


def is_head(name: str) -> bool:
    """Whether a tensor, named without prefix, stands in what people call a network's head."""
    return bool(_HEAD.match(name))


def is_counter(name: str) -> bool:
    """Whether a tensor only counts the batches of a training; older files have none."""
    return bool(_COUNTER.search(name))


def is_harmless(name: str) -> bool:
    """Whether a network's outputs do not depend on a tensor: of the loss, of a measure, of a profiler."""
    return bool(_HARMLESS.search(name))


@dataclass(frozen=True)
class Head:
    """A linear layer on a network's features.

    Attributes:
        name: as the file calls it.
        weight: (outputs, features).
        bias: (outputs,).
    """

    name: str
    weight: torch.Tensor
    bias: torch.Tensor


def find_head(tensors: Mapping[str, torch.Tensor], n_features: int) -> tuple[Head | None, str]:
    """The one linear layer among a head's tensors, or None and why not.

    Args:
        tensors: of the head, as the file names them.
        n_features: that the network gives.
    """
    layers = sorted({key.rpartition(".")[0] for key in tensors})
    if not layers:
        return None, "it has no head"
    if len(layers) > 1:
        return None, f"its head has several layers ({', '.join(layers[:4])})"
    name = layers[0]
    weight, bias = (tensors.get(f"{name}.{part}") for part in ("weight", "bias"))
    if weight is not None and weight.ndim == 4 and weight.shape[2:] == (1, 1):
        weight = weight.flatten(1)
    if weight is None or weight.ndim != 2 or len(tensors) > 2:
        return None, f"its head {name!r} is no linear layer"
    if weight.shape[1] != n_features:
        return None, f"its head {name!r} takes {weight.shape[1]} features, where the network gives {n_features}"
    if bias is None:
        bias = torch.zeros(len(weight))
    if bias.shape != weight.shape[:1]:
        return None, f"its head {name!r} is no linear layer"
    return Head(name, weight, bias), ""
