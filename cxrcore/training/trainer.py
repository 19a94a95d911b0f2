"""Training one network: steps, validation, early stopping, and the state that a resumed training needs.

Knows arrays, networks and devices; nothing of files, the store or the command line (see `train_run`).
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import nn

from cxrcore.errors import RunError
from cxrcore.measures.metrics import auroc, macro, per_finding
from cxrcore.measures.thresholds.fitting import best_f1
from cxrcore.networks.batches import InputSpec, batches, normalise, to_device
from cxrcore.networks.prediction import default_device, predict_logits
from cxrcore.settings import Constants
from cxrcore.store import EpochRecord
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.averaging import Average, decay_of
from cxrcore.training.devices import LossWatch, compiled, forward_format, number_format, with_films
from cxrcore.training.epoch_films import own_films, steps_per_epoch, usable
from cxrcore.training.losses import known_labels, make_loss
from cxrcore.training.optimizer import checked_moments, make_optimizer, plain_schedule
from cxrcore.training.ranks import network
from cxrcore.training.ranks.fitting import least_films
from cxrcore.training.ranks.group import group
from cxrcore.training.schedule import Schedule
from cxrcore.training.selection import select_by
from cxrcore.training.training_data import TrainingData

OnStep = Callable[[str, int, int, float], None]  # told the stage, the step, the number of steps and images/s


@dataclass(frozen=True)
class Settings:
    """How it is trained; see `config.TrainConfig` for the meaning of each. `patience` None: to the last epoch."""

    epochs: int
    batch_size: int
    lr: float
    loss: str = "bce"
    precision: str = "fp32"
    patience: int | None = None
    seed: int = 0
    accumulate: int = 1
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    schedule: str = "cosine"
    ema: str = "on"
    compile: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    constants: Constants = field(default_factory=Constants)


@dataclass
class _Best:
    """The best epoch so far, and how many epochs were none better."""

    epoch: int = 0
    score: float = -math.inf
    falls: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """One training on one device, epoch by epoch; of several processes, each with its own, one part of it.

    Attributes:
        model: the network, on the device.
        steps: of an epoch.
    """

    def __init__(self, model: nn.Module, spec: InputSpec, data: TrainingData, settings: Settings):
        self.settings, self.spec, self.device = settings, spec, default_device()
        constants, self._group = settings.constants, group()
        self._least = least_films(model)
        self.model = network.normalised_together(model.to(self.device), self.device, self._group)
        self.data = with_films(data, self.device)
        self._network = network.shared(self.model, data.pixels.shape[1:], self._group)
        self._forward = compiled(self._network) if settings.compile else self._network
        self._optimizer = make_optimizer(self.model, settings.lr, settings.weight_decay, settings.layer_decay,
                                         constants, self.device)
        self._loss = make_loss(settings.loss, data.train_labels, self.device, constants)
        self.steps = steps_per_epoch(len(data.train_rows), settings.batch_size, settings.accumulate, self._least)
        self.selection = select_by(data.val_labels, constants)
        all_steps = settings.epochs * self.steps
        self._rates = Schedule(settings.schedule, all_steps, constants.warm_up, constants.plateau_factor)
        self._best = _Best()
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self._average = None if settings.ema == "off" else Average(
            self.model, decay_of(constants.ema_decay, constants.ema_half_life, all_steps))

    def _rate(self, step: int) -> float:
        """The factor of the learning rate in a step, counted from 0."""
        return self._rates.at(step, self._best.falls)

    @property
    def next_epoch(self) -> int:
        """Counted from 1."""
        return len(self._best.records) + 1

    @property
    def done(self) -> bool:
        """All epochs trained, or none better within the patience."""
        trained = len(self._best.records)
        waited = self.settings.patience is not None and trained - self._best.epoch >= self.settings.patience
        return trained >= self.settings.epochs or waited

    @property
    def best_epoch(self) -> int:
        """The epoch of the best validation so far; 0 before the first."""
        return self._best.epoch

    @property
    def records(self) -> list[EpochRecord]:
        """All finished epochs, also those before a resume."""
        return [EpochRecord(**record) for record in self._best.records]

    def run_epoch(self, on_step: OnStep) -> EpochRecord:
        """Train one epoch and validate.

        Args:
            on_step: told stage ('training' or 'validating'), step, steps and images/s.
        """
        number = self.next_epoch
        self._begin(number)
        began = time.perf_counter()
        self._set_rate()
        with number_format(self.settings.precision, self.device):
            train_loss, speed = self._train(number, on_step)
            val_loss, aurocs, val_f1 = self._validate(on_step)
        rate = self.settings.lr * self._rate(number * self.steps - 1)
        record = EpochRecord(number, train_loss, val_loss, macro(aurocs)[0], val_f1, rate, time.perf_counter() - began,
                             speed)
        self._judge(record, self.selection.score(aurocs, val_loss))
        return EpochRecord(**self._best.records[-1])

    def _begin(self, number: int) -> None:
        """Of several processes: wait until the first has saved the epoch before, and draw dropout each for itself."""
        if self._group.world > 1:
            self._group.decided(f"epoch {number}", lambda: True)
            torch.manual_seed((self.settings.seed * 100_003 + number) * self._group.world + self._group.rank)

    def _judge(self, record: EpochRecord, score: float) -> None:
        """Take in an epoch; of several processes the first one says which is the best, and so when to stop."""
        self._best.records.append(asdict(record))
        if score > self._best.score:
            self._best.epoch, self._best.score = record.epoch, score
        else:
            self._best.falls += 1
        if self._group.world > 1:
            self._best = _Best(**self._group.decided(f"epoch {record.epoch} judged", lambda: asdict(self._best)))

    def _set_rate(self) -> None:
        """The next step's: after a plateau it has fallen, and of a training with more epochs it is another."""
        factor = self._rate(self._schedule.last_epoch)
        for some, highest in zip(self._optimizer.param_groups, self._schedule.base_lrs, strict=True):
            some["lr"] = highest * factor

    def _train(self, number: int, on_step: OnStep) -> tuple[float, float]:
        """(mean loss, images/s) of one epoch."""
        n = usable(len(self.data.train_rows), self.settings.batch_size, self._least)
        films_a_step = self.settings.batch_size * self.settings.accumulate
        rows, labels, drawn = own_films(self.data, self.settings.augmentation, self.settings.seed * 100_003 + number,
                                        n, self.settings.batch_size, self._group)
        draws = to_device(drawn, self.device)
        feed = batches(self.data.pixels, rows, labels, films_a_step // self._group.world, self.device)
        self.model.train()
        watch = LossWatch(self.device)
        total, seen, own, began = torch.zeros((), device=self.device), 0, 0, time.perf_counter()
        for step, (films, targets) in enumerate(feed, 1):
            of_all = min(films_a_step, n - seen)
            total += self._step(self._inputs(films, draws[own:own + len(films)]), targets) * of_all
            seen, own = seen + of_all, own + len(films)
            if watch.is_lost(total, step):
                raise self.lost(number, f" within {step} steps")
            on_step("training", step, self.steps, seen / (time.perf_counter() - began))
        # Waits for the device, so the speed below is true.
        mean = float(self._group.all_sum(total)) / (max(seen, 1) * self._group.world)
        if not math.isfinite(mean):
            raise self.lost(number)
        return mean, seen / (time.perf_counter() - began)

    def lost(self, number: int, when: str = "") -> RunError:
        """What to say of a loss that is no number any more."""
        other = "" if self.settings.precision == "fp32" else ", or --precision fp32"
        return RunError(f"the loss is no finite number any more in epoch {number}{when}: try a smaller --lr than "
                        f"{self.settings.lr:g}{other}")

    def _inputs(self, films: torch.Tensor, draws: torch.Tensor) -> Iterator[torch.Tensor]:
        """What the network is fed, this process's share of `batch_size` films at a time."""
        for some, drawn in zip(films.split(self._at_once), draws.split(self._at_once), strict=True):
            yield normalise(self.settings.augmentation.apply(some, drawn), self.spec)

    def _step(self, inputs: Iterable[torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
        """One step of the optimizer on one or several batches; returns the mean loss over their known labels.

        Of several processes it is over the labels that all of them know: the mean over the processes of what each
        returns, as the gradient is the mean over the processes. Where each took the mean over its own labels, a label
        would count more in a process that knows few.
        """
        known, total, start = self._known(targets), torch.zeros((), device=self.device), 0
        for some in inputs:
            end = start + len(some)
            with network.held_back(self._network, more=end < len(targets)):
                with forward_format(self.settings.precision, self.device):
                    logits = self._forward(some)
                loss = self._loss(logits.float(), targets[start:end], known)
                loss.backward()
            total += loss.detach()
            start = end
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.constants.gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if self._average:
            self._average.update(self._schedule.last_epoch)
        self._schedule.step()
        return total

    def _known(self, targets: torch.Tensor) -> torch.Tensor:
        """What the sum of a step's losses is divided by."""
        known = self._group.all_sum(known_labels(targets)).clamp(min=1)
        return known if self._group.world == 1 else known / self._group.world

    @property
    def _at_once(self) -> int:
        """Films that this process gives to the network at a time."""
        return self.settings.batch_size // self._group.world

    def _validate(self, on_step: OnStep) -> tuple[float, np.ndarray, float]:
        """(loss, AUROC of each finding, macro best F1) of the averaged weights on the validation films."""
        labels = self.data.val_labels
        logits = self._val_logits(on_step)
        loss = self._loss(logits.to(self.device), torch.from_numpy(labels).to(self.device))
        if not self._group.leads:  # of which nobody asks for more
            return float(loss), np.full(labels.shape[1], math.nan), math.nan
        scores = torch.sigmoid(logits).numpy()
        return float(loss), per_finding(auroc, labels, scores), macro(best_f1(labels, scores))[0]

    def _val_logits(self, on_step: OnStep) -> torch.Tensor:
        """Of all validation films in their order, each scored by one process."""
        seen, began, n = 0, time.perf_counter(), len(self.data.val_rows)

        def told(films: int) -> None:
            nonlocal seen
            seen = min(n, seen + films * self._group.world)
            on_step("validating", seen, n, seen / (time.perf_counter() - began))

        scored = self._average.model if self._average else self.model
        self._group.same(scored)  # running statistics of batch normalisation are those of the first process
        with forward_format(self.settings.precision, self.device):
            logits = predict_logits(scored, self.spec, self.data.pixels, self.data.val_rows[self._group.share_of(n)],
                                    self._at_once, self.device, told)
        return self._group.gathered(logits, n, self.data.val_labels.shape[1], self.device)

    def weights(self) -> dict[str, torch.Tensor]:
        """The network's state, on the CPU."""
        return _on_cpu(self.model)

    def averaged(self) -> dict[str, torch.Tensor]:
        """The state of the averaged network, on the CPU; empty where none is kept."""
        return _on_cpu(self._average.model) if self._average else {}

    def state(self) -> dict[str, Any]:
        """What a resumed training needs besides both weights, as tensors and plain values."""
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
        return {"optimizer": self._optimizer.state_dict(), "schedule": plain_schedule(self._schedule),
                "generators": generators, "best": {"epoch": self._best.epoch, "score": self._best.score,
                                                   "falls": self._best.falls},
                "records": list(self._best.records)}

    def restore(self, weights: Mapping[str, torch.Tensor], averaged: Mapping[str, torch.Tensor],
                state: Mapping[str, Any]) -> None:
        """Go on from the weights and the state of the last epoch, as if there had been no break.

        Raises:
            LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError: a state that is none.
        """
        self.model.load_state_dict(weights)
        if self._average:
            self._average.load(averaged)
        self._optimizer.load_state_dict(checked_moments(state["optimizer"], self._optimizer))
        self._schedule.load_state_dict(self._schedule.state_dict() | {
            name: int(state["schedule"][name]) for name in ("last_epoch", "_step_count")})
        torch.set_rng_state(state["generators"]["cpu"])
        if self.device.type == "cuda" and "cuda" in state["generators"]:
            torch.cuda.set_rng_state(state["generators"]["cuda"], self.device)
        records = [_record(record) for record in state["records"]]
        if [record["epoch"] for record in records] != list(range(1, len(records) + 1)):
            raise ValueError("its epochs are not counted from 1")
        best = state["best"]  # older versions counted no falls: they knew no plateau
        self._best = _Best(int(best["epoch"]), float(best["score"]), int(best.get("falls", 0)), records)


def _on_cpu(model: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}


def _record(given: Mapping[str, Any]) -> dict[str, float]:
    """An epoch's record from a file, each value a number."""
    return {one.name: (int if one.name == "epoch" else float)(given[one.name]) for one in fields(EpochRecord)}
