"""The tables of a team's database, as numbered steps: each runs once, all of them in one transaction.

They have the names and columns of `store.schema`, and as little of PostgreSQL's own: `rowid` stands for the order in
which rows were written, and of the large tables (`session.LARGE`) a row stands for a part, which is a file. Texts sort
by their bytes, as DuckDB sorts them. Uniqueness is kept by the store's transactions, of which one writes at a time.

To change them, append to `STEPS`; never edit a step that has been released.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from cxrcore.errors import StoreError
from cxrcore.store.backends.session import LARGE
from cxrcore.store.team import standing

_TEXT = 'TEXT COLLATE "C"'
_TEXTS = 'TEXT[] COLLATE "C"'
_ROW = "rowid BIGINT GENERATED ALWAYS AS IDENTITY"
# No columns of `store.schema`, nor names of what is worked out of it.
HIDDEN = ("rowid", "measured_at", *standing.COLUMNS, "id_number", "file", "n_rows", "n_bytes", "sha256")
_FILE = f"file {_TEXT} NOT NULL, n_rows INTEGER NOT NULL, n_bytes BIGINT NOT NULL, sha256 {_TEXT} NOT NULL, {_ROW}"

_TABLES = f"""
    CREATE TABLE datasets (dataset_id {_TEXT}, name {_TEXT}, kind {_TEXT}, findings {_TEXTS}, label_source {_TEXT},
        n_images INTEGER, n_patients INTEGER, {_ROW});
    CREATE TABLE images (dataset_id {_TEXT}, {_FILE});
    CREATE TABLE boxes (dataset_id {_TEXT}, {_FILE});
    CREATE TABLE label_sets (dataset_id {_TEXT}, label_set {_TEXT}, {_FILE});
    CREATE TABLE label_set_info (dataset_id {_TEXT}, label_set {_TEXT}, findings {_TEXTS}, derived {_TEXT},
        source {_TEXT}, policy {_TEXT}, reader {_TEXT}, created_at TIMESTAMPTZ, {_ROW});
    CREATE TABLE runs (run_id {_TEXT}, name {_TEXT}, architecture {_TEXT}, kind {_TEXT}, status {_TEXT},
        started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, dataset_id {_TEXT}, split_scheme {_TEXT}, split_seed BIGINT,
        split_fingerprint {_TEXT}, config {_TEXT}, versions {_TEXT}, cost {_TEXT}, git_commit {_TEXT},
        best_epoch INTEGER, n_parameters BIGINT, note {_TEXT}, archived BOOLEAN, {_ROW});
    CREATE TABLE epochs (run_id {_TEXT}, epoch INTEGER, train_loss FLOAT8, val_loss FLOAT8, val_macro_auroc FLOAT8,
        val_macro_f1_best FLOAT8, learning_rate FLOAT8, seconds FLOAT8, images_per_second FLOAT8, {_ROW});
    CREATE TABLE prediction_sets (prediction_id {_TEXT}, run_id {_TEXT}, dataset_id {_TEXT}, split {_TEXT},
        checkpoint {_TEXT}, checkpoint_sha256 {_TEXT}, n INTEGER, n_expected INTEGER, precision {_TEXT},
        created_at TIMESTAMPTZ, measured_at TIMESTAMPTZ, {_ROW});
    CREATE TABLE predictions (prediction_id {_TEXT}, id_number BIGINT, {_FILE});
    CREATE TABLE threshold_sets (set_id {_TEXT}, prediction_id {_TEXT}, name {_TEXT}, objective {_TEXT},
        parameters {_TEXT}, thresholds FLOAT8[], author {_TEXT}, note {_TEXT}, created_at TIMESTAMPTZ, {_ROW});
    CREATE TABLE calibrators (calibrator_id {_TEXT}, prediction_id {_TEXT}, method {_TEXT}, parameters {_TEXT},
        created_at TIMESTAMPTZ, {_ROW});
    CREATE TABLE metrics (prediction_id {_TEXT}, label_set {_TEXT}, finding {_TEXT}, metric {_TEXT}, set_id {_TEXT},
        value FLOAT8, low FLOAT8, high FLOAT8, n_positive INTEGER, n INTEGER, method {_TEXT}, code_version {_TEXT},
        measurement INTEGER, {_ROW});
    CREATE TABLE localization (prediction_id {_TEXT}, measurement INTEGER, {_FILE});
    CREATE INDEX ON images (dataset_id);
    CREATE INDEX ON label_sets (dataset_id, label_set);
    CREATE INDEX ON runs (run_id);
    CREATE INDEX ON epochs (run_id, epoch);
    CREATE INDEX ON prediction_sets (prediction_id);
    CREATE INDEX ON prediction_sets (run_id, split);
    CREATE INDEX ON predictions (prediction_id);
    CREATE INDEX ON threshold_sets (prediction_id);
    CREATE INDEX ON threshold_sets (set_id);
    CREATE INDEX ON calibrators (prediction_id);
    CREATE INDEX ON localization (prediction_id);
    CREATE INDEX ON metrics (prediction_id, label_set, metric);
    CREATE INDEX ON metrics (prediction_id, metric) INCLUDE (set_id, value, low, high, n, measurement, rowid)
        WHERE label_set = 'csv' AND finding = 'macro' AND metric IN ('auroc', 'ap', 'f1');
    CREATE INDEX ON metrics (prediction_id, finding) INCLUDE (value, measurement, rowid)
        WHERE label_set = 'csv' AND metric = 'auroc';
    CREATE TABLE commits (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, write_id {_TEXT} UNIQUE,
        at TIMESTAMPTZ NOT NULL DEFAULT now());
    CREATE TABLE leases (key {_TEXT} PRIMARY KEY, holder {_TEXT} NOT NULL, who {_TEXT} NOT NULL,
        heard TIMESTAMPTZ NOT NULL);
    CREATE VIEW latest_metrics AS
        WITH newest AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY run_id, split ORDER BY created_at DESC,
                prediction_id DESC) AS place FROM prediction_sets
            WHERE n = n_expected AND prediction_id IN (SELECT prediction_id FROM metrics)) own WHERE place = 1),
        measured AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY prediction_id, label_set, finding, metric,
                set_id ORDER BY measurement DESC NULLS LAST, rowid DESC) AS place FROM metrics) own WHERE place = 1)
        SELECT newest.run_id, runs.name, architecture, split, finding, metric, value, low, high,
            (SELECT min(t.name) FROM threshold_sets t WHERE t.set_id = measured.set_id) AS threshold_set
        FROM newest JOIN runs USING (run_id) JOIN measured USING (prediction_id) WHERE label_set = 'csv';
    CREATE TABLE store_info (store_id {_TEXT} NOT NULL, made_at TIMESTAMPTZ NOT NULL DEFAULT now());
