"""Training: learning, early stopping, schedule, and resuming as if there had been no break."""

import math
from dataclasses import fields, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cxrcore.config import TrainConfig
from cxrcore.errors import CheckpointError, RunError
from cxrcore.networks import batches
from cxrcore.networks.initial_weights import GREY
from cxrcore.settings import Constants
from cxrcore.store import EpochRecord
from cxrcore.training import augmentation, averaging, devices, losses, schedule, train_run
from cxrcore.training import trainer as training
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.epoch_films import steps_per_epoch
from cxrcore.training.trainer import Settings, Trainer
from cxrcore.training.training_data import TrainingData


@pytest.fixture(scope="module")
def data():
    """96 films whose first finding is a bright blob in the upper left."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 120, (96, 32, 32)).astype(np.uint8)
    labels = np.zeros((96, 14), np.float32)
    labels[::3, 0] = 1
    pixels[::3, 6:14, 6:14] = 240
    rows = np.arange(96)
    return TrainingData(pixels, rows[:72], labels[:72], rows[72:], labels[72:])


SETTINGS = {"epochs": 3, "batch_size": 16, "lr": 1e-3,
            "augmentation": Augmentation(crop=0.7, aspect=0.1, rotation=6, shift=0.05, tone=0.2)}


def _network():
    """Small, with batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 14))


def _trainer(data, **changed):
    torch.manual_seed(0)
    return Trainer(_network(), GREY, data, Settings(**(SETTINGS | changed)))


def _quiet(*_):
    pass


def test_a_blob_is_learnt_and_every_number_is_reported(data):
    trainer, told = _trainer(data, epochs=10, lr=0.02, patience=10), []
    records = [trainer.run_epoch(lambda *what: told.append(what)) for _ in range(10)]
    assert trainer.done
    assert records[-1].val_macro_auroc > 0.95
    assert records[-1].train_loss < records[0].train_loss
    assert [r.epoch for r in records] == list(range(1, 11))
    assert {stage for stage, *_ in told} == {"training", "validating"}
    assert max(step for stage, step, *_ in told if stage == "training") == steps_per_epoch(72, 16) == 5


@pytest.mark.parametrize("changed", [{}, {"schedule": "plateau", "accumulate": 2}, {"ema": "off"}])
def test_a_resumed_training_ends_like_an_unbroken_one(data, changed):
    unbroken = _trainer(data, **changed)
    expected = [unbroken.run_epoch(_quiet) for _ in range(3)]

    first = _trainer(data, **changed)
    first.run_epoch(_quiet)
    # What a killed process leaves is what lies on the disk: nothing may be shared with `first`.
    weights, averaged = ({key: value.clone() for key, value in one.items()} for one in (first.weights(),
                                                                                       first.averaged()))
    state = torch.load(_saved(first.state()), weights_only=True)
    torch.manual_seed(123)
    second = _trainer(data, **changed)
    second.restore(weights, averaged, state)
    assert second.next_epoch == 2
    got = [second.run_epoch(_quiet) for _ in range(2)]
    assert [r.train_loss for r in got] == [r.train_loss for r in expected[1:]]
    assert [r.learning_rate for r in got] == [r.learning_rate for r in expected[1:]]
    for name in ("weights", "averaged"):
        ours, theirs = getattr(unbroken, name)(), getattr(second, name)()
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def _one_epoch_on(data):
    trainer = _trainer(data)
    trainer.run_epoch(_quiet)
    return trainer


@pytest.mark.parametrize("damage", [
    lambda optimizer: optimizer["param_groups"][0].update(lr="x"),
    lambda optimizer: optimizer["param_groups"].pop(),
    lambda optimizer: optimizer["state"][0].update(exp_avg=torch.zeros(2)),
    lambda optimizer: optimizer["state"][0].update(exp_avg_sq="x"),
    lambda optimizer: optimizer["state"][0].update(step=torch.zeros(3)),
    lambda optimizer: optimizer["state"].update({10_000: optimizer["state"][0]}),
], ids=["rate", "groups", "shape", "text", "step", "more"])
def test_an_optimizer_of_something_else_is_no_fault_of_the_program(data, damage):
    trainer = _one_epoch_on(data)
    state = torch.load(_saved(trainer.state()), weights_only=True)
    damage(state["optimizer"])
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        _trainer(data).restore(trainer.weights(), trainer.averaged(), state)


