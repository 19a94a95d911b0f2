"""What the Runs page says, before it is drawn: groups, order, settings, progress."""

import json

import numpy as np
import pandas as pd
import pytest
from seeded_runs import add_run, make_store

from cxrcore.networks.weights_corpora import DOUBTFUL
from cxrcore.queries import run_groups, run_progress, run_settings
from cxrcore.queries.run_groups import chosen_after, default_focus, draw_in_words, group_note, groups, run_labels
from cxrcore.store.queued import RUNNING, Queue, Queued

# -- groups


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store.duckdb")


def grouped(store, part="test", statuses=None):
    runs = store.runs()
    settings = [json.loads(text) for text in runs["config"]]
    for name in ("loss", "init", "epochs"):
        runs[name] = [one.get(name) for one in settings]
    statuses = statuses or dict(zip(runs["run_id"], runs["status"], strict=True))
    return groups(runs, store.leaderboard(), store.datasets().set_index("dataset_id"), statuses, part)


def test_runs_of_another_split_never_share_a_table(store):
    here = [add_run(store, "a"), add_run(store, "b")]
    there = add_run(store, "c", fingerprint="bbb222")
    first, second = grouped(store)
    assert list(first.table.index) == [there] and set(second.table.index) == set(here)
    assert first.key != second.key


def test_a_group_is_ordered_by_auroc_with_subsets_val_only_and_unmeasured_runs_below(store):
    names = ["low", "high", "subset", "val only", "none"]
    for name, more in zip(names, [{"auroc": 0.7}, {"auroc": 0.8}, {"auroc": 0.95, "n": 6},
                                  {"auroc": 0.9, "parts": ("val",)}, {"auroc": None, "status": "failed"}], strict=True):
        add_run(store, name, **more)
    (group,) = grouped(store)
    assert list(group.table["run"]) == ["high", "low", "subset", "val only", "none"]
    assert list(group.table["measured"][:4]) == ["test", "test", "test, subset", "val"]
    assert group.table["measured"].isna().iloc[4] and np.isnan(group.table["auroc"].iloc[4])
    assert list(group.table["findings"][:1]) == ["13 of 14"]
    note = group_note(group.table, "test")
    assert "5 runs" in note and "subset" in note and "stand below" in note


def test_val_numbers_say_that_their_thresholds_were_fitted_on_the_same_films(store):
    add_run(store, "a")
    (test,), (val,) = grouped(store, "test"), grouped(store, "val")
    assert list(test.table["thresholds"]) == ["val"] and "optimistic" not in group_note(test.table, "test")
    assert list(val.table["thresholds"]) == ["val, same films"] and "optimistic" in group_note(val.table, "val")


def test_a_split_without_a_test_part_falls_back_to_val_and_is_leaky(store):
    add_run(store, "classic", scheme="random", parts=("val",))
    (group,) = grouped(store)
    assert group.leaky and list(group.table["measured"]) == ["val"]
    assert "none measured on a test part" in group_note(group.table, "test")


def test_phantoms_are_synthetic_and_an_unknown_data_set_keeps_its_id(tmp_path):
    store = make_store(tmp_path / "phantom.duckdb", name="phantoms", kind="phantom")
    add_run(store, "a")
    assert grouped(store)[0].synthetic
    runs, nothing = store.runs().assign(loss=None, init=None), pd.DataFrame(columns=["name", "kind", "findings"])
    (group,) = groups(runs, store.leaderboard(), nothing, {runs["run_id"][0]: "finished"}, "test")
    assert group.title == "data set films" and not group.synthetic


def test_status_is_the_effective_one(store):
    run_id = add_run(store, "a", status="running", auroc=None)
    (group,) = grouped(store, statuses={run_id: "interrupted"})
    assert "interrupted" in group.table["status"].iloc[0]


@pytest.mark.parametrize(("names", "expected"), [
    (["a", "b"], ["a", "b"]),
    (["a", "a"], ["a · 000001", "a · 000002"]),
    (["", " "], ["ResNet-18 · 000001", "ResNet-18 · 000002"]),
    (["a", "a", "a · 000001"], ["a · r-000001", "a · r-000002", "a · 000001 · r-000003"]),
])
def test_labels_are_unique(names, expected):
    runs = pd.DataFrame({"run_id": [f"r-{i:06d}" for i in range(1, len(names) + 1)], "name": names,
                         "architecture": "resnet18"})
    assert list(run_labels(runs).values()) == expected


