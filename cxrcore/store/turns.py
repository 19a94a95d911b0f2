"""How processes take turns at the store's file: a gate beside it, bounded waiting, and no connection kept open.

DuckDB lets one process write or many read, never both, and its own lock is first come, first served without a queue:
under load, writers starve. So a writer holds a file lock (the gate) from before it opens the store until after it has
closed it, and a reader holds it only while it connects; reads stay parallel. Within one process a read-only and a
read-write connection to one file exclude each other: several of its threads may read at once, on one opening of the
file, or one alone has it.

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

_here: dict[Path, "_Here"] = {}
_here_guard = threading.Lock()


class _Here:
    """Who in this process is at a file: some who read it together, or one alone.

    Whoever wants it alone comes before readers who ask later, and after it come those who waited meanwhile: neither
    readers that overlap nor writers one after another keep the others out.

    Attributes:
        at_gate: held by the one reader of this process who waits at the gate.
    """

    def __init__(self) -> None:
        self.at_gate = threading.Lock()
        self._changed = threading.Condition()
        self._readers, self._alone, self._wait_alone = 0, False, 0
        self._phase, self._waiting, self._owed = 0, 0, 0  # times it was had alone; readers who wait, and come next
        self._handling = threading.Lock()
        self._connected = 0
        self._opened: tuple[int, ...] | None = None

    def enter(self, alone: bool, seconds: float) -> bool:
        """Wait so long; whether it came to that."""
        with self._changed:
            return self._enter_alone(seconds) if alone else self._enter_to_read(seconds)

    def _enter_alone(self, seconds: float) -> bool:
        self._wait_alone += 1
        try:
            free = self._changed.wait_for(lambda: not (self._alone or self._readers or self._owed), seconds)
            self._alone = self._alone or free
        finally:  # a signal may raise in there
            self._wait_alone -= 1
            self._changed.notify_all()
        return free

    def _enter_to_read(self, seconds: float) -> bool:
        phase = self._phase
        self._waiting += 1
        try:
            free = self._changed.wait_for(
                lambda: not self._alone and (not self._wait_alone or self._phase != phase), seconds)
            self._readers += free
        finally:
            self._waiting -= 1
            self._owed -= self._phase != phase
            self._changed.notify_all()
        return free

    def leave(self, alone: bool) -> None:
        """Whoever entered is done."""
        with self._changed:
            if alone:
                self._alone, self._phase, self._owed = False, self._phase + 1, self._waiting
            else:
                self._readers -= 1
            if not self._readers:  # whatever a signal has cut short, nothing is open now
                self._connected, self._opened = 0, None
            self._changed.notify_all()

    def connect(self, path: Path, *, write: bool) -> duckdb.DuckDBPyConnection | None:
        """Open the file, or join those that have it open; None while they read one that was replaced meanwhile.

        One at a time, and none while another closes: the last one of readers closes the file, by which whoever has
        just opened it would lose DuckDB's lock.
        """
        with self._handling:
            now = _identity(path)  # before it is opened: one that comes after this joins nobody
            if self._connected and self._opened != now:
                return None
            self._connected += 1
            try:
                connection = duckdb.connect(str(path), read_only=not write, config=_CLOSED)
            except BaseException:
                self._connected -= 1
                raise
            self._opened = now
            return connection

    def close(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Close one of `connect`."""
        with self._handling:
            try:
                connection.close()
            finally:
                self._connected -= 1

    @property
    def reads(self) -> bool:
        """Whether somebody has the file open."""
        return self._connected > 0


def _identity(path: Path) -> tuple[int, ...] | None:
    """What tells a file from another that came into its place."""
    with contextlib.suppress(OSError):
        info = path.stat()
        return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
    return None


