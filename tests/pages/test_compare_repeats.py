"""Repeats on the Compare page: below single runs, or in place of them, without a browser."""

import json
import re

import numpy as np
import opened_pages
import pytest
import repeated_runs
from opened_pages import answer_of, given_to, text_of
from repeated_runs import Made
from seeded_runs import add_run, make_store

from cxrcore.config import default_store

PAGE, MAKE = "compare", repeated_runs.make
MEASURES = ("AUROC", "F1", "Precision", "ECE")


def runs_of(store):
    return list(store.runs()["run_id"][::-1])


def tables_of(app):
    """What each table of the page was given."""
    return [json.loads(one.proto.json or one.proto.mixed.json) for one in app.get("bidi_component")
            if one.proto.component_name == "cxr_compare_table"]


def test_six_runs_stand_one_by_one_and_their_trainings_below(store, open_page):
    app = open_page(run=runs_of(store))
    runs, repeats = tables_of(app)
    assert [column["kind"] for column in runs["columns"]].count("value") == 6
    assert [column["kind"] for column in repeats["columns"]] == [
        "films", "value", "value", "difference", "seeds", "verdict"]
    assert [column["name"] for column in repeats["columns"][1:3]] == ["DenseNet-121 (3 runs)", "ResNet-18 (3 runs)"]
    text = text_of(app)
    assert "Repeats: alike in all recorded settings but the seed" in text and "Welch's" in text
    assert "how far other patients would move it" in text and not app.toggle(key="together").value


def test_without_repeats_the_page_is_as_ever(store, open_page):
    app = open_page(run=runs_of(store)[2:4])
    assert not [one for one in app.toggle if one.key == "together"] and len(tables_of(app)) == 1
    assert "over seeds" not in answer_of(app) and "Repeats" not in text_of(app)
    assert not any("spread" in cell for row in tables_of(app)[0]["rows"] for cell in row["cells"])


@pytest.mark.parametrize("by", MEASURES)
def test_a_switch_shows_means_in_place_of_runs(store, open_page, by):
    app = open_page(run=runs_of(store), together="true", by=by)
    (given,) = tables_of(app)
    macro = given["rows"][0]["cells"]
    singles = tables_of(open_page(run=runs_of(store), by=by))[0]["rows"][0]["cells"][1:7]
    for cell, own in zip(macro[1:3], (singles[:3], singles[3:]), strict=True):
        values = [one["by"] for one in own]
        assert cell["by"] == pytest.approx(np.mean(values)) and cell["interval"]
        assert cell["spread"] == f"± {np.std(values, ddof=1):.3f}"
    assert re.fullmatch(r"\S+ to \S+", macro[4]["text"])  # over seeds
    said = answer_of(app)
    assert "DenseNet-121 (3 runs)" in said and "over seeds" in said
    assert app.toggle(key="together").value and not app.exception


def test_the_switch_can_be_turned_off_again(store, open_page):
    app = open_page(run=runs_of(store), together="true", against="ResNet-18 (3 runs)")
    assert app.selectbox(key="against").value == "ResNet-18 (3 runs)"
    app.toggle(key="together").set_value(False).run()
    assert not app.exception and not app.error and app.selectbox(key="against").value == "DenseNet-121 · seed 0"


def test_more_than_six_runs_are_shown_by_trainings(own_store, open_page):
    repeated_runs.make(own_store.path, [Made("vgg16", weaker=0.1), Made("vit_b_16", seeds=(7,), weaker=0.2)])
    app = open_page(run=runs_of(own_store))
    assert "10 runs of 4 trainings" in text_of(app) and not [one for one in app.toggle if one.key == "together"]
    (given,) = tables_of(app)
    names = [column["name"] for column in given["columns"] if column["kind"] == "value"]
    assert names == ["DenseNet-121 (3 runs)", "ResNet-18 (3 runs)", "VGG16 (3 runs)", "ViT-B/16 · seed 7"]
    alone = given["rows"][0]["cells"][4]
    assert "spread" not in alone and alone["text"] != "–"
    over_seeds = [cell for column, cell in zip(given["columns"], given["rows"][0]["cells"], strict=True)
                  if column["kind"] == "seeds"]
    assert [cell["text"] == "–" for cell in over_seeds] == [False, False, True] and "one run" in over_seeds[2]["why"]
    looks = re.findall(r"color-mix\(in srgb, (#\w+) 22%", "".join(one.proto.body for one in app.get("html")))
    assert len(looks) == 10 and len(set(looks[:3])) == 1 and len({*looks[::3]}) == 4  # a colour a training


def test_many_runs_look_on_runs_as_on_compare(own_store, open_page):
    """Some 6 s."""
    repeated_runs.make(own_store.path, [Made("vgg16", weaker=0.1), Made("vit_b_16", seeds=(7,), weaker=0.2)])
    chosen = runs_of(own_store)
    (compared,) = tables_of(open_page(run=chosen))
    marks = [column["mark"] for column in compared["columns"] if column["kind"] == "value"]
    app = opened_pages.open_page("runs", run=chosen)
    rows = {one["id"]: one for row in given_to(app, "cxr_leaderboard")["rows"] for one in row.get("rows", [row])}
    worn = [rows[run_id]["look"]["mark"] for run_id in chosen]
    assert worn == [mark for mark, n in zip(marks, (3, 3, 3, 1), strict=True) for _ in range(n)] and len({*marks}) == 4
    assert all(mark in "".join(one.proto.body for one in app.get("html")) for mark in marks)  # the picker's too


def test_trainings_too_many_are_cut_and_it_is_said(open_page):
    few = make_store(default_store())
    runs = [add_run(few, f"rate {place} · seed {seed}", seed=seed, lr=10.0 ** -place)
            for place in range(1, 8) for seed in (0, 1)]
    app = open_page(run=runs)
    assert "14 runs of 7 trainings, of which the first 6 are compared." in text_of(app)
    assert [column["kind"] for column in tables_of(app)[0]["columns"]].count("value") == 6


def test_what_is_folded_away_says_which_run_stands_for_a_training(store, open_page):
    app = open_page(run=runs_of(store), together="true", cost="GMACs")
    assert not app.exception
    given = given_to(app, "cxr_compare_table")
    assert given["tall"] and given["columns"][3]["minus"] == "DenseNet-121 (3 runs)"
