"""What a resumed training will do: as it was begun, after its last finished epoch, perhaps with more epochs."""

from collections.abc import Mapping
from typing import Any

from cxrcore.config import TrainConfig, default_store
from cxrcore.errors import RunError
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.initial_weights import Start
from cxrcore.settings import flags_of_record, of_record
from cxrcore.store import Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.progress import effective_status, of_run
from cxrcore.store.run_folder import LAST
from cxrcore.training import train_plan
from cxrcore.training.ranks import fitting
from cxrcore.training.train_plan import TrainingPlan

_MAY_CHANGE = {"resume", "store", "csv_path", "img_root", "results", "eval_subset", "device", "epochs"}


def plan_resumed(config: TrainConfig, run_id: str, given: frozenset[str]
                 ) -> tuple[TrainingPlan, Checkpoint | None, dict[str, Any]]:
    """The plan, the checkpoint to go on from (None before the first epoch), and what changes in the stored config.

    Args:
        given: names of the flags that were given: all others stay as the run was begun.

    Raises:
        RunError: a flag that cannot change, a run that is finished or running, another table.
    """
    if changed := sorted(given - _MAY_CHANGE):
        raise RunError(f"a resumed run keeps its settings: leave out --{', --'.join(changed)}")
    store = Store(config.store or default_store())
    row = store.run(run_id)
    status = effective_status(row["status"], of_run(store, run_id))
    if status in ("running", "finished"):
        raise RunError(f"run {run_id} is {status}: there is nothing to resume")
    if row["kind"] != "trained":
        raise RunError(f"run {run_id} is {row['kind']}: only trained runs can be resumed")
    own = flags_of_record(row["config"])
    kept: dict[str, Any] = own | {name: getattr(config, name) for name in given} | {"resume": None}
    path = store.run_folder(run_id) / LAST
    if not path.parent.is_dir() and not store.epochs([run_id]).empty:
        raise RunError(f"run {run_id} has no {LAST} to go on from: {why_missing(store, run_id, LAST)}")
    last = checkpoints.load_checkpoint(path) if path.exists() else None
    raised = _raised(row["config"], own.get("epochs"), kept.get("epochs"), last.epoch if last else 0)
    origin = None if last is None else Start(last.model(), last.spec, own["init"], dict(last.model_options),
                                             last.training_corpus, last.start_weights)
    constants = of_record(row["config"].get("constants"))
    plan = train_plan.plan_training(TrainConfig(**kept), origin, constants, last.findings if last else None)
    if (plan.films.table.dataset_id, plan.films.split.fingerprint) != (row["dataset_id"], row["split_fingerprint"]):
        raise RunError(f"run {run_id} was trained on another table or split: give its own --csv_path")
    now = fitting.recorded(plan.origin.model, plan.config.batch_size or 0)
    return plan, last, raised | fitting.changes(row["config"], now, last.epoch if last else 0)


def _raised(config: Mapping[str, Any], before: int | None, asked: int | None, trained: int) -> dict[str, Any]:
    """What is kept of more epochs than the run was begun with: the schedule was not that of one training.

    Raises:
        RunError: fewer were asked for.
    """
    if before is None or asked is None or asked == before:
        return {}
    if asked < before:
        raise RunError(f"--epochs of a resumed run can be raised from its {before}, not lowered to {asked}")
    said = [config.get("epochs_raised"), f"{before} to {asked} after epoch {trained}"]
    return {"epochs": asked, "epochs_raised": "; ".join(str(one) for one in said if one)}
