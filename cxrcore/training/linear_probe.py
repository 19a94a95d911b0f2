"""`--freeze`: the last layer of a network trained alone, on what the rest makes of each film once.

The features of a film never change, so they are computed once, without augmentation, and kept beside the store: another
training of the same weights on the same films begins at once. They then take the place of the films: to `Trainer`, a
film's features are a picture of one row.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import CheckpointError, DiskFullError, RunError
from cxrcore.interrupts import raise_again
from cxrcore.networks.batches import InputSpec, batches, normalise
from cxrcore.networks.checkpoint import head_prefixes
from cxrcore.networks.classifier import classifiers, features_before, joined, require_linear, with_weights
from cxrcore.networks.prediction import full_precision
from cxrcore.training.trainer import Settings, Trainer, TrainingData

AS_THEY_ARE = InputSpec((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))  # what leaves numbers as they are
KEPT = 4  # files of features
_BATCH = 64


class Head(nn.Module):
    """A linear layer on features that come as pictures (B, 3, 1, D), all channels alike."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (B, k)."""
        return nn.functional.linear(features[:, 0, 0], self.weight, self.bias)


@dataclass(frozen=True)
class Features:
    """What a network makes of the films of a training.

    Attributes:
        model: the network, whose last layer gets the trained weights in the end.
        data: features (N, 1, D), float32, in place of pixels.
    """

    model: nn.Module
    data: TrainingData


def features_of(model: nn.Module, spec: InputSpec, data: TrainingData, source: str, folder: Path, device: torch.device
                ) -> Features:
    """Compute the features of all films of a training, or read those that are kept.

    Args:
        source: what the pixels are, for telling kept features apart.
        folder: of kept features.

    Raises:
        RunError: the network's logits are not one linear layer on features.
        DiskFullError: they cannot be kept.
    """
    model = model.to(device).eval()
    rows = np.concatenate([data.train_rows, data.val_rows])
    try:
        if any(layer.bias is None for layer in classifiers(model)):
            raise CheckpointError("its last layer has no bias")
        path = folder / f"{_key(model, spec, source, rows)}.npy"
        held = _kept(path, len(rows))
        if held is None:
            held = _computed(model, spec, data.pixels, rows, path, device)
    except CheckpointError as error:
        raise RunError(f"--freeze: {error}, so it cannot be trained alone") from None
    n = len(data.train_rows)
    return Features(model, TrainingData(held, np.arange(n), data.train_labels, np.arange(n, len(rows)),
                                        data.val_labels))


def _key(model: nn.Module, spec: InputSpec, source: str, rows: np.ndarray) -> str:
    """Of the weights without the last layer, the normalisation, and the films in their order."""
    digest = hashlib.sha256(json.dumps([source, asdict(spec), type(model).__name__]).encode())
    digest.update(np.ascontiguousarray(rows, np.int64).tobytes())
    heads = head_prefixes(model)
    for name, value in model.state_dict().items():
        if not name.startswith(heads):
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def _kept(path: Path, n: int) -> np.ndarray | None:
    try:
        held = np.load(path, mmap_mode="r", allow_pickle=False)
        path.touch()
    except (OSError, ValueError, EOFError):
        return None
    return held if held.dtype == np.float32 and held.ndim == 3 and held.shape[:2] == (n, 1) else None


def _computed(model: nn.Module, spec: InputSpec, pixels: np.ndarray, rows: np.ndarray, path: Path, device: torch.device
              ) -> np.ndarray:
    parts = []
    with torch.inference_mode(), full_precision(), tqdm(total=len(rows), unit=" films", desc="Features") as bar:
        for films, _ in batches(pixels, rows, None, _BATCH, device):
            raise_again()
            features, logits = features_before(model, normalise(films, spec))
            if not parts:
                require_linear(model, features, logits)
            parts.append(features.float().cpu().numpy())
            bar.update(len(films))
    made = np.concatenate(parts)[:, None]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            np.save(partial, made)
        for old in sorted(path.parent.glob("*.npy"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise DiskFullError(f"the features of {len(rows):,} films ({made.nbytes / 1e6:.0f} MB) cannot be kept in "
                            f"{path.parent}: {error.strerror}") from None
    return made


class ProbeTrainer(Trainer):
    """Trains a last layer on features; its weights are the whole network's."""

    def __init__(self, features: Features, settings: Settings) -> None:
        self._whole = features.model.cpu()
        super().__init__(Head(*joined(classifiers(self._whole))), AS_THEY_ARE, features.data, settings)

    def weights(self) -> dict[str, torch.Tensor]:
        """The network's state with the last layer as it is now, on the CPU."""
        return self._with(super().weights())

    def restore(self, weights: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """As `Trainer.restore`, from the weights of the whole network."""
        self._whole.load_state_dict(weights)
        weight, bias = joined(classifiers(self._whole))
        super().restore({"weight": weight, "bias": bias}, state)

    def _with(self, head: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        with_weights(self._whole, head["weight"], head["bias"])
        return {key: value.detach().contiguous() for key, value in self._whole.state_dict().items()}
