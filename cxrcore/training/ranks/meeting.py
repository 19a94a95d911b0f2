"""How the processes of one training meet, and part: one product, one kind of device, and one line if any of them fails.

`with joined(launch, device) as group:` is all that a command needs.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from cxrcore.cli import INTERRUPTED as INTERRUPTED_CODE
from cxrcore.errors import RunError, UsageError, WorkbenchError
from cxrcore.interrupts import is_interruption, raise_again, sigterm_as_interrupt
from cxrcore.training.ranks import group as groups
from cxrcore.training.ranks.endings import FINISHED, INTERRUPTED, NOBODY, Ending, Peer
from cxrcore.training.ranks.group import ALONE, Group, Over
from cxrcore.training.ranks.launch import Launch
from cxrcore.training.sweep.product_version import product_version

COME = 300.0  # seconds in which all processes have to come
_GO = 10.0  # seconds in which they have to go


@dataclass(frozen=True)
class _Hello:
    """What a process says of itself.

    Attributes:
        gpu: its GPU's unique id; '' of one on a CPU.
    """

    version: str
    host: str
    pid: int
    gpu: str = ""


@contextlib.contextmanager
def joined(launch: Launch, device: str | None) -> Generator[Group]:
    """Be one of a training's processes inside; `ALONE` where there is one.

    The first process's errors are as in a training by one process; the others say nothing, since it says what happened.

    Args:
        device: as --device.

    Raises:
        WorkbenchError: in the first process: versions differ, one did not come, or whatever another one failed of.
        SystemExit: in another process, when the training has ended.
    """
    if launch.world == 1:
        yield ALONE
        return
    own = Group(launch, _store(launch), device)
    groups.enter(own)
    try:
        with sigterm_as_interrupt(), one_cause():
            _meet(own, launch, device)
            yield own
            _part(own)
    except Over:
        _say_bye(own)
        sys.exit(0)
    except BaseException as error:
        _tell_launcher(error)
        if own.leads and not dist.is_initialized():  # all wait for what the first one has to say
            _wait_for_byes(own, _GO / 5)
        if own.leads or not (isinstance(error, WorkbenchError) or is_interruption(error)):
            raise
        sys.exit(INTERRUPTED_CODE if is_interruption(error) else WorkbenchError.exit_code)
    finally:
        groups.leave()


@contextlib.contextmanager
def one_cause() -> Generator[None]:
    """Raises what ended the training, where an error inside only follows from another process's end.

    Raises:
        RunError: another process failed; says which, and of what.
        KeyboardInterrupt: another process was interrupted.
    """
    endings = groups.group().endings
    if endings is None:
        yield
        return
    try:
        yield
        return
    except Over:
        raise
    except BaseException as error:
        # The launcher's SIGTERM follows an error within moments: what is left is to write down how it ended.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        found, ending = error, endings.cause(error)
    if ending.rank == groups.group().rank:
        raise found
    if ending.kind == INTERRUPTED:
        raise KeyboardInterrupt
    failed = RunError(in_words(ending, groups.group().world))
    try:
        raise failed
    except RunError:
        failed.__context__ = None  # the launcher's SIGTERM, which would be taken for the cause: see `is_interruption`
        raise


def in_words(ending: Ending, world: int) -> str:
    """The line for a training that another process ended."""
    endings = groups.group().endings
    if ending.rank == NOBODY:
        return ending.text
    peers = endings.peers if endings is not None else ()
    where = f" (on {peers[ending.rank].host})" if len({peer.host for peer in peers}) > 1 else ""
    return f"process {ending.rank} of {world}, counted from 0{where}: {ending.text}"


def _store(launch: Launch) -> dist.Store:
    """Where the processes find each other: the launcher's, or the first process's own."""
    try:
        store, _, _ = next(iter(dist.rendezvous("env://", rank=launch.rank, world_size=launch.world,
                                                timeout=timedelta(seconds=COME))))
    except (dist.DistError, RuntimeError, ValueError, OSError) as error:
        raise RunError(f"the processes cannot meet at MASTER_ADDR {os.environ.get('MASTER_ADDR')}, MASTER_PORT "
                       f"{os.environ.get('MASTER_PORT')}: {' '.join(str(error).split())[:160]}") from None
    return dist.PrefixStore("training", store)


def _meet(own: Group, launch: Launch, device: str | None) -> None:
    """Learn who the others are; the first one refuses those that do not fit."""
    if not own.leads:
        logging.getLogger("cxrcore").setLevel(logging.CRITICAL)  # one process speaks for all
    own.device, gpu = _own_device(device, launch)
    hello = _Hello(product_version(), socket.gethostname(), os.getpid(), gpu)
    own.tell(f"hello {own.rank}", vars(hello))
    if own.leads:
        all_ = [_Hello(**said) for said in _hellos(own)]
        _require_fitting(all_)
        own.tell("peers", [(one.host, one.pid) for one in all_])
    assert own.endings is not None
    own.endings.peers = [Peer(*one) for one in own.told("peers")]
    if "OMP_NUM_THREADS" not in os.environ and own.device == "cpu":  # each would take all cores
        beside = sum(peer.host == hello.host for peer in own.endings.peers)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // beside))


def _hellos(own: Group) -> list[dict[str, Any]]:
    """Of all processes, in order."""
    until, came = time.monotonic() + COME, []
    for rank in range(own.world):
        while not own.has(f"hello {rank}"):
            raise_again()
            if time.monotonic() > until:
                raise RunError(f"process {rank} of {own.world}, counted from 0, has not come within {COME / 60:.0f} "
                               "minutes")
            if own.endings is not None and own.endings.of_others():
                raise KeyboardInterrupt  # of which `one_cause` tells the cause
            time.sleep(0.05)
        came.append(own.told(f"hello {rank}"))
    return came


def _require_fitting(all_: Sequence[_Hello]) -> None:
    """RunError where the processes are not of one product and one kind of device, each with a GPU of its own."""
    first = all_[0]
    for rank, one in enumerate(all_):
        if one.version != first.version:
            raise RunError(f"another version of the workbench lies on {one.host} ({one.version}, process {rank}) than "
                           f"on {first.host} ({first.version}): bring both to one")
        if bool(one.gpu) != bool(first.gpu):
            raise RunError(f"process {rank} on {one.host} has {'a' if one.gpu else 'no'} GPU and the first process on "
                           f"{first.host} has {'one' if first.gpu else 'none'}: give --device cpu, or nodes alike")
    taken = [one.gpu for one in all_ if one.gpu]
    if len(set(taken)) < len(taken):
        raise RunError(f"{len(taken)} processes would share {len(set(taken))} GPUs: start one process for each GPU")


def _own_device(asked: str | None, launch: Launch) -> tuple[str, str]:
    """The device of this process and, of a GPU, its unique id.

    Raises:
        UsageError: one device was asked for by its number.
    """
    if asked not in (None, "cpu", "cuda"):
        raise UsageError(f"--device {str(asked)[:40]}: of several processes each takes its own: give cpu or cuda, or "
                         "leave it out")
    n = torch.cuda.device_count()
    if asked == "cpu" or (asked is None and not n):
        return "cpu", ""
    number = 0 if n == 1 else launch.local_rank  # Slurm may show each process its own GPU alone
    if number >= n:
        raise RunError(f"process {launch.rank} on {socket.gethostname()} is number {number + 1} there, and there are "
                       f"{n} GPUs: start one process for each GPU, or give --device cpu")
    return f"cuda:{number}", str(torch.cuda.get_device_properties(number).uuid)


def _part(own: Group) -> None:
    """The first process says that it is done, and waits a moment: its end may take the others' store away."""
    assert own.endings is not None
    if not own.leads:
        own.until_over()
        raise Over
    own.endings.note(Ending(own.rank, FINISHED))
    _wait_for_byes(own, _GO)


def _wait_for_byes(own: Group, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not all(own.has(f"bye {rank}") for rank in range(1, own.world)):
        time.sleep(0.05)


def _say_bye(own: Group) -> None:
    with contextlib.suppress(RuntimeError):
        own.tell(f"bye {own.rank}", True)


def _tell_launcher(error: BaseException) -> None:
    """For torchrun's "Root Cause", which otherwise knows an exit code alone."""
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path is None or is_interruption(error):
        return
    told = str(error) if isinstance(error, WorkbenchError) else "".join(traceback.format_exception(error))
    more = {"py_callstack": told, "timestamp": str(int(time.time()))}
    with contextlib.suppress(OSError):
        Path(path).write_text(json.dumps({"message": {"message": told, "extraInfo": more}}))
