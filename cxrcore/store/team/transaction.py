"""A transaction in a team's database that outlives the loss of its connection.

Every step is remembered with what it answered. When the connection is lost, the steps are done again on another one,
and must answer the same; so the code that asks never hears of it. A commit whose answer was lost is looked for by the
number that this transaction gave itself, in a row that it commits with all else: what was done is never done twice.
"""

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from cxrcore.errors import StoreBusy, StoreError
from cxrcore.interrupts import postponed
from cxrcore.store.team import connections, tables
from cxrcore.store.team.address import Address

Got = TypeVar("Got")
_FIRST, _LONGEST = 0.1, 2.0  # seconds between attempts
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"  # with the lock, nobody else writes
_MOST_ROWS = 20_000  # kept of what was answered
_KEPT = "1 day"  # for so long a commit may be looked for


class Transaction:
    """Begun by its first step.

    Args:
        wait: seconds for a lost database to come back (default: `connections.WAIT`).
        alone: one step that is a single question, which needs no transaction around it.
        begins_anew: there may be no tables yet.
    """

    def __init__(self, address: Address, *, write: bool, wait: float | None = None, alone: bool = False,
                 begins_anew: bool = False):
        self.write, self._alone, self._begins_anew = write, alone, begins_anew
        self._address, self._wait = address, connections.WAIT if wait is None else wait
        self._con: psycopg.Connection | None = None
        self._done: list[tuple[Callable[[psycopg.Connection], Any], Any]] = []
        self._write_id = uuid.uuid4().hex
        self._n_rows = 0
        self._in_doubt = False  # whether a commit was sent whose answer has not come
        self._lost_at: float | None = None
        self._pause = _FIRST

    @property
    def in_doubt(self) -> bool:
        """Whether it may have been committed without our knowing."""
        return self._in_doubt

    def do(self, step: Callable[[psycopg.Connection], Got]) -> Got:
        """One step, which may be done several times.

        Args:
            step: answers by the database alone, with what can be compared.

        Raises:
            StoreError, StoreBusy, DataError, DiskFullError: what the database says, or that it did not come back.
        """
        while True:
            try:
                found = step(self._begun())
            except psycopg.Error as error:
                self._recover(error)
                continue
            except UnicodeEncodeError:
                raise StoreError("a text holds half a character, which cannot be kept") from None
            self._done.append((step, self._kept(found)))
            self._lost_at, self._pause = None, _FIRST
            return found

    def commit(self) -> None:
        """Keep all that was done; done once, however often the answer is lost.

        Raises:
            As `do`; StoreBusy says so where it is not known whether it was kept.
        """
        with postponed():
            while self._done:
                try:
                    con = self._begun()
                    if self._in_doubt and self._is_kept(con):
                        con.execute("ROLLBACK")
                    else:
                        self._send(con)
                    self._in_doubt = False
                    return
                except psycopg.Error as error:
                    self._recover(error)

    def close(self) -> None:
        """Give the connection back; what was not committed is undone."""
        con, self._con = self._con, None
        if con is not None:
            connections.give_back(self._address.database, con)

    def _kept(self, found: Any) -> Any:
        """What a repetition is compared with; of a long reading, what is short."""
        if isinstance(found, tuple) and len(found) > 1 and isinstance(found[1], list):
            self._n_rows += len(found[1])
        return found if self._n_rows < _MOST_ROWS else _digest(found)

    def _send(self, con: psycopg.Connection) -> None:
        if self.write:
            number = tables.only(con, "INSERT INTO commits (write_id) VALUES (%s) RETURNING number", [self._write_id])
            if number % 100 == 0:
                con.execute(f"DELETE FROM commits WHERE at < now() - interval '{_KEPT}' AND number < {number}")
            self._in_doubt = True
        con.execute("COMMIT")

    def _begun(self) -> psycopg.Connection:
        """The connection, in a transaction in which all steps so far were done."""
        if self._con is None:
            self._con = con = connections.take(self._address.database, self._wait)
            if not self._alone:
                con.execute(_WRITE if self.write else _READ)
            if self.write:
                con.execute(tables.LOCK)
                if not self._begins_anew:
                    tables.require_known(tables.only(con, "SELECT max(version) FROM schema_version"))
            if not (self._in_doubt and self._is_kept(con)):
                self._repeat(con)
        return self._con

    def _is_kept(self, con: psycopg.Connection) -> bool:
        return tables.only(con, "SELECT count(*) FROM commits WHERE write_id = %s", [self._write_id]) > 0

    def _repeat(self, con: psycopg.Connection) -> None:
        for step, before in self._done:
            found = step(con)
            if found != before and _digest(found) != before:
                raise StoreBusy(f"the connection to the team's store {self._address.title} was lost, and others have "
                                "written meanwhile: nothing was changed, try again")

    def _recover(self, error: psycopg.Error) -> None:
        """Throw the connection away and wait a little; raises where nothing is to be waited for, or not any longer."""
        con, self._con = self._con, None
        if con is not None:
            (connections.throw_away if connections.may_mend(error) else connections.give_back)(
                self._address.database, con)
        if not connections.may_mend(error):
            raise connections.told(self._address.title, error) from None
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at + self._pause > self._wait:
            said = " ".join(str(error).split())[:160]
            what = ("it is not known whether the last change was kept" if self._in_doubt else
                    "nothing was changed" if self.write else "nothing can be read")
            raise StoreBusy(f"the team's store {self._address.title} cannot be reached since {now - self._lost_at:.0f} "
                            f"s: {what} ({said})") from None
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST)


def _digest(found: Any) -> bytes:
    return hashlib.sha256(repr(found).encode("utf-8", "surrogatepass")).digest()
