"""A team's store as a backend: its address, its shared folder, and transactions; see `backends.session.Backend`."""

import contextlib
import json
import math
import secrets
import threading
from collections.abc import Generator
from contextvars import ContextVar
from pathlib import Path

import psycopg

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import DataError, StoreError
from cxrcore.store.team import address, leases, tables
from cxrcore.store.team.team_session import TeamSession, statement
from cxrcore.store.team.transaction import Transaction

MARK = "team_store.json"  # in the shared folder: whose it is, so that one that is not mounted is noticed

_open_here: ContextVar[tuple[str, TeamSession] | None] = ContextVar("open_here", default=None)
_known: set[str] = set()
_known_guard = threading.Lock()


class TeamStore:
    """A database and a shared folder; cheap to make, holds no connection.

    Args:
        url: as `address.parsed` takes it.

    Attributes:
        folder: shared, absolute.
    """

    def __init__(self, url: str):
        self.address = address.parsed(url)
        self.folder = self.address.films

    @property
    def key(self) -> str:
        """The whole address."""
        return self.address.key

    @property
    def title(self) -> str:
        """'database on host'."""
        return self.address.title

    @property
    def exists(self) -> bool:
        """Whether the database has the store's tables."""
        return self._version(None) > 0

    def trouble(self, wait: float) -> str:
        """Why it cannot be read just now."""
        try:
            with self._session(write=False, wait=wait) as session:
                session.execute("SELECT count(*) FROM store_info").fetchone()
        except StoreError as error:
            return str(error)
        return ""

    def change_token(self) -> tuple[int, ...]:
        """The number of the last commit: one question of less than a millisecond, outside of any transaction."""
        held = _open_here.get()
        if held is not None and held[0] == self.key:
            return tuple(held[1].execute("SELECT coalesce(max(number), 0) FROM commits").fetchone() or ())
        with contextlib.closing(Transaction(self.address, write=False, alone=True)) as asked:
            _, rows = asked.do(statement("SELECT coalesce(max(number), 0) FROM commits", ()))
        return rows[0]

    def copy_before(self) -> Path | None:
        """A database is backed up by its own means."""
        return None

    def lease(self, key: str) -> contextlib.AbstractContextManager[leases.Lease]:
        """What nobody else of the team holds at the same time."""
        return leases.held(self.address, key)

    def heard(self, key: str) -> tuple[str, float] | None:
        """Who holds a lease, and seconds since it was heard by the database's clock."""
        found = leases.heard(self.address, key)
        if found is None:
            return None
        holder, who, silence = found
        return who, math.inf if leases.is_gone(holder) else silence

    @contextlib.contextmanager
    def write(self) -> Generator[TeamSession]:
        """A transaction."""
        with self._session(write=True) as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def read(self) -> Generator[TeamSession]:
        """A transaction that changes nothing; in `reading`, the one that is under way."""
        held = _open_here.get()
        if held is not None and held[0] == self.key:
            yield held[1]
            return
        with self._session(write=False) as session:
            yield session

    @contextlib.contextmanager
    def reading(self) -> Generator[None]:
        """All that this thread reads inside is of one moment."""
        with self.read() as session:
            token = _open_here.set((self.key, session))
            try:
                yield
            finally:
                _open_here.reset(token)

    def make(self) -> bool:
        """Make the tables, or bring them up to date, and mark the shared folder; whether anything was changed.

        Raises:
            StoreError: the folder is not there or is another store's; or what the database says.
        """
        store_id = self._mark() or secrets.token_hex(8)
        if not self.folder.is_dir():
            raise StoreError(f"the shared folder {self.folder} is not there: make it, or mount it, first")

        def step(con: psycopg.Connection) -> tuple[int, str]:
            before = tables.version(con)
            tables.apply(con, store_id)
            return before, str(tables.only(con, "SELECT store_id FROM store_info"))

        with contextlib.closing(Transaction(self.address, write=True, begins_anew=True)) as making:
            before, held = making.do(step)
            if (marked := self._mark()) is not None and marked != held:
                raise StoreError(f"the folder {self.folder} belongs to another team's store than the database "
                                 f"{self.title}: give each store a folder of its own")
            making.commit()
        with replacing(self.folder / MARK) as partial:
            partial.write_text(json.dumps({"store": held}))
        return before < len(tables.STEPS)

    # -- its parts

    @contextlib.contextmanager
    def _session(self, *, write: bool, wait: float | None = None) -> Generator[TeamSession]:
        self._require_known(wait)
        with contextlib.closing(TeamSession(Transaction(self.address, write=write, wait=wait), self.folder)) as session:
            yield session

    def _require_known(self, wait: float | None) -> None:
        """The tables are there and known, and the shared folder is theirs: looked at once a process, the folder always.

        Raises:
            StoreError: what is not so, and what to do.
        """
        marked = self._mark()
        with _known_guard:
            if f"{marked} {self.key}" in _known:
                return
        applied = self._version(wait)
        if applied < len(tables.STEPS):
            what = (f"has tables of form {applied} of {len(tables.STEPS)}" if applied else
                    "has no tables of the workbench that you may see")
            raise StoreError(f"the database of the team's store {self.title} {what}: python scripts/store.py init "
                             "makes them")
        with contextlib.closing(Transaction(self.address, write=False, wait=wait)) as asked:
            _, rows = asked.do(statement("SELECT store_id FROM store_info", ()))
        if marked != rows[0][0]:
            what = "is not there, or not mounted" if marked is None else "belongs to another store"
            raise StoreError(f"the shared folder {self.folder} of the team's store {self.title} {what}: it has to hold "
                             f"the store's {MARK}")
        with _known_guard:
            _known.add(f"{marked} {self.key}")

    def _version(self, wait: float | None) -> int:
        with contextlib.closing(Transaction(self.address, write=False, wait=wait)) as asked:
            return asked.do(tables.version)

    def _mark(self) -> str | None:
        """What the shared folder says whose it is; None where it says nothing."""
        try:
            said = bounded_file.settings(self.folder / MARK)
        except (OSError, ValueError, DataError):
            return None
        return str(said.get("store")) if isinstance(said, dict) else None
