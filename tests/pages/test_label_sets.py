"""The switch Labels on every page, what is measured then, and the label sets on the Data page."""

import json
import shutil
from pathlib import Path

import numpy as np
import other_lists
import pandas as pd
import pytest
import scored_runs
from one_opening import one_opening
from opened_pages import given_to, open_page, text_of
from other_lists import FIVE, run_ids
from scored_runs import DATASET
from told_board import Browser

from cxrcore.charts.curves import LABEL_READER
from cxrcore.config import ReportConfig, default_store
from cxrcore.errors import RunError
from cxrcore.measures.metrics import auroc, confusion
from cxrcore.queries import evaluated_runs, from_store
from cxrcore.queries.labels import label_quality
from cxrcore.queries.labels.label_set_in_words import label_set_in_words
from cxrcore.report.write_files import write_report
from cxrcore.store import Store

N_VAL, N_TEST = 120, 240
READ = ("Effusion", "Mass", "Nodule_or_mass")
ON_TEST = N_TEST // 2  # every second film is read
SAID = f"who have read {ON_TEST} of these {N_TEST} films, for Effusion, Mass, Nodule or mass."
PAGES = ("compare", "curves", "thresholds", "subgroups", "cases", "localization")


def make(path: Path) -> Store:
    """Two runs whose films experts have read again, and a data set of another list, of which there is one reading."""
    with one_opening(path):
        store = scored_runs.make(path, N_VAL, N_TEST, 2)
        own = store.labels(DATASET)[::2]
        read = own[["Effusion", "Mass"]].assign(Nodule_or_mass=own[["Nodule", "Mass"]].max(axis=1))
        turned = np.random.default_rng(1).random(read.shape) < 0.1
        store.save_label_set(DATASET, "experts", read.mask(turned, 1 - read), source="two *readers*",
                             derived_from={"Nodule_or_mass": ["Nodule", "Mass"]})
        store = other_lists.make(path, FIVE, 60, 80)
        for run_id in ours(store):
            other_lists.measure_boxes(store, run_id, ("Effusion", "Mass"))
        return store


MAKE = make


def ours(store: Store) -> list[str]:
    runs = store.runs()
    return list(runs[runs["dataset_id"] == DATASET]["run_id"][::-1])


def label_switch(app):
    return [box for box in app.selectbox if box.label == "Labels"]


def opened(name: str, store: Store, labels: str | None = None, **link):
    more = {} if labels is None else {"labels": labels}
    return open_page(name, run=ours(store)[0], **more, **link)


# -- the switch


@pytest.mark.parametrize("page", PAGES)
def test_everything_is_measured_on_the_films_that_the_set_has_read(store, page):
    app = opened(page, store, "experts")
    [switch] = label_switch(app)
    assert switch.value == "experts" and switch.options == ["Own", "experts", "Own on experts"]
    assert not app.error and f"Labels: experts, {SAID}" in text_of(app), text_of(app)
    assert "Nodule or mass scores 1 - (1 - Nodule)(1 - Mass)." in text_of(app)


def test_the_switch_is_one_step(store):
    app = opened("thresholds", store)
    assert "Labels: " not in text_of(app)
    app.selectbox(key="labels").set_value("experts").run()
    assert not app.exception and f"Labels: experts, {SAID}" in text_of(app)


def test_own_labels_on_the_same_films_are_a_choice(store):
    app = opened("compare", store, "Own on experts")
    assert f"Labels: the films' own, on the {ON_TEST} of these {N_TEST} films that experts have read" in text_of(app)


def test_the_switch_stands_only_where_there_is_something_to_choose(store):
    for page in ("compare", "thresholds"):
        assert not label_switch(open_page(page, run=run_ids(store, FIVE)[0]))
    assert label_switch(opened("compare", store))


@pytest.mark.parametrize("page", PAGES)
def test_a_store_whose_runs_are_all_archived_has_nothing_to_switch(own_store, page):
    for run_id in own_store.runs()["run_id"]:
        own_store.edit_run(run_id, archived=True)
    for link in ({}, {"labels": "experts"}):
        app = open_page(page, **link)
        assert not app.error and not label_switch(app)


