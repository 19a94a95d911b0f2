"""A transaction in a team's store: rows in PostgreSQL, large tables as parts; see `backends.session.Session`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.store import schema
from cxrcore.store.backends.session import LARGE
from cxrcore.store.records import CSV
from cxrcore.store.team import parts, questions, standing
from cxrcore.store.team.answers import RowsAnswer, TableAnswer
from cxrcore.store.team.transaction import Transaction

_DELETES = re.compile(rf"\s*DELETE\s+FROM\s+({'|'.join(LARGE)})\b", re.IGNORECASE)


class TeamSession:
    """One transaction.

    Args:
        root: the shared folder.
    """

    kept = ()

    def __init__(self, transaction: Transaction, root: Path):
        self._transaction, self._root = transaction, root
        self._written: list[parts.Part] = []
        self._deleted: list[tuple[str, str]] = []  # (table, file)

    # -- as `Session`

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> RowsAnswer:
        """Do one statement."""
        deletes = _DELETES.match(query)
        columns, rows = self._transaction.do(statement(f"{query} RETURNING file" if deletes else query, parameters))
        if deletes:
            self._deleted += [(deletes[1], file) for (file,) in rows]
            return RowsAnswer((), ())
        return RowsAnswer(columns, rows)

    def insert(self, table: str, rows: pa.Table, **same: Any) -> None:
        """Add rows by the names of their columns; those of a large table as parts."""
        if table in LARGE:
            for key, own in parts.pieces(table, rows, same):
                part = parts.write(self._root, table, key, own)
                self._written.append(part)
                self._name(part)
            return
        if not len(rows):
            return
        names = [*rows.column_names, *same]
        values = [tuple(row) + tuple(same.values()) for row in zip(*(
            column.to_pylist() for column in rows.columns), strict=True)]
        self._transaction.do(_copy(table, names, values))
        if table == "metrics":
            self._keep_standing(rows, same)

    def rows(self, table: str, columns: Sequence[str], where: str, parameters: Sequence[Any],
             order: Sequence[str] = ()) -> RowsAnswer | TableAnswer:
        """Rows of one table, a large one too."""
        if table not in LARGE:
            by = f" ORDER BY {', '.join(order)}" if order else ""
            found = self.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}{by}", parameters)
            kinds = schema.columns()[table]
            answer = found.to_arrow_table()
            return TableAnswer(answer.cast(pa.schema([kinds.field(name) for name in columns])))
        found = self._of_parts(table, columns, where, parameters)
        if order and tuple(order) != ("rowid",):
            found = found.take(pc.sort_indices(found, sort_keys=[(name, "ascending") for name in order]))
        return TableAnswer(found)

    def strangers(self, dataset_id: str, image_ids: pa.Table) -> int:
        """How many of these films are not of the data set."""
        known = self._of_parts("images", ("image_id",), "dataset_id = ?", [dataset_id])["image_id"].combine_chunks()
        return pc.index_in(image_ids["image_id"].cast(pa.string()), value_set=known).null_count

    def metrics(self, prediction_ids: Sequence[str]) -> RowsAnswer:
        """As `Store.metrics`."""
        return self.execute(questions.METRICS, [list(prediction_ids)])

    def localization(self, prediction_ids: Sequence[str]) -> TableAnswer:
        """As `Store.localization`."""
        names = schema.columns()["localization"].names
        measured = self._of_parts("localization", names, "prediction_id = ANY(?)", [list(prediction_ids)])
        measured = measured.append_column("place", pa.array(range(len(measured)), pa.int64()))
        with duckdb.connect() as con:
            con.register("measured", measured)
            return TableAnswer(con.execute(questions.LOCALIZATION).to_arrow_table())

    def chosen_set(self, run_id: str, split: str, checkpoint_sha256: str | None) -> RowsAnswer:
        """prediction_id, as `Store.chosen_set`."""
        return self.execute(questions.CHOSEN, [run_id, split, checkpoint_sha256, checkpoint_sha256])

    def leaderboard(self) -> RowsAnswer:
        """As `Store.leaderboard`."""
        return self.execute(questions.LEADERBOARD)

    # -- its end

    def commit(self) -> None:
        """Keep what was done; then the files that no row names any more are deleted."""
        self._transaction.commit()
        self._written = []
        for table, file in self._deleted:
            parts.remove(self._root, table, [file])

    def close(self) -> None:
        """Give the connection back; of what was not committed no file stays either."""
        self._transaction.close()
        if not self._transaction.in_doubt:
            for part in self._written:
                parts.remove(self._root, part.table, [part.file])

    # -- large tables

    def _name(self, part: parts.Part) -> None:
        """The row that stands for a part."""
        names = [*LARGE[part.table], "file", "n_rows", "n_bytes", "sha256"]
        values = [*part.key, part.file, part.n_rows, part.n_bytes, part.sha256]
        if part.table == "predictions":
            names, values = [*names, "id_number"], [*values, ids.number_of(str(part.key[0]))]
        marks = ", ".join("?" for _ in values)
        self._transaction.do(statement(f"INSERT INTO {part.table} ({', '.join(names)}) VALUES ({marks})", values))

    def _of_parts(self, table: str, columns: Sequence[str], where: str, parameters: Sequence[Any]) -> pa.Table:
        """These columns of all parts that are asked for, in the order they were written."""
        keys = LARGE[table]
        _, rows = self._transaction.do(statement(
            f"SELECT {', '.join(keys)}, file, n_rows FROM {table} WHERE {where} ORDER BY rowid", parameters))
        kinds = schema.columns()[table]
        wanted = pa.schema([kinds.field(name) for name in columns])
        held = [name for name in columns if name not in keys]
        found = []
        for *key, file, n_rows in rows:
            own, known = parts.read(self._root, table, file, n_rows, held), dict(zip(keys, key, strict=True))
            found.append(pa.table([pa.array([known[name]] * len(own), kinds.field(name).type) if name in known
                                   else own[name].cast(kinds.field(name).type) for name in columns], schema=wanted))
        return pa.concat_tables(found) if found else wanted.empty_table()

    def _keep_standing(self, rows: pa.Table, same: dict[str, Any]) -> None:
        """Keep how prediction sets stand that were measured on the labels that their data set came with."""
        table = rows.select([name for name in ("prediction_id", "label_set") if name in rows.column_names])
        for name in ("prediction_id", "label_set"):
            if name in same:
                table = table.append_column(name, pa.array([same[name]] * len(rows), pa.string()))
        own = table.filter(pc.equal(table["label_set"], CSV))["prediction_id"].unique().to_pylist()
        if own:
            kept = standing.KEEP.format(which="prediction_id = ANY(?)")
            self._transaction.do(statement(kept, [own] * kept.count("?")))


Rows = tuple[tuple[tuple[str, int], ...], list[tuple[Any, ...]]]  # (name, number of its type) of the columns; rows


def statement(query: str, parameters: Sequence[Any]) -> Callable[[psycopg.Connection], Rows]:
    """A step of a `Transaction`: one statement in the SQL that both kinds of stores share."""
    text = query.replace("%", "%%").replace("?", "%s")

    def step(con: psycopg.Connection) -> Rows:
        cursor = con.execute(text, list(parameters))
        if cursor.description is None:
            return (), []
        return tuple((column.name, column.type_code) for column in cursor.description), cursor.fetchall()

    return step


def _copy(table: str, names: Sequence[str], values: Sequence[tuple[Any, ...]]) -> Callable[[psycopg.Connection], None]:
    def step(con: psycopg.Connection) -> None:
        with con.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)

    return step
