"""Whether the rows of a store fit each other: each points to something, no name stands twice, lists are long enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from cxrcore import ids
from cxrcore.store import turns
from cxrcore.store.backends import standing
from cxrcore.store.care.troubles import DELETE_RUN, RESTORE, Trouble
from cxrcore.store.run_folder import BEST

_UNUSED = ("nothing on the pages is made of it; " + RESTORE + ", or leave it")
_WORK_OUT = "somebody changed the metrics by hand: python scripts/store.py vacuum works the numbers out anew"
_POINTING = (  # (table, column, what it points to)
    ("epochs", "run_id", "runs"), ("prediction_sets", "run_id", "runs"),
    *((table, "prediction_id", "prediction_sets") for table in
      ("predictions", "threshold_sets", "calibrators", "metrics", "localization")),
    ("metrics", "set_id", "threshold_sets"),
    *((table, "dataset_id", "datasets") for table in
      ("prediction_sets", "images", "label_sets", "label_set_info", "boxes")))
_ONCE = (  # (table, what stands once)
    ("runs", "run_id"), ("datasets", "dataset_id"), ("prediction_sets", "prediction_id"), ("threshold_sets", "set_id"),
    ("calibrators", "calibrator_id"), ("epochs", "run_id, epoch"), ("images", "dataset_id, image_id"),
    ("label_sets", "dataset_id, label_set, image_id"), ("label_set_info", "dataset_id, label_set"),
    ("predictions", "prediction_id, image_id"))


@dataclass(frozen=True)
class _Rule:
    """A query of one row: how many rows break it, and one of them."""

    query: str
    what: str
    do: str = DELETE_RUN


_RULES = (
    _Rule("""SELECT count(*), min(prediction_id) FROM prediction_sets LEFT JOIN (SELECT prediction_id, count(*) AS held
             FROM predictions GROUP BY prediction_id) USING (prediction_id) WHERE held IS DISTINCT FROM n""",
          "prediction sets hold another number of films than they say"),
    _Rule("""SELECT count(DISTINCT prediction_id), min(prediction_id) FROM predictions JOIN prediction_sets
             USING (prediction_id) JOIN datasets USING (dataset_id) WHERE len(scores) IS DISTINCT FROM len(findings)""",
          "prediction sets have scores of another length than their data set has findings"),
    _Rule("""SELECT count(DISTINCT prediction_id), min(prediction_id) FROM predictions
             WHERE len(list_filter(scores, x -> NOT isnan(x) AND (x < 0 OR x > 1))) > 0""",
          "prediction sets have scores that are no probabilities"),
    _Rule("""SELECT count(DISTINCT prediction_id), min(prediction_id) FROM predictions JOIN prediction_sets
             USING (prediction_id) JOIN datasets USING (dataset_id) ANTI JOIN images USING (dataset_id, image_id)""",
          "prediction sets have films that are not in their data set"),
    _Rule("""SELECT count(DISTINCT prediction_id), min(prediction_id) FROM predictions JOIN prediction_sets
             USING (prediction_id) JOIN images USING (dataset_id, image_id) ANTI JOIN (SELECT dataset_id, image_id
             FROM label_sets WHERE label_set = 'csv') USING (dataset_id, image_id)""",
          "prediction sets have films without labels"),
    _Rule("""SELECT count(*), min(set_id) FROM threshold_sets JOIN prediction_sets USING (prediction_id) JOIN datasets
             USING (dataset_id) WHERE len(thresholds) IS DISTINCT FROM len(findings)
             OR len(list_filter(thresholds, x -> x IS NULL OR isnan(x))) > 0""",
          "threshold sets do not have a threshold for each finding"),
    _Rule("""SELECT count(*), min(label_set) FROM label_sets JOIN label_set_info USING (dataset_id, label_set)
             WHERE len(labels) IS DISTINCT FROM len(findings)""",
          "labels are of another length than their label set has findings", RESTORE),
    _Rule("""SELECT count(*), min(label_set) FROM label_sets ANTI JOIN label_set_info USING (dataset_id, label_set)""",
          "labels belong to no label set", _UNUSED),
    _Rule("""SELECT count(*), min(label_set) FROM metrics JOIN prediction_sets USING (prediction_id)
             ANTI JOIN label_set_info USING (dataset_id, label_set)""",
          "metrics were measured on a label set that is not there", _UNUSED),
    _Rule("""SELECT count(*), min(dataset_id) FROM datasets LEFT JOIN (SELECT dataset_id, count(*) AS held FROM images
             GROUP BY dataset_id) USING (dataset_id) WHERE coalesce(held, 0) IS DISTINCT FROM n_images""",
          "data sets hold another number of films than they say", RESTORE),
    _Rule("""SELECT count(*), min(prediction_id) FROM metrics WHERE value < 0 OR value > 1""",
          "metrics are not between 0 and 1"),
    _Rule("""SELECT count(*), min(run_id) FROM runs WHERE status NOT IN ('running', 'finished', 'failed', 'interrupted')
             OR kind NOT IN ('trained', 'imported', 'ensemble') OR status IS NULL OR kind IS NULL""",
          "runs have a kind or status that there is not"),
)


def troubles(con: duckdb.DuckDBPyConnection) -> Iterator[Trouble]:
    """What is wrong with the rows of an open store of today's form; it ends at a table that cannot be read."""
    for (table,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall():
        try:
            con.execute(f'SELECT count(*), bit_xor(hash(t)) FROM "{table}" t').fetchone()  # reads every block
        except duckdb.Error as error:
            said = " ".join(str(error).split())[:160]
            yield Trouble(f"the table {table} cannot be read: {said}", RESTORE)
            return
    yield from rules_broken(con)
    n, example = turns.one_row(con.execute(standing.UNLIKE))
    if n:
        yield Trouble(f"{n:,} prediction sets stand on the leaderboard with other numbers than were measured, such as "
                      f"{example}", _WORK_OUT)
    yield from lost_numbers(con.execute("SELECT DISTINCT prediction_id, id_number FROM predictions ORDER BY ALL"
                                        ).fetchall())


def rules_broken(con: duckdb.DuckDBPyConnection) -> Iterator[Trouble]:
    """What does not fit, asked of tables or views with the columns of `schema`."""
    for rule in (*_RULES, *map(_pointing, _POINTING), *map(_once, _ONCE)):
        n, example = turns.one_row(con.execute(rule.query))
        if n:
            yield Trouble(f"{n:,} {rule.what}, such as {example}", rule.do)


def lost_numbers(numbers: Sequence[tuple[str | None, int | None]]) -> Iterator[Trouble]:
    """Prediction sets that are not found by their number.

    Args:
        numbers: (prediction_id, number) of the rows.
    """
    if lost := [name for name, number in numbers if number != ids.number_of(name or "")]:
        yield Trouble(f"{len(lost):,} prediction sets have rows that are not found by their number, such as {lost[0]}",
                      DELETE_RUN)


def runs_and_checkpoints(con: duckdb.DuckDBPyConnection) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows of the runs, with n_epochs; {run_id: SHA-256 of the best checkpoint, as its newest predictions name it}."""
    runs = con.execute(
        """SELECT run_id, kind, status, coalesce(n, 0) AS n_epochs FROM runs LEFT JOIN
           (SELECT run_id, count(*) AS n FROM epochs GROUP BY run_id) USING (run_id)
           ORDER BY run_id""").to_arrow_table().to_pylist()
    newest = con.execute(
        """SELECT run_id, checkpoint_sha256 FROM prediction_sets WHERE checkpoint = ? AND checkpoint_sha256
           IS NOT NULL QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at DESC,
           prediction_id DESC) = 1 ORDER BY run_id""", [BEST]).fetchall()
    return runs, dict(newest)


def _pointing(where: tuple[str, str, str]) -> _Rule:
    table, column, target = where
    return _Rule(f"SELECT count(*), min({column}) FROM {table} ANTI JOIN {target} USING ({column}) "
                 f"WHERE {column} IS NOT NULL",
                 f"rows of {table} point to {target.replace('_', ' ')} that are not there", _UNUSED)


def _once(where: tuple[str, str]) -> _Rule:
    table, columns = where
    return _Rule(f"SELECT count(*), min(twice) FROM (SELECT concat_ws(' ', {columns}) AS twice FROM {table} "
                 f"GROUP BY {columns} HAVING count(*) > 1)", f"names stand twice in {table}", RESTORE)
