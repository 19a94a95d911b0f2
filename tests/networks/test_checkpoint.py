"""The checkpoint contract: round trip, plain content, and every refusal as one line."""

import dataclasses
import os
import pickle
import zipfile

import pytest
import torch

from cxrcore.errors import CheckpointError, DiskFullError, RunError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import checkpoint
from cxrcore.networks.architectures import ARCHITECTURES, build, find_architecture
from cxrcore.networks.checkpoint import Checkpoint
from cxrcore.networks.model_options import check_options

TINY = {"fc.weight": torch.zeros(1)}  # for what is refused before its weights are looked at


@pytest.fixture(scope="module")
def made():
    torch.manual_seed(0)
    model = build("resnet18", 32, 14)
    return Checkpoint(
        state=model.state_dict(), architecture="resnet18", image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3,
        training_corpus="tiny", split={"scheme": "patient", "seed": 0, "fingerprint": "f"}, dataset_id="d", run_id="r",
        epoch=3, findings=NIH_FINDINGS,
    )


def test_round_trip_gives_the_same_logits(made, tmp_path):
    path = tmp_path / "model_best.pth"
    checkpoint.save_checkpoint(path, made)
    loaded = checkpoint.load_checkpoint(path)
    films = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.model()(films), made.model()(films))
    plain = {f.name for f in dataclasses.fields(Checkpoint)} - {"state"}
    assert all(getattr(loaded, name) == getattr(made, name) for name in plain)
    assert list(tmp_path.iterdir()) == [path]


def test_a_network_over_its_state_is_the_same_without_other_weights(made):
    films, network = torch.rand(2, 3, 32, 32), made.model_over_state()
    assert torch.equal(network(films), made.model()(films)) and not network.training
    assert network.bn1.weight.data_ptr() == made.state["bn1.weight"].data_ptr()
    assert all(one.requires_grad for one in network.parameters())


def test_a_network_that_needs_more_than_its_state_is_built_with_weights(made, monkeypatch):
    def with_buffer(*given):
        model = build(*given)
        model.register_buffer("places", torch.ones(3), persistent=False)
        return model

    films = torch.rand(2, 3, 32, 32)
    monkeypatch.setattr(checkpoint, "build", with_buffer)
    network = made.model_over_state()
    assert torch.equal(network.places, torch.ones(3)) and torch.equal(network(films), made.model()(films))


def test_weights_of_another_precision_are_not_taken_as_they_are(made):
    halved = dataclasses.replace(made, state={key: one.half() if one.is_floating_point() else one
                                              for key, one in made.state.items()})
    assert {one.dtype for one in halved.model_over_state().parameters()} == {torch.float32}


def test_a_network_over_a_state_that_does_not_fit_is_refused_as_ever(made):
    state = dict(made.state) | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    with pytest.raises(CheckpointError, match="has 1000 outputs"):
        dataclasses.replace(made, state=state).model_over_state()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"findings": ["Mass", "Mass"]}, "two columns for one finding"),
        ({"findings": ["Mass", "image_id"]}, "no name of a finding"),
        ({"findings": ["Mass", 5]}, "no canonical name"),
        ({"findings": []}, "has 1 to 64 names"),
        ({"findings": [f"f{i}" for i in range(65)]}, "this one has 65"),
        ({"findings": "Mass"}, "findings"),
        ({"output": "probabilities"}, "not logits"),
        ({"architecture": "alexnet"}, "unknown architecture"),
        ({"format": 99}, "no checkpoint of this workbench"),
        ({"dataset_id": None}, "lacks dataset_id"),
        ({"epoch": None}, "lacks epoch"),
    ],
)
def test_a_broken_contract_is_refused_in_one_line(made, tmp_path, change, said):
    content = {f.name: getattr(made, f.name) for f in dataclasses.fields(made)} | change
    content = {key: list(v) if isinstance(v, tuple) else v for key, v in content.items() if v is not None}
    path = tmp_path / "model.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=said) as caught:
        checkpoint.load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_thousand_outputs_are_refused(made):
    state = dict(made.state) | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    with pytest.raises(CheckpointError, match="1000 outputs, not the 14 findings"):
        dataclasses.replace(made, state=state).model()


@pytest.mark.parametrize("findings", [NIH_FINDINGS[:5], (*NIH_FINDINGS, "Lung_Opacity")])
def test_outputs_of_another_list_are_refused(made, findings):
    with pytest.raises(CheckpointError, match=f"14 outputs, not the {len(findings)} findings"):
        dataclasses.replace(made, findings=findings).model()


def test_a_network_of_any_list_comes_back_with_it(made, tmp_path):
    findings = ("Lung_Opacity", "Mass", *(f"finding_{i}" for i in range(18)))
    model = build("resnet18", 32, len(findings))
    path = tmp_path / "model.pth"
    checkpoint.save_checkpoint(path, dataclasses.replace(made, findings=findings, state=model.state_dict()))
    loaded = checkpoint.load_checkpoint(path)
    assert loaded.findings == findings and loaded.model()(torch.rand(1, 3, 32, 32)).shape == (1, 20)


