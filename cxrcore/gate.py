"""How processes take turns at the store's file: a gate beside it, bounded waiting, and no connection kept open.

DuckDB lets one process write or many read, never both, and its own lock is first come, first served without a queue:
under load, writers starve. So a writer holds a file lock (the gate) from before it opens the store until after it has
closed it, and a reader holds it only while it connects; reads stay parallel. Within one process a read-only and a
read-write connection to one file exclude each other, so one thread lock a path keeps them apart.

Never open, hash or copy the store's file by other means in a process that holds a connection: closing such a handle
drops DuckDB's POSIX lock, and another process may then write.
"""

import contextlib
import errno
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from cxrcore.errors import DiskFullError, StoreBusy, StoreError

WRITER_WAIT = 60.0  # seconds
READER_WAIT = 10.0
_POLL = 0.01
_LOCKED = ("Could not set lock", "being used by another process", "different configuration")

_DISK_FULL = ("No space left", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), os.strerror(errno.EFBIG))

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)

_thread_locks: dict[str, threading.Lock] = {}
_thread_locks_guard = threading.Lock()


@contextlib.contextmanager
def connection(path: Path, *, write: bool, wait: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one transaction; closed on leaving.

    Args:
        wait: seconds; default 60 for a writer, 10 for a reader.

    Raises:
        StoreBusy: the store stayed locked for longer than `wait`; says who holds it.
        StoreError: the file is no DuckDB file, is damaged, or cannot be opened.
        DiskFullError: no room for what was to be written.
    """
    seconds = wait if wait is not None else WRITER_WAIT if write else READER_WAIT
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        stack.enter_context(_thread_turn(path, deadline, seconds))
        gate = stack.enter_context(_file_turn(path, deadline, seconds, announce=write))
        opened = stack.enter_context(contextlib.closing(_open(path, write, deadline, seconds)))
        if not write:
            gate.release()
        try:
            yield opened
        except duckdb.Error as error:
            raise _failure(path, error) from None


@contextlib.contextmanager
def _thread_turn(path: Path, deadline: float, seconds: float) -> Iterator[None]:
    with _thread_locks_guard:
        lock = _thread_locks.setdefault(str(path.absolute()), threading.Lock())
    if not lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise StoreBusy(f"the store {path} is in use by another part of this program; waited {seconds:.0f} s")
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _file_turn(path: Path, deadline: float, seconds: float, announce: bool) -> Iterator[FileLock]:
    gate, holder = FileLock(f"{path}.gate"), Path(f"{path}.holder")
    try:
        gate.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=_POLL)
    except Timeout:
        raise StoreBusy(f"the store {path} is busy: {_describe(holder)}; waited {seconds:.0f} s") from None
    except OSError as error:
        if announce or error.errno not in _NOT_WRITABLE:
            raise StoreError(f"the store {path} cannot be locked: {error}") from None
        # A reader in a folder that nobody here can write to needs no turn.
    try:
        if announce:
            me = {"pid": os.getpid(), "program": Path(sys.argv[0] or "python").name, "since": time.time()}
            with contextlib.suppress(OSError):  # a full disk shows where it matters
                holder.write_text(json.dumps(me))
        yield gate
    finally:
        gate.release()


def _describe(holder: Path) -> str:
    try:
        last = json.loads(holder.read_text())
        since = time.strftime("%H:%M:%S", time.localtime(last["since"]))
        return f"the last writer is {last['program']} (process {last['pid']}), at it since {since}"
    except (OSError, ValueError, KeyError):
        return "another process holds its gate"


def _open(path: Path, write: bool, deadline: float, seconds: float) -> duckdb.DuckDBPyConnection:
    existed = path.exists()
    while True:
        try:
            return duckdb.connect(str(path), read_only=not write)
        except duckdb.Error as error:
            text = " ".join(str(error).split())
            if not any(sign in text for sign in _LOCKED):
                if write and not existed:
                    path.unlink(missing_ok=True)  # half a file, which a full disk leaves and nobody could open again
                raise _failure(path, error) from None
            if time.monotonic() > deadline:
                who = re.search(r"held in (.+?\(PID \d+\))", text)
                raise StoreBusy(f"the store {path} is locked by {who[1] if who else 'another process'}; "
                                f"waited {seconds:.0f} s") from None
        # Readers that are still at work: with the gate held, no new ones can come.
        time.sleep(_POLL)


def _failure(path: Path, error: duckdb.Error) -> Exception:
    """What the disk or the file itself did, in our words; a fault in a query stays what it is."""
    text = " ".join(str(error).split())
    if any(sign in text for sign in _DISK_FULL):
        return DiskFullError(f"no room on the disk of the store {path}; what was to be written is not in it")
    if isinstance(error, duckdb.IOException | duckdb.FatalException):
        return StoreError(f"the store {path} cannot be used: {text[:200]} (--store or CXR_STORE names another)")
    return error
