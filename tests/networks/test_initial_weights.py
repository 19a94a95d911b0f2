"""Where trainings start: files with and without a JSON beside them, and machines without network."""

import json
from functools import partial

import pytest
import timm
import torch

from cxrcore.errors import CheckpointError, WeightsUnavailable
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks import initial_weights
from cxrcore.networks.architectures import ARCHITECTURES, build, find_architecture
from cxrcore.networks.foreign import declared
from cxrcore.networks.initial_weights import GREY, IMAGENET, start
from cxrcore.networks.weights_corpora import DOUBTFUL, corpus_of_tag, start_corpus


@pytest.fixture
def offline(monkeypatch):
    """Neither network nor local copies."""
    def refuse(arch, size, n_findings, options=None, pretrained=False):
        if pretrained:
            raise ConnectionError("no network")
        return build(arch, size, n_findings, options)

    monkeypatch.setattr(initial_weights, "build", refuse)
    monkeypatch.setattr(initial_weights, "_reachable", lambda url: False)


@pytest.fixture
def weights(tmp_path):
    """A file with 1000 outputs, as ImageNet weights have."""
    torch.manual_seed(1)
    state = build("resnet18", 32, 14).state_dict()
    state |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


def test_imagenet_without_network_names_both_ways_out(offline):
    with pytest.raises(WeightsUnavailable) as caught:
        start("resnet18", 32, NIH_FINDINGS, "imagenet", 0)
    assert "--init random" in str(caught.value) and "--init PATH" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_auto_without_network_goes_on_at_random_and_says_so(offline):
    begun = start("resnet18", 32, NIH_FINDINGS, "auto", 0)
    assert begun.init == "random" and begun.spec == GREY and "--init PATH" in begun.notice


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_starts_from_a_tag_that_timm_has_and_that_saw_imagenet_1k_alone(name):
    entry = find_architecture(name)
    assert entry.weights_name in timm.list_pretrained(f"{entry.timm_name}.*")
    assert corpus_of_tag(entry.tag) == "ImageNet-1k"


