"""Pages and scripts read a run at the same thresholds, however often and on whatever it was evaluated."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import scored_runs

from cxrcore.evaluation import measure_predictions
from cxrcore.explain import draw_figures
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import confusion, macro
from cxrcore.measures.thresholds.fitting import max_f1
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import Store, run_thresholds

N_VAL, N_TEST, FEW = 160, 80, 60
BEST, LAST = (f"{place:064x}" for place in (0, 1))  # sha256 of the checkpoints


@pytest.fixture(autouse=True, scope="module")
def few_draws():
    """Intervals and calibrators are not what is looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("metric_rows", "kept_draws"):
            patch.setattr(f"cxrcore.evaluation.{name}.N_DRAWS", 10)
        patch.setattr("cxrcore.evaluation.measure_predictions._calibrate", lambda *args: None)
        yield


@pytest.fixture(scope="module")
def made(few_draws, tmp_path_factory):
    return scored_runs.make(tmp_path_factory.mktemp("own") / "store.duckdb", N_VAL, N_TEST)


@pytest.fixture
def run(made, tmp_path):
    """A run that was evaluated on all of val and test, and what it is evaluated again with."""
    store = Store(shutil.copy(made.path, tmp_path))
    run_id = store.runs()["run_id"][0]
    sets = store.prediction_sets(run_id).set_index("split")["prediction_id"]
    rng = np.random.default_rng(1)

    def again(parts=("val", "test"), films=slice(None), sha256=BEST, checkpoint="model_best.pth", run_id=run_id,
              measure=True) -> dict[str, str]:
        saved = {}
        for part in parts:
            held = store.predictions(sets[part if part in sets.index else "test"])
            ids = held.image_ids[films]
            scores = (held.scores[films] * (1 - 0.3 * rng.random((len(ids), len(NIH_FINDINGS))))).astype(np.float32)
            saved[part] = store.save_predictions(run_id, scored_runs.DATASET, part, ids, scores, checkpoint=checkpoint,
                                                 checkpoint_sha256=sha256, n_expected=len(held.image_ids))
        if measure:
            measure_predictions.measure(store, run_id, saved)
        return saved

    return SimpleNamespace(store=store, run_id=run_id, sets=sets, again=again)


def on_page(store: Store, run_id: str) -> np.ndarray:
    """What the board begins with, where Compare, Subgroups, Cases, Explain and the report read the run too."""
    runs = store.runs()
    (shown,) = evaluated(runs[runs["run_id"] == run_id], from_store.overview(store), {run_id: ""})
    return find_set(store, shown, default_key(shown)).thresholds


def in_script(run, run_id=None) -> dict[str, np.ndarray]:
    """What an evaluation of other films reads the run at: {name: thresholds}."""
    saved = run.again(("external",), slice(0, 40), run_id=run_id or run.run_id, measure=False)
    measured = measure_predictions.measure(run.store, run_id or run.run_id, saved)
    return {one.chosen.name: one.chosen.thresholds for one in measured.readings}


def check(run, prediction_id: str) -> None:
    """Page, evaluation, leaderboard and Grad-CAM figures agree on the set of these validation predictions."""
    held = run.store.predictions(prediction_id)
    expected = max_f1(held.labels, held.scores, held.findings).thresholds
    np.testing.assert_array_equal(on_page(run.store, run.run_id), expected)
    np.testing.assert_array_equal(in_script(run)["max F1"], expected)
    np.testing.assert_array_equal(
        draw_figures.fitted_thresholds(run.store, run.run_id, BEST, NIH_FINDINGS).values, expected
    )
    row = run.store.leaderboard().set_index(["run_id", "split"]).loc[(run.run_id, "test")]
    test = run.store.predictions(row["prediction_id"])
    assert row["f1"] == pytest.approx(macro(confusion(test.labels, test.scores, expected).f1)[0])
    assert row["f1_fitted_on"] == "val"


def test_a_subset_takes_no_thresholds_from_the_whole(run):
    run.again(films=slice(0, FEW))
    check(run, run.sets["val"])


def test_the_last_checkpoint_takes_none_from_the_best(run):
    last = run.again(sha256=LAST, checkpoint="model_last.pth")
    check(run, run.sets["val"])
    held = run.store.predictions(last["val"])
    np.testing.assert_array_equal(draw_figures.fitted_thresholds(run.store, run.run_id, LAST, NIH_FINDINGS).values,
                                  max_f1(held.labels, held.scores, held.findings).thresholds)


def test_a_whole_evaluation_comes_after_an_older_one(run):
    check(run, run.again()["val"])


def test_what_people_saved_or_brought_is_not_the_runs_own(run):
    for prediction_id, name, author in ((run.sets["val"], "ward round", ""), (run.sets["val"], "max F1", "a reader"),
                                        (run.sets["test"], "max F1 (saved)", "")):
        run.store.save_threshold_set(prediction_id, name, "max_f1", np.full(len(NIH_FINDINGS), 0.77), author=author,
                                     parameters={"unstable": [], "not_fitted": []})
    check(run, run.sets["val"])
    assert set(in_script(run)) == {"0.5", "max F1", "classic"}


def test_an_import_without_validation_stands_at_one_half_everywhere(run):
    imported = run.store.create_run({"name": "theirs", "arch": ""}, scored_runs.DATASET, "imported")
    run.store.finish_run(imported, "finished")
    run.again(("test",), run_id=imported, sha256=None, checkpoint=None)
    run.store.save_threshold_set(run.store.chosen_set(imported, "test"), "max F1 on test", "max_f1",
                                 np.full(len(NIH_FINDINGS), 0.2), parameters={"unstable": [], "not_fitted": []})
    half = np.full(len(NIH_FINDINGS), 0.5)
    np.testing.assert_array_equal(on_page(run.store, imported), half)
    read = in_script(run, imported)
    assert list(read) == ["0.5"] and (read["0.5"] == half).all()
    thresholds = draw_figures.fitted_thresholds(run.store, imported, BEST, NIH_FINDINGS)
    assert (thresholds.values == half).all() and "none fitted on val" in thresholds.source


def test_a_set_of_another_run_is_on_no_leaderboard_as_the_runs_own(run):
    imported = run.store.create_run({"name": "theirs", "arch": ""}, scored_runs.DATASET, "imported")
    saved = run.again(("test",), run_id=imported, sha256=None, checkpoint=None)
    rows = run.store.metrics([run.sets["test"]])
    own = list(run_thresholds.own_sets(run.store, run.run_id))
    run.store.save_metrics(saved["test"], rows[rows["set_id"].isin(own)])
    row = run.store.leaderboard().set_index(["run_id", "split"]).loc[(imported, "test")]
    assert np.isnan(row["f1"]) and row["f1_fitted_on"] != "val"


def test_own_sets_are_told_apart_by_name_and_objective(run):
    own = run_thresholds.own_sets(run.store, run.run_id)
    assert [(one.objective, one.name) for one in own.values()] == list(run_thresholds.NAMES.items())
    assert set(own) <= set(run.store.threshold_sets(run.run_id)["set_id"])
    assert run_thresholds.fitted_set(run.store, run.run_id, run.sets["test"], "max_f1") is None
    assert NIH_FINDINGS[-1] in own[list(own)[1]].parameters["unstable"] + own[list(own)[1]].parameters["not_fitted"]
