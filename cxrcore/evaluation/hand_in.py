"""Results handed to the store: kept on disk first, so that a store that is busy or away costs nobody a training.

What could not be handed in waits in its run's folder (`store.waiting`). Every script that opens a store hands in what
waits beside it, and so does `scripts/store.py hand-in`. No network and no film is needed for that.
"""

import logging
from pathlib import Path

from cxrcore.config import StoreConfig, default_store, is_read_only
from cxrcore.errors import ResultsWait, RunError, StoreBusy, WorkbenchError
from cxrcore.evaluation import measure_predictions, shares
from cxrcore.evaluation.measure_predictions import MeasuredParts
from cxrcore.evaluation.shares import Told, untold
from cxrcore.store import Store, progress, waiting
from cxrcore.store.threshold_file import ThresholdFile
from cxrcore.store.waiting import Results

TURN = 60.0  # seconds for another process that hands in results of the same run

_LOG = logging.getLogger(__name__)  # scripts print what it says


def opened(url: str | Path | None) -> Store:
    """The store that a script works on; what waits beside it is handed in first, as far as that is possible.

    Args:
        url: of `--store`; None for the default store.
    """
    store = Store(url or default_store())
    if not is_read_only() and store.exists:
        try:
            hand_in_waiting(store)
        except (WorkbenchError, OSError) as error:  # the script will say so itself where it needs the store
            _LOG.warning(f"whether results wait to be handed in could not be looked at: {error}")
    return store


def hand_in_waiting(store: Store) -> tuple[list[Path], list[Path]]:
    """Hand in all that waits beside a store; says of each what became of it.

    Returns:
        The files that were handed in, and those that still wait. Results of a training that is under way are neither.
    """
    done, left = [], []
    paths = waiting.of_store(store)
    for place, path in enumerate(paths):
        try:
            if _hand_in_one(store, path):
                done.append(path)
                _LOG.info(f"results of run {path.parent.name} that had waited were handed in")
        except StoreBusy as error:  # for the others, too
            _LOG.warning(f"{len(paths) - place} results still wait to be handed in: {error}")
            return done, left + paths[place:]
        except (WorkbenchError, OSError) as error:
            left.append(path)
            _LOG.warning(f"the results {path} still wait to be handed in: {error}")
    return done, left


def _hand_in_one(store: Store, path: Path) -> bool:
    """Hand in a file of results, unless another process is at it; whether it was done."""
    with waiting.held(store, path.parent.name) as mine:
        if not mine or not path.exists() or waiting.is_at_work(progress.of_run(store, path.parent.name)):
            return False
        results = waiting.read(path)
        with shares.bar(measure_predictions.RESAMPLING) as told:
            _put(store, results, path, told=told)
        return True


def command(config: StoreConfig) -> int:
    """What `scripts/store.py hand-in` does; 1 where results still wait."""
    store = Store(config.store or default_store())
    store.require_writable()
    done, left = hand_in_waiting(store)
    _LOG.info(f"{store.key}: {len(done)} handed in, {len(left)} still wait" if done or left else
              f"{store.key}: no results wait to be handed in")
    return 1 if left else 0


def hand_in(store: Store, results: Results, given: ThresholdFile | None = None, told: Told = untold
            ) -> MeasuredParts | None:
    """Keep results beside their run, hand them to the store, and keep them no longer.

    Args:
        given: a threshold set to read besides.
        told: as in `measure`.

    Returns:
        What was measured; None of results without scores.

    Raises:
        ResultsWait: the store did not take them, and they are kept.
        WorkbenchError: it did not, and they could not be kept either, or their run was deleted.
    """
    store.require_writable()  # else they would be kept, and handed in by the next script that may write
    folder = store.run_folder(results.run_id)
    try:
        path = waiting.keep(store, results)
    except OSError as error:
        _LOG.warning(f"the results cannot be kept in {folder} before they are handed in: {error.strerror}")
        return _put(store, results, None, given, told)
    try:
        with waiting.held(store, results.run_id, TURN) as mine:
            if not mine:
                raise StoreBusy(f"another process hands in results of run {results.run_id}")
            return _put(store, results, path, given, told)
    except (WorkbenchError, OSError) as error:
        if not path.exists():
            raise RunError(f"run {results.run_id} was deleted before its results were handed in") from None
        raise ResultsWait(f"{error}; the results of run {results.run_id} are kept and wait to be handed in: every "
                          f"script that opens the store does it, or {waiting.COMMAND}") from None


def _put(store: Store, results: Results, path: Path | None, given: ThresholdFile | None = None, told: Told = untold
         ) -> MeasuredParts | None:
    """All of the results into the store, in an order in which the run is finished last; once more adds nothing."""
    run_id, ended = results.run_id, results.ended
    if ended is not None:
        store.log_epochs(run_id, ended.epochs)
    for part in results.parts:
        store.save_predictions(
            run_id, results.dataset_id, part.split, part.image_ids, part.scores, checkpoint=part.checkpoint,
            checkpoint_sha256=part.checkpoint_sha256, n_expected=part.n_expected, precision=part.precision,
            prediction_id=part.prediction_id)
    sets = {part.split: part.prediction_id for part in results.parts}
    measured = None
    if sets and given is not None:
        measured = measure_predictions.measure(store, run_id, sets, given, told)
    elif sets:
        measured = measure_predictions.measure_missing(store, run_id, sets, told)
    if ended is not None:
        store.finish_run(run_id, "finished", best_epoch=ended.best_epoch, cost=ended.cost)
    if path is not None:
        path.unlink(missing_ok=True)
    return measured
