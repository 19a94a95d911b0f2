"""Repeats on the Curves page: a mean curve a training, the runs behind it, or the run nearest to it."""

import json

import numpy as np
import pytest
import repeated_runs
from opened_pages import answer_of, given_to, text_of
from repeated_runs import Made

from cxrcore.measures.metrics import auroc, per_finding

PAGE, MAKE = "curves", repeated_runs.make


def runs_of(store):
    return list(store.runs()["run_id"][::-1])


def aurocs(store, run_ids):
    """(runs, findings) on test."""
    films = [store.predictions(store.chosen_set(run_id, "test")) for run_id in run_ids]
    return np.array([per_finding(auroc, one.labels, one.scores) for one in films])


def test_single_runs_are_drawn_until_the_switch_is_on(store, open_page):
    app = open_page(run=runs_of(store))
    assert len(given_to(app, "cxr_small_curves")["runs"]) == 6 and not app.toggle(key="together").value
    app.toggle(key="together").set_value(True).run()
    assert not app.exception
    names = [run["name"] for run in given_to(app, "cxr_small_curves")["runs"]]
    assert names == ["DenseNet-121 (3 runs)", "ResNet-18 (3 runs)"]


@pytest.mark.parametrize(("view", "name"), [("ROC", "recall at each false positive rate"),
                                            ("PR", "precision at each recall")])
def test_means_are_averaged_vertically_and_it_is_said(store, open_page, view, name):
    app = open_page(run=runs_of(store), together="true", view=view)
    given, text = given_to(app, "cxr_small_curves"), text_of(app)
    assert f"averaged vertically: mean {name}" in text and "±: standard deviation over seeds" in text
    assert len(given["panels"]) == 15 and {line["run"] for line in given["panels"][0]["lines"]} >= {0, 1}
    if view == "ROC":
        values = aurocs(store, runs_of(store)[:3])
        assert given["runs"][0]["words"] == f"{values.mean():.3f} ± {values.mean(axis=1).std(ddof=1):.3f}"
        assert given["panels"][1]["texts"][0] == f"{values[:, 1].mean():.3f}"
        assert f"macro AUROC, {values.mean():.3f}" in answer_of(app)


def test_a_large_chart_shows_the_runs_thin_and_both_spreads(store, open_page):
    app = open_page(run=runs_of(store), together="true", finding="Effusion", band="true")
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    lines = [trace["line"]["width"] for trace in chart["data"] if trace["mode"] == "lines"]
    assert sorted(lines) == [0, 0] + [1] * 6 + [3] * 2  # two bands, six runs, two means
    values = aurocs(store, runs_of(store)[:3])[:, 2]
    text = text_of(app)
    assert f"AUROC {values.mean():.3f} ± {values.std(ddof=1):.3f} over seeds, " in text and "over patients" in text
    assert "Thin: its runs" in text


@pytest.mark.parametrize("view", ["Scores", "Thresholds", "Reliability"])
def test_other_views_draw_the_run_nearest_to_the_mean(store, open_page, view):
    app = open_page(run=runs_of(store), together="true", view=view)
    means = [aurocs(store, runs_of(store)[3 * k:3 * k + 3]).mean(axis=1) for k in range(2)]
    nearest = [int(np.abs(own - own.mean()).argmin()) for own in means]
    text = text_of(app)
    assert f"DenseNet-121 · seed {nearest[0]}, ResNet-18 · seed {nearest[1]}." in text
    assert len(given_to(app, "cxr_small_curves")["runs"]) == 2


def test_more_than_six_runs_are_drawn_by_trainings(own_store, open_page):
    repeated_runs.make(own_store.path, [Made("vgg16", seeds=(4,), weaker=0.1)])
    app = open_page(run=runs_of(own_store))
    assert "7 runs of 3 trainings" in text_of(app) and not app.error
    given = given_to(app, "cxr_small_curves")
    assert [run["name"] for run in given["runs"]][2] == "VGG16 · seed 4" and "±" not in given["runs"][2]["words"]
    assert len({run["colour"] for run in given["runs"]}) == 3
