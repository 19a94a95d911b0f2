"""The Thresholds page without a browser: what it says, fits, saves, loads, exports and refuses."""

import json
import re
from functools import partial

import duckdb
import numpy as np
import opened_pages as pages
import pandas as pd
import pytest
import scored_runs
from opened_pages import text_of
from read_runs import read_runs
from seeded_runs import add_run, beat, make_store
from sklearn.metrics import confusion_matrix, f1_score
from streamlit.testing.v1 import AppTest
from told_board import Browser

from cxrcore.charts.board import payload
from cxrcore.charts.look import RUN_COLOURS
from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.findings import NIH_FINDINGS, display_name
from cxrcore.measures.metrics import confusion, macro
from cxrcore.measures.thresholds import cross_fitting, fitting
from cxrcore.measures.thresholds.cross_fitting import cross_fitted
from cxrcore.measures.thresholds.positions import UNREACHED, positions, sort_scores
from cxrcore.queries.board_state import read_state
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import find_set
from cxrcore.store import threshold_file
from cxrcore.ui.thresholds import board_component, promise, set_popover

EMPTY = NIH_FINDINGS.index("Edema")  # without a positive film in test
PAGE, MAKE = "thresholds", partial(scored_runs.make, n_val=300, n_test=500, n_runs=2, empty=(EMPTY,))


@pytest.fixture
def sent(monkeypatch):
    """The headers of the bytes that the board was given, the newest last."""
    headers = []

    def board(data, **callbacks):
        length = int.from_bytes(data[:4], "little")
        headers.append(json.loads(data[4 : 4 + length]) | {"callbacks": callbacks})

    monkeypatch.setattr(board_component, "board", board)
    return headers


@pytest.fixture
def open_page(sent, open_page):
    """What the board gets is caught."""
    return open_page


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].value
    return app


def runs_of(store) -> list[str]:
    return list(store.runs()["run_id"][::-1])


def predictions(store, part="test", run_id=None):
    sets = store.prediction_sets(run_id or runs_of(store)[0])
    return store.predictions(sets[sets["split"] == part]["prediction_id"].iloc[0])


def evaluated(store, run_id) -> Evaluated:
    return read_runs(store, [run_id])[0]


# -- what is there, and what is missing


def test_an_empty_store_says_how_to_fill_it(open_page):
    text = text_of(open_page())
    assert "no thresholds to set" in text and "scripts/train.py" in text


@pytest.mark.parametrize(("parts", "words", "boards"), [
    (("val", "test"), "Read on test", 1), (("val",), "has no test predictions", 1),
    (("test",), "no validation predictions to fit thresholds on", 1), ((), "no predictions", 0)])
def test_runs_with_parts_missing_say_what_makes_them(open_page, sent, parts, words, boards):
    store = make_store(default_store())
    run_id = add_run(store, "one", auroc=0.8 if parts else None, parts=parts)
    folder = store.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_best.pth").touch()
    text = text_of(open_page(run=run_id))
    assert words in text.replace("*", "")
    assert len(sent) == boards
    assert (f"scripts/eval.py --run {run_id}" in text) == (set(parts) != {"val", "test"})


@pytest.mark.parametrize(("link", "said"), [
    ({}, "on, so they stand at 0.5."), ({"set": "max_f1@test"}, "on."), ({"t": "Mass:0.31@test"}, "on.")])
def test_what_is_said_of_thresholds_holds_where_they_stand(open_page, link, said):
    store = make_store(default_store())
    run_id = add_run(store, "one", parts=("test",))
    text = text_of(open_page(run=run_id, **link))
    assert text.partition("no validation predictions to fit thresholds ")[2].startswith(said)


def test_a_run_read_on_validation_says_so_whatever_its_thresholds_are(open_page):
    store = make_store(default_store())
    run_id = add_run(store, "one", parts=("val",))
    assert "read on the films that its thresholds are fitted on" in text_of(open_page(run=run_id))
    assert "it is read on validation." in text_of(open_page(run=run_id, set="fixed:0.5"))


def test_a_run_that_still_trains_says_so(open_page, sent):
    store = make_store(default_store())
    run_id = add_run(store, "one", auroc=None, status="running")
    beat(store, run_id)
    assert "still training" in text_of(open_page(run=run_id)) and not sent


