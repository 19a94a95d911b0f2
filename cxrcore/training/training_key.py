"""The key of a training: what was asked for, before anything of it is worked out. By it a sweep finds its runs."""

import dataclasses
from pathlib import Path
from typing import Any

from cxrcore.config import TrainConfig
from cxrcore.data.pixels.prepared import VERSION
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.architectures import find_architecture
from cxrcore.settings import Constants, settings_key
from cxrcore.training.recipe import recipe_of


def training_key(config: TrainConfig, **films: Any) -> str:
    """A hash that tells trainings apart, the seed among it; equal ones are the same training.

    Unlike the stored settings of a run it can be told before the network is built and the precision is timed: what a
    flag leaves to the recipe stands for the recipe's line, and 'auto' for itself. Another recipe, another procedure and
    another way from a file to pixels make other trainings. Where things lie and what the run is called do not count.

    Args:
        films: what the labels, the split and the films on disk are.
    """
    asked = {one.name: getattr(config, one.name) for one in dataclasses.fields(config)
             if one.metadata.get("stored", True)}
    decided = {"recipe": dataclasses.asdict(recipe_of(find_architecture(config.arch))), "pixels_version": VERSION,
               "constants": Constants().record(loss=config.loss, schedule=config.schedule, ema=config.ema)}
    start = Path(config.init)
    file = {"start_weights": {"file_sha256": checkpoints.sha256(start)}} if start.is_file() else {}
    return settings_key(asked | decided | films | file, with_seed=True)