@pytest.mark.parametrize(("name", "mean"), [("resnet18", 0.485), ("vit_b_16", 0.5)])
def test_the_tag_s_own_weights_and_normalisation_are_taken_and_recorded(monkeypatch, name, mean):
    asked, create = [], timm.create_model

    def without_download(model_name, pretrained, **options):
        asked.append((model_name, pretrained))
        return create(model_name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", without_download)
    with torch.device("meta"):
        begun = start(name, 32, NIH_FINDINGS, "imagenet", 0)
    tag = find_architecture(name).weights_name
    assert asked == [(tag, True)] and begun.spec.mean[0] == mean and begun.corpus == "ImageNet-1k"
    assert begun.source == {"corpus": "ImageNet-1k", "tag": tag, "hub_id": f"timm/{tag}", "timm": timm.__version__,
                            "file_sha256": None}


@pytest.mark.parametrize(("tag", "corpus"), [
    ("augreg2_in21k_ft_in1k", "ImageNet-21k + ImageNet-1k"), ("augreg_in1k", "ImageNet-1k"),
    ("ra4_e3600_r224_in1k", "ImageNet-1k"), ("fb_swsl_ig1b_ft_in1k", "Instagram-1B + ImageNet-1k"),
    ("ns_jft_in1k", "JFT-300M + ImageNet-1k"), ("mae", "unknown (tag mae)"),
    ("new_films_ft_in1k", "unknown (tag new_films_ft_in1k) + ImageNet-1k"),
])
def test_what_a_tag_says_of_the_pictures_that_were_seen(tag, corpus):
    assert corpus_of_tag(tag) == corpus


@pytest.mark.parametrize(("config", "seen"), [
    ({"init": "imagenet", "arch": "resnet18", "training_corpus": "ImageNet-1k + NIH"}, "ImageNet-1k"),
    ({"init": "imagenet", "arch": "vit_b_16", "training_corpus": "ImageNet-1k + NIH"}, DOUBTFUL),
    ({"init": "imagenet", "arch": "vit_b_16", "start_weights": {"corpus": "ImageNet-1k"}}, "ImageNet-1k"),
    ({"init": "random", "training_corpus": "NIH"}, "none"),
    ({"init": "w.pth", "training_corpus": "ImageNet-1k + phantoms + NIH"}, "ImageNet-1k + phantoms"),
    ({"weights_name": "densenet121-res224-all"}, "declared: densenet121-res224-all"),
    ({"start_weights": "junk"}, ""), ({}, ""),
])
def test_what_a_run_s_weights_had_seen_before(config, seen):
    assert start_corpus(config) == seen


@pytest.fixture
def tiny(tmp_path):
    """Weights of no network, for what is refused before they are fitted to one."""
    torch.save({"state_dict": {"fc.bias": torch.zeros(1)}}, tmp_path / "tiny.pth")
    return tmp_path / "tiny.pth"


@pytest.mark.parametrize("where", ["file", "json", "top level of the json"])
def test_an_option_that_names_a_file_is_refused_wherever_it_comes_from(tiny, where):
    options = {"checkpoint_path": "x"}
    if where == "file":
        torch.save(torch.load(tiny) | {"model_options": options}, tiny)
    else:
        told = {"model_options": options} if where == "json" else {"global_pool": "x.pth"}
        tiny.with_suffix(".json").write_text(json.dumps(told))
    with pytest.raises(CheckpointError, match="model option") as caught:
        start("resnet18", 32, NIH_FINDINGS, str(tiny), 0)
    assert "\n" not in str(caught.value)


def test_an_older_checkpoint_of_vit_does_not_pass_its_doubtful_corpus_on(tmp_path):
    old = {"format": 1, "architecture": "vit_b_16", "training_corpus": "ImageNet-1k + NIH"}
    settings = partial(declared.of_content, path=tmp_path)
    assert settings(old)["training_corpus"] == f"{DOUBTFUL} + NIH"
    for known in (old | {"architecture": "vgg16"}, old | {"start_weights": {"corpus": "ImageNet-1k"}}):
        assert settings(known)["training_corpus"] == "ImageNet-1k + NIH"


def test_random_weights_are_seeded():
    first, same, other = (
        start("resnet18", 32, NIH_FINDINGS, "random", seed).model.state_dict()["fc.weight"] for seed in (0, 0, 1)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_a_file_without_json_is_taken_as_imagenet_s_and_that_is_printed(weights):
    begun = start("resnet18", 32, NIH_FINDINGS, str(weights), 0)
    assert begun.spec == IMAGENET
    assert "assumed" in begun.notice and "0.485/0.456/0.406" in begun.notice and "new head" in begun.notice
    assert torch.equal(begun.model.state_dict()["conv1.weight"], torch.load(weights)["conv1.weight"])
    assert begun.model.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 14)


@pytest.mark.parametrize("content", [
    {"mean": 0.5, "std": 0.5, "model_options": {"pad_type": "same"}},
    {"mean": [0.5] * 3, "std": [0.5] * 3, "pad_type": "same"},
])
def test_a_json_beside_the_file_sets_normalisation_and_options(tmp_path, content):
    torch.save(build("mobilenet_v2", 32, 14, {"pad_type": "same"}).state_dict(), tmp_path / "w.pth")
    (tmp_path / "w.json").write_text(json.dumps(content))
    begun = start("mobilenet_v2", 32, NIH_FINDINGS, str(tmp_path / "w.pth"), 0)
    assert begun.spec.mean == (0.5,) * 3 and begun.spec.std == (0.5,) * 3
    assert begun.options == {"pad_type": "same"} and "w.json" in begun.notice and "its own head" in begun.notice


@pytest.mark.parametrize("text", ["{broken", "[1, 2]", '{"mean": [1, 2]}', '{"std": 0}', '{"training_corpus": [1]}',
                                  '{"mean": 1e999}', "[" * 100_000, '{"training_corpus": "' + "x" * 2000 + '"}'])
def test_a_broken_json_is_refused(tiny, text):
    tiny.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError, match=r"tiny\.json"):
        start("resnet18", 32, NIH_FINDINGS, str(tiny), 0)


def test_a_file_of_another_network_is_refused(weights):
    with pytest.raises(CheckpointError, match="does not fit"):
        start("mobilenet_v2", 32, NIH_FINDINGS, str(weights), 0)


def test_a_missing_file_is_refused():
    with pytest.raises(CheckpointError, match="no such weights file"):
        start("resnet18", 32, NIH_FINDINGS, "nowhere.pth", 0)


def test_real_imagenet_weights_fit_with_a_new_head(shared):
    path = shared / "weights" / "mobilenetv2_100_imagenet.pth"
    begun = start("mobilenet_v2", 96, NIH_FINDINGS, str(path), 0)
    assert "assumed" in begun.notice and "new head" in begun.notice
    given, taken = torch.load(path), begun.model.state_dict()
    assert all(torch.equal(taken[key], given[key]) for key in taken if not key.startswith("classifier"))
    assert taken["classifier.weight"].shape == (14, 1280)
