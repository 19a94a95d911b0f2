"""Connections to a team's database: a pool for each process, and what the database says as one line.

The pool is made by the first use in a process, never before a fork. A password is never part of what is said: it comes
from where PostgreSQL's own clients look for it, and their errors do not repeat it.
"""

import atexit
import contextlib
import logging
import os
import threading

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from cxrcore.errors import DataError, DiskFullError, StoreBusy, StoreError, StoreReadOnly

WAIT = 60.0  # seconds in which a lost database may come back
_MOST = 8  # connections a process
_CONNECT = 5  # seconds for one attempt
_SHOWN = 200  # characters of what the database says
_SETTINGS = {"connect_timeout": _CONNECT, "application_name": "cxr-workbench", "keepalives_idle": 10,
             "keepalives_interval": 5, "keepalives_count": 3}
_KIND = {"autocommit": True, "cursor_factory": psycopg.ClientCursor}
_PATIENCE = 1.0  # seconds for the pool to give one
# A writer that hangs must not hold up the others for ever.
_LIMITS = ("SET lock_timeout = '60s'; SET statement_timeout = '120s'; "
           "SET idle_in_transaction_session_timeout = '120s'; SET TimeZone = 'UTC'; SET jit = off")
# What no waiting mends, in libpq's words: an error of connecting has no code.
_REFUSED = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry",
            "authentication failed", 'role "', "permission denied", "invalid URI", "invalid connection option",
            "does not support SSL", "certificate")
_STARTING = ("starting up", "shutting down", "not yet accepting", "in recovery", "too many clients",
             "remaining connection")
_BROKEN = ("08", "57P", "40", "25P03")  # connection, server, a conflict, or an idle transaction: a repetition mends it

_pools: dict[tuple[int, str], ConnectionPool] = {}
_pools_guard = threading.Lock()
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # else a line for every attempt


def take(database: str, seconds: float) -> psycopg.Connection:
    """An open connection, outside of any transaction.

    Args:
        database: address without `films`.

    Raises:
        psycopg.OperationalError: there is none; says why.
    """
    pool = _pool(database)
    try:
        return pool.getconn(timeout=max(0.1, min(seconds, _PATIENCE)))
    except PoolTimeout:
        if pool.get_stats().get("pool_size", 0) >= _MOST:
            raise psycopg.OperationalError("all connections of this program to the database are in use") from None
    # The pool only knows that it took long, and tries again when it likes: this says why, or is a connection.
    con = psycopg.connect(database, **_SETTINGS, **_KIND)
    _configure(con)
    return con


def give_back(database: str, con: psycopg.Connection) -> None:
    """Return a connection; a broken one is thrown away, what is open on it is rolled back."""
    with contextlib.suppress(psycopg.Error):
        if not con.closed and con.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            con.execute("ROLLBACK")
    _return(database, con)


def throw_away(database: str, con: psycopg.Connection) -> None:
    """Close a connection that is no good any more."""
    with contextlib.suppress(psycopg.Error):
        con.close()
    _return(database, con)


def _return(database: str, con: psycopg.Connection) -> None:
    try:
        _pool(database).putconn(con)
    except (ValueError, psycopg.Error):  # made past the pool, or by one that was closed
        con.close()


def _pool(database: str) -> ConnectionPool:
    own = os.getpid(), database
    with _pools_guard:
        if own not in _pools:
            _pools[own] = ConnectionPool(
                database, min_size=0, max_size=_MOST, open=True, num_workers=2, reconnect_timeout=_CONNECT,
                max_idle=300, configure=_configure, kwargs=_SETTINGS | _KIND)
        return _pools[own]


def _configure(con: psycopg.Connection) -> None:
    con.execute(_LIMITS)


@atexit.register
def close_all() -> None:
    """Close the pools of this process."""
    for (pid, _), pool in list(_pools.items()):
        if pid == os.getpid():
            pool.close(timeout=1)
    _pools.clear()


def may_mend(error: psycopg.Error) -> bool:
    """Whether the same thing, done again on another connection, may work."""
    if error.sqlstate:
        return error.sqlstate.startswith(_BROKEN)
    text = str(error)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (
        any(sign in text for sign in _STARTING) or not any(sign in text for sign in _REFUSED))


def told(title: str, error: psycopg.Error) -> StoreError | DataError | DiskFullError:
    """What the database says, in our words and one line.

    Args:
        title: of the store.
    """
    said = " ".join(str(error).split())[:_SHOWN]
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.ReadOnlySqlTransaction):
        return StoreReadOnly(f"you may read the team's store {title}, but not change it: nothing was changed ({said})")
    if isinstance(error, psycopg.errors.DiskFull):
        return DiskFullError(f"no room on the disk of the team's store {title}; what was to be written is not in it")
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn
                  | psycopg.errors.InvalidSchemaName):
        return StoreError(f"the database of the team's store {title} has no tables of this workbench, or not all of "
                          "them: python scripts/store.py init makes them")
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StoreBusy(f"the team's store {title} is busy: another writer has held it for 60 s; nothing was changed")
    if isinstance(error, psycopg.DataError):
        return DataError(f"the team's store {title} cannot keep this: {said}")
    return StoreError(f"the team's store {title} cannot be used: {said} (--store or CXR_STORE names another)")
