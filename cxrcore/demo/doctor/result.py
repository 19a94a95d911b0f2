"""One thing that was looked at, and what to do where it is not as it should be; and how others are asked."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]  # of the project; `cxrcore.config` may not be importable
INSTALL = "install what is needed: bash scripts/start.sh --install-only"
SECONDS = 300  # for a package to load, on a busy machine


@dataclass(frozen=True)
class Result:
    """What was found.

    Attributes:
        what: one line.
        do: what to do about it; '' where all is well.
        is_problem: something will not work; otherwise it is only told.
    """

    what: str
    do: str = ""
    is_problem: bool = False

    @property
    def in_words(self) -> str:
        """One line, or two with what to do."""
        head = f"{'problem' if self.is_problem else 'note' if self.do else 'ok'}: {self.what}"
        return f"{head}\n  {self.do}" if self.do else head


def problem(what: str, do: str) -> Result:
    """Something that will not work."""
    return Result(what, do, is_problem=True)


@dataclass(frozen=True)
class Answer:
    """What a process said: its exit code (negative for a signal, None where it took too long) and its lines."""

    code: int | None
    out: tuple[str, ...]
    error: str

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        last = (self.error.strip() or "\n".join(self.out)).splitlines()[-1:] or [f"exit code {self.code}"]
        return f"took more than {SECONDS} s" if self.code is None else last[0][:200]


def ask(arguments: Sequence[str]) -> Answer:
    """Run this Python with arguments, from the project's folder: what breaks in it breaks nothing here."""
    try:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, errors="replace",
                              cwd=ROOT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return Answer(None, tuple(said.splitlines()), "")
    return Answer(done.returncode, tuple(done.stdout.splitlines()), done.stderr)
