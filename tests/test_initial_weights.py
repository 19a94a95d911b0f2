"""Where trainings start: files with and without a JSON beside them, and machines without network."""

import json

import pytest
import torch

from cxrcore import initial_weights
from cxrcore.architectures import build
from cxrcore.errors import CheckpointError, WeightsUnavailable
from cxrcore.initial_weights import GREY, IMAGENET, start


@pytest.fixture
def offline(monkeypatch):
    """Neither network nor local copies."""
    def refuse(arch, size, options=None, pretrained=False):
        if pretrained:
            raise ConnectionError("no network")
        return build(arch, size, options)

    monkeypatch.setattr(initial_weights, "build", refuse)
    monkeypatch.setattr(initial_weights, "_reachable", lambda url: False)


@pytest.fixture
def weights(tmp_path):
    """A file with 1000 outputs, as ImageNet weights have."""
    torch.manual_seed(1)
    state = build("resnet18", 32).state_dict()
    state |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


def test_imagenet_without_network_names_both_ways_out(offline):
    with pytest.raises(WeightsUnavailable) as caught:
        start("resnet18", 32, "imagenet", 0)
    assert "--init random" in str(caught.value) and "--init PATH" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_auto_without_network_goes_on_at_random_and_says_so(offline):
    begun = start("resnet18", 32, "auto", 0)
    assert begun.init == "random" and begun.spec == GREY and "--init PATH" in begun.notice


def test_random_weights_are_seeded():
    first, same, other = (start("resnet18", 32, "random", seed).model.state_dict()["fc.weight"] for seed in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_a_file_without_json_is_taken_as_imagenet_s_and_that_is_printed(weights):
    begun = start("resnet18", 32, str(weights), 0)
    assert begun.spec == IMAGENET
    assert "assumed" in begun.notice and "0.485/0.456/0.406" in begun.notice and "new head" in begun.notice
    assert torch.equal(begun.model.state_dict()["conv1.weight"], torch.load(weights)["conv1.weight"])
    assert begun.model.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 14)


@pytest.mark.parametrize("content", [
    {"mean": 0.5, "std": 0.5, "model_options": {"pad_type": "same"}},
    {"mean": [0.5] * 3, "std": [0.5] * 3, "pad_type": "same"},
])
def test_a_json_beside_the_file_sets_normalisation_and_options(tmp_path, content):
    torch.save(build("mobilenet_v2", 32, {"pad_type": "same"}).state_dict(), tmp_path / "w.pth")
    (tmp_path / "w.json").write_text(json.dumps(content))
    begun = start("mobilenet_v2", 32, str(tmp_path / "w.pth"), 0)
    assert begun.spec.mean == (0.5,) * 3 and begun.spec.std == (0.5,) * 3
    assert begun.options == {"pad_type": "same"} and "w.json" in begun.notice and "its own head" in begun.notice


@pytest.mark.parametrize("text", ["{broken", "[1, 2]", '{"mean": [1, 2]}'])
def test_a_broken_json_is_refused(weights, text):
    weights.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError):
        start("resnet18", 32, str(weights), 0)


def test_a_file_of_another_network_is_refused(weights):
    with pytest.raises(CheckpointError, match="does not fit"):
        start("mobilenet_v2", 32, str(weights), 0)


def test_a_missing_file_is_refused():
    with pytest.raises(CheckpointError, match="no such weights file"):
        start("resnet18", 32, "nowhere.pth", 0)


def test_real_imagenet_weights_fit_with_a_new_head(shared):
    path = shared / "weights" / "mobilenetv2_100_imagenet.pth"
    begun = start("mobilenet_v2", 96, str(path), 0)
    assert "assumed" in begun.notice and "new head" in begun.notice
    given, taken = torch.load(path), begun.model.state_dict()
    assert all(torch.equal(taken[key], given[key]) for key in taken if not key.startswith("classifier"))
    assert taken["classifier.weight"].shape == (14, 1280)
