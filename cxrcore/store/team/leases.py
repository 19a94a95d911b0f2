"""Who is at what, of a team: a row that its holder refreshes, by the database's clock alone.

Two machines never hold one lease: it is taken by one statement, and only where nobody was heard for `STALE` seconds. A
holder that was not heard for so long, as one whose machine slept, finds that it was taken over, and stops.
"""

import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Generator
from typing import Any

import psutil

from cxrcore.errors import BeingTrained, WorkbenchError
from cxrcore.store.backends.session import LEASE_STALE
from cxrcore.store.team.address import Address
from cxrcore.store.team.team_session import statement
from cxrcore.store.team.transaction import Transaction

BEAT = 5.0  # seconds between refreshments

# A repetition by the same holder changes nothing more: its answer may have been lost. The last condition lets a process
# take what one of its own machine held that is gone.
_TAKE = """INSERT INTO leases (key, holder, who, heard) VALUES (?, ?, ?, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, who = excluded.who, heard = excluded.heard
    WHERE leases.holder = excluded.holder OR leases.heard < clock_timestamp() - make_interval(secs => ?)
        OR leases.holder = ?
    RETURNING holder"""
_HEARD = """SELECT holder, who, extract(epoch FROM clock_timestamp() - heard)::float8 AS silence FROM leases
    WHERE key = ?"""


class Lease:
    """One that is held, refreshed by a thread of its own."""

    def __init__(self, address: Address, key: str):
        self._address, self._key = address, key
        self._holder = f"{os.getpid()}:{socket.gethostname()}:{uuid.uuid4().hex}"
        self._lost_to = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def is_lost(self) -> bool:
        """Whether somebody else took it over."""
        return bool(self._lost_to)

    def require(self) -> None:
        """BeingTrained where it is lost: what is under way here goes on elsewhere."""
        if self._lost_to:
            raise BeingTrained(f"this was taken over by {self._lost_to}, since nothing was heard of this process for "
                           f"{LEASE_STALE:.0f} s: nothing more is written here")

    def take(self) -> None:
        """Take it and begin to refresh it.

        Raises:
            BeingTrained: somebody has it; says who.
        """
        held = heard(self._address, self._key)
        gone = held[0] if held and is_gone(held[0]) else ""
        who = f"process {os.getpid()} on {socket.gethostname()}"
        if not _ask(self._address, _TAKE, [self._key, self._holder, who, LEASE_STALE, gone]):
            held = heard(self._address, self._key)
            raise BeingTrained(f"this training is under way already, by {held[1][:120] if held else 'another process'}")
        self._thread.start()

    def give_back(self) -> None:
        """End it; one that was lost stays whoever's it is."""
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(WorkbenchError):  # it goes stale by itself
            _ask(self._address, "DELETE FROM leases WHERE key = ? AND holder = ? RETURNING key",
                 [self._key, self._holder])

    def _beat(self) -> None:
        while not self._stop.wait(BEAT) and not self._lost_to:
            with contextlib.suppress(WorkbenchError):  # a database that is down for all is asked again
                self.refresh()

    def refresh(self) -> None:
        """Be heard, or learn who took it over."""
        if not _ask(self._address, "UPDATE leases SET heard = clock_timestamp() WHERE key = ? AND holder = ? "
                                   "RETURNING key", [self._key, self._holder]):
            held = heard(self._address, self._key)
            self._lost_to = held[1][:120] if held else "nobody: the lease is gone"


@contextlib.contextmanager
def held(address: Address, key: str) -> Generator[Lease]:
    """A lease for as long as the block runs.

    Raises:
        BeingTrained: somebody has it; says who.
    """
    lease = Lease(address, key)
    lease.take()
    try:
        yield lease
    finally:
        lease.give_back()


def heard(address: Address, key: str) -> tuple[str, str, float] | None:
    """(holder, who it is for people, seconds of silence) of a lease; None where nobody has it."""
    rows = _ask(address, _HEARD, [key])
    return rows[0] if rows else None


def _ask(address: Address, query: str, parameters: list[object]) -> list[tuple[Any, ...]]:
    with contextlib.closing(Transaction(address, write=False, alone=True)) as asked:
        return asked.do(statement(query, parameters))[1]


def is_gone(holder: str) -> bool:
    """Whether a holder was a process of this machine that is no more."""
    pid, _, rest = holder.partition(":")
    return rest.rpartition(":")[0] == socket.gethostname() and pid.isdigit() and not psutil.pid_exists(int(pid))
