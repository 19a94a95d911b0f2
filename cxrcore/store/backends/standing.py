"""What the leaderboard shows of a prediction set, kept beside its metrics: worked out when they are written.

A leaderboard of thousands of runs would else look at a million rows of metrics after each commit. Kept is what follows
from the newest measurement on the labels that the data set came with: its macro means, and how many findings have an
AUROC. A team's database keeps the same in the prediction set's own row (`team.standing`).
"""

from collections.abc import Sequence

import duckdb

from cxrcore.store.turns import one_row

TABLE = "leaderboard_means"
FINDINGS = "findings"  # in place of a measure's name: `n` is how many findings have an AUROC

# Rows are added by every measurement and replaced by none: the newest of its kind is the one with the greatest number.
_NEWEST = ("arg_max(struct_pack(value := value, low := low, high := high, n := n), "
           "row(coalesce(measurement, -1), rowid))")

# {which} prediction sets. F1 stands for each threshold set; the other means have none.
OF_METRICS = f"""
    SELECT prediction_id, metric, set_id, newest.value AS value, newest.low AS low, newest.high AS high, newest.n AS n
    FROM (SELECT prediction_id, metric, CASE WHEN metric = 'f1' THEN set_id END AS set_id, {_NEWEST} AS newest
        FROM metrics WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap', 'f1') AND {{which}}
        GROUP BY ALL)
    UNION ALL SELECT prediction_id, '{FINDINGS}', NULL, NULL, NULL, NULL, coalesce(n_defined, 0)
    FROM (SELECT DISTINCT prediction_id FROM metrics WHERE label_set = 'csv' AND {{which}})
    LEFT JOIN (SELECT prediction_id, count(newest.value)::INTEGER AS n_defined FROM (
        SELECT prediction_id, {_NEWEST} AS newest FROM metrics WHERE label_set = 'csv' AND metric = 'auroc'
            AND finding <> 'macro' AND finding <> 'micro' AND {{which}} GROUP BY prediction_id, finding)
        GROUP BY prediction_id) USING (prediction_id)"""

# Whose rows are not what follows from their metrics.
UNLIKE = f"""SELECT count(DISTINCT prediction_id), min(prediction_id) FROM (
    (FROM {TABLE} EXCEPT ALL FROM ({OF_METRICS.format(which="true")})) UNION ALL
    (FROM ({OF_METRICS.format(which="true")}) EXCEPT ALL FROM {TABLE}))"""


def make(con: duckdb.DuckDBPyConnection) -> None:
    """The table, of all metrics that a store holds: a step of `schema`."""
    con.execute(f"CREATE TABLE {TABLE} (prediction_id VARCHAR, metric VARCHAR, set_id VARCHAR, value DOUBLE, "
                "low DOUBLE, high DOUBLE, n INTEGER)")
    con.execute(f"INSERT INTO {TABLE} {OF_METRICS.format(which='true')}")


def keep(con: duckdb.DuckDBPyConnection, prediction_ids: Sequence[str]) -> None:
    """Work out anew how these prediction sets stand, in the transaction that wrote their metrics."""
    own, query = [list(prediction_ids)], OF_METRICS.format(which="list_contains(?, prediction_id)")
    con.execute(f"DELETE FROM {TABLE} WHERE list_contains(?, prediction_id)", own)
    con.execute(f"INSERT INTO {TABLE} {query}", own * query.count("?"))


def mend(con: duckdb.DuckDBPyConnection) -> None:
    """Work it out anew where somebody changed `metrics` by hand."""
    n_unlike, _ = one_row(con.execute(UNLIKE))
    if n_unlike:
        con.execute(f"DROP TABLE {TABLE}")
        make(con)
