"""Cases: the films behind a count, their order, and the page that shows them."""

from functools import partial

import numpy as np
import pytest
import scored_runs
from hypothesis import given
from hypothesis import strategies as st
from opened_pages import answer_of, text_of
from read_runs import read_runs
from sklearn.metrics import confusion_matrix

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import cases
from cxrcore.measures.thresholds.positions import counts_at, sort_scores
from cxrcore.measures.thresholds.told_apart import compared
from cxrcore.queries.board_state import read_state
from cxrcore.queries.threshold_sets import find_set
from cxrcore.ui.cases import film_list
from cxrcore.ui.cases.controls import A_PAGE, ALL_MISS, CELLS, DISAGREE, NEAREST

PAGE, MAKE = "cases", partial(scored_runs.make, n_val=200, n_test=600, n_runs=2)
LABELS = np.array([1, 1, 1, 0, 0, 0, np.nan])
SCORES = np.array([0.9, 0.2, 0.1, 0.8, 0.6, 0.3, 0.95], np.float32)


@pytest.mark.parametrize(("cell", "rows"), [("fn", [2, 1]), ("fp", [3, 4]), ("tp", [0]), ("tn", [5])])
def test_a_cell_holds_its_films_worst_first(cell, rows):
    assert cases.in_cell(LABELS, SCORES, 0.5, cell).tolist() == rows


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.floats(0, 1, width=32)), min_size=1, max_size=40),
       st.floats(0, 1))
def test_cells_are_scikit_learns(films, threshold):
    labels, scores = np.array([a for a, _ in films], float), np.array([b for _, b in films], np.float32)
    tn, fp, fn, tp = confusion_matrix(labels, scores.astype(np.float64) >= threshold, labels=[0, 1]).ravel()
    sizes = {cell: len(cases.in_cell(labels, scores, threshold, cell)) for cell in cases.CELLS}
    assert sizes == {"fn": fn, "fp": fp, "tp": tp, "tn": tn}


@given(st.lists(st.tuples(st.sampled_from([0, 1, np.nan]), st.just(np.nan) | st.floats(0, 1, width=32)), max_size=40),
       st.floats(0, 1))
def test_cells_are_the_boards_where_labels_and_scores_are_missing(films, threshold):
    labels, scores = np.array([a for a, _ in films], float), np.array([b for _, b in films], np.float32)
    counts = counts_at([sort_scores(labels, scores)], np.array([threshold]))
    for cell in cases.CELLS:
        assert len(cases.in_cell(labels, scores, threshold, cell)) == getattr(counts, cell)[0]


def test_the_nearest_comes_first_on_a_logit_scale():
    scores = np.array([0.5, 0.02, 0.009], np.float32)
    assert cases.nearest(np.array([1, 0, 1.0]), scores, 0.01).tolist() == [2, 1, 0]


def test_films_that_all_miss_and_films_that_part_the_runs():
    labels = np.array([1, 1, 1, 0.0])
    one, two = np.array([0.1, 0.4, 0.9, 0.9], np.float32), np.array([0.2, 0.1, 0.1, 0.1], np.float32)
    assert cases.missed_by_all(labels, [one, two], [0.5, 0.5]).tolist() == [0, 1]
    assert sorted(cases.disagreements(labels, [one, two], [0.5, 0.5]).tolist()) == [2, 3]


def test_a_film_without_a_score_is_neither_missed_nor_disputed():
    labels, one, two = np.ones(3), np.array([0.1, np.nan, 0.9], np.float32), np.array([0.1, 0.1, np.nan], np.float32)
    assert cases.missed_by_all(labels, [one, two], [0.5, 0.5]).tolist() == [0]
    assert cases.disagreements(labels, [one, two], [0.5, 0.5]).tolist() == []


def test_the_most_evenly_parted_come_first():
    runs = np.array([[0.9, 0.9, 0.9], [0.1, 0.9, 0.9], [0.1, 0.1, 0.1], [0.1, 0.2, 0.01]], np.float32)
    # votes of 1, 2 and 2 of 4 runs; the last film is placed further apart
    assert cases.disagreements(np.zeros(3), list(runs), [0.5] * 4).tolist() == [2, 1, 0]


@pytest.mark.parametrize(("score", "threshold", "said"), [
    (0.00737, 0.4162, "0.00737 < 0.416"), (0.41584, 0.4162, "0.4158 < 0.4162"), (0.25, 0.25, "0.25 ≥ 0.25"),
    (np.nextafter(0.25, 1), 0.25, "0.2500000000000001 ≥ 0.25")])
def test_a_score_is_told_from_its_threshold(score, threshold, said):
    assert compared(score, threshold) == said


# -- the page


def said_by(app) -> str:
    """All that the page says, its answer first."""
    there = any("data-first-content" in element.proto.body for element in app.get("html"))
    return f"{answer_of(app)}\n{text_of(app)}" if there else text_of(app)


def walls_of(app) -> list[str]:
    return [element.proto.body for element in app.get("html") if "films" in element.proto.body]


@pytest.mark.parametrize("which", [*CELLS, NEAREST, ALL_MISS, DISAGREE])
def test_every_choice_shows_films_and_counts(store, open_page, which):
    app = open_page(run=list(store.runs()["run_id"]), finding="Effusion")
    app.selectbox(key="films").set_value(which).run()
    assert not app.exception and "Missed:" in said_by(app) and "600 films" in said_by(app)


