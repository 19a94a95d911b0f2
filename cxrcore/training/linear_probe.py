"""`--freeze`: the last layer of a network trained alone, on what the rest makes of each film once.

The features of a film never change, so they are computed once, without augmentation, and kept beside the store: another
training of the same weights on the same films begins at once. They then take the place of the films: to `Trainer`, a
film's features are a picture of one row.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from cxrcore.config import TrainConfig
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import CheckpointError, DiskFullError, RunError
from cxrcore.interrupts import raise_again
from cxrcore.networks.batches import InputSpec, batches, normalise
from cxrcore.networks.checkpoint import head_prefixes
from cxrcore.networks.classifier import classifiers, features_before, joined, require_linear, with_weights
from cxrcore.networks.prediction import full_precision
from cxrcore.training.trainer import Settings, Trainer
from cxrcore.training.training_data import TrainingData

AS_THEY_ARE = InputSpec((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))  # what leaves numbers as they are
KEPT = 4  # files of features
_BATCH = 64


def as_they_are(config: TrainConfig) -> TrainConfig:
    """The flags of a training whose films are looked at once: without augmentation, and all of it one layer."""
    return replace(config, crop=1.0, tone=0.0, rotation=0.0, shift=0.0, flip=False, layer_decay=1.0, compile=False)


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
    return Features(model, TrainingData(held.to(device), np.arange(n), data.train_labels, np.arange(n, len(rows)),
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


def _kept(path: Path, n: int) -> torch.Tensor | None:
    try:
        held = np.load(path, mmap_mode="r", allow_pickle=False)
        path.touch()
    except (OSError, ValueError, EOFError):
        return None
    fits = held.dtype == np.float32 and held.ndim == 3 and held.shape[:2] == (n, 1)
    return torch.from_numpy(np.array(held)) if fits else None


def _computed(model: nn.Module, spec: InputSpec, pixels: np.ndarray | torch.Tensor, rows: np.ndarray, path: Path,
              device: torch.device) -> torch.Tensor:
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
    return torch.from_numpy(made)


class ProbeTrainer(Trainer):
    """Trains a last layer on features; its weights are the whole network's."""

    def __init__(self, features: Features, settings: Settings) -> None:
        self._whole = features.model.cpu()
        super().__init__(Head(*joined(classifiers(self._whole))), AS_THEY_ARE, features.data, settings)

    def weights(self) -> dict[str, torch.Tensor]:
        """The network's state with the last layer as it is now, on the CPU."""
        return self._with(super().weights())

    def averaged(self) -> dict[str, torch.Tensor]:
        """The same of the averaged last layer; empty where none is kept."""
        head = super().averaged()
        return self._with(head) if head else {}

    def restore(self, weights: Mapping[str, torch.Tensor], averaged: Mapping[str, torch.Tensor],
                state: Mapping[str, Any]) -> None:
        """As `Trainer.restore`, from the weights of the whole network."""
        super().restore(self._head_of(weights), self._head_of(averaged) if averaged else {}, state)

    def _head_of(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self._whole.load_state_dict(weights)
        return dict(zip(("weight", "bias"), joined(classifiers(self._whole)), strict=True))

    def _with(self, head: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        with_weights(self._whole, head["weight"], head["bias"])
        return {key: value.detach().clone().contiguous() for key, value in self._whole.state_dict().items()}
