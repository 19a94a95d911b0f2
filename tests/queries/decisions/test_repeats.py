"""What repeats of a training tell beside the draws of patients, and promises as pages ask for them."""

import numpy as np
import pandas as pd
import pytest
from seeded_runs import add_run, make_store

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.decisions.promise_record import promised_set
from cxrcore.measures.decisions.promises import Aim, promise
from cxrcore.queries import from_store
from cxrcore.queries.decisions.promises import read_promise
from cxrcore.queries.repeats.of_run import repeats_of


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store.duckdb")


def with_interval(store, run_id, value, width):
    prediction_id = store.chosen_set(run_id, "test")
    frame = pd.DataFrame([("macro", "auroc", None, value, value - width / 2, value + width / 2, 4, 12, "test")],
                         columns=["finding", "metric", "set_id", "value", "low", "high", "n_positive", "n", "method"])
    store.save_metrics(prediction_id, frame)


def test_repeats_are_runs_that_differ_by_the_seed_alone(store):
    values = {2: 0.80, 0: 0.81, 1: 0.83}
    runs = {seed: add_run(store, f"seed {seed}", seed=seed, auroc=value) for seed, value in values.items()}
    again = add_run(store, "again", seed=1, auroc=0.5)  # the newest run of a seed counts
    add_run(store, "other loss", seed=3, loss="focal")
    add_run(store, "other split", seed=4, fingerprint="b")
    add_run(store, "a subset", seed=5, n=6)
    for run_id in (runs[0], runs[2], again):
        value = values[0] if run_id == runs[0] else values[2] if run_id == runs[2] else 0.5
        with_interval(store, run_id, value, 0.0392)
    found = repeats_of(from_store.overview(store), runs[0])
    assert found.seeds == (0, 1, 2) and found.run_ids == (runs[0], again, runs[2])
    assert np.allclose(found.values, [0.81, 0.5, 0.80]) and np.isclose(found.spread, np.std([0.81, 0.5, 0.8], ddof=1))
    assert np.isclose(found.error, 0.01, atol=1e-4)
    assert np.isclose(found.plan.now, np.hypot(found.spread / np.sqrt(3), found.error))
    asked = repeats_of(from_store.overview(store), runs[1])
    assert asked.run_ids[1] == runs[1]  # the run that is asked for stands for its own seed


def test_one_run_or_none_with_an_interval_gives_no_plan(store):
    alone = add_run(store, "a", seed=0)
    found = repeats_of(from_store.overview(store), alone)
    assert found.seeds == (0,) and np.isnan(found.spread) and found.plan is None
    add_run(store, "b", seed=1, auroc=0.7)
    assert repeats_of(from_store.overview(store), alone).plan is None  # no interval
    unmeasured = add_run(store, "c", seed=2, auroc=None)
    assert repeats_of(from_store.overview(store), unmeasured) is None
    assert repeats_of(from_store.overview(store), "20200101-000000-abcdef") is None


def test_a_promise_is_read_anew_when_there_is_something_to_read_it_on(store):
    run_id = add_run(store, "a", parts=("val",))
    val = store.predictions(store.chosen_set(run_id, "val"))
    made = promised_set(promise(val, Aim("recall", 0.3)), NIH_FINDINGS)
    set_id = store.save_threshold_set(store.chosen_set(run_id, "val"), made.name, made.objective, made.thresholds,
                                      parameters=made.parameters)
    assert read_promise(store, run_id, set_id).read_on.startswith("nothing")
    store.save_predictions(run_id, "films", "test", val.image_ids, val.scores)
    assert read_promise(store, run_id, set_id).read_on == "test, 12 films"