@pytest.mark.parametrize(("page", "labels", "of_ours"), [
    ("compare", "<b>x</b>", True), ("thresholds", "experts", False)])
def test_a_link_to_a_set_that_is_not_of_these_films_says_so(store, page, labels, of_ours):
    run_id = (ours(store) if of_ours else run_ids(store, FIVE))[0]
    app = open_page(page, run=run_id, labels=labels)
    assert "The link asks for labels" in app.error[0].value and not app.get("plotly_chart") and not app.dataframe
    next(button for button in app.button if button.label == "Show what is here").click().run()
    assert not app.exception and not app.error and "labels" not in app.query_params


def test_the_choice_stays_when_the_menu_leads_to_another_page(store):
    app = opened("compare", store, "experts")
    for name in ("runs", "labels"):  # links of the menu carry no parameters
        app.query_params.pop(name, None)
    app.query_params.pop("run", None)
    app.switch_page("pages/subgroups.py").run()
    assert not app.exception and label_switch(app)[0].value == "experts"
    assert f"Labels: experts, {SAID}" in text_of(app)


# -- what the pages say then


def read_by_experts(store: Store, run_id: str):
    board = store.leaderboard().set_index(["run_id", "split"])
    return store.predictions(board.at[(run_id, "test"), "prediction_id"], "experts")


def test_compare_has_the_numbers_of_the_set(store):
    app = open_page("compare", run=ours(store), labels="experts")
    means = []
    for run_id in ours(store):
        films = read_by_experts(store, run_id)
        means.append(np.mean([auroc(films.labels[:, k], films.scores[:, k]) for k in range(3)]))
    mean = given_to(app, "cxr_compare_table")["rows"][0]["cells"]
    assert [cell["by"] for cell in mean[1:3]] == pytest.approx(means, abs=1e-9)
    assert abs(mean[3]["by"]) == pytest.approx(abs(means[0] - means[1]), abs=1e-9)


def test_curves_show_the_label_as_a_reader(store):
    app = opened("curves", store, "experts", view="ROC")
    films = read_by_experts(store, ours(store)[0])
    own = store.labels(DATASET).loc[films.image_ids, ["Effusion", "Mass"]].to_numpy()
    counts = confusion(films.labels[:, :2], own, np.full(2, 0.5))
    panels = given_to(app, "cxr_small_curves")["panels"]
    assert len(panels) == 4  # and the mean
    for place in range(2):
        [cross] = [mark for mark in panels[place]["marks"] if mark["symbol"] == "x-thin"]
        at = [cross[axis] * 1.02 - 0.01 for axis in "xy"]  # the axes reach a hundredth beyond 0 and 1
        assert at == pytest.approx([counts.fp[place] / (counts.fp[place] + counts.tn[place]),
                                    counts.tp[place] / (counts.tp[place] + counts.fn[place])], abs=2e-4)
    chart = opened("curves", store, "experts", view="ROC", finding="Effusion").get("plotly_chart")[0].proto.spec
    assert LABEL_READER in json.loads(chart)["data"][-1]["name"]
    assert "Violet cross: the films' own label" in text_of(app)
    for labels in ("Own on experts", None):
        assert "x-thin" not in str(given_to(opened("curves", store, labels, view="ROC"), "cxr_small_curves"))


def test_the_board_has_the_rows_of_the_set_and_keeps_what_it_does_not_show(store, monkeypatch):
    browser = Browser(monkeypatch).open(store, run=ours(store)[0], labels="experts",
                                        t=["Edema:0.25@val", "Mass:0.4@test"])
    assert browser.findings == list(READ) and browser.thresholds[1] == 0.4
    browser.drag("Effusion", 0.3)
    assert sorted(browser.pairs) == ["Edema:0.25@val", "Effusion:0.3@test", "Mass:0.4@test"]
    browser.app.selectbox(key="labels").set_value("Own").run()
    assert not browser.app.exception and len(browser.findings) == 14
    assert [browser.thresholds[browser.findings.index(name)] for name in ("Edema", "Effusion", "Mass")] == [
        0.25, 0.3, 0.4]


