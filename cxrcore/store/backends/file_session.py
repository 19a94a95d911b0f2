"""A transaction in a store's own file, and what is asked there in DuckDB's own words."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from cxrcore.store.run_folder import LAST
from cxrcore.store.turns import one_row

# Rows are added by every measurement and replaced by none: its number within the prediction set tells the newest. Rows
# of one measurement are one transaction's, so only two of the same key in one call are told apart by their place.
_NEWEST = "row_number() OVER (PARTITION BY {} ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1"
_METRICS = (f"(SELECT * EXCLUDE (measurement) FROM metrics WHERE {{}} "
            f"QUALIFY {_NEWEST.format('prediction_id, label_set, finding, metric, set_id')})")
# Which set of a run's split stands for it: measured before unmeasured, complete before subsets, best before last, the
# film alone before a mean over views.
_CHOSEN = f"""QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY
    prediction_id IN (SELECT DISTINCT prediction_id FROM metrics WHERE label_set = 'csv') DESC, n = n_expected DESC,
    coalesce(checkpoint, '') = '{LAST}', coalesce(precision, '') LIKE '%views', created_at DESC,
    prediction_id DESC) = 1"""

# The macro means of the leaderboard. Of some hundred rows a prediction set they are a handful: they alone are told by
# age, by no more columns than needed; F1 stands for each threshold set, of which only those of one aim are asked for.
# The newest of each is the greatest of its group: half the time of numbering the rows in it.
_NEWEST_OF_ROW = "arg_max({'value': value, 'low': low, 'high': high, 'n': n}, row(coalesce(measurement, -1), rowid))"
_MEANS = f"""SELECT prediction_id, {_NEWEST_OF_ROW} FILTER (metric = 'auroc') AS auroc,
        {_NEWEST_OF_ROW} FILTER (metric = 'ap') AS ap FROM metrics
    WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap') GROUP BY prediction_id"""
_MACRO_F1 = f"""SELECT prediction_id, set_id, {_NEWEST_OF_ROW} AS f1 FROM metrics
    WHERE label_set = 'csv' AND finding = 'macro' AND metric = 'f1'
        AND set_id IN (SELECT set_id FROM threshold_sets WHERE objective = 'max_f1')
    GROUP BY prediction_id, set_id"""
# How many findings have an AUROC, of each prediction set. Most were measured once, and their rows need only counting:
# to tell the newest of a million rows takes four times as long.
_OF_FINDINGS = "FROM metrics WHERE label_set = 'csv' AND metric = 'auroc' AND finding <> 'macro' AND finding <> 'micro'"
_OWN = f"""SELECT prediction_id, count(value) AS n_defined,
    coalesce(min(measurement) = max(measurement) AND count(measurement) = count(*), false) AS once
    {_OF_FINDINGS} GROUP BY prediction_id"""
_DEFINED = f"""SELECT prediction_id, n_defined FROM own WHERE once UNION ALL
    SELECT prediction_id, count(value) AS n_defined FROM (SELECT prediction_id, value {_OF_FINDINGS}
        AND prediction_id IN (SELECT prediction_id FROM own WHERE NOT once)
        QUALIFY {_NEWEST.format('prediction_id, finding')}) GROUP BY prediction_id"""


