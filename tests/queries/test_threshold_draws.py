"""The range of a fitted threshold, against fitting anew on films that are repeated as the draws say."""

from dataclasses import replace

import numpy as np
import pytest
import scored_runs
from read_runs import read_runs

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import threshold_draws
from cxrcore.queries.board_state import read_state
from cxrcore.queries.evaluated_runs import Evaluated

EMPTY = "Edema"  # without a positive film in test


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return scored_runs.make(tmp_path_factory.mktemp("draws") / "store.duckdb", 480, 300,
                            empty=(NIH_FINDINGS.index(EMPTY),))


@pytest.fixture(scope="module")
def run(store) -> Evaluated:
    return read_runs(store)[0]


def made_on(store, run, finding, key="max_f1@val", pairs=()):
    return threshold_draws.fit_in_draws(run, read_state(store, run, key, None, pairs), finding)


@pytest.mark.parametrize(("finding", "few"), [("Effusion", True), ("Infiltration", False)])
def test_the_range_is_that_of_fitting_anew_on_repeated_films(store, run, finding, few):
    made, k = made_on(store, run, finding), NIH_FINDINGS.index(finding)
    said, meaning = threshold_draws.in_words(store, run, made, finding)
    val = store.predictions(run.prediction_id("val"))
    draws = patient_draws(val.patient_ids, val.image_ids)
    owners = draws.owners(val.patient_ids, val.image_ids)
    fitted = []
    for counts in draws.counts.T:
        rows = np.repeat(np.arange(len(owners)), counts[owners])
        steps = fitting.ladder(val.labels[rows, k], val.scores[rows, k])
        fitted.append(steps.thresholds[np.argmax(steps.f1)])
    low, high = np.percentile(fitted, (2.5, 97.5))
    assert low < high
    assert f"fitted threshold {made.thresholds[k]:.3g}, 95 % of patient draws: {low:.3g} to {high:.3g}." in said
    assert ("may be too narrow" in said) == few and "1,000 draws" in meaning and "validation" in meaning


def test_only_the_greatest_f1_is_fitted_in_draws(store, run):
    for key in ("fixed:0.5", "expected_f1@val", "youden@val"):
        assert made_on(store, run, "Mass", key) is None
    own = made_on(store, run, "Mass", "fixed:0.5", ["Mass:max_f1@test"])
    assert own.part == "test" and made_on(store, run, "Nodule", "fixed:0.5", ["Mass:max_f1@test"]) is None
    assert made_on(store, run, "Mass", pairs=["Mass:0.3@test"]).key == "max_f1@val"  # as it was fitted


def test_a_finding_that_was_not_fitted_has_no_range(store, run):
    assert made_on(store, run, EMPTY, "max_f1@test") is None


def test_films_of_one_patient_give_no_range(store, run):
    val = store.predictions(run.prediction_id("val"))
    rows = val.patient_ids == val.patient_ids[np.flatnonzero(val.labels[:, 3])[0]]
    alone = store.save_predictions(run.run_id, scored_runs.DATASET, "val", list(val.image_ids[rows]), val.scores[rows])
    lone = replace(run, parts={"val": run.parts["val"] | {"prediction_id": alone}})
    said, _ = threshold_draws.in_words(store, lone, made_on(store, lone, NIH_FINDINGS[3]), NIH_FINDINGS[3])
    assert "No range: films of 1 patient" in said
