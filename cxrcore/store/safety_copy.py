"""The copy of a store from before its form changes: `store.before-N.duckdb` beside it, the last one kept.

Made in one's turn at the file and with no connection open (see `turns`), whole or not at all.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from cxrcore.data.files import disk_room
from cxrcore.errors import DiskFullError
from cxrcore.store import store_path

_PIECE = 1 << 24  # bytes copied at a time


def path_of(store: Path, version: int) -> Path:
    """Where the copy of a store of this schema version lies."""
    return store.with_name(f"{store.stem}.before-{version}{store.suffix}")


def kept_copy(store: Path) -> Path | None:
    """The copy that lies beside a store, if there is one."""
    found = _all(store)
    return max(found, key=found.__getitem__, default=None)


def keep_copy(store: Path, version: int, check: Callable[[], None]) -> Path:
    """Copy a closed store beside itself, then remove older copies.

    Args:
        store: resolved; no connection to it is open, nobody writes, and all of it stands in the file.
        check: called between pieces; may raise, and then nothing is left of the copy.

    Raises:
        DiskFullError: no room. StoreError: it cannot be written. The store and older copies stay as they are.
    """
    copy = path_of(store, version)
    partial = copy.with_name(f"{copy.name}.new")
    needed = free = 0
    try:
        was = os.stat(store)
        if _is_same(copy, was):  # made before a step that did not come to its end
            return copy
        needed, free = was.st_size, shutil.disk_usage(store.parent).free
        if free < needed:
            raise _no_room(store, needed, free)
        partial.unlink(missing_ok=True)
        _write(store, partial, check)
        os.utime(partial, ns=(was.st_atime_ns, was.st_mtime_ns))
        os.replace(partial, copy)
    except OSError as error:
        if error.errno in disk_room.FULL:
            raise _no_room(store, needed, free) from None
        raise store_path.refusal(store, f"it cannot be copied to {copy.name} before its form changes: "
                                 f"{error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    for other in set(_all(store)) - {copy}:
        with contextlib.suppress(OSError):
            other.unlink()
    return copy


def copy_store(store: Path, copy: Path, check: Callable[[], None]) -> None:
    """Copy a closed store with its last commits to a place of its own.

    Raises:
        DiskFullError, StoreError: as `keep_copy`.
    """
    try:
        _write(store, copy, check)
        with contextlib.suppress(FileNotFoundError):
            _write(store_path.beside(store, store_path.WAL), store_path.beside(copy, store_path.WAL), check)
        copy.chmod(0o600)
    except OSError as error:
        if error.errno in disk_room.FULL:
            raise _no_room(store, os.stat(store).st_size, shutil.disk_usage(copy.parent).free) from None
        raise store_path.refusal(store, f"it has an older form and cannot be copied: {error.strerror}") from None


def _all(store: Path) -> dict[Path, int]:
    """{copy: schema version} of what lies beside a store."""
    form = re.compile(rf"{re.escape(store.stem)}\.before-(\d+){re.escape(store.suffix)}")
    try:
        names = os.listdir(store.parent)
    except OSError:
        return {}
    return {store.with_name(name): int(found[1]) for name in names if (found := form.fullmatch(name))}


def _is_same(copy: Path, was: os.stat_result) -> bool:
    try:
        now = os.stat(copy)
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns) == (was.st_size, was.st_mtime_ns)


def _write(store: Path, partial: Path, check: Callable[[], None]) -> None:
    with store.open("rb") as source, partial.open("xb") as target:
        shutil.copymode(store, partial)
        while piece := source.read(_PIECE):
            target.write(piece)
            check()
        target.flush()
        os.fsync(target.fileno())


def _no_room(store: Path, needed: int, free: int) -> DiskFullError:
    return DiskFullError(f"no room to copy the store {store} before its form changes: {needed / 1e6:.0f} MB are needed "
                         f"beside it, {free / 1e6:.0f} MB are free; nothing was changed")
