"""Ctrl-C and SIGTERM, so that what is stopped can write down where it was, and nothing is left half done."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_SLICE = 0.1  # seconds that are waited at a time where a signal cannot end the waiting itself


class Terminated(KeyboardInterrupt):
    """Another process asked for the end; unlike with Ctrl-C, those that this one started have not been told."""


_asked: type[KeyboardInterrupt] | None = None  # what was raised inside of `remembered`


@contextlib.contextmanager
def remembered(numbers: tuple[int, ...] = (signal.SIGINT,)) -> Generator[None]:
    """Signals end what is inside like Ctrl-C (SIGTERM as `Terminated`), and are remembered for `raise_again`."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _frame: FrameType | None) -> None:
        global _asked
        _asked = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        raise _asked

    heard = [number for number in numbers if number == signal.SIGTERM
             or signal.getsignal(number) is signal.default_int_handler]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)
        _asked = None


def sigterm_as_interrupt() -> contextlib.AbstractContextManager[None]:
    """A scheduler's SIGTERM ends what is inside like Ctrl-C, as `Terminated`; both are remembered."""
    return remembered(_STOPPING)


def raise_again() -> None:
    """To be called at every step of long work: a signal that was `remembered` and whose exception was lost is answered.

    Of what a handler raises in a destructor or a callback, Python prints a line and goes on; libraries drop what is
    raised while they look whether another one can be imported.
    """
    if _asked is not None:
        raise _asked


def is_interruption(error: BaseException) -> bool:
    """Whether an error is a Ctrl-C or SIGTERM, or what somebody else's code made of one."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        if isinstance(following, KeyboardInterrupt):
            return True
        seen.add(id(following))
        following = following.__cause__ or following.__context__
    return False


class Postponed:
    """Signals that came while they could not be answered; see `postponed`.

    Attributes:
        stop: called at once when a signal comes, to cut short what is under way; None for nothing.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], None] | None = None
        self._came: int | None = None
        self._over = True  # where no signal is held back, this object does nothing
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def check(self) -> None:
        """Answer a signal that has come, where nothing is half done."""
        came, self._came = self._came, None
        if came is not None:
            self._before[came](came, None)

    def patience(self, seconds: float) -> float:
        """How long to wait at a time, of so many seconds at most, before `check` is asked again."""
        return max(0.0, seconds if self._over else min(seconds, _SLICE))

    def hold_back(self) -> None:
        """Begin; signals that end the process at once, or that nobody listens to, stay as they are."""
        self._before = {number: now for number in _STOPPING if callable(now := signal.getsignal(number))}
        self._over = False
        for number in self._before:
            signal.signal(number, self._note)

    def let_go(self) -> None:
        """End, and answer what came."""
        if self._over:
            return
        self._over = True
        for number, before in self._before.items():
            signal.signal(number, before)
        self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._over or self._came is not None:  # asked for a second time: at once, whatever is half done
            self._before[number](number, frame)
            return
        self._came = number
        if self.stop is not None:
            self.stop()


@contextlib.contextmanager
def postponed() -> Generator[Postponed]:
    """Ctrl-C and SIGTERM inside are answered at the end, or where `Postponed.check` is called.

    An exception from a signal handler can come between any two steps: between taking a lock and the `try` that gives
    it back, too. Only in the main thread, the only one that signals come to.
    """
    held = Postponed()
    try:
        if threading.current_thread() is threading.main_thread():
            held.hold_back()
        yield held
    finally:
        held.let_go()


@contextlib.contextmanager
def starting_workers() -> Generator[None]:
    """Processes that are started inside never see Ctrl-C, not even while they import their modules."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which they inherit
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start_worker() -> None:
    """In a process of a pool: leave Ctrl-C to the parent, and never outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
