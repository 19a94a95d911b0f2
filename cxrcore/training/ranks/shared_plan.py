"""What the first process tells the others of a training, and what they make of it: network, settings and films.

They read no table and no store. The prepared pixels and, of a resumed training, its last checkpoint are opened under
the path that the first process names, so several machines need the store's folder in the same place.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cxrcore.data.pixels.prepared import open_prepared
from cxrcore.errors import DataError, RunError
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import build
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.prediction import default_device, use_device
from cxrcore.settings import Constants
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.ranks.group import Group
from cxrcore.training.train_plan import TrainingPlan
from cxrcore.training.trainer import Settings
from cxrcore.training.training_data import TrainingData

_NAME = "plan"
_ARRAYS = {"train_rows": torch.int64, "train_labels": torch.float32, "val_rows": torch.int64,
           "val_labels": torch.float32}


@dataclass(frozen=True)
class SharedPlan:
    """A training as a process needs it that only trains along.

    Attributes:
        last: the checkpoint to go on from; None at the beginning.
    """

    model: nn.Module
    spec: InputSpec
    data: TrainingData
    settings: Settings
    last: Checkpoint | None


def share(group: Group, plan: TrainingPlan, settings: Settings, last: Path | None) -> None:
    """Tell the other processes, and connect with them; of one process nothing is done.

    Args:
        last: the checkpoint to go on from.
    """
    if group.world == 1:
        return
    config, spec, arrays = plan.config, plan.origin.spec, _tensors(plan.data)
    group.tell(_NAME, {
        "settings": asdict(settings), "arch": config.arch, "img_size": config.img_size,
        "findings": len(plan.films.table.findings), "options": plan.origin.options, "mean": list(spec.mean),
        "std": list(spec.std), "pixels": str(plan.pixels.folder.resolve()), "last": str(last.resolve()) if last else "",
        "shapes": {name: list(value.shape) for name, value in arrays.items()}})
    device = default_device()
    group.connect(device)
    for value in arrays.values():
        group.from_first(value.to(device))


def shared_plan(group: Group) -> SharedPlan:
    """What the first process tells, waited for.

    Raises:
        Over: the training ended before.
        RunError: the store's folder does not lie here.
        CheckpointError: as `checkpoint.load_checkpoint`.
    """
    told = group.told(_NAME)
    device = use_device(group.device)
    try:
        pixels = open_prepared(Path(told["pixels"])).pixels
    except DataError:
        raise RunError(f"there are no prepared pixels in {told['pixels']}: each machine needs the store's folder under "
                       "the same path") from None
    model = build(told["arch"], told["img_size"], told["findings"], told["options"])
    last = checkpoints.load_checkpoint(Path(told["last"])) if told["last"] else None
    group.connect(device)
    arrays = {}
    for name, kind in _ARRAYS.items():
        arrays[name] = group.from_first(torch.empty(told["shapes"][name], dtype=kind, device=device)).cpu().numpy()
    return SharedPlan(model, InputSpec(tuple(told["mean"]), tuple(told["std"])), TrainingData(pixels, **arrays),
                      _settings(told["settings"]), last)


def _tensors(data: TrainingData) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(getattr(data, name))).to(kind)
            for name, kind in _ARRAYS.items()}


def _settings(told: Mapping[str, Any]) -> Settings:
    plain = {name: value for name, value in told.items() if name not in ("augmentation", "constants")}
    return Settings(**plain, augmentation=Augmentation(**told["augmentation"]),
                    constants=Constants(**told["constants"]))
