"""The trainings that one command stands for: every architecture with every loss and every seed, each with its key."""

import dataclasses
import itertools
import shlex
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cxrcore.config import MAX_SEED, PROJECT_ROOT, TrainConfig, default_store
from cxrcore.errors import RunError
from cxrcore.networks.architectures import ARCHITECTURES, find_architecture, require_known
from cxrcore.networks.timm_hub import is_hub
from cxrcore.store import Store
from cxrcore.store.queued import MOST, QUEUED
from cxrcore.training import train_plan
from cxrcore.training.command import sized

ALL = "all"
_OF_SWEEPS = {"seeds", "devices", "on", "sbatch", "once", "resume", "device"}  # flags that a single training lacks


@dataclass(frozen=True)
class Planned:
    """A training that is to be made.

    Attributes:
        name: of its run.
        key: by which its run is found.
        flags: of scripts/train.py; the device is given to it when it has one.
    """

    name: str
    key: str
    flags: tuple[str, ...]

    def command(self, device: str | None = None, python: str = sys.executable) -> list[str]:
        """What makes it, once."""
        on = ["--device", device] if device else []
        return [python, str(PROJECT_ROOT / "scripts" / "train.py"), *self.flags, "--once", *on]

    def in_shell(self) -> str:
        """The command as a line for a shell."""
        return shlex.join(self.command())


@dataclass
class Training:
    """A planned training and how far it is.

    Attributes:
        output: file of what its processes say.
        state, said: as of `queued.Queued`.
        process: while this sweep runs it, on `device`.
        run_id: '' until it is known.
        asked: when it was last started or asked for, of the monotonic clock.
    """

    plan: Planned
    output: Path
    state: str = QUEUED
    said: str = ""
    process: subprocess.Popen | None = None
    device: str = ""
    run_id: str = ""
    asked: float = 0.0


def is_sweep(config: TrainConfig) -> bool:
    """Whether the flags ask for more than one training, or for a queue."""
    several = config.arch == ALL or "," in config.arch or "," in config.loss or config.seeds > 1
    return several or config.devices is not None or config.on != TrainConfig.on


def planned(config: TrainConfig, given: Collection[str]) -> list[Planned]:
    """All of them, in order; what is wrong for all of them is refused here.

    Args:
        given: names of the flags that were given.

    Raises:
        WorkbenchError: an unknown architecture, a table that cannot be read, no films.
    """
    if config.resume:
        raise RunError("--resume goes on with one run: leave out what stands for several trainings")
    if config.seed + config.seeds - 1 > MAX_SEED:
        raise RunError(f"--seeds {config.seeds} from --seed {config.seed} on goes over the highest seed, {MAX_SEED}")
    losses, seeds = config.loss.split(","), range(config.seed, config.seed + config.seeds)
    archs = architectures(config.arch)
    if (n := len(archs) * len(losses) * len(seeds)) > MOST:
        raise RunError(f"these are {n:,} trainings: at most {MOST:,} are taken at a time")
    store = Store(config.store or default_store())
    films = train_plan.load_films(config)
    found = {}
    for arch, loss, seed in itertools.product(archs, losses, seeds):
        one = dataclasses.replace(config, arch=arch, loss=loss, seed=seed, store=store.key)
        one = sized(one, frozenset(given) | {"arch"})
        one = dataclasses.replace(one, name=_name(config, one))
        made = Planned(str(one.name), train_plan.key_of(one, films), _flags(one, given))
        found.setdefault(made.key, made)
    return list(found.values())


def architectures(text: str) -> list[str]:
    """The names that --arch stands for.

    Raises:
        RunError: one is unknown.
    """
    asked = [one.strip() for one in text.split(",")]
    names = [name for one in asked for name in (ARCHITECTURES if one == ALL else [one])]
    for name in dict.fromkeys(names):
        (find_architecture if is_hub(name) else require_known)(name)
    return list(dict.fromkeys(names))


def _name(config: TrainConfig, one: TrainConfig) -> str:
    own = train_plan.default_name(one)
    return f"{config.name} · {own}" if config.name else own


def _flags(one: TrainConfig, given: Collection[str]) -> tuple[str, ...]:
    """As the command line of this training alone; what was given stays given."""
    said: list[str] = []
    for flag in dataclasses.fields(one):
        value = getattr(one, flag.name)
        if flag.name in _OF_SWEEPS or value is None or (value == flag.default and flag.name not in given):
            continue
        if isinstance(value, bool):
            said += [f"--{flag.name}"] if value else []
        else:
            said += [f"--{flag.name}={value}"]
    return tuple(said)
