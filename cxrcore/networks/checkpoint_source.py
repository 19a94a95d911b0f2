"""Which checkpoint a command means, and the films that belong to it, for all scripts that run a trained network."""

import logging
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from cxrcore.config import SPLIT_SCHEMES
from cxrcore.data import films as film_sets
from cxrcore.data.films import FilmSet
from cxrcore.errors import CheckpointError, DataError, RunError
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.store import Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.run_folder import BEST, LAST

_LOG = logging.getLogger(__name__)  # scripts print what it says


def find_checkpoint(store: Store, run: str | None, weights: str | None) -> Path:
    """The file of --run RUN_ID or --weights PATH.

    A bare `model_best.pth` (or model_last.pth) that is not in the folder means the newest finished run's.

    Raises:
        RunError: neither or both are given, or there is no such run.
        CheckpointError: the run has no checkpoint.
    """
    if bool(run) == bool(weights):
        raise RunError("one of --run RUN_ID and --weights PATH is needed")
    if run:
        store.run(run)
        path = store.run_file(run, BEST)
        if path is None:
            raise CheckpointError(f"run {run} has no {BEST}: {why_missing(store, run)}")
        return path
    path = Path(weights or "")
    if path.exists() or path.name != weights or path.name not in (BEST, LAST):
        return path
    runs = store.runs()
    for run_id in runs.loc[(runs["status"] == "finished") & (runs["kind"] == "trained"), "run_id"]:
        found = store.run_file(run_id, path.name)
        if found:
            _LOG.info(f"{weights} is not in this folder: taking that of the newest finished run, {run_id}")
            return found
    raise CheckpointError(f"no {weights} in this folder, and no finished run in {store.key} has one")


def load_films(store: Store, loaded: Checkpoint, csv_path: str | None, img_root: str | None, data: str | None = None,
               policy: str | None = None) -> FilmSet:
    """The films of a table with the checkpoint's split drawn over them.

    Args:
        csv_path, img_root, data, policy: default to those of the checkpoint's run, where the store knows it; another
            table is not read as the run's was.

    Raises:
        DataError: no table or no films.
    """
    own = store.run(loaded.run_id)["config"] if is_known(store, loaded) else {}
    if not csv_path:
        data, policy = data or own.get("data"), policy or own.get("policy")
    csv_path, img_root = csv_path or own.get("csv_path"), img_root or own.get("img_root")
    scheme, seed = loaded.split.get("scheme"), loaded.split.get("seed") or 0
    if scheme not in SPLIT_SCHEMES:
        scheme, seed = "patient", 0
    try:
        return film_sets.load_film_set(csv_path, img_root, scheme, seed, data, policy)
    except DataError:
        if scheme == "random" or not (csv_path and img_root):
            raise
        return film_sets.load_film_set(
            csv_path, img_root, None, 0, data, policy
        )  # no such list, patients or split here: another data set


def is_known(store: Store, loaded: Checkpoint) -> bool:
    """Whether the checkpoint's run is in the store."""
    return loaded.run_id in set(store.runs()["run_id"])


def same_split(films: FilmSet, loaded: Checkpoint) -> bool:
    """Whether the films were split as for the checkpoint's training; else its training films are unknown."""
    return (films.table.dataset_id == loaded.dataset_id
            and films.split.fingerprint == loaded.split.get("fingerprint"))


@dataclass(frozen=True)
class Source:
    """Whose predictions they are.

    Attributes:
        model: the checkpoint's network, so that one that does not fit is refused before anything is written.
        name: 'model_best.pth' or another file's name.
    """

    run_id: str
    checkpoint: Checkpoint
    model: nn.Module
    name: str
    sha256: str
