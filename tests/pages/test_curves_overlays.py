"""The Curves page without a browser: operating points, bands and reliability, and what it says beside them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from opened_pages import text_of
from read_runs import read_runs
from seeded_runs import make_store

from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import calibration, metrics
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.positions import counts_at, sort_scores
from cxrcore.queries import curves, reliability
from cxrcore.ui.curves import bands, marks

FILMS = 240
RARE = 13  # Hernia: too rare to be fitted on validation
PAGE = "curves"


def MAKE(path):
    """240 films of 80 patients; the first half is validation. Hernia is on 2 films there, on 6 of test."""
    store = make_store(path)
    rng = np.random.default_rng(4)
    labels = (rng.random((FILMS, len(NIH_FINDINGS))) < 0.25).astype(np.float32)
    labels[:, RARE] = np.isin(np.arange(FILMS), [0, 60, *range(120, 240, 20)])
    images = pd.DataFrame({"image_id": ids(0, FILMS), "patient_id": [str(i // 3) for i in range(FILMS)],
                           "follow_up": 0, "age": 50.0, "sex": "F", "view": "PA"})
    store.add_dataset("many", images, labels, NIH_FINDINGS, name="many", kind="nih", label_source="test")


@pytest.fixture
def store(own_store):
    """Each test adds runs of its own."""
    return own_store


def ids(first, last):
    return [f"{i:08d}_000.png" for i in range(first, last)]


def add(store, name, parts=("val", "test"), bias=-1.2, seed=0, **config):
    """A run whose logits lie 1.5 further up for films with the finding; with a bias of 1 scores are far too high."""
    run_id = store.create_run({"arch": "resnet18", "name": name, "loss": "bce"} | config, "many",
                              split=("patient", 0, "fff"))
    labels = store.labels("many").to_numpy()
    logits = np.random.default_rng(seed).normal(bias, 1, labels.shape) + 1.5 * labels
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    for part, rows in (("val", slice(0, 120)), ("test", slice(120, 240))):
        if part in parts:
            store.save_predictions(run_id, "many", part, ids(0, FILMS)[rows], scores[rows])
    store.finish_run(run_id, "finished", best_epoch=1)
    return run_id


def run_of(store, run_id):
    """The run as the views know it, with its predictions on test."""
    [run] = read_runs(store, [run_id])
    [measured] = curves.read_drawn_runs(store, [run], "test",
                                        lambda run, part: store.predictions(run.prediction_id(part)))
    return run, measured


def charts_of(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def marks_of(chart):
    return [trace for trace in chart["data"] if trace.get("name") == "operating points"]


def bands_of(chart):
    return [trace for trace in chart["data"] if trace.get("fill") == "toself"]


# -- operating points


@pytest.mark.parametrize("view", ["ROC", "PR", "Scores", "Thresholds"])
def test_every_view_marks_the_set_fitted_on_validation(open_page, store, view):
    run_ids = [add(store, "one"), add(store, "other", seed=1)]
    app = open_page(run=run_ids, view=view)
    assert all(len(marks_of(chart)) == 1 and len(marks_of(chart)[0]["x"]) == 2 for chart in charts_of(app)[:13])
    assert "Marks: thresholds of max F1, fitted on validation, 120 films." in text_of(app)
    assert "fewer than 50 films with the finding: every one" in text_of(app) and "same films" not in text_of(app)
    app.segmented_control(key="on").set_value("Validation").run()
    assert "the very films that the curves are read on" in text_of(app)
    app.selectbox(key="marks").set_value("Off").run()
    assert not any(marks_of(chart) for chart in charts_of(app)) and "Marks:" not in text_of(app)


def test_points_are_the_exact_counts_at_the_thresholds(store):
    run, measured = run_of(store, add(store, "one"))
    fitted = store.predictions(run.prediction_id("val"))
    read = store.predictions(run.prediction_id("test"))
    at = fitting.max_f1(fitted.labels, fitted.scores, NIH_FINDINGS).thresholds
    marked = marks.marked_runs(store, [measured], [run], "max_f1@val")
    points = marked.runs[0].points
    assert np.array_equal([point.threshold for point in points], at)
    counts = counts_at([sort_scores(*pair) for pair in zip(read.labels.T, read.scores.T, strict=True)], at)
    for name in ("tp", "fp", "recall", "precision", "f1"):
        assert np.array_equal([getattr(point, name) for point in points], getattr(counts, name), equal_nan=True)
    assert np.array_equal([point.fpr for point in points], 1 - counts.specificity) or np.allclose(
        [point.fpr for point in points], 1 - counts.specificity, rtol=0, atol=1e-15)
    table = marks.marks_table(marked)
    assert list(table["finding"]) == list(NIH_FINDINGS) and set(table["thresholds"]) == {"max F1, fitted on validation"}


def test_a_point_without_alarms_or_positives_has_no_precision_or_no_f1():
    none = OperatingPoint(0.9, "0.5", 0, 0, 3, 9)
    assert np.isnan(none.precision) and (none.recall, none.fpr, none.f1) == (0, 0, 0)
    assert "precision –" in none.hover("a <run>") and "a &lt;run>" in none.hover("a <run>")
    absent = OperatingPoint(0.9, "0.5", 0, 2, 0, 9)
    assert np.isnan([absent.recall, absent.f1]).all() and absent.precision == 0


def test_one_run_offers_its_saved_sets_and_the_link_names_them(open_page, store):
    run_id, other = add(store, "one"), add(store, "other")
    prediction_id = store.prediction_sets(run_id).set_index("split").at["test", "prediction_id"]
    store.save_threshold_set(prediction_id, "ward round", "manual", np.full(len(NIH_FINDINGS), 0.3), author="me")
    app = open_page(run=run_id)
    [saved] = [option for option in app.selectbox(key="marks").options if option.startswith("ward round · test")]
    app = open_page(run=run_id, marks=saved, finding="Mass")
    assert "Marks: thresholds of ward round, fitted on test, 120 films" in text_of(app)
    assert "the very films" in text_of(app)
    assert "threshold 0.3 (ward round)" in marks_of(charts_of(app)[0])[0]["hovertext"][0]
    app.multiselect[0].select(other).run()  # the saved set is the first run's
    assert not app.exception and not app.error and app.selectbox(key="marks").value == "Max F1 on validation"
    app = open_page(run=[run_id, other], marks="nonsense")
    assert "nonsense" in app.error[0].value and len(charts_of(app)) == 14


def test_runs_without_validation_have_marks_at_half_only(open_page, store):
    with_val, without = add(store, "whole"), add(store, "imported", parts=("test",))
    app = open_page(run=[with_val, without])
    assert "imported has no validation predictions to fit thresholds on, so its curves have no mark" in text_of(app)
    assert [len(marks_of(chart)[0]["x"]) for chart in charts_of(app)[:3]] == [1, 1, 1]
    app = open_page(run=without)
    assert app.selectbox(key="marks").options == ["0.5", "Off"]
    assert "Marks: thresholds of 0.5, fitted on no films" in text_of(app)


def test_the_large_view_says_the_point_in_figures(open_page, store):
    run_id = add(store, "one")
    run, measured = run_of(store, run_id)
    point = marks.marked_runs(store, [measured], [run], "fixed:0.5").runs[0].points[4]
    app = open_page(run=run_id, finding=NIH_FINDINGS[4], marks="0.5")
    figures = f"recall {point.recall:.3f}, precision {point.precision:.3f}, F1 {point.f1:.3f}"
    assert f"at threshold 0.5: {figures}" in text_of(app)


# -- bands


@pytest.mark.parametrize("view", ["ROC", "PR"])
def test_bands_are_drawn_when_asked_for(open_page, store, view):
    run_ids = [add(store, "one"), add(store, "other", seed=1)]
    app = open_page(run=run_ids, view=view, finding="Mass")
    assert not bands_of(charts_of(app)[0]) and "Bands:" not in text_of(app)
    app.toggle(key="band").set_value(True).run()
    assert not app.exception and len(bands_of(charts_of(app)[0])) == 2
    assert "Bands: pointwise, 95 % of 500 draws of patients" in text_of(app) and "unknown" not in text_of(app)
    app.selectbox(key="finding").set_value("All findings").run()
    assert not app.toggle and not any(bands_of(chart) for chart in charts_of(app))


def test_bands_of_few_films_say_which_draws_are_left_out(open_page, store):
    app = open_page(run=add(store, "one"), finding="Hernia", band="true")
    app.segmented_control(key="on").set_value("Validation").run()
    assert "draws are left out: they hold no film with the finding" in text_of(app)


def test_bands_without_patients_say_that_they_are_too_narrow(open_page, store, monkeypatch):
    run_id = add(store, "one")
    known = bands.from_store.predictions

    def unknown(*args):
        found = known(*args)
        return replace(found, patient_ids=np.full(len(found.image_ids), None, object))

    monkeypatch.setattr(bands.from_store, "predictions", unknown)
    assert "Patients unknown: too narrow" in text_of(open_page(run=run_id, finding="Mass", band="true"))
    assert "Patients unknown: too narrow" in text_of(open_page(run=run_id, finding="Mass", view="Reliability"))


def test_the_table_of_bands_holds_the_grid(store):
    _, measured = run_of(store, add(store, "one"))
    [found] = bands.add_bands(store, [measured], "Mass", "pr")
    table = bands.bands_table([found], "pr")
    assert (table["precision_low"] <= table["precision_high"]).all() and table["recall"].iloc[-1] == 1


# -- reliability


def test_reliability_of_all_findings_and_of_one(open_page, store):
    run_ids = [add(store, "one"), add(store, "other", seed=1)]
    app = open_page(run=run_ids, view="Reliability")
    assert len(charts_of(app)) == 14 and "macro ECE" in text_of(app)
    assert all("ECE, Brier" in chart["layout"]["title"]["text"] for chart in charts_of(app))
    assert not any("error_y" in trace for trace in charts_of(app)[0]["data"])
    app.selectbox(key="finding").set_value("Mass").run()
    [chart] = charts_of(app)
    assert all("error_y" in trace for trace in chart["data"]) and "Intervals: 95 %" in text_of(app)
    hover = chart["data"][0]["hovertext"][0]
    assert "films" in hover and "of them with the finding" in hover and "95 % interval" in hover


def test_numbers_are_those_of_calibration(store):
    run, _ = run_of(store, add(store, "one"))
    fitted, read = (store.predictions(run.prediction_id(part)) for part in ("val", "test"))
    for method in (None, *calibration.METHODS):
        found = reliability.reliability_reader(store, method)(run, "test")
        scores = (
            read.scores
            if method is None
            else calibration.fit_calibrator(fitted.labels, fitted.scores, NIH_FINDINGS, method)(read.scores)
        )
        own = calibration.calibrated_measures(read.labels, scores)
        assert np.flatnonzero(np.isnan(own["ece"])).tolist() == ([] if method is None else [RARE])
        assert np.array_equal([one.ece for one in found.findings.values()], own["ece"], equal_nan=True)
        assert np.array_equal([one.brier for one in found.findings.values()], own["brier"], equal_nan=True)


def test_scores_that_are_no_probabilities_are_said_and_platt_mends_them(open_page, store):
    run_id = add(store, "weighted", bias=1.5, loss="pos_weight")
    app = open_page(run=run_id, view="Reliability")
    said = app.warning[0].value.replace("\\", "")
    assert "**weighted**: scores are not probabilities for every finding" in said
    assert "trained with pos_weight" in said and "Platt" in said
    app.segmented_control(key="scores").set_value("Platt").run()
    assert "Calibrators fitted on validation, 120 films" in text_of(app)
    few = f"fewer than {calibration.MIN_POSITIVES} validation films with it, or without it"
    assert f"Not calibrated, and so not shown, with {few}: Hernia." in text_of(app)
    assert not app.warning and len(charts_of(app)) == 13 and "over 13 of 14 findings" in text_of(app)
    assert text_of(app).count(f"Not calibrated: {few}.") == 1
    app.selectbox(key="finding").set_value("Hernia").run()
    assert f"Not calibrated: {few}." in app.info[0].value and not charts_of(app)
    app.segmented_control(key="on").set_value("Validation").run()
    assert "The calibrators were fitted on the very films" in text_of(app)


def test_a_warning_of_one_finding_stays_with_it(open_page, store):
    run_id = add(store, "a run")
    app = open_page(run=run_id, view="Reliability", finding="Hernia")
    assert "not probabilities for Hernia" in app.warning[0].value and "training with pos" in app.warning[0].value
    assert not open_page(run=run_id, view="Reliability", finding="Mass").warning


def test_without_validation_nothing_is_calibrated(open_page, store):
    without, whole = add(store, "imported", parts=("test",)), add(store, "whole")
    app = open_page(run=[without, whole], view="Reliability", scores="Isotonic")
    assert "imported** has no validation predictions to fit a calibrator on" in text_of(app)
    assert all(trace["name"] == "whole" for trace in charts_of(app)[0]["data"])
    app = open_page(run=without, view="Reliability", scores="Platt")
    assert "to fit a calibrator on" in text_of(app) and not charts_of(app)


def test_findings_without_known_labels_say_so(open_page, store):
    labels = np.full((4, len(NIH_FINDINGS)), np.nan, np.float32)
    labels[:, 0] = [0, 1, 0, 1]
    images = pd.DataFrame({"image_id": ids(0, 4), "patient_id": list("abcd"), "follow_up": 0, "age": 50.0, "sex": "F",
                           "view": "PA"})
    store.add_dataset("odd", images, labels, NIH_FINDINGS, name="odd", kind="nih", label_source="test")
    run_id = store.create_run({"name": "odd"}, "odd", split=("given", 0, ""))
    store.save_predictions(run_id, "odd", "test", ids(0, 4), np.full((4, len(NIH_FINDINGS)), 0.5))
    app = open_page(run=run_id, view="Reliability")
    assert len(charts_of(app)) == 1 and text_of(app).count("Every label or score of this finding is unknown") == 13
    assert "over 1 of 14 findings" in text_of(app)
    app.selectbox(key="finding").set_value("Mass").run()
    assert "is unknown here" in app.info[0].value and not charts_of(app)


def test_tables_hold_what_is_drawn(store):
    run, measured = run_of(store, add(store, "one"))
    read = [replace(measured, data=reliability.reliability_reader(store, "platt")(run, "test"))]
    values = reliability.values_table(read, "platt")
    assert list(values["finding"]) == list(NIH_FINDINGS) and list(values["calibrated"]) == [True] * 13 + [False]
    bins = reliability.bins_table(read, "Mass")
    labels = store.predictions(measured.of.prediction_id).labels[:, NIH_FINDINGS.index("Mass")]
    assert bins["n"].sum() == 120 and bins["n_positive"].sum() == labels.sum()
    assert len(reliability.bins_table(read, None)) > len(bins) and reliability.bins_table([], None).empty
    assert metrics.macro(values["ece"].to_numpy())[1] == 1 and values["n"].iloc[-1] == 0
