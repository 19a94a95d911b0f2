"""What `Store` asks of whatever keeps its rows: a transaction, and the few things that are done in one.

Queries are in the SQL that DuckDB and PostgreSQL share, with `?` for parameters. Of the large tables, which a team
keeps as files, a query may name only the columns that tell their parts apart (`LARGE`); their rows go in and out by
`insert` and `rows`. What each kind has to be asked in words of its own stands in its own module.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

LARGE = {  # {table: the columns that tell its parts apart}: a part is written at once, and never changed
    "images": ("dataset_id",), "boxes": ("dataset_id",), "label_sets": ("dataset_id", "label_set"),
    "predictions": ("prediction_id",), "localization": ("prediction_id", "measurement")}

LEASE_STALE = 60.0  # seconds of silence after which the holder of a lease counts as gone


class Answer(Protocol):
    """The rows that were asked for."""

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row; None after the last one."""

    def fetchall(self) -> list[Any]:
        """All rows as tuples."""

    def to_arrow_table(self) -> pa.Table:
        """All rows."""


class Session(Protocol):
    """One transaction."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Tables that only this kind of store has, by prediction_id; what is in them follows from others."""

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> Answer:
        """Do one statement.

        Args:
            parameters: a value for each `?`.
        """

    def insert(self, table: str, rows: pa.Table, **same: Any) -> None:
        """Add rows by the names of their columns; what a row lacks is NULL.

        Args:
            same: columns that have one value in all rows.
        """

    def rows(self, table: str, columns: Sequence[str], where: str, parameters: Sequence[Any],
             order: Sequence[str] = ()) -> Answer:
        """Rows of one table, a large one too.

        Args:
            where: of a large table, by the columns of `LARGE` and, for predictions, `id_number`.
            order: columns; `rowid` is the order in which rows were written; () is any.
        """

    def strangers(self, dataset_id: str, image_ids: pa.Table) -> int:
        """How many of these films are not of the data set.

        Args:
            image_ids: with a column image_id.
        """

    def metrics(self, prediction_ids: Sequence[str]) -> Answer:
        """As `Store.metrics`."""

    def localization(self, prediction_ids: Sequence[str]) -> Answer:
        """As `Store.localization`."""

    def chosen_set(self, run_id: str, split: str, checkpoint_sha256: str | None) -> Answer:
        """prediction_id, as `Store.chosen_set`."""

    def leaderboard(self) -> Answer:
        """As `Store.leaderboard`."""


class Held(Protocol):
    """A lease that is held."""

    @property
    def is_lost(self) -> bool:
        """Whether somebody else took it over, after nothing was heard of its holder for `LEASE_STALE` seconds."""

    def require(self) -> None:
        """RunError where it is lost."""


class Unwatched:
    """In place of a lease where the locks of a folder tell who is at what."""

    is_lost = False

    def require(self) -> None:
        """It is never lost."""


class Backend(Protocol):
    """Where rows are kept."""

    @property
    def key(self) -> str:
        """What tells this store from all others; it opens with `Store(key)`."""

    @property
    def title(self) -> str:
        """What people call it: short, and without a path."""

    @property
    def exists(self) -> bool:
        """Whether there is a store yet."""

    @property
    def folder(self) -> Path:
        """Where runs' folders, prepared films and what was worked out lie."""

    def make(self) -> bool:
        """Make it, or bring it up to date; whether anything was changed."""

    def trouble(self, wait: float) -> str:
        """Why it cannot be read just now, in one line; '' where it can, or is not there yet."""

    def change_token(self) -> tuple[int, ...]:
        """A value that changes with every commit; cheap."""

    def copy_before(self) -> Path | None:
        """The copy from before the store's form last changed, if there is one."""

    def lease(self, key: str) -> AbstractContextManager["Held"]:
        """What nobody else of a team holds at the same time; BeingTrained where somebody does."""

    def heard(self, key: str) -> tuple[str, float] | None:
        """(who holds a lease, seconds since it was heard by the store's own clock); None where nobody has it."""

    def read(self) -> AbstractContextManager[Session]:
        """A transaction that changes nothing; all of it is of one moment."""

    def write(self) -> AbstractContextManager[Session]:
        """A transaction; an exception inside leaves all as it was."""

    def reading(self) -> AbstractContextManager[None]:
        """All that this thread reads inside is read in one transaction."""