def test_weights_of_another_network_are_refused(made):
    with pytest.raises(CheckpointError, match="does not fit"):
        dataclasses.replace(made, architecture="mobilenet_v2").model()


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    for name, write in (("torch.pth", torch.save), ("raw.pth", lambda o, p: p.write_bytes(pickle.dumps(o)))):
        write(Trap(), tmp_path / name)
        with pytest.raises(CheckpointError):
            checkpoint.load_checkpoint(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("key", ["checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay",
                                 "scriptable", "exportable", "features_only", "cache_dir", "img_size", "num_classes",
                                 7])
def test_options_that_are_not_known_are_refused_and_nothing_is_run(made, tmp_path, key):
    """timm would load `checkpoint_path`, and before 1.0.26 run what is pickled in it."""
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save(Trap(), tmp_path / "trap.pth")
    armed = dataclasses.replace(made, state=TINY, model_options={"pad_type": "same", key: str(tmp_path / "trap.pth")})
    checkpoint.save_checkpoint(tmp_path / "model.pth", armed)
    for attempt in (lambda: checkpoint.load_checkpoint(tmp_path / "model.pth"), armed.model):
        with pytest.raises(CheckpointError, match=f"model option '?{key}'? is refused") as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("options", [
    {"pad_type": "best"}, {"pad_type": ["same"]}, {"bn_eps": "1e-3"}, {"bn_eps": 0}, {"bn_eps": True},
    {"bn_eps": float("nan")}, {"global_pool": ""}, {"global_pool": "os.system"}, {"drop_rate": -0.1}, {"drop_rate": 1},
    {"bn_momentum": 10**400},
])
def test_options_of_another_kind_or_range_are_refused(options):
    with pytest.raises(CheckpointError, match=f"the model option {next(iter(options))} is .*: expected"):
        check_options(options, "a file")


def test_known_options_pass():
    options = {"pad_type": "same", "bn_eps": 1e-3, "bn_momentum": 0.01, "global_pool": "max", "drop_rate": 0,
               "drop_path_rate": 0.2}
    assert check_options(options, "a file") == options


@pytest.mark.parametrize(("changed", "named"), [
    ({"training_corpus": ["ImageNet"]}, "training_corpus"), ({"run_id": "a\nb"}, "run_id"), ({"epoch": "3"}, "epoch"),
    ({"split": {"seed": [1]}}, "split"), ({"image_size": 10**9}, "image_size"), ({"image_size": True}, "image_size"),
    ({"architecture": ["resnet18"]}, "architecture"), ({"state": {1: torch.zeros(1)}}, "state"),
    ({"std": (10**400,) * 3}, "std"), ({"start_weights": {"tag": {"x": 1}}}, "start_weights"),
])
def test_values_of_another_kind_are_named(made, tmp_path, changed, named):
    checkpoint.save_checkpoint(tmp_path / "model.pth", dataclasses.replace(made, **({"state": TINY} | changed)))
    with pytest.raises(CheckpointError, match=f"breaks the contract: {named} of another kind"):
        checkpoint.load_checkpoint(tmp_path / "model.pth")


def test_a_checkpoint_from_before_start_weights_were_recorded_loads(made, tmp_path):
    content = {f.name: getattr(made, f.name) for f in dataclasses.fields(made) if f.name != "start_weights"}
    content["state"] = TINY
    torch.save({key: list(v) if isinstance(v, tuple) else v for key, v in content.items()}, tmp_path / "old.pth")
    assert checkpoint.load_checkpoint(tmp_path / "old.pth").start_weights == {}


def test_what_would_never_end_or_burst_is_refused(made, tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(CheckpointError, match="is no file"):
        checkpoint.load_checkpoint(tmp_path / "pipe.pth")
    checkpoint.save_checkpoint(
        tmp_path / "model.pth", dataclasses.replace(made, state={"fc.weight": torch.zeros(1000, 5000)})
    )
    with zipfile.ZipFile(tmp_path / "model.pth") as whole, \
            zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    with pytest.raises(CheckpointError, match="would unpack to 20 MB"):
        checkpoint.load_checkpoint(tmp_path / "bomb.pth")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken", bytes(1000)])
def test_junk_is_refused(tmp_path, content):
    (tmp_path / "junk.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"junk\.pth"):
        checkpoint.load_checkpoint(tmp_path / "junk.pth")


def test_a_truncated_checkpoint_is_refused(made, tmp_path):
    path = tmp_path / "model.pth"
    checkpoint.save_checkpoint(path, made)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(CheckpointError):
        checkpoint.load_checkpoint(path)


def test_a_plain_state_dict_is_told_where_it_belongs(made, tmp_path):
    torch.save(dict(made.state), tmp_path / "plain.pth")
    with pytest.raises(CheckpointError, match="--init PATH"):
        checkpoint.load_checkpoint(tmp_path / "plain.pth")


def test_a_failed_write_keeps_the_file_before(made, tmp_path, monkeypatch):
    path = tmp_path / "model_last.pth"
    path.write_bytes(b"before")

    def full(*_):
        raise RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskFullError, match=r"cannot write .*model_last\.pth"):
        checkpoint.save_checkpoint(path, made)
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_builds_and_has_its_cam_layer(name):
    entry = find_architecture(name)
    with torch.device("meta"):
        import timm

        model = timm.create_model(entry.weights_name, num_classes=14)
    assert model.get_submodule(entry.cam_layer) is not None
    assert (entry.token_grid(96) == (6, 6)) == (name == "vit_b_16")


def test_an_unknown_architecture_is_answered_with_the_six():
    with pytest.raises(RunError) as caught:
        find_architecture("resnet50")
    assert all(name in str(caught.value) for name in ARCHITECTURES)
