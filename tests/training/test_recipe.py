"""What a training does where no flag says otherwise, and what its flags change."""

import numpy as np
import pytest
import torch

from cxrcore.config import TrainConfig
from cxrcore.networks.architectures import ARCHITECTURES, build, find_architecture
from cxrcore.settings import Constants
from cxrcore.training import recipe
from cxrcore.training.optimizer import make_optimizer
from cxrcore.training.recipe import RECIPES
from cxrcore.training.selection import select_by

CPU = torch.device("cpu")


def settled(at_random=False, options=None, **flags):
    config = TrainConfig(**flags)
    return recipe.settled(config, find_architecture(config.arch), at_random, 32, options or {})


def test_the_table_names_the_six_and_no_other():
    assert RECIPES.keys() == ARCHITECTURES.keys()
    assert {name: one.epochs for name, one in RECIPES.items() if one.epochs != 12} == {"efficientnet_b0": 8}


def test_the_learning_rate_grows_with_the_root_of_the_films_a_step():
    config, rule = settled(arch="resnet18", accumulate=2)
    assert config.lr == pytest.approx(1e-4 * 2**0.5, rel=1e-3)
    assert rule == "0.0001 x sqrt(64 films a step / 32)"
    assert "learning rate 0.0001414 (0.0001 x sqrt(64 films a step / 32))" in recipe.in_words(config, rule)
    asked, rule = settled(arch="resnet18", lr=0.02, accumulate=4)
    assert asked.lr == 0.02 and rule == "as asked for"
    assert settled(at_random=True, arch="resnet18")[0].lr == 1e-3


def test_patience_goes_with_the_plateau_alone_unless_it_is_asked_for():
    assert settled()[0].patience is None and settled(schedule="plateau")[0].patience == 3
    assert settled(patience=5)[0].patience == 5


@pytest.mark.parametrize(("arch", "flags", "options"), [
    ("vit_b_16", {}, {"drop_path_rate": 0.1}), ("vgg16", {}, {"drop_rate": 0.5}), ("resnet18", {}, {}),
    ("vgg16", {"dropout": 0.0}, {}), ("resnet18", {"drop_path": 0.2, "dropout": 0.3},
                                      {"drop_rate": 0.3, "drop_path_rate": 0.2})])
def test_a_network_is_built_with_its_dropout(arch, flags, options):
    assert recipe.model_options(TrainConfig(arch=arch, **flags), find_architecture(arch)) == options


def test_everything_that_is_settled_is_kept():
    config, _ = settled(arch="vit_b_16", options={"drop_path_rate": 0.1})
    assert (config.epochs, config.weight_decay, config.layer_decay, config.drop_path, config.dropout) == (
        12, 0.05, 0.75, 0.1, 0.0)
    assert settled(at_random=True, arch="vit_b_16")[0].layer_decay == 1  # nothing there that is worth keeping


def test_blocks_near_the_input_learn_slower_by_the_layer_decay():
    model = build("vit_b_16", 32, 2, {})
    optimizer = make_optimizer(model, 1e-3, 0.05, 0.5, Constants(), CPU)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rate = {names[id(one)]: group["lr"] for group in optimizer.param_groups for one in group["params"]}
    assert rate.keys() == set(names.values())
    assert rate["head.weight"] == pytest.approx(1e-3)
    assert rate["blocks.3.mlp.fc1.weight"] / rate["blocks.4.mlp.fc1.weight"] == pytest.approx(0.5)
    assert rate["patch_embed.proj.weight"] < rate["blocks.0.mlp.fc1.weight"]
    decay = {names[id(one)]: group["weight_decay"] for group in optimizer.param_groups for one in group["params"]}
    assert decay["head.weight"] == 0.05 and decay["head.bias"] == decay["pos_embed"] == 0


# -- by what the best epoch is chosen


def labels_with(*positives, n=200):
    labels = np.zeros((n, len(positives)), np.float32)
    for k, count in enumerate(positives):
        labels[:count, k] = 1
    return labels


@pytest.mark.parametrize(("positives", "chosen", "words"), [
    ((40, 30, 29, 31), [True, True, False, True], "the 3 of 4 findings with 30 or more validation positives"),
    ((40, 30, 29, 0), [True, True, True, False], r"the 3 of 4 findings with a validation positive \(2 have 30\)"),
    ((200, 200, 200, 31), [False, False, False, True], "the 1 of 4 findings with a validation positive"),
    ((0, 0, 0, 0), [False] * 4, "validation loss: no finding")])
def test_findings_with_thirty_positives_choose_the_epoch(positives, chosen, words):
    found = select_by(labels_with(*positives), Constants())
    assert found.chosen.tolist() == chosen
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found.words)
    aurocs = np.array([0.5, 0.7, 0.9, 0.8])
    expected = aurocs[np.array(chosen)].mean() if any(chosen) else -0.25
    assert found.score(aurocs, 0.25) == pytest.approx(expected)


def test_unknown_labels_are_no_positives():
    labels = labels_with(40, 40, 40)
    labels[5:40, 2] = np.nan
    assert select_by(labels, Constants()).chosen.tolist() == [True] * 3  # two with 30: all that have one
    assert "(2 have 30)" in select_by(labels, Constants()).words