def test_a_run_read_where_it_has_no_predictions_says_what_makes_them(open_page, sent):
    store = make_store(default_store())
    run_id = add_run(store, "one", parts=("test",))
    text = text_of(open_page(run=run_id, on="Validation"))
    assert "no validation predictions" in text and f"scripts/eval.py --run {run_id}" in text


def test_runs_that_are_all_archived_are_said_and_a_link_still_shows_one(open_page, sent):
    store = make_store(default_store())
    run_id = add_run(store, "one")
    store.edit_run(run_id, archived=True)
    assert "archived" in text_of(open_page()) and not sent
    open_page(run=run_id)
    assert len(sent) == 1


def test_no_finding_from_the_data_page_opens_the_first(store, open_page, sent):
    app = open_page(run=runs_of(store)[0], finding="No Finding")
    assert not app.error and sent[-1]["open"] == NIH_FINDINGS[0]


def test_a_link_shows_no_picture_of_somebody_elses(store, open_page):
    app = open_page(run=runs_of(store)[0], set="![x](https://example.org/x.png)")
    assert len(app.error) == 1 and "![x](" not in app.error[0].value


@pytest.mark.parametrize("films", [3, 40])
def test_nothing_is_shown_as_nan(own_store, open_page, films):
    """Subsets too small for thresholds to be fitted on both halves; of 3 films no finding has a positive one."""
    run_id = own_store.create_run({"name": "small", "arch": "resnet18"}, scored_runs.DATASET, split=("official", 0, ""))
    for part in ("val", "test"):
        found = predictions(own_store, part)
        rows = np.argsort(found.labels.sum(axis=1), kind="stable")[:films]
        own_store.save_predictions(run_id, scored_runs.DATASET, part, list(found.image_ids[rows]), found.scores[rows],
                                   n_expected=300)
    app = open_page(run=run_id)
    assert "a subset of" in text_of(app) and len(app.metric) == 4
    shown = " ".join([text_of(app), *(f"{one.value} {one.delta}" for one in app.metric)])
    assert "nan" not in re.findall("[a-z]+", shown)


@pytest.mark.parametrize(("link", "words"), [
    ({"run": "gone"}, "not in this store"), ({"finding": "Toe"}, "unknown finding"),
    ({"set": "gone"}, "there is no threshold set 'gone'"), ({"ref": "recall:7@val"}, "not between"),
    ({"t": "Effusion:2"}, "not a number from 0 to 1"), ({"t": ["Effusion:0.2", "Toe:0.2"]}, "unknown finding")])
def test_a_link_that_cannot_be_followed_is_one_line(store, open_page, sent, link, words):
    app = open_page(**({"run": runs_of(store)[0]} | link))
    assert len(app.error) == 1 and words in app.error[0].value.replace("\\", "") and not sent
    assert "\n" not in app.error[0].value


def test_a_broken_link_can_be_left(store, open_page, sent):
    app = open_page(run=runs_of(store)[0], t="Effusion:2")
    next(button for button in app.button if button.label == "Show the board without it").click()
    checked(app.run())
    assert not app.error and sent and "t" not in app.query_params


def test_the_default_is_max_f1_of_validation_read_on_test(store, open_page, sent):
    text = text_of(open_page(run=runs_of(store)[0])).replace("*", "")
    assert "Thresholds: max F1, fitted on validation" in text and "Read on test, 500 films" in text
    assert "same films" not in text
    val = predictions(store, "val")
    assert sent[-1]["thresholds"] == fitting.max_f1(val.labels, val.scores, NIH_FINDINGS).thresholds.tolist()
    assert sent[-1]["findings"][EMPTY]["positives"] == 0 and "undefined" in sent[-1]["findings"][EMPTY]["note"]


def test_reading_a_set_where_it_was_fitted_is_flagged(store, open_page):
    app = open_page(run=runs_of(store)[0])
    assert "same films" not in text_of(app)
    assert "same films" in text_of(checked(app.segmented_control(key="on").set_value("Validation").run()))
    assert "same films" in text_of(open_page(run=runs_of(store)[0], set="max_f1@test"))


