"""Work on foreign files in a process of its own whose time and memory are bounded.

The process is started once, kept warm, and replaced when it was ended; ending it is how a bound is kept, since no
exception interrupts a decoder written in C. It is a new interpreter and no fork (the server that starts it runs many
threads), is not told of Ctrl-C, and ends when its standard input does, so that it never outlives who started it.

Its own half is `limited_work`; both stand on the standard library alone, so that it starts fast.
"""

import atexit
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from cxrcore import errors
from cxrcore.data.files import limited_work

_LOG = logging.getLogger(__name__)  # scripts print what it says

Answer = tuple[dict[str, Any], bytes]
Task = Callable[..., Iterator[Answer]]  # called with the question's bytes and options

AT_ONCE = 2  # files of a kind, so that one hostile file keeps nobody else waiting
WARM = 1  # processes of a kind that are kept when nobody needs them: of those that read tables one takes 100 MB
START = 120.0  # seconds in which a process has to be ready
_WHY = "it is damaged, or made to keep a computer busy"
_NEVER = float("inf")
_ROOT = Path(__file__).resolve().parents[3]
_QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",  # threads reserve memory
          "MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system",  # as allocators of their own do
          "MALLOC_MMAP_THRESHOLD_": "4194304", "MALLOC_TRIM_THRESHOLD_": "67108864"}  # give back what large films took


@dataclass(frozen=True)
class Limits:
    """What a process may take for one answer.

    Attributes:
        cpu: seconds of processor time.
        wall: seconds.
        memory: bytes of address space above what the process holds when it is asked.
    """

    cpu: float = 10.0
    wall: float = 60.0
    memory: int = 1_200_000_000


class Ended(Exception):
    """The process ended before it had answered; the text continues the file's name: 'took more than ...'.

    Attributes:
        from_outside: it was killed, and not by a limit of ours.
    """

    def __init__(self, text: str, from_outside: bool = False):
        super().__init__(text)
        self.from_outside = from_outside


