"""A transaction in a store's own file, and what is asked there in DuckDB's own words."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from cxrcore.store.backends import standing
from cxrcore.store.records import CSV
from cxrcore.store.run_folder import LAST
from cxrcore.store.turns import one_row

# Rows are added by every measurement and replaced by none: its number within the prediction set tells the newest. Rows
# of one measurement are one transaction's, so only two of the same key in one call are told apart by their place.
_NEWEST = "row_number() OVER (PARTITION BY {} ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1"
_METRICS = (f"(SELECT * EXCLUDE (measurement) FROM metrics WHERE {{}} "
            f"QUALIFY {_NEWEST.format('prediction_id, label_set, finding, metric, set_id')})")
# Which set of a run's split stands for it: measured before unmeasured, complete before subsets, best before last, the
# film alone before a mean over views.
# The greatest of a group: half the time of numbering the rows in it.
_RANK = f"""row(coalesce(prediction_id IN (SELECT prediction_id FROM {standing.TABLE}), false),
    coalesce((n = n_expected)::INTEGER, -1),
    coalesce(checkpoint, '') <> '{LAST}', coalesce(precision, '') NOT LIKE '%views',
    coalesce(created_at, '-infinity'::TIMESTAMPTZ), prediction_id)"""
_CHOSEN = f"""SELECT run_id, split, one.prediction_id, one.dataset_id, one.n, one.n_expected, one.checkpoint FROM (
    SELECT run_id, split, arg_max(prediction_sets, {_RANK}) AS one FROM prediction_sets GROUP BY run_id, split)"""
# What `standing` keeps, a row a prediction set, and one a threshold set of the aim that the leaderboard shows.
_MEANS = f"""SELECT prediction_id, {", ".join(
    f"max({side}) FILTER (metric = '{metric}') AS {metric}{end}" for metric in ("auroc", "ap")
    for side, end in (("value", ""), ("low", "_low"), ("high", "_high")))},
    max(n) FILTER (metric = 'auroc') AS n_measured, max(n) FILTER (metric = '{standing.FINDINGS}') AS n_defined
    FROM {standing.TABLE} GROUP BY prediction_id"""
_MACRO_F1 = f"""SELECT prediction_id, set_id, value, low, high FROM {standing.TABLE} WHERE metric = 'f1'
    AND set_id IN (SELECT set_id FROM threshold_sets WHERE objective = 'max_f1')"""


class FileSession:
    """One transaction on an open connection; see `session.Session`.

    Attributes:
        con: the connection.
    """

    kept = (standing.TABLE,)

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
        if table == "metrics" and same.get("label_set", CSV) == CSV:
            standing.keep(self.con, [same["prediction_id"]] if "prediction_id" in same
                          else rows["prediction_id"].unique().to_pylist())

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
        return self.con.execute(f"""SELECT arg_max(prediction_id, {_RANK}) AS chosen FROM prediction_sets
                                    WHERE run_id = ? AND split = ? AND (? IS NULL OR checkpoint_sha256 = ?)
                                    GROUP BY run_id, split ORDER BY chosen""",
                                [run_id, split, checkpoint_sha256, checkpoint_sha256])

    def leaderboard(self) -> duckdb.DuckDBPyConnection:
        """As `Store.leaderboard`."""
        order = "row(fitted.prediction_id = val.prediction_id, fitted.split = 'val', t.created_at, t.set_id)"
        return self.con.execute(f"""
            WITH newest AS ({_CHOSEN}),
            means AS ({_MEANS}), macro_f1 AS ({_MACRO_F1}),
            f1 AS (SELECT s.prediction_id, arg_max({{'value': m.value, 'low': m.low, 'high': m.high,
                                                     'split': fitted.split}}, {order}) AS best
                FROM macro_f1 m JOIN newest s USING (prediction_id) JOIN threshold_sets t USING (set_id)
                JOIN prediction_sets fitted ON fitted.prediction_id = t.prediction_id AND fitted.run_id = s.run_id
                LEFT JOIN newest val ON val.run_id = s.run_id AND val.split = 'val'
                WHERE m.value IS NOT NULL GROUP BY s.prediction_id)
            SELECT s.run_id, s.split, prediction_id, s.dataset_id, least(m.n_measured, s.n) AS n, s.n_expected,
                s.checkpoint, auroc, auroc_low, auroc_high, ap, ap_low, ap_high, best.value AS f1, best.low AS f1_low,
                best.high AS f1_high, best.split AS f1_fitted_on, coalesce(n_defined, 0)::BIGINT AS n_defined
            FROM newest s LEFT JOIN means m USING (prediction_id) LEFT JOIN f1 USING (prediction_id)
            ORDER BY s.run_id DESC, s.split""")
