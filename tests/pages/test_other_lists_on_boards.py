"""Thresholds, Cases, Explain, Present, Data and Import with lists of twenty and five findings, and other labels."""

import json
from types import SimpleNamespace

import numpy as np
import other_lists
import pandas as pd
import pytest
import scored_runs
from opened_pages import answer_of, open_page, text_of
from other_lists import FIVE, TWENTY
from told_board import Browser

from cxrcore.charts.look import RunStyle
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.derived import derived_threshold
from cxrcore.measures.metrics import confusion
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import evaluated_runs, from_store
from cxrcore.queries.board_state import read_state
from cxrcore.store import Store
from cxrcore.ui.explain import score_views, stage
from cxrcore.ui.present.data import MOST_ROWS, at_both_ends
from cxrcore.ui.present.slides import SLIDES
from cxrcore.ui.thresholds import one_set, set_popover

MAKE = other_lists.make_both
LISTS = pytest.mark.parametrize("findings", [TWENTY, FIVE], ids=["twenty", "five"])


def run_of(store: Store, findings) -> str:
    return other_lists.run_ids(store, findings)[0]


def predictions(store: Store, findings, part: str):
    sets = store.prediction_sets(run_of(store, findings)).set_index("split")
    return store.predictions(sets.at[part, "prediction_id"])


@pytest.fixture
def browser(monkeypatch) -> Browser:
    return Browser(monkeypatch)


# -- the board


@LISTS
def test_the_board_has_a_row_for_each_finding_and_is_saved_and_exchanged_by_name(own_store, browser, findings):
    run_id, last = run_of(own_store, findings), findings[-1]
    browser.open(own_store, run=run_id, finding=last)
    val = predictions(own_store, findings, "val")
    fitted = fitting.max_f1(val.labels, val.scores, findings).thresholds
    assert browser.findings == list(findings) and browser.board["open"] == last
    assert browser.thresholds == fitted.tolist()
    browser.drag(last, 0.25)
    assert browser.pairs == [f"{last}:0.25@test"]
    file = browser.exported()
    assert file.findings == findings and file.thresholds[-1] == 0.25
    browser.press("sets_save_go")
    row = own_store.threshold_sets(run_id).iloc[0]
    assert row["thresholds"].tolist() == [*fitted[:-1], 0.25]
    mapping = dict.fromkeys(map(display_name, reversed(findings)), 0.125)
    browser.import_file(json.dumps(mapping))
    assert browser.thresholds == [0.125] * len(findings)
    refused = json.dumps({"Toe": 0.5}).encode()
    browser.app.file_uploader(key="sets_file").set_value(("toes.json", refused, "application/json")).run()
    assert len(browser.app.error) == 1 and "no finding among its names" in browser.app.error[0].value


def test_runs_of_different_lists_stand_on_the_findings_that_they_share(store, browser):
    browser.open(store, run=[run_of(store, TWENTY), run_of(store, FIVE)])
    assert browser.findings == [finding for finding in TWENTY if finding in FIVE]
    text = text_of(browser.app)
    assert "the 4 that all of them have" in text and "Left out: Atelectasis, Cardiomegaly" in text
    assert len(browser.board["others"][0]["findings"]) == 4


def test_a_finding_that_the_run_does_not_have_is_said(store):
    for page in ("thresholds", "cases"):
        app = open_page(page, run=run_of(store, FIVE), finding="Hernia")
        assert len(app.error) == 1 and "Hernia" in app.error[0].value
    app = open_page("thresholds", run=run_of(store, FIVE), t="Hernia:0.5")
    assert "thresholds cannot be read" in app.error[0].value


def test_changes_are_shown_against_the_films_that_moved(store, browser):
    found, k = predictions(store, FIVE, "test"), FIVE.index("Old_fracture")
    browser.open(store, run=run_of(store, FIVE)).drag("Old_fracture", 1.0)
    assert "Old fracture" in text_of(browser.app) and "no film changed side" not in text_of(browser.app)
    assert found.findings[k] == "Old_fracture"


