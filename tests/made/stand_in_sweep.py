"""Sweeps of stand-ins, in this process or in one of their own."""

import os
import sys
from pathlib import Path

import fork_server

from cxrcore import cli
from cxrcore.config import PROJECT_ROOT
from cxrcore.store import Store
from cxrcore.training.sweep import local_queue
from cxrcore.training.sweep.planned import Planned

STAND_IN = Path(__file__).with_name("stand_in.py")
context = fork_server.context("cxrcore.training.sweep.local_queue")


def sweep(store: Store, folder: Path, keys: list[str], devices: tuple[str, ...] = ("cpu", "cpu")) -> None:
    """One training a key, named as it is."""
    local_queue.run(store, [Planned(key, key, ()) for key in keys], devices, lambda plan, device: [
        sys.executable, str(STAND_IN), store.key, plan.key, str(folder)])


class OwnSweep:
    """A sweep that runs in a process of its own.

    Attributes:
        process: it.
    """

    def __init__(self, store: Store, folder: Path, keys: list[str], output: Path):
        """Start it; what it says goes into the file `output`."""
        self._output = output
        self.process = context.Process(target=_as_script, args=(store.key, folder, keys, output),
                                       daemon=True)
        self.process.start()

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self._output.read_text() if self._output.exists() else ""


def _as_script(store_key: str, folder: Path, keys: list[str], output: Path) -> None:
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    os.environ["PYTHONPATH"] = str(PROJECT_ROOT)
    cli.run(lambda _: sweep(Store(Path(store_key)), folder, keys))