@dataclass(frozen=True)
class Turn:
    """One's turn at a store's file: no other process writes, and nobody else in this process, or readers alone.

    Attributes:
        path: of the store, resolved.
    """

    path: Path
    write: bool
    deadline: float
    seconds: float
    gate: contextlib.ExitStack
    signals: Postponed
    here: _Here

    @contextlib.contextmanager
    def connect(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The file opened; closed on leaving. A signal cuts a query short, and its transaction is rolled back.

        Raises:
            StoreBusy, StoreError, DiskFullError: as `connection`.
        """
        opened = _open(self)
        try:
            with _interruptible(opened, self.signals):
                yield opened
        except duckdb.Error as error:
            raise failure(self.path, error) from None
        finally:
            self.here.close(opened)

    def let_others_in(self) -> None:
        """Open the gate; for a reader, once it is connected."""
        self.gate.close()


@contextlib.contextmanager
def turn(path: Path, *, write: bool, wait: float | None = None) -> Generator[Turn]:
    """Wait for one's turn at a store's file, alone in this process; nothing is opened yet.

    Ctrl-C and SIGTERM end the waiting at once; from then on they are answered when all is closed and given back.

    Raises:
        StoreBusy: the store stayed locked for longer than `wait`; says who holds it.
        StoreError: what is there cannot be a store, or cannot be locked.
    """
    with _turn(path, write, True, wait) as own:
        yield own


@contextlib.contextmanager
def _turn(path: Path, write: bool, alone: bool, wait: float | None) -> Generator[Turn]:
    seconds = wait if wait is not None else WRITER_WAIT if write else READER_WAIT
    path, deadline = store_path.resolved(path), time.monotonic() + seconds
    store_path.exists(path)
    with (postponed() as signals, _process_turn(path, alone, deadline, seconds, signals) as here,
          _file_turn(path, deadline, seconds, signals, None if alone else here.at_gate, announce=write) as gate):
        yield Turn(path, write, deadline, seconds, gate, signals, here)


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
    with _turn(path, write, write or not _has_gate(path), wait) as own, own.connect() as opened:
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
def _process_turn(path: Path, alone: bool, deadline: float, seconds: float, signals: Postponed) -> Generator[_Here]:
    with _here_guard:
        here = _here.setdefault(path, _Here())
    while not here.enter(alone, signals.patience(deadline - time.monotonic())):
        signals.check()
        if time.monotonic() >= deadline:
            raise StoreBusy(f"the store {path} is in use by another part of this program; waited {seconds:.0f} s")
    try:
        yield here
    finally:
        here.leave(alone)


@contextlib.contextmanager
def _file_turn(path: Path, deadline: float, seconds: float, signals: Postponed, queue: "threading.Lock | None",
               announce: bool) -> Generator[contextlib.ExitStack]:
    """The gate, which whatever is yielded opens when it is closed.

    Args:
        queue: what readers of this process wait for before one of them asks for the gate again and again.
    """
    gate, holder = FileLock(store_path.beside(path, store_path.GATE)), store_path.beside(path, store_path.HOLDER)
    with contextlib.ExitStack() as held:
        try:
            if queue is not None:
                _wait_for(queue, deadline, signals)
                held.callback(queue.release)
            held.callback(gate.release)
            _acquire(gate, deadline, signals)
        except Timeout:
            raise StoreBusy(f"the store {path} is busy: {_describe(holder)}; waited {seconds:.0f} s") from None
        except OSError as error:
            if announce or error.errno not in _NOT_WRITABLE:
                raise StoreError(f"the store {path} cannot be locked: {error}") from None
            # A reader in a folder that nobody here can write to needs no turn.
        if announce:
            me = {"pid": os.getpid(), "program": Path(sys.argv[0] or "python").name, "since": time.time()}
            with contextlib.suppress(OSError):  # a full disk shows where it matters
                holder.write_text(json.dumps(me))
        yield held


def _has_gate(path: Path) -> bool:
    """Whether readers can wait at the gate; where they cannot, they leave writers gaps by reading one at a time."""
    gate = store_path.beside(store_path.resolved(path), store_path.GATE)
    return os.access(gate if gate.exists() else gate.parent, os.W_OK)


def _wait_for(queue: threading.Lock, deadline: float, signals: Postponed) -> None:
    while not queue.acquire(timeout=signals.patience(deadline - time.monotonic())):
        signals.check()
        if time.monotonic() >= deadline:
            raise Timeout("")


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
        holder = "those who read the file that was here before"
        try:
            if (opened := own.here.connect(path, write=own.write)) is not None:
                return opened
        except duckdb.Error as error:
            text = " ".join(str(error).split())
            if not any(sign in text for sign in _LOCKED):
                if own.write and not existed:
                    path.unlink(missing_ok=True)  # half a file, which a full disk leaves and nobody could open again
                raise _unopened(own, error) from None
            who = re.search(r"held in (.+?\(PID \d+\))", text)
            holder = who[1] if who else "another process"
        if time.monotonic() > own.deadline:
            raise StoreBusy(f"the store {path} is locked by {holder}; waited {own.seconds:.0f} s")
        # Readers that are still at work: with the gate held, no new ones can come.
        own.signals.check()
        time.sleep(_POLL)


def _unopened(own: Turn, error: duckdb.Error) -> Exception:
    """Why a file could not be opened at all; it is looked into where no connection to it is open."""
    path, known = own.path, failure(own.path, error)
    if isinstance(known, DiskFullError):
        return known
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        head = None if own.here.reads else stack.enter_context(path.open("rb")).read(len(_SQLITE))
        if head == _SQLITE:
            return store_path.refusal(path, "it is an SQLite database")
        if head == b"":
            return store_path.refusal(path, "it is an empty file and not a valid DuckDB file; remove it to begin anew")
    return known if known is not error else store_path.refusal(path, " ".join(str(error).split())[:200])


def failure(path: Path, error: duckdb.Error) -> Exception:
    """What the disk or the file itself did, in our words; a fault in a query stays what it is."""
    text = " ".join(str(error).split())
    if any(sign in text for sign in _DISK_FULL):
        return DiskFullError(f"no room on the disk of the store {path}; what was to be written is not in it")
    return store_path.refusal(path, text[:200]) if isinstance(error, _DAMAGE) else error
