"""The Thresholds page without a browser: what it says, fits, saves, loads, exports and refuses."""

import json

import numpy as np
import pandas as pd
import pytest
import scored_runs
from seeded_runs import add_run, beat, make_store
from sklearn.metrics import f1_score
from streamlit.testing.v1 import AppTest

from cxrcore import thresholdfile, thresholds
from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.findings import FINDINGS, N_FINDINGS
from cxrcore.metrics import confusion, macro
from cxrcore.operating_points import positions, sort_scores
from cxrcore.optimism import cross_fitted
from cxrcore.store import Store
from cxrcore.ui import threshold_board, threshold_promise, threshold_sets
from cxrcore.ui.threshold_board import payload
from cxrcore.ui.threshold_state import Evaluated, find_set, read_state

EMPTY = FINDINGS.index("Edema")  # without a positive film in test


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return scored_runs.make(tmp_path_factory.mktemp("made") / "store.duckdb", 300, 500, 3, empty=(EMPTY,))


@pytest.fixture
def store(made) -> Store:
    """The default store of this test: a copy of one that was made once."""
    path = default_store()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.path.read_bytes())
    return Store(path)


@pytest.fixture
def sent(monkeypatch):
    """The headers of the bytes that the board was given, the newest last."""
    headers = []

    def board(data, **callbacks):
        length = int.from_bytes(data[:4], "little")
        headers.append(json.loads(data[4 : 4 + length]) | {"callbacks": callbacks})

    monkeypatch.setattr(threshold_board, "board", board)
    return headers


@pytest.fixture
def open_page(sent):
    """Opens the page with query parameters; every run must end without an exception."""

    def open_page(**link) -> AppTest:
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=30).run()
        for name, value in link.items():
            app.query_params[name] = value
        return checked(app.switch_page("pages/thresholds.py").run())

    return open_page


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].value
    return app


def text_of(app) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.error, app.warning, app.code)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def runs_of(store) -> list[str]:
    return list(store.runs()["run_id"][::-1])


def predictions(store, part="test", run_id=None):
    sets = store.prediction_sets(run_id or runs_of(store)[0])
    return store.predictions(sets[sets["split"] == part]["prediction_id"].iloc[0])


def evaluated(store, run_id) -> Evaluated:
    board = store.leaderboard()
    return Evaluated(run_id, "run", scored_runs.DATASET,
                     {row["split"]: row for _, row in board[board["run_id"] == run_id].iterrows()})


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


def test_a_run_that_still_trains_says_so(open_page, sent):
    store = make_store(default_store())
    run_id = add_run(store, "one", auroc=None, status="running")
    beat(store, run_id)
    assert "still training" in text_of(open_page(run=run_id)) and not sent


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
    assert sent[-1]["thresholds"] == thresholds.max_f1(val.labels, val.scores).thresholds.tolist()
    assert sent[-1]["findings"][EMPTY]["positives"] == 0 and "undefined" in sent[-1]["findings"][EMPTY]["note"]


def test_reading_a_set_where_it_was_fitted_is_flagged(store, open_page):
    app = open_page(run=runs_of(store)[0])
    assert "same films" not in text_of(app)
    assert "same films" in text_of(checked(app.segmented_control(key="on").set_value("Validation").run()))
    assert "same films" in text_of(open_page(run=runs_of(store)[0], set="max_f1@test"))


def test_six_runs_stand_on_the_board_and_no_more(store, open_page, sent):
    extra = [add_copy(store, runs_of(store)[0]) for _ in range(5)]
    run_ids = [*runs_of(store)[:3], *extra]
    text = text_of(open_page(run=run_ids))
    assert len(sent[-1]["others"]) == 5 and "first 6 of 8" in text


def add_copy(store, run_id) -> str:
    copied = store.create_run({"name": "copy", "arch": "resnet18"}, scored_runs.DATASET, split=("official", 0, "abc"))
    found = predictions(store, "test", run_id)
    store.save_predictions(copied, scored_runs.DATASET, "test", list(found.image_ids), found.scores)
    store.finish_run(copied, "finished")
    return copied


def test_positions_hold_the_thresholds_of_the_link_as_they_are(store, open_page, sent):
    value = 0.123456789012345
    open_page(run=runs_of(store)[0], t=f"Mass:{value!r}@test")
    k = FINDINGS.index("Mass")
    assert sent[-1]["thresholds"][k] == value
    # Written as it was typed, where the fitted one has a shorter text.
    val, test = predictions(store, "val"), predictions(store)
    fitted = thresholds.max_f1(val.labels, val.scores).thresholds[k]
    ladder = positions(sort_scores(test.labels[:, k], test.scores[:, k]), [fitted, value])
    assert str(list(ladder).index(value)) not in sent[-1]["texts"][k]


