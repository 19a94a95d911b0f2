"""What a training will do, worked out before its run exists: films, pixels, starting weights, number format.

Everything that a person can get wrong is refused here, so that a refused command leaves nothing behind.
"""

import dataclasses
import logging
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cxrcore import cli
from cxrcore.config import PROJECT_ROOT, TrainConfig, default_store
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import VERSION, PreparedPixels, check_size
from cxrcore.errors import DataError, RunError
from cxrcore.evaluation import split_parts
from cxrcore.explain import map_check
from cxrcore.networks import timm_hub
from cxrcore.networks.architectures import build, find_architecture
from cxrcore.networks.initial_weights import Start, start
from cxrcore.networks.prediction import default_device, use_device
from cxrcore.settings import TRAINING_KEY, Constants
from cxrcore.store import Store
from cxrcore.training import devices, linear_probe, precision, recipe, training_key
from cxrcore.training.losses import positive_weights
from cxrcore.training.ranks import fitting
from cxrcore.training.ranks.group import group
from cxrcore.training.selection import select_by
from cxrcore.training.training_data import TrainingData

_LOG = logging.getLogger(__name__)  # scripts print what it says

_PACKAGES = ("torch", "torchvision", "timm", "accelerate", "numpy", "pillow", "duckdb")


@dataclass(frozen=True)
class TrainingPlan:
    """A training that can begin.

    Attributes:
        config: with everything settled that the recipe, the device and the architecture decide.
        eval_parts: part -> table rows to evaluate at the end; empty for no evaluation.
        speeds: what choosing the precision measured, or empty.
        lr_rule: how the learning rate came about, in words.
        constants: what the training settles besides the flags.
        maps: what is known of the network's maps before the training, "" of the six.
        key: of what was asked for, by which the run is found again.
        assumed: what the table, its files and its DICOM films did not say themselves, and how it was taken.
    """

    config: TrainConfig
    store: Store
    films: FilmSet
    pixels: PreparedPixels
    data: TrainingData
    eval_parts: dict[str, np.ndarray]
    origin: Start
    speeds: dict[str, Any]
    lr_rule: str
    constants: Constants
    assumed: list[str]
    maps: str
    key: str

    def stored_config(self) -> dict[str, Any]:
        """Flags and what became of them, as kept with the run."""
        flags = {f.name: getattr(self.config, f.name) for f in dataclasses.fields(self.config)
                 if f.metadata.get("stored", True)}
        paths = {key: str(Path(flags[key]).resolve()) for key in ("csv_path", "img_root")}
        return flags | paths | {
            "init": self.origin.init, "mean": list(self.origin.spec.mean), "std": list(self.origin.spec.std),
            "model_options": self.origin.options, "training_corpus": self.corpus, "precision_speeds": self.speeds,
            "start_weights": dict(self.origin.source), "lr_rule": self.lr_rule, "constants": self.constants.record(
                loss=self.config.loss, schedule=self.config.schedule, ema=self.config.ema),
            "selection": select_by(self.data.val_labels, self.constants).words,
            "pixels_version": VERSION, "n_train": len(self.data.train_rows), "n_val": len(self.data.val_rows),
            "device": device_name(), TRAINING_KEY: self.key,
            **fitting.recorded(self.origin.model, self.config.batch_size or 0),
        } | {name: said for name, said in (("maps", self.maps), ("assumed", "; ".join(self.assumed))) if said}

    @property
    def corpus(self) -> str:
        """What the finished weights will have seen."""
        seen = [part for part in self.origin.corpus.split(" + ") if part != "none"]
        return " + ".join(dict.fromkeys([*seen, self.films.name]))


