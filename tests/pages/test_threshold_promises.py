"""Promises for new patients on the Thresholds page: made in the popover, on the board, and read beside test."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scored_runs
from opened_pages import open_page
from told_board import Browser

from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.decisions.promise_record import promise_of
from cxrcore.queries.decisions.promises import read_promise
from cxrcore.ui.thresholds.promise_kept import kept_in_words

MAKE = partial(scored_runs.make, n_val=300, n_test=400, n_runs=2)
EFFUSION = NIH_FINDINGS.index("Effusion")


@pytest.fixture
def browser(monkeypatch) -> Browser:
    return Browser(monkeypatch)


def said(browser) -> str:
    return "\n".join(one.value for kind in ("markdown", "caption", "warning") for one in browser.app.get(kind))


def saved_set(store):
    sets = store.threshold_sets(store.runs()["run_id"].iloc[-1])
    row = sets[sets["objective"] == "promise"].iloc[-1]
    return row, promise_of(json.loads(row["parameters"]))


def test_a_promise_for_all_findings_is_saved_put_on_the_board_and_read_on_test(own_store, browser):
    browser.open(own_store)
    browser.app.number_input(key="promise_bound").set_value(0.8)
    browser.press("promise_go")
    row, kept = saved_set(own_store)
    assert browser.link("set") == [row["set_id"]] and browser.thresholds == list(row["thresholds"])
    assert not browser.app.session_state["fit_options"]  # the popover is closed
    table = read_promise(own_store, own_store.runs()["run_id"].iloc[-1], row["set_id"]).table
    shown = next(one.value for one in browser.app.dataframe if "Promised" in str(one.proto.columns))
    possible = [finding for finding in NIH_FINDINGS if kept.findings[finding].threshold is not None]
    assert possible and shown["finding"].tolist() == [display_name(finding) for finding in possible]
    np.testing.assert_array_equal(shown["measured"], table.set_index("finding").loc[possible, "measured"])
    assert f"Promised for {len(possible)} of 14 findings" in browser.words
    text = said(browser)
    for finding in set(NIH_FINDINGS) - set(possible):
        assert f"- {display_name(finding)}: {kept.in_words(finding)}" in text
    told = browser.board["promised"]
    assert {finding: one["at"] for finding, one in told.items()} == {
        finding: one.threshold for finding, one in kept.findings.items()}
    assert told["Effusion"]["said"] == "Promised: recall ≥ 0.8 for new patients, confidence 0.95."
    assert told["Hernia"]["said"] == f"Nothing is promised: {kept.in_words('Hernia')}."
    assert kept.findings["Hernia"].threshold is None and "would do (recall 0.8, confidence 0.95)" in text


def test_a_line_that_is_dragged_keeps_no_promise(own_store, browser):
    browser.open(own_store)
    browser.app.number_input(key="promise_bound").set_value(0.8)
    browser.press("promise_go")
    _, kept = saved_set(own_store)
    n = sum(one.threshold is not None for one in kept.findings.values())
    told = browser.board["promised"]
    browser.drag("Effusion", 0.123)
    assert browser.board["promised"] == told  # the browser says it of a line that moved, and builds nothing anew
    assert f"Promised for {n - 1} of 14 findings" in browser.words


def test_a_promise_for_the_open_finding_alone_leaves_the_others_and_stands_in_the_link(own_store, browser):
    before = browser.open(own_store, finding="Effusion").thresholds
    assert browser.board["promised"] == {}
    browser.app.segmented_control(key="promise_for").set_value("The open finding")
    browser.press("promise_go")
    row, kept = saved_set(own_store)
    assert browser.pairs == [f"Effusion:set:{row['set_id']}@val"]
    expected = [*before]
    expected[EFFUSION] = kept.findings["Effusion"].threshold
    assert browser.thresholds == expected and "Promised for 1 of 14 findings" in browser.words
    assert list(browser.board["promised"]) == ["Effusion"]
    again = Browser.open(browser, own_store, t=browser.pairs)
    assert again.thresholds == expected and "Effusion: recall ≥ 0.9 for new patients" in again.words


def test_what_is_impossible_for_the_open_finding_changes_nothing_and_says_how_many_would_do(own_store, browser):
    before = browser.open(own_store, finding="Hernia").thresholds
    browser.app.segmented_control(key="promise_for").set_value("The open finding")
    browser.press("promise_go")
    assert browser.thresholds == before and not browser.pairs
    assert "would do" in browser.app.error[0].value and "The board is unchanged" in browser.app.error[0].value


def test_a_promise_on_a_random_split_is_void_and_says_why(own_store, browser):
    with own_store._write() as connection:
        connection.execute("UPDATE runs SET split_scheme = 'random'")
    browser.open(own_store)
    assert "It would be void. The training saw other films of these patients" in said(browser)
    browser.press("promise_go")
    assert "Void as a promise: The training saw other films of these patients" in browser.words
    shown = next(one.value for one in browser.app.dataframe if "Promised" in str(one.proto.columns))
    assert shown["promised"].isna().all()  # nothing is promised
    told = browser.board["promised"]["Effusion"]
    assert told["at"] is None and told["said"].startswith("Void as a promise of recall ≥ 0.9 for new patients")


def test_verdicts_are_counted_in_words(own_store):
    rows = pd.DataFrame({"verdict": ["kept", "kept", "not kept", ""]})
    assert kept_in_words(rows) == "2 kept, 1 not kept."
    assert kept_in_words(rows.iloc[3:]) == ""


# -- the planner


@pytest.mark.parametrize(("page", "n_tables"), [("thresholds", 2), ("compare", 2)])
def test_the_planner_is_folded_at_rest_and_says_what_a_question_takes(store, page, n_tables):
    app = open_page(page, run=store.runs()["run_id"].tolist())
    tables = len(app.dataframe)
    assert "For a promise" not in "\n".join(one.value for one in app.markdown)
    app.session_state["planner"] = True
    app.run()
    assert not app.exception and len(app.dataframe) == tables + n_tables
    text = "\n".join(one.value for one in app.markdown)
    assert "29 patients if all of them are right" in text and "Another seed, or more patients?" in text
    assert "in paired draws" in text
