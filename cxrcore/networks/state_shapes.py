"""Tensors' shapes in words, and the first one in which weights and a network differ."""

from collections.abc import Mapping

import torch


def shape_in_words(value: torch.Tensor) -> str:
    """'64 x 3 x 7 x 7', or 'one number'."""
    return " x ".join(map(str, value.shape)) or "one number"


def first_difference(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """The first tensor, in the network's order, that weights lack or have in another shape; "" where all fit."""
    for key, value in own.items():
        if key not in given:
            return f"its weights lack {key} ({shape_in_words(value)})"
        if given[key].shape != value.shape:
            return (f"{key} is {shape_in_words(given[key])} in the weights and {shape_in_words(value)} in the "
                    "network")
    foreign = next((key for key in given if key not in own), None)
    return (f"its weights have {foreign[:80]!a} ({shape_in_words(given[foreign])}), which the network has not"
            if foreign else "")
