"""The store's tables, as numbered steps: each runs once, in one transaction with its own record.

To change the schema, append a function to `STEPS`; never edit one that has been released. No primary keys, enums or
fixed-size arrays (a team store on DuckLake refuses them); uniqueness is kept by the store's transactions. Views are
for people who write SQL.
"""

from functools import lru_cache

import duckdb
import pyarrow as pa

from cxrcore import ids
from cxrcore.errors import StoreError
from cxrcore.store.backends import standing
from cxrcore.store.turns import in_memory, one_row


def _tables(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        CREATE TABLE datasets (dataset_id VARCHAR, name VARCHAR, kind VARCHAR, findings VARCHAR[],
            label_source VARCHAR, n_images INTEGER, n_patients INTEGER);
        CREATE TABLE images (dataset_id VARCHAR, image_id VARCHAR, patient_id VARCHAR, follow_up INTEGER, age FLOAT,
            sex VARCHAR, view VARCHAR);
        CREATE TABLE label_sets (dataset_id VARCHAR, label_set VARCHAR, image_id VARCHAR, labels FLOAT[]);
        CREATE TABLE boxes (dataset_id VARCHAR, image_id VARCHAR, finding VARCHAR, x DOUBLE, y DOUBLE, width DOUBLE,
            height DOUBLE);
        CREATE TABLE runs (run_id VARCHAR, name VARCHAR, architecture VARCHAR, kind VARCHAR, status VARCHAR,
            started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, dataset_id VARCHAR, split_scheme VARCHAR,
            split_seed BIGINT, split_fingerprint VARCHAR, config JSON, versions JSON, cost JSON, git_commit VARCHAR,
            best_epoch INTEGER, n_parameters BIGINT, note VARCHAR, archived BOOLEAN);
        CREATE TABLE epochs (run_id VARCHAR, epoch INTEGER, train_loss DOUBLE, val_loss DOUBLE,
            val_macro_auroc DOUBLE, val_macro_f1_best DOUBLE, learning_rate DOUBLE, seconds DOUBLE,
            images_per_second DOUBLE);
        CREATE TABLE prediction_sets (prediction_id VARCHAR, run_id VARCHAR, dataset_id VARCHAR, split VARCHAR,
            checkpoint VARCHAR, checkpoint_sha256 VARCHAR, n INTEGER, n_expected INTEGER, precision VARCHAR,
            created_at TIMESTAMPTZ);
        CREATE TABLE predictions (prediction_id VARCHAR, image_id VARCHAR, scores FLOAT[]);
        CREATE TABLE threshold_sets (set_id VARCHAR, prediction_id VARCHAR, name VARCHAR, objective VARCHAR,
            parameters JSON, thresholds DOUBLE[], author VARCHAR, note VARCHAR, created_at TIMESTAMPTZ);
        CREATE TABLE calibrators (calibrator_id VARCHAR, prediction_id VARCHAR, method VARCHAR, parameters JSON,
            created_at TIMESTAMPTZ);
        CREATE TABLE metrics (prediction_id VARCHAR, label_set VARCHAR, finding VARCHAR, metric VARCHAR,
            set_id VARCHAR, value DOUBLE, low DOUBLE, high DOUBLE, n_positive INTEGER, n INTEGER, method VARCHAR,
            code_version VARCHAR);
        CREATE TABLE localization (prediction_id VARCHAR, method VARCHAR, image_id VARCHAR, finding VARCHAR,
            hit BOOLEAN, iou DOUBLE, iobb DOUBLE, energy DOUBLE);
    """)


def _latest_metrics(con: duckdb.DuckDBPyConnection) -> None:
    # A set is complete when it holds every readable film of its split and has been measured.
    con.execute("""
        CREATE VIEW latest_metrics AS
        WITH newest AS (
            SELECT * FROM prediction_sets WHERE n = n_expected AND prediction_id IN (SELECT prediction_id FROM metrics)
            QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY created_at DESC, prediction_id DESC) = 1)
        SELECT run_id, runs.name, architecture, split, finding, metric, value, low, high, t.name AS threshold_set
        FROM newest JOIN runs USING (run_id) JOIN metrics USING (prediction_id)
        LEFT JOIN threshold_sets t ON t.set_id = metrics.set_id
        WHERE label_set = 'csv'
    """)


def _measurements(con: duckdb.DuckDBPyConnection) -> None:
    # A measurement made again adds rows; its number, counted within the prediction set, says which are the newest.
    # Rows from before had only their place in the table.
    for table, key in (("localization", "prediction_id, method, image_id, finding"),
                       ("metrics", "prediction_id, label_set, finding, metric, set_id")):
        con.execute(f"ALTER TABLE {table} ADD COLUMN measurement INTEGER")
        con.execute(f"""UPDATE {table} SET measurement = place FROM (SELECT rowid AS own,
            row_number() OVER (PARTITION BY {key} ORDER BY rowid) AS place FROM {table}) WHERE {table}.rowid = own""")
    con.execute("""
        CREATE OR REPLACE VIEW latest_metrics AS
        WITH newest AS (
            SELECT * FROM prediction_sets WHERE n = n_expected AND prediction_id IN (SELECT prediction_id FROM metrics)
            QUALIFY row_number() OVER (PARTITION BY run_id, split ORDER BY created_at DESC, prediction_id DESC) = 1),
        measured AS (
            SELECT * FROM metrics QUALIFY row_number() OVER (PARTITION BY prediction_id, label_set, finding, metric,
                set_id ORDER BY measurement DESC NULLS LAST, rowid DESC) = 1)
        SELECT run_id, runs.name, architecture, split, finding, metric, value, low, high, t.name AS threshold_set
        FROM newest JOIN runs USING (run_id) JOIN measured USING (prediction_id)
        LEFT JOIN threshold_sets t ON t.set_id = measured.set_id
        WHERE label_set = 'csv'
    """)


def _label_sets(con: duckdb.DuckDBPyConnection) -> None:
    # Before, every set was a data set's own, in its order. NULL stands for what a set does not say of itself.
    con.execute("""
        CREATE TABLE label_set_info (dataset_id VARCHAR, label_set VARCHAR, findings VARCHAR[], derived JSON,
            source VARCHAR, policy VARCHAR, reader VARCHAR, created_at TIMESTAMPTZ);
        INSERT INTO label_set_info SELECT dataset_id, 'csv', findings, '{}', label_source, '', '', NULL FROM datasets
    """)


def _prediction_numbers(con: duckdb.DuckDBPyConnection) -> None:
    # Of a text, DuckDB keeps the least and greatest first eight letters of a block of rows: the date of an id, the same
    # for all of a day. By the number it skips the blocks that a prediction set is not in.
    con.execute("ALTER TABLE predictions ADD COLUMN id_number BIGINT")
    names = [name for (name,) in con.execute("SELECT DISTINCT prediction_id FROM predictions "
                                             "ORDER BY prediction_id").fetchall()]
    con.register("numbers", pa.table({"prediction_id": pa.array(names, pa.string()),
                                      "number": pa.array([ids.number_of(name) for name in names], pa.int64())}))
    con.execute("UPDATE predictions SET id_number = number FROM numbers "
                "WHERE numbers.prediction_id = predictions.prediction_id")
    con.unregister("numbers")


STEPS = (_tables, _latest_metrics, _measurements, _label_sets, _prediction_numbers, standing.make)


def version(con: duckdb.DuckDBPyConnection) -> int:
    """Steps applied so far; 0 for a database without tables. Quick; `check` looks at the tables themselves.

    Raises:
        StoreError: a DuckDB file that is not a store of this workbench, or one written by a newer version of it.
    """
    tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    try:
        (applied, _) = one_row(con.execute("SELECT max(version)::INTEGER, max(applied_at)::VARCHAR "
                                           "FROM schema_version"))
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException):  # none, or somebody else's
        if not tables:
            return 0
        applied = None
    else:
        if applied is None and tables == {"schema_version"}:
            return 0
    if applied is None or applied < 1:
        raise StoreError("this is a DuckDB file, but no store of this workbench: choose another with --store")
    if applied > len(STEPS):
        raise StoreError(f"the store has schema {applied}, this version knows {len(STEPS)}: update the workbench")
    return applied


def check(con: duckdb.DuckDBPyConnection, applied: int) -> None:
    """Hold the tables to what the steps made.

    Raises:
        StoreError: a table or a column is missing, or of another type.
    """
    if missing := sorted(_columns_after(applied) - _columns(con)):
        table, column, kind = missing[0]
        raise StoreError(f"this is no whole store of this workbench: its table {table} has no column {column} "
                         f"({kind.lower()}); choose another with --store")


def upgrade(con: duckdb.DuckDBPyConnection) -> None:
    """Apply the missing steps, inside the caller's transaction."""
    applied = version(con)
    if applied == 0:
        con.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER, applied_at TIMESTAMPTZ)")
    for number, step in enumerate(STEPS[applied:], applied + 1):
        step(con)
        con.execute("INSERT INTO schema_version VALUES (?, now())", [number])


def _columns(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """(table, column, type) of every table."""
    return set(con.execute("SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() c "
                           "JOIN duckdb_tables() USING (table_oid)").fetchall())


@lru_cache
def _columns_after(applied: int) -> frozenset[tuple[str, str, str]]:
    """What the first steps make."""
    with in_memory() as con:
        for step in STEPS[:applied]:
            step(con)
        return frozenset(_columns(con))


@lru_cache
def columns() -> dict[str, pa.Schema]:
    """{table: its columns as Arrow has them}, all but `predictions.id_number`, which follows from the id."""
    with in_memory() as con:
        upgrade(con)
        names = con.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()
        found = {name: con.table(name).to_arrow_table().schema for (name,) in names}
    own = found["predictions"]
    return found | {"predictions": own.remove(own.get_field_index("id_number"))}
