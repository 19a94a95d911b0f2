"""Repeats on the Thresholds page: more than six runs by trainings, and below the board what another seed moves."""

import json

import numpy as np
import pytest
import repeated_runs
from opened_pages import text_of
from read_runs import read_runs
from repeated_runs import Made

from cxrcore.measures.metrics import confusion
from cxrcore.queries.threshold_sets import DEFAULT, find_set
from cxrcore.ui.thresholds import board_component

PAGE, MAKE = "thresholds", repeated_runs.make
TITLE = "Over seeds: 3 runs of this training"


@pytest.fixture
def sent(monkeypatch):
    """The headers of the bytes that the board was given, the newest last."""
    headers = []

    def board(data, **callbacks):
        length = int.from_bytes(data[:4], "little")
        headers.append(json.loads(data[4:4 + length]))

    monkeypatch.setattr(board_component, "board", board)
    return headers


def runs_of(store):
    return list(store.runs()["run_id"][::-1])


def panel_of(app):
    return [one for one in app.expander if one.label.startswith("Over seeds")]


def test_the_panel_says_what_another_seed_moves(store, sent, open_page):
    app = open_page(run=runs_of(store)[:3], board_repeats="true")
    assert [one.label.startswith(TITLE) for one in panel_of(app)] == [True]
    app.session_state["board_repeats"] = True
    app.run()
    assert not app.exception
    [frame] = [one.value for one in app.dataframe if "threshold_sd" in one.value.columns]
    thresholds, scores = [], []
    for run in read_runs(store, runs_of(store)[:3]):
        films, at = store.predictions(run.prediction_id("test")), find_set(store, run, DEFAULT).thresholds
        thresholds.append(at)
        scores.append(confusion(films.labels, films.scores, at).f1)
    row = frame.iloc[1 + 2]
    assert row["finding"] == "Effusion" and row["threshold"] == pytest.approx(np.mean(thresholds, axis=0)[2])
    assert row["threshold_sd"] == pytest.approx(np.std(thresholds, axis=0, ddof=1)[2])
    assert row["f1"] == pytest.approx(np.mean(scores, axis=0)[2])
    assert row["f1_sd"] == pytest.approx(np.std(scores, axis=0, ddof=1)[2])
    macro = frame.iloc[0]
    assert macro["f1_low"] < macro["f1"] < macro["f1_high"] and np.isnan(macro["threshold"])
    assert f"macro F1 {macro['f1']:.3f} ± {macro['f1_sd']:.3f} over seeds" in text_of(app).replace("*", "")


def test_without_repeats_nothing_is_added(store, sent, open_page):
    assert not panel_of(open_page(run=[runs_of(store)[0], runs_of(store)[3]]))
    assert not panel_of(open_page(run=runs_of(store)[0]))


def test_more_than_six_runs_lie_beside_the_board_by_trainings(own_store, sent, open_page):
    repeated_runs.make(own_store.path, [Made("vgg16", seeds=(4,), weaker=0.1)])
    runs = runs_of(own_store)
    app = open_page(run=runs)
    assert [one["name"] for one in sent[-1]["others"]] == ["ResNet-18 · seed 0", "VGG16 · seed 4"]
    assert "7 runs: of each training the first." in text_of(app) and panel_of(app)
    app.selectbox(key="lab_run").set_value(runs[4]).run()  # another run in focus leaves the others in the link
    assert not app.exception and set(app.query_params["run"]) == set(runs) and app.query_params["run"][0] == runs[4]
    app.multiselect(key="lab_others").set_value([runs[6]]).run()
    assert set(app.query_params["run"]) == {*runs[3:]}
