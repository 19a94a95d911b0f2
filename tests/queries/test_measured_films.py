"""Every count beside a measure is of the films that it was measured on: those with a known label and a score."""

import numpy as np
import pandas as pd
import pytest
from read_runs import read_runs

from cxrcore.evaluation import measure_predictions, tables
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import comparison, subgroups
from cxrcore.queries.compared import agreement
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.store import Store

N = 240
UNSCORED = slice(0, 8)  # test films without any score, of two patients
UNLABELLED = slice(8, 12)  # without any label, of another
HALF_SCORED, UNKNOWN, ALONE = 2, 5, 9  # findings: every other film scored; every third label unknown; no score at all
RARE = NIH_FINDINGS[HALF_SCORED]


@pytest.fixture(autouse=True, scope="module")
def few_draws():
    """Intervals are not what is looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("metric_rows", "kept_draws"):
            patch.setattr(f"cxrcore.evaluation.{name}.N_DRAWS", 20)
        yield


@pytest.fixture(scope="module")
def store(few_draws, tmp_path_factory):
    """Two runs on films of which some lack a score or a label; read-only by agreement."""
    rng, store = np.random.default_rng(5), Store(tmp_path_factory.mktemp("films") / "store.duckdb")
    ids = [f"{i // 4:08d}_{i % 4:03d}.png" for i in range(2 * N)]
    images = pd.DataFrame({"image_id": ids, "patient_id": [name[:8] for name in ids], "follow_up": 0, "age": 50.0,
                           "sex": ["F", "F", "F", "F", "M", "M", "M", "M"] * (N // 4), "view": "PA"})
    labels = (rng.random((2 * N, len(NIH_FINDINGS))) < 0.3).astype(np.float32)
    labels[::3, UNKNOWN] = np.nan
    labels[N:][UNLABELLED] = np.nan
    store.add_dataset("d", images, labels, NIH_FINDINGS, name="gaps", kind="nih", label_source="random")
    for name in ("one", "other"):
        scores = np.clip(0.4 * np.nan_to_num(labels) + 0.6 * rng.random(labels.shape), 0, 1).astype(np.float32)
        scores[::2, HALF_SCORED] = scores[:, ALONE] = scores[N:][UNSCORED] = np.nan
        run_id = store.create_run({"name": name, "arch": "resnet18"}, "d", split=("patient", 0, "f"))
        store.finish_run(run_id, "finished")
        measure_predictions.measure(store, run_id, {
            part: store.save_predictions(run_id, "d", part, ids[rows], scores[rows])
            for part, rows in (("val", slice(0, N)), ("test", slice(N, 2 * N))) if (name, part) != ("other", "val")})
    return store


@pytest.fixture(scope="module")
def runs(store):
    return read_runs(store)


def counts_of(store, prediction_id):
    """Counted film by film: {finding: (positives, films)}, and films measured for any finding, with their patients."""
    films, found, seen = store.predictions(prediction_id), dict.fromkeys(NIH_FINDINGS, (0, 0)), {}
    for image_id, patient, labels, scores in zip(films.image_ids, films.patient_ids, films.labels.tolist(),
                                                 films.scores.tolist(), strict=True):
        for finding, label, score in zip(NIH_FINDINGS, labels, scores, strict=True):
            if label == label and score == score:
                positives, n = found[finding]
                found[finding], seen[image_id] = (positives + int(label), n + 1), patient
    return found, seen


def test_the_stored_rows_count_films_with_a_label_and_a_score(store, runs):
    for part in ("val", "test"):
        found, seen = counts_of(store, runs[0].prediction_id(part))
        rows = store.metrics([runs[0].prediction_id(part)])
        assert set(rows["metric"]) == {"auroc", "ap", "brier", "ece", "f1", "recall", "precision", "specificity"}
        expected = found | dict.fromkeys(("macro", "micro"), (sum(own[0] for own in found.values()), len(seen)))
        assert {(row.finding, row.n_positive, row.n) for row in rows.itertuples()} == {
            (finding, *counted) for finding, counted in expected.items()}
    assert found[NIH_FINDINGS[ALONE]] == (0, 0) and found[RARE][1] == N // 2 - 6 and len(seen) == N - 12


def test_a_set_says_how_many_of_its_films_were_measured(store, runs):
    board = store.leaderboard().set_index(["run_id", "split"])
    assert board.at[(runs[0].run_id, "test"), "n"] == N - 12
    assert runs[0].in_words("test") == f"test, a subset of {N - 12} of {N} films"
    assert runs[0].in_words("val") == f"validation, {N} films"


def test_tables_of_an_evaluation_name_the_measured_films(store, runs):
    rows = store.metrics([runs[0].prediction_id("test")]).assign(split="test")
    table = tables.wide(rows, NIH_FINDINGS)
    found, _ = counts_of(store, runs[0].prediction_id("test"))
    counted = table.set_index("finding").loc[list(NIH_FINDINGS), ["n_positive", "n"]].to_numpy()
    assert [tuple(row) for row in counted] == [found[finding] for finding in NIH_FINDINGS]
    assert f"test: {N - 12} films;" in tables.as_text(table, "title", lambda part: [])


def test_a_threshold_is_unstable_by_the_positives_that_it_was_fitted_on(store, runs):
    val = store.predictions(runs[0].prediction_id("val"))
    positives = counts_of(store, runs[0].prediction_id("val"))[0][RARE][0]
    assert positives < fitting.STABLE_POSITIVES < np.nansum(val.labels[:, HALF_SCORED])
    made = find_set(store, runs[0], default_key(runs[0]))
    assert RARE in made.parameters["unstable"] and NIH_FINDINGS[0] not in made.parameters["unstable"]
    assert made.parameters["not_fitted"] == [NIH_FINDINGS[ALONE]]


def test_a_comparison_counts_the_films_that_all_runs_scored(store, runs):
    compared = comparison.compare(store, runs, {run.run_id: "resnet18" for run in runs}, "test")
    found, seen = counts_of(store, runs[0].prediction_id("test"))
    values = comparison.values_table(compared, "auroc")
    assert set(values["films"]) == {len(seen)} and set(values["patients"]) == {len(set(seen.values()))}
    own = values[values["run_id"] == runs[0].run_id]
    assert own["n_positive"].head(len(NIH_FINDINGS)).tolist() == [found[finding][0] for finding in NIH_FINDINGS]
    films, with_it = agreement.votes(store, compared, "test")
    assert films.sum(axis=1).tolist() == [found[finding][1] for finding in NIH_FINDINGS]
    assert with_it.sum(axis=1).tolist() == [found[finding][0] for finding in NIH_FINDINGS]
    assert np.isnan(agreement.shown(NIH_FINDINGS, films, with_it)["All agree"][ALONE])


def test_groups_of_patients_hold_measured_films_alone(store, runs):
    found = subgroups.in_groups(store, runs[0], "test", "sex", find_set(store, runs[0], default_key(runs[0])))
    seen = counts_of(store, runs[0].prediction_id("test"))[1]
    women = [patient for patient in seen.values() if int(patient) % 2 == 0]
    assert (found.n_films, found.patients) == (len(seen), len(set(seen.values())))
    assert found.groups.n_films.tolist() == [len(women), len(seen) - len(women)]
    assert found.n_patients.tolist() == [len(set(women)), len(set(seen.values()) - set(women))]