# -- fit


@pytest.mark.parametrize("aim", ["max_f1", "fixed", "classic", "f_beta", "youden", "recall", "precision", "cost"])
def test_every_aim_for_all_and_for_the_open_finding(store, open_page, sent, aim):
    app = open_page(run=runs_of(store)[0], finding="Nodule", set="fixed:0.3")
    checked(app.selectbox(key="fit_aim").set_value(aim).run())
    val = predictions(store, "val")
    expected = thresholds.fit(val.labels, val.scores, aim).thresholds
    checked(app.segmented_control(key="fit_for").set_value("Nodule").run())
    checked(app.button(key="fit_go").click().run())
    k = FINDINGS.index("Nodule")
    assert sent[-1]["thresholds"][k] == expected[k]
    assert np.delete(sent[-1]["thresholds"], k).tolist() == [0.3] * 13
    checked(app.segmented_control(key="fit_for").set_value("All findings").run())
    checked(app.button(key="fit_go").click().run())
    assert sent[-1]["thresholds"] == expected.tolist()


def test_fitting_on_test_is_flagged(store, open_page, sent):
    app = open_page(run=runs_of(store)[0])
    checked(app.segmented_control(key="fit_on").set_value("Test").run())
    checked(app.button(key="fit_go").click().run())
    assert app.query_params["set"] == "max_f1@test" and "same films" in text_of(app)


def test_a_parameter_is_used(store, open_page, sent):
    app = open_page(run=runs_of(store)[0])
    checked(app.selectbox(key="fit_aim").set_value("recall").run())
    checked(app.number_input(key="fit_value_recall").set_value(0.6).run())
    checked(app.button(key="fit_go").click().run())
    val = predictions(store, "val")
    assert sent[-1]["thresholds"] == thresholds.fit(val.labels, val.scores, "recall", 0.6).thresholds.tolist()


# -- sets


def test_a_set_is_saved_with_its_provenance_and_loaded_again(store, open_page, sent):
    run_id = runs_of(store)[0]
    app = open_page(run=run_id, t="Mass:0.3@test")
    for key, value in (("name", "few alarms"), ("note", "for the ward"), ("author", "me")):
        app.text_input(key=f"sets_{key}").set_value(value)
    checked(app.button(key="sets_save_go").click().run())
    row = store.threshold_sets(run_id).iloc[0]
    assert (row["name"], row["note"], row["author"], row["objective"]) == ("few alarms", "for the ward", "me", "manual")
    assert row["thresholds"][FINDINGS.index("Mass")] == 0.3 and "changed" in json.loads(row["parameters"])
    sets = store.prediction_sets(run_id).set_index("prediction_id")
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
    assert sent[-1]["reference"] == {"name": "0.5", "thresholds": [0.5] * N_FINDINGS}
    assert app.query_params["ref"] == "fixed:0.5"


def test_two_sets_side_by_side_equal_scikit_learn(store):
    test = predictions(store)
    found = [sort_scores(*pair) for pair in zip(test.labels.T, test.scores.T, strict=True)]
    table = threshold_sets.comparison(found, np.full(14, 0.3), np.full(14, 0.05))
    for k, row in table.iterrows():
        for name, at in (("f1_one", 0.3), ("f1_other", 0.05)):
            labels = test.labels[:, k]
            expected = f1_score(labels, test.scores[:, k].astype(np.float64) >= at) if labels.any() else np.nan
            np.testing.assert_allclose(row[name], expected)


# -- files


def test_a_file_comes_back_exactly(store, open_page, sent):
    run_id = runs_of(store)[0]
    run = evaluated(store, run_id)
    state = read_state(store, run, None, None, ["Mass:0.123456789012345@test"])
    text = thresholdfile.dumps(threshold_sets.as_file(store, run, "test", state))
    file = thresholdfile.loads(text)
    np.testing.assert_array_equal(file.thresholds, state.thresholds)
    source = store.prediction_sets(run_id).set_index("prediction_id").loc[run.prediction_id("test")]
    assert (file.run_id, file.checkpoint_sha256) == (run_id, source["checkpoint_sha256"])
    assert (file.split_fingerprint, file.fitted_on, file.objective) == ("abc", "test", "manual")
    app = upload(open_page(run=run_id), text.encode())
    checked(app.button(key="sets_import_go").click().run())
    assert sent[-1]["thresholds"] == state.thresholds.tolist()