# -- labels of other findings


@pytest.fixture(scope="module")
def experts(tmp_path_factory):
    """A store, and its run read against experts who read three findings of NIH's and one that is made of two."""
    store = scored_runs.make(tmp_path_factory.mktemp("experts") / "store.duckdb", 200, 300)
    read = store.labels(scored_runs.DATASET)[["Mass", "Effusion"]].iloc[::2]
    both = store.labels(scored_runs.DATASET)[["Nodule", "Mass"]].iloc[::2].max(axis=1)
    labels = store.save_label_set(scored_runs.DATASET, "experts", read.assign(Nodule_or_mass=both),
                                  derived_from={"Nodule_or_mass": ["Nodule", "Mass"]})
    overview = from_store.overview(store)
    [run] = evaluated_runs.evaluated(overview.runs, overview, {overview.runs["run_id"].iloc[0]: "run"}, "test",
                                     "experts")
    assert run.labels == labels
    return store, run


def test_a_set_of_other_labels_is_saved_with_every_finding_of_the_data_set(experts):
    store, run = experts
    state = read_state(store, run, None, None, ["Mass:0.3@test", "Edema:0.2@val", "Nodule_or_mass:0.4@test"])
    assert state.thresholds[[0, 2]].tolist() == [0.3, 0.4]
    whole, part, board = one_set.whole_board(store, run, "test", state)
    expected = from_store.fitted(store, run.run_id, run.read_own("val"), "max_f1", None).thresholds.copy()
    expected[[NIH_FINDINGS.index("Mass"), NIH_FINDINGS.index("Edema")]] = 0.3, 0.2
    made = one_set.as_one_set(whole, part, board)
    assert board.findings == NIH_FINDINGS and made.thresholds.tolist() == expected.tolist()
    assert made.part == "test" and list(made.parameters["changed"]) == ["Mass", "Edema"]
    assert "Not in it: Nodule or mass" in one_set.left_out_in_words(run, state)
    file = set_popover.as_file(store, run, "test", state)
    assert file.findings == NIH_FINDINGS and file.thresholds.tolist() == expected.tolist()
    own = read_state(store, run.with_own_labels("test"), None, None, [])
    assert one_set.left_out_in_words(run.with_own_labels("test"), own) == ""


def test_a_file_leads_what_is_made_of_its_findings(experts, monkeypatch):
    store, run = experts
    taken = []
    monkeypatch.setattr(set_popover.session, "put_on_board", lambda run, part, before, after: taken.append(after))
    state = read_state(store, run, None, None, [])
    file = set_popover.parse_file(run, "test", json.dumps(dict.fromkeys(NIH_FINDINGS, 0.5)).encode())
    set_popover._take_file(store, run, "test", state, file)
    [after] = taken
    assert after.thresholds.tolist() == [0.5, 0.5, derived_threshold(np.array([0.5, 0.5]))]
    assert after.elsewhere["Edema"] == "0.5"


def test_measures_are_those_on_the_films_that_were_read(experts):
    store, run = experts
    table = set_popover.measures_table(store, run, "test", read_state(store, run, "fixed:0.2", None, []))
    read = store.predictions(run.prediction_id("test"), "experts")
    counts = confusion(read.labels, read.scores, np.full(3, 0.2))
    assert table["finding"].tolist() == ["Mass", "Effusion", "Nodule_or_mass"]
    assert table["tp"].tolist() == counts.tp.tolist() and table["fp"].tolist() == counts.fp.tolist()


# -- other pages


@LISTS
def test_cases_of_a_finding_of_the_list(store, findings):
    app = open_page("cases", run=run_of(store, findings), finding="Old fracture", films="False alarms")
    assert app.selectbox(key="finding").options == list(map(display_name, findings))
    assert "Old fracture" in answer_of(app) and not app.error


