"""The processes that a queue starts: each with an output of its own, and all stopped together."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cxrcore.training.ranks.launch import without_launcher

STOP_WAIT = 60.0  # seconds that all trainings together get to write down where they were
BEGINS = "----"  # begins the line before what a process says, in an output that one after the other adds to
_MOST = 20_000  # bytes of an output's end that are looked into


def start(command: Sequence[str], output: Path, environment: Mapping[str, str]) -> subprocess.Popen:
    """A process that Ctrl-C in the terminal does not reach: its queue stops it, once.

    Args:
        output: file that what it says is added to.
        environment: variables besides this process's own, of which a launcher's are left out.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as file:
        file.write(f"{BEGINS} {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        file.flush()
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                env={**without_launcher(os.environ), **environment}, start_new_session=True)


def stop(processes: Sequence[subprocess.Popen]) -> None:
    """Ask all to end, and end those that do not within `STOP_WAIT`; a second Ctrl-C ends them at once."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + STOP_WAIT
    try:
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
            process.wait()


def why_it_ended(code: int | None, output: Path) -> str:
    """The line that a failed process left: its error, or what ended it.

    Args:
        code: its exit status; None where nobody waited for it.
        output: of which what the last process said counts.
    """
    if code is not None and code < 0:
        return f"ended by signal {-code} ({_signal(-code)})"
    lines = _last_said(output)
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if code is None:
        return "it left no error: it was killed, or its machine is gone"
    return lines[-1] if lines else f"ended with status {code}"


def _last_said(output: Path) -> list[str]:
    """The lines of the last process, of which a long output's end is looked into."""
    try:
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - _MOST))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
    begins = max((at for at, line in enumerate(lines) if line.startswith(BEGINS)), default=-1)
    return lines[begins + 1:]


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return "unknown"
