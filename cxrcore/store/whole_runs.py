"""Whole runs out of the store and into it, row for row.

A part of `store`; nobody else imports it. Rows go as Arrow tables with the names of `schema`, so that what comes back
in is what went out.
"""

from collections.abc import Mapping, Sequence, Set

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from cxrcore import ids
from cxrcore.errors import DataError, RunError
from cxrcore.store import run_checks, schema, whole_run_tables
from cxrcore.store.backends.base import StoreBase
from cxrcore.store.backends.session import Session
from cxrcore.store.file import OF_RUN, new_id, require
from cxrcore.store.records import CSV
from cxrcore.store.run_checks import SET_TABLES

RUN_TABLES = ("runs", "epochs", "prediction_sets")  # by run_id
DATA_TABLES = ("datasets", *run_checks.DATA_TABLES)  # by dataset_id
TABLES = (*RUN_TABLES, *SET_TABLES, *DATA_TABLES)
_REFUSED = (duckdb.DataError, duckdb.InvalidInputException, duckdb.NotSupportedError)  # of values, by the store itself


class WholeRuns(StoreBase):
    """All that belongs to a run."""

    def run_tables(self, run_id: str) -> dict[str, pa.Table]:
        """{table: its rows of this run and of its data set}, in the order they were written.

        Raises:
            RunError: no such run.
        """
        with self._read() as con:
            require(con, run_id=run_id)
            found = {}
            for tables, where in ((RUN_TABLES, "run_id = ?"), (SET_TABLES, OF_RUN), (
                    DATA_TABLES, "dataset_id IN (SELECT dataset_id FROM prediction_sets WHERE run_id = ? "
                                 "UNION SELECT dataset_id FROM runs WHERE run_id = ?)")):
                for table in tables:
                    found[table] = con.rows(table, self.run_columns()[table].names, where,
                                            [run_id] * where.count("?"), ("rowid",)).to_arrow_table()
        return found

    @staticmethod
    def run_columns() -> dict[str, pa.Schema]:
        """{table: its columns} of all that belongs to a run, as this version's store has them."""
        return {name: schema.columns()[name] for name in TABLES}

    def restore_run(self, tables: Mapping[str, pa.Table], *, as_copy: bool = False) -> str:
        """Put back what `run_tables` gave, into this store or another; films that it knows are not added again.

        All is checked before anything is written: the tables may come from anywhere. A run that says 'running' is
        kept as 'interrupted'.

        Args:
            tables: all of them; columns that they lack become NULL, those that the store lacks are left out. Without
                label_set_info, as earlier versions wrote them, every label set is its data set's own.
            as_copy: under new ids, with a name that says so, beside the run that may be there.

        Returns:
            run_id: the one it had, or the copy's.

        Raises:
            DataError: tables that are not one whole run; nothing is written.
            RunError: the store has this run, something under one of its ids, or other labels under the name of a label
                set of it; nothing is written.
        """
        found = run_checks.checked(whole_run_tables.conformed(with_label_set_info(tables), self.run_columns()))
        if as_copy:
            found = whole_run_tables.renamed(found, new_id)
        with self._write() as con:
            _require_new(con, found)
            held: set[tuple[str, ...]] = set(con.execute("SELECT dataset_id FROM datasets").fetchall())
            held_sets = set(con.execute("SELECT dataset_id, label_set FROM label_set_info "
                                        "ORDER BY dataset_id, label_set").fetchall())
            _require_same_labels(con, found)
            for name in TABLES:
                rows = found[name]
                if name in DATA_TABLES:
                    rows = _not_held(rows, held_sets if "label_set" in rows.column_names else held)
                if len(rows):
                    _insert(con, name, rows)
            _require_readable(con, found)
        return found["runs"]["run_id"][0].as_py()

    def require_new(self, tables: Mapping[str, pa.Table]) -> None:
        """RunError where `restore_run` would refuse these tables for what the store holds."""
        with self._read() as con:
            _require_new(con, tables)

    def require_same_labels(self, tables: Mapping[str, pa.Table]) -> None:
        """Metrics name the label set that they are measured on: under a name that the store has, it holds these labels.

        Raises:
            RunError: it holds others.
        """
        with self._read() as con:
            _require_same_labels(con, tables)


