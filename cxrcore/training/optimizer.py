"""The optimizer of a training, its groups of weights, and its state in a checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch
from timm.optim import param_groups_layer_decay
from torch import nn

from cxrcore.settings import Constants


def make_optimizer(model: nn.Module, lr: float, weight_decay: float, layer_decay: float, constants: Constants,
                   device: torch.device) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019), with lower rates for blocks near the input where asked for.

    Args:
        layer_decay: rate of a block over that of the next deeper one (Clark et al., ICLR 2020, as BEiT and MAE take
            it); 1 for one rate.
    """
    groups = _parameter_groups(model, weight_decay) if layer_decay == 1 else [
        {"params": group["params"], "weight_decay": group["weight_decay"], "lr": lr * group["lr_scale"]}
        for group in param_groups_layer_decay(
            model, weight_decay, _undecayed(model), layer_decay=layer_decay)]
    return torch.optim.AdamW(groups, lr=lr, betas=(constants.beta1, constants.beta2), eps=constants.epsilon,
                             fused=device.type in ("cpu", "cuda"))


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only; not for biases and normalisation."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}]


def _undecayed(model: nn.Module) -> set[str]:
    """What the network itself names, such as position embeddings."""
    named = getattr(model, "no_weight_decay", None)
    return set(named()) if callable(named) else set()


def checked_moments(given: Mapping[str, Any], own: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimizer's state from a file, beside the options of this training: torch takes over whatever a file names.

    Only the learning rate moves during a training, so only it is read back.
    """
    kept = own.state_dict()
    parameters = [parameter for group in own.param_groups for parameter in group["params"]]
    for k, moments in given["state"].items():
        for name in ("exp_avg", "exp_avg_sq"):
            if moments[name].shape != parameters[int(k)].shape or not moments[name].is_floating_point():
                raise ValueError(f"its {name} does not belong to this network")
        if moments["step"].numel() != 1:
            raise ValueError("it does not count its steps")
    groups = zip(kept["param_groups"], given["param_groups"], strict=True)
    return {"state": {int(k): {name: moments[name] for name in ("step", "exp_avg", "exp_avg_sq")}
                      for k, moments in given["state"].items()},
            "param_groups": [group | {"lr": float(saved["lr"])} for group, saved in groups]}


def plain_schedule(schedule: torch.optim.lr_scheduler.LambdaLR) -> dict[str, Any]:
    """Its state without the rate functions, which no checkpoint may hold."""
    return schedule.state_dict() | {"lr_lambdas": [None] * len(schedule.lr_lambdas)}


