"""Pages of runs that were measured on another data set, whose list of findings is not theirs."""

import json

import chexpert_like
import numpy as np
import pytest
import scored_runs
from chexpert_like import ALONE, FINDINGS, SHARED
from opened_pages import answer_of, given_to, open_page, text_of
from told_leaderboard import Leaderboards

from cxrcore.charts.dot_rows import row_names
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.threshold_sets import DEFAULT, find_set
from cxrcore.store import Store

KNOWN = [finding for finding in FINDINGS if finding in SHARED]  # in the order of their own data set
WITHOUT_LABELS = [finding for finding in NIH_FINDINGS if finding not in SHARED]


def MAKE(path):
    store = scored_runs.make(path, 120, 160, 3)
    chexpert_like.add_external(store, runs_of(store)[:2])


def runs_of(store: Store) -> list[str]:
    """The run ids, the oldest first; the last was not measured elsewhere."""
    return list(store.runs()["run_id"][::-1])


def charts_of(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def parts_of(app):
    return [option.content for option in app.get("button_group")[0].proto.options]


def said_of_lists(app):
    (said,) = [one.value for one in app.info if "another data set" in one.value]
    return said


PAGES = ["compare", "curves", "thresholds", "subgroups", "cases"]


@pytest.mark.parametrize("page", PAGES)
def test_external_stands_only_where_a_run_was_measured_elsewhere(store, page):
    *_, inner = runs_of(store)
    assert parts_of(open_page(page, run=inner)) == ["Test", "Validation"]
    app = open_page(page, run=runs_of(store)[0])
    assert parts_of(app) == ["Test", "Validation", "External"] and "another data set" not in text_of(app)
    assert not open_page(page, run=inner, on="External").error


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_what_is_not_shared(store, page):
    app = open_page(page, run=runs_of(store)[:2], on="External")
    said = said_of_lists(app)
    assert "Our clinic, on the 7 findings that it shares" in said
    assert f"Without labels there: {', '.join(map(display_name, WITHOUT_LABELS))}." in said
    assert f"Without scores: {', '.join(map(display_name, ALONE))}." in said
    assert not app.error and not app.warning


def test_compare_measures_the_shared_findings_on_the_other_films(store):
    first, second, third = runs_of(store)
    app = open_page("compare", run=[first, second, third], on="External")
    values, differences = charts_of(app)[:2]
    rows = [[text.replace("<br>", " ") for text in chart["layout"]["yaxis"]["ticktext"]]
            for chart in (values, differences)]
    assert rows == [list(row_names(KNOWN))] * 2
    said = text_of(app)
    assert "**120 external films** of 60 patients" in said and "Our clinic · external films" in said
    assert "Unknown labels do not count: findings are measured on" in said
    assert "labels: mined from reports" in said and "no external predictions, only test and validation" in said


def test_thresholds_are_those_of_the_runs_own_validation_films(store):
    run_id = runs_of(store)[0]
    overview = from_store.overview(store)
    rows = overview.runs[overview.runs["run_id"] == run_id]
    own, = evaluated(rows, overview, {run_id: "one"}, "test")
    outside, = evaluated(rows, overview, {run_id: "one"}, "external")
    assert outside.findings == tuple(KNOWN) and outside.is_elsewhere("external") and not own.is_elsewhere("test")
    at = dict(zip(own.findings, find_set(store, own, DEFAULT).thresholds, strict=True))
    found = find_set(store, outside, DEFAULT)
    assert found.part == "val" and found.thresholds.tolist() == [at[finding] for finding in KNOWN]
    read = from_store.predictions(store, outside.read("external"))
    assert read.findings == tuple(KNOWN) and len(read.image_ids) == 120 and not np.isnan(read.scores).any()
    app = open_page("thresholds", run=run_id, on="External")
    assert "**max F1, fitted on validation**" in text_of(app) and "Read on **external, 120 films**" in text_of(app)
    assert not any("flatters" in one.value for one in app.markdown)


@pytest.mark.parametrize("view", ["ROC", "Reliability"])
def test_curves_are_of_the_shared_findings(store, view):
    app = open_page("curves", run=runs_of(store)[:2], on="External", view=view)
    titles = [panel["name"] for panel in given_to(app, "cxr_small_curves")["panels"] if panel["finding"]]
    assert titles == list(map(display_name, KNOWN)) and "external, 120 films" in text_of(app)


def test_a_board_shaped_on_other_films_is_saved_with_the_findings_of_the_run(own_store):
    run_id = runs_of(own_store)[0]
    app = open_page("thresholds", run=run_id, on="External", t=["Edema:0.31@external"])
    assert "1 by hand on external" in text_of(app)
    app.text_input(key="sets_name").set_value("for the clinic")
    app.button(key="sets_save_go").click().run()
    assert not app.exception and not app.error
    saved = own_store.threshold_sets(run_id).iloc[0]
    at = dict(zip(NIH_FINDINGS, saved["thresholds"], strict=True))
    assert saved["name"] == "for the clinic" and at["Edema"] == 0.31
    fitted = own_store.threshold_sets(run_id)
    fitted = dict(zip(NIH_FINDINGS, fitted[fitted["name"] == "max F1"].iloc[0]["thresholds"], strict=True))
    assert {finding: at[finding] for finding in NIH_FINDINGS if finding != "Edema"} == {
        finding: fitted[finding] for finding in NIH_FINDINGS if finding != "Edema"}


def test_the_runs_page_ranks_runs_on_their_own_data_set(store, monkeypatch):
    boards = Leaderboards(monkeypatch)
    said = answer_of(open_page("runs"))
    own = store.prediction_sets(runs_of(store)[0]).query("split == 'test'").iloc[0]
    assert len(boards.rows) == 1 and [len(rows) for rows in boards.rows] == [3]
    assert not any("external" in row["below"] for row in boards.rows[0]) and f"on {own['n']:,} test films" in said
