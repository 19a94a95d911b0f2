"""Results that wait to be handed in: of a training or an evaluation that has ended, and whose store was busy or away.

    <run_id>/waiting-training-<id>.npz      the end of a training: its scores, all epochs, best epoch and cost
             waiting-evaluation-<id>.npz    the scores of an evaluation

They are written before the store is asked to take them, and deleted when it holds all of them: so they outlast a store
that stays busy, was moved or is full, and a process that is killed in between. The ids of the prediction sets are given
here, so that handing in twice adds nothing.
"""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from cxrcore import ids
from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import BeingTrained, DataError
from cxrcore.store.file import new_id
from cxrcore.store.progress import effective_status
from cxrcore.store.records import EpochRecord
from cxrcore.store.store import Store

FORMAT = 1
COMMAND = "python scripts/store.py hand-in"
_NAMES, _LOCK = "waiting-*.npz", "waiting.lock"
_LEASE, _POLL = "results of {}", 0.5  # seconds
_TRAINING, _EVALUATION = "waiting-training-", "waiting-evaluation-"
_HEAD = "head"
_MOST_EPOCHS = 100_000


@dataclass(frozen=True)
class ScoredPart:
    """The scores of one part of a split, as `Store.save_predictions` takes them.

    Attributes:
        split: train, val, test or external.
        image_ids: str (n,).
        scores: float32 (n, k), in the order of the data set's findings; NaN where there is none.
        n_expected: readable films of the part.
        prediction_id: of the prediction set that it becomes.
    """

    split: str
    image_ids: np.ndarray
    scores: np.ndarray
    checkpoint: str
    checkpoint_sha256: str
    n_expected: int
    precision: str = "fp32"
    prediction_id: str = field(default_factory=new_id)


@dataclass(frozen=True)
class TrainingEnd:
    """What is kept of a training that has reached its end, besides its scores.

    Attributes:
        epochs: all of them, those too that the store has.
        cost: as `Store.finish_run` takes it.
    """

    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    cost: Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """What one evaluation found.

    Attributes:
        ended: of the evaluation at the end of a training; None of any other.
    """

    run_id: str
    dataset_id: str
    parts: tuple[ScoredPart, ...]
    ended: TrainingEnd | None = None


def keep(store: Store, results: Results) -> Path:
    """Write results into the folder of their run, to its disk; returns the file.

    Raises:
        OSError: they cannot be written there.
    """
    folder = store.run_folder(results.run_id)
    if results.ended is None:  # a training has its folder, or was deleted: then nothing is made anew
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_EVALUATION if results.ended is None else _TRAINING}{new_id()}.npz"
    head = {"format": FORMAT, "run_id": results.run_id, "dataset_id": results.dataset_id,
            "parts": [{name: value for name, value in vars(part).items() if name not in ("image_ids", "scores")}
                      for part in results.parts],
            "ended": None if results.ended is None else dataclasses.asdict(results.ended)}
    arrays = {_HEAD: np.array(json.dumps(head))}
    for place, part in enumerate(results.parts):
        arrays |= {f"films_{place}": np.asarray(part.image_ids, str), f"scores_{place}": part.scores}
    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    return path


def read(path: Path) -> Results:
    """Results that were kept, checked: a run folder may come from elsewhere.

    Raises:
        DataError: the file is damaged, or is not one that `keep` writes into this folder.
    """
    try:
        bounded_file.check_arrays(path, path.name)
        with np.load(path, allow_pickle=False) as held:
            head = json.loads(str(held[_HEAD]))
            parts = tuple(_part(told, held[f"films_{place}"], held[f"scores_{place}"])
                          for place, told in enumerate(head["parts"]))
        found = Results(head["run_id"], ids.checked(ids.DATASET, head["dataset_id"]), parts, _end(head["ended"]))
        sound = (found.run_id == path.parent.name and head["format"] == FORMAT and bool(parts or found.ended)
                 and (found.ended is not None) == path.name.startswith(_TRAINING))
    except DataError:
        raise
    except Exception as error:  # whatever a damaged archive makes of its reader
        raise DataError(f"{path} cannot be read: {type(error).__name__}") from None
    if not sound:
        raise DataError(f"{path} does not hold results of this run")
    return found