def test_options_of_the_optimizer_are_those_of_the_run_not_of_the_file(data):
    trainer = _one_epoch_on(data)
    state = torch.load(_saved(trainer.state()), weights_only=True)
    for group in state["optimizer"]["param_groups"]:
        group.update(weight_decay="x", betas=7, fused="perhaps", own="!")
    state["schedule"].update(base_lrs="x", lr_lambdas=5, own="!")
    second = _trainer(data)
    second.restore(trainer.weights(), trainer.averaged(), state)
    assert math.isfinite(second.run_epoch(_quiet).train_loss)


@pytest.mark.parametrize("changed", [
    {"records": [{"loss": 1}]}, {"records": [{"epoch": 10**400}]}, {"records": "x"}, {"records": 5}, {"best": None},
    {"records": [dict.fromkeys((one.name for one in fields(EpochRecord)), 3)]}, {"best": {"epoch": "x", "score": 1}},
    {"schedule": {"base_lrs": 5}, "optimizer": {}}, {"generators": {"cpu": torch.zeros(3)}}])
def test_a_state_that_is_none_is_no_fault_of_the_program(data, changed):
    config = TrainConfig(epochs=3, batch_size=16, lr=1e-3, weight_decay=0.01, layer_decay=1.0, precision="fp32")
    trainer = _trainer(data)
    last = SimpleNamespace(state=trainer.weights(), average=trainer.averaged(), epoch=1,
                           training=trainer.state() | changed)
    plan = SimpleNamespace(config=config, constants=Constants(), data=data,
                           origin=SimpleNamespace(model=trainer.model, spec=GREY))
    with pytest.raises(CheckpointError, match="no training state"):
        train_run._trainer(plan, last)


def _saved(state):
    import io

    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return buffer


def test_it_stops_after_the_patience_and_remembers_the_best(data):
    trainer = _trainer(data, epochs=20, patience=2)
    scores = iter([0.6, 0.8, 0.7, 0.8, 0.9])
    trainer._train = lambda *_: (0.1, 50.0)
    trainer._validate = lambda _: (0.1, np.full(14, next(scores)), 0.2)
    while not trainer.done:
        trainer.run_epoch(_quiet)
    assert (trainer.best_epoch, trainer.next_epoch - 1) == (2, 4)


def test_without_any_validation_positive_the_loss_decides(data):
    trainer = _trainer(replace(data, val_labels=np.zeros_like(data.val_labels)), epochs=20, patience=2)
    losses = iter([0.5, 0.3, 0.4, 0.35])
    trainer._train = lambda *_: (0.1, 50.0)
    trainer._validate = lambda _: (next(losses), np.full(14, math.nan), math.nan)
    while not trainer.done:
        trainer.run_epoch(_quiet)
    assert trainer.best_epoch == 2


def test_with_a_cosine_all_epochs_are_trained(data):
    trainer = _trainer(data, epochs=6)
    trainer._train = lambda *_: (0.1, 50.0)
    trainer._validate = lambda _: (0.1, np.full(14, 0.9 - 0.1 * trainer.next_epoch), 0.2)
    while not trainer.done:
        trainer.run_epoch(_quiet)
    assert (trainer.best_epoch, trainer.next_epoch - 1) == (1, 6)


def test_on_a_plateau_the_rate_is_a_tenth_from_the_next_step_on(data):
    trainer, scores = _trainer(data, epochs=6, schedule="plateau"), iter([0.6, 0.7, 0.65, 0.8, 0.5, 0.5])
    trainer._validate = lambda _: (0.1, np.full(14, next(scores)), 0.2)
    rates = [trainer.run_epoch(_quiet).learning_rate for _ in range(6)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5])
    used, step = [], trainer._optimizer.step
    trainer._optimizer.step = lambda: used.append(trainer._optimizer.param_groups[0]["lr"]) or step()
    trainer._validate = lambda _: (0.1, np.full(14, 0.5), 0.2)
    trainer.run_epoch(_quiet)
    assert used == pytest.approx([1e-6] * 5)


