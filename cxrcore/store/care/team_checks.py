"""A look at a team's store: its rows, the files that they name, what lies in the shared folder; nothing is changed."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from cxrcore.errors import StoreError
from cxrcore.store import schema
from cxrcore.store.backends.session import LARGE, Session
from cxrcore.store.care import file_checks, moving, row_checks
from cxrcore.store.care.troubles import DELETE_RUN, RESTORE, Trouble
from cxrcore.store.progress import effective_status, of_run
from cxrcore.store.store import Store
from cxrcore.store.team import parts

AGE = 86400.0  # seconds after which a file that no row names is nobody's work any more
_BACKUP = "restore a backup into a new database and folder: python scripts/store.py restore BACKUP --store NEW"
_OF_RUN = DELETE_RUN.replace(RESTORE, _BACKUP)


def troubles(store: Store) -> Iterator[Trouble]:
    """All that is wrong with a team's store, or worth telling.

    Raises:
        StoreError: it cannot be read at all.
    """
    with store._read() as con:
        rows = {table: pa.concat_tables([schema.columns()[table].empty_table(), *moving.pieces(con, table)])
                for table in moving.TABLES if table not in LARGE}
        named = {table: _named(con, table) for table in LARGE}
        numbers = con.execute("SELECT prediction_id, id_number AS number FROM predictions ORDER BY prediction_id"
                              ).fetchall()
    whole: dict[str, list[parts.Part]] = {}
    for table, own in named.items():
        whole[table] = []
        for part in own:
            if (what := _fault(store.folder, part)) is None:
                whole[table].append(part)
            else:
                yield Trouble(what, _OF_RUN if table in ("predictions", "localization") else _BACKUP)
    yield from _unnamed(store.folder, {(part.table, part.file) for own in named.values() for part in own})
    for one in (*_of_rows(store.folder, rows, whole), *row_checks.lost_numbers(numbers), *_of_runs(store, rows)):
        yield dataclasses.replace(one, do=one.do.replace(RESTORE, _BACKUP))


def _named(con: Session, table: str) -> list[parts.Part]:
    """The parts that the database names. `file` and its like are hidden from others under their own names."""
    keys = LARGE[table]
    listed = con.execute(f"SELECT {', '.join(keys)}, file AS f, n_rows AS r, n_bytes AS b, sha256 AS s FROM {table} "
                         "ORDER BY rowid").fetchall()
    return [parts.Part(table, tuple(key), *told) for *key, file, rows, size, digest in listed
            for told in [(file, rows, size, digest)]]


def _fault(root: Path, part: parts.Part) -> str | None:
    path = parts.path_of(root, part.table, part.file)
    try:
        if path.stat().st_size != part.n_bytes:
            return f"{path} has {path.stat().st_size:,} bytes, not {part.n_bytes:,}: it is cut off or was changed"
        if file_checks.sha256(path) != part.sha256:
            return f"{path} is damaged: it is not what was written"
        parts.read(root, part.table, part.file, part.n_rows, parts.columns(part.table)[:1])
    except FileNotFoundError:
        return f"{path} is missing: {part.n_rows:,} rows of {part.table} are in it"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    except StoreError as error:
        return str(error)
    return None


def _unnamed(root: Path, named: set[tuple[str, str]]) -> Iterator[Trouble]:
    now = time.time()
    for table in LARGE:
        folder = root / parts.FOLDER / table
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if (table, path.name) not in named and now - path.stat().st_mtime > AGE:
                yield Trouble(f"{path} belongs to nothing: a program was killed before it had named it, or after its "
                              "run was deleted", "delete it")


def _of_rows(root: Path, rows: dict[str, pa.Table], whole: dict[str, list[parts.Part]]) -> Iterator[Trouble]:
    """The rules that hold for a file's rows, asked of the same tables."""
    with duckdb.connect() as con:
        for table, own in rows.items():
            con.register(table, own)
        for table, held in whole.items():
            _show(con, root, table, held)
        try:
            yield from row_checks.rules_broken(con)
        except duckdb.Error as error:
            yield Trouble(f"the rows cannot be looked at: {' '.join(str(error).split())[:160]}", _BACKUP)


def _show(con: duckdb.DuckDBPyConnection, root: Path, table: str, held: list[parts.Part]) -> None:
    """A large table out of its files, as a table of its own would be."""
    if not held:
        con.register(table, schema.columns()[table].empty_table())
        return
    keys = LARGE[table]
    named = {name: pa.array([part.key[place] for part in held], schema.columns()[table].field(name).type)
             for place, name in enumerate(keys)}
    files = [str(parts.path_of(root, table, part.file)) for part in held]
    con.register(f"{table}_parts", pa.table(named).append_column("own_file", pa.array(files)))
    listed = ", ".join(f"'{file.replace(chr(39), chr(39) * 2)}'" for file in files)
    con.execute(f"CREATE VIEW {table} AS SELECT * EXCLUDE (own_file, filename) FROM read_parquet([{listed}], "
                f"filename = true) JOIN {table}_parts ON own_file = filename")


def _of_runs(store: Store, rows: dict[str, pa.Table]) -> Iterator[Trouble]:
    with duckdb.connect() as con:
        for table in ("runs", "epochs", "prediction_sets"):
            con.register(table, rows[table])
        runs, newest = row_checks.runs_and_checkpoints(con)
    yield from file_checks.in_folder(
        store.folder, runs, newest, time.time(),
        lambda run: effective_status(run["status"], of_run(store, run["run_id"]) if run["status"] == "running" else {}))
