"""Scores of a network over prepared films: fp32 (TF32 off), whatever the training precision was."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable

import numpy as np
import torch
from torch import nn

from cxrcore.errors import RunError
from cxrcore.networks.batches import InputSpec, Pixels, batches, normalise
from cxrcore.networks.views import views_of

_asked: list[torch.device] = []  # the process's, where one was asked for


def default_device() -> torch.device:
    """The device that was asked for with `use_device`, else the accelerator of this machine, or its CPU."""
    if _asked:
        return _asked[0]
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator if accelerator is not None else torch.device("cpu")


def use_device(name: str | None) -> torch.device:
    """Let this process's networks run on a device: 'cpu', 'cuda', 'cuda:1', 'mps'; None for the machine's own choice.

    Raises:
        RunError: there is no such device.
    """
    _asked.clear()
    if name is None:
        return default_device()
    require_device(name)
    device = torch.device(name)
    if device.type == "cuda":
        if device.index is not None:
            torch.cuda.set_device(device)
        device = torch.device("cuda", torch.cuda.current_device())
    _asked.append(device)
    return device


def require_device(name: str) -> None:
    """Raises RunError where this machine has no device of this name; starts none."""
    there = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count())),
             *(["mps"] if torch.backends.mps.is_available() else [])]
    if name.partition(":")[0] not in {one.partition(":")[0] for one in there} or (":" in name and name not in there):
        raise RunError(f"--device {name[:40]} does not exist: this machine has {', '.join(there)}")


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
    pixels: Pixels,
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
            parts.append(model(normalise(films, spec)).float())  # stays there: a copy would wait for the device
            on_batch(len(films))
    return torch.cat(parts).cpu() if parts else torch.empty((0, 0))


def predict(
    model: nn.Module,
    spec: InputSpec,
    pixels: np.ndarray,
    rows: np.ndarray,
    batch_size: int = 64,
    on_batch: Callable[[int], None] = lambda n: None,
    views: int = 1,
) -> np.ndarray:
    """Scores (probabilities) of rows of the map: float32 (n, k) in [0, 1].

    Args:
        views: of each film, whose scores are averaged; 1 for the film alone.
    """
    device = default_device()
    model = model.to(device)
    with full_precision():
        if views == 1:
            return torch.sigmoid(predict_logits(model, spec, pixels, rows, batch_size, device, on_batch)).numpy()
        return _mean_scores(model, spec, batches(pixels, rows, None, batch_size, device), on_batch, views).numpy()


def _mean_scores(model: nn.Module, spec: InputSpec, feed: Iterable[tuple[torch.Tensor, None]],
                 on_batch: Callable[[int], None], views: int) -> torch.Tensor:
    model.eval()
    parts = []
    with torch.inference_mode():
        for films, _ in feed:
            scores = [torch.sigmoid(model(normalise(view, spec)).float()) for view in views_of(films, views)]
            parts.append(torch.stack(scores).mean(0))
            on_batch(len(films))
    return torch.cat(parts).cpu() if parts else torch.empty((0, 0))
