"""What one film costs a network: multiplications, and milliseconds on this machine."""

import statistics
import time

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
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:  # fused attention is not counted
            model(film)
        times = [_seconds(model, film) for _ in range(WARM_UPS + REPEATS)][WARM_UPS:]
    return {"gmacs": counted.get_total_flops() / 2e9, "milliseconds_per_film": 1000 * statistics.median(times)}


def _seconds(model: nn.Module, film: torch.Tensor) -> float:
    began = time.perf_counter()
    model(film)
    if film.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - began

