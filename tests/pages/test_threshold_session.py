"""What comes of a release in the browser: the link, undo, saving, files; with a stand-in for the browser's board."""

import json
from functools import partial

import numpy as np
import pytest
import scored_runs
import streamlit as st
from told_board import Browser

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store, threshold_file

MAKE = partial(scored_runs.make, n_val=300, n_test=400, n_runs=2)
MASS, NODULE = NIH_FINDINGS.index("Mass"), NIH_FINDINGS.index("Nodule")


@pytest.fixture
def browser(monkeypatch) -> Browser:
    return Browser(monkeypatch)


def set_of(store, split="test") -> str:
    sets = store.prediction_sets(store.runs()["run_id"].iloc[-1])
    return sets[sets["split"] == split]["prediction_id"].iloc[0]


# -- releases


def test_a_release_is_in_the_link_exactly_and_sends_the_board_nothing_new(store, browser):
    value = 0.1 + 0.2
    browser.open(store).drag("Mass", value)
    assert browser.pairs == [f"Mass:{value!r}@test"] and browser.link("finding") == ["Mass"]
    assert "1 by hand on test" in browser.words and "1 set by hand while looking at these films" in browser.words
    assert {one["id"] for one in browser.sent} == {browser.board["id"]}  # it has these thresholds already
    again = Browser.open(browser, store, t=browser.pairs)
    assert again.board["thresholds"][MASS] == value and value in again.ladders[MASS]


def test_who_leaves_at_once_finds_the_release_on_coming_back(store, browser):
    browser.open(store)
    with pytest.MonkeyPatch.context() as patch:  # another page is asked for before this one has read anything
        patch.setattr("cxrcore.queries.from_store.sorted_scores", lambda *_: st.stop())
        browser.drag("Mass", 0.4)
    browser.checked(browser.app.switch_page("pages/runs.py").run())
    for name in ("t", "finding"):  # links of the menu carry no parameters
        browser.app.query_params.pop(name, None)
    browser.checked(browser.app.switch_page("pages/thresholds.py").run())
    assert browser.board["thresholds"][MASS] == 0.4 and browser.pairs == ["Mass:0.4@test"]


def test_a_drag_back_to_the_set_leaves_the_link(store, browser):
    fitted = browser.open(store).thresholds
    browser.drag("Mass", 0.5).drag("Nodule", 0.4).drag("Mass", fitted[MASS])
    assert browser.pairs == ["Nodule:0.4@test"]
    browser.drag("Nodule", fitted[NODULE])
    assert not browser.pairs and "by hand" not in browser.words


def test_every_threshold_at_an_end_of_its_scale(store, browser):
    browser.open(store).release([0.0, 1.0] * 7)
    assert len(browser.pairs) == 14 and "14 by hand on test" in browser.words
    assert Browser.open(browser, store, t=browser.pairs).board["thresholds"] == [0.0, 1.0] * 7


def test_a_release_of_another_run_or_part_is_not_taken(store, browser):
    browser.open(store).release([0.3] * 14, of=set_of(store, "val"))
    assert not browser.pairs and "by hand" not in browser.words


def test_the_films_that_changed_side_stand_below(store, browser):
    held = store.predictions(set_of(store))
    before = browser.open(store).thresholds[MASS]
    browser.drag("Mass", 1.0)
    n = int((held.scores[:, MASS].astype(np.float64) >= before).sum())
    said = [one.value for one in browser.app.markdown if "changed side" in one.value]
    assert len(said) == 1 and "Mass" in said[0] and f"{n:,} film" in said[0]
    browser.aim("max_f1@val")
    assert not [one for one in browser.app.markdown if "changed side" in one.value]


def test_a_move_is_forgotten_with_the_run_that_it_was_made_on(store, browser):
    browser.open(store).drag("Mass", 0.9)
    one, other = store.runs()["run_id"].iloc[[-1, 0]]
    for run_id in (other, one):
        browser.checked(browser.app.selectbox(key="lab_run").set_value(run_id).run())
    assert browser.link("run") == [one] and not browser.pairs
    assert not [text for text in browser.app.markdown if "changed side" in text.value]


def test_an_opened_finding_is_in_the_link(store, browser):
    browser.open(store).tell("opened", "Pleural_Thickening")
    assert browser.link("finding") == ["Pleural thickening"]


