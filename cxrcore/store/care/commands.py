"""What scripts/store.py does with a store, a function a command. A store of another kind brings its own functions."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from cxrcore.config import StoreConfig, default_store
from cxrcore.errors import UsageError
from cxrcore.store.care import backup, checking, closed_file, restore, vacuum
from cxrcore.store.store import Store

_LOG = logging.getLogger(__name__)  # scripts print what it says
FAULTS = 1  # exit code of a check that found some


def run_command(command: str, folder: str | None, config: StoreConfig) -> int:
    """Do one of `config.STORE_COMMANDS`; returns the exit code.

    Args:
        folder: the backup, of 'restore'.

    Raises:
        WorkbenchError: one line that says what is wrong.
    """
    if (folder is not None) != (command == "restore"):
        raise UsageError("restore needs the folder of a backup" if folder is None else
                         f"{command} takes no folder" + (": --out names it" if command == "backup" else ""))
    return _COMMANDS[command](Store(config.store or default_store()), folder, config)


def _check(store: Store, folder: str | None, config: StoreConfig) -> int:
    found = checking.check(store)
    for one in found:
        _LOG.info(one.in_words)
    faults = sum(one.is_fault for one in found)
    _LOG.info(f"{store.path}: " + (f"{faults} faults" if faults else "nothing is wrong"))
    return FAULTS if faults else 0


def _back_up(store: Store, folder: str | None, config: StoreConfig) -> int:
    name = f"{store.path.stem}.backup-{time.strftime('%Y%m%d-%H%M%S')}"
    made = backup.back_up(store, Path(config.out) if config.out else store.folder / name,
                          checkpoints=config.checkpoints, maps=config.prepared)
    _LOG.info(f"backup {made.folder}: {closed_file.in_words(made.rows)}; {len(made.files)} files, "
              f"{made.n_bytes / 1e6:,.1f} MB, read back and whole")
    return 0


def _restore(store: Store, folder: str | None, config: StoreConfig) -> int:
    done, kept = restore.restore(store, Path(folder or ""), replace=config.replace)
    _LOG.info(f"{store.path} is as it was at {done.made_at}: {closed_file.in_words(done.rows)}"
              + (f"; what was there lies in {kept}, which may be deleted once all is well" if kept else ""))
    return 0


def _vacuum(store: Store, folder: str | None, config: StoreConfig) -> int:
    before, after = vacuum.vacuum(store)
    _LOG.info(f"{store.path}: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")
    return 0


_COMMANDS: dict[str, Callable[[Store, str | None, StoreConfig], int]] = {
    "check": _check, "backup": _back_up, "restore": _restore, "vacuum": _vacuum}
