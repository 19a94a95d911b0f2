"""What a training does with the device that it runs on: films at a time, number format, films in its memory.

Nothing in a training step waits for the device; see `LossWatch` for the one number that is looked at meanwhile.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import nn

from cxrcore.errors import DeviceMemoryError, RunError
from cxrcore.networks.prediction import full_precision
from cxrcore.training.training_data import TrainingData

_ON_A_CPU, _MOST = 32, 256  # films at a time
_BYTES_A_FILM = 2**28  # of 224 px, with what a network keeps for its gradient: 8 GiB for 32
_USUAL_SIDE = 224
_MAP_SHARE = 0.4  # of the free memory that the films may take


def default_batch(device: torch.device, image_size: int) -> int:
    """Films at a time where none were asked for: 32, or the power of two up to 256 that a GPU's memory suits."""
    if device.type != "cuda":
        return _ON_A_CPU
    films = torch.cuda.get_device_properties(device).total_memory / (_BYTES_A_FILM * (image_size / _USUAL_SIDE) ** 2)
    return min(_MOST, max(_ON_A_CPU, 2 ** math.floor(math.log2(max(films, 1) * 1.1))))  # cards have a little less


def formats(device: torch.device) -> tuple[str, ...]:
    """The number formats that can be tried on a device, most precise first."""
    return ("fp32", "tf32", "bf16") if device.type == "cuda" else ("fp32", "bf16")


def require_format(precision: str, device: torch.device) -> None:
    """Raises RunError for a format that the device lacks."""
    if precision == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise RunError(f"--precision tf32 needs an NVIDIA GPU of the Ampere generation or newer, not {device.type}: "
                       "take fp32 or bf16")


@contextlib.contextmanager
def number_format(precision: str, device: torch.device) -> Generator[None]:
    """Inside, fp32 products are rounded to TF32 for 'tf32' and for no other; cuDNN keeps its fastest kernels.

    The settings are the process's own and are brought back.
    """
    if precision != "tf32":
        with full_precision(), _fastest_kernels(device):
            yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        with _fastest_kernels(device):
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def forward_format(precision: str, device: torch.device) -> torch.autocast:
    """For a forward pass: bf16 where it was chosen."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


@contextlib.contextmanager
def _fastest_kernels(device: torch.device) -> Generator[None]:
    """Inside, cuDNN tries its kernels once for each shape and keeps the fastest."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def compiled(model: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network's forward pass by torch.compile, which begins its work at the first batch.

    Raises:
        RunError: at that batch, where it cannot, as without a C++ compiler.
    """
    faster = torch.compile(model)

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        try:
            return faster(inputs)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            said = " ".join(str(error).split())[:160]
        raise RunError(f"--compile does not work here ({said}): leave it out")

    return forward


def with_films(data: TrainingData, device: torch.device) -> TrainingData:
    """The films in the GPU's memory where they fit beside the training, so that no step waits for the disk."""
    if device.type != "cuda" or isinstance(data.pixels, torch.Tensor):
        return data
    rows = np.unique(np.concatenate([data.train_rows, data.val_rows]))
    need = len(rows) * int(np.prod(data.pixels.shape[1:]))
    free, _ = torch.cuda.mem_get_info(device)
    return in_memory(data, device) if need <= _MAP_SHARE * free else data


def in_memory(data: TrainingData, device: torch.device, at_once: int = 1024) -> TrainingData:
    """The same data with its films, and no others of the map, as a tensor on the device.

    Args:
        at_once: films that are copied in one piece.
    """
    rows = np.unique(np.concatenate([data.train_rows, data.val_rows]))
    films = torch.empty((len(rows), *data.pixels.shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(rows), at_once):
        films[start:start + at_once] = torch.from_numpy(np.asarray(data.pixels[rows[start:start + at_once]]))
    return dataclasses.replace(data, pixels=films, train_rows=np.searchsorted(rows, data.train_rows),
                               val_rows=np.searchsorted(rows, data.val_rows))


class LossWatch:
    """Whether a running loss is still a number, looked at every 20 steps.

    On a GPU the number is copied while the device works on, and read at the look after: 40 steps at most.
    """

    EVERY = 20

    def __init__(self, device: torch.device):
        self._copied = torch.zeros((), pin_memory=True) if device.type == "cuda" else None
        self._event = torch.cuda.Event() if device.type == "cuda" else None

    def is_lost(self, total: torch.Tensor, step: int) -> bool:
        """Told the running sum of the losses after each step, counted from 1."""
        if step % self.EVERY:
            return False
        if self._copied is None or self._event is None:
            return not math.isfinite(float(total))
        lost = step > self.EVERY and self._event.query() and not math.isfinite(self._copied.item())
        self._copied.copy_(total, non_blocking=True)
        self._event.record()
        return lost


def out_of_memory(error: BaseException) -> bool:
    """Whether torch says that memory is used up."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error))


@contextlib.contextmanager
def memory_in_one_line(batch_size: int, accumulate: int, precision: str, device: torch.device) -> Generator[None]:
    """Raises DeviceMemoryError with what to do where the device's memory does not hold a training."""
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    else:
        return
    # Raised out here: until the first error is forgotten, its frames keep the memory.
    less = max(2, batch_size // 2)
    ways = [f"--batch_size {less} --accumulate {accumulate * max(1, batch_size // less)} (the same step in parts)",
            "a smaller --img_size", *(["--precision bf16"] if precision != "bf16" else [])]
    raise DeviceMemoryError(f"out of memory on {device} with {batch_size} films at a time: try {', '.join(ways)}")
