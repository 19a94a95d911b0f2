"""Scores of a network over prepared films: fp32 (TF32 off), whatever the training precision was."""

import contextlib
import threading
from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import nn

from cxrcore.networks.batches import InputSpec, batches, normalise


def default_device() -> torch.device:
    """The accelerator of this machine, or its CPU."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator if accelerator is not None else torch.device("cpu")


_PRECISION = threading.Lock()
_inside: list[tuple[str, bool]] = []  # the settings before, once for each that is inside


@contextlib.contextmanager
def full_precision() -> Generator[None]:
    """fp32 products without TF32, so that scores do not depend on the card.

    The settings are the process's: the first that enters changes them, the last that leaves brings them back.
    """
    with _PRECISION:
        before = _inside[0] if _inside else (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32)
        _inside.append(before)
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        with _PRECISION:
            _inside.pop()
            if not _inside:
                torch.set_float32_matmul_precision(before[0])
                torch.backends.cudnn.allow_tf32 = before[1]


def predict_logits(
    model: nn.Module,
    spec: InputSpec,
    pixels: np.ndarray,
    rows: np.ndarray,
    batch_size: int,
    device: torch.device,
    on_batch: Callable[[int], None] = lambda n: None,
) -> torch.Tensor:
    """Logits of rows of the map, in their order: float32 (n, k) on the CPU.

    Args:
        model: on the device; put into evaluation mode.
        on_batch: told the number of films after each batch.
    """
    model.eval()
    parts = []
    with torch.inference_mode():
        for films, _ in batches(pixels, rows, None, batch_size, device):
            parts.append(model(normalise(films, spec)).float().cpu())
            on_batch(len(films))
    return torch.cat(parts) if parts else torch.empty((0, 0))


def predict(
    model: nn.Module,
    spec: InputSpec,
    pixels: np.ndarray,
    rows: np.ndarray,
    batch_size: int = 64,
    on_batch: Callable[[int], None] = lambda n: None,
) -> np.ndarray:
    """Scores (probabilities) of rows of the map: float32 (n, k) in [0, 1]."""
    device = default_device()
    with full_precision():
        logits = predict_logits(model.to(device), spec, pixels, rows, batch_size, device, on_batch)
    return torch.sigmoid(logits).numpy()
