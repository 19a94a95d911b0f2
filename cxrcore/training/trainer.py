"""Training one network: steps, validation, early stopping, and the state that a resumed training needs.

Knows arrays, networks and devices; nothing of files, the store or the command line (see `train_run`).
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from cxrcore.measures.metrics import auroc, macro, per_finding
from cxrcore.measures.thresholds.fitting import best_f1
from cxrcore.networks.batches import InputSpec, augment, batches, normalise
from cxrcore.networks.prediction import predict_logits
from cxrcore.settings import Constants
from cxrcore.store import EpochRecord
from cxrcore.training.losses import make_loss

OnStep = Callable[[str, int, int, float], None]  # told the stage, the step, the number of steps and images/s


@dataclass(frozen=True)
class TrainingData:
    """What is trained on: rows of a map of prepared pixels and their labels, float32 (n, k)."""

    pixels: np.ndarray
    train_rows: np.ndarray
    train_labels: np.ndarray
    val_rows: np.ndarray
    val_labels: np.ndarray


@dataclass(frozen=True)
class Settings:
    """How it is trained; see `config.TrainConfig` for the meaning of each."""

    epochs: int
    batch_size: int
    lr: float
    loss: str
    precision: str
    patience: int
    seed: int
    constants: Constants = field(default_factory=Constants)


@dataclass
class _Best:
    """The best epoch so far and how long it has stood."""

    epoch: int = 0
    score: float = -math.inf
    records: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """One training on one device, epoch by epoch.

    Attributes:
        model: the network, on the device.
    """

    def __init__(self, model: nn.Module, spec: InputSpec, data: TrainingData, settings: Settings):
        self.settings, self.data, self.spec = settings, data, spec
        # The number format is ours: accelerate keeps one for the whole process, and `--arch all` needs one a network.
        accelerator = Accelerator(mixed_precision="no")
        self.device = accelerator.device
        fused, constants = self.device.type in ("cpu", "cuda"), settings.constants
        optimizer = torch.optim.AdamW(
            _parameter_groups(model, constants.weight_decay), lr=settings.lr, betas=(constants.beta1, constants.beta2),
            eps=constants.epsilon, fused=fused)
        self._accelerator = accelerator
        self.model, self._optimizer = accelerator.prepare(model, optimizer)
        self._loss = make_loss(settings.loss, data.train_labels, self.device, constants)
        self.steps = steps_per_epoch(len(data.train_rows), settings.batch_size)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self._best = _Best()

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to zero, as a factor of the learning rate."""
        total = self.settings.epochs * self.steps
        warm_up = max(1, round(total * self.settings.constants.warm_up))
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, total - warm_up))))

    @property
    def next_epoch(self) -> int:
        """Counted from 1."""
        return len(self._best.records) + 1

    @property
    def done(self) -> bool:
        """All epochs trained, or none better within the patience."""
        trained = len(self._best.records)
        return trained >= self.settings.epochs or trained - self._best.epoch >= self.settings.patience

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
        number, began = self.next_epoch, time.perf_counter()
        train_loss, speed = self._train(number, on_step)
        val_loss, val_auroc, val_f1 = self._validate(on_step)
        rate = self.settings.lr * self._rate(number * self.steps - 1)
        record = EpochRecord(number, train_loss, val_loss, val_auroc, val_f1, rate, time.perf_counter() - began, speed)
        self._best.records.append(asdict(record))
        # Where no validation film carries a finding there is no AUROC: the loss has to decide.
        score = val_auroc if not math.isnan(val_auroc) else -val_loss
        if score > self._best.score:
            self._best.epoch, self._best.score = number, score
        return record

    def _train(self, number: int, on_step: OnStep) -> tuple[float, float]:
        """(mean loss, images/s) of one epoch."""
        generator = torch.Generator().manual_seed(self.settings.seed * 100_003 + number)
        order = torch.randperm(len(self.data.train_rows), generator=generator).numpy()[: _usable(
            len(self.data.train_rows), self.settings.batch_size)]
        feed = batches(self.data.pixels, self.data.train_rows[order], self.data.train_labels[order],
                       self.settings.batch_size, self.device)
        self.model.train()
        total, seen, began = torch.zeros((), device=self.device), 0, time.perf_counter()
        for step, (films, targets) in enumerate(feed, 1):
            moved = augment(films, generator, self.settings.constants)
            total += self._step(normalise(moved, self.spec), targets) * len(films)
            seen += len(films)
            on_step("training", step, self.steps, seen / (time.perf_counter() - began))
        mean = float(total) / max(seen, 1)  # waits for the device, so the speed below is true
        return mean, seen / (time.perf_counter() - began)

    def _step(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with self._format():
            logits = self.model(inputs)
        loss = self._loss(logits.float(), targets)
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self.model.parameters(), self.settings.constants.gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._schedule.step()
        return loss.detach()

    def _format(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _validate(self, on_step: OnStep) -> tuple[float, float, float]:
        """(loss, macro AUROC, macro best F1) on the validation films."""
        seen, began, n = 0, time.perf_counter(), len(self.data.val_rows)

        def told(films: int) -> None:
            nonlocal seen
            seen += films
            on_step("validating", seen, n, seen / (time.perf_counter() - began))

        with self._format():
            logits = predict_logits(self.model, self.spec, self.data.pixels, self.data.val_rows,
                                    self.settings.batch_size, self.device, told)
        loss = self._loss(logits.to(self.device), torch.from_numpy(self.data.val_labels).to(self.device))
        labels, scores = self.data.val_labels, torch.sigmoid(logits).numpy()
        return float(loss), macro(per_finding(auroc, labels, scores))[0], macro(best_f1(labels, scores))[0]

    def weights(self) -> dict[str, torch.Tensor]:
        """The network's state, on the CPU."""
        state = self._accelerator.unwrap_model(self.model).state_dict()
        return {key: value.detach().cpu().contiguous() for key, value in state.items()}

    def state(self) -> dict[str, Any]:
        """What a resumed training needs besides the weights, as tensors and plain values."""
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
        return {"optimizer": self._optimizer.state_dict(), "schedule": _plain_schedule(self._schedule),
                "generators": generators, "best": {"epoch": self._best.epoch, "score": self._best.score},
                "records": list(self._best.records)}

    def restore(self, weights: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Go on from `weights` and `state` of the last epoch, as if there had been no break.

        Raises:
            LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError: a state that is none.
        """
        self._accelerator.unwrap_model(self.model).load_state_dict(weights)
        self._optimizer.load_state_dict(_checked_moments(state["optimizer"], self._optimizer))
        self._schedule.load_state_dict(self._schedule.state_dict() | {
            name: int(state["schedule"][name]) for name in ("last_epoch", "_step_count")})
        torch.set_rng_state(state["generators"]["cpu"])
        if self.device.type == "cuda" and "cuda" in state["generators"]:
            torch.cuda.set_rng_state(state["generators"]["cuda"], self.device)
        records = [_record(record) for record in state["records"]]
        if [record["epoch"] for record in records] != list(range(1, len(records) + 1)):
            raise ValueError("its epochs are not counted from 1")
        self._best = _Best(int(state["best"]["epoch"]), float(state["best"]["score"]), records)


def _record(given: Mapping[str, Any]) -> dict[str, float]:
    """An epoch's record from a file, each value a number."""
    return {one.name: (int if one.name == "epoch" else float)(given[one.name]) for one in fields(EpochRecord)}


def _checked_moments(given: Mapping[str, Any], own: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimizer's state from a file, beside the options of this training: torch takes over whatever a file names.

    Only the learning rate moves during a training, so only it is read back.
    """
    kept = own.state_dict()
    parameters = [parameter for group in own.param_groups for parameter in group["params"]]
    for k, moments in given["state"].items():
        for name in ("exp_avg", "exp_avg_sq"):
            if moments[name].shape != parameters[int(k)].shape or not moments[name].is_floating_point():
                raise ValueError(f"its {name} does not belong to this network")
        if moments["step"].numel() != 1:
            raise ValueError("it does not count its steps")
    groups = zip(kept["param_groups"], given["param_groups"], strict=True)
    return {"state": {int(k): {name: moments[name] for name in ("step", "exp_avg", "exp_avg_sq")}
                      for k, moments in given["state"].items()},
            "param_groups": [group | {"lr": float(saved["lr"])} for group, saved in groups]}


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only; not for biases and normalisation."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}]


def _plain_schedule(schedule: torch.optim.lr_scheduler.LambdaLR) -> dict[str, Any]:
    """Its state without the rate functions, which no checkpoint may hold."""
    return schedule.state_dict() | {"lr_lambdas": [None] * len(schedule.lr_lambdas)}


def _usable(n: int, batch_size: int) -> int:
    """Films of an epoch: a last batch of one film is left out, since batch normalisation needs two."""
    return n - 1 if n % batch_size == 1 and n > 1 else n


def steps_per_epoch(n: int, batch_size: int) -> int:
    """Batches of one epoch over n films."""
    return math.ceil(_usable(n, batch_size) / batch_size)
