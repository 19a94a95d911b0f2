"""What the store and the runs' folders hold of planned trainings: finished, under way, or to be gone on with."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from cxrcore.settings import TRAINING_KEY
from cxrcore.store import Store, progress, waiting
from cxrcore.store.records import rows_of
from cxrcore.store.run_folder import LAST

FINISHED, RUNNING, STOPPED = "finished", "running", "stopped"
_FIRST = (FINISHED, RUNNING, STOPPED)  # where there are several runs of a key


@dataclass(frozen=True)
class KeptRun:
    """A run of a planned training.

    Attributes:
        state: `FINISHED`, `RUNNING`, or `STOPPED`: failed or interrupted, and it can be gone on with.
    """

    run_id: str
    state: str


def kept_runs(store: Store, keys: Collection[str]) -> dict[str, KeptRun]:
    """{key: its run}, of those that have one: the newest finished, else one under way, else the newest to go on with.

    A run that stopped after an epoch and whose last checkpoint is gone is none.
    """
    found: dict[str, KeptRun] = {}
    for row in rows_of(store.runs()):  # newest first
        key = _key(row.config) if row.kind == "trained" else ""
        if key not in keys or not (state := _state(store, row.run_id, row.status)):
            continue
        if key not in found or _FIRST.index(state) < _FIRST.index(found[key].state):
            found[key] = KeptRun(row.run_id, state)
    return found


def _key(config: str | None) -> str:
    """Of a run's config; '' of one that an older version trained."""
    told = json.loads(config or "{}")
    return str(told.get(TRAINING_KEY) or "") if isinstance(told, dict) else ""


def _state(store: Store, run_id: str, status: str) -> str | None:
    if status != FINISHED and waiting.has_trained(store, run_id):
        return FINISHED  # its results wait to be handed in, which every script does
    status = progress.effective_status(status, progress.of_run(store, run_id))
    if status in (FINISHED, RUNNING):
        return status
    has_epochs = not store.epochs([run_id]).empty
    return STOPPED if store.run_file(run_id, LAST) or not has_epochs else None
