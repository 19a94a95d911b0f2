"""The project's scripts as a person runs them, and the same in the test's own process.

A process of its own imports torch anew, for seconds, to say a line. So tests run scripts in their process, through the
script's last line (`run(main)`) as Python would run it; a few run them as a shell does.
"""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cxrcore.config import PROJECT_ROOT


def in_shell(script: str, *flags: object, cwd: Path | None = None, **environment: str) -> CompletedProcess:
    """A script of scripts/ in a process of its own."""
    return subprocess.run([sys.executable, *_command(script, flags)], cwd=cwd, capture_output=True, text=True,
                          timeout=300, env=os.environ | environment)


def here(script: str, *flags: object, cwd: Path | None = None, **environment: str) -> CompletedProcess:
    """A script of scripts/ in this process: exit code and what it wrote. A fault of the program is raised."""
    command, out, err = _command(script, flags), _Written(), _Written()
    with (pytest.MonkeyPatch.context() as patch, contextlib.chdir(cwd or Path.cwd()),
          contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)):
        patch.setattr(sys, "argv", command)
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(command[0], run_name="__main__")
    return CompletedProcess(command, ended.value.code or 0, out.text, err.text)


def _command(script: str, flags: tuple[object, ...]) -> list[str]:
    return [str(PROJECT_ROOT / "scripts" / script), *map(str, flags)]


class _Written(io.TextIOWrapper):
    """A stream as a process has it, which a script may set up as it likes, kept in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.buffer.getvalue().decode()
