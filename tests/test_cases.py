"""Cases: the films behind a count, their order, and the page that shows them."""

import numpy as np
import pytest
import scored_runs
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix
from streamlit.testing.v1 import AppTest

from cxrcore import cases
from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.findings import FINDINGS
from cxrcore.store import Store
from cxrcore.ui import cases_view
from cxrcore.ui.cases_view import ALL_MISS, CELLS, DISAGREE, NEAREST

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


def test_the_nearest_comes_first_on_a_logit_scale():
    scores = np.array([0.5, 0.02, 0.009], np.float32)
    assert cases.nearest(np.array([1, 0, 1.0]), scores, 0.01).tolist() == [2, 1, 0]


def test_films_that_all_miss_and_films_that_part_the_runs():
    labels = np.array([1, 1, 1, 0.0])
    one, two = np.array([0.1, 0.4, 0.9, 0.9], np.float32), np.array([0.2, 0.1, 0.1, 0.1], np.float32)
    assert cases.missed_by_all(labels, [one, two], [0.5, 0.5]).tolist() == [0, 1]
    assert sorted(cases.disagreements(labels, [one, two], [0.5, 0.5]).tolist()) == [2, 3]


# -- the page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return scored_runs.make(tmp_path_factory.mktemp("cases") / "store.duckdb", 200, 600, 2)


@pytest.fixture
def store(made) -> Store:
    path = default_store()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.path.read_bytes())
    return Store(path)


@pytest.fixture
def open_page():
    def open_page(**link) -> AppTest:
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60).run()
        for name, value in link.items():
            app.query_params[name] = value
        app.switch_page("pages/cases.py").run()
        assert not app.exception, app.exception[0].value
        return app

    return open_page


def text_of(app) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.error, app.warning)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("which", [*CELLS, NEAREST, ALL_MISS, DISAGREE])
def test_every_choice_shows_films_and_counts(store, open_page, which):
    app = open_page(run=list(store.runs()["run_id"]), finding="Effusion")
    app.selectbox(key="films").set_value(which).run()
    assert not app.exception and "Missed:" in text_of(app) and "600 films" in text_of(app)


def test_counts_are_those_at_the_thresholds_of_the_link(store, open_page):
    run_id = store.runs()["run_id"][0]
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    alarm = held.scores[:, 2].astype(np.float64) >= 0.25
    missed = int(((held.labels[:, 2] == 1) & ~alarm).sum())
    text = text_of(open_page(run=run_id, finding="Effusion", t="Effusion:0.25"))
    assert f"Effusion: {missed:,} missed films" in text and f"Missed: {missed:,}." in text
    assert f"False alarms: {int(((held.labels[:, 2] == 0) & alarm).sum()):,}." in text and "by hand" in text


def test_tiles_lead_to_the_explanation_with_runs_and_thresholds(store, open_page):
    run_id = store.runs()["run_id"][0]
    app = open_page(run=run_id, finding="Effusion", t="Effusion:0.25")
    tiles = "".join(element.proto.body for element in app.get("html"))
    assert tiles.count("<figure") <= cases_view.A_PAGE and "no picture" in tiles
    assert f"explain?run={run_id}&amp;t=Effusion%3A0.25&amp;film=" in tiles and "&amp;finding=Effusion" in tiles


def test_pages_go_through_all_films(store, open_page):
    app = open_page(run=store.runs()["run_id"][0], finding="Effusion", films="Left alone")
    first = "".join(element.proto.body for element in app.get("html"))
    app.number_input(key="page").set_value(2).run()
    assert not app.exception and "".join(element.proto.body for element in app.get("html")) != first


def test_unknown_choices_are_said(store, open_page):
    assert "not here" in text_of(open_page(run=store.runs()["run_id"][0], films="Everything"))
    assert "no threshold set" in text_of(open_page(run=store.runs()["run_id"][0], set="gone"))
    assert "not a number" in text_of(open_page(run=store.runs()["run_id"][0], t="Effusion:often"))


def test_the_download_holds_every_film(store):
    assert list(FINDINGS).index("Effusion") == 2
    run_id = store.runs()["run_id"][0]
    sets = store.prediction_sets(run_id)
    held = store.predictions(sets[sets["split"] == "test"]["prediction_id"].iloc[0])
    rows = cases.in_cell(held.labels[:, 2], held.scores[:, 2], 0.25, "fp")
    table = cases_view.table(cases_view.Cases(held, rows, 0.25, "Effusion"), "False alarms")
    assert len(table) == len(rows) and (table["score"] >= 0.25).all() and (table["label"] == 0).all()
