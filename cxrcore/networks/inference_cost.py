"""What one film costs a network: multiplications, and milliseconds on this machine."""

import contextlib
import statistics
import time
from collections.abc import Generator

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from cxrcore.networks.prediction import full_precision

WARM_UPS, REPEATS = 3, 15


def inference_cost(model: nn.Module, image_size: int, device: torch.device) -> dict[str, float]:
    """The cost of scoring one film, in fp32 and a batch of one.

    Args:
        model: takes (B, 3, S, S); is put on the device and into evaluation mode.
        image_size: S.

    Returns:
        gmacs: thousand million multiply-adds, half of what PyTorch counts as operations.
        milliseconds_per_film: the median of several passes on this device, without reading the file.
    """
    model = model.to(device).eval()
    film = torch.zeros(1, 3, image_size, image_size, device=device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), full_precision():
        with _without_gradients(model), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
            model(film)  # fused attention would not be counted
        times = [_seconds(model, film) for _ in range(WARM_UPS + REPEATS)][WARM_UPS:]
    return {"gmacs": counted.get_total_flops() / 2e9, "milliseconds_per_film": 1000 * statistics.median(times)}


@contextlib.contextmanager
def _without_gradients(model: nn.Module) -> Generator[None]:
    """The counter takes fright at weights that a network hands from module to module, unless they take no gradients."""
    taking = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in taking:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in taking:
            parameter.requires_grad_(True)


def _seconds(model: nn.Module, film: torch.Tensor) -> float:
    began = time.perf_counter()
    model(film)
    if film.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - began