def test_six_runs_stand_on_the_board_and_no_more(own_store, open_page, sent):
    extra = [add_copy(own_store, runs_of(own_store)[0]) for _ in range(5)]
    run_ids = [*runs_of(own_store)[:2], *extra]
    text = text_of(open_page(run=run_ids))
    assert len(sent[-1]["others"]) == 5 and "first 6 of 7" in text


def add_copy(store, run_id) -> str:
    copied = store.create_run({"name": "copy", "arch": "resnet18"}, scored_runs.DATASET, split=("official", 0, "abc"))
    found = predictions(store, "test", run_id)
    store.save_predictions(copied, scored_runs.DATASET, "test", list(found.image_ids), found.scores)
    store.finish_run(copied, "finished")
    return copied


def test_positions_hold_the_thresholds_of_the_link_as_they_are(store, open_page, sent):
    value = 0.123456789012345
    open_page(run=runs_of(store)[0], t=f"Mass:{value!r}@test")
    k = NIH_FINDINGS.index("Mass")
    assert sent[-1]["thresholds"][k] == value
    # Written as it was typed, where the fitted one has a shorter text.
    val, test = predictions(store, "val"), predictions(store)
    fitted = fitting.max_f1(val.labels, val.scores, NIH_FINDINGS).thresholds[k]
    ladder = positions(sort_scores(test.labels[:, k], test.scores[:, k]), [fitted, value])
    assert str(list(ladder).index(value)) not in sent[-1]["texts"][k]


def test_every_number_that_the_board_is_sent_equals_scikit_learn(store):
    """The bytes that the component itself gets: TP and FP of two runs at random positions."""
    ids = runs_of(store)[:2]
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=30)
    app.query_params["run"], app.query_params["t"] = ids, "Mass:0.0123456789012345@test"
    checked(app.switch_page("pages/thresholds.py").run())
    [component] = [one for one in app.get("bidi_component") if one.proto.component_name == "cxr_threshold_board"]
    header, ladders, counts = unpacked(component.proto.bytes)
    assert 0.0123456789012345 in ladders[NIH_FINDINGS.index("Mass")]
    rng = np.random.default_rng(0)
    for run_id, sent_counts in zip(ids, counts, strict=True):
        found = predictions(store, run_id=run_id)
        for k, ladder in enumerate(ladders):
            assert (np.diff(ladder) > 0).all() and header["thresholds"][k] in ladder
            for i in [0, len(ladder) - 1, *rng.integers(0, len(ladder), 8)]:
                alarm = found.scores[:, k].astype(np.float64) >= ladder[i]
                matrix = confusion_matrix(found.labels[:, k], alarm, labels=[0, 1])
                assert (sent_counts[k][0][i], sent_counts[k][1][i]) == (matrix[1, 1], matrix[0, 1])


@pytest.mark.parametrize("turned", [False, True])
def test_runs_alike_wear_their_own_colours_by_their_place_in_the_link(own_store, open_page, sent, turned):
    with duckdb.connect(own_store.path) as db:
        db.execute("UPDATE runs SET architecture = 'resnet18'")
    open_page(run=runs_of(own_store)[:2][::-1 if turned else 1])
    looks = [sent[-1]["run"], *sent[-1]["others"]]
    assert [one["colour"] for one in looks] == list(RUN_COLOURS[:2]) and {one["dash"] for one in looks} == {"solid"}


def unpacked(data):
    """Header, positions of each finding, and for each run and finding TP and FP at them."""
    length = int.from_bytes(data[:4], "little")
    header, at = json.loads(data[4 : 4 + length]), 4 + length

    def take(n, kind):
        nonlocal at
        values = np.frombuffer(data, kind, n, at)
        at += values.nbytes
        return values

    ladders = [take(n, np.float64) for n in header["sizes"]]
    counts = [[(take(n, np.int32), take(n, np.int32)) for n in header["sizes"]]]
    for other in header["others"]:
        counts.append([])
        for n, finding in zip(header["sizes"], other["findings"], strict=True):
            counts[-1].append((take(n, np.int32), take(n, np.int32)))
            take(2 * finding["points"], np.int32)
    assert at == len(data)
    return header, ladders, counts


