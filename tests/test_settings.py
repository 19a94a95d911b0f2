"""Which constants decide a training, and which runs are repeats of each other."""

import json
from dataclasses import fields

import numpy as np
import pytest
from seeded_runs import add_run, make_store

from cxrcore.config import TrainConfig
from cxrcore.errors import RunError
from cxrcore.settings import Constants, deciding, differing_names, flags_of_record, of_record, settings_key, settings_of
from cxrcore.training import train_plan, train_run

RUN = {"arch": "resnet18", "epochs": 8, "batch_size": 32, "lr": 1e-4, "loss": "bce", "split": "patient",
       "split_seed": 0, "img_size": 224, "init": "imagenet", "precision": "bf16", "patience": 3, "seed": 0,
       "accumulate": 1, "weight_decay": 0.01, "layer_decay": 1.0, "drop_path": 0.0, "dropout": 0.0,
       "schedule": "cosine", "ema": "on", "crop": 0.7, "tone": 0.2, "rotation": 6.0, "shift": 0.05, "flip": False,
       "compile": False, "train_subset": 1000, "n_train": 1000, "mean": [0.5, 0.5, 0.5], "model_options": {},
       "dataset_id": "d", "split_fingerprint": "f",
       "start_weights": {"tag": "resnet18.a1_in1k", "hub_id": "timm/resnet18.a1_in1k", "timm": "1.0.31"},
       "constants": Constants().record(loss="bce", schedule="cosine", ema="on")}
_NEWER = ("accumulate", "weight_decay", "layer_decay", "drop_path", "dropout", "schedule", "ema", "crop", "tone",
          "rotation", "shift", "flip", "compile")
OLD = {name: value for name, value in RUN.items() if name not in _NEWER} | {"constants": {
    "optimizer": "AdamW", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.02,
    "schedule": "linear warm-up, cosine to 0", "warm_up": 0.05, "gradient_norm": 1.0, "max_shift": 0.05,
    "max_scale": 0.08, "max_rotation": 6.0, "focal_gamma": None, "max_pos_weight": None,
    "best_by": "validation macro AUROC"}}


@pytest.mark.parametrize("changed", [
    {"arch": "vgg16"}, {"epochs": 9}, {"batch_size": 64}, {"lr": 2e-4}, {"loss": "focal"}, {"split": "official"},
    {"split_seed": 1}, {"img_size": 256}, {"init": "random", "start_weights": {}}, {"precision": "fp32"},
    {"patience": 4}, {"train_subset": 999}, {"val_subset": 10}, {"n_train": 999}, {"mean": [0.4, 0.5, 0.5]},
    {"model_options": {"drop_rate": 0.1}}, {"dataset_id": "e"}, {"split_fingerprint": "g"}, {"constants": {}},
    {"start_weights": {"tag": "resnet18.tv_in1k"}}, {"start_weights": {"file_sha256": "aa"}},
    {"something_that_a_later_version_sets": 1},
    *({"constants": RUN["constants"] | {name: 0.5}} for name in RUN["constants"]),
])
def test_what_decides_a_result_changes_the_key(changed):
    assert settings_key(RUN | changed) != settings_key(RUN)


@pytest.mark.parametrize("changed", [
    {"seed": 7}, {"name": "another"}, {"note": "x"}, {"csv_path": "elsewhere.csv", "img_root": "films"},
    {"results": "r"}, {"workers": 4}, {"eval_subset": 10}, {"device": "a GPU"}, {"precision_speeds": {"fp32": 1}},
    {"training_corpus": "ImageNet-1k + NIH"}, {"resume": None}, {"val_subset": None}, {"epochs": 8.0}, {"lr": 0.0001},
    {"lr": np.float64(1e-4), "epochs": np.int64(8)}, {"mean": (0.5, 0.5, 0.5)}, {"model_options": None},
    {"start_weights": RUN["start_weights"] | {"timm": "1.0.40"}},
])
def test_what_does_not_decide_a_result_leaves_the_key(changed):
    assert settings_key(RUN | changed) == settings_key(RUN)


def test_the_order_of_keys_and_the_way_through_the_store_do_not_matter():
    backwards = json.loads(json.dumps(dict(reversed(RUN.items()))))
    assert settings_key(backwards) == settings_key(RUN)
    assert settings_key(backwards, with_seed=True) == settings_key(RUN, with_seed=True)


def test_the_seed_counts_where_it_is_asked_for():
    assert settings_key(RUN, with_seed=True) != settings_key(RUN | {"seed": 1}, with_seed=True)
    assert settings_key(RUN, with_seed=True) != settings_key(RUN)


def test_a_flag_that_an_older_version_did_not_have_counts_as_what_it_did():
    old = {name: value for name, value in RUN.items() if name != "patience"}
    assert settings_key(old) == settings_key(RUN) != settings_key(old | {"patience": 5})


def test_a_file_is_known_by_its_bytes_wherever_it_lies():
    def of(path, digest):
        return settings_key(RUN | {"init": path, "start_weights": {"file_sha256": digest}})

    assert of("a/w.pth", "1") == of("b/w.pth", "1") != of("a/w.pth", "2")


def test_every_flag_is_either_a_setting_or_known_to_decide_nothing():
    shown = set(deciding({}))
    left_out = {one.name for one in fields(TrainConfig)
                if one.default not in (None, "") and one.metadata.get("stored", True)} - shown
    assert left_out == set()


