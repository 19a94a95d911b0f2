"""Work of the product in a process of its own that is killed (kill -9) at a moment that a seed gives.

A moment is a step: the work's n-th act at a file (opened to be written, renamed, removed, a folder made), so that it
falls at the same place however busy the machine is; or a time after the beginning, which falls anywhere, in the midst
of the database's own writing too.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

PATIENCE = 300.0  # seconds for work on a busy machine

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ACTS = {"os.rename", "os.remove", "os.mkdir", "os.truncate", "shutil.rmtree"}


@dataclass(frozen=True)
class Moment:
    """When the process is killed; never, where neither is given.

    Attributes:
        step: before its n-th act at a file, from 1.
        seconds: after its beginning.
    """

    step: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Ended:
    """How the work ended.

    Attributes:
        killed: whether the kill came before the end.
        steps, seconds: of work that reached its end.
        error: the traceback of work that failed; '' of all other.
    """

    killed: bool
    steps: int = 0
    seconds: float = 0.0
    error: str = ""


def drawn(seed: int, typical: Ended, attempt: int = 0) -> Moment:
    """A moment within work that takes what `typical` took: every second one by steps, every second one by time.

    Args:
        attempt: where the work ended before the kill, each further one comes sooner.
    """
    rng = np.random.default_rng(seed)
    share = float(rng.uniform(0.02, 0.98)) * 0.6**attempt
    if rng.random() < 0.5:
        return Moment(seconds=share * typical.seconds)
    return Moment(step=1 + int(share * typical.steps))


def run(starting: Any, moment: Moment, work: Callable[..., object], *given: Any) -> Ended:
    """Do the work in a process and kill it at a moment; never raises for what happens in there.

    Args:
        starting: of `fork_server.context`.
        work: a function of a module; what it prints is lost.
    """
    ours, theirs = starting.Pipe(duplex=False)
    process = starting.Process(target=_work, args=(theirs, moment, work, given))
    process.start()
    theirs.close()
    told: list[tuple] = []
    with contextlib.suppress(EOFError):
        assert ours.poll(PATIENCE), "the process did not begin"
        told.append(ours.recv())
        if moment.seconds is not None:
            time.sleep(moment.seconds)
            with contextlib.suppress(ProcessLookupError):  # it ended before, and says so
                os.kill(process.pid, signal.SIGKILL)
        assert ours.poll(PATIENCE), "the work did not end"
        told.append(ours.recv())
    process.join(PATIENCE)
    if len(told) < 2:
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        return Ended(True)
    return told[1]


def _work(pipe: Connection, moment: Moment, work: Callable[..., object], given: tuple) -> None:
    steps, guard = 0, threading.Lock()

    def hook(event: str, said: tuple) -> None:
        nonlocal steps
        if event not in _ACTS and not (event == "open" and isinstance(said[2], int) and said[2] & _WRITING):
            return
        with guard:
            steps += 1
        if steps == moment.step:
            os.kill(os.getpid(), signal.SIGKILL)

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    pipe.send(("began",))
    began = time.monotonic()
    sys.addaudithook(hook)
    try:
        work(*given)
    except BaseException:
        pipe.send(Ended(False, steps, time.monotonic() - began, traceback.format_exc()))
    else:
        pipe.send(Ended(False, steps, time.monotonic() - began))