# -- fit


@pytest.mark.parametrize("part", ["val", "test"])
def test_every_aim_is_sent_with_its_thresholds_as_positions(store, open_page, sent, part):
    app = open_page(run=runs_of(store)[0])
    if part == "test":
        checked(app.segmented_control(key="aim_on").set_value("Test").run())
    held, aims = predictions(store, part), {one["key"]: one["thresholds"] for one in sent[-1]["aims"]}
    for aim in ("max_f1", "expected_f1", "classic", "f_beta", "youden", "recall", "precision", "cost", "fixed"):
        fitted = fitting.fit_thresholds(held.labels, held.scores, NIH_FINDINGS, aim).thresholds
        [key] = [one for one in aims if one.partition("@")[0].partition(":")[0] == aim]
        assert aims[key] == fitted.tolist() and (key.endswith(f"@{part}") or aim == "fixed")


def test_a_click_on_an_aim_sets_all_findings_or_the_open_one(store, monkeypatch):
    browser = Browser(monkeypatch).open(store, finding="Nodule", set="fixed:0.3")
    k, held = NIH_FINDINGS.index("Nodule"), {part: predictions(store, part) for part in ("val", "test")}
    for part, key, objective in (("val", "youden@val", "youden"), ("test", "recall:0.9@test", "recall")):
        fit_on(browser, part)
        fitted = fitting.fit_thresholds(held[part].labels, held[part].scores, NIH_FINDINGS, objective).thresholds
        before = browser.thresholds
        browser.aim(key, "Nodule")
        assert browser.pairs == [f"Nodule:{key}"] and ("same films" in text_of(browser.app)) == (part == "test")
        browser.open(store, **browser_link(browser))
        assert browser.thresholds == [*before[:k], fitted[k], *before[k + 1:]]
        fit_on(browser, part)
        browser.aim(key)
        assert browser.link("set") == [key] and not browser.pairs
        browser.open(store, **browser_link(browser))
        assert browser.thresholds == fitted.tolist()
        assert ("same films" in text_of(browser.app)) == (part == "test")


def fit_on(browser, part) -> None:
    shown = {"val": "Validation", "test": "Test"}[part]
    browser.checked(browser.app.segmented_control(key="aim_on").set_value(shown).run())


def browser_link(browser) -> dict:
    """As a new window opens it."""
    return {name: browser.link(name) for name in ("set", "t", "finding") if browser.link(name)}


def test_a_click_on_an_aim_sends_no_new_thresholds_since_the_browser_has_them(store, monkeypatch):
    browser = Browser(monkeypatch).open(store)
    before = browser.board["id"]
    browser.aim("youden@val")
    assert browser.board["id"] == before and "Youden's J, fitted on validation" in browser.words


def test_a_parameter_of_an_aim_is_used(store, open_page, sent):
    app = open_page(run=runs_of(store)[0])
    checked(app.number_input(key="aim_recall").set_value(0.6).run())
    val = predictions(store, "val")
    fitted = fitting.fit_thresholds(val.labels, val.scores, NIH_FINDINGS, "recall", 0.6)
    [aim] = [one for one in sent[-1]["aims"] if one["key"].startswith("recall")]
    assert aim["thresholds"] == fitted.thresholds.tolist() and aim["label"] == "recall ≥ 0.6"


# -- fitted on half of the patients, read on the other half


