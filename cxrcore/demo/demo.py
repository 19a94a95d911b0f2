"""The demo: phantoms, a first network, the dashboard on it, and the other networks behind it. Ctrl-C safe, resumable.

Everything is done by the workbench's own scripts, each in a process of its own: what the demo shows is real training.
Which runs are there, the demo's store says; started again, it goes on with what is missing.
"""

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from cxrcore.config import PROJECT_ROOT, DemoConfig
from cxrcore.data.phantoms.folder import TABLE
from cxrcore.data.phantoms.mark import TRUTH
from cxrcore.demo import dashboard
from cxrcore.errors import RunError, StoreBusy, UsageError
from cxrcore.interrupts import Terminated, sigterm_as_interrupt
from cxrcore.store import Store, progress, queued
from cxrcore.store.queued import RUNNING, Queue, Queued
from cxrcore.store.run_folder import LAST

_LOG = logging.getLogger(__name__)  # scripts print what it says

FOLDER = "demo_phantoms"  # of the films, beside the store
PHANTOMS = ("--films", "2400", "--size", "128", "--difficulty", "0")  # plain signs
# Maps of 4 x 4 cells and more. One to three epochs are too few to learn from crops of films as well.
TRAINING = ("--img_size", "128", "--init", "random", "--crop", "1", "--tone", "0", "--dropout", "0", "--drop_path", "0",
            "--weight_decay", "0.01")
TRUTH_SET = "truth"  # the second label set
METHODS = "gradcam,gradcam++"  # of the maps that are held against the boxes
LOOK_EVERY = 1.0  # seconds
GIVES_WAY = 10  # of the 19 steps by which a process may put itself behind others
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


# From scratch on 1,700 films: many small steps learn most in minutes. All of it takes a quarter of an hour on two slow
# cores without bf16.
_LEARN = ("--batch_size", "8", "--train_subset", "1400", "--epochs")
FIRST = Step("ResNet-18", ("--arch", "resnet18", "--lr", "1e-3", "--batch_size", "8", "--epochs", "1",
                           "--train_subset", "800"),
             "It learns from 800 films once, so that the dashboard opens soon; the others see more")
OTHERS = (
    Step("EfficientNet-B0", ("--arch", "efficientnet_b0", "--lr", "2e-3", *_LEARN, "2")),
    Step("EfficientNet-B0, weighted",
         ("--arch", "efficientnet_b0", "--lr", "2e-3", "--loss", "pos_weight", *_LEARN, "2")),
    Step("DenseNet-121", ("--arch", "densenet121", "--lr", "1e-3", *_LEARN, "2")),
    Step("MobileNetV2", ("--arch", "mobilenet_v2", "--lr", "2e-3", *_LEARN, "3")),
)
_HEAVY = ("--epochs", "2", "--lr", "1e-4", "--train_subset", "1000")  # three films a second on such a machine
SLOW = (
    Step("VGG16", ("--arch", "vgg16", *_HEAVY),
         "VGG16 has no batch normalisation: training it from scratch on few films does not suit it"),
    Step("ViT-B/16", ("--arch", "vit_b_16", *_HEAVY),
         "A vision transformer needs far more films than these to learn from scratch"),
)


