"""The processes of one training, as one of them sees it; a training by one process asks nothing and waits for nothing.

Two ways of talking: tensors by gloo or NCCL within an epoch, bounded by `endings.LIMIT`; and short texts by torch's
key-value store, for which the others wait as long as the first process needs to prepare films or to save.
"""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from cxrcore.interrupts import raise_again
from cxrcore.training.ranks.endings import LIMIT, Endings
from cxrcore.training.ranks.launch import Launch

_SHORT, _LONG = 0.02, 0.5  # seconds between two looks: at first, and after a while


class Over(Exception):
    """The training has ended while this process waited for it to go on."""


class Group:
    """One process among those of a training.

    Attributes:
        rank: of this process, counted from 0; the first one plans, writes and decides.
        world: how many processes there are.
        device: that this process was given, by name; None for the machine's own choice.
        endings: how it ended, of all processes; None of one process.
    """

    def __init__(self, launch: Launch, store: dist.Store | None = None, device: str | None = None):
        self.rank, self.world, self.device = launch.rank, launch.world, device
        self.endings = None if store is None else Endings(store, launch.rank)
        self._store = store

    @property
    def leads(self) -> bool:
        """Whether this process is the first, or the only one."""
        return self.rank == 0

    # -- texts

    def tell(self, name: str, value: Any) -> None:
        """Say something to the others, once under each name.

        Args:
            value: for JSON; numbers come out as they went in.
        """
        if self._store is not None:
            self._store.set(name, json.dumps(value))

    def has(self, name: str) -> bool:
        """Whether something was told under a name."""
        return self._store is not None and self._store.check([name])

    def told(self, name: str) -> Any:
        """What was told under a name, waited for.

        Raises:
            Over: the training ended before.
        """
        assert self._store is not None and self.endings is not None
        pause = _SHORT
        while not self.has(name):
            if self.endings.of_others():
                raise Over
            raise_again()
            time.sleep(pause)
            pause = min(_LONG, 1.1 * pause)
        return json.loads(self._store.get(name))

    def decided(self, name: str, decide: Callable[[], Any]) -> Any:
        """What the first process decides, for all; of one process what it decides."""
        if self.world == 1:
            return decide()
        if not self.leads:
            return self.told(name)
        made = decide()
        self.tell(name, made)
        return made

    def until_over(self) -> None:
        """Wait for the training's end."""
        while self.endings is not None and not self.endings.of_others():
            raise_again()
            time.sleep(_LONG)

    # -- tensors

    def connect(self, device: torch.device) -> None:
        """Make the connections for tensors; all processes at about the same time."""
        if self._store is None:
            return
        on_gpu = device.type == "cuda"
        dist.init_process_group("nccl" if on_gpu else "gloo", store=dist.PrefixStore("tensors", self._store),
                                rank=self.rank, world_size=self.world, timeout=timedelta(seconds=LIMIT),
                                device_id=device if on_gpu else None)

    def all_sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def from_first(self, values: torch.Tensor) -> torch.Tensor:
        """The first process's values, in place."""
        if self.world > 1:
            dist.broadcast(values, 0)
        return values

    def same(self, model: nn.Module) -> None:
        """Give all processes the first one's weights and statistics."""
        if self.world > 1:
            for value in model.state_dict().values():
                value.copy_(self.from_first(value.contiguous()))

    def share_of(self, n: int) -> slice:
        """This process's part of n things in order."""
        return slice(n * self.rank // self.world, n * (self.rank + 1) // self.world)

    def gathered(self, rows: torch.Tensor, n: int, columns: int, device: torch.device) -> torch.Tensor:
        """All n rows, in order, from the rows of each process's share.

        Args:
            rows: (m, columns) of this process, on the CPU.
            device: by which they are sent.

        Returns:
            (n, columns), on the CPU.
        """
        if self.world == 1:
            return rows
        most = -(-n // self.world)
        own = torch.zeros(most, columns)
        own[:len(rows)] = rows.view(-1, columns)
        parts = [torch.empty(most, columns, device=device) for _ in range(self.world)]
        dist.all_gather(parts, own.to(device))
        ends = [n * (rank + 1) // self.world - n * rank // self.world for rank in range(self.world)]
        return torch.cat([part[:end] for part, end in zip(parts, ends, strict=True)]).cpu()


ALONE = Group(Launch())
_now: list[Group] = []  # the process's, while it is in one


def group() -> Group:
    """The processes of the training that this one takes part in; `ALONE` for one by itself."""
    return _now[0] if _now else ALONE


def enter(own: Group) -> None:
    """From now on, this process is one of these."""
    _now[:] = [own]


def leave() -> None:
    """This process is by itself again."""
    _now.clear()
    if dist.is_initialized():
        dist.destroy_process_group()
