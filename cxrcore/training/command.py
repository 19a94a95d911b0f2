"""What a command makes of its network besides training it: the size of its films, a probe in its place, its maps."""

import dataclasses
import logging
from pathlib import Path

from cxrcore.config import TrainConfig
from cxrcore.data.pixels.prepared import SIZE_STEP
from cxrcore.errors import CheckpointError
from cxrcore.explain import map_check
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks import timm_names
from cxrcore.networks.architectures import find_architecture
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.prediction import default_device
from cxrcore.store.run_folder import LAST
from cxrcore.training.linear_probe import ProbeTrainer, features_of
from cxrcore.training.train_plan import TrainingPlan
from cxrcore.training.trainer import Settings, Trainer

_LOG = logging.getLogger(__name__)  # scripts print what it says


def sized(config: TrainConfig, given: frozenset[str]) -> TrainConfig:
    """Films of the size that a network of timm was made for, where the command names it and no size."""
    if "img_size" in given or "arch" not in given or not timm_names.is_timm(config.arch):
        return config
    size = timm_names.own_size(config.arch.removeprefix(timm_names.PREFIX))
    if size is None or size % SIZE_STEP:
        return config
    _LOG.info(f"--img_size {size}: as the configuration of {config.arch} says")
    return dataclasses.replace(config, img_size=size)


def probe(plan: TrainingPlan, settings: Settings) -> ProbeTrainer:
    """Of the last layer alone; the pixels are looked at here, and not again before the evaluation."""
    features = features_of(plan.origin.model, plan.origin.spec, plan.data, plan.pixels.folder.name,
                           plan.store.folder / "features", default_device())
    plan.pixels.confirm()
    _LOG.info(f"{features.data.pixels.shape[0]:,} films as {features.data.pixels.shape[-1]:,} features each; the last "
              "layer is trained alone, without augmentation")
    return ProbeTrainer(features, settings)


def restored(trainer: Trainer, last: Checkpoint | None) -> Trainer:
    """The trainer where the checkpoint of its last epoch left it; as it is without one.

    Raises:
        CheckpointError: there is nothing to go on from in it.
    """
    if last is None:
        return trainer
    if not last.training:
        raise CheckpointError(f"{LAST} of this run holds no training state to go on from")
    try:
        trainer.restore(last.state, last.average, last.training)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        raise CheckpointError(f"{LAST} of this run holds no training state that can be gone on from: "
                              f"{' '.join(str(error).split())[:120]}") from None
    _LOG.info(f"going on after epoch {last.epoch}")
    return trainer


def maps_of(path: Path) -> dict[str, str]:
    """What the planted-blob test says of the trained network's maps; nothing of the six."""
    best = checkpoints.load_checkpoint(path)
    if find_architecture(best.architecture).cam_layer:
        return {}
    return {"maps": map_check.kept_check(path.parent, checkpoints.sha256(path), best.model(), best).in_words()}


def drop_training_state(path: Path) -> None:
    """A finished run is not resumed: its last checkpoint keeps the weights only."""
    if path.exists():
        checkpoints.save_checkpoint(path, dataclasses.replace(checkpoints.load_checkpoint(path), training={}))
