"""Any network of timm: names, layers, the planted-blob test, weights at another size, the way through the scripts."""

import json

import numpy as np
import pytest
import timm
import torch
from timm_networks import SIXTY, TINY, TWENTY, put_through

from cxrcore.charts.look import architecture_label
from cxrcore.config import TrainConfig
from cxrcore.errors import CheckpointError, RunError, WeightsUnavailable
from cxrcore.explain import blob_test, map_check
from cxrcore.explain.blob_test import Found
from cxrcore.explain.maps import Explainer
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import initial_weights, timm_hub, timm_names
from cxrcore.networks.architectures import ARCHITECTURES, build, find_architecture
from cxrcore.networks.batches import InputSpec
from cxrcore.networks.cam_layer import NCHW, NHWC, TOKENS, cam_layer, find_layer, layout_of
from cxrcore.networks.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from cxrcore.networks.classifier import classifiers, features_before, joined, with_weights
from cxrcore.networks.foreign.foreign_checkpoint import load_any
from cxrcore.networks.initial_weights import start
from cxrcore.training import command

HALF = InputSpec((0.5,) * 3, (0.5,) * 3)


def made(name: str, size: int = 64, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(f"timm:{name}", size, 14).eval()


# -- names


@pytest.mark.parametrize(("name", "said"), [
    ("timm:convnextv2_tny", "timm has no network 'convnextv2_tny'; the nearest: timm:convnextv2_tiny"),
    ("resnet50", "timm has it: --arch timm:resnet50"), ("resnet_50", "the nearest: timm:resnet50"),
    ("timm:resnet18.none", "timm has no weights 'none' of resnet18: its tags are a1_in1k"),
    ("timm:local-dir:/tmp", "timm has no network"), ("timm:../resnet18", "timm has no network"),
    ("timm:hf-hub:resnet18", "names no repository"), ("timm:hf-hub:a/b/c", "names no repository"),
])
def test_a_name_that_is_none_is_refused_in_one_line_with_the_nearest(name, said):
    with pytest.raises(RunError) as caught:
        start(name, 64, NIH_FINDINGS, "random", 0)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_names_look_alike_everywhere():
    assert architecture_label("timm:test_vit.r160_in1k") == "test_vit.r160_in1k (timm)"
    assert find_architecture("timm:test_vit").label == architecture_label("timm:test_vit")
    assert architecture_label("resnet18") == "ResNet-18" and architecture_label(None) == "unknown"


@pytest.mark.parametrize(("name", "size", "said"), [
    ("inception_v3", 64, "Kernel size can't be greater"), ("vit_small_patch14_dinov2", 64, "a multiple of 224"),
])
def test_films_that_a_network_does_not_take_are_refused_in_one_line(name, size, said):
    with pytest.raises(RunError, match=said) as caught:
        start(f"timm:{name}", size, NIH_FINDINGS, "random", 0)
    assert "\n" not in str(caught.value)


def test_mean_std_size_and_interpolation_are_those_of_the_configuration():
    made_here = start("timm:test_vit", 64, NIH_FINDINGS, "random", 0)
    config = timm.get_pretrained_cfg("test_vit")
    assert made_here.spec == InputSpec(config.mean, config.std)
    assert (made_here.source["size"], made_here.source["interpolation"]) == (160, "bicubic")


# -- the hub


@pytest.fixture
def hub(monkeypatch):
    """What a repository of the hub says, without a network."""
    said = {"architecture": "test_resnet", "pretrained_cfg": {
        "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.5, 0.5), "input_size": (3, 96, 96), "interpolation": "bilinear",
        "classifier": "fc", "first_conv": "conv1.0", "file": "/etc/passwd", "custom_load": True}, "model_args": {}}
    monkeypatch.setattr(timm.models, "load_model_config_from_hf",
                        lambda hub_id: (said["pretrained_cfg"], said["architecture"], said["model_args"]))
    return said


def test_a_hub_network_is_the_one_of_timm_that_its_configuration_names(hub):
    hub["model_args"] = {"drop_rate": 0.25}
    found = start("timm:hf-hub:org/name", 64, NIH_FINDINGS, "random", 0)
    assert found.architecture == "timm:test_resnet" and found.options == {"drop_rate": 0.25}
    read = timm_hub.read("timm:hf-hub:org/name")
    assert read.config["hf_hub_id"] == "org/name" and not {"file", "custom_load"} & read.config.keys()


@pytest.mark.parametrize("argument", ["checkpoint_path", "pretrained_cfg", "img_size", "features_only"])
def test_an_argument_of_a_hub_network_that_is_not_known_is_refused(hub, argument):
    hub["model_args"] = {argument: "/tmp/x"}
    with pytest.raises(CheckpointError, match=f"the model option '{argument}' is refused"):
        start("timm:hf-hub:org/name", 64, NIH_FINDINGS, "random", 0)


def test_a_hub_network_without_a_network_is_said_so(monkeypatch):
    monkeypatch.setattr(initial_weights, "_reachable", lambda url: False)
    with pytest.raises(WeightsUnavailable, match="can only be tried with a network") as caught:
        start("timm:hf-hub:org/name", 64, NIH_FINDINGS, "auto", 0)
    assert "\n" not in str(caught.value)


# -- the layer


@pytest.mark.parametrize(("shape", "layout", "prefix"), [
    ((1, 32, 4, 4), NCHW, 0), ((1, 4, 4, 32), NHWC, 0), ((1, 16, 8), TOKENS, 0), ((1, 17, 8), TOKENS, 1),
    ((1, 18, 8), TOKENS, 2), ((1, 21, 8), TOKENS, 5), ((1, 32, 1, 1), None, 0), ((1, 15, 8), None, 0),
    ((1, 9), None, 0),
])
def test_outputs_are_told_apart_by_their_shape(shape, layout, prefix):
    found = layout_of(torch.zeros(shape), "layer", 64)
    assert (found and found.layout) == layout and (found.prefix if found else 0) == prefix


def test_tokens_and_channels_last_are_laid_out_as_the_film_is():
    maps = torch.arange(2 * 9, dtype=torch.float32).reshape(1, 2, 3, 3)
    tokens = torch.cat([torch.zeros(1, 5, 2), maps.flatten(2).transpose(1, 2)], 1)
    for layer, output in ((layout_of(tokens, "", 96, [5]), tokens),
                          (layout_of(maps.permute(0, 2, 3, 1), "", 96), maps.permute(0, 2, 3, 1))):
        assert torch.equal(layer.to_maps(output), maps)


@pytest.mark.parametrize(("name", "path", "layout", "prefix", "pooled"), [
    ("test_vit", "blocks.5.norm1", TOKENS, 1, False), ("test_vit2", "norm", TOKENS, 1, True),
    ("test_resnet", "layer4", NCHW, 0, True), ("test_mambaout", "stages", NHWC, 0, True),
    ("vit_wee_patch16_reg1_gap_256", "norm", TOKENS, 1, True),  # a register, and no class token
])
def test_the_layer_is_the_last_whose_every_place_counts(name, path, layout, prefix, pooled):
    model = made(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = find_layer(model, 64)
    assert (found.path, found.layout, found.prefix, found.pooled) == (path, layout, prefix, pooled)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16"])
def test_a_dry_run_finds_what_is_known_of_the_six(name):
    torch.manual_seed(0)
    found, known = find_layer(model := build(name, 64, 14).eval(), 64), cam_layer(build(name, 64, 14), name, 64)
    shape = {}
    for key, layer in (("found", found), ("known", known)):
        handle = model.get_submodule(layer.path).register_forward_hook(lambda *a, key=key: shape.update({key: a[2]}))
        model(torch.ones(1, 3, 64, 64))
        handle.remove()
    assert torch.equal(shape["found"], shape["known"]) and found.prefix == known.prefix


def test_maps_come_in_turns_as_they_would_in_copies():
    torch.manual_seed(1)
    model = build("resnet18", 64, 14).eval()
    film = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    own = Explainer(model, "resnet18", HALF, NIH_FINDINGS).explain(film, NIH_FINDINGS)
    other = Explainer(model, "timm:resnet18", HALF, NIH_FINDINGS).explain(film, NIH_FINDINGS)
    np.testing.assert_allclose(other.placed(), own.placed(), atol=1e-4)
    np.testing.assert_allclose(other.energy, own.energy, rtol=1e-3, atol=1e-6)


# -- the planted-blob test


def test_it_passes_a_network_whose_maps_point_rightly_and_names_what_it_found():
    found = map_check.check_maps(made("test_convnext"), "timm:test_convnext", HALF, 64)
    assert found.state == map_check.CHECKED and not found.why_off and found.pooled
    assert "found at 16" in found.why


@pytest.mark.parametrize("wrong", ["transposed", "mirrored", "moved"])
def test_it_fails_maps_that_point_elsewhere(monkeypatch, wrong):
    model, raw = made("test_vit2"), Explainer.raw
    turn = {"transposed": lambda maps: maps.transpose(0, 2, 1), "mirrored": lambda maps: maps[:, :, ::-1],
            "moved": lambda maps: np.roll(maps, 2, 1)}[wrong]
    assert not blob_test.run(model, "timm:test_vit2", HALF, 64).why_off
    monkeypatch.setattr(Explainer, "raw", lambda *given: turn(raw(*given)))
    found = blob_test.run(model, "timm:test_vit2", HALF, 64)
    assert "was found at" in found.why_off and found.hits < blob_test.NEEDED


def test_a_network_that_notices_nothing_is_said_so():
    model = made("test_resnet")
    with torch.no_grad():
        for block in model.layer4:
            block.bn2.weight.zero_()
            block.bn2.bias.zero_()
        for parameter in model.layer4[0].downsample.parameters():
            parameter.zero_()
    found = map_check.check_maps(model, "timm:test_resnet", HALF, 64)
    assert found.state == map_check.OFF and "does not notice" in found.why


def test_maps_that_are_off_are_empty_and_scores_stay():
    model = made("test_vit")
    film = np.full((64, 64), 90, np.uint8)
    whole = Explainer(model, "timm:test_vit", HALF, NIH_FINDINGS).explain(film, NIH_FINDINGS)
    off = Explainer(model, "timm:test_vit", HALF, NIH_FINDINGS, off="why").explain(film, NIH_FINDINGS)
    np.testing.assert_allclose(off.scores, whole.scores, atol=1e-6)
    assert off.off == "why" and not off.placed().any() and np.isnan(off.energy).all()
    assert off.small().low.tolist() == off.small().high.tolist()


def test_the_check_is_kept_for_the_very_checkpoint(tmp_path, monkeypatch):
    checkpoint = contract(made("test_convnext"), "timm:test_convnext")
    first = map_check.kept_check(tmp_path, "abc", checkpoint.model(), checkpoint)
    monkeypatch.setattr(blob_test, "run", lambda *given: Found(0, 9.0, 0.0, 4, "layer", False))
    assert map_check.kept_check(tmp_path, "abc", checkpoint.model(), checkpoint) == first
    assert map_check.kept_check(tmp_path, "abd", checkpoint.model(), checkpoint).state == map_check.OFF
    kept = tmp_path / map_check.MAP_CHECK
    for broken in ("", "[]", json.dumps({"state": "fine"}), json.dumps(
            json.loads(kept.read_text()) | {"state": "checked", "why": 5})):
        kept.write_text(broken)
        assert map_check.kept_check(tmp_path, "abd", checkpoint.model(), checkpoint).state == map_check.OFF


# -- weights


def contract(model: torch.nn.Module, architecture: str, size: int = 64) -> Checkpoint:
    return Checkpoint(model.state_dict(), architecture, size, HALF.mean, HALF.std, "tiny",
                      {"scheme": "patient", "seed": 0, "fingerprint": "f"}, "d", "r", 1, NIH_FINDINGS)


def test_a_checkpoint_comes_back_and_a_name_from_the_hub_in_it_is_refused(tmp_path):
    model, film = made("test_mambaout"), torch.rand(1, 3, 64, 64)
    save_checkpoint(tmp_path / "model.pth", contract(model, "timm:test_mambaout"))
    assert torch.equal(load_checkpoint(tmp_path / "model.pth").model()(film), model(film))
    for name in ("timm:hf-hub:org/name", "timm:local-dir:/tmp", "timm:no_such_network"):
        save_checkpoint(tmp_path / "model.pth", contract(model, name))
        with pytest.raises(CheckpointError, match="of an unknown architecture"):
            load_checkpoint(tmp_path / "model.pth")


@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone."])
def test_weights_go_on_at_another_size(tmp_path, prefix):
    model = made("test_vit", 96)
    torch.save({f"{prefix}{key}": value for key, value in model.state_dict().items()}, tmp_path / "w.pth")
    found = start("timm:test_vit", 64, NIH_FINDINGS, str(tmp_path / "w.pth"), 0)
    assert "pos_embed resampled" in found.notice and "its own head" in found.notice
    assert torch.equal(found.model.state_dict()["blocks.0.attn.qkv.weight"],
                       model.state_dict()["blocks.0.attn.qkv.weight"])
    with pytest.raises(CheckpointError, match="does not fit timm:test_resnet"):
        start("timm:test_resnet", 64, NIH_FINDINGS, str(tmp_path / "w.pth"), 0)


def test_foreign_weights_of_a_timm_network_are_evaluated_as_they_are(tmp_path):
    model, film = made("test_convnext"), torch.rand(1, 3, 64, 64)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    flags = {"architecture": "timm:test_convnext", "findings": NIH_FINDINGS, "mean": HALF.mean, "std": HALF.std,
             "image_size": 64}
    loaded = load_any(tmp_path / "w.pth", flags).checkpoint
    assert torch.allclose(loaded.model()(film), model(film), atol=1e-6)


@pytest.mark.parametrize("name", ["test_resnet", "deit_tiny_distilled_patch16_224"])
def test_a_last_layer_is_taken_out_and_put_back(name):
    model, films = made(name), torch.rand(3, 3, 64, 64)
    features, logits = features_before(model, films)
    weight, bias = joined(classifiers(model))
    assert torch.allclose(features @ weight.T + bias, logits, atol=1e-4)
    assert torch.allclose(with_weights(model, 2 * weight, 2 * bias)(films), 2 * logits, atol=1e-4)


# -- through the scripts


def require(name, films, folder):
    found = put_through(name, films, folder / "store.duckdb")
    print(found.row())
    assert found.refused or found.maps in ("checked", "off")
    assert found.rightly >= 3 or found.maps != "checked", found


@pytest.mark.parametrize("name", TINY)
def test_a_network_is_trained_evaluated_and_explained(name, tiny_nih, tmp_path):
    require(name, tiny_nih, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", TWENTY)
def test_twenty_of_different_families(name, tiny_nih, tmp_path):
    require(name, tiny_nih, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in SIXTY if name not in TWENTY])
def test_forty_more(name, tiny_nih, tmp_path):
    require(name, tiny_nih, tmp_path)


def test_the_lists_name_networks_that_there_are():
    assert len(set(SIXTY)) == 60 and set(TWENTY) < set(SIXTY)
    assert all(timm_names.is_registered(name) for name in SIXTY) and not set(SIXTY) & ARCHITECTURES.keys() - {
        "densenet121"}


def test_the_size_is_the_configurations_unless_one_is_asked_for():
    config = TrainConfig(arch="timm:test_vit")
    assert command.sized(config, frozenset({"arch"})).img_size == 160
    assert command.sized(config, frozenset({"arch", "img_size"})).img_size == 224
    assert command.sized(TrainConfig(arch="timm:nothing"), frozenset({"arch"})).img_size == 224
