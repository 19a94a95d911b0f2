"""A backup brought back in a store's place.

What was there is kept beside it, and at every moment there is the one or the other.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from cxrcore.errors import StoreBusy, StoreError, UsageError, WorkbenchError
from cxrcore.store import store_path, turns
from cxrcore.store.care import closed_file, kept_old, moving
from cxrcore.store.care.backup import FILE, Backup, verified
from cxrcore.store.care.file_checks import sha256
from cxrcore.store.store import Store


def restore(store: Store, folder: Path, *, replace: bool = False) -> tuple[Backup, Path | None]:
    """Verify a backup and put it where the store is; returns it, and where what was there lies now.

    Args:
        replace: take the place of what is there.

    Raises:
        UsageError: something is there, and `replace` was not said; nothing is changed.
        DataError: the backup is not whole; nothing is changed.
        StoreBusy: the store stayed in use. DiskFullError: no room.
    """
    store.require_writable()
    backup = verified(folder)
    if not store.is_file:
        return backup, _into_team(store, backup)
    in_the_way = _differing(store, backup)
    if (store.exists or in_the_way) and not replace:
        what = store.path if store.exists else store.folder / in_the_way[0]
        raise UsageError(f"{what} is there already: nothing was changed; --replace puts the backup in its place and "
                         "keeps what was there beside it")
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        closed_file.require_room(store.folder, backup.n_bytes)
        kept = _put(store.path, backup, in_the_way)
    except OSError as error:
        raise StoreError(f"the backup cannot be written in {store.folder}: {error.strerror or error}") from None
    return backup, kept


def _into_team(store: Store, backup: Backup) -> None:
    """Rows and files into a team's store that is made and empty: what it holds is never taken away here."""
    if in_the_way := _differing(store, backup):
        raise UsageError(f"{store.folder / in_the_way[0]} is there already: nothing was changed; a backup of a team "
                         "needs a database and a shared folder of its own")
    moving.require_empty(store)
    try:
        closed_file.require_room(store.folder, backup.n_bytes)
        _exchange_files(store.folder, backup, [], None)
        with tempfile.TemporaryDirectory() as folder:  # the backup itself stays as it is
            closed_file.copy(backup.folder / FILE, Path(folder) / FILE)
            moving.copy_rows(Store(Path(folder) / FILE), store)
    except OSError as error:
        raise StoreError(f"the backup cannot be written in {store.folder}: {error.strerror or error}") from None


def _differing(store: Store, backup: Backup) -> list[str]:
    """Files beside the store that the backup has otherwise."""
    return [name for name, (size, digest) in backup.files.items()
            if name != FILE and (there := store.folder / name).exists()
            and (there.stat().st_size != size or sha256(there) != digest)]


def _put(path: Path, backup: Backup, in_the_way: list[str]) -> Path | None:
    new = path.with_name(f"{path.stem}.restoring{path.suffix}")
    new.unlink(missing_ok=True)
    kept = kept_old.new_folder(path) if path.exists() or in_the_way else None
    try:
        closed_file.copy(backup.folder / FILE, new)
        closed_file.to_disk(new)
        with turns.turn(path, write=True) as own:
            if path.exists():
                try:
                    closed_file.settle(own)
                except StoreBusy:
                    raise
                except WorkbenchError:  # a damaged one is kept as it is
                    pass
            _exchange_files(path.parent, backup, in_the_way, kept)
            if kept is not None and path.exists():
                kept.mkdir(exist_ok=True)
                _keep(path, kept)
            os.replace(new, path)
            closed_file.to_disk(path.parent)
    finally:
        new.unlink(missing_ok=True)
    return kept


def _keep(path: Path, kept: Path) -> None:
    """A second name for the store's file, so that its own is never without one; its last commits go along."""
    try:
        os.link(path, kept / path.name)
    except OSError:  # a file system without second names
        closed_file.copy(path, kept / path.name)
        closed_file.to_disk(kept / path.name)
    with contextlib.suppress(FileNotFoundError):
        os.replace(store_path.beside(path, store_path.WAL), store_path.beside(kept / path.name, store_path.WAL))


def _exchange_files(root: Path, backup: Backup, in_the_way: list[str], kept: Path | None) -> None:
    """The files beside the store: those that differ move to `kept`, those of the backup take their place."""
    for name in backup.files:
        target = root / name
        if name == FILE or (target.exists() and name not in in_the_way):
            continue
        if target.exists() and kept is not None:
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(target, kept / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.new")
        shutil.copy2(backup.folder / name, partial)
        os.replace(partial, target)
