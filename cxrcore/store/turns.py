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
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from cxrcore.errors import DiskFullError, StoreBusy, StoreError
from cxrcore.interrupts import Postponed, postponed
from cxrcore.store import store_path
from cxrcore.store.backends.session import Answer

WRITER_WAIT = 60.0  # seconds
READER_WAIT = 10.0
_POLL = 0.01
_LOCKED = ("Could not set lock", "being used by another process", "different configuration")

_DISK_FULL = ("No space left", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), os.strerror(errno.EFBIG))

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)

# A store may come from somebody else: nothing that stands in it, such as a view, may fetch code or read other files.
_CLOSED: dict[str, str | float | list[str]] = {
    "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "enable_external_access": "false"}
_DAMAGE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException,
           duckdb.PermissionException, duckdb.OutOfMemoryException)
_SQLITE = b"SQLite format 3\0"

_thread_locks: dict[Path, threading.Lock] = {}
_thread_locks_guard = threading.Lock()


@dataclass(frozen=True)
class Turn:
    """One's turn at a store's file: nobody else in this process has it open, and no other process writes.

    Attributes:
        path: of the store, resolved.
    """

    path: Path
    write: bool
    deadline: float
    seconds: float
    gate: FileLock
    signals: Postponed

    @contextlib.contextmanager
    def connect(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The file opened; closed on leaving. A signal cuts a query short, and its transaction is rolled back.

        Raises:
            StoreBusy, StoreError, DiskFullError: as `connection`.
        """
        with contextlib.closing(_open(self)) as opened, _interruptible(opened, self.signals):
            try:
                yield opened
            except duckdb.Error as error:
                raise failure(self.path, error) from None

    def let_others_in(self) -> None:
        """Open the gate; for a reader, once it is connected."""
        self.gate.release()


@contextlib.contextmanager
def turn(path: Path, *, write: bool, wait: float | None = None) -> Generator[Turn]:
    """Wait for one's turn at a store's file; nothing is opened yet.

    Ctrl-C and SIGTERM end the waiting at once; from then on they are answered when all is closed and given back.

    Raises:
        StoreBusy: the store stayed locked for longer than `wait`; says who holds it.
        StoreError: what is there cannot be a store, or cannot be locked.
    """
    seconds = wait if wait is not None else WRITER_WAIT if write else READER_WAIT
    path, deadline = store_path.resolved(path), time.monotonic() + seconds
    store_path.exists(path)
    with (postponed() as signals, _thread_turn(path, deadline, seconds, signals),
          _file_turn(path, deadline, seconds, signals, announce=write) as gate):
        yield Turn(path, write, deadline, seconds, gate, signals)


@contextlib.contextmanager
def connection(path: Path, *, write: bool, wait: float | None = None) -> Generator[duckdb.DuckDBPyConnection]:
    """A connection for one transaction; closed on leaving.

    Args:
        wait: seconds; default 60 for a writer, 10 for a reader.

    Raises:
        StoreBusy: the store stayed locked for longer than `wait`; says who holds it.
        StoreError: the file is no DuckDB file, is damaged, or cannot be opened.
        DiskFullError: no room for what was to be written.
    """
    with turn(path, write=write, wait=wait) as own, own.connect() as opened:
        if not write:
            own.let_others_in()
        yield opened


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach one more closed store, read-only, to a new database, which from then on may open nothing else."""
    own = {setting: value for setting, value in _CLOSED.items() if setting != "enable_external_access"}
    for setting, value in (("allowed_paths", [str(path), str(store_path.beside(path, store_path.WAL))]), *own.items(),
                           ("enable_external_access", "false")):
        con.execute(f"SET {setting} = ?", [value])
    con.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS {name} (READ_ONLY)")


def one_row(asked: duckdb.DuckDBPyConnection | Answer) -> tuple[Any, ...]:
    """The row of a question that always has one, such as a count."""
    return asked.fetchone() or ()


@contextlib.contextmanager
def in_memory() -> Generator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database that is nowhere kept."""
    with (postponed() as signals, contextlib.closing(duckdb.connect(config=_CLOSED)) as opened,
          _interruptible(opened, signals)):
        yield opened


@contextlib.contextmanager
def _interruptible(opened: duckdb.DuckDBPyConnection, signals: Postponed) -> Generator[None]:
    signals.stop = opened.interrupt
    try:
        signals.check()  # one that came while the file was opened
        yield
    finally:
        signals.stop = None


@contextlib.contextmanager
def _thread_turn(path: Path, deadline: float, seconds: float, signals: Postponed) -> Generator[None]:
    with _thread_locks_guard:
        lock = _thread_locks.setdefault(path, threading.Lock())
    while not lock.acquire(timeout=signals.patience(deadline - time.monotonic())):
        signals.check()
        if time.monotonic() >= deadline:
            raise StoreBusy(f"the store {path} is in use by another part of this program; waited {seconds:.0f} s")
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _file_turn(path: Path, deadline: float, seconds: float, signals: Postponed, announce: bool) -> Generator[FileLock]:
    gate, holder = FileLock(store_path.beside(path, store_path.GATE)), store_path.beside(path, store_path.HOLDER)
    try:
        _acquire(gate, deadline, signals)
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


def _acquire(gate: FileLock, deadline: float, signals: Postponed) -> None:
    while True:
        try:
            gate.acquire(timeout=signals.patience(deadline - time.monotonic()), poll_interval=_POLL)
            return
        except Timeout:
            signals.check()
            if time.monotonic() >= deadline:
                raise


def _describe(holder: Path) -> str:
    try:
        last = json.loads(holder.read_text())
        since = time.strftime("%H:%M:%S", time.localtime(last["since"]))
        return f"the last writer is {last['program']} (process {last['pid']}), at it since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process holds its gate"


def _open(own: Turn) -> duckdb.DuckDBPyConnection:
    path, existed = own.path, store_path.exists(own.path)
    while True:
        try:
            return duckdb.connect(str(path), read_only=not own.write, config=_CLOSED)
        except duckdb.Error as error:
            text = " ".join(str(error).split())
            if not any(sign in text for sign in _LOCKED):
                if own.write and not existed:
                    path.unlink(missing_ok=True)  # half a file, which a full disk leaves and nobody could open again
                raise _unopened(path, error) from None
            if time.monotonic() > own.deadline:
                who = re.search(r"held in (.+?\(PID \d+\))", text)
                raise StoreBusy(f"the store {path} is locked by {who[1] if who else 'another process'}; "
                                f"waited {own.seconds:.0f} s") from None
        # Readers that are still at work: with the gate held, no new ones can come.
        own.signals.check()
        time.sleep(_POLL)


def _unopened(path: Path, error: duckdb.Error) -> Exception:
    """Why a file could not be opened at all; no connection to it is open, so it may be looked into."""
    known = failure(path, error)
    if isinstance(known, DiskFullError):
        return known
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(len(_SQLITE))
        if head == _SQLITE:
            return store_path.refusal(path, "it is an SQLite database")
        if not head:
            return store_path.refusal(path, "it is an empty file and not a valid DuckDB file; remove it to begin anew")
    return known if known is not error else store_path.refusal(path, " ".join(str(error).split())[:200])


def failure(path: Path, error: duckdb.Error) -> Exception:
    """What the disk or the file itself did, in our words; a fault in a query stays what it is."""
    text = " ".join(str(error).split())
    if any(sign in text for sign in _DISK_FULL):
        return DiskFullError(f"no room on the disk of the store {path}; what was to be written is not in it")
    return store_path.refusal(path, text[:200]) if isinstance(error, _DAMAGE) else error