def test_steps_in_parts_are_the_step_of_all_their_films(data):
    labels = data.train_labels.copy()
    labels[:40, 3:] = np.nan  # parts of a step know different numbers of labels
    data = replace(data, train_labels=labels)
    whole, parts = (_trainer(data, batch_size=size, accumulate=times) for size, times in ((32, 1), (8, 4)))
    for one in (whole, parts):
        one.model.eval()  # batch normalisation alone tells parts from a whole
        one.model.train = lambda: None
    first, second = whole.run_epoch(_quiet), parts.run_epoch(_quiet)
    assert whole.steps == parts.steps == 3
    assert first.train_loss == pytest.approx(second.train_loss, rel=1e-5)
    for name, value in whole.weights().items():
        torch.testing.assert_close(value, parts.weights()[name], rtol=1e-3, atol=1e-4)


def test_films_in_memory_train_like_those_on_disk(data):
    scattered = replace(data, train_rows=data.train_rows[::2], train_labels=data.train_labels[::2])
    held = devices.in_memory(scattered, torch.device("cpu"), at_once=7)
    assert len(held.pixels) == 36 + 24 and torch.is_tensor(held.pixels)
    one, other = _trainer(scattered), _trainer(held)
    assert replace(one.run_epoch(_quiet), seconds=0, images_per_second=0) == replace(
        other.run_epoch(_quiet), seconds=0, images_per_second=0)


@pytest.mark.parametrize("batch_size", [1, 24])
def test_a_loss_that_is_no_number_ends_the_training_within_fifty_steps(data, batch_size):
    trainer, told = _trainer(data, lr=1e-3, epochs=1, batch_size=batch_size), []
    trainer._loss = lambda logits, targets, count=None: (logits * float("nan")).sum()
    with pytest.raises(RunError, match=r"no finite number any more in epoch 1.*smaller --lr than 0\.001$"):
        trainer.model.eval()
        trainer.model.train = lambda: None
        trainer.run_epoch(lambda *what: told.append(what))
    assert len(told) < 50


def test_the_rate_warms_up_and_falls_to_zero(data):
    trainer = _trainer(data, epochs=40)
    rates = [trainer._rate(step) for step in range(201)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == 1 and rates[9] == 1
    assert all(a >= b for a, b in pairwise(rates[10:])) and rates[200] == pytest.approx(0)


def test_the_optimizer_and_the_schedule_follow_the_constants(data, monkeypatch):
    own, cut = Constants(beta1=0.8, beta2=0.9, epsilon=1e-6, warm_up=0.5, gradient_norm=0.25), []
    trainer = _trainer(data, epochs=2, constants=own, weight_decay=0.2)
    kernels, biases = trainer._optimizer.param_groups
    assert kernels["betas"] == (0.8, 0.9) and kernels["eps"] == 1e-6
    assert kernels["weight_decay"] == 0.2 and biases["weight_decay"] == 0
    assert [trainer._rate(step) for step in (0, 4, 5)] == pytest.approx([0.2, 1, 1]) and trainer._rate(6) < 1
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda _, norm: cut.append(norm))
    trainer.run_epoch(_quiet)
    assert set(cut) == {0.25} and kernels["betas"] != (Constants().beta1, Constants().beta2)


@pytest.mark.parametrize("module", [augmentation, averaging, batches, losses, schedule, training])
def test_no_number_that_decides_a_result_hides_in_the_training_code(module):
    """Such numbers stand in `settings.Constants`, and so with every run."""
    harmless = {"_AHEAD"}
    assert not {name for name, value in vars(module).items()
                if type(value) in (int, float) and not name.startswith("__")} - harmless