class FileSession:
    """One transaction on an open connection; see `session.Session`.

    Attributes:
        con: the connection.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection):
        self.con = con

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Do one statement."""
        return self.con.execute(query, list(parameters))

    def insert(self, table: str, rows: pa.Table, **same: Any) -> None:
        """Add rows by the names of their columns."""
        further = "".join(f", ? AS {column}" for column in same)
        self.con.register("new_rows", rows)
        try:
            self.con.execute(f"INSERT INTO {table} BY NAME SELECT *{further} FROM new_rows", list(same.values()))
        finally:
            self.con.unregister("new_rows")

    def rows(self, table: str, columns: Sequence[str], where: str, parameters: Sequence[Any],
             order: Sequence[str] = ()) -> duckdb.DuckDBPyConnection:
        """Rows of one table."""
        by = f" ORDER BY {', '.join(order)}" if order else ""
        return self.con.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}{by}", list(parameters))

    def strangers(self, dataset_id: str, image_ids: pa.Table) -> int:
        """How many of these films are not of the data set."""
        self.con.register("named_films", image_ids)
        try:
            return one_row(self.con.execute(
                "SELECT count(*) FROM named_films ANTI JOIN (SELECT image_id FROM images WHERE dataset_id = ?) "
                "USING (image_id)", [dataset_id]))[0]
        finally:
            self.con.unregister("named_films")

    def metrics(self, prediction_ids: Sequence[str]) -> duckdb.DuckDBPyConnection:
        """As `Store.metrics`."""
        return self.con.execute(f"""
            SELECT m.*, t.name AS threshold_set FROM {_METRICS.format("list_contains(?, prediction_id)")} m
            LEFT JOIN threshold_sets t USING (set_id)
            ORDER BY m.prediction_id, label_set, metric, set_id, finding""", [list(prediction_ids)])

    def localization(self, prediction_ids: Sequence[str]) -> duckdb.DuckDBPyConnection:
        """As `Store.localization`."""
        return self.con.execute(f"""
            SELECT * EXCLUDE (measurement) FROM localization WHERE list_contains(?, prediction_id)
            QUALIFY {_NEWEST.format("prediction_id, method, image_id, finding")}
            ORDER BY prediction_id, method, image_id, finding""", [list(prediction_ids)])

    def chosen_set(self, run_id: str, split: str, checkpoint_sha256: str | None) -> duckdb.DuckDBPyConnection:
        """prediction_id, as `Store.chosen_set`."""
        return self.con.execute(f"""SELECT prediction_id FROM prediction_sets WHERE run_id = ? AND split = ?
                                    AND (? IS NULL OR checkpoint_sha256 = ?) {_CHOSEN} ORDER BY prediction_id""",
                                [run_id, split, checkpoint_sha256, checkpoint_sha256])

    def leaderboard(self) -> duckdb.DuckDBPyConnection:
        """As `Store.leaderboard`."""
        order = "row(fitted.prediction_id = val.prediction_id, fitted.split = 'val', t.created_at, t.set_id)"
        means = ", ".join(f"{mean}.{side} AS {name}{end}"
                          for mean, name in (("m.auroc", "auroc"), ("m.ap", "ap"), ("best.f1", "f1"))
                          for side, end in (("value", ""), ("low", "_low"), ("high", "_high")))
        return self.con.execute(f"""
            WITH newest AS (SELECT prediction_id, run_id, split, dataset_id, n, n_expected, checkpoint
                            FROM prediction_sets {_CHOSEN}),
            means AS ({_MEANS}), macro_f1 AS ({_MACRO_F1}), own AS ({_OWN}), defined AS ({_DEFINED}),
            f1 AS (SELECT s.prediction_id, arg_max({{'f1': m.f1, 'split': fitted.split}}, {order}) AS best
                FROM macro_f1 m JOIN newest s USING (prediction_id) JOIN threshold_sets t USING (set_id)
                JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id AND fitted.run_id = s.run_id
                LEFT JOIN newest val ON val.run_id = s.run_id AND val.split = 'val'
                WHERE m.f1.value IS NOT NULL GROUP BY s.prediction_id)
            SELECT s.run_id, s.split, prediction_id, s.dataset_id, least(m.auroc.n, s.n) AS n, s.n_expected,
                s.checkpoint, {means}, best.split AS f1_fitted_on, coalesce(n_defined, 0) AS n_defined
            FROM newest s LEFT JOIN means m USING (prediction_id) LEFT JOIN f1 USING (prediction_id)
            LEFT JOIN defined USING (prediction_id)
            ORDER BY s.run_id DESC, s.split""")