def test_a_typed_threshold_becomes_a_position(store, browser):
    value = 0.12345678901234567
    assert value not in browser.open(store).ladders[MASS]
    browser.tell("typed", {"Mass": value})
    k = int(np.searchsorted(browser.ladders[MASS], value))
    assert browser.ladders[MASS][k] == value and str(k) not in browser.board["texts"][MASS]
    assert value not in browser.ladders[NODULE] and not browser.pairs


def test_a_set_that_is_gone_by_the_time_of_a_release_is_one_line(own_store, browser):
    set_id = own_store.save_threshold_set(set_of(own_store), "mine", "manual", np.full(14, 0.2))
    browser.open(own_store, set=set_id)
    gone = own_store.threshold_sets(own_store.runs()["run_id"].iloc[-1])
    gone = gone[gone["set_id"] != set_id]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxrcore.queries.from_store.threshold_sets", lambda *_: gone.copy())
        browser.drag("Mass", 0.4)
        assert browser.app.error and all("no threshold set" in one.value for one in browser.app.error)


# -- undo


def test_undo_leads_back_over_a_fit_to_what_stood_before_it(store, browser):
    browser.open(store).drag("Mass", 0.4)
    before = browser.thresholds
    browser.aim("youden@val")
    assert browser.link("set") == ["youden@val"] and not browser.pairs
    browser.release(before)
    assert browser.pairs == ["Mass:0.4@test"] and "set" not in browser.app.query_params
    assert "max F1, fitted on validation; 1 by hand on test" in browser.words


def test_undo_of_a_drag_leads_back_to_the_findings_own_aim(store, browser):
    browser.open(store, t="Mass:recall:0.8@val")
    before = browser.thresholds
    between = browser.drag("Mass", 0.9).thresholds
    browser.drag("Nodule", 0.9).release(between)
    assert browser.pairs == ["Mass:0.9@test"]
    browser.release(before)
    assert browser.pairs == ["Mass:recall:0.8@val"] and "same films" not in browser.words


def test_undo_after_saving_leads_back_to_the_set_before(own_store, browser):
    browser.open(own_store)
    before = browser.thresholds
    browser.drag("Mass", 0.4)
    browser.app.text_input(key="sets_name").set_value("mine")
    browser.press("sets_save_go")
    assert "set" in browser.app.query_params
    browser.release(before)
    assert not browser.pairs and "set" not in browser.app.query_params and "same films" not in browser.words


# -- saving


@pytest.mark.parametrize(("link", "part"), [
    ({"t": "Mass:0.3@val"}, "val"), ({"t": ["Mass:0.3@val", "Nodule:youden@test"]}, "test"),
    ({"set": "recall:0.7@test"}, "test"), ({"set": "fixed:0.5", "t": "Mass:youden@val"}, "val")])
def test_a_saved_set_points_to_the_films_that_shaped_it(own_store, browser, link, part):
    """Not to those that happen to be on the screen while it is saved (test); of several, to test."""
    browser.open(own_store, **link)
    browser.app.text_input(key="sets_name").set_value("mine")
    browser.press("sets_save_go")
    row = own_store.threshold_sets(own_store.runs()["run_id"].iloc[-1]).iloc[0]
    assert row["name"] == "mine" and row["prediction_id"] == set_of(own_store, part)
    assert list(row["thresholds"]) == browser.board["thresholds"]
    assert ("same films" in browser.words) == (part == "test")


def test_a_set_without_a_name_can_be_loaded_too(own_store, browser):
    browser.open(own_store, set="max_f1@test").press("sets_save_go")
    [set_id] = browser.link("set")
    assert own_store.threshold_sets(own_store.runs()["run_id"].iloc[-1]).iloc[0]["set_id"] == set_id
    browser.app.selectbox(key="sets_load").set_value(set_id)
    browser.press("sets_load_go")
    assert browser.link("set") == [set_id]


def test_a_saved_set_keeps_what_to_beware_of(own_store, browser):
    browser.open(own_store, set="fixed:0.5", t="Fibrosis:recall:0.9@val").press("sets_save_go")
    row = own_store.threshold_sets(own_store.runs()["run_id"].iloc[-1]).iloc[0]
    assert json.loads(row["parameters"])["unstable"] == ["Fibrosis"]
    assert "unstable" in browser.board["findings"][NIH_FINDINGS.index("Fibrosis")]["note"]


def test_a_store_that_cannot_be_written_is_one_line(store, browser, monkeypatch):
    from cxrcore.errors import StoreBusy

    def busy(*_, **__):
        raise StoreBusy("the store is locked by another process: try again")

    browser.open(store, t="Mass:0.3@test")
    monkeypatch.setattr(Store, "save_threshold_set", busy)
    browser.press("sets_save_go")
    assert [one.value for one in browser.app.error] == ["the store is locked by another process: try again"]
    assert browser.pairs == ["Mass:0.3@test"]


