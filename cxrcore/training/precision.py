"""Which number format trains faster on this device: measured once on the network itself, not guessed."""

import copy
import time
from collections.abc import Sequence

import torch
from torch import nn

from cxrcore.errors import RunError
from cxrcore.networks.batches import InputSpec, normalise
from cxrcore.training.devices import formats, forward_format, number_format, out_of_memory, require_format

_GLANCE = 2  # films, for one round
_ROUNDS = 3  # with the films of a real step
_LONG = 20.0  # seconds after which no further round is begun: VGG16 takes half a minute a step on a laptop
_PLAIN = 3.0  # times as fast: a glance decides, and a format that the processor lacks is not tried for a minute
_NEVER = float("inf")


def choose(model: nn.Module, spec: InputSpec, image_size: int, batch_size: int, device: torch.device) -> dict:
    """Time forward and backward of a real batch in each format that the device has, on a copy of the network.

    Returns:
        {"precision": the fastest, and for each format its images/s; 0 for one that does not work here}. The network
        and the generators stay untouched.

    Raises:
        RuntimeError: the batch does not fit into the device's memory in any format.
    """
    names = formats(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trial = copy.deepcopy(model).to(device).train()
        for n, rounds in ((_GLANCE, 1), (batch_size, _ROUNDS)):
            films = torch.randint(0, 256, (n, 1, image_size, image_size), device=device)
            seconds = _best_seconds(trial, normalise(films.to(torch.uint8), spec), names, rounds)
            if max(seconds.values()) > _PLAIN * min(seconds.values()) and device.type != "cuda":
                break
    speeds = {name: round(n / took, 1) for name, took in seconds.items()}
    return {"precision": min(seconds, key=seconds.__getitem__)} | speeds


def _best_seconds(trial: nn.Module, inputs: torch.Tensor, names: Sequence[str], rounds: int) -> dict[str, float]:
    """Of one step in each format: in turns, the best of each, since other work on the machine must not decide."""
    seconds, errors, began = dict.fromkeys(names, _NEVER), [], time.perf_counter()
    for round_ in range(rounds + 1):
        for name in names:
            took = _step_seconds(trial, inputs, name, errors)
            seconds[name] = min(seconds[name], took) if round_ > 1 else took  # the first round warms up
        if time.perf_counter() - began > _LONG:  # which of so long steps is a small part
            break
    if min(seconds.values()) == _NEVER:
        raise errors[-1]
    return seconds


def _step_seconds(model: nn.Module, inputs: torch.Tensor, precision: str, errors: list[BaseException]) -> float:
    """Infinite on a device without this format, or with too little memory for it; `errors` gets why."""
    began = time.perf_counter()
    try:
        require_format(precision, inputs.device)
        with number_format(precision, inputs.device):
            with forward_format(precision, inputs.device):
                loss = model(inputs).float().square().mean()
            loss.backward()
        model.zero_grad(set_to_none=True)
        if inputs.device.type == "cuda":
            torch.cuda.synchronize(inputs.device)
    except (RuntimeError, TypeError, RunError) as error:
        model.zero_grad(set_to_none=True)
        errors.append(error.with_traceback(None) if out_of_memory(error) else error)
        return _NEVER
    return time.perf_counter() - began