def test_constants_that_were_not_recorded_are_told_from_today_s():
    old = {name: value for name, value in RUN.items() if name != "constants"}
    assert settings_key(old) != settings_key(RUN) and settings_key(old) == settings_key(old | {"seed": 3})
    assert differing_names([deciding(old), deciding(RUN)]) == ["constants"]
    assert differing_names([deciding(RUN), deciding(RUN | {"lr": 1, "seed": 2})]) == ["lr", "seed"]


@pytest.mark.parametrize("config", [{}, {"constants": [1]}, {"start_weights": "x"}, {"lr": float("nan")},
                                    {"lr": 10**400}])
def test_odd_configs_have_a_key(config):
    assert settings_key(config) == settings_key(dict(config))


@pytest.mark.parametrize(("row", "told"), [
    ({"kind": "trained", "config": '{"arch": "a"}'}, True), ({"kind": "imported", "config": '{"arch": "a"}'}, False),
    ({"kind": "ensemble", "config": "{}"}, False), ({"kind": "trained", "config": None}, False),
    ({"kind": "trained", "config": '{"arch": ""}'}, False),
])
def test_only_of_trained_runs_it_is_known_how_they_came_about(row, told):
    assert (settings_of(row | {"dataset_id": "d", "split_fingerprint": "f"}) is not None) == told


def test_a_resumed_run_keeps_the_constants_that_it_began_with():
    before = Constants(max_scale=0.08, least_positives=1, least_findings=1)
    assert of_record(None) == of_record({}) == of_record(OLD["constants"]) == before
    begun = Constants(warm_up=0.1, max_pos_weight=20)
    assert of_record(begun.record(loss="pos_weight")) == begun
    kept = begun.record(loss="bce", schedule="cosine", ema="off")
    assert [kept[name] for name in ("max_pos_weight", "focal_gamma", "margin", "plateau_factor", "ema_decay")] == [
        None] * 5


def test_a_resumed_older_run_goes_on_as_its_version_trained():
    flags = flags_of_record(OLD)
    assert {"weight_decay": 0.02, "shift": 0.05, "rotation": 6.0, "schedule": "cosine", "ema": "off", "crop": 1.0,
            "tone": 0.0, "layer_decay": 1.0, "drop_path": 0.0, "dropout": 0.0, "patience": 3}.items() <= flags.items()
    assert "flip" not in flags and "device" not in flags_of_record(OLD | {"device": "cpu (a processor)"})


def test_an_older_run_differs_from_today_s_in_what_its_version_did_otherwise():
    differing = differing_names([deciding(OLD), deciding(RUN | {"weight_decay": 0.02})])
    assert {"ema", "crop", "tone", "max_scale", "least_positives"} <= set(differing)
    assert not {"weight_decay", "rotation", "shift", "schedule", "max_shift", "best_by"} & set(differing)


@pytest.mark.parametrize("changed", [{"ema": "off"}, {"crop": 1.0}, {"tone": 0.1}, {"rotation": 3.0}, {"shift": 0.1},
                                     {"flip": True}, {"accumulate": 2}, {"schedule": "plateau"}, {"dropout": 0.5},
                                     {"weight_decay": 0.3}, {"layer_decay": 0.7}, {"drop_path": 0.2},
                                     {"compile": True}])
def test_every_part_of_the_recipe_decides(changed):
    assert settings_key(RUN | changed) != settings_key(RUN)
    assert settings_key(RUN | {"lr_rule": "as asked for"}) == settings_key(RUN)


def test_a_resumed_training_is_planned_with_what_is_stored(tmp_path, monkeypatch):
    store, planned = make_store(tmp_path / "store.duckdb"), []
    begun = Constants(warm_up=0.1).record(loss="bce")
    run_id = add_run(store, "a", auroc=None, status="interrupted", constants=begun, patience=5)

    store.run_folder(run_id).mkdir(parents=True)

    def plan(config, origin, constants, known):
        planned.append((config.patience, constants.warm_up, known))
        raise RunError("far enough")

    monkeypatch.setattr(train_plan, "plan_training", plan)
    with pytest.raises(RunError, match="far enough"):
        train_run.train(TrainConfig(resume=run_id, store=str(store.path)), frozenset({"resume", "store"}))
    assert planned == [(5, 0.1, None)]


@pytest.mark.parametrize("stored", [{"epochs": "8"}, {"lr": "much"}, {"loss": "mse"}, {"batch_size": True}, {"name": 3},
                                    {"seed": None}])
def test_a_stored_flag_of_another_kind_is_refused(stored):
    with pytest.raises(RunError, match=f"stored setting {next(iter(stored))} is"):
        flags_of_record(RUN | stored)
    assert flags_of_record(RUN | {"lr": 1})["lr"] == 1 and "n_train" not in flags_of_record(RUN)


@pytest.mark.parametrize("record", [{"optimizer": "SGD"}, {"momentum": 0.9}, {"weight_decay": "much"},
                                    {"schedule": "one cycle"}, {"warm_up": "much"}])
def test_a_procedure_that_this_version_does_not_have_is_refused(record):
    with pytest.raises(RunError, match=f"its {next(iter(record))} is"):
        of_record(record)
