"""Weights as other programs write them, of random numbers that no place shares."""

import re

import torch
import torchvision
from torch import nn

SIZE = 32  # pixels a side: enough for all six
_DRAWN = 1_000_003  # numbers of a tensor; a prime, so that no two rows of a larger one are equal


def torchvision_model(name: str, n_outputs: int = 14, size: int = SIZE) -> nn.Module:
    """torchvision's own network, in evaluation mode, whose norms and biases are random too."""
    further = {"image_size": size} if name.startswith("vit") else {}
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, num_classes=n_outputs, **further)
    model.to_empty(device="cpu")
    numbers = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if value.ndim > 1:  # keeps the size of what goes through
                bound = (6 / max(1, value[0].numel())) ** 0.5
                some = torch.empty(min(value.numel(), _DRAWN)).uniform_(-bound, bound, generator=numbers)
                value.copy_(some.repeat(-(-value.numel() // len(some)))[: value.numel()].view(value.shape))
            elif key.endswith("running_var") or (key.endswith("weight") and value.is_floating_point()):
                value.uniform_(0.5, 1.5, generator=numbers)
            elif value.is_floating_point():
                value.uniform_(-0.2, 0.2, generator=numbers)
            else:
                value.zero_()
    return model.eval()


def older(state: dict) -> dict:
    """As torchvision's files of before 2018: no counters, and the dots of DenseNet's names."""
    return {re.sub(r"(denselayer\d+\.)(norm|conv)(\d)\.", r"\1\2.\3.", key): value for key, value in state.items()
            if "num_batches" not in key}


def chexnet(state: dict) -> dict:
    """A DenseNet's state dict as CheXNet's reproductions write it."""
    return {"epoch": 5, "best_loss": 0.15, "optimizer": {"state": {}, "param_groups": []}, "state_dict": {
        f"module.densenet121.{key}".replace("classifier.", "classifier.0."): value
        for key, value in older(state).items()}}