def test_a_finding_that_other_labels_do_not_have_is_left_behind_by_the_switch(store, monkeypatch):
    browser = Browser(monkeypatch).open(store, run=ours(store)[0], labels="experts", finding="Nodule or mass")
    browser.drag("Nodule_or_mass", 0.3)
    browser.app.selectbox(key="labels").set_value("Own").run()
    assert not browser.app.exception and not browser.app.error and len(browser.findings) == 14
    browser.app.selectbox(key="labels").set_value("experts").run()
    assert browser.thresholds[2] == 0.3
    for page in ("curves", "cases"):
        app = opened(page, store, finding="Edema")
        app.selectbox(key="labels").set_value("experts").run()
        assert not app.exception and not app.error, page


def test_thresholds_are_those_of_the_own_labels(store, monkeypatch):
    own = Browser(monkeypatch).open(store, run=ours(store)[0])
    at = dict(zip(own.findings, own.thresholds, strict=True))
    experts = own.open(store, run=ours(store)[0], labels="experts")
    assert experts.thresholds[:2] == [at["Effusion"], at["Mass"]]
    assert experts.thresholds[2] == pytest.approx(1 - (1 - at["Nodule"]) * (1 - at["Mass"]), abs=1e-7)
    assert "fitted on validation" in experts.words
    assert "thresholds were fitted on fewer than 50 films" in experts.board["warned"]  # with 120 films to fit them on


def test_runs_of_other_films_are_named_beside_the_set(store):
    overview = from_store.overview(store)
    rows = overview.runs[overview.runs["run_id"].isin([ours(store)[0], run_ids(store, FIVE)[0]])]
    runs = evaluated_runs.evaluated(rows, overview, dict(zip(rows["run_id"], ["one", "two"], strict=True)), "test",
                                    "experts")
    assert "which this label set is not of, are read by their own labels" in label_set_in_words(store, runs, "test")


def test_what_was_fitted_on_the_own_labels_says_so(store):
    said = f"fitted on validation, {N_VAL} films with their own labels"
    assert f"Marks: thresholds of max F1, {said}" in text_of(opened("curves", store, "experts", view="ROC"))
    assert f"Calibrators {said}" in text_of(opened("curves", store, "experts", view="Reliability", scores="Platt"))
    assert f"max F1, {said}" in text_of(opened("subgroups", store, "experts"))
    assert "their own labels" not in text_of(opened("subgroups", store))


def test_no_published_numbers_stand_beside_another_reading(store):
    pickers = [[box.key for box in opened("compare", store, labels).selectbox] for labels in (None, "experts")]
    assert "published" in pickers[0] and "published" not in pickers[1]


def test_boxes_that_the_set_has_not_read_are_no_boxes_missing_on_disk(store):
    assert "not on disk" not in text_of(opened("localization", store, "experts"))


# -- report


def test_a_report_is_measured_on_the_set(store, tmp_path, monkeypatch):
    config = ReportConfig(run=tuple(ours(store)), labels="experts", out=str(tmp_path / "report.html"), cams=0,
                          store=str(store.path))
    write_report(config)
    text = (tmp_path / "report.html").read_text()
    assert "Labels: experts, " + SAID.split(", for")[0] in text.replace("&#x27;", "'")
    assert "Measured on more films" not in text
    films = read_by_experts(store, ours(store)[0])
    assert f"{np.mean([auroc(films.labels[:, k], films.scores[:, k]) for k in range(3)]):.3f}" in text
    with pytest.raises(RunError, match="no label set 'nobody'"):
        write_report(ReportConfig(labels="nobody", out=str(tmp_path / "other.html"), store=str(store.path)))
    assert not (tmp_path / "other.html").exists()