def run_demo(config: DemoConfig) -> None:
    """Make the demo, or go on with it, and keep the dashboard open until Ctrl-C.

    Raises:
        UsageError: a team's store.
        RunError: the dashboard's port is taken, or it has ended; phantoms or the first training failed, or, without a
            dashboard, any training.
    """
    if not (config.no_dashboard or dashboard.is_free(config.port)):
        raise RunError(f"port {config.port} is in use: close what is open there, or take another with --port")
    if "://" in (config.store or ""):
        raise UsageError("the demo has a store of its own, which is a file: phantoms never mix with a team's runs")
    store = Store(Path(config.store or PROJECT_ROOT / "runs" / "demo.duckdb").resolve())
    films = store.folder / FOLDER
    steps = (*OTHERS, *(SLOW if config.all else ()))
    with contextlib.ExitStack() as stack:
        board = _Board(store, config.port, stack)
        try:
            stack.enter_context(sigterm_as_interrupt())
            _script("make_phantoms.py", "--out", films, *PHANTOMS)
            _tell(store, FIRST, left(store, steps))
            _train(store, films, FIRST, lambda: None if config.no_dashboard else board.open_when_measured())
            if not config.no_dashboard:
                board.open()
            failed = [] if _goes_on(lambda: _add_truth(store, films, board.check)) else ["the label set of the truth"]
            failed += _train_others(store, films, steps, board.check)
            failed += _measure_maps(store, (FIRST, *steps), board.check)
            if failed:
                said = f"failed: {', '.join(failed)}; the same command tries again"
                if board.server is None:
                    raise RunError(said)
                _LOG.info(said)
            else:
                _LOG.info(f"the demo is complete: {len(store.runs())} runs in {store.key}")
            if board.server:
                board.server.wait()
        except KeyboardInterrupt:
            _LOG.info("\nstopped; the same command goes on from here")


class _Board:
    """The dashboard, from the first measured network on.

    Attributes:
        server: None until it is open.
    """

    def __init__(self, store: Store, port: int, stack: contextlib.ExitStack):
        self.server: subprocess.Popen | None = None
        self._store, self._port, self._stack = store, port, stack

    def open_when_measured(self) -> None:
        """Ahead of the training's end: it still makes its input check, which no page needs at once."""
        with contextlib.suppress(StoreBusy):  # then the next look
            if self.server is None and len(self._store.leaderboard().query("split == 'test'")):
                self.open()

    def open(self) -> None:
        """Unless it is open."""
        if self.server is not None:
            return
        self.server = self._stack.enter_context(dashboard.serving(self._store, self._port))
        address = f"http://localhost:{self._port}"
        _LOG.info(f"\nThe dashboard is open at {address}; the other networks train behind it. Ctrl-C stops both.\n")
        dashboard.show_in_browser(address)

    def check(self) -> None:
        """Raises RunError if it has ended."""
        if self.server is not None and self.server.poll() is not None:
            raise _Closed(f"the dashboard has ended with status {self.server.returncode}; the same command opens it "
                          "again and goes on")


class _Closed(RunError):
    """There is nobody to train for any more."""


def _goes_on(work: Callable[[], None]) -> bool:
    """Whether it was done; a failure is told, and does not take the dashboard from those who look at the rest."""
    try:
        work()
    except _Closed:
        raise
    except RunError as error:
        _LOG.error(f"error: {error}")
        return False
    return True


def _train_others(store: Store, films: Path, steps: Sequence[Step], meanwhile: Callable[[], None]) -> list[str]:
    """One after the other; returns the names of those that failed."""
    failed = []
    for place, step in enumerate(steps):
        _tell(store, step, left(store, steps[place + 1:]))
        if not _goes_on(lambda step=step: _train(store, films, step, meanwhile)):
            failed.append(step.name)
    queued.tell(store, Queue())
    return failed


def _tell(store: Store, now: Step, after: Sequence[Step]) -> None:
    """What is trained and what comes next, for the Runs page."""
    queued.tell(store, Queue((Queued(now.name, RUNNING), *(Queued(step.name) for step in after))))


def _add_truth(store: Store, films: Path, meanwhile: Callable[[], None]) -> None:
    """What the films were drawn with, as a second label set: of the first, 5 % of a finding's labels are wrong."""
    runs, truth = store.runs(), films / TRUTH
    ours = runs.loc[runs["name"] == FIRST.name, "dataset_id"]
    if ours.empty:  # its training has failed
        return
    dataset_id = ours.iloc[0]
    known = {one.name for one in store.label_sets() if one.dataset_id == dataset_id}
    if TRUTH_SET in known or not truth.exists():  # a folder of an older version says only what the labels are
        return
    _LOG.info(f"=== label set '{TRUTH_SET}': what the films were drawn with (the switch Labels shows it)")
    _script("labels.py", "add", truth, "--dataset", dataset_id, "--name", TRUTH_SET, "--store", store.key,
            printed=False, meanwhile=meanwhile)


