"""What scripts/store.py does with a store, a function a command. A store of another kind brings its own functions."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cxrcore.config import StoreConfig, default_store
from cxrcore.errors import UsageError
from cxrcore.store.care import backup, checking, closed_file, moving, restore, vacuum
from cxrcore.store.store import Store

_LOG = logging.getLogger(__name__)  # scripts print what it says
FAULTS = 1  # exit code of a check that found some


def run_command(command: str, places: Sequence[str], config: StoreConfig) -> int:
    """Do one of `config.STORE_COMMANDS`; returns the exit code.

    Args:
        places: the backup, of 'restore'; the two stores, of 'copy'.

    Raises:
        WorkbenchError: one line that says what is wrong.
    """
    if len(places) != _PLACES.get(command, 0):
        raise UsageError(_NEEDS.get(command) or
                         f"{command} takes no folder" + (": --out names it" if command == "backup" else ""))
    if command == "copy":
        return _copy(Store(places[0]), Store(places[1]), config)
    return _COMMANDS[command](Store(config.store or default_store()), next(iter(places), None), config)


def _init(store: Store, folder: str | None, config: StoreConfig) -> int:
    made = store.make()
    _LOG.info(f"{store.key} is ready" + ("" if made else ", as it was"))
    return 0


def _copy(source: Store, target: Store, config: StoreConfig) -> int:
    target.require_writable()
    held = moving.copy_store(source, target, maps=config.prepared)
    for line in moving.in_words(held):
        _LOG.info(line)
    _LOG.info(f"all of {source.key} is in {target.key}, read back and the same")
    runs = source.runs()
    if n := int((runs["status"] == "running").sum()):
        _LOG.info(f"note: {n} runs said that they were training: what they write from now on is in the old store alone")
    return 0


def _check(store: Store, folder: str | None, config: StoreConfig) -> int:
    found = checking.check(store)
    for one in found:
        _LOG.info(one.in_words)
    faults = sum(one.is_fault for one in found)
    _LOG.info(f"{store.key}: " + (f"{faults} faults" if faults else "nothing is wrong"))
    return FAULTS if faults else 0


def _back_up(store: Store, folder: str | None, config: StoreConfig) -> int:
    name = f"{store.path.stem if store.is_file else 'team'}.backup-{time.strftime('%Y%m%d-%H%M%S')}"
    made = backup.back_up(store, Path(config.out) if config.out else store.folder / name,
                          checkpoints=config.checkpoints, maps=config.prepared)
    _LOG.info(f"backup {made.folder}: {closed_file.in_words(made.rows)}; {len(made.files)} files, "
              f"{made.n_bytes / 1e6:,.1f} MB, read back and whole")
    return 0


def _restore(store: Store, folder: str | None, config: StoreConfig) -> int:
    done, kept = restore.restore(store, Path(folder or ""), replace=config.replace)
    _LOG.info(f"{store.key} is as it was at {done.made_at}: {closed_file.in_words(done.rows)}"
              + (f"; what was there lies in {kept}, which may be deleted once all is well" if kept else ""))
    return 0


def _vacuum(store: Store, folder: str | None, config: StoreConfig) -> int:
    before, after = vacuum.vacuum(store)
    _LOG.info(f"{store.path}: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")
    return 0


_PLACES = {"restore": 1, "copy": 2}  # what a command is told besides its flags
_NEEDS = {"restore": "restore needs the folder of a backup",
          "copy": "copy needs two stores, FROM and TO: paths of files, or addresses of a team's"}
_COMMANDS: dict[str, Callable[[Store, str | None, StoreConfig], int]] = {
    "init": _init, "check": _check, "backup": _back_up, "restore": _restore, "vacuum": _vacuum}
