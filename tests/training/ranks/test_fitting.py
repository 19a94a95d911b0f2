"""What several processes ask of a training, of each other and of a network."""

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from cxrcore.config import TrainConfig
from cxrcore.errors import RunError, UsageError
from cxrcore.networks import prediction
from cxrcore.networks.architectures import build
from cxrcore.settings import deciding
from cxrcore.training.ranks import fitting, network
from cxrcore.training.ranks import group as groups
from cxrcore.training.ranks.group import ALONE, Group
from cxrcore.training.ranks.launch import Launch
from cxrcore.training.ranks.meeting import _Hello, _own_device, _require_fitting

CPU = torch.device("cpu")
PLAIN, NORMALISED = nn.Linear(2, 2), nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def of_four(monkeypatch):
    """This process as the first of four on CPUs, which it is not connected with."""
    monkeypatch.setattr(groups, "_now", [Group(Launch(0, 4), device="cpu")])
    monkeypatch.setattr(prediction, "_asked", [CPU])


def test_the_batch_is_of_all_processes(of_four):
    assert fitting.batch_size_for(TrainConfig(batch_size=24), 32) == 24
    assert [fitting.batch_size_for(TrainConfig(), usual) for usual in (32, 31, 4)] == [32, 28, 8]
    for size in (30, 4):
        with pytest.raises(RunError, match=rf"^--batch_size {size} is of all 4 processes together: give a multiple"):
            fitting.batch_size_for(TrainConfig(batch_size=size), 32)
    with pytest.raises(RunError, match="--freeze trains one layer"):
        fitting.batch_size_for(TrainConfig(freeze=True), 32)


def test_one_process_is_asked_nothing():
    assert fitting.batch_size_for(TrainConfig(batch_size=3, freeze=True), 32) == 3
    assert fitting.recorded(NORMALISED, 32) == {"processes": 1, "films_per_process": 32}
    assert fitting.in_words(fitting.recorded(NORMALISED, 32)) == "" and fitting.of_the_key() == {}


def test_each_process_has_two_films_to_normalise_by(of_four):
    assert (fitting.least_films(PLAIN), fitting.least_films(NORMALISED)) == (2, 8)
    fitting.require_films(PLAIN, 2)
    with pytest.raises(RunError, match="7 training films are too few for 4 processes with batch normalisation"):
        fitting.require_films(NORMALISED, 7)


def test_how_many_they_were_decides_nothing_but_how_batches_were_normalised_does(of_four, monkeypatch):
    plain, normalised = fitting.recorded(PLAIN, 32), fitting.recorded(NORMALISED, 32)
    assert plain == {"processes": 4, "films_per_process": 8} and deciding(plain) == deciding({})
    assert normalised["batch_statistics"] == "of each process's 8 films" and deciding(normalised) != deciding({})
    assert fitting.of_the_key() == {"processes_on_cpus": 4}
    monkeypatch.setattr(prediction, "_asked", [torch.device("cuda", 0)])
    monkeypatch.setattr(groups, "_now", [Group(Launch(0, 4), device="cuda:0")])
    on_gpus = fitting.recorded(NORMALISED, 32)
    assert on_gpus["sync_batch_norm"] is True and deciding(on_gpus) == deciding({}) and fitting.of_the_key() == {}
    assert "by whole batches (SyncBatchNorm)" in fitting.in_words(on_gpus)


def test_what_a_resumed_training_changes_is_kept():
    two = {"processes": 2, "films_per_process": 4, "batch_statistics": "of each process's 4 films"}
    one = {"processes": 1, "films_per_process": 8}
    assert fitting.changes(two, two, 3) == {} == fitting.changes({"arch": "of an older version"}, one, 3)
    first = fitting.changes(two, one, 1)
    assert first["processes_changed"] == "2 to 1 after epoch 1"
    assert first["batch_statistics"] == "of each process's 4 films; whole batches after epoch 1"
    again = fitting.changes(two | first, two, 5)
    assert again["processes_changed"] == "2 to 1 after epoch 1; 1 to 2 after epoch 5" and again["processes"] == 2
    assert again["batch_statistics"].endswith("whole batches after epoch 1; of each process's 4 films after epoch 5")
    assert fitting.changes(two, one, 0)["batch_statistics"] == ""  # nothing was trained yet


# -- each other


@pytest.mark.parametrize(("others", "says"), [
    (_Hello("other", "node2", 1), "another version of the workbench lies on node2 (other, process 1) than on node1"),
    (_Hello("own", "node2", 1, "gpu-a"), "process 1 on node2 has a GPU and the first process on node1 has none")])
def test_processes_that_do_not_fit_are_refused(others, says):
    with pytest.raises(RunError) as refused:
        _require_fitting([_Hello("own", "node1", 1), others])
    assert says in str(refused.value)


def test_two_processes_never_share_a_gpu():
    _require_fitting([_Hello("own", "node1", 1, "gpu-a"), _Hello("own", "node1", 2, "gpu-b")])
    with pytest.raises(RunError, match="2 processes would share 1 GPUs"):
        _require_fitting([_Hello("own", "node1", 1, "gpu-a"), _Hello("own", "node1", 2, "gpu-a")])


def test_a_device_by_its_number_is_refused():
    assert _own_device("cpu", Launch(1, 2, 1)) == ("cpu", "")
    for name in ("cuda:1", "mps"):
        with pytest.raises(UsageError, match="of several processes each takes its own"):
            _own_device(name, Launch(1, 2, 1))


# -- networks


def test_on_gpus_batches_are_normalised_as_one_and_keep_their_activations():
    """Of the types alone: PyTorch has no such normalisation for CPUs."""
    given = build("densenet121", 64, 2, {})
    before = {name: module for name, module in given.named_modules() if isinstance(module, nn.BatchNorm2d)}
    keys = list(given.state_dict())
    made = network.normalised_together(given, torch.device("cuda"), Group(Launch(0, 2)))
    after = {name: module for name, module in made.named_modules() if isinstance(module, nn.SyncBatchNorm)}
    assert len(before) > 100 and after.keys() == before.keys() and list(made.state_dict()) == keys
    with_act = {name for name, module in before.items() if isinstance(module, BatchNormAct2d)}
    assert with_act and all(after[name].act is before[name].act for name in with_act)
    films = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        plain = build("densenet121", 64, 2, {})
        plain.load_state_dict(made.state_dict())
        torch.testing.assert_close(made.eval()(films), plain.eval()(films))


@pytest.mark.parametrize(("device", "group"), [(CPU, Group(Launch(0, 2))), (torch.device("cuda"), ALONE)])
def test_elsewhere_a_network_stays_as_it_is(device, group):
    model = nn.Sequential(nn.BatchNorm2d(3))
    assert network.normalised_together(model, device, group) is model and type(model[0]) is nn.BatchNorm2d
    assert network.shared(model, (8, 8), ALONE) is model


def test_weights_that_get_no_gradient_are_found():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, films):
            return self.used(films.mean((2, 3)))

    model = Idle().train()
    assert network._has_idle_weights(model, (8, 8))
    assert model.training and all(weight.grad is None for weight in model.parameters())
    plain = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    assert not network._has_idle_weights(plain, (8, 8))