def test_half_of_the_patients_is_offered_without_validation_and_read_on_the_others(own_store, monkeypatch):
    """Against scikit-learn: fitted on one half, F1 of the other, no patient in both; kept by the link and by a save."""
    run_id = run_on_test_alone(own_store)
    found = predictions(own_store, "test", run_id)
    browser = Browser(monkeypatch).open(own_store, run=run_id)
    browser.press("fit_halves")
    assert browser.link("set") == ["max_f1@half"] and "same films" not in text_of(browser.app)
    first = cross_fitting.halves(found.patient_ids)
    assert not set(found.patient_ids[first]) & set(found.patient_ids[~first])
    fitted = fitting.max_f1(found.labels[first], found.scores[first], NIH_FINDINGS).thresholds
    assert browser.thresholds == fitted.tolist()
    assert f"read on test, {(~first).sum()} films of the other half of its patients" in browser.words
    assert "fitted on half of the patients" in browser.words
    for one, labels in zip(browser.board["findings"], found.labels[~first].T, strict=True):
        assert (one["positives"], one["negatives"]) == ((labels == 1).sum(), (labels == 0).sum())
    browser.drag("Mass", 0.4)
    assert "other half" in browser.words and "1 set by hand while looking at these films" in browser.words
    again = browser.open(own_store, run=run_id, set="max_f1@half")
    again.app.text_input(key="sets_name").set_value("honest")
    again.press("sets_save_go")
    [set_id] = again.link("set")
    loaded = again.open(own_store, run=run_id, set=set_id)
    assert loaded.thresholds == fitted.tolist() and "other half of its patients" in loaded.words
    assert "honest, fitted on half of the patients" in loaded.words and "same films" not in text_of(loaded.app)


def test_films_of_one_half_stand_behind_the_counts_on_the_cases_page_too(own_store, monkeypatch):
    run_id = run_on_test_alone(own_store)
    found = predictions(own_store, "test", run_id)
    rest = ~cross_fitting.halves(found.patient_ids)
    app = pages.open_page("cases", run=run_id, set="max_f1@half", finding="Mass")
    assert f"test, {rest.sum()} films of the other half of its patients" in text_of(app)


def run_on_test_alone(store) -> str:
    """A run that has test predictions alone."""
    found = predictions(store)
    run_id = store.create_run({"name": "imported"}, scored_runs.DATASET, kind="imported", split=("official", 0, "abc"))
    store.save_predictions(run_id, scored_runs.DATASET, "test", list(found.image_ids), found.scores)
    store.finish_run(run_id, "finished")
    return run_id


# -- sets


def test_a_set_is_saved_with_its_provenance_and_loaded_again(own_store, open_page, sent):
    run_id = runs_of(own_store)[0]
    app = open_page(run=run_id, t="Mass:0.3@test")
    for key, value in (("name", "few alarms"), ("note", "for the ward"), ("author", "me")):
        app.text_input(key=f"sets_{key}").set_value(value)
    checked(app.button(key="sets_save_go").click().run())
    row = own_store.threshold_sets(run_id).iloc[0]
    assert (row["name"], row["note"], row["author"], row["objective"]) == ("few alarms", "for the ward", "me", "manual")
    assert row["thresholds"][NIH_FINDINGS.index("Mass")] == 0.3 and "changed" in json.loads(row["parameters"])
    sets = own_store.prediction_sets(run_id).set_index("prediction_id")
    assert sets.at[row["prediction_id"], "split"] == "test"  # it was set by hand there
    assert app.query_params["set"] == row["set_id"] and "t" not in app.query_params
    assert "same films" in text_of(app)
    other = open_page(run=run_id)
    checked(other.selectbox(key="sets_load").set_value(row["set_id"]).run())
    checked(other.button(key="sets_load_go").click().run())
    assert sent[-1]["thresholds"] == list(row["thresholds"])


def test_changes_can_be_shown_against_another_set(store, open_page, sent):
    app = open_page(run=runs_of(store)[0])
    checked(app.selectbox(key="sets_reference").set_value("fixed:0.5").run())
    assert sent[-1]["reference"] == {"name": "0.5", "thresholds": [0.5] * len(NIH_FINDINGS)}
    assert app.query_params["ref"] == "fixed:0.5"


def test_two_sets_side_by_side_equal_scikit_learn(store):
    test = predictions(store)
    found = [sort_scores(*pair) for pair in zip(test.labels.T, test.scores.T, strict=True)]
    table = set_popover.comparison(NIH_FINDINGS, found, np.full(14, 0.3), np.full(14, 0.05))
    assert len(table) == len(NIH_FINDINGS)
    for k, row in table.iterrows():
        for name, at in (("f1_one", 0.3), ("f1_other", 0.05)):
            labels = test.labels[:, k]
            expected = f1_score(labels, test.scores[:, k].astype(np.float64) >= at) if labels.any() else np.nan
            np.testing.assert_allclose(row[name], expected)