def test_counts_are_those_at_the_thresholds_of_the_link(store, open_page):
    run_id = store.runs()["run_id"][0]
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    alarm = held.scores[:, 2].astype(np.float64) >= 0.25
    missed = int(((held.labels[:, 2] == 1) & ~alarm).sum())
    text = said_by(open_page(run=run_id, finding="Effusion", t="Effusion:0.25"))
    assert f"Effusion: {missed:,} missed films" in text and f"Missed: {missed:,}." in text
    assert f"False alarms: {int(((held.labels[:, 2] == 0) & alarm).sum()):,}." in text and "by hand" in text


def test_tiles_lead_to_the_explanation_with_runs_and_thresholds(store, open_page):
    run_id = store.runs()["run_id"][0]
    app = open_page(run=run_id, finding="Effusion", t="Effusion:0.25")
    tiles = "".join(element.proto.body for element in app.get("html"))
    assert tiles.count("<figure") <= A_PAGE and "no picture" in tiles
    assert f"explain?run={run_id}&amp;t=Effusion%3A0.25&amp;film=" in tiles and "&amp;finding=Effusion" in tiles


def test_pages_go_through_all_films(store, open_page):
    app = open_page(run=store.runs()["run_id"][0], finding="Effusion", films="Left alone")
    first = "".join(element.proto.body for element in app.get("html"))
    app.number_input(key="page").set_value(2).run()
    assert not app.exception and "".join(element.proto.body for element in app.get("html")) != first


def test_other_films_begin_at_their_first_page(store, open_page):
    app = open_page(run=store.runs()["run_id"][0], finding="Effusion", films="Left alone", page="3")
    assert app.number_input(key="page").value == 3
    app.selectbox(key="films").set_value("False alarms").run()
    assert not app.exception and app.number_input(key="page").value == 1


@pytest.mark.parametrize("page", ["0", "often", "9999"])
def test_a_page_that_is_not_there_is_the_first(store, open_page, page):
    assert open_page(run=store.runs()["run_id"][0], page=page).number_input(key="page").value == 1


def test_another_run_leaves_thresholds_set_by_hand_behind(store, open_page):
    one, other = store.runs()["run_id"][:2]
    app = open_page(run=one, finding="Effusion", t="Effusion:0.25", set="youden@val")
    app.selectbox(key="cases_run").set_value(other).run()
    assert not app.exception and not app.error and "by hand" not in said_by(app)
    assert (app.query_params["run"], app.query_params["set"]) == (other, "youden@val")
    assert "t" not in app.query_params


def test_films_of_several_runs_ask_for_a_second_run(store, open_page):
    one, other = store.runs()["run_id"][:2]
    app = open_page(run=one, finding="Effusion", films=DISAGREE)
    assert "takes two runs or more" in said_by(app) and not walls_of(app)
    app.multiselect(key="cases_others").set_value([other]).run()
    assert not app.exception and walls_of(app)
    assert "films on which runs disagree" in said_by(app) and "600 films are shared" in said_by(app)


def test_what_all_runs_miss_each_of_them_misses(store):
    runs = read_runs(store)
    shown = film_list.choose(store, runs, "test", read_state(store, runs[0], None, None, []), "Effusion", ALL_MISS)
    table = film_list.films_table(shown, ALL_MISS)
    other = runs[1].run_id
    assert len(table) and (table["label"] == 1).all() and not table["alarm"].any()
    assert (table[f"score_{other}"] < table[f"threshold_{other}"]).all()
    fitted = find_set(store, runs[1], "max_f1@val").thresholds[NIH_FINDINGS.index("Effusion")]
    assert table[f"threshold_{other}"].unique().tolist() == [fitted]


def test_a_threshold_that_cannot_be_read_can_be_left(store, open_page):
    app = open_page(run=store.runs()["run_id"][0], finding="Effusion", set="gone")
    next(button for button in app.button if button.label == "Show the films without it").click().run()
    assert not app.exception and not app.error and "missed film" in said_by(app)


def test_a_finding_without_films_says_why_there_are_none(tmp_path, monkeypatch, open_page):
    hernia = NIH_FINDINGS.index("Hernia")
    store = scored_runs.make(tmp_path / "empty" / "store.duckdb", 100, 200, 1, empty=(hernia,))
    monkeypatch.setenv("CXR_STORE", str(store.path))
    text = said_by(open_page(finding="Hernia"))
    assert "Hernia: 0 missed films" in text and "labelled as with Hernia" in text


def test_unknown_choices_are_said(store, open_page):
    assert "not here" in said_by(open_page(run=store.runs()["run_id"][0], films="Everything"))
    assert "no threshold set" in said_by(open_page(run=store.runs()["run_id"][0], set="gone"))
    assert "not a number" in said_by(open_page(run=store.runs()["run_id"][0], t="Effusion:often"))


def test_the_download_holds_every_film(store):
    assert list(NIH_FINDINGS).index("Effusion") == 2
    run_id = store.runs()["run_id"][0]
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    rows = cases.in_cell(held.labels[:, 2], held.scores[:, 2], 0.25, "fp")
    table = film_list.films_table(film_list.Cases(held, rows, 0.25, "Effusion"), "False alarms")
    assert len(table) == len(rows) and (table["score"] >= 0.25).all() and (table["label"] == 0).all()


def test_a_film_that_was_missed_stands_in_colour_beside_what_was_missed(store, open_page):
    tiles = "".join(walls_of(open_page(run=store.runs()["run_id"][0], finding="Effusion", films="Missed")))
    assert tiles.count("<figure") == tiles.count("<em>Effusion</em>") == tiles.count("<b class=wrong>") > 0
    tiles = "".join(walls_of(open_page(run=store.runs()["run_id"][0], finding="Effusion", films="Found")))
    assert "<figure" in tiles and "<em>" not in tiles and "<b class=wrong>" not in tiles
