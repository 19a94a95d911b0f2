"""The demo: phantoms, a first network, the dashboard on it, and the other networks behind it. Ctrl-C safe, resumable.

Everything is done by the workbench's own scripts, each in a process of its own: what the demo shows is real training.
Which runs are there, the demo's store says; started again, it goes on with what is missing.
"""

import contextlib
import os
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxrcore import progress
from cxrcore.config import PROJECT_ROOT, DemoConfig
from cxrcore.data.phantom_folder import TABLE
from cxrcore.errors import RunError
from cxrcore.store import Store

FOLDER = "demo_phantoms"  # of the films, beside the store
PHANTOMS = ("--films", "2400", "--size", "128", "--difficulty", "0.25")
TRAINING = ("--img_size", "128", "--init", "random")  # maps of 4 x 4 cells and more
METHODS = "gradcam,gradcam++"  # of the maps that are held against the boxes
STOP_WAIT = 60.0  # seconds that a training gets to write down where it was


@dataclass(frozen=True)
class Step:
    """One training.

    Attributes:
        name: of its run, by which it is found again.
        flags: of scripts/train.py, besides those that all share.
        note: printed before it begins, and kept with the run.
    """

    name: str
    flags: tuple[str, ...]
    note: str = ""


# From scratch on 1,700 films: the narrow networks need small batches and large steps to get anywhere in minutes.
_NARROW = ("--lr", "2e-3", "--batch_size", "16")
FIRST = Step("ResNet-18", ("--arch", "resnet18", "--lr", "1e-3", "--epochs", "3"))
OTHERS = (
    Step("EfficientNet-B0", ("--arch", "efficientnet_b0", "--epochs", "5", *_NARROW)),
    Step("EfficientNet-B0, weighted", ("--arch", "efficientnet_b0", "--epochs", "5", "--loss", "pos_weight", *_NARROW)),
    Step("DenseNet-121", ("--arch", "densenet121", "--lr", "1e-3", "--epochs", "3")),
    Step("MobileNetV2", ("--arch", "mobilenet_v2", "--epochs", "4", *_NARROW)),
)
SLOW = (
    Step("VGG16", ("--arch", "vgg16", "--epochs", "3", "--lr", "1e-4"),
         "VGG16 has no batch normalisation: training it from scratch on few films does not suit it"),
    Step("ViT-B/16", ("--arch", "vit_b_16", "--epochs", "3", "--lr", "1e-4"),
         "A vision transformer needs far more films than these to learn from scratch"),
)


def run(config: DemoConfig) -> None:
    """Make the demo, or go on with it, and keep the dashboard open until Ctrl-C.

    Raises:
        RunError: a script of it failed, or the dashboard's port is taken.
    """
    if not (config.no_dashboard or _is_free(config.port)):
        raise RunError(f"port {config.port} is in use: close what is open there, or take another with --port")
    store = Store(config.store or PROJECT_ROOT / "runs" / "demo.duckdb")
    films = store.path.parent / FOLDER
    with contextlib.ExitStack() as stack:
        try:
            _script("make_phantoms.py", "--out", films, *PHANTOMS)
            _train(store, films, FIRST)
            if not config.no_dashboard:
                board = stack.enter_context(_dashboard(store, config.port))
            steps = (*OTHERS, *(SLOW if config.all else ()))
            for step in steps:
                _train(store, films, step)
            for run_id in unmeasured(store, (FIRST, *steps)):
                print(f"=== are maps of {run_id} on the boxes? (Localization shows it)", flush=True)
                _script("gradcam.py", "--boxes", "--run", run_id, "--methods", METHODS, "--store", store.path,
                        printed=False)
            print(f"the demo is complete: {len(store.runs())} runs in {store.path}", flush=True)
            if not config.no_dashboard:
                board.wait()
        except KeyboardInterrupt:
            print("\nstopped; the same command goes on from here", flush=True)


def left(store: Store, steps: Sequence[Step]) -> list[Step]:
    """The trainings that have no finished run yet."""
    runs = store.runs()
    done = set(runs.loc[runs["status"] == "finished", "name"])
    return [step for step in steps if step.name not in done]


def unmeasured(store: Store, steps: Sequence[Step]) -> list[str]:
    """The run_ids of these trainings whose maps have not been held against the boxes of their test films."""
    runs, board = store.runs(), store.leaderboard()
    tested = board[board["split"] == "test"].set_index("run_id")["prediction_id"]
    ours = runs[(runs["status"] == "finished") & runs["name"].isin([step.name for step in steps])]["run_id"]
    return [run_id for run_id in ours if run_id in tested and store.localization([tested[run_id]]).empty]


def _train(store: Store, films: Path, step: Step) -> None:
    """One training, unless it is finished; one that was interrupted after an epoch is resumed."""
    if not left(store, [step]):
        print(f"=== {step.name}: there already", flush=True)
        return
    print(f"=== {step.name}" + (f": {step.note}" if step.note else ""), flush=True)
    begun = _begun(store, step.name)
    if begun:
        _script("train.py", "--resume", begun, "--store", store.path)
    else:
        _script("train.py", "--csv_path", films / TABLE, "--img_root", films, "--store", store.path,
                "--name", step.name, *TRAINING, *step.flags)
    if step.note:
        runs = store.runs()
        for run_id in runs.loc[runs["name"] == step.name, "run_id"]:
            store.edit_run(run_id, note=step.note)


def _begun(store: Store, name: str) -> str | None:
    """The newest run of this name that was stopped, after the last finished epoch of which it can go on."""
    runs = store.runs()
    for row in runs[runs["name"] == name].itertuples():
        status = progress.effective_status(row.status, progress.read(store.run_folder(row.run_id)))
        if status == "interrupted" and len(store.epochs([row.run_id])):
            return row.run_id
        if status == "running":
            raise RunError(f"'{name}' is being trained by another process: wait for it, or stop it")
        if status != "finished":  # nothing to go on with
            store.delete_run(row.run_id)
    return None


def _script(name: str, *flags: object, printed: bool = True) -> None:
    """Run one of scripts/ to its end; Ctrl-C reaches it too, and it gets the time to write down where it was.

    Args:
        printed: what it prints; progress and errors always are.

    Raises:
        RunError: it failed; its own line stands above.
    """
    process = subprocess.Popen([sys.executable, PROJECT_ROOT / "scripts" / name, *map(str, flags)], cwd=PROJECT_ROOT,
                               stdout=None if printed else subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            process.wait(STOP_WAIT)
        process.kill()
        raise
    if status:
        raise RunError(f"the demo stopped: scripts/{name} ended with status {status}")


def _is_free(port: int) -> bool:
    """Whether nobody answers there yet."""
    with socket.socket() as asked:
        return asked.connect_ex(("localhost", port)) != 0


@contextlib.contextmanager
def _dashboard(store: Store, port: int) -> Iterator[subprocess.Popen]:
    """The dashboard on the demo's store, while the block runs."""
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"],
        cwd=PROJECT_ROOT, env=os.environ | {"CXR_STORE": str(store.path)})
    address = f"http://localhost:{port}/runs"
    print(f"\nThe dashboard is open at {address}; the other networks train behind it. Ctrl-C stops both.\n", flush=True)
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)
    try:
        yield server
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
