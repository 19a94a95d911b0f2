"""How a training of several processes ended: who failed first, told to all, so that one line says it.

Where one process fails, the others see a closed connection or the launcher's SIGTERM, and would blame that. So each
notes why it ends, the first note counts, and a process that went without a note was killed. Notes lie in the store by
which the processes found each other (torch's key-value store, no relation of the results store).
"""

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil
import torch.distributed as dist

from cxrcore.errors import WorkbenchError
from cxrcore.interrupts import is_interruption

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"
NOBODY = -1
LIMIT = 300.0  # seconds that a process waits for the others within a step
_NOTE = "ended"
_LONG, _SHORT = 5.0, 1.0  # seconds in which another's note comes: after a broken connection, after a signal
_SHOWN = 300  # letters of an error


@dataclass(frozen=True)
class Peer:
    """A process of the training: its machine and its id there."""

    host: str
    pid: int

    def is_gone(self) -> bool:
        """Whether it has ended; of another machine's that is not known here."""
        if self.host != socket.gethostname():
            return False
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            return True


@dataclass(frozen=True)
class Ending:
    """Who ended first, and how.

    Attributes:
        rank: `NOBODY` where it is not known who failed.
        kind: `FINISHED`, `FAILED` or `INTERRUPTED`.
        text: the error in one line.
    """

    rank: int
    kind: str
    text: str = ""


class Endings:
    """The notes of one training's processes."""

    def __init__(self, store: dist.Store, rank: int, peers: Sequence[Peer] = ()):
        self.peers, self._store, self._rank = peers, store, rank

    def note(self, ending: Ending) -> Ending:
        """Say how it ended unless somebody has; returns what counts."""
        try:
            return Ending(**json.loads(self._store.compare_set(_NOTE, "", json.dumps(asdict(ending)))))
        except (RuntimeError, ValueError):  # the store has gone with the process that kept it
            return ending

    def first(self) -> Ending | None:
        """The first note; None while there is none."""
        try:
            return Ending(**json.loads(self._store.get(_NOTE))) if self._store.check([_NOTE]) else None
        except (RuntimeError, ValueError):
            return None

    def of_others(self) -> Ending | None:
        """How another process ended: by its note, or without one."""
        if found := self.first():
            return found if found.rank != self._rank else None
        gone = [rank for rank, peer in enumerate(self.peers) if rank != self._rank and peer.is_gone()]
        if not gone:
            return None
        if found := self.first():  # it noted between the two looks
            return found if found.rank != self._rank else None
        return self.note(Ending(gone[0], FAILED, "its process was killed, perhaps since memory ran out"))

    def cause(self, error: BaseException) -> Ending:
        """What ended the training, when an error ends this process: its own, or what another noted."""
        own = Ending(self._rank, INTERRUPTED if is_interruption(error) else FAILED, _in_one_line(error))
        if isinstance(error, WorkbenchError):
            self.note(own)
            return own
        broken = _is_of_the_group(error)
        if own.kind == INTERRUPTED or broken:
            until = time.monotonic() + (_LONG if broken else _SHORT)
            while time.monotonic() < until:
                if found := self.of_others():
                    return found
                time.sleep(0.1)
        if broken and own.kind == FAILED:
            own = Ending(NOBODY, FAILED, "the connection between the processes broke, or one did not answer for "
                                         f"{LIMIT / 60:.0f} minutes: {own.text}")
        return self.note(own)


def _in_one_line(error: BaseException) -> str:
    said = " ".join(str(error).split())[:_SHOWN]
    return said if said and isinstance(error, WorkbenchError) else f"{type(error).__name__}: {said}".removesuffix(": ")


def _is_of_the_group(error: BaseException) -> bool:
    """Whether torch says that other processes are not reached; gloo has no kind of error of its own."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error).lower())
