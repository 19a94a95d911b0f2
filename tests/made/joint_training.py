"""Trainings by several processes on this machine, with the variables that a launcher sets, or by a launcher."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import fork_server

from cxrcore.config import PROJECT_ROOT

TRAIN = str(PROJECT_ROOT / "scripts" / "train.py")
LONGEST = 240.0  # seconds
context = fork_server.context("cxrcore.training.sweep.start", "cxrcore.data.data_folders")

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
_PLAIN = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
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
    own = environment | {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    with tempfile.TemporaryDirectory() as folder:
        said = [(Path(folder, f"{rank}.out"), Path(folder, f"{rank}.err")) for rank in range(world)]
        started = [context.Process(target=_as_script, args=([TRAIN, *map(str, flags)], source or _PLAIN, own | {
            "RANK": str(rank), "LOCAL_RANK": str(rank)}, *said[rank])) for rank in range(world)]
        for process in started:
            process.start()
        try:
            if _first_failed(started):
                for process in started:
                    process.terminate()
            for process in started:
                process.join(LONGEST)
        finally:
            for process in started:
                process.kill()
        return [Ended(process.exitcode, out.read_text(), err.read_text())
                for process, (out, err) in zip(started, said, strict=True)]


def _as_script(command: list[str], source: str, environment: dict[str, str], out: Path, err: Path) -> None:
    """What `python -c` would do with a script's source and its arguments."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ |= environment
    sys.argv = ["-c", *command]
    exec(compile(source, "<script>", "exec"), {"__name__": "__main__"})


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


def _first_failed(started: Sequence[BaseProcess]) -> bool:
    """Whether one of them failed; waited for."""
    left = list(started)
    while left:
        for process in list(left):
            process.join(0.1)
            if process.exitcode:
                return True
            if process.exitcode == 0:
                left.remove(process)
    return False


def _command(flags: Sequence[object], source: str | None) -> list[str]:
    script = [TRAIN] if source is None else ["-c", source, TRAIN]
    return [sys.executable, *script, *map(str, flags)]


def _environment(more: dict[str, str]) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "OMP_NUM_THREADS": "1"} | more