def test_two_sets_side_by_side_on_the_page(store, open_page):
    app = open_page(run=runs_of(store)[0], t="Mass:0.3@test")
    checked(app.selectbox(key="sets_right").set_value("fixed:0.5").run())
    table = next(frame.value for frame in app.dataframe if "threshold_one" in frame.value)
    val, test = predictions(store, "val"), predictions(store)
    board = fitting.max_f1(val.labels, val.scores, NIH_FINDINGS).thresholds
    board[NIH_FINDINGS.index("Mass")] = 0.3
    assert table["threshold_one"].tolist() == board.tolist() and (table["threshold_other"] == 0.5).all()
    macros = [macro(confusion(test.labels, test.scores, at).f1)[0] for at in (board, np.full(len(NIH_FINDINGS), 0.5))]
    assert f"{macros[0]:.3f} and {macros[1]:.3f}" in text_of(app).replace("*", "")


# -- files


def test_a_file_comes_back_exactly(store, open_page, sent):
    run_id = runs_of(store)[0]
    run = evaluated(store, run_id)
    state = read_state(store, run, None, None, ["Mass:0.123456789012345@test"])
    text = threshold_file.threshold_file_text(set_popover.as_file(store, run, "test", state))
    file = threshold_file.parse_threshold_file(text, NIH_FINDINGS)
    np.testing.assert_array_equal(file.thresholds, state.thresholds)
    source = store.prediction_sets(run_id).set_index("prediction_id").loc[run.prediction_id("test")]
    assert (file.run_id, file.checkpoint_sha256) == (run_id, source["checkpoint_sha256"])
    assert (file.split_fingerprint, file.fitted_on, file.objective) == ("abc", "test", "manual")
    app = upload(open_page(run=run_id), text.encode())
    checked(app.button(key="sets_import_go").click().run())
    assert sent[-1]["thresholds"] == state.thresholds.tolist()


def test_a_set_on_calibrated_scores_is_exchanged_and_saved_with_its_calibration(own_store, open_page, sent):
    run = evaluated(own_store, runs_of(own_store)[0])
    val = predictions(own_store, "val")
    fitted = fitting.fit_thresholds(val.labels, val.scores, NIH_FINDINGS, "expected_f1")
    state = read_state(own_store, run, "expected_f1@val", None, [])
    text = threshold_file.threshold_file_text(set_popover.as_file(own_store, run, "test", state))
    file = threshold_file.parse_threshold_file(text, NIH_FINDINGS)
    assert file.parameters["calibration"] == fitted.parameters["calibration"]
    app = upload(open_page(run=run.run_id), text.encode())
    checked(app.button(key="sets_import_go").click().run())
    assert app.query_params["set"] == "expected_f1@val" and sent[-1]["thresholds"] == fitted.thresholds.tolist()
    assert "expected F1 (Platt), fitted on validation" in text_of(app)
    assert [one.label for one in app.metric][1] == "Cross-fitted on it"
    checked(app.button(key="sets_save_go").click().run())
    row = own_store.threshold_sets(run.run_id).iloc[0]
    assert row["objective"] == "expected_f1" and row["thresholds"].tolist() == fitted.thresholds.tolist()
    assert json.loads(row["parameters"])["calibration"] == fitted.parameters["calibration"]


def upload(app, content: bytes) -> AppTest:
    return checked(app.file_uploader(key="sets_file").set_value(("set.json", content, "application/json")).run())


def test_a_bad_file_is_one_line_and_the_board_stays(store, open_page, sent):
    run = evaluated(store, runs_of(store)[0])
    text = threshold_file.threshold_file_text(
        set_popover.as_file(store, run, "test", read_state(store, run, None, None, []))
    )
    app = open_page(run=run.run_id)
    before = sent[-1]["thresholds"]
    for change, words in (
        (lambda d: d.update(thresholds={"Toe": 0.2}), "no threshold of"),
        (lambda d: d["thresholds"].update(Mass=-0.2), "from 0 to 1"),
        (lambda d: d["thresholds"].update(Mass=float("nan")), "Mass"),
        (lambda d: d.update(thresholds=[0.5] * 13), "list of 13"),
        (lambda d: d.update(run_id="gone"), "not in this store"),
    ):
        document = json.loads(text)
        change(document)
        upload(app, json.dumps(document).encode())
        assert len(app.error) == 1 and words in app.error[0].value and "\n" not in app.error[0].value
        assert sent[-1]["thresholds"] == before
        assert not [button for button in app.button if button.key == "sets_import_go"]


