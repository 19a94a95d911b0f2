"""Training: learning, early stopping, schedule, and resuming as if there had been no break."""

import math
from dataclasses import fields
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cxrcore.errors import CheckpointError
from cxrcore.networks import batches
from cxrcore.networks.architectures import build
from cxrcore.networks.initial_weights import GREY
from cxrcore.settings import Constants
from cxrcore.store import EpochRecord
from cxrcore.training import losses, train_run
from cxrcore.training import trainer as training
from cxrcore.training.trainer import Settings, Trainer, TrainingData, steps_per_epoch


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


SETTINGS = {"epochs": 3, "batch_size": 16, "lr": 1e-3, "loss": "bce", "precision": "fp32", "patience": 3, "seed": 0}


def _trainer(data, **changed):
    torch.manual_seed(0)
    return Trainer(build("resnet18", 32, 14), GREY, data, Settings(**(SETTINGS | changed)))


def _quiet(*_):
    pass


def test_a_blob_is_learnt_and_every_number_is_reported(data):
    trainer, told = _trainer(data, epochs=10, patience=10), []
    records = [trainer.run_epoch(lambda *what: told.append(what)) for _ in range(10)]
    assert trainer.done
    assert records[-1].val_macro_auroc > 0.95
    assert records[-1].train_loss < records[0].train_loss
    assert [r.epoch for r in records] == list(range(1, 11))
    assert {stage for stage, *_ in told} == {"training", "validating"}
    assert max(step for stage, step, *_ in told if stage == "training") == steps_per_epoch(72, 16) == 5


def test_a_resumed_training_ends_like_an_unbroken_one(data):
    unbroken = _trainer(data)
    expected = [unbroken.run_epoch(_quiet) for _ in range(3)]

    first = _trainer(data)
    first.run_epoch(_quiet)
    # What a killed process leaves is what lies on the disk: nothing may be shared with `first`.
    weights = {key: value.clone() for key, value in first.weights().items()}
    state = torch.load(_saved(first.state()), weights_only=True)
    torch.manual_seed(123)
    second = _trainer(data)
    second.restore(weights, state)
    assert second.next_epoch == 2
    got = [second.run_epoch(_quiet) for _ in range(2)]
    assert [r.train_loss for r in got] == [r.train_loss for r in expected[1:]]
    assert [r.learning_rate for r in got] == [r.learning_rate for r in expected[1:]]
    for key, value in unbroken.weights().items():
        assert torch.equal(value, second.weights()[key]), key


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
        _trainer(data).restore(trainer.weights(), state)


def test_options_of_the_optimizer_are_those_of_the_run_not_of_the_file(data):
    trainer = _one_epoch_on(data)
    state = torch.load(_saved(trainer.state()), weights_only=True)
    for group in state["optimizer"]["param_groups"]:
        group.update(weight_decay="x", betas=7, fused="perhaps", own="!")
    state["schedule"].update(base_lrs="x", lr_lambdas=5, own="!")
    second = _trainer(data)
    second.restore(trainer.weights(), state)
    assert math.isfinite(second.run_epoch(_quiet).train_loss)


@pytest.mark.parametrize("changed", [
    {"records": [{"loss": 1}]}, {"records": [{"epoch": 10**400}]}, {"records": "x"}, {"records": 5}, {"best": None},
    {"records": [dict.fromkeys((one.name for one in fields(EpochRecord)), 3)]}, {"best": {"epoch": "x", "score": 1}},
    {"schedule": {"base_lrs": 5}, "optimizer": {}}, {"generators": {"cpu": torch.zeros(3)}}])
def test_a_state_that_is_none_is_no_fault_of_the_program(data, changed):
    config = SimpleNamespace(**SETTINGS)
    trainer = _trainer(data)
    last = SimpleNamespace(state=trainer.weights(), training=trainer.state() | changed, epoch=1)
    plan = SimpleNamespace(config=config, epochs=config.epochs, constants=Constants(), data=data,
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
    trainer._validate = lambda _: (0.1, next(scores), 0.2)
    while not trainer.done:
        trainer.run_epoch(_quiet)
    assert (trainer.best_epoch, trainer.next_epoch - 1) == (2, 4)


def test_without_any_validation_positive_the_loss_decides(data):
    trainer = _trainer(data, epochs=20, patience=2)
    losses = iter([0.5, 0.3, 0.4, 0.35])
    trainer._train = lambda *_: (0.1, 50.0)
    trainer._validate = lambda _: (next(losses), math.nan, math.nan)
    while not trainer.done:
        trainer.run_epoch(_quiet)
    assert trainer.best_epoch == 2


def test_the_rate_warms_up_and_falls_to_zero(data):
    trainer = _trainer(data, epochs=40)
    rates = [trainer._rate(step) for step in range(201)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == 1 and rates[9] == 1
    assert all(a >= b for a, b in pairwise(rates[10:])) and rates[200] == pytest.approx(0)


def test_the_optimizer_and_the_schedule_follow_the_constants(data):
    own = Constants(beta1=0.8, beta2=0.9, epsilon=1e-6, weight_decay=0.2, warm_up=0.5, gradient_norm=0.25)
    trainer, cut = _trainer(data, epochs=2, constants=own), []
    kernels, biases = trainer._optimizer.param_groups
    assert kernels["betas"] == (0.8, 0.9) and kernels["eps"] == 1e-6
    assert kernels["weight_decay"] == 0.2 and biases["weight_decay"] == 0
    assert [trainer._rate(step) for step in (0, 4, 5)] == pytest.approx([0.2, 1, 1]) and trainer._rate(6) < 1
    trainer._accelerator.clip_grad_norm_ = lambda _, norm: cut.append(norm)
    trainer.run_epoch(_quiet)
    assert set(cut) == {0.25} and kernels["betas"] != (Constants().beta1, Constants().beta2)


@pytest.mark.parametrize("module", [batches, losses, training])
def test_no_number_that_decides_a_result_hides_in_the_training_code(module):
    """Such numbers stand in `settings.Constants`, and so with every run."""
    harmless = {"_AHEAD"}
    assert not {name for name, value in vars(module).items()
                if type(value) in (int, float) and not name.startswith("__")} - harmless


@pytest.mark.parametrize(("n", "batch", "steps"), [(32, 32, 1), (33, 32, 1), (34, 32, 2), (1, 32, 1), (65, 16, 4)])
def test_a_last_batch_of_one_film_is_left_out(n, batch, steps):
    assert steps_per_epoch(n, batch) == steps
