"""Makes a run's input check from its own films, at the end of a training or of an evaluation."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cxrcore.data.films import FilmSet
from cxrcore.data.pixels.prepared import prepare
from cxrcore.errors import DataError, WorkbenchError
from cxrcore.networks.checkpoint_source import Source
from cxrcore.networks.input_check import familiarity, features, non_films
from cxrcore.networks.input_check.familiarity import UPRIGHT, InputCheck
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST, INPUT_CHECK

_LOG = logging.getLogger(__name__)  # scripts print what it says

N_TRAIN, N_VAL = 320, 200  # films at most
N_TURNED_TRAIN, N_TURNED_VAL = 80, 50  # of these, in each state


def path_of(store: Store, run_id: str) -> Path:
    """Where the run's check lies, if it has one."""
    return store.run_folder(run_id) / INPUT_CHECK


def make_if_missing(store: Store, source: Source, films: FilmSet) -> None:
    """Make the check of a run's best checkpoint unless it is there, and print what it is worth or why there is none.

    Args:
        films: with the split that the run was trained on.
    """
    path = path_of(store, source.run_id)
    if source.name != BEST or _is_current(path, source.sha256):
        return
    train, val = (films.on_disk(part) for part in ("train", "val"))
    if len(train) < familiarity.LEAST:
        _LOG.info(f"input check: not made, it needs {familiarity.LEAST} training films and there are {len(train)}")
        return
    train, val = films.subset(train, N_TRAIN), films.subset(val, N_VAL)
    _LOG.info(f"input check: from {len(train)} training and {len(val)} validation films")
    try:
        made = _make(store, source, films, train, val)
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
    except (WorkbenchError, OSError) as error:  # a run is worth keeping without it
        _LOG.warning(f"no input check was made: {error}")
        return
    _LOG.info(f"input check: {made.describe()}")


def _is_current(path: Path, sha256: str) -> bool:
    try:
        return InputCheck.load(path).checkpoint_sha256 == sha256
    except DataError:
        return False


def _make(store: Store, source: Source, films: FilmSet, train: np.ndarray, val: np.ndarray) -> InputCheck:
    """Half of the validation films settle the limit, the other half measure."""
    size = source.checkpoint.image_size
    ids = films.image_ids(np.concatenate([train, val]))
    pixels = prepare({i: films.paths[i] for i in ids}, size, store.folder / "prepared", progress=False)

    def of(rows: np.ndarray) -> np.ndarray:
        return pixels.pixels[pixels.rows([i for i in films.image_ids(rows) if i in pixels.row_of])]

    def read(pixels: np.ndarray) -> np.ndarray:
        return features.extract(source.model, source.checkpoint.spec, pixels)

    others, others_to_measure = ({kind: read(images) for kind, images in non_films.drawn(size, measuring).items()}
                                 for measuring in (False, True))
    made = InputCheck.fit(read(of(train)), _turned(of(_spread(train, N_TURNED_TRAIN)), read), others,
                          read(of(val[::2])), source.sha256)
    pixels.confirm()
    return made.measure({UPRIGHT: read(of(val[1::2]))} | _turned(of(_spread(val[1::2], N_TURNED_VAL)), read)
                        | others_to_measure)


def _turned(films: np.ndarray, read: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    return {state: read(turn(films)) for state, turn in non_films.TURNS.items()}


def _spread(rows: np.ndarray, n: int) -> np.ndarray:
    """At most n of the rows, evenly."""
    return rows[:: max(1, -(-len(rows) // n))]
