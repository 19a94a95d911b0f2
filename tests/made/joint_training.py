"""Trainings by several processes on this machine, started as a launcher starts them, or by one of them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from cxrcore.config import PROJECT_ROOT

TRAIN = str(PROJECT_ROOT / "scripts" / "train.py")
LONGEST = 240.0  # seconds

# What a process does in its training besides: `what` in the step `at`, where its rank is `rank`.
_PLANTED = """
import os, runpy, signal, sys
from cxrcore.errors import RunError
from cxrcore.training import trainer

{more}
of_trainer, steps = trainer.Trainer._step, []

def step(*arguments):
    steps.append(1)
    if os.environ.get("RANK", "0") == "{rank}" and len(steps) == {at}:
        {what}
    return of_trainer(*arguments)

trainer.Trainer._step = step
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
INTERRUPTED = "raise KeyboardInterrupt"


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


def planted(what: str, at: int, rank: int = 0, more: str = "") -> str:
    """The source of a script that runs another one, and does something in a step of its training.

    Args:
        more: done at the start, in every process.
    """
    return _PLANTED.format(what=what, at=at, rank=rank, more=more)


def together(flags: Sequence[object], world: int = 2, source: str | None = None, **environment: str) -> list[Ended]:
    """train.py by so many processes; when one fails, the others get SIGTERM, as launchers do it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    own = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = [subprocess.Popen(_command(flags, source), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=_environment(environment | own | {"RANK": str(rank), "LOCAL_RANK": str(rank)}))
               for rank in range(world)]
    try:
        failed = _first_failed(started)
        for process in started if failed else []:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        said = [process.communicate(timeout=LONGEST) for process in started]
    finally:
        for process in started:
            process.kill()
    return [Ended(process.returncode, *texts) for process, texts in zip(started, said, strict=True)]


def by_torchrun(flags: Sequence[object], world: int = 2, source: str | None = None, **environment: str) -> Ended:
    """The same by torchrun, which a script has to be given as a file."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
    script = [] if source is None else ["--no-python", sys.executable, "-c", source]
    done = subprocess.run([*command, *script, TRAIN, *map(str, flags)], capture_output=True, text=True,
                          timeout=LONGEST, env=_environment(environment))
    return Ended(done.returncode, done.stdout, done.stderr)


def by_accelerate(flags: Sequence[object], *how: str, **environment: str) -> Ended:
    """The same by `accelerate launch`, whose own flags are `how`."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "--num_machines", "1",
               "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", *how]
    done = subprocess.run([*command, TRAIN, *map(str, flags)], capture_output=True, text=True, timeout=LONGEST,
                          env=_environment(environment))
    return Ended(done.returncode, done.stdout, done.stderr)


def alone(flags: Sequence[object], source: str | None = None, **environment: str) -> Ended:
    """The same by one process."""
    done = subprocess.run(_command(flags, source), capture_output=True, text=True, timeout=LONGEST,
                          env=_environment(environment))
    return Ended(done.returncode, done.stdout, done.stderr)


def _first_failed(started: Sequence[subprocess.Popen]) -> bool:
    """Whether one of them failed; waited for. What they say is read meanwhile by nobody: it is little."""
    left = list(started)
    while left:
        for process in list(left):
            try:
                if process.wait(0.1):
                    return True
                left.remove(process)
            except subprocess.TimeoutExpired:
                continue
    return False


def _command(flags: Sequence[object], source: str | None) -> list[str]:
    script = [TRAIN] if source is None else ["-c", source, TRAIN]
    return [sys.executable, *script, *map(str, flags)]


def _environment(more: dict[str, str]) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "OMP_NUM_THREADS": "1"} | more
