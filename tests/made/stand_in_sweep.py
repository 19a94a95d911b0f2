"""A sweep of stand-ins as a process of its own: python stand_in_sweep.py STORE FOLDER KEY KEY ..."""

import sys
from pathlib import Path

from cxrcore import cli
from cxrcore.store import Store
from cxrcore.training.sweep import local_queue
from cxrcore.training.sweep.planned import Planned

STAND_IN = Path(__file__).with_name("stand_in.py")


def sweep(store: Store, folder: Path, keys: list[str], devices: tuple[str, ...] = ("cpu", "cpu")) -> None:
    """One training a key, named as it is."""
    local_queue.run(store, [Planned(key, key, ()) for key in keys], devices, lambda plan, device: [
        sys.executable, str(STAND_IN), store.key, plan.key, str(folder)])


if __name__ == "__main__":
    cli.run(lambda _: sweep(Store(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3:]))
