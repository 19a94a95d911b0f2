"""The processes that a queue starts: each with an output of its own, and all stopped together."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cxrcore.training.ranks.launch import without_launcher

STOP_WAIT = 60.0  # seconds that a training gets to write down where it was
_MOST = 20_000  # bytes of an output's end that are looked into


def start(command: Sequence[str], output: Path, environment: Mapping[str, str]) -> subprocess.Popen:
    """A process that Ctrl-C in the terminal does not reach: its queue stops it, once.

    Args:
        output: file that what it says is added to.
        environment: variables besides this process's own, of which a launcher's are left out.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                env={**without_launcher(os.environ), **environment}, start_new_session=True)


def stop(processes: Sequence[subprocess.Popen]) -> None:
    """Ask all to end, and end those that do not within `STOP_WAIT`; a second Ctrl-C ends them at once."""
    for process in processes:
        process.terminate()
    try:
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_WAIT)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def why_it_ended(code: int, output: Path) -> str:
    """The line that a failed process left: its error, or what ended it."""
    if code < 0:
        return f"ended by signal {-code} ({_signal(-code)})"
    try:
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - _MOST))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else lines[-1] if lines else f"ended with status {code}"


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return "unknown"
