"""A training's stand-in: python stand_in.py STORE KEY FOLDER. It claims, begins a run or goes on with it, and ends.

What it does besides is asked for by a file in FOLDER: KEY.fail (fails while it is there), KEY.kill (kills itself
once), KEY.wait (waits while it is there, until it is told to stop). Each training that is begun or gone on with is a
line of FOLDER/starts.
"""

import os
import signal
import sys
import time
from pathlib import Path

from cxrcore import cli
from cxrcore.errors import RunError
from cxrcore.interrupts import sigterm_as_interrupt
from cxrcore.settings import TRAINING_KEY
from cxrcore.store import Store, claims
from cxrcore.store.progress import Progress
from cxrcore.training.sweep import kept_runs


def main(store: Store, key: str, folder: Path) -> None:
    with claims.claimed(store, key):
        found = kept_runs.kept_runs(store, {key}).get(key)
        if found and found.state == kept_runs.FINISHED:
            return
        with (folder / "starts").open("a") as starts:
            starts.write(f"{key}\n")
        run_id = found.run_id if found else store.create_run({"name": key, "arch": "resnet18", TRAINING_KEY: key}, "d")
        status = "failed"
        with sigterm_as_interrupt(), Progress(store.run_folder(run_id)):
            store.finish_run(run_id, "running")
            try:
                _train(folder, key)
                status = "finished"
            except KeyboardInterrupt:
                status = "interrupted"
                raise
            finally:
                store.finish_run(run_id, status)


def _train(folder: Path, key: str) -> None:
    if (folder / f"{key}.kill").exists():
        (folder / f"{key}.kill").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / f"{key}.fail").exists():
        raise RunError(f"no film of {key} can be read")
    (folder / f"{key}.waits").touch()
    while (folder / f"{key}.wait").exists():
        time.sleep(0.05)


if __name__ == "__main__":
    cli.run(lambda _: main(Store(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])))
