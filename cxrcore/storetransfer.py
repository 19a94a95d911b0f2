"""Whole runs out of the store and into it, row for row.

A part of `store`; nobody else imports it. Rows go as Arrow tables with the names of `schema`, so that what comes back
in is what went out.
"""

from collections.abc import Mapping

import pyarrow as pa

from cxrcore.errors import RunError, StoreError
from cxrcore.storefile import StoreFile, require

RUN_TABLES = ("runs", "epochs", "prediction_sets")  # by run_id
SET_TABLES = ("predictions", "threshold_sets", "calibrators", "metrics", "localization")  # by prediction_id
DATA_TABLES = ("datasets", "images", "label_sets", "boxes")  # by dataset_id
_OF_RUN = "prediction_id IN (SELECT prediction_id FROM prediction_sets WHERE run_id = ?)"


class TransferTables(StoreFile):
    """All that belongs to a run."""

    def run_tables(self, run_id: str) -> dict[str, pa.Table]:
        """{table: its rows of this run and of its data set}, in the order they were written.

        Raises:
            RunError: no such run.
        """
        with self._read() as con:
            require(con, run_id=run_id)
            found = {}
            for tables, where in ((RUN_TABLES, "run_id = ?"), (SET_TABLES, _OF_RUN), (
                    DATA_TABLES, "dataset_id IN (SELECT dataset_id FROM prediction_sets WHERE run_id = ? "
                                 "UNION SELECT dataset_id FROM runs WHERE run_id = ?)")):
                for table in tables:
                    found[table] = con.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY rowid",
                                               [run_id] * where.count("?")).to_arrow_table()
        return found

    def restore_run(self, tables: Mapping[str, pa.Table]) -> str:
        """Put back what `run_tables` gave, into this store or another; films that it knows are not added again.

        Args:
            tables: all of them, with the columns that they had; those that this version added since become NULL.

        Returns:
            run_id, the one it had.

        Raises:
            RunError: the store has this run.
            StoreError: tables that do not belong together.
        """
        runs = tables["runs"]["run_id"].to_pylist()
        sets = tables["prediction_sets"]
        known = set(sets["prediction_id"].to_pylist())
        if len(runs) != 1 or set(sets["run_id"].to_pylist()) > set(runs) or any(
                not set(tables[name]["prediction_id"].unique().to_pylist()) <= known for name in SET_TABLES):
            raise StoreError("these tables are not one run with its predictions")
        with self._write() as con:
            if con.execute("SELECT 1 FROM runs WHERE run_id = ?", runs).fetchone():
                raise RunError(f"this store already has run {runs[0]}: nothing was changed")
            held = {row[0] for row in con.execute("SELECT dataset_id FROM datasets").fetchall()}
            for name in (*RUN_TABLES, *SET_TABLES, *DATA_TABLES):
                rows = tables[name]
                if name in DATA_TABLES:
                    rows = rows.filter(pa.array([one not in held for one in rows["dataset_id"].to_pylist()],
                                                pa.bool_()))
                if len(rows):
                    con.register("restored_rows", rows)
                    con.execute(f"INSERT INTO {name} BY NAME SELECT * FROM restored_rows")
                    con.unregister("restored_rows")
        return runs[0]