class LimitedProcess:
    """One process; not for two threads at once. It is started when it is first asked, and again when it has ended.

    Args:
        module: what it imports before it is asked.
    """

    def __init__(self, module: str, limits: Limits):
        self.limits = limits
        self._module = module
        self._process: subprocess.Popen | None = None
        self._ready = self._timed_out = False
        self._deadline = _NEVER

    def start(self) -> None:
        """Start it unless it runs; does not wait until it is ready.

        Raises:
            WorkbenchError: the system starts no more processes.
        """
        if self.is_running():
            return
        self.close()
        _say_once_what_is_not_limited()
        apart: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {
            "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        command = [sys.executable, "-c", f"from {limited_work.__name__} import main; main({self._module!r})"]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT,
                                             stderr=subprocess.DEVNULL, env=os.environ | _QUIET, **apart)
        except OSError as error:  # no room for one more process
            raise errors.WorkbenchError("the process that reads foreign files cannot be started: "
                                        f"{error.strerror}") from None
        self._ready = self._timed_out = False
        self._deadline = _NEVER
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def is_running(self) -> bool:
        """Whether it can be asked without being started."""
        return self._process is not None and self._process.poll() is None

    def ask(self, task: Task, data: bytes = b"", **options: Any) -> Iterator[Answer]:
        """The answers of a generator function of the project, each of which has the whole limits for itself.

        Args:
            data: the question's bytes.
            options: plain values.

        Raises:
            Ended: the process was ended, by a limit or by what it ran.
            WorkbenchError, OSError: as the task raised them. RuntimeError: its traceback, for a fault of the program.
        """
        last = None
        try:
            self.start()
            self._await_start()
            name = task.__name__  # ty: ignore[missing-attribute]  (a function at the top of a module)
            question = {"task": f"{task.__module__}:{name}", "options": options, "cpu": self.limits.cpu,
                        "memory": self.limits.memory}
            self._deadline = time.monotonic() + self.limits.wall
            questions, answers = self._pipes()
            limited_work.write_message(questions, question, data)
            while not (got := limited_work.read_message(answers))[0].get("last"):
                self._deadline = _NEVER  # who reads may take their time
                yield got[0]["answer"], got[1]
                self._deadline = time.monotonic() + self.limits.wall
            last = got[0]
            self._deadline = _NEVER
        except (EOFError, ConnectionError):
            raise self._ended() from None
        finally:
            if last is None or last["worn"]:  # also when who asked was interrupted
                self.close()
        _raise(last)

    def kill(self) -> None:
        """End it at once, whatever it does: for another thread than the one that asks, which gets `Ended`."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End it at once, and all that belongs to it."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not sent any more
                if pipe is not None:
                    pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Where questions go in and answers come out; EOFError where the process was closed meanwhile."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        return process.stdin, process.stdout

    def _await_start(self) -> None:
        if self._ready:
            return
        self._deadline = time.monotonic() + START
        try:
            limited_work.read_message(self._pipes()[1])
        except EOFError:
            how = f"has not started within {START:.0f} s" if self._timed_out else "does not start"
            raise errors.WorkbenchError(f"the process that reads foreign files {how}; what is wrong says: "
                                        f"python -c \"import {self._module}\"") from None
        self._ready = True

    def _watch(self, process: subprocess.Popen) -> None:
        """Keep the bound on time, and leave no dead process behind."""
        while process.poll() is None:
            if time.monotonic() > self._deadline:
                self._timed_out = True
                process.kill()
            time.sleep(min(0.5, self.limits.wall / 10))

    def _ended(self) -> Ended:
        code = self._process.wait() if self._process is not None else None
        if self._timed_out:
            return Ended(f"took more than {self.limits.wall:g} s: {_WHY}")
        if code == -getattr(signal, "SIGPROF", 0):
            return Ended(f"took more than {self.limits.cpu:g} s of processor time: {_WHY}")
        if code == -getattr(signal, "SIGKILL", 0):
            return Ended("was being read when its process was killed from outside (out of memory?)", True)
        return Ended(f"is damaged, or does not fit into {self.limits.memory / 1e9:g} GB of memory: it ended the "
                     "process that read it")


class Processes:
    """Limited processes of one kind, shared by the threads of this one.

    Args:
        module: what they import before they are asked.
    """

    def __init__(self, module: str, limits: Limits):
        self.limits = limits
        self._module = module
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)
        self._idle: list[LimitedProcess] = []
        self._lent = 0
        if hasattr(os, "register_at_fork"):  # a child of a fork must not share these
            os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def warm(self) -> None:
        """Have one started, without waiting for it, where there is none."""
        with self._lock:
            if self._idle or self._lent:
                return
        with self.lent() as process:
            process.start()

    @contextlib.contextmanager
    def lent(self) -> Generator[LimitedProcess]:
        """A process for some time: a warm one, or a new one."""
        with self._lock:
            process = self._idle.pop() if self._idle else LimitedProcess(self._module, self.limits)
            self._lent += 1
        process.limits = self.limits
        try:
            yield process
        finally:
            with self._lock:
                self._lent -= 1
                kept = process.is_running() and len(self._idle) < WARM
                if kept:
                    self._idle.append(process)
            if not kept:
                process.close()

    def ask(self, task: Task, data: bytes = b"", **options: Any) -> Answer:
        """The one answer of a task, see `LimitedProcess.ask`; of more than two that ask at once some wait."""
        with self._room, self.lent() as process:
            (answer,) = process.ask(task, data, **options)
        return answer

    def close(self) -> None:
        """End those that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def _forget(self) -> None:
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)
        self._idle, self._lent = [], 0


@cache
def _say_once_what_is_not_limited() -> None:
    if unlimited := limited_work.not_limited():
        _LOG.warning(f"this system cannot limit the {' and the '.join(unlimited)} that a foreign file takes while it "
                     "is read")


def _raise(last: dict[str, Any]) -> None:
    """The error that a task ended with, if it did."""
    if "errno" in last:
        raise OSError(last["errno"], last["text"])
    if "error" in last:
        raise getattr(errors, last["error"])(last["text"])
    if "fault" in last:
        raise RuntimeError(last["fault"])