def _measure_maps(store: Store, steps: Sequence[Step], meanwhile: Callable[[], None]) -> list[str]:
    """Of all that are not measured; returns what failed."""

    def measure(run_id: str) -> None:
        _LOG.info(f"=== are maps of {run_id} on the boxes? (Localization shows it)")
        _script("gradcam.py", "--boxes", "--run", run_id, "--methods", METHODS, "--store", store.key, printed=False,
                meanwhile=meanwhile)

    return [f"maps of {run_id}" for run_id in unmeasured(store, steps)
            if not _goes_on(lambda run_id=run_id: measure(run_id))]


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


def _train(store: Store, films: Path, step: Step, meanwhile: Callable[[], None]) -> None:
    """One training, unless it is finished; one that was stopped after an epoch is resumed."""
    if not left(store, [step]):
        _LOG.info(f"=== {step.name}: there already")
        return
    _LOG.info(f"=== {step.name}" + (f": {step.note}" if step.note else ""))
    begun = _begun(store, films, step.name)
    if begun:
        _script("train.py", "--resume", begun, "--store", store.key, meanwhile=meanwhile)
    else:
        _script("train.py", "--csv_path", films / TABLE, "--img_root", films, "--store", store.key,
                "--name", step.name, *TRAINING, *step.flags, meanwhile=meanwhile)
    if step.note:
        runs = store.runs()
        for run_id in runs.loc[runs["name"] == step.name, "run_id"]:
            store.edit_run(run_id, note=step.note)


def _begun(store: Store, films: Path, name: str) -> str | None:
    """The newest run of this name that was stopped, after the last finished epoch of which it can go on.

    Beginnings of the demo's own that hold nothing are deleted; no other run is touched.
    """
    runs = store.runs()
    for row in runs[(runs["name"] == name) & (runs["kind"] == "trained")].itertuples():
        told = progress.of_run(store, row.run_id)
        status = progress.effective_status(row.status, told)
        learnt = len(store.epochs([row.run_id])) > 0
        if status in ("interrupted", "failed") and learnt and store.run_file(row.run_id, LAST):
            return row.run_id
        if status == "running":
            raise RunError(f"'{name}' is being trained by another process: wait for it, or stop it")
        if status != "finished" and not learnt and told and _is_of(row.config, films) and store.prediction_sets(
                row.run_id).empty:  # a training began it here, on the demo's films, and left nothing to go on with
            store.delete_run(row.run_id)
    return None


def _is_of(config: str, films: Path) -> bool:
    """Whether a run was trained from the demo's own table."""
    table = json.loads(config).get("csv_path")
    return isinstance(table, str) and Path(table) == films / TABLE


def _give_way(pid: int) -> None:
    """What works behind the dashboard leaves it the processor when somebody looks at it."""
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process(pid).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else GIVES_WAY)


def _script(name: str, *flags: object, printed: bool = True, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run one of scripts/ to its end; Ctrl-C reaches it too, and it gets the time to write down where it was.

    Args:
        printed: what it prints; progress and errors always are.
        meanwhile: called every second or so.

    Raises:
        RunError: it failed; its own line stands above.
    """
    process = subprocess.Popen([sys.executable, PROJECT_ROOT / "scripts" / name, *map(str, flags)], cwd=PROJECT_ROOT,
                               stdout=None if printed else subprocess.DEVNULL)
    _give_way(process.pid)
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY)
            meanwhile()
    except BaseException as stop:
        if not isinstance(stop, KeyboardInterrupt) or isinstance(stop, Terminated):
            process.terminate()  # which Ctrl-C has done
        with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            process.wait(STOP_WAIT)
        process.kill()
        raise
    if process.returncode:
        raise RunError(f"scripts/{name} ended with status {process.returncode}")