def test_the_report_of_compare_is_of_the_set(store, monkeypatch):
    asked = []
    monkeypatch.setattr("cxrcore.ui.report_button._make", lambda *given: asked.append(given[3]) or b"made")
    app = open_page("compare", run=ours(store), labels="experts")
    next(button for button in app.button if button.label == "Make the HTML").click().run()
    assert not app.exception and asked == ["experts"]


# -- the Data page


def test_the_data_page_lists_the_sets_and_says_how_good_the_labels_are(store):
    app = open_page("data", data=DATASET)
    headers = [one.value for one in app.header]
    assert headers[-3:-1] == ["Label sets", "How good are the labels?"]
    tables = [one.value for one in app.dataframe]
    sets = next(table for table in tables if "Label set" in table)
    assert sets["Label set"].tolist() == ["Own", "experts"] and [*map(int, sets["Films"])] == [360, 180]
    quality = next(table for table in tables if "PPV" in table)
    found = label_quality.quality_table(label_quality.label_quality(store, store.label_set(DATASET, "experts")))
    assert quality["Finding"].tolist() == ["Effusion", "Mass", "Nodule or mass"]
    assert quality["PPV"].iloc[0].startswith(f"{found['precision'].iloc[0]:.3f} (")
    assert "on 180 films of" in text_of(app)
    assert "How good are the labels?" not in [one.value for one in open_page(
        "data", data=other_lists.dataset_of(FIVE)).header]


@pytest.fixture
def own_store(tmp_path_factory) -> Store:
    """A small store without runs, to write to."""
    path = default_store()
    path.parent.mkdir(parents=True, exist_ok=True)
    made = tmp_path_factory.mktemp("films") / "store.duckdb"
    scored_runs.make(made, 40, 60, 1)
    return Store(Path(shutil.copyfile(made, path)))


def test_a_file_is_added_through_the_page(own_store):
    films = own_store.images(DATASET)["image_id"].tolist()
    rows = pd.DataFrame({"image": films[40:90], "Mass": [1, 0] * 25, "Spots": [0, 1] * 25})
    app = open_page("data", data=DATASET)
    assert "python scripts/labels.py add FILE" not in text_of(app) and not app.get("file_uploader")  # only when opened
    app.session_state["add_labels"] = True
    assert "python scripts/labels.py add FILE" in text_of(app.run())
    app.file_uploader(key="labels_file").upload("my readers.csv", rows.to_csv(index=False).encode(), "text/csv").run()
    assert not app.exception and "50 films, Mass" in app.text[0].value and "--map 'Spots=Spots'" in app.text[0].value
    assert len(own_store.label_sets()) == 1  # only looked at
    app.text_input(key="labels_map").set_value("Spots=Nodule").run()
    app.text_input(key="labels_name").set_value("csv").run()
    app.button(key="labels_go").click().run()
    assert "means the labels that the data set came with" in text_of(app) and len(own_store.label_sets()) == 1
    app.text_input(key="labels_name").set_value("second").run()
    app.button(key="labels_go").click().run()
    assert not app.exception and "Added “second”" in app.toast[0].value
    assert "AUROC on test, on the 50 films that 'second' has read" in text_of(app)
    made = own_store.label_set(DATASET, "second")
    assert (made.findings, made.source) == (("Mass", "Nodule"), "my readers.csv")
    assert "How good are the labels?" in [one.value for one in app.header]


def test_a_file_that_cannot_be_read_is_one_line_on_the_page(own_store):
    app = open_page("data", data=DATASET)
    app.session_state["add_labels"] = True
    app.run().file_uploader(key="labels_file").upload("x.csv", b"image,Mass\nnobody.png,1\n", "text/csv").run()
    assert not app.exception and "none of the 1 films of the file is of data set" in app.error[0].value
    assert not [one for one in app.button if one.key == "labels_go"] and len(own_store.label_sets()) == 1
    app.file_uploader(key="labels_file").upload("y.csv", b"image,Spots\na.png,1\n", "text/csv").run()
    assert app.error[0].value.startswith("y.csv: no column is a finding")
