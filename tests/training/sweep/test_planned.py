"""The trainings that a command stands for, their keys, and what is refused before any of them begins."""

import dataclasses

import pytest

from cxrcore import cli
from cxrcore.config import MAX_SEED, TrainConfig
from cxrcore.errors import DataError, RunError, UsageError
from cxrcore.training import recipe, train_plan
from cxrcore.training.sweep import product_version, slurm, start
from cxrcore.training.sweep.planned import architectures, is_sweep, planned


@pytest.fixture
def config(tiny_nih, tmp_path) -> TrainConfig:
    return TrainConfig(csv_path=str(tiny_nih / "Data_Entry_2017.csv"), img_root=str(tiny_nih), arch="resnet18",
                       store=str(tmp_path / "store.duckdb"), img_size=32, init="random", train_subset=32)


def test_every_architecture_with_every_loss_and_every_seed(config):
    made = planned(dataclasses.replace(config, arch="resnet18,vgg16", loss="bce,pos_weight", seed=3, seeds=2,
                                       devices="cpu", name="Mine"), {"arch"})
    assert [one.name for one in made] == [
        "Mine · ResNet-18 · seed 3", "Mine · ResNet-18 · seed 4", "Mine · ResNet-18 · pos_weight · seed 3",
        "Mine · ResNet-18 · pos_weight · seed 4", "Mine · VGG16 · seed 3", "Mine · VGG16 · seed 4",
        "Mine · VGG16 · pos_weight · seed 3", "Mine · VGG16 · pos_weight · seed 4"]
    assert len({one.key for one in made}) == 8
    assert made[0].flags[-1] == "--name=Mine · ResNet-18 · seed 3" and "--devices" not in " ".join(made[0].flags)


def test_a_training_finds_the_key_that_it_was_planned_with(config):
    parser = cli.parser_for(TrainConfig, "")
    for made in planned(dataclasses.replace(config, arch="resnet18,timm:test_resnet", loss="focal,bce", flip=True), {
            "arch", "img_size"}):
        own = TrainConfig(**vars(parser.parse_args([*made.flags, "--once", "--device=cpu"])))
        assert train_plan.key_of(own, train_plan.load_films(own)) == made.key and own.flip and own.once


def test_a_network_of_timm_has_its_own_size_where_none_was_given(config):
    (made,) = planned(dataclasses.replace(config, arch="timm:test_resnet", seeds=1, img_size=224), {"arch"})
    assert "--img_size=160" in made.flags


def test_what_makes_another_training_and_what_does_not(config, monkeypatch, tmp_path):
    def key(**changed) -> str:
        (one,) = planned(dataclasses.replace(config, **changed), set(changed))
        return one.key

    own = key()
    assert own == key(name="other", store=str(tmp_path / "else.duckdb"), results="there", eval_subset=3, seeds=1)
    others = {key(seed=1), key(loss="focal"), key(epochs=3), key(train_subset=16), key(split="official"),
              key(arch="vgg16"), key(split_seed=1), key(lr=1e-3)}
    assert len(others) == 8 and own not in others
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"a")
    first = key(init=str(weights))
    moved = weights.rename(tmp_path / "moved.pth")
    assert key(init=str(moved)) == first
    moved.write_bytes(b"b")
    assert key(init=str(moved)) != first
    monkeypatch.setitem(recipe.RECIPES, "resnet18", recipe.Recipe(epochs=99))
    assert key() != own


def test_all_are_the_six_and_a_name_that_is_not_there_is_refused():
    assert len(architectures("all")) == 6 and architectures("vgg16, all,vgg16")[0] == "vgg16"
    for text, said in (("resnet18,", "unknown --arch ''"), ("all,resnet81", "unknown --arch 'resnet81'"),
                       ("timm:resnet81", "resnet81")):
        with pytest.raises(RunError, match=said):
            architectures(text)


@pytest.mark.parametrize(("changed", "sweep"), [
    ({}, False), ({"arch": "all"}, True), ({"arch": "vgg16,resnet18"}, True), ({"seeds": 2}, True),
    ({"loss": "bce,focal"}, True), ({"devices": "auto"}, True), ({"on": "slurm"}, True), ({"once": True}, False)])
def test_what_asks_for_several_trainings(config, changed, sweep):
    assert is_sweep(dataclasses.replace(config, **changed)) == sweep


@pytest.mark.parametrize(("changed", "error", "text"), [
    ({"seeds": 2, "seed": MAX_SEED}, RunError, "goes over the highest seed"),
    ({"seeds": 1000, "arch": "all"}, RunError, "these are 6,000 trainings: at most 1,000"),
    ({"seeds": 2, "resume": "20260101-000000-aaaaaa"}, RunError, "--resume goes on with one run"),
    ({"seeds": 2, "csv_path": "none.csv"}, DataError, "none.csv"),
    ({"seeds": 2, "device": "tpu"}, RunError, "--device tpu does not exist"),
    ({"devices": "cpu,tpu"}, RunError, "--device tpu does not exist"),
    ({"devices": "cpu", "device": "cpu"}, UsageError, "--devices names them all: leave out --device"),
    ({"on": "slurm", "devices": "cpu"}, UsageError, "Slurm decides: leave out --devices"),
    ({"sbatch": "--gres=gpu:1"}, UsageError, "it needs --on slurm"),
    ({"on": "slurm"}, RunError, "there is no sbatch and no squeue on this machine; without Slurm, --devices"),
])
def test_what_is_refused_in_one_line(config, changed, error, text, monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.shutil, "which", lambda name: None)
    with pytest.raises(error, match=text):
        start.train(dataclasses.replace(config, **changed), frozenset(changed))
    assert not (tmp_path / "store.duckdb").exists()


def test_a_node_with_another_version_is_told_in_one_line(config, monkeypatch):
    own = product_version.product_version()
    assert own == product_version.product_version() and len(own) == 12
    monkeypatch.setenv(product_version.VARIABLE, "another")
    with pytest.raises(RunError, match=f"another version of the workbench lies here .{own}. than planned this sweep"):
        start.train(dataclasses.replace(config, once=True), frozenset())


def test_one_of_several_losses_that_there_is_not():
    with pytest.raises(UsageError, match="'dice' is none of bce, pos_weight, focal, asymmetric"):
        cli.parser_for(TrainConfig, "").parse_args(["--loss", "bce,dice"])
