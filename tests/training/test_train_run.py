"""A training from its command on: what it keeps, how it goes on with more epochs, and its errors in one line."""

import logging

import numpy as np
import pytest
import torch
from small_trainings import resumed, small
from torch.utils._python_dispatch import TorchDispatchMode

from cxrcore.config import EvalConfig
from cxrcore.errors import DeviceMemoryError, RunError
from cxrcore.evaluation.evaluate_run import evaluate
from cxrcore.networks import prediction
from cxrcore.networks.batches import normalise
from cxrcore.networks.checkpoint import load_checkpoint
from cxrcore.networks.initial_weights import GREY
from cxrcore.networks.views import views_of
from cxrcore.store import Store
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.training import devices, train_run
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.trainer import Settings, Trainer
from cxrcore.training.training_data import TrainingData


@pytest.fixture(scope="module")
def raised(tiny_nih, tmp_path_factory):
    """A training of one epoch that was stopped and went on to two: its store, its id, its state after the first."""
    home = tmp_path_factory.mktemp("raised")

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train_run, "_print_epoch", stop)
        train_run.train(small(tiny_nih, home, accumulate=2))
    store = Store(home / "store.duckdb")
    run_id = store.runs()["run_id"][0]
    first = load_checkpoint(store.run_folder(run_id) / LAST)
    with pytest.raises(RunError, match="raised from its 1, not lowered to 0"):
        resumed(store, run_id, epochs=0)
    resumed(store, run_id, epochs=2)
    return store, run_id, first


def test_a_resumed_training_can_be_made_longer_and_that_is_kept(raised):
    store, run_id, _ = raised
    row = store.run(run_id)
    assert row["status"] == "finished" and store.epochs([run_id])["epoch"].tolist() == [1, 2]
    assert row["config"]["epochs"] == 2 and row["config"]["epochs_raised"] == "1 to 2 after epoch 1"
    assert store.epochs([run_id])["learning_rate"].iloc[1] > 0


def test_all_that_the_recipe_settled_is_kept_with_the_run(raised):
    store, run_id, _ = raised
    config = store.run(run_id)["config"]
    assert config["lr_rule"] == "0.001 x sqrt(16 films a step / 32), from random weights"
    assert (config["lr"], config["weight_decay"], config["layer_decay"], config["ema"], config["patience"]) == (
        0.0007071, 0.01, 1.0, "on", None)
    assert "validation" in config["selection"] and config["constants"]["ema_half_life"] == 0.05
    assert config["device"] != "cpu" and config["flip"] is False  # the device's name, not the flag


def test_the_best_weights_are_averaged_ones_and_the_last_file_holds_both(raised):
    store, run_id, first = raised
    best, last = (load_checkpoint(store.run_folder(run_id) / name) for name in (BEST, LAST))
    assert last.training == {} and first.training["best"]["epoch"] == 1
    assert best.average == {} and last.average.keys() == last.state.keys()
    assert any(not torch.equal(last.state[name], last.average[name]) for name in last.state)
    of_best = {1: first, 2: last}[best.epoch].average
    assert all(torch.equal(best.state[name], of_best[name]) for name in best.state)


def test_views_are_a_prediction_set_beside_that_of_the_film_alone(raised, tmp_path, caplog):
    store, run_id, _ = raised
    alone = store.leaderboard().set_index("split")["prediction_id"]
    before = set(store.prediction_sets(run_id)["prediction_id"])
    with caplog.at_level(logging.INFO):
        evaluate(EvalConfig(run=run_id, store=str(store.path), views=3, subset=8, results=str(tmp_path)))
    assert "mean of 3 views a film" in caplog.text
    sets = store.prediction_sets(run_id)
    added = sets[~sets["prediction_id"].isin(before)].set_index("split")
    assert set(added["precision"]) == {"fp32, mean of 3 views"} and set(added.index) == {"val", "test"}
    assert store.leaderboard().set_index("split")["prediction_id"].equals(alone)
    means, films = (store.predictions(one["test"]) for one in (added["prediction_id"], alone))
    assert (means.image_ids == films.image_ids).all()
    assert 0 < np.abs(means.scores - films.scores).max() < 0.5