def plan_training(config: TrainConfig, origin: Start | None = None, constants: Constants | None = None,
                  known: Sequence[str] | None = None, films: FilmSet | None = None) -> TrainingPlan:
    """Read, split, prepare, load and time; says what it finds.

    Args:
        origin: where a resumed training goes on; its first weights may be gone by now, or the network.
        constants: of a resumed training, which keeps those that it began with.
        known: the findings of its network.
        films: of `load_films`, where they were read already.

    Raises:
        WorkbenchError: whatever is wrong, in one line.
    """
    entry = find_architecture(config.arch)
    check_size(config.img_size)
    batch_size = _batch_size(config)
    store = Store(config.store or default_store())
    store.runs()  # a store that cannot be read is found now and not after the first epoch
    films = films or load_films(config)
    _require_findings(known, films.table.findings)
    _LOG.info(films.describe())
    key = key_of(config, films)
    if config.freeze:
        config = linear_probe.as_they_are(config)
    origin = origin or _start(config, films.table.findings)
    config = dataclasses.replace(config, arch=origin.architecture or config.arch)  # of the hub: which network it is
    maps = _checked_maps(config, origin)
    train, val = _learnt_from(config, films)
    parts, needed = _needed(config, films, train, val)
    pixels = split_parts.prepare_parts(store, films, needed, config.img_size)
    data = training_data(films, pixels, train, val)
    _notice_positives(config, data, films.table.findings)
    fitting.require_films(origin.model, len(data.train_rows))
    settled, lr_rule = recipe.settled(dataclasses.replace(config, name=config.name or default_name(config)), entry,
                                      origin.init == "random", batch_size, origin.options)
    told = recipe.in_words(settled, lr_rule), fitting.in_words(fitting.recorded(origin.model, batch_size))
    _LOG.info("\n".join(filter(None, told)))
    cli.results_folder(config.results)
    settled, speeds = _settle_precision(settled, origin, batch_size // group().world)
    assumed = split_parts.assumed(films, pixels, needed)
    return TrainingPlan(settled, store, films, pixels, data, parts, origin, speeds, lr_rule, constants or Constants(),
                        assumed, maps, key)


def _batch_size(config: TrainConfig) -> int:
    """Of a step, on the device that is asked for, which has to know the precision."""
    device = use_device(config.device)
    devices.require_format(config.precision, device)
    return fitting.batch_size_for(config, devices.default_batch(device, config.img_size))


def _needed(config: TrainConfig, films: FilmSet, train: np.ndarray, val: np.ndarray
            ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Table rows of the parts to evaluate at the end, and of all whose pixels are needed."""
    parts = {} if config.eval_subset == 0 else split_parts.evaluated_parts(films)
    return parts, {"train": train, "val": val} | {f"eval_{part}": rows for part, rows in split_parts.chosen_rows(
        films, parts, config.eval_subset).items()}


def _require_findings(known: Sequence[str] | None, findings: Sequence[str]) -> None:
    """RunError where a resumed network has other findings than the table."""
    if known is not None and tuple(known) != tuple(findings):
        raise RunError(f"the training to go on with is of {', '.join(known)}, and this table of "
                       f"{', '.join(findings)}: give its own table, read as it was")


def _checked_maps(config: TrainConfig, origin: Start) -> str:
    """What the planted spots say of the network's maps, told with what there is to notice of its weights."""
    maps = map_check.at_start(origin.model, config.arch, origin.spec, config.img_size, origin.init == "random")
    if maps:
        _LOG.info(maps)
    if origin.notice:
        _LOG.warning(f"{origin.notice}")
    return maps


def load_films(config: TrainConfig) -> FilmSet:
    """The table and the split that a training asks for."""
    return film_sets.load_film_set(config.csv_path, config.img_root, config.split, config.split_seed, config.data,
                                   config.policy)


def key_of(config: TrainConfig, films: FilmSet) -> str:
    """The training's key: what was asked for, on these films; see `training_key`."""
    train, val = _learnt_from(config, films)
    return training_key.training_key(config, n_train=len(train), n_val=len(val), dataset_id=films.table.dataset_id,
                                     split_fingerprint=films.split.fingerprint, **fitting.of_the_key())


def _learnt_from(config: TrainConfig, films: FilmSet) -> tuple[np.ndarray, np.ndarray]:
    """Table rows of the films to train on, and of those to validate on."""
    return (films.subset(_some(films, "train"), config.train_subset),
            films.subset(_some(films, "val"), config.val_subset))


def _start(config: TrainConfig, findings: Sequence[str]) -> Start:
    """The network that the training starts from, built with the recipe's dropout and drop path."""
    options = recipe.model_options(config, find_architecture(config.arch))
    if "drop_path_rate" in options and not timm_hub.is_hub(config.arch):
        try:
            with torch.device("meta"):  # its shapes alone
                build(config.arch, config.img_size, len(findings), options)
        except TypeError:
            if config.drop_path is not None:
                raise RunError(f"--drop_path: {config.arch} has no blocks that can be left out") from None
            del options["drop_path_rate"]
        except (RuntimeError, ValueError, AssertionError, NotImplementedError):  # told by `start`, in one line
            pass
    return start(config.arch, config.img_size, findings, config.init, config.seed, options)


def training_data(films: FilmSet, pixels: PreparedPixels, train: np.ndarray, val: np.ndarray) -> TrainingData:
    """Rows of the map and labels of the readable films among these table rows."""

    def of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ids = films.image_ids(rows)
        readable = np.array([i in pixels.row_of for i in ids], bool)
        return pixels.rows(ids[readable]), films.table.labels[rows[readable]]

    return TrainingData(pixels.pixels, *of(train), *of(val))


def _some(films: FilmSet, part: str) -> np.ndarray:
    rows = films.on_disk(part)
    least = 2 if part == "train" else 1
    if len(rows) < least:
        raise DataError(f"{len(rows)} {part} films of split {films.split.scheme} are on disk, at least {least} are "
                        f"needed: {len(films.paths)} of {len(films.table.images)} films were found")
    return rows


def _notice_positives(config: TrainConfig, data: TrainingData, findings: Sequence[str]) -> None:
    none = positive_weights(data.train_labels)[1]
    without = [finding for finding, lacks in zip(findings, none, strict=True) if lacks]
    if without and config.loss == "pos_weight":
        _LOG.warning(f"no positives among the training films, so weight 1: {', '.join(without)}")


def default_name(config: TrainConfig) -> str:
    """What a run is called where nobody says: architecture, loss and seed."""
    loss = [config.loss] if config.loss != "bce" else []
    return " · ".join([find_architecture(config.arch).label, *loss, f"seed {config.seed}"])


def _settle_precision(config: TrainConfig, origin: Start, batch_size: int) -> tuple[TrainConfig, dict[str, Any]]:
    if config.freeze and config.precision == "auto":
        return dataclasses.replace(config, precision="fp32"), {}
    if config.precision != "auto":
        return config, {}
    device = default_device()
    with devices.memory_in_one_line(batch_size, config.accumulate, config.precision, device):
        chosen = precision.choose(origin.model, origin.spec, config.img_size, batch_size, device)
    speeds = ", ".join(f"{name} {speed} images/s" for name, speed in chosen.items() if name != "precision")
    _LOG.info(f"precision {chosen['precision']}: {speeds}")
    return dataclasses.replace(config, precision=chosen["precision"]), chosen


def device_name() -> str:
    """The accelerator's name, or the processor's; of several processes with how many they are."""
    device, n = default_device(), group().world
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} ({_processor()})"
    return name if n == 1 else f"{n} x {name}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of Python and the packages that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def git_commit() -> str | None:
    """The project's commit, with '+' for uncommitted changes; None outside a checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(PROJECT_ROOT), *arguments], capture_output=True, text=True,
                              check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
