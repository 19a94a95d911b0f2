"""Each way of naming a network's tensors gives the network that it names: its outputs are torchvision's own."""

import re

import pytest
import torch
from foreign_weights import SIZE, chexnet, older, torchvision_model

from cxrcore.errors import CheckpointError
from cxrcore.networks.architectures import ARCHITECTURES, build
from cxrcore.networks.checkpoint import load_state
from cxrcore.networks.foreign.fitting import fit, recognised, whole_state
from cxrcore.networks.foreign.state_dicts import FoundState, find_state

FILMS = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def converted(content, architecture: str, size: int = SIZE):
    """Ours with these weights, head and all."""
    with torch.device("meta"):
        model = build(architecture, size, 14)
    model.to_empty(device="cpu")
    fitted = fit(recognised(find_state(content, "a file"), "a file"), model, architecture, "a file")
    load_state(model, whole_state(fitted, model, range(14)), "a file")
    return model.eval()


def same_outputs(theirs, ours) -> bool:
    with torch.inference_mode():
        expected, found = theirs(FILMS), ours(FILMS)
    assert expected.std() > 1e-2 and (expected[0] - expected[1]).abs().max() > 1e-3  # or equal zeros would do
    return bool((found - expected).abs().max() <= 1e-5 * max(1, expected.abs().max()))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_torchvision_s_weights_give_torchvision_s_outputs(name):
    theirs = torchvision_model(name)
    assert same_outputs(theirs, converted(theirs.state_dict(), name))


def test_old_densenets_are_the_same_network():
    theirs = torchvision_model("densenet121")
    assert any(".norm.1." in key for key in older(theirs.state_dict()))
    assert same_outputs(theirs, converted(chexnet(theirs.state_dict()), "densenet121"))
    bare = {key.removeprefix("features."): value for key, value in older(theirs.state_dict()).items()}
    assert same_outputs(theirs, converted(bare, "densenet121"))


def test_old_mobilenets_are_the_same_network():
    """Before torchvision 0.4 a block was one sequence: its activations counted too."""
    def flat(key: str) -> str:
        found = re.fullmatch(r"features\.(\d+)\.conv\.(\d)(?:\.(\d))?\.(\w+)", key)
        if not found or found[1] in ("0", "18"):
            return key
        pairs = 1 if found[1] == "1" else 2
        place = 3 * int(found[2]) + int(found[3]) if found[3] else 3 * pairs + int(found[2]) - pairs
        return f"features.{found[1]}.conv.{place}.{found[4]}"

    theirs = torchvision_model("mobilenet_v2")
    old = {flat(key): value for key, value in theirs.state_dict().items()}
    assert {"features.1.conv.4.weight", "features.2.conv.7.weight"} <= old.keys()
    assert same_outputs(theirs, converted(old, "mobilenet_v2"))


def test_a_resnet_as_a_sequence_of_its_parts_is_the_same_network():
    theirs = torchvision_model("resnet18")
    places = dict(zip(("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"), "014567", strict=True))
    by_place = {".".join([places.get(key.split(".")[0], key.split(".")[0]), *key.split(".")[1:]]): value
                for key, value in theirs.state_dict().items()}
    wrapped = {("module.body." if key[0] in "014567" else "module.") + key: value for key, value in by_place.items()}
    assert same_outputs(theirs, converted(wrapped, "resnet18"))


@pytest.mark.parametrize("prefix", ["module.", "model.", "net.", "_orig_mod.", "backbone.", "densenet121.",
                                    "_orig_mod.module.model.backbone.", "model._orig_mod.densenet121."])
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "net", "ema", "state_dict_ema",
                                 "network", "weights", "what_I_called_it"])
def test_prefixes_and_keys_in_any_order(prefix, key):
    tensors = {f"{prefix}features.conv0.weight": torch.zeros(1),
               f"{prefix}features.denseblock1.denselayer1.conv1.weight": torch.ones(1)}
    content = tensors if key is None else {"epoch": 3, "optimizer": {"state": {}}, key: tensors}
    known = recognised(find_state(content, "a file"), "a file")
    assert known.layout.architecture == "densenet121" and known.prefix == prefix and not known.beside
    assert list(known.inside) == ["features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight"]


def test_position_embeddings_of_another_grid_are_resampled_as_timm_does():
    from timm.models.vision_transformer import checkpoint_filter_fn

    theirs = torchvision_model("vit_b_16", size=64)
    with torch.device("meta"):
        model = build("vit_b_16", 96, 14)
    known = recognised(FoundState(theirs.state_dict()), "a file")
    fitted = fit(known, model, "vit_b_16", "a file")
    small = {key: value for key, value in known.inside.items() if key == "pos_embed"}
    expected = checkpoint_filter_fn(small, model)["pos_embed"]
    assert expected.shape == (1, 37, 768) and torch.equal(fitted.body["pos_embed"], expected)
    assert "position embeddings resampled from 4 x 4 to 6 x 6" in fitted.said


def test_one_channel_is_spread_so_that_a_grey_film_gives_the_same():
    theirs = torchvision_model("resnet18")
    grey = theirs.state_dict() | {"conv1.weight": theirs.conv1.weight.detach().sum(1, keepdim=True)}
    film = FILMS[:, :1].expand(-1, 3, -1, -1)
    with torch.inference_mode():
        assert torch.allclose(converted(grey, "resnet18")(film), theirs(film), rtol=1e-4, atol=1e-5)


def test_two_networks_in_one_file_are_refused_unless_they_are_one():
    def of(value: float) -> dict:
        return {"conv1.weight": torch.full((1,), value), "bn1.weight": torch.zeros(1),
                "layer1.0.conv1.weight": torch.ones(1)}

    def two(first: float, second: float) -> FoundState:
        return FoundState({f"student.{key}": value for key, value in of(first).items()}
                          | {f"teacher.{key}": value for key, value in of(second).items()})

    with pytest.raises(CheckpointError, match=r"holds 2 networks, under 'student\.' and 'teacher\.'"):
        recognised(two(1, 2), "a file")
    assert recognised(two(1, 1), "a file").prefix == "student."