def upload(app, content: bytes) -> AppTest:
    return checked(app.file_uploader(key="sets_file").set_value(("set.json", content, "application/json")).run())


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: d["thresholds"].pop("Mass"), "missing"), (lambda d: d["thresholds"].update(Toe=0.2), "unknown finding"),
    (lambda d: d["thresholds"].update(Mass=1.2), "from 0 to 1"),
    (lambda d: d["thresholds"].update(Mass=float("nan")), "Mass"),
    (lambda d: d.update(thresholds=[0.5] * 13), "list of 13"),
    (lambda d: d.update(run_id="gone"), "not in this store")])
def test_a_bad_file_is_one_line_and_the_board_stays(store, open_page, sent, change, words):
    run_id = runs_of(store)[0]
    run = evaluated(store, run_id)
    text = thresholdfile.dumps(threshold_sets.as_file(store, run, "test", read_state(store, run, None, None, [])))
    document = json.loads(text)
    change(document)
    app = open_page(run=run_id)
    before = sent[-1]["thresholds"]
    upload(app, json.dumps(document).encode())
    assert len(app.error) == 1 and words in app.error[0].value and "\n" not in app.error[0].value
    assert sent[-1]["thresholds"] == before
    assert not [button for button in app.button if button.key == "sets_import_go"]


def test_broken_json_is_one_line(store, open_page):
    app = upload(open_page(run=runs_of(store)[0]), b'{"format": "cxr-')
    assert len(app.error) == 1 and "broken JSON" in app.error[0].value


def test_a_plain_mapping_and_another_runs_file_are_said(store, open_page, sent):
    mapping = json.dumps(dict.fromkeys(FINDINGS, 0.25)).encode()
    app = upload(open_page(run=runs_of(store)[0]), mapping)
    assert "does not say which run" in text_of(app)
    checked(app.button(key="sets_import_go").click().run())
    assert sent[-1]["thresholds"] == [0.25] * N_FINDINGS
    other = evaluated(store, runs_of(store)[1])
    file = threshold_sets.as_file(store, other, "test", read_state(store, other, None, None, []))
    app = upload(open_page(run=runs_of(store)[0]), thresholdfile.dumps(file).encode())
    assert "another run" in text_of(app)


# -- what fitting promised


def test_the_promise_is_kept_in_numbers(store):
    run = evaluated(store, runs_of(store)[0])
    made = find_set(store, run, "max_f1@val")
    table = threshold_promise.promise_table(store, run, made, "test")
    val, test = predictions(store, "val"), predictions(store)
    np.testing.assert_allclose(table["apparent"], confusion(val.labels, val.scores, made.thresholds).f1)
    crossed = cross_fitted(val.labels, val.scores, val.patient_ids, "max_f1").counts.f1
    np.testing.assert_allclose(table["crossed"], crossed)
    np.testing.assert_allclose(table["other"], confusion(test.labels, test.scores, made.thresholds).f1)
    np.testing.assert_allclose(table["prevalence_other"], 100 * test.labels.mean(axis=0), rtol=1e-6)
    assert macro(table["optimism"].to_numpy())[0] > 0


def test_the_promise_is_on_the_page_for_fitted_sets_only(store, open_page):
    app = open_page(run=runs_of(store)[0])
    assert [one.label for one in app.metric][:3] == ["On validation, as fitted", "Cross-fitted on it", "Read on test"]
    assert not open_page(run=runs_of(store)[0], set="fixed:0.5").metric


def test_the_payload_does_not_grow_with_the_films(store):
    sizes = []
    for part in ("val", "test"):
        found = predictions(store, part)
        scores = [sort_scores(*pair) for pair in zip(found.labels.T, found.scores.T, strict=True)]
        run = payload.RunCounts("id", "run", "#000000", "solid", scores, np.full(14, 0.5))
        header = {"of": "x", "id": 1, "open": FINDINGS[0], "thresholds": [0.5] * 14, "reference": "0.5"}
        sizes.append(len(payload.pack(run, [run] * 5, header, [[]] * 14, [[]] * 14, {})))
    assert max(sizes) / 6 < 400_000 and abs(sizes[0] - sizes[1]) < 0.05 * sizes[0]


def test_measures_as_csv_hold_what_the_board_shows(store):
    run = evaluated(store, runs_of(store)[0])
    state = read_state(store, run, None, None, ["Mass:0.2@val"])
    table = threshold_sets.measures_table(store, run, "test", state)
    test = predictions(store)
    counts = confusion(test.labels, test.scores, state.thresholds)
    assert table["tp"].tolist() == counts.tp.tolist() and pd.isna(table["f1"][EMPTY])
    assert table.set_index("finding").at["Mass", "from"] == "0.2@val"
