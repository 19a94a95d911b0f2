"""A team's store of thousands of measured runs: as `many_runs`, the rows being made within the database."""

from pathlib import Path

from many_runs import SEEDS
from own_postgres import Postgres

from cxrcore.store import Store, schema
from cxrcore.store.care import moving
from cxrcore.store.team import standing


def make(server: Postgres, source: Path, films: Path, n: int) -> Store:
    """A new store with these runs besides the one that is copied.

    Args:
        source: a store that holds one run.
        films: the shared folder that is made.
    """
    store = server.store(films, "many")
    moving.copy_rows(Store(source), store)
    of = {"run_id": "i || '-' || run_id", "prediction_id": "i || '-' || prediction_id", "set_id": "i || '-' || set_id"}
    changed = {"runs": {"name": "name || ' ' || i", "started_at": "started_at + i * interval '1 minute'", "config":
                        f"(config::jsonb || jsonb_build_object('seed', i % {SEEDS}, 'lr', (1 + i / {SEEDS}) * 1e-5))"
                        "::text"}, "metrics": {"value": "value * (1 - i * 1e-5)"}}
    steps = ["SET search_path = many"]
    for table in ("runs", "epochs", "prediction_sets", "threshold_sets", "metrics"):  # sets before what stands on them
        names = schema.columns()[table].names
        own = ", ".join((of | changed.get(table, {})).get(name, name) for name in names)
        steps += [f"CREATE TEMP TABLE one AS SELECT * FROM {table}",
                  f"INSERT INTO {table} ({', '.join(names)}) SELECT {own} FROM one, generate_series(0, {n - 1}) t(i)",
                  "DROP TABLE one"]
    server.sql(*steps, standing.KEEP.format(which="true"), *(f"VACUUM ANALYZE {table}" for table in moving.TABLES))
    return store
