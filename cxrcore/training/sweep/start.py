"""What scripts/train.py does: one training, or several by a queue here or by Slurm."""

import dataclasses
import logging
import os
from collections.abc import Collection

from cxrcore.config import TrainConfig
from cxrcore.errors import UsageError
from cxrcore.evaluation import hand_in
from cxrcore.training import train_run
from cxrcore.training.command import sized
from cxrcore.training.ranks.follow import follow
from cxrcore.training.ranks.launch import launch_of
from cxrcore.training.ranks.meeting import joined
from cxrcore.training.sweep import local_queue, once, slurm
from cxrcore.training.sweep.planned import is_sweep, planned

_LOG = logging.getLogger(__name__)  # scripts print what it says


def train(config: TrainConfig, given: frozenset[str] = frozenset()) -> None:
    """Train what the flags ask for.

    Args:
        given: names of the flags that were given.

    Raises:
        WorkbenchError: one line that says what is wrong; of several trainings, which failed.
    """
    if config.sbatch is not None and config.on != "slurm":
        raise UsageError("--sbatch says what sbatch is told: it needs --on slurm")
    launch = launch_of(os.environ)
    if not is_sweep(config):
        with joined(launch, config.device) as group:
            if not group.leads:
                follow(group)
            elif group.world > 1:  # also of a resumed run, whose other flags are stored
                _train_one(dataclasses.replace(config, device=group.device), given | {"device"})
            else:
                _train_one(config, given)
        return
    if launch.world > 1:
        raise UsageError("several trainings are started one by one, by one process: leave out torchrun")
    if config.on == "slurm":
        _refuse(config, given, {"devices", "device"}, "which device a job gets, Slurm decides: leave out")
        slurm.require()
        slurm.submit(hand_in.opened(config.store), planned(config, given), config.sbatch)
        return
    _refuse(config, given, {"device"} if config.devices else set(), "--devices names them all: leave out")
    devices = local_queue.devices(config.devices or config.device)
    local_queue.run(hand_in.opened(config.store), planned(config, given), devices)


def _train_one(config: TrainConfig, given: frozenset[str]) -> None:
    if config.once and not config.resume:
        once.train_once(sized(config, given), given)
    else:
        train_run.train(config, given)


def _refuse(config: TrainConfig, given: Collection[str], names: Collection[str], why: str) -> None:
    unset = {one.name: one.default for one in dataclasses.fields(config)}
    if said := sorted(name for name in names if name in given or getattr(config, name) != unset[name]):
        raise UsageError(f"{why} --{', --'.join(said)}")
