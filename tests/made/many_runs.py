"""A store of thousands of measured runs: what one evaluated run has in the store, again and again under other ids.

    python tests/made/many_runs.py FROM.duckdb TO.duckdb 2000
"""

import shutil
import sys
from pathlib import Path

import duckdb

from cxrcore.store.backends import standing

SEEDS = 4  # runs that are repeats of each other
_COPIES = """
    INSERT INTO runs SELECT {of} || run_id, name || ' ' || i, architecture, kind, status,
        started_at + i * INTERVAL 1 MINUTE, finished_at, dataset_id, split_scheme, split_seed, split_fingerprint,
        json_merge_patch(config, json_object('seed', i % {seeds}, 'lr', (1 + i // {seeds}) * 1e-5)), versions, cost,
        git_commit, best_epoch, n_parameters, note, archived FROM one_run, range({n}) t(i);
    INSERT INTO epochs SELECT {of} || run_id, one.* EXCLUDE (run_id) FROM one_epochs one, range({n}) t(i);
    INSERT INTO prediction_sets SELECT {of} || prediction_id, {of} || run_id, one.* EXCLUDE (prediction_id, run_id)
        FROM one_sets one, range({n}) t(i);
    INSERT INTO threshold_sets SELECT {of} || set_id, {of} || prediction_id, one.* EXCLUDE (set_id, prediction_id)
        FROM one_thresholds one, range({n}) t(i);
    INSERT INTO metrics SELECT {of} || prediction_id, label_set, finding, metric, {of} || set_id,
        value * (1 - i * 1e-5), one.* EXCLUDE (prediction_id, label_set, finding, metric, set_id, value)
        FROM one_metrics one, range({n}) t(i);
"""


def make(source: Path, path: Path, n: int) -> int:
    """Write the store; returns how many rows of metrics a run has."""
    shutil.copyfile(source, path)
    of_run = "prediction_id IN (SELECT prediction_id FROM one_sets)"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TEMP TABLE one_run AS SELECT * FROM runs WHERE run_id = (SELECT min(run_id) FROM runs "
                    "WHERE run_id IN (SELECT run_id FROM prediction_sets WHERE split = 'test'))")
        con.execute("CREATE TEMP TABLE one_epochs AS SELECT * FROM epochs WHERE run_id IN (SELECT run_id FROM one_run)")
        con.execute("CREATE TEMP TABLE one_sets AS SELECT * FROM prediction_sets WHERE run_id IN (SELECT run_id FROM "
                    "one_run)")
        for name, table in (("thresholds", "threshold_sets"), ("metrics", "metrics")):
            con.execute(f"CREATE TEMP TABLE one_{name} AS SELECT * FROM {table} WHERE {of_run}")
        con.execute(_COPIES.format(of="i || '-'", n=n, seeds=SEEDS))
        con.execute(f"DROP TABLE {standing.TABLE}")
        standing.make(con)
        (rows,) = con.execute("SELECT count(*) FROM one_metrics").fetchone()
        con.execute("CHECKPOINT")
    return rows


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])), "rows of metrics a run")