def test_whatever_is_no_threshold_file_is_one_line(store, open_page, sent):
    app = open_page(run=runs_of(store)[0])
    before = sent[-1]["thresholds"]
    bare = dict.fromkeys(NIH_FINDINGS, 0.25)
    refused = {b'{"format": "cxr-': "broken JSON", b"": "empty", b"\xff\xfe": "empty", b"\xff\x81": "UTF-8",
               b"[0.5]": "list", b"null": "null", b'{"a": 1}': "no finding", b'{"format": "coco"}': "coco",
               b"[" * 100_000: "nested",
               json.dumps(bare | {"Mass": "0.2 or so"}).encode(): "not a number",
               json.dumps(bare | {"Mass": -1e-9}).encode(): "from 0 to 1",
               json.dumps(bare | {"pleural": 0.2}).encode(): "twice",
               json.dumps({"Gout\n![x](https://example.org/x.png)": 0.2}).encode(): "no finding among"}
    for content, words in refused.items():
        upload(app, content)
        assert len(app.error) == 1 and words in app.error[0].value and "\n" not in app.error[0].value
        assert sent[-1]["thresholds"] == before and not [one for one in app.button if one.key == "sets_import_go"]
    upload(app, json.dumps(bare).encode())
    assert not app.error and app.button(key="sets_import_go")


def test_what_a_file_leaves_out_keeps_what_stands_there_and_is_said(store, open_page, sent):
    run = runs_of(store)[0]
    first, second = NIH_FINDINGS[:2]
    app = open_page(run=run, t=f"{second}:0.125")
    before = list(sent[-1]["thresholds"])
    app = upload(app, f"{first};inf\n{NIH_FINDINGS[2]};0,25\nNo Finding;0,5\n".encode())
    said = text_of(app)
    assert "Left out, as they are none of its findings: No Finding" in said
    assert f"Never, as the threshold is above 1: {first}" in said
    assert "Without a threshold" in said and "keep what stands on the board" in said
    checked(app.button(key="sets_import_go").click().run())
    assert sent[-1]["thresholds"] == [UNREACHED, 0.125, 0.25, *before[3:]]
    again = open_page(run=run, t=app.query_params["t"])
    assert sent[-1]["thresholds"] == [UNREACHED, 0.125, 0.25, *before[3:]] and not again.exception


def test_a_plain_mapping_and_another_runs_file_are_said(store, open_page, sent):
    mapping = json.dumps(dict.fromkeys(NIH_FINDINGS, 0.25)).encode()
    app = upload(open_page(run=runs_of(store)[0]), mapping)
    assert "does not say which run" in text_of(app)
    checked(app.button(key="sets_import_go").click().run())
    assert sent[-1]["thresholds"] == [0.25] * len(NIH_FINDINGS)
    other = evaluated(store, runs_of(store)[1])
    file = set_popover.as_file(store, other, "test", read_state(store, other, None, None, []))
    app = upload(open_page(run=runs_of(store)[0]), threshold_file.threshold_file_text(file).encode())
    assert "another run" in text_of(app)


# -- what fitting promised


def crossed_in_halvings(val) -> np.ndarray:
    """F1 of each finding, cross-fitted by itself in every halving: (halvings, 14); where a halving cannot, the mean."""
    each = np.array([cross_fitted(val.labels, val.scores, val.patient_ids, "max_f1", seed=seed).counts.f1
                     for seed in range(cross_fitting.HALVINGS)])
    for k, own in enumerate(each.T):
        known = own[~np.isnan(own)]
        each[np.isnan(own), k] = known.mean() if 2 * len(known) >= len(own) else np.nan
        each[:, k] += 0 if 2 * len(known) >= len(own) else np.nan
    return each