def test_the_first_view_is_the_film_and_its_mean_is_that_of_all():
    torch.manual_seed(0)
    model, pixels = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 2)), np.random.default_rng(
        0).integers(0, 256, (5, 32, 32), np.uint8)
    films = torch.from_numpy(pixels)[:, None]
    views = list(views_of(films, 10))
    assert len(views) == 10 and views[0] is films and all(view.shape == films.shape for view in views)
    assert len({view.float().sum().item() for view in views}) == 10
    with torch.no_grad():
        expected = torch.stack([torch.sigmoid(model(normalise(view, GREY))) for view in views]).mean(0)
    got = prediction.predict(model, GREY, pixels, np.arange(5), 2, views=10)
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "cpu:1", "mps:3", ""])
def test_a_device_that_does_not_exist_is_one_line(name, tiny_nih, tmp_path):
    with pytest.raises(RunError, match=r"^--device .* does not exist: this machine has cpu"):
        train_run.train(small(tiny_nih, tmp_path, device=name))
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("flags", "says"), [
    ({"precision": "tf32", "device": "cpu"}, "--precision tf32 needs an NVIDIA GPU"),
    ({"arch": "densenet121", "drop_path": 0.1}, "--drop_path: densenet121 has no blocks that can be left out")])
def test_what_a_device_or_a_network_lacks_is_one_line(flags, says, tiny_nih, tmp_path):
    with pytest.raises(RunError, match=says):
        train_run.train(small(tiny_nih, tmp_path, **flags))


@pytest.mark.parametrize(("error", "caught"), [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
    (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
    (RuntimeError("shapes do not fit"), False)])
def test_memory_that_is_used_up_is_one_line_with_what_to_do(error, caught):
    with pytest.raises(DeviceMemoryError if caught else RuntimeError) as raised:
        with devices.memory_in_one_line(32, 1, "fp32", torch.device("cpu")):
            raise error
    assert ("--batch_size 16 --accumulate 2 (the same step in parts)" in str(raised.value)) == caught
    assert isinstance(raised.value, RunError) == caught


def test_a_compiler_that_is_missing_is_one_line(monkeypatch):
    kind = type("InductorError", (RuntimeError,), {"__module__": "torch._inductor.exc"})

    def compiled(model):
        def forward(inputs):
            raise (kind("no C++ compiler") if inputs.numel() else ValueError("of the network"))

        return forward

    monkeypatch.setattr(torch, "compile", compiled)
    with pytest.raises(RunError, match=r"--compile does not work here \(no C\+\+ compiler\): leave it out"):
        devices.compiled(torch.nn.Identity())(torch.ones(1))
    with pytest.raises(ValueError, match="of the network"):
        devices.compiled(torch.nn.Identity())(torch.ones(0))


class _Asked(TorchDispatchMode):
    """Names of the operations that a GPU would have to be waited for."""

    def __init__(self):
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal"):
            self.waits.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("loss", ["bce", "pos_weight", "focal", "asymmetric"])
def test_a_step_asks_the_device_for_no_number(loss):
    """By the operations; copies that wait are seen by bench_gpu.py, on a GPU."""
    pixels, labels = np.zeros((24, 32, 32), np.uint8), np.zeros((24, 2), np.float32)
    labels[::2] = 1
    labels[3] = np.nan
    data = TrainingData(pixels, np.arange(16), labels[:16], np.arange(16, 24), labels[16:])
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.AdaptiveAvgPool2d(1),
                                torch.nn.Flatten(), torch.nn.Linear(4, 2))
    how = Augmentation(crop=0.7, aspect=0.1, rotation=6, shift=0.05, tone=0.2, flip=True)
    trainer = Trainer(model, GREY, data, Settings(1, 8, 1e-3, loss=loss, augmentation=how, accumulate=2))
    films, draws = torch.from_numpy(pixels[:16])[:, None], how.draws(16, torch.Generator())
    with _Asked() as asked:
        for _ in range(2):
            trainer._step(trainer._inputs(films, draws), torch.from_numpy(labels[:16]))
    assert asked.waits == []
