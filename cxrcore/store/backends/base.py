"""A store's lower half: which backend keeps its rows, and a transaction in it."""

import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxrcore.config import is_read_only
from cxrcore.errors import StoreError, StoreReadOnly
from cxrcore.store.backends.session import Backend, Session
from cxrcore.store.file import StoreFile, to_frame
from cxrcore.store.team import address


class StoreBase:
    """Rows in a file, or in a team's database; cheap to make, holds no connection.

    Args:
        url: path of a file, or `postgresql://user@host/database?films=/shared/folder`.
    """

    def __init__(self, url: str | Path):
        if not (is_team := address.is_one(url)):
            address.require_readable(url)
        self._backend: Backend = _team_store(str(url)) if is_team else StoreFile(url)

    @property
    def key(self) -> str:
        """What tells this store from all others; it opens with `Store(key)`."""
        return self._backend.key

    @property
    def title(self) -> str:
        """What people call it: short, and without a path."""
        return self._backend.title

    @property
    def is_file(self) -> bool:
        """Whether it is a file of its own."""
        return isinstance(self._backend, StoreFile)

    @property
    def file(self) -> StoreFile:
        """The store as a file.

        Raises:
            StoreError: a team's store, which is none.
        """
        if not isinstance(self._backend, StoreFile):
            raise StoreError(f"{self.title} is a team's store in a database: this is for a store that is a file")
        return self._backend

    @property
    def backend(self) -> Backend:
        """What keeps the rows."""
        return self._backend

    @property
    def path(self) -> Path:
        """Of the file, absolute, with `~` and links followed; StoreError as `file`."""
        return self.file.path

    @property
    def exists(self) -> bool:
        """Whether there is a store yet; the first write makes a file, `scripts/store.py init` a team's."""
        return self._backend.exists

    def make(self) -> bool:
        """Make the store where there is none, or bring it up to date; whether anything was changed.

        Raises:
            StoreError: it cannot be made; says why.
        """
        self.require_writable()
        return self._backend.make()

    @property
    def folder(self) -> Path:
        """Where runs' folders, prepared films and what was worked out lie."""
        return self._backend.folder

    def trouble(self, wait: float = 2.0) -> str:
        """Why the store cannot be read just now, in one line; '' where it can, or is not there yet.

        Args:
            wait: seconds for one's turn.
        """
        return self._backend.trouble(wait)

    def require_writable(self) -> None:
        """StoreReadOnly where nobody may change a store: every writer asks before it begins."""
        if is_read_only():
            raise StoreReadOnly("this only shows results (CXR_READ_ONLY is set): nothing was changed")

    def change_token(self) -> tuple[int, ...]:
        """A value that changes with every commit; cheap."""
        return self._backend.change_token()

    def copy_before(self) -> Path | None:
        """The copy from before the store's form last changed, if it still lies beside the store.

        An older store is brought up to date first.
        """
        return self._backend.copy_before()

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """All that this thread reads of the store inside is read in one opening of it, and of one moment."""
        return self._backend.reading()

    @contextlib.contextmanager
    def _write(self) -> Generator[Session]:
        """One transaction; an exception inside leaves the store as it was."""
        self.require_writable()
        with self._backend.write() as session:
            yield session

    @contextlib.contextmanager
    def _read(self) -> Generator[Session]:
        with self._backend.read() as session:
            yield session

    def _frame(self, query: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        with self._read() as session:
            return to_frame(session.execute(query, parameters))


def _team_store(url: str) -> Backend:
    try:
        from cxrcore.store.team.team_store import TeamStore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("psycopg", "psycopg_pool"):
            raise
        raise StoreError("a team's store needs the package psycopg: pip install 'psycopg[binary,pool]'") from None
    return TeamStore(url)