@pytest.mark.parametrize(("draw", "expected"), [
    (("patient", 3, "ab12"), "Seed 3, fingerprint ab12"),
    (("given", 0, "ab12"), "Fingerprint ab12"),
    (("official", 0, ""), "Seed 0, fingerprint unknown"),
])
def test_draw_in_words(draw, expected):
    assert draw_in_words(*draw) == expected


@pytest.mark.parametrize(("ticks", "table", "chosen", "expected"), [
    ([0], ["a", "b"], [], ["a"]),
    ([0, 1], ["a", "b"], ["a"], ["a", "b"]),
    ([1], ["a", "b"], ["b", "a"], ["b"]),
    ([], ["a", "b"], ["x", "a"], ["x"]),  # another table's run stays
    ([1, 0], ["a", "b"], ["b", "x"], ["b", "x", "a"]),  # the order of choosing stays
    ([7], ["a"], [], []),  # a row that is no longer there
])
def test_ticks_change_only_their_own_table(ticks, table, chosen, expected):
    assert chosen_after(ticks, table, chosen) == expected


def test_default_focus_is_what_trains_and_the_best(store):
    ids = [add_run(store, str(i), auroc=0.7 + i / 100) for i in range(5)]
    live = add_run(store, "live", status="running", auroc=None)
    found = grouped(store)
    statuses = dict.fromkeys(ids, "finished") | {live: "running"}
    assert default_focus(found, statuses) == [live, ids[4], ids[3], ids[2]]
    assert default_focus([], {}) == []


# -- settings


def test_settings_show_only_what_differs(store):
    add_run(store, "a", lr=1e-4, only_here=True)
    add_run(store, "b", lr=3e-4, arch="vgg16")
    runs = store.runs().assign(dataset="films").to_dict("records")
    table = run_settings.settings_table(runs, run_labels(store.runs()))
    differing = run_settings.only_differences(table).set_index("Setting")
    assert set(differing.index) == {"architecture", "lr", "only_here"}
    assert dict(differing.loc["lr", ["a", "b"]]) == {"a": "0.0001", "b": "0.0003"}
    assert dict(differing.loc["only_here", ["a", "b"]]) == {"a": "yes", "b": run_settings.NOT_RECORDED}
    assert {"torch", "loss", "split fingerprint", "parameters"} <= set(table["Setting"])
    assert table.set_index("Setting").at["lr", "Meaning"].startswith("highest learning rate")


def test_constants_and_start_weights_stand_among_the_settings(store):
    constants = {"weight_decay": 0.01, "focal_gamma": None}
    add_run(store, "a", constants=constants, start_weights={"corpus": "ImageNet-1k", "tag": "resnet18.a1_in1k"})
    add_run(store, "b", constants=constants | {"weight_decay": 0.1}, start_weights={"corpus": "none", "tag": None})
    add_run(store, "c", arch="vit_b_16", training_corpus="ImageNet-1k + films")  # of an older version
    runs = store.runs().assign(dataset="films").to_dict("records")
    table = run_settings.settings_table(runs, run_labels(store.runs()))
    shown = run_settings.only_differences(table).set_index("Setting")
    assert list(shown.loc["weight_decay", ["a", "b", "c"]]) == ["0.01", "0.1", run_settings.NOT_RECORDED]
    assert list(shown.loc["start weights", ["a", "b", "c"]]) == ["resnet18.a1_in1k", "–", run_settings.NOT_RECORDED]
    assert list(shown.loc["start corpus", ["a", "b", "c"]]) == ["ImageNet-1k", "none", DOUBTFUL]
    assert shown.at["training_corpus", "c"] == f"{DOUBTFUL} + films"
    assert shown.at["weight_decay", "Meaning"].startswith("of matrices") and "constants" not in set(table["Setting"])


