"""Which number format trains faster on this device: measured once on the network itself, not guessed."""

import copy
import time

import torch
from torch import nn

from cxrcore.networks.batches import InputSpec, normalise

# (Films, rounds); of the films at most, since a full batch of VGG16 takes half a minute on a laptop.
_GLANCE, _TRIAL = (2, 1), (16, 3)
_PLAIN = 3.0  # times as fast: a glance decides, and a format that the processor lacks is not tried for a minute
_NEVER = float("inf")


def choose(model: nn.Module, spec: InputSpec, image_size: int, batch_size: int, device: torch.device) -> dict:
    """Time forward and backward in fp32 and bf16 on a copy of the network.

    Returns:
        {"precision": the faster, "fp32": images/s, "bf16": images/s}. The network and the generators stay untouched.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trial = copy.deepcopy(model).to(device).train()
        for most, rounds in (_GLANCE, _TRIAL):
            n = max(_GLANCE[0], min(batch_size, most))
            films = torch.randint(0, 256, (n, 1, image_size, image_size), device=device)
            seconds = _best_seconds(trial, normalise(films.to(torch.uint8), spec), rounds)
            if max(seconds.values()) > _PLAIN * min(seconds.values()):
                break
    speeds = {name: round(n / took, 1) for name, took in seconds.items()}
    return {"precision": min(seconds, key=seconds.__getitem__)} | speeds


def _best_seconds(trial: nn.Module, inputs: torch.Tensor, rounds: int) -> dict[str, float]:
    """Of one step in each format: in turns, the best of each, since other work on the machine must not decide."""
    seconds = {"fp32": _NEVER, "bf16": _NEVER}
    for round_ in range(rounds + 1):
        for name in seconds:
            took = _step_seconds(trial, inputs, name)
            seconds[name] = min(seconds[name], took) if round_ else _NEVER  # the first round warms up
    return seconds


def _step_seconds(model: nn.Module, inputs: torch.Tensor, precision: str) -> float:
    """Infinite on a device without this format."""
    began = time.perf_counter()
    try:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = model(inputs).float().square().mean()
        loss.backward()
        model.zero_grad(set_to_none=True)
        if inputs.device.type == "cuda":
            torch.cuda.synchronize(inputs.device)
    except (RuntimeError, TypeError):
        return _NEVER
    return time.perf_counter() - began