# -- the set that changes are shown against


def test_a_reference_that_is_in_no_list_is_named_all_the_same(store, browser):
    browser.open(store, ref="recall:0.7@val")
    assert browser.app.selectbox(key="sets_reference").value == "recall:0.7@val"
    browser.checked(browser.app.selectbox(key="sets_reference").set_value("max_f1@val").run())
    assert "ref" not in browser.app.query_params


def test_choices_of_one_run_are_no_trouble_on_another(own_store, browser):
    other = own_store.runs()["run_id"].iloc[0]
    set_id = own_store.save_threshold_set(set_of(own_store), "mine", "manual", np.full(14, 0.2))
    browser.open(own_store, set=set_id, ref=set_id, t="Mass:0.3@test")
    for key in ("sets_load", "sets_left", "sets_right"):
        browser.checked(browser.app.selectbox(key=key).set_value(set_id).run())
    browser.checked(browser.app.selectbox(key="lab_run").set_value(other).run())
    assert not browser.app.error and not browser.pairs
    assert not {"set", "ref"} & set(browser.app.query_params) and browser.link("run") == [other]
    assert browser.app.selectbox(key="sets_left").value == ""


# -- files


def test_an_export_names_its_author_and_films(store, browser):
    browser.open(store, t="Mass:0.3@val")
    browser.checked(browser.app.text_input(key="sets_author").set_value(" A. Reader ").run())
    file = browser.exported()
    assert (file.author, file.fitted_on, file.prediction_id) == ("A. Reader", "val", set_of(store, "val"))
    assert file.thresholds.tolist() == browser.board["thresholds"]


def test_the_export_of_a_saved_set_has_its_own_words(own_store, browser):
    set_id = own_store.save_threshold_set(set_of(own_store), "mine", "manual", np.full(14, 0.2), author="B", note="n")
    browser.open(own_store, set=set_id)
    browser.checked(browser.app.text_input(key="sets_author").set_value("C").run())
    file, row = browser.exported(), own_store.threshold_sets(own_store.runs()["run_id"].iloc[-1]).iloc[0]
    assert (file.name, file.author, file.note, file.created_at) == ("mine", "B", "n", row["created_at"].isoformat())


def test_an_export_where_only_one_of_two_predictions_has_a_checkpoint(own_store, browser):
    run_id = own_store.create_run({"name": "mixed", "arch": "resnet18"}, scored_runs.DATASET, "imported")
    for part, more in (("val", {"checkpoint": "model_best.pth", "checkpoint_sha256": "ab"}), ("test", {})):
        held = own_store.predictions(set_of(own_store, part))
        own_store.save_predictions(run_id, scored_runs.DATASET, part, list(held.image_ids), held.scores, **more)
    file = browser.open(own_store, run=run_id, t="Mass:0.3@test").exported()
    assert file.checkpoint is None and file.checkpoint_sha256 is None


@pytest.mark.parametrize("key", ["youden@val", "f_beta:0.1234567@test", "fixed:0.3"])
def test_a_set_that_comes_back_as_a_file_is_the_same_set(store, browser, key):
    text = threshold_file.threshold_file_text(browser.open(store, set=key).exported())
    before, words = browser.board["thresholds"], browser.words
    browser.open(store, set="fixed:0.9").import_file(text)
    assert browser.board["thresholds"] == before and not browser.pairs
    assert browser.words == words  # and it is flagged where it was


def test_a_file_that_was_shaped_on_the_films_on_the_board_is_flagged(store, browser):
    browser.open(store, set="recall:0.7@test", t="Mass:0.3@test")
    text = threshold_file.threshold_file_text(browser.exported())
    browser.open(store).import_file(text)
    assert "same films" in browser.words
    browser.open(store).import_file(json.dumps(dict.fromkeys(NIH_FINDINGS, 0.25)))
    assert "14 by hand" in browser.words and "same films" not in browser.words


def test_an_import_can_be_undone(store, browser):
    browser.open(store, set="youden@val")
    before = browser.thresholds
    browser.import_file(json.dumps(dict.fromkeys(NIH_FINDINGS, 0.25)))
    assert len(browser.pairs) == 14
    browser.release(before)
    assert not browser.pairs and browser.link("set") == ["youden@val"]