def test_the_promise_is_kept_in_numbers(store):
    run = evaluated(store, runs_of(store)[0])
    made = find_set(store, run, "max_f1@val")
    fitted = promise.fitted_films(run, made, "test")
    table = promise.promise_table(store, fitted, promise.crossed_on_fitted(store, fitted))
    val, test = predictions(store, "val"), predictions(store)
    np.testing.assert_allclose(table["apparent"], confusion(val.labels, val.scores, made.thresholds).f1)
    each = crossed_in_halvings(val)
    for name, values in (("crossed", each.mean(axis=0)), ("least", each.min(axis=0)), ("most", each.max(axis=0))):
        np.testing.assert_allclose(table[name], values)
    assert table["positives"].tolist() == (val.labels == 1).sum(axis=0).tolist()
    np.testing.assert_allclose(table["other"], confusion(test.labels, test.scores, made.thresholds).f1)
    np.testing.assert_allclose(table["prevalence_other"], 100 * test.labels.mean(axis=0), rtol=1e-6)
    assert macro(table["optimism"].to_numpy())[0] > 0


def test_the_promise_is_on_the_page_for_fitted_sets_only(store, open_page):
    app = open_page(run=runs_of(store)[0])
    assert [one.label for one in app.metric][:3] == ["On validation, as fitted", "Cross-fitted on it", "Read on test"]
    val, test = predictions(store, "val"), predictions(store)
    at = fitting.max_f1(val.labels, val.scores, NIH_FINDINGS).thresholds
    columns = np.array([[f1_score(part.labels[:, k], part.scores[:, k].astype(np.float64) >= at[k],
                                  zero_division=np.nan) if part.labels[:, k].any() else np.nan
                         for k in range(len(NIH_FINDINGS))] for part in (val, test)])
    each = crossed_in_halvings(val)
    crossed = each.mean(axis=0)
    defined = ~np.isnan([*columns, crossed]).any(axis=0)
    expected = [values[defined].mean() for values in (columns[0], crossed, columns[1])]
    assert [one.value for one in app.metric] == [*(f"{value:.3f}" for value in expected), f"{defined.sum()} of 14"]
    assert app.metric[1].delta == f"{expected[1] - expected[0]:+.3f}".replace("-", "−").replace("-", "−")
    macros, positives = each[:, defined].mean(axis=1), (val.labels == 1).sum(axis=0)
    rarest = np.flatnonzero(defined)[positives[defined].argmin()]
    assert (f"Cross-fitted macro F1 {macros.mean():.3f} ({macros.min():.3f} to {macros.max():.3f} over 20 halvings of "
            f"the patients). It stands on {positives[defined].sum():,} positives, of which "
            f"{display_name(NIH_FINDINGS[rarest])} has the fewest: {positives[rarest]:,}.") in text_of(app)
    assert not open_page(run=runs_of(store)[0], set="fixed:0.5").metric


def test_the_payload_does_not_grow_with_the_films(store):
    sizes = []
    for part in ("val", "test"):
        found = predictions(store, part)
        scores = [sort_scores(*pair) for pair in zip(found.labels.T, found.scores.T, strict=True)]
        run = payload.RunCounts("id", "run", "#000000", "solid", scores, np.full(14, 0.5))
        header = {"of": "x", "id": 1, "open": NIH_FINDINGS[0], "thresholds": [0.5] * 14, "reference": "0.5"}
        sizes.append(len(payload.pack(NIH_FINDINGS, run, [run] * 5, header, [[]] * 14, [[]] * 14, {})))
    assert max(sizes) / 6 < 400_000 and abs(sizes[0] - sizes[1]) < 0.05 * sizes[0]


def test_measures_as_csv_hold_what_the_board_shows(store):
    run = evaluated(store, runs_of(store)[0])
    state = read_state(store, run, None, None, ["Mass:0.2@val"])
    table = set_popover.measures_table(store, run, "test", state)
    test = predictions(store)
    counts = confusion(test.labels, test.scores, state.thresholds)
    assert table["tp"].tolist() == counts.tp.tolist() and pd.isna(table["f1"][EMPTY])
    assert table.set_index("finding").at["Mass", "from"] == "0.2@val"
