"""A look at a whole store and at what lies beside it; nothing is changed."""

import contextlib
import time
from collections.abc import Generator

import duckdb

from cxrcore.errors import StoreBusy, StoreError, WorkbenchError
from cxrcore.store import schema, turns
from cxrcore.store.care import file_checks, row_checks
from cxrcore.store.care.troubles import RESTORE, Trouble
from cxrcore.store.store import Store


def check(store: Store) -> list[Trouble]:
    """All that is wrong with a store, or worth telling; an empty list where all is well.

    Raises:
        StoreBusy: it stayed locked. StoreError: there is no store.
    """
    if not store.exists:
        raise StoreError(f"there is no store {store.key} (--store or CXR_STORE names another)")
    if not store.is_file:
        from cxrcore.store.care import team_checks  # needs psycopg

        return list(team_checks.troubles(store))
    found: list[Trouble] = []
    try:
        with _opened(store, found) as con:
            found += row_checks.troubles(con)
            runs, newest = row_checks.runs_and_checkpoints(con)
    except StoreBusy:
        raise
    except WorkbenchError as error:
        return [Trouble(str(error), RESTORE)]
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:160]
        return found or [Trouble(f"the store {store.path} cannot be read: {said}", RESTORE)]
    return found + list(file_checks.troubles(store.path, runs, newest, time.time()))


@contextlib.contextmanager
def _opened(store: Store, found: list[Trouble]) -> Generator[duckdb.DuckDBPyConnection]:
    """The store read-only, whatever its form: one of an older form as a copy of today's, and it stays as it is."""
    with contextlib.ExitStack() as stack:
        con = stack.enter_context(turns.connection(store.path, write=False))
        applied = schema.version(con)
        schema.check(con, applied)
        if applied < len(schema.STEPS):
            stack.close()
            found.append(Trouble(f"the store has form {applied} of {len(schema.STEPS)}",
                                 "it is brought up to date when it is next used, and kept as it was beside it",
                                 is_fault=False))
            con = stack.enter_context(store.file.up_to_date_elsewhere())
        yield con
