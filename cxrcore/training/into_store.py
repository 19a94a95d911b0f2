"""What a training hands to its store, which may be busy, full, away or another one meanwhile: none fails for that.

Epochs that the store does not take are tried again with the next; at the end, all that is left waits beside the run
(`evaluation.hand_in`). A run that was deleted is another matter: there is nothing left to train.
"""

import logging

from cxrcore import cli
from cxrcore.errors import DiskFullError, ResultsWait, RunError, StoreError
from cxrcore.evaluation import evaluate_run, hand_in
from cxrcore.interrupts import raise_again
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.checkpoint_source import Source
from cxrcore.networks.input_check import make_check
from cxrcore.store import EpochRecord, Store, waiting
from cxrcore.store.backends.session import Held
from cxrcore.store.progress import WAITING, Progress
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.store.waiting import Results, TrainingEnd
from cxrcore.training.train_plan import TrainingPlan

_LOG = logging.getLogger(__name__)  # scripts print what it says


class RunInStore:
    """A run that is trained, in a store that may not always take what it is given.

    Attributes:
        unlogged: epochs that the store has not taken yet.
    """

    def __init__(self, store: Store, run_id: str, unlogged: list[EpochRecord]):
        self.unlogged = list(unlogged)
        self._store, self._run_id = store, run_id
        self._saved = store.run_file(run_id, LAST) is not None

    def require_kept(self) -> None:
        """RunError where the run was deleted: its folder goes then, which that of a store that is away does not."""
        folder = self._store.run_folder(self._run_id)
        if not folder.is_dir() or (self._saved and not (folder / LAST).exists()):
            raise RunError(f"files of run {self._run_id} in {folder} were deleted while it trained")

    def log(self, record: EpochRecord) -> None:
        """Write an epoch, whose checkpoint is saved, with those that could not be written before."""
        self._saved = True
        self.unlogged.append(record)
        try:
            self._store.log_epochs(self._run_id, self.unlogged)
        except (StoreError, DiskFullError, RunError) as error:
            self.require_kept()
            _LOG.warning(f"{error}; the epoch will be written with the next")
        else:
            self.unlogged = []


def handed_in(plan: TrainingPlan, run_id: str, progress: Progress, ended: TrainingEnd, own: Held) -> bool:
    """Evaluate the best epoch and finish the run; False where the results wait for the store.

    Args:
        own: the run, as long as nobody else goes on with it.

    Raises:
        WorkbenchError: as `hand_in.hand_in`.
    """
    try:
        if plan.eval_parts:
            _evaluate(plan, run_id, progress, ended, own)
        else:
            hand_in.hand_in(plan.store, Results(run_id, plan.films.table.dataset_id, (), ended))
    except ResultsWait as error:
        progress.update(stage=WAITING)
        _LOG.warning(str(error))
        return False
    progress.update(stage="finished")
    return True


def _evaluate(plan: TrainingPlan, run_id: str, progress: Progress, ended: TrainingEnd, own: Held) -> None:
    folder = plan.store.run_folder(run_id)
    path = folder / BEST
    best = checkpoints.load_checkpoint(path)
    source = Source(run_id, best, best.model(), BEST, checkpoints.sha256(path))
    seen, total = 0, sum(map(len, plan.eval_parts.values()))
    progress.update(stage="evaluating", step=0, steps=total, seconds_left=None)

    def told(n: int) -> None:
        nonlocal seen
        raise_again()
        own.require()
        if not path.exists():
            raise RunError(f"files of run {run_id} in {folder} were deleted while it trained")
        seen += n
        progress.update(step=seen)

    make_check.make_if_missing(plan.store, source, plan.films)
    evaluate_run.evaluate_run(plan.store, source, plan.films, plan.pixels, plan.eval_parts, plan.config.eval_subset,
                              cli.results_folder(plan.config.results), told, ended=ended)


def has_handed_in(store: Store, run_id: str) -> bool:
    """Whether a run to go on with had reached its end, and its results waited; they are handed in.

    Raises:
        ResultsWait: the store does not take them now either.
    """
    store.require_writable()
    has_trained = waiting.has_trained(store, run_id)
    hand_in.hand_in_waiting(store)
    if waiting.has_trained(store, run_id):
        raise ResultsWait(f"run {run_id} has been trained to its end; its results still wait to be handed in: "
                          f"{waiting.COMMAND}")
    return has_trained
