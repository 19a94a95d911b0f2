"""What PostgreSQL and Parquet files answer, in the types that DuckDB gives the same rows."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from cxrcore.store.team.tables import HIDDEN
from cxrcore.store.turns import in_memory

_TYPES = {16: pa.bool_(), 20: pa.int64(), 21: pa.int32(), 23: pa.int32(), 25: pa.string(), 700: pa.float32(),
          701: pa.float64(), 1043: pa.string(), 1009: pa.list_(pa.string()), 1022: pa.list_(pa.float64())}
# By PostgreSQL's numbers of its types; of moments, which are told in the machine's own time zone:
_MOMENT = 1184


class TableAnswer:
    """Rows of an Arrow table; see `session.Answer`."""

    def __init__(self, table: pa.Table):
        self._table = table

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return next(self._left, None)

    def fetchall(self) -> list[Any]:
        """All rows."""
        return list(self._left)

    def to_arrow_table(self) -> pa.Table:
        """All rows."""
        return self._table

    @functools.cached_property
    def _left(self) -> Iterator[tuple[Any, ...]]:
        """The rows as Python's own values, which for films and scores take longer to make than to read."""
        return zip(*(column.to_pylist() for column in self._table.columns), strict=True)


class RowsAnswer:
    """Rows of PostgreSQL; see `session.Answer`. What `store.schema` has no column for is left out.

    Attributes:
        columns: (name, number of its type).
    """

    def __init__(self, columns: Sequence[tuple[str, int]], rows: Sequence[tuple[Any, ...]]):
        self._shown = [place for place, (name, _) in enumerate(columns) if name not in HIDDEN]
        self.columns = [columns[place] for place in self._shown]
        self._all_shown, self._rows = len(self._shown) == len(columns), rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return next(self._left, None)

    def fetchall(self) -> list[Any]:
        """All rows."""
        return list(self._left)

    def to_arrow_table(self) -> pa.Table:
        """All rows."""
        values = list(zip(*self._rows, strict=True))  # columns, of which those that are left out cost nothing more
        return pa.table([pa.array(values[place] if values else (), _moment() if oid == _MOMENT else _TYPES[oid])
                         for place, (_, oid) in zip(self._shown, self.columns, strict=True)],
                        names=[name for name, _ in self.columns])

    @functools.cached_property
    def _left(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows if self._all_shown else [tuple(row[place] for place in self._shown)
                                                        for row in self._rows])


@functools.cache
def _moment() -> pa.DataType:
    """A moment's type as DuckDB gives it here."""
    with in_memory() as con:
        return con.execute("SELECT now() AS moment").to_arrow_table().schema.field("moment").type
