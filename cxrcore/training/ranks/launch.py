"""What a launcher says of its processes: torchrun's variables, as `accelerate launch` sets them on GPUs too.

A launcher that starts a command several times without them would train several times: that is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cxrcore.errors import UsageError

# Where a process finds its number, the first that is there: torchrun's, Slurm's, Open MPI's, MPICH's.
_RANK = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
_LOCAL_RANK = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID")
_TASKS = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
_TORCHRUN = ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
             "ROLE_RANK", "ROLE_NAME", "ROLE_WORLD_SIZE")
_PREFIXES = ("TORCHELASTIC_", "ACCELERATE_", "OMPI_COMM_WORLD_", "PMI_")
_HOW = "torchrun --nproc_per_node N scripts/train.py ..."


@dataclass(frozen=True)
class Launch:
    """Which of how many processes this one is.

    Attributes:
        rank: counted from 0 over all machines.
        local_rank: counted from 0 on its machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0


def launch_of(environment: Mapping[str, str]) -> Launch:
    """What the variables of a process say.

    Raises:
        UsageError: several processes that cannot find each other, in one line.
    """
    world = _number(environment, "WORLD_SIZE")
    if world is None or not environment.get("MASTER_ADDR"):
        _require_one(environment)
        return Launch()
    if world <= 1:
        return Launch()
    found = {name: _first(environment, names) for name, names in (("rank", _RANK), ("local", _LOCAL_RANK))}
    rank = found["rank"]
    if rank is None or not 0 <= rank < world or not environment.get("MASTER_PORT"):
        raise UsageError(f"WORLD_SIZE is {world}, but RANK (from 0 to {world - 1}) or MASTER_PORT is not set: start "
                         f"all processes with {_HOW}")
    return Launch(rank, world, rank if found["local"] is None else found["local"])


def _require_one(environment: Mapping[str, str]) -> None:
    """UsageError where a launcher shows several tasks, and nothing by which they could find each other."""
    for name in ("WORLD_SIZE", *_TASKS):
        try:
            n = int(environment.get(name) or 1)
        except ValueError:
            continue
        if n > 1:
            raise UsageError(f"this start shows {n} tasks ({name}) without MASTER_ADDR and WORLD_SIZE, so each would "
                             f"train by itself: start one task, or one training on all with {_HOW}")
    # With --cpu, accelerate sets no WORLD_SIZE, names an address for several processes, and starts one of them.
    if environment.get("MASTER_ADDR") and environment.get("ACCELERATE_MIXED_PRECISION"):
        raise UsageError("accelerate was asked for several processes and starts one here, as it does with --cpu: start "
                         f"them with {_HOW}")


def without_launcher(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for a training of its own: a launcher's would make it one of a group that it is no part of."""
    names = {*_RANK, *_LOCAL_RANK, *_TASKS, *_TORCHRUN}
    return {name: value for name, value in environment.items()
            if name not in names and not name.startswith(_PREFIXES)}


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    return next((number for name in names if (number := _number(environment, name)) is not None), None)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    try:
        return int(text) if text else None
    except ValueError:
        raise UsageError(f"{name} is {ascii(text)[:40]}, which is no number: start with {_HOW}") from None