def _not_held(rows: pa.Table, held: Set[tuple[str, ...]]) -> pa.Table:
    """Rows of data sets, or of their label sets, that the store does not know."""
    keys = [rows[column].to_pylist() for column in ("dataset_id", "label_set") if column in rows.column_names]
    return rows.filter(pa.array([key not in held for key in zip(*keys, strict=True)], pa.bool_()))


def with_label_set_info(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables of a run of an earlier version, whose label sets were all in the order of their data set."""
    if "label_set_info" in tables or not {"datasets", "label_sets"} <= tables.keys():
        return dict(tables)
    names = dict(zip(*(tables["datasets"][column].to_pylist() for column in ("dataset_id", "findings")), strict=True))
    known = tables["label_sets"].group_by(["dataset_id", "label_set"], use_threads=False).aggregate([])
    return {**tables, "label_set_info": known.append_column("findings", pa.array(
        [names.get(one) for one in known["dataset_id"].to_pylist()], pa.list_(pa.string())))}


def _require_new(con: Session, tables: Mapping[str, pa.Table]) -> None:
    for table, column, own in whole_run_tables.ids_of(tables):
        there = con.execute(f"SELECT {column} FROM {table} WHERE {column} IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                            [own]).fetchone()
        if there:
            what = "run" if table == "runs" else table.replace("_", " ").removesuffix("s")
            raise RunError(f"this store already has {what} {there[0]}: nothing was changed (--as_copy brings it in "
                           "beside it, under new ids)")


def _require_same_labels(con: Session, tables: Mapping[str, pa.Table]) -> None:
    for key, brought in whole_run_tables.label_digests(tables).items():
        held = {table: con.rows(table, schema.columns()[table].names, "dataset_id = ? AND label_set = ?", key,
                                ("dataset_id", "label_set")).to_arrow_table()
                for table in ("label_set_info", "label_sets")}
        if len(held["label_set_info"]) and whole_run_tables.label_digests(held)[key] != brought:
            raise RunError(f"this store has other labels '{key[1]}' of data set {key[0]}: nothing was changed "
                           "(scripts/labels.py remove takes them away)")


def _insert(con: Session, name: str, rows: pa.Table) -> None:
    if name == "predictions":
        numbers = {one: ids.number_of(one) for one in rows["prediction_id"].unique().to_pylist()}
        rows = rows.append_column("id_number", pa.array(
            [numbers[one] for one in rows["prediction_id"].to_pylist()], pa.int64()))
    try:
        con.insert(name, rows)
    except _REFUSED as error:
        raise DataError(f"{name} cannot be kept: {' '.join(str(error).split())[:160]}") from None


def _require_readable(con: Session, tables: Mapping[str, pa.Table]) -> None:
    """Every film with a score has a patient and labels in the store's own data set of that id."""
    for row in tables["prediction_sets"].select(["prediction_id", "dataset_id"]).to_pylist():
        own = tables["predictions"].filter(pc.equal(tables["predictions"]["prediction_id"], row["prediction_id"]))
        known = [_stand_once(con, table, where, [row["dataset_id"], *further]) for table, where, *further in (
            ("images", "dataset_id = ?"), ("label_sets", "dataset_id = ? AND label_set = ?", CSV))]
        whole = pc.and_(*(pc.is_in(own["image_id"], value_set=names) for names in known))
        if lost := pc.sum(pc.invert(whole)).as_py():
            raise DataError(f"{lost} films of prediction set {row['prediction_id']} are not in this store's data set "
                            "of that id")


def _stand_once(con: Session, table: str, where: str, parameters: Sequence[str]) -> pa.Array:
    """Films that have one row."""
    counted = con.rows(table, ("image_id",), where, parameters).to_arrow_table()["image_id"].value_counts()
    return counted.field("values").filter(pc.equal(counted.field("counts"), 1))
