"""One training from its plan to a finished run: epochs, checkpoints, progress, evaluation, and an honest status.

The upper half of scripts/train.py. However a training ends (done, Ctrl-C, crash, kill), the store says so, and
`--resume` goes on after the last finished epoch.
"""

import contextlib
import dataclasses
import logging
import math
import shlex
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from cxrcore.config import TrainConfig, default_store
from cxrcore.data.films import FilmSet
from cxrcore.errors import RunError, StoreError, WorkbenchError
from cxrcore.evaluation import data_set_films, hand_in
from cxrcore.interrupts import is_interruption, raise_again, sigterm_as_interrupt
from cxrcore.networks import checkpoint as checkpoints
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.inference_cost import inference_cost
from cxrcore.networks.prediction import default_device
from cxrcore.store import EpochRecord, Store, claims
from cxrcore.store.backends.session import Held
from cxrcore.store.progress import Progress
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.store.waiting import TrainingEnd
from cxrcore.training import devices, into_store, train_plan
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.command import drop_training_state, maps_of, probe, restored, sized
from cxrcore.training.into_store import RunInStore
from cxrcore.training.ranks.group import group
from cxrcore.training.ranks.meeting import one_cause
from cxrcore.training.ranks.shared_plan import share
from cxrcore.training.ranks.watch import watched
from cxrcore.training.resume import plan_resumed
from cxrcore.training.train_plan import TrainingPlan
from cxrcore.training.trainer import OnStep, Settings, Trainer

_LOG = logging.getLogger(__name__)  # scripts print what it says


def train(config: TrainConfig, given: frozenset[str] = frozenset()) -> str:
    """Make one training, as scripts/train.py does.

    Args:
        given: names of the flags that were given, since a resumed run keeps its own.

    Returns:
        The run id.

    Raises:
        WorkbenchError: one line that says what is wrong.
    """
    if config.resume:
        return go_on(config, config.resume, given)
    hand_in.opened(config.store)
    return begin(sized(config, given))


def begin(config: TrainConfig, films: FilmSet | None = None) -> str:
    """Plan a training, make its run and train it to its end; returns the run id.

    Args:
        films: of `train_plan.load_films`, where they were read already.
    """
    plan = train_plan.plan_training(config, films=films)
    share(group(), plan, trainer_settings(plan), None)
    data_set_films.add_dataset(plan.store, plan.films)
    run_id = plan.store.create_run(
        plan.stored_config(), plan.films.table.dataset_id, versions=train_plan.versions(),
        split=(plan.films.split.scheme, plan.films.split.seed, plan.films.split.fingerprint),
        git_commit=train_plan.git_commit(), n_parameters=sum(p.numel() for p in plan.origin.model.parameters()),
    )
    return _run(plan, run_id, None)


def go_on(config: TrainConfig, run_id: str, given: frozenset[str]) -> str:
    """Train an interrupted run to its end; returns its id.

    Args:
        given: names of the flags that were given: all others stay as the run was begun.
    """
    if into_store.has_handed_in(Store(config.store or default_store()), run_id):
        return run_id
    plan, last, changed = plan_resumed(config, run_id, given)
    share(group(), plan, trainer_settings(plan), plan.store.run_folder(run_id) / LAST if last else None)
    if changed:
        plan.store.change_config(run_id, changed)
    return _run(plan, run_id, last)


