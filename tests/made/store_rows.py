"""What a store of either kind holds, counted past its own methods."""

import duckdb

from cxrcore.store import Store
from cxrcore.store.backends.session import LARGE


def rows_in(store: Store, table: str, where: str = "true") -> int:
    """How many rows; of a team's large tables, as the database says of its parts."""
    if store.is_file:
        with duckdb.connect(str(store.path), read_only=True) as con:
            return con.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
    counted = "coalesce(sum(n_rows), 0)::bigint AS n" if table in LARGE else "count(*)"
    return rows_of(store, f"SELECT {counted} FROM {table} WHERE {where}")[0][0]


def rows_of(store: Store, query: str) -> list[tuple]:
    """What a query of the SQL that both kinds share gives."""
    if store.is_file:
        with duckdb.connect(str(store.path), read_only=True) as con:
            return con.execute(query).fetchall()
    with store._read() as con:
        return con.execute(query).fetchall()