@LISTS
@pytest.mark.parametrize("slide", [one.name for one in SLIDES if one.name not in ("Maps", "Weighting")])
def test_every_slide_is_of_the_run_s_findings(store, findings, slide):
    app = open_page("present", run=run_of(store, findings), slide=slide)
    assert not app.error and len(app.header) == 1
    if slide == "Accuracy":
        assert f"{len(findings)} questions each" in text_of(app)


def test_a_slide_draws_both_ends_of_a_long_list():
    table = pd.DataFrame({"finding": [f"f{k}" for k in range(40)], "positives": np.arange(40),
                          "share": np.arange(40) / 100})
    drawn = at_both_ends(table)["finding"].tolist()
    half = MOST_ROWS // 2
    assert drawn == [*(f"f{k}" for k in range(1, 1 + half)), *(f"f{k}" for k in range(40 - half, 40))]
    assert at_both_ends(table[:20]).equals(table[:20])


@LISTS
def test_the_data_page_offers_the_findings_of_the_data_set(store, findings):
    app = open_page("data", data=other_lists.dataset_of(findings))
    charts = [one for one in app.get("bidi_component") if one.proto.component_name == "cxr_simple_chart"]
    assert not app.error and len(charts) >= 4


def test_an_import_says_how_many_findings_it_found(own_store):
    found = predictions(own_store, FIVE, "test")
    frame = pd.DataFrame({"image_id": found.image_ids} | dict(zip(FIVE[:4], found.scores.T[:4] / 2, strict=True)))
    app = open_page("import", run=run_of(own_store, FIVE))
    app.file_uploader(key="import_file").upload("theirs.csv", frame.to_csv(index=False).encode(), "text/csv").run()
    assert not app.exception and "4 of 5 findings" in text_of(app)


def test_scores_of_a_network_stand_in_its_own_order(store):
    overview = from_store.overview(store)
    rows = overview.runs[overview.runs["run_id"] == run_of(store, FIVE)]
    [run] = evaluated_runs.evaluated(rows, overview, {rows["run_id"].iloc[0]: "run"})
    state, style = read_state(store, run, None, None, []), RunStyle("#0072B2", "solid", "circle")
    network = ("Unheard_of", *reversed(FIVE[1:]))
    scores = np.linspace(0.1, 0.5, 5, dtype=np.float32)
    one = score_views.film_scores(store, run, style, network, scores, state)
    assert one.thresholds.tolist() == [0.5, *state.thresholds[:0:-1]]
    assert one.of("Mass") == (scores[3], one.thresholds[3])
    assert "0.5 for Unheard of" in one.source
    val = predictions(store, FIVE, "val")
    assert one.positives.tolist() == [0, *(val.labels == 1).sum(axis=0)[:0:-1]]
    assert np.isnan(one.percentile[0]) and one.percentile[1] == pytest.approx(
        100 * np.mean(val.scores[:, -1] <= scores[1]))
    other = score_views.film_scores(store, run, style, FIVE, scores, state)
    table = score_views.scores_table([one, other], {"Mass": True, "Effusion": False})
    assert table["Finding"].tolist()[:3] == ["Unheard of", "Rib notching", "Rib notching"]
    assert table.set_index("Finding").loc["Mass", "Label"].tolist() == ["yes", "yes"]
    assert pd.isna(table.at[0, "Label"])
    every = score_views.findings_of([one, other])
    assert every == [*network, *(finding for finding in FIVE if finding not in network)]
    shown = [stage._network(SimpleNamespace(scores=each, label="run", loaded=SimpleNamespace(findings=each.findings)),
                            SimpleNamespace(scores=each), every, None, False) for each in (one, other)]
    assert np.isnan(shown[1].scores[0]) and shown[1].scores[1:5].tolist() == scores[:0:-1].tolist()
    assert shown[1].notes[0] == "run does not know it." and shown[0].thresholds[0] == 0.5