"""

STEPS = (_TABLES, standing.ADD)

LOCK = "SELECT pg_advisory_xact_lock(1129862739, hashtext(current_schema()))"  # one writer at a time, as with a file


def version(con: psycopg.Connection) -> int:
    """Steps applied so far; 0 for a database, or a schema of it, without tables.

    Raises:
        StoreError: tables of something else, or of a newer version of the workbench.
    """
    held = {name for (name,) in con.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = current_schema()"
    ).fetchall()}
    if "schema_version" not in held:
        if held & {"runs", "metrics", *LARGE}:
            raise StoreError("the database holds tables of something else under the names of the workbench's: give the "
                             "team's store a database of its own")
        return 0
    applied = only(con, "SELECT max(version) FROM schema_version")
    require_known(applied)
    return applied


def require_known(applied: int | None) -> None:
    """StoreError unless this is the version that the workbench knows, or an older one."""
    if applied is not None and applied > len(STEPS):
        raise StoreError(f"the team's store has schema {applied}, this version knows {len(STEPS)}: update the "
                         "workbench")


def apply(con: psycopg.Connection, store_id: str) -> None:
    """Make what is missing, inside the caller's transaction.

    Args:
        store_id: of a store that is made anew.
    """
    applied = version(con)
    if not applied:
        con.execute(f"CREATE TABLE schema_version (version INTEGER, applied_at TIMESTAMPTZ, {_ROW})")
    for number, step in enumerate(STEPS[applied:], applied + 1):
        con.execute(step)
        con.execute("INSERT INTO schema_version VALUES (%s, now())", [number])
    if not applied:
        con.execute("INSERT INTO store_info VALUES (%s)", [store_id])


def only(con: psycopg.Connection, query: str, parameters: Sequence[Any] = ()) -> Any:
    """The one value of a question that has one row."""
    row = con.execute(query, parameters or None).fetchone()
    return None if row is None else row[0]
