"""What several processes ask of a training, and what is kept of them with its run."""

from typing import Any

from torch import nn

from cxrcore.config import TrainConfig
from cxrcore.errors import RunError
from cxrcore.networks.prediction import default_device
from cxrcore.training.ranks.group import group
from cxrcore.training.ranks.network import has_batch_norm

_WHOLE = "whole batches"
OWN_STATISTICS, TOGETHER = "batch_statistics", "sync_batch_norm"  # names in a stored config


def batch_size_for(config: TrainConfig, usual: int) -> int:
    """Films of a batch, of all processes together.

    Args:
        usual: where none were asked for.

    Raises:
        RunError: the processes cannot share what was asked for.
    """
    world = group().world
    if world == 1:
        return config.batch_size or usual
    if config.freeze:
        raise RunError("--freeze trains one layer on features that are kept: start one process")
    if config.batch_size is None:
        return max(2 * world, usual - usual % world)
    if config.batch_size % world or config.batch_size < 2 * world:
        raise RunError(f"--batch_size {config.batch_size} is of all {world} processes together: give a multiple of "
                       f"{world}, of two films each or more")
    return config.batch_size


def least_films(model: nn.Module) -> int:
    """Of a last batch that is trained on: with batch normalisation, each process needs two."""
    return 2 * group().world if has_batch_norm(model) else 2


def require_films(model: nn.Module, n: int) -> None:
    """Raises RunError where there are too few training films for so many processes."""
    if n < least_films(model):
        raise RunError(f"{n} training films are too few for {group().world} processes with batch normalisation")


def recorded(model: nn.Module, batch_size: int) -> dict[str, Any]:
    """How many processes made a training, their films of each batch, and how batch normalisation went by them.

    How many they are decides nothing about the result (see `settings`), but for one case, which is kept under a name of
    its own: on CPUs each process normalises by its own films, which is the training of a smaller batch.
    """
    world = group().world
    kept: dict[str, Any] = {"processes": world, "films_per_process": batch_size // world}
    if world > 1 and has_batch_norm(model):
        on_gpu = default_device().type == "cuda"
        kept |= {TOGETHER: True} if on_gpu else {OWN_STATISTICS: f"of each process's {batch_size // world} films"}
    return kept


def in_words(recorded: dict[str, Any]) -> str:
    """One line for people; '' of one process."""
    if recorded["processes"] == 1:
        return ""
    norm = ""
    if TOGETHER in recorded:
        norm = "; batch normalisation goes by whole batches (SyncBatchNorm)"
    if OWN_STATISTICS in recorded:
        norm = (f"; batch normalisation goes {recorded[OWN_STATISTICS].replace('of', 'by', 1)}, since PyTorch has no "
                "SyncBatchNorm for CPUs: another training than by one process")
    return f"{recorded['processes']} processes, {recorded['films_per_process']} films each of a batch{norm}"


def changes(before: dict[str, Any], now: dict[str, Any], epoch: int) -> dict[str, Any]:
    """What is kept of a resumed run whose processes are others than before; nothing where they are as they were.

    Args:
        before: the stored config.
        now: as `recorded`.
        epoch: after which it goes on.
    """
    n = before.get("processes", 1)
    if n == now["processes"]:
        return {}
    said = [before.get("processes_changed"), f"{n} to {now['processes']} after epoch {epoch}"]
    kept = now | {"processes_changed": "; ".join(str(one) for one in said if one)}
    own, other = before.get(OWN_STATISTICS, ""), now.get(OWN_STATISTICS, "")
    if own or other:
        kept[OWN_STATISTICS] = f"{own or _WHOLE}; {other or _WHOLE} after epoch {epoch}" if epoch else other
    return kept


def of_the_key() -> dict[str, Any]:
    """What of the processes tells a training's key apart, before its network is built.

    On GPUs nothing: the training is the same by any number of them. On CPUs it is not with batch normalisation, and
    whether the network has any is not known yet: better two equal trainings held apart than others taken for one.
    """
    here = group()
    return {"processes_on_cpus": here.world} if here.world > 1 and here.device == "cpu" else {}