def _part(told: Mapping[str, Any], films: np.ndarray, scores: np.ndarray) -> ScoredPart:
    if films.dtype.kind != "U" or scores.dtype != np.float32 or scores.ndim != 2 or films.shape != scores.shape[:1]:
        raise ValueError("films and scores of other shapes")
    texts = [str(told[name])[:200] for name in ("checkpoint", "checkpoint_sha256", "precision")]
    return ScoredPart(ids.checked(ids.SPLIT, told["split"]), films, scores, texts[0], texts[1],
                      int(told["n_expected"]), texts[2], ids.checked(ids.PREDICTIONS, told["prediction_id"]))


def _end(told: Mapping[str, Any] | None) -> TrainingEnd | None:
    if told is None:
        return None
    epochs = tuple(EpochRecord(int(one["epoch"]), *(float(one[name.name])
                                                     for name in dataclasses.fields(EpochRecord)[1:]))
                   for one in told["epochs"][:_MOST_EPOCHS])
    return TrainingEnd(epochs, int(told["best_epoch"]), dict(told["cost"]))


def of_run(store: Store, run_id: str) -> list[Path]:
    """The results of a run that wait, oldest first."""
    return in_folder(store.run_folder(run_id)) if ids.is_one(ids.RUN, run_id) else []


def has_trained(store: Store, run_id: str) -> bool:
    """Whether a run has been trained to its end, and that waits to be told."""
    return any(path.name.startswith(_TRAINING) for path in of_run(store, run_id))


def in_folder(folder: Path) -> list[Path]:
    """The results that wait in a run's folder, oldest first."""
    return sorted(filter(_is_whole, folder.glob(_NAMES)))


def _is_whole(path: Path) -> bool:
    """Whether a file was written to its end: until then it has a further name before the last dot."""
    return path.name.count(".") == 1


def of_store(store: Store) -> list[Path]:
    """The results that wait for a store, of runs that it has: another store may lie in the same folder."""
    found = [path for path in sorted(store.folder.glob(f"*/{_NAMES}"))
             if _is_whole(path) and ids.is_one(ids.RUN, path.parent.name)]
    if not found:
        return []  # nearly always so; spares the store
    known = set(store.runs()["run_id"])
    return [path for path in found if path.parent.name in known]


def is_at_work(told: Mapping[str, Any]) -> bool:
    """Whether the training whose progress this is runs, and will hand in its results itself."""
    return told.get("stage") != "finished" and effective_status("running", told) == "running"


@contextlib.contextmanager
def held(store: Store, run_id: str, wait: float = 0.0) -> Generator[bool]:
    """Whether the results of a run are this process's to hand in while the block runs, and nobody else's.

    A lock of the run's folder tells, or, of a team's run, a lease: a shared folder's locks may not reach every machine.

    Args:
        wait: seconds for whoever holds them.

    Raises:
        OSError: they cannot be held: the folder is somebody else's, or its disk has no locks.
        StoreError: of a team's store, what its database says.
    """
    own = _locked(store.run_folder(run_id), wait) if store.is_file else _leased(store, run_id, wait)
    with own as mine:
        yield mine


@contextlib.contextmanager
def _locked(folder: Path, wait: float) -> Generator[bool]:
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        if not in_folder(folder):
            with contextlib.suppress(OSError):
                (folder / _LOCK).unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def _leased(store: Store, run_id: str, wait: float) -> Generator[bool]:
    # One that is lost on the way does no harm: what is handed in twice is there once.
    until = time.monotonic() + wait
    with contextlib.ExitStack() as stack:
        mine = False
        while not mine:
            try:
                stack.enter_context(store.backend.lease(_LEASE.format(run_id)))
                mine = True
            except BeingTrained:
                if time.monotonic() >= until:
                    break
                time.sleep(_POLL)
        yield mine
