"""Which number format trains faster on this device: measured once on the network itself, not guessed."""

import copy
import time

import torch
from torch import nn

from cxrcore.batches import InputSpec, normalise

_TRIAL_FILMS = 16  # at most; a full batch of VGG16 takes half a minute on a laptop
_WARM_UP, _TIMED = 1, 2


def choose(model: nn.Module, spec: InputSpec, image_size: int, batch_size: int, device: torch.device) -> dict:
    """Time forward and backward in fp32 and bf16 on a copy of the network.

    Returns:
        {"precision": the faster, "fp32": images/s, "bf16": images/s}. The network and the generators stay untouched.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trial = copy.deepcopy(model).to(device).train()
        films = torch.randint(0, 256, (min(batch_size, _TRIAL_FILMS), 1, image_size, image_size), device=device)
        inputs = normalise(films.to(torch.uint8), spec)
        speeds = {name: _images_per_second(trial, inputs, name) for name in ("fp32", "bf16")}
    return {"precision": max(speeds, key=speeds.get)} | {name: round(speed, 1) for name, speed in speeds.items()}


def _images_per_second(model: nn.Module, inputs: torch.Tensor, precision: str) -> float:
    def step() -> None:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = model(inputs).float().square().mean()
        loss.backward()
        model.zero_grad(set_to_none=True)

    try:
        for _ in range(_WARM_UP):
            step()
        _wait(inputs.device)
        began = time.perf_counter()
        for _ in range(_TIMED):
            step()
        _wait(inputs.device)
    except (RuntimeError, TypeError):  # a device without this format
        return 0.0
    return _TIMED * len(inputs) / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