def test_settings_are_shown_in_units_that_people_read_and_taken_along_whole():
    sha = "0123456789abcdef" * 4
    shown = [("parameters", "6,967,182", "7.0 M"), ("checkpoint size", "28,444,520", "28.4 MB"),
             ("lr", "0.0001", "0.0001"), ("device memory", "2,345,678,901", "2.3 GB"),
             ("file_sha256", sha, "01234567 ..."),
             ("parameters", "not recorded", "not recorded"), ("training time", "–", "–")]
    table = pd.DataFrame([{"Part": "", "Setting": name, "Meaning": "", "a": text} for name, text, _ in
                          [*shown, ("trial speed in bf16", "0", "")]])
    assert run_settings.for_reading(table)["a"].tolist() == [text for *_, text in shown]
    assert len(table) == len(shown) + 1 and table["a"].iloc[4] == sha


def test_a_single_run_shows_all_its_settings(store):
    add_run(store, "a")
    runs = store.runs().assign(dataset="films")
    table = run_settings.settings_table(runs.to_dict("records"), run_labels(runs))
    assert len(run_settings.only_differences(table)) == len(table) > 8


@pytest.mark.parametrize(("value", "text"), [
    (None, "–"), ("", "–"), (float("nan"), "–"), (True, "yes"), (False, "no"), (0, "0"), (8, "8"),
    (11_000_000, "11,000,000"),
    (1e-4, "0.0001"), (0.123456789, "0.123457"), (2.0, "2"), ("bce", "bce"), ([0.5, 1], "[0.5, 1]"),
])
def test_settings_as_text(value, text):
    assert run_settings.as_text(value) == text


# -- progress


@pytest.mark.parametrize(("progress", "share", "words"), [
    ({}, 0, "starting"),
    ({"stage": "preparing", "step": 5, "steps": 10}, 0.5, "preparing the films: film 5 of 10"),
    ({"stage": "training", "epoch": 1, "epochs": 4}, 0, "epoch 1 of 4, training"),
    ({"stage": "training", "epoch": 3, "epochs": 4, "step": 1225, "steps": 2450, "images_per_second": 212.4,
      "seconds_left": 750}, 0.625, "epoch 3 of 4, training: step 1,225 of 2,450 · 212 images/s · about 12 min left"),
    ({"stage": "validating", "epoch": 4, "epochs": 4, "step": 1, "steps": 2}, 1,
     "epoch 4 of 4, validating: film 1 of 2"),
    ({"stage": "evaluating", "epoch": 4, "epochs": 4, "step": 30, "steps": 120, "seconds_left": None}, 0.25,
     "evaluating the best epoch: film 30 of 120"),
    ({"stage": "something new", "step": 9, "steps": 3}, 1, "something new: step 9 of 3"),
])
def test_progress(progress, share, words):
    assert run_progress.share(progress) == pytest.approx(share)
    assert run_progress.in_words(progress) == words


@pytest.mark.parametrize(("queue", "text"), [
    (Queue(), ""),
    (Queue((Queued("new", RUNNING), Queued("b"), Queued("c"))), "Being prepared: new. Next: b, then c."),
    (Queue((Queued("live", RUNNING), Queued("b"))), "Next: b."),
    (Queue((Queued("live", RUNNING),)), ""),
    (Queue((Queued("new", RUNNING), Queued("b"), Queued("c")), whole=True), "Being prepared: new."),
])
def test_what_is_queued(queue, text):
    assert run_progress.queue_in_words(queue, ["live"]) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (-3, "0 s"), (45, "45 s"), (60, "1 min"), (3570, "1 h"), (12_000, "3 h 20 min"), (7200, "2 h"),
])
def test_duration(seconds, text):
    assert run_progress.duration(seconds) == text


@pytest.mark.parametrize(("status", "progress", "text"), [
    ("finished", {}, None),
    ("running", {}, None),
    ("failed", {"error": "loss is\nNaN"}, "failed: loss is NaN."),
    ("failed", {}, "failed: the reason is in the output of its training."),
    ("interrupted", {"epoch": 3}, "was interrupted in epoch 3. Its finished epochs are kept."),
])
def test_trouble(status, progress, text):
    assert run_progress.trouble(status, progress) == text


def test_every_split_scheme_has_its_words():
    from cxrcore.config import SPLIT_SCHEMES
    from cxrcore.data.splits import LEAKY_SCHEMES

    assert set(SPLIT_SCHEMES) <= set(run_groups.SPLIT_WORDS)
    assert run_groups.LEAKY_SCHEMES == LEAKY_SCHEMES
