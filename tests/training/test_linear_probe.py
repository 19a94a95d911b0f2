"""--freeze: features once, the last layer alone, and a network that is the same but for it."""

import dataclasses

import numpy as np
import pytest
import torch

from cxrcore.config import TrainConfig
from cxrcore.errors import RunError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.batches import normalise
from cxrcore.networks.initial_weights import start
from cxrcore.store import Store
from cxrcore.training import linear_probe
from cxrcore.training.linear_probe import ProbeTrainer, as_they_are, features_of
from cxrcore.training.train_run import train
from cxrcore.training.trainer import Settings
from cxrcore.training.training_data import TrainingData

CPU = torch.device("cpu")
HEAD = {"fc.weight", "fc.bias"}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = (rng.random((60, 14)) < 0.3).astype(np.float32)
    films = rng.integers(0, 120, (60, 64, 64), dtype=np.uint8)
    films[labels[:, 0] == 1, 10:40, 10:40] += 120
    return TrainingData(films, np.arange(40), labels[:40], np.arange(40, 60), labels[40:])


def begin(data, folder, seed=0):
    origin = start("timm:test_resnet", 64, NIH_FINDINGS, "random", seed)
    return origin, features_of(origin.model, origin.spec, data, "films", folder, CPU)


def settings(**given):
    return Settings(**{"epochs": 3, "batch_size": 8, "lr": 0.05, "ema": "off"} | given)


def test_only_the_last_layer_changes_and_gives_what_was_validated(data, tmp_path):
    origin, features = begin(data, tmp_path)
    before = {key: value.clone() for key, value in origin.model.state_dict().items()}
    trainer = ProbeTrainer(features, settings())
    losses = [trainer.run_epoch(lambda *told: None).val_loss for _ in range(3)]
    weights = trainer.weights()
    assert {key for key in before if not torch.equal(before[key], weights[key])} == HEAD
    origin.model.load_state_dict(weights)
    films = torch.from_numpy(data.pixels[data.val_rows])[:, None]
    with torch.no_grad():
        logits = origin.model.eval()(normalise(films, origin.spec))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(data.val_labels))
    assert float(loss) == pytest.approx(losses[-1], abs=1e-4)


def test_features_are_computed_once(data, tmp_path, monkeypatch):
    _, first = begin(data, tmp_path)
    monkeypatch.setattr(linear_probe, "_computed", lambda *given: pytest.fail("computed again"))
    _, again = begin(data, tmp_path)
    assert torch.equal(first.data.pixels, again.data.pixels)


@pytest.mark.parametrize("changed", ["weights", "films", "damaged"])
def test_kept_features_serve_nothing_else(data, tmp_path, monkeypatch, changed):
    begin(data, tmp_path)
    asked = []
    monkeypatch.setattr(linear_probe, "_computed", lambda *given: asked.append(1) or torch.zeros(60, 1, 4))
    if changed == "films":
        data = dataclasses.replace(data, train_rows=data.train_rows[::-1])
    if changed == "damaged":
        [path] = tmp_path.glob("*.npy")
        path.write_bytes(path.read_bytes()[:-100])
    begin(data, tmp_path, seed=int(changed == "weights"))
    assert asked


def test_it_goes_on_where_it_stopped(data, tmp_path):
    _, features = begin(data, tmp_path)
    whole = ProbeTrainer(features, settings(ema="on"))
    for _ in range(3):
        whole.run_epoch(lambda *told: None)
    _, features = begin(data, tmp_path)
    first = ProbeTrainer(features, settings(ema="on"))
    first.run_epoch(lambda *told: None)
    weights, averaged, state = first.weights(), first.averaged(), first.state()
    _, features = begin(data, tmp_path)
    then = ProbeTrainer(features, settings(ema="on"))
    then.restore(weights, averaged, state)
    while not then.done:
        then.run_epoch(lambda *told: None)
    assert all(torch.allclose(value, then.weights()[key]) for key, value in whole.weights().items())
    assert all(torch.allclose(value, then.averaged()[key]) for key, value in whole.averaged().items())


def test_a_network_that_is_more_than_a_linear_layer_on_features_is_refused(data, tmp_path):
    origin = start("timm:test_resnet", 64, NIH_FINDINGS, "random", 0)
    origin.model.fc.register_forward_hook(lambda module, inputs, output: output.square())
    with pytest.raises(RunError, match="--freeze: its logits are not"):
        features_of(origin.model, origin.spec, data, "films", tmp_path, CPU)


def test_from_the_command_to_the_store(tiny_nih, tmp_path):
    run_id = train(TrainConfig(
        arch="timm:test_vit", freeze=True, csv_path=str(tiny_nih / "Data_Entry_2017.csv"), img_root=str(tiny_nih),
        store=str(tmp_path / "store.duckdb"), results=str(tmp_path), img_size=64, init="random", epochs=2,
        train_subset=40, val_subset=20, eval_subset=0))
    run = Store(tmp_path / "store.duckdb").run(run_id)
    assert run["status"] == "finished" and run["config"]["freeze"] and run["config"]["precision"] == "fp32"
    assert run["config"]["crop"] == 1.0 and run["config"]["rotation"] == 0.0
    assert run["config"]["maps"].startswith("maps are checked after") and run["cost"]["maps"].startswith("maps ")
    assert as_they_are(TrainConfig(rotation=5.0)).rotation == 0.0
