"""The Curves page without a browser: what it draws, and what it says of all that cannot be drawn."""

import json

import numpy as np
import pandas as pd
import pytest
from opened_pages import text_of
from read_runs import read_runs
from seeded_runs import DATASET, add_run, beat, film_ids, make_store

from cxrcore.config import default_store
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import metrics
from cxrcore.queries import curves, from_store

PAGE = "curves"


@pytest.fixture
def store():
    """The default store of this test, with one data set of 12 films."""
    return make_store(default_store())


def predict(store, run_id, part="test", labels=None, dataset=DATASET, n=12, **more):
    """Random scores for a run; with `labels`, on a data set of its own that has them."""
    if labels is not None:
        images = pd.DataFrame({"image_id": film_ids(n), "patient_id": film_ids(n), "follow_up": 0, "age": 50.0,
                               "sex": "F", "view": "PA"})
        store.add_dataset(dataset, images, labels, NIH_FINDINGS, name=dataset, kind="nih", label_source="test")
    scores = np.random.default_rng(1).random((n, len(NIH_FINDINGS)))
    return store.save_predictions(run_id, dataset, part, film_ids(n), scores, **more)


def charts_of(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def curves_of(app):
    """The names of the runs whose curves each chart shows."""
    return [[trace["name"] for trace in chart["data"] if trace.get("name") not in (None, "operating points")]
            for chart in charts_of(app)]


def alts_of(app):
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def titles_of(app):
    return [chart["layout"]["title"]["text"].split(" <span")[0] for chart in charts_of(app)]


def choose(app, key, value):
    app.segmented_control(key=key).set_value(value).run()
    assert not app.exception, app.exception[0].value


# -- what is drawn


def test_a_small_chart_a_finding_or_one_large(open_page, store):
    ids = [add_run(store, name) for name in ("first", "second")]
    app = open_page(run=ids)
    assert len(charts_of(app)) == 14 and titles_of(app)[12] == "Pleural thickening"
    assert all(len(names) == 2 for names in curves_of(app))
    assert "macro AUROC 0." in text_of(app) and "over 14 of 14 findings" in text_of(app)
    assert "Measured on test, 12 films." in text_of(app)
    app.selectbox[0].set_value("Mass").run()
    assert titles_of(app) == ["Mass"] and "4 of them with the finding (33.33 %), too few" in text_of(app)


def test_numbers_on_the_page_are_those_of_the_metrics(open_page, store):
    run_id = add_run(store, "only")
    [row] = [row for row in store.leaderboard().itertuples() if row.split == "test"]
    known = store.predictions(row.prediction_id)
    auroc = metrics.per_finding(metrics.auroc, known.labels, known.scores)
    ap = metrics.per_finding(metrics.average_precision, known.labels, known.scores)
    app = open_page(run=run_id)
    assert f"macro AUROC {np.mean(auroc):.3f}, AP {np.mean(ap):.3f} over 14 of 14 findings" in text_of(app)
    assert [f"AUROC {value:.3f}" in alt for value, alt in zip(auroc, alts_of(app), strict=True)] == [True] * 14
    app.selectbox[0].set_value("Hernia").run()
    assert f"AUROC {auroc[-1]:.3f}, AP {ap[-1]:.3f}" in text_of(app)


@pytest.mark.parametrize(("view", "large"), [("ROC", 1), ("PR", 1), ("Scores", 2), ("Thresholds", 3)])
def test_every_view_small_and_large(open_page, store, view, large):
    ids = [add_run(store, name) for name in ("first", "second")]
    app = open_page(run=ids, view=view)
    assert len(charts_of(app)) == 14 and "Across: " in text_of(app)
    app.selectbox[0].set_value("Edema").run()
    assert len(charts_of(app)) == large
    assert all("Edema" in alt for alt in alts_of(app))


def test_the_part_is_a_choice(open_page, store):
    app = open_page(run=add_run(store, "a"))
    assert "Measured on test" in text_of(app)
    choose(app, "on", "Validation")
    assert "Measured on validation" in text_of(app) and not app.info


def test_thresholds_of_all_findings_show_one_measure(open_page, store):
    app = open_page(run=add_run(store, "a"), view="Thresholds")
    assert charts_of(app)[0]["layout"]["yaxis"]["title"]["text"] == "F1"
    choose(app, "measure", "Precision")
    assert charts_of(app)[0]["layout"]["yaxis"]["title"]["text"] == "Precision"


def test_the_link_restores_runs_finding_and_view(open_page, store):
    ids = [add_run(store, name) for name in "abc"]
    app = open_page(run=[ids[2], ids[0]], finding="Pleural thickening", view="PR")
    assert app.multiselect[0].value == [ids[2], ids[0]]
    assert titles_of(app) == ["Pleural thickening"] and "Precision-recall" in alts_of(app)[0]
    assert curves_of(app) == [["c", "a"]]


@pytest.mark.parametrize("spelling", ["Pleural_Thickening", "pleural"])
def test_any_known_spelling_of_a_finding_works_in_a_link(open_page, store, spelling):
    add_run(store, "a")
    assert titles_of(open_page(finding=spelling)) == ["Pleural thickening"]


def test_steps_lead_through_the_findings(open_page, store):
    add_run(store, "a")
    app = open_page(finding=NIH_FINDINGS[0])
    next(button for button in app.button if button.label == "Cardiomegaly").click().run()
    assert titles_of(app) == ["Cardiomegaly"]
    app = open_page(finding=NIH_FINDINGS[0])
    next(button for button in app.button if button.label == "Hernia").click().run()
    assert titles_of(app) == ["Hernia"]


def test_without_a_choice_the_best_of_the_newest_group_are_drawn(open_page, store):
    add_run(store, "older group", fingerprint="old", auroc=0.99)
    for i in range(6):
        add_run(store, f"run {i}", auroc=0.7 + i / 100)
    add_run(store, "val only", parts=("val",), auroc=0.98)
    app = open_page()
    assert curves_of(app)[0] == ["run 5", "run 4", "run 3", "run 2"]
    assert "No run is chosen" in text_of(app) and not app.warning and not app.info


def test_curves_outlive_a_training_beside_them(open_page, store, monkeypatch):
    """They are keyed by the predictions, not by the store's change token."""
    run_id = add_run(store, "a")
    open_page(run=run_id)
    add_run(store, "another")
    monkeypatch.setattr(from_store, "finding_curves", lambda *args: pytest.fail("worked out again"))
    assert len(charts_of(open_page(run=run_id))) == 14


# -- what cannot be drawn


def test_an_empty_store_says_what_to_run(open_page):
    app = open_page()
    assert "holds no runs" in text_of(app) and app.code[0].value.startswith("python scripts/train.py")
    assert not default_store().exists()


def test_unknown_runs_and_findings_are_errors_and_nothing_else(open_page, store):
    known = add_run(store, "a")
    app = open_page(run=[known, "20200101-000000-abcdef"])
    assert len(app.error) == 1 and "20200101-000000-abcdef" in text_of(app) and not charts_of(app)
    app.button[0].click().run()
    assert not app.error and len(charts_of(app)) == 14
    app = open_page(run=known, finding="Fracture")
    assert "Fracture" in app.error[0].value and not charts_of(app)
    app.button[0].click().run()
    assert not app.error and len(charts_of(app)) == 14


def test_the_data_pages_no_finding_means_all_here(open_page, store):
    add_run(store, "a")
    assert len(charts_of(open_page(finding="No finding"))) == 14


def test_more_than_six_runs_are_refused_in_words(open_page, store):
    ids = [add_run(store, f"run {i}") for i in range(7)]
    app = open_page(run=ids)
    assert "At most 6 runs" in app.error[0].value and "7 are chosen" in app.error[0].value and not charts_of(app)
    app.multiselect[0].unselect(ids[3]).run()
    assert not app.error and all(len(names) == 6 for names in curves_of(app))


def test_one_of_the_runs_without_predictions_hides_nothing(open_page, store):
    there = add_run(store, "there")
    running = add_run(store, "running", status="running", auroc=None)
    beat(store, running, stage="training", epoch=2)
    failed, bare = add_run(store, "failed", status="failed", auroc=None), add_run(store, "bare", auroc=None)
    for run_id in (failed, bare):
        store.run_folder(run_id).mkdir(parents=True)
        (store.run_folder(run_id) / "model_best.pth").touch()
    broken = add_run(store, "broken", status="failed", auroc=None, epochs=0)
    only_val = add_run(store, "only val", parts=("val",))
    app = open_page(run=[there, running, failed, bare, only_val, broken])
    assert [len(names) for names in curves_of(app)] == [1] * 14
    said = [info.value for info in app.info]
    assert "running** is still training" in said[0]
    assert "failed** has no predictions yet. It is failed: its best epoch" in said[1]
    assert "bare** has no predictions yet. This makes them" in said[2]
    assert "only val** has no test predictions, only validation" in said[3]
    assert "broken** has no predictions, and no checkpoint" in said[4]
    assert [code.value.split(" --store")[0] for code in app.code] == [
        f"python scripts/eval.py --run {failed}", f"python scripts/eval.py --run {bare}"]


def test_no_predictions_at_all_leaves_only_words(open_page, store):
    add_run(store, "failed", status="failed", auroc=None)
    store.create_run({"name": "imported"}, DATASET, "imported")
    app = open_page()
    said = text_of(app)
    assert "none has been evaluated yet" in said and "imported** has no predictions in this store" in said
    assert not charts_of(app)


def test_validation_stands_in_where_no_run_has_a_test_part(open_page, store):
    run_id = add_run(store, "leaky", scheme="random", parts=("val",))
    app = open_page(run=run_id)
    assert len(charts_of(app)) == 14 and "these are validation curves" in text_of(app)
    assert "leaky split" in text_of(app) and "Measured on validation" in text_of(app)


def test_runs_of_different_groups_are_flagged(open_page, store):
    ids = [add_run(store, "one"), add_run(store, "other", fingerprint="bbb222")]
    app = open_page(run=ids)
    assert "measured on different films" in app.warning[0].value and len(charts_of(app)) == 14
    assert "fingerprint aaa111 · one" in text_of(app) and "fingerprint bbb222 · other" in text_of(app)
    assert not open_page(run=ids[0]).warning


def test_subsets_are_flagged(open_page, store):
    whole, part = add_run(store, "whole"), add_run(store, "part", n=8)
    app = open_page(run=[whole, part])
    assert "different films (see below)" in app.warning[0].value
    assert "part: test, subset of 8 of 12 films" in text_of(app) and "whole: test, 12 films" in text_of(app)


def test_findings_that_are_undefined_say_why(open_page, store):
    labels = np.tile([[0.0], [1.0]], (6, len(NIH_FINDINGS))).astype(np.float32)
    labels[:, 0], labels[:, 1], labels[:, 2] = 0, 1, np.nan
    run_id = store.create_run({"name": "odd"}, "odd labels", split=("given", 0, ""))
    predict(store, run_id, labels=labels, dataset="odd labels")
    app = open_page(run=run_id)
    assert len(charts_of(app)) == 11
    said = text_of(app)
    assert "None of the films has this finding" in said and "All of the films have this finding" in said
    assert "Every label or score of this finding is unknown" in said
    assert "over 11 of 14 findings, AP" in said and "over 12 of 14 findings" in said
    choose(app, "view", "PR")
    assert len(charts_of(app)) == 12
    choose(app, "view", "Scores")
    assert len(charts_of(app)) == 13
    large = open_page(run=run_id, finding=NIH_FINDINGS[0])
    assert not charts_of(large) and "None of the films has this finding" in large.info[0].value
    assert "AUROC –, AP –" in text_of(large)


def test_phantoms_are_marked(open_page):
    run_id = add_run(make_store(default_store(), kind="phantom"), "a")
    assert "SYNTHETIC" in text_of(open_page(run=run_id))


def test_predictions_that_are_gone_are_one_line(open_page, store, monkeypatch):
    run_id = add_run(store, "a")
    board = store.leaderboard().assign(prediction_id="20200101-000000-gone00")
    monkeypatch.setattr("cxrcore.store.store.Store.leaderboard", lambda self: board)
    app = open_page(run=run_id)
    assert "no prediction set '20200101-000000-gone00'" in app.error[0].value and not charts_of(app)


# -- downloads


def test_the_downloaded_tables_hold_what_is_drawn(store):
    run_id = add_run(store, "a")
    [measured] = curves.read_drawn_runs(store, read_runs(store, [run_id]), "test",
                                        curves.curves_reader(store, "roc"))
    values = curves.values_table([measured])
    assert list(values["finding"]) == list(NIH_FINDINGS) and (values["n"] == 12).all()
    points = curves.points_table([measured], "Mass")
    assert set(points["finding"]) == {"Mass"} and set(points["line"]) == {"roc"}
    assert (points["tp"] + points["fn"] == 4).all()
    assert len(curves.points_table([measured], None)) > 14 * 2
    assert curves.points_table([], None).empty