def _run(plan: TrainingPlan, run_id: str, last: Checkpoint | None) -> str:
    """Train to the end and evaluate, with a status for every way out."""
    _LOG.info(f"run {run_id}: {plan.config.name}, {len(plan.data.train_rows):,} training and "
              f"{len(plan.data.val_rows):,} validation films, on {train_plan.device_name()}")
    folder = plan.store.run_folder(run_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the run's folder {folder} cannot be made: {error.strerror}") from None
    with (sigterm_as_interrupt(), claims.run_of_own(plan.store, run_id) as own, Progress(folder) as progress,
          _honest_end(plan, run_id, progress, own), one_cause(),
          watched(group(), lambda line: _give_up(plan, run_id, progress, own, line))):
        plan.store.finish_run(run_id, "running")  # again, for a resumed run: only now does its progress file live
        with _memory_in_one_line(plan):
            trainer = _trainer(plan, last)
            cost = _fit(plan, run_id, trainer, progress, own)
        cost |= maps_of(folder / BEST)
        own.require()
        finished = into_store.handed_in(plan, run_id, progress,
                                        TrainingEnd(tuple(trainer.records), trainer.best_epoch, cost), own)
        if finished:  # else the last checkpoint is what can still be gone on from, should what waits be lost
            drop_training_state(folder / LAST)
    ended = "finished" if finished else "has been trained to its end"
    _LOG.info(f"run {run_id} {ended}: best epoch {trainer.best_epoch}, checkpoints in {folder}")
    return run_id


@contextlib.contextmanager
def _honest_end(plan: TrainingPlan, run_id: str, progress: Progress, own: Held) -> Generator[None]:
    """A training that does not reach its end is 'interrupted' or 'failed' in the store, with the reason beside it.

    It never fails for the store's sake: it is interrupted then, and what it has made is on the disk.
    """
    try:
        yield
    except BaseException as error:
        if own.is_lost:  # its status is whose who goes on with it
            raise
        interrupted, folder = is_interruption(error), plan.store.run_folder(run_id)
        status = "interrupted" if interrupted or isinstance(error, StoreError) else "failed"
        reason = " ".join(str(error).split())[:300]
        progress.update(stage=status, **({} if interrupted else {"error": reason or type(error).__name__}))
        _LOG.error(_end(plan, run_id, status, progress.state.get("best_epoch")))
        if interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        if isinstance(error, OSError) and (not folder.is_dir() or str(error.filename).startswith(str(folder))):
            raise RunError(f"files of run {run_id} in {folder} were deleted while it trained") from None
        raise


def _give_up(plan: TrainingPlan, run_id: str, progress: Progress, own: Held, error: str) -> None:
    """Keep that another process failed, where this one hangs; its heartbeat goes on to the end of the process."""
    if own.is_lost:
        return
    progress.update(stage="failed", error=error)
    _LOG.error(_end(plan, run_id, "failed", progress.state.get("best_epoch")))
    progress.write()


def _end(plan: TrainingPlan, run_id: str, status: str, best_epoch: int | None) -> str:
    """Keep how a run ended; returns how to go on with it."""
    try:
        plan.store.finish_run(run_id, status, best_epoch=best_epoch)
    except RunError as error:
        if not plan.store.run_file(run_id, LAST):
            return f"{status}; run {run_id} was deleted while it trained: there is nothing to go on with"
        _LOG.warning(f"{error}, or its store is away")
    except WorkbenchError as error:  # its progress file says how it ended
        _LOG.warning(str(error))
    where = f" --store {shlex.quote(plan.store.key)}" if plan.config.store else ""
    return f"{status}; to go on: python scripts/train.py --resume {run_id}{where}"


def trainer_settings(plan: TrainingPlan) -> Settings:
    """The flags and constants of a plan, as the trainer takes them."""
    config, constants = plan.config, plan.constants
    augmentation = Augmentation(config.crop, constants.crop_aspect, constants.max_scale, config.rotation, config.shift,
                                config.tone, config.flip)
    same = {one.name: getattr(config, one.name) for one in dataclasses.fields(Settings)
            if one.name not in ("augmentation", "constants")}
    return Settings(**same, augmentation=augmentation, constants=constants)


def _memory_in_one_line(plan: TrainingPlan) -> contextlib.AbstractContextManager[None]:
    settings = trainer_settings(plan)
    return devices.memory_in_one_line(settings.batch_size, settings.accumulate, settings.precision, default_device())


def _trainer(plan: TrainingPlan, last: Checkpoint | None) -> Trainer:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    settings = trainer_settings(plan)
    trainer = probe(plan, settings) if plan.config.freeze else Trainer(plan.origin.model, plan.origin.spec, plan.data,
                                                                        settings)
    return restored(trainer, last)


def _fit(plan: TrainingPlan, run_id: str, trainer: Trainer, progress: Progress, own: Held) -> dict[str, Any]:
    """Epoch after epoch to the end; returns what it cost."""
    folder = plan.store.run_folder(run_id)
    kept = RunInStore(plan.store, run_id, trainer.records)  # those of a resumed run may not be in the store yet
    while not trainer.done:
        number, epochs = trainer.next_epoch, trainer.settings.epochs
        with _bar(trainer, number, epochs) as bar:
            record = trainer.run_epoch(_teller(bar, progress, trainer, number, epochs))
        if not math.isfinite(record.train_loss + record.val_loss):
            raise trainer.lost(number)
        plan.pixels.confirm()
        own.require()
        kept.require_kept()
        if trainer.best_epoch == number:
            checkpoints.save_checkpoint(folder / BEST, _checkpoint(plan, run_id, trainer, with_state=False))
        checkpoints.save_checkpoint(folder / LAST, _checkpoint(plan, run_id, trainer, with_state=True))
        progress.update(best_epoch=trainer.best_epoch)
        kept.log(record)
        _print_epoch(record, epochs, trainer.best_epoch == number)
    if trainer.next_epoch <= trainer.settings.epochs:
        _LOG.info(f"stopped early: no better validation for {plan.config.patience} epochs")
    return _cost(plan, trainer, folder)


def _bar(trainer: Trainer, number: int, epochs: int) -> tqdm:
    quiet = 0.1 if sys.stderr.isatty() else 10.0  # seconds between lines in a log file
    return tqdm(total=trainer.steps, desc=f"epoch {number}/{epochs}", unit=" steps", mininterval=quiet)


def _teller(bar: tqdm, progress: Progress, trainer: Trainer, number: int, epochs: int) -> OnStep:
    """What every step tells the bar and the progress file."""

    def told(stage: str, step: int, steps: int, speed: float) -> None:
        raise_again()
        per_step = trainer.settings.batch_size * trainer.settings.accumulate / max(speed, 1e-9)
        later = (epochs - number) * trainer.steps
        if stage == "training":
            seconds_left = round((trainer.steps - step + later) * per_step)
            bar.set_postfix_str(f"{speed:.1f} images/s, {tqdm.format_interval(seconds_left)} to the last epoch's end",
                                refresh=False)
            bar.update(step - bar.n)
            progress.update(seconds_left=seconds_left, images_per_second=speed)
        else:
            bar.set_postfix_str(f"validating {step}/{steps}", refresh=True)
        progress.update(stage=stage, epoch=number, epochs=epochs, step=step, steps=steps)

    return told


def _print_epoch(record: EpochRecord, epochs: int, best: bool) -> None:
    _LOG.info(f"epoch {record.epoch}/{epochs}: train loss {record.train_loss:.4f}, val loss {record.val_loss:.4f}, "
              f"val macro AUROC {record.val_macro_auroc:.4f}{' (best)' if best else ''}, "
              f"{record.images_per_second:.1f} images/s, {record.seconds:.0f} s")


def _checkpoint(plan: TrainingPlan, run_id: str, trainer: Trainer, with_state: bool) -> Checkpoint:
    """The last one: the weights, their average beside them and all to go on with; the best one: the average."""
    split, averaged = plan.films.split, trainer.averaged()
    return Checkpoint(
        state=trainer.weights() if with_state or not averaged else averaged,
        average=averaged if with_state else {},
        architecture=plan.config.arch, image_size=plan.config.img_size,
        mean=plan.origin.spec.mean, std=plan.origin.spec.std, model_options=plan.origin.options,
        training_corpus=plan.corpus, start_weights=dict(plan.origin.source),
        dataset_id=plan.films.table.dataset_id, run_id=run_id,
        split={"scheme": split.scheme, "seed": split.seed, "fingerprint": split.fingerprint},
        epoch=trainer.next_epoch - 1, findings=plan.films.table.findings,
        training=trainer.state() if with_state else {},
    )


def _cost(plan: TrainingPlan, trainer: Trainer, folder: Path) -> dict[str, Any]:
    peak = torch.cuda.max_memory_allocated(trainer.device) if trainer.device.type == "cuda" else None
    return {"training_seconds": round(sum(record.seconds for record in trainer.records), 1),
            "images_per_second": round(trainer.records[-1].images_per_second, 1), "peak_device_bytes": peak,
            "checkpoint_bytes": (folder / BEST).stat().st_size,
            **inference_cost(plan.origin.model, plan.config.img_size, trainer.device)}
