"""What a training is doing right now: runs/<run_id>/progress.json, written every second, and what it says of a run.

Kept out of the store, whose file would otherwise change every second. A run that says 'running' in the store but
whose process is gone is 'interrupted': worked out when read, since a killed process cannot say so itself.
"""

import contextlib
import json
import math
import os
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.store.run_folder import PROGRESS
from cxrcore.store.store import Store

BEAT = 1.0  # seconds between writes
STALE = 60.0  # seconds of silence after which a run on another machine counts as gone
WAITING = "waiting"  # stage and status of a training that has ended, whose results the store has not taken yet
_ENDS = ("failed", "interrupted", WAITING)  # stages after which nothing follows
_TEXTS = ("host", "stage", "error")
_NUMBERS = ("heartbeat", "epoch", "epochs", "step", "steps", "images_per_second", "seconds_left", "best_epoch")
_MOST = 2**53  # of a number


class Progress:
    """A heartbeat in a thread of its own; use as a context manager around a training.

    `update` only stores numbers; the thread writes them, so the training loop never waits for the disk.
    """

    def __init__(self, folder: Path):
        self._path = folder / PROGRESS
        self._state: dict[str, Any] = {"pid": os.getpid(), "host": socket.gethostname(), "stage": "starting"}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)

    def update(self, **state: Any) -> None:
        """Set fields: stage, epoch, epochs, step, steps, images_per_second, seconds_left, best_epoch."""
        self._state |= state

    @property
    def state(self) -> Mapping[str, Any]:
        """What was last told."""
        return self._state

    def __enter__(self) -> "Progress":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.write()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self.write()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            self.write()

    def write(self) -> None:
        """Write it now; the heartbeat does so every second."""
        # a full disk or a deleted folder must not end the training here
        with contextlib.suppress(OSError), replacing(self._path, alone=True) as partial:
            partial.write_text(json.dumps(self._state | {"heartbeat": time.time()}, default=float))


def read_progress(folder: Path) -> dict[str, Any]:
    """The latest progress, or an empty dictionary; what is of another kind than a training tells is left out."""
    try:
        told = bounded_file.settings(folder / PROGRESS)
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in told.items() if _is_told(name, value)} if isinstance(told, dict) else {}


def is_process(pid: Any) -> bool:
    """Whether a value is the number of a process of this machine that lives."""
    return isinstance(pid, int) and 0 <= pid < 2**31 and psutil.pid_exists(pid)


def _is_told(name: str, value: Any) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "pid":
        return isinstance(value, int)
    return name in _NUMBERS and isinstance(value, int | float) and abs(value) < _MOST


def of_run(store: Store, run_id: str) -> dict[str, Any]:
    """The latest progress of a run, or an empty dictionary.

    Of a team's run also `silence`: seconds since its process was heard, by the database's clock.
    """
    file = store.run_file(run_id, PROGRESS)
    told = read_progress(file.parent) if file else {}
    if store.is_file:
        return told
    held = store.backend.heard(lease_of(run_id))
    return told | {"silence": held[1] if held else math.inf}


def lease_of(run_id: str) -> str:
    """What the lease of a run is called."""
    return f"run {run_id}"


def effective_status(status: str, progress: Mapping[str, Any]) -> str:
    """The run's status as it is: 'interrupted' for one that says 'running' but whose process is gone.

    One that could not tell the store how it ended is what its progress says: 'failed', 'interrupted' or `WAITING`.

    Args:
        progress: as `of_run`; of a team's run with its silence by the database's clock, which counts alone.
    """
    if status != "running":
        return status
    if progress.get("stage") in _ENDS:
        return str(progress["stage"])
    if "silence" in progress:
        return "interrupted" if progress["silence"] > STALE else "running"
    silent = time.time() - progress.get("heartbeat", 0)
    if progress.get("host") == socket.gethostname() and not is_process(progress.get("pid")):
        return "interrupted"
    return "interrupted" if silent > STALE else "running"
