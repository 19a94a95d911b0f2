"""Promises of stored runs: what was chosen on their patients, what is stored, and what was kept on others."""

import json

import clustered_films
import numpy as np
import pandas as pd
import pytest
from one_opening import one_opening
from run_scripts import here

from cxrcore.data.film_table import dataset_hash
from cxrcore.errors import DataError, RunError, ThresholdFileError, UsageError
from cxrcore.evaluation.promised_thresholds import BELOW, KEPT, NOT_KEPT, fit_promise, read_promise, standing
from cxrcore.import_export.export import export, restore
from cxrcore.measures.decisions.by_patients import shares_right
from cxrcore.measures.decisions.promise_record import KEY, OBJECTIVE, promise_of
from cxrcore.measures.decisions.promises import Aim, promise
from cxrcore.store import EpochRecord, Store, threshold_file

FINDINGS = ("Effusion", "Hernia", "Mass")
AIM = Aim("recall", 0.8)


class Runs:
    """A store with one data set; runs are added as they are needed."""

    def __init__(self, path, films=None) -> None:
        self.store = Store(path)
        self.films = films or clustered_films.simulate(4, 500, (0.3, 0.01, 0.2))[0]
        n = len(self.films.image_ids)
        images = pd.DataFrame({"image_id": self.films.image_ids, "patient_id": self.films.patient_ids, "follow_up": 0,
                               "age": 50.0, "sex": "F", "view": "PA"})
        self.dataset_id = dataset_hash(images, self.films.labels, FINDINGS)
        self.store.add_dataset(self.dataset_id, images, self.films.labels, FINDINGS, name="films", kind="other",
                               label_source="")
        val = self.films.image_ids < f"{self.films.image_ids[n // 2][:5]}_"  # whole patients
        self.rows = {"val": val, "test": ~val}

    def add(self, kind="trained", parts=("val", "test"), trained=1, scheme="patient", worse=0.0, **config) -> str:
        run_id = self.store.create_run({"name": "run", "arch": "resnet18", **config}, self.dataset_id, kind,
                                       split=(scheme, 0, "f"))
        for epoch in range(1, trained + 1):
            self.store.log_epoch(run_id, EpochRecord(epoch, 1, 1, 0.7, 0.3, 1e-4, 1, 1))
        for part in parts:
            rows = self.rows[part]
            scores = self.films.scores[rows] * (1 - worse if part == "test" else 1)
            self.store.save_predictions(run_id, self.dataset_id, part, self.films.image_ids[rows],
                                        scores.astype(np.float32))
        self.store.finish_run(run_id, "finished")
        return run_id

    def save(self, run_id, part="val", aim=AIM) -> str:
        prediction_id, made = fit_promise(self.store, run_id, part, aim)
        return self.store.save_threshold_set(prediction_id, made.name, made.objective, made.thresholds,
                                             parameters=made.parameters)


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "store.duckdb"
    with one_opening(path):
        yield Runs(path)


# -- what was chosen on the patients


def test_the_choice_of_the_best_epoch_on_validation_is_paid_for(runs):
    run_id = runs.add(trained=3)
    assert (standing(runs.store, run_id, "val").void, standing(runs.store, run_id, "val").choices) == ("", 3)
    _, made = fit_promise(runs.store, run_id, "val", Aim("recall", 0.8, choices=2))
    assert made.parameters[KEY]["choices"] == 6
    val = runs.store.predictions(runs.store.chosen_set(run_id, "val"))
    wanted = promise(val, Aim("recall", 0.8, 1 - 0.05 / 6))
    assert np.array_equal(made.thresholds[~np.isnan(wanted.thresholds)],
                          wanted.thresholds[~np.isnan(wanted.thresholds)])


def test_epochs_that_were_planned_count_though_patience_ended_the_training(runs):
    assert standing(runs.store, runs.add(trained=4, epochs=8), "val").choices == 8


def test_nothing_was_chosen_on_half_of_the_test_patients(runs):
    run_id = runs.add(trained=5)
    assert standing(runs.store, run_id, "half").choices == 1 and not standing(runs.store, run_id, "half").void


def test_a_training_that_saw_films_of_the_same_patients_voids_the_promise(runs):
    run_id = runs.add(scheme="random")
    for part in ("val", "half"):
        assert "The training saw" in standing(runs.store, run_id, part).void
    found = read_promise(runs.store, run_id, runs.save(run_id))
    assert found.kept.void and found.table["promised"].isna().all() and (found.table["verdict"] == "").all()


def test_films_without_patients_promise_nothing(runs, tmp_path):
    runs.films.patient_ids[:] = ""
    unknown = Runs(tmp_path / "unknown.duckdb", runs.films)
    run_id = unknown.add("imported", parts=("test",))
    found = read_promise(unknown.store, run_id, unknown.save(run_id, "half"))
    assert "names no patients" in found.kept.void and found.table["promised"].isna().all()


def test_the_published_test_list_is_of_other_patients(runs):
    run_id = runs.add(scheme="official")
    assert "other patients than validation" in standing(runs.store, run_id, "val").said
    assert standing(runs.store, run_id, "half").said == ""


def test_a_mean_of_runs_pays_for_all_combinations_of_epochs(runs):
    members = [runs.add(epochs=3), runs.add(epochs=4)]
    of = [{"run_id": one, "name": "m"} for one in members]
    assert standing(runs.store, runs.add("ensemble", members=of), "val").choices == 12
    gone = runs.add("ensemble", members=[*of, {"run_id": "20200101-000000-abcdef", "name": "m"}])
    assert "not known" in standing(runs.store, gone, "val").void
    many = runs.add("ensemble", members=[{"run_id": runs.add(epochs=101), "name": "m"}] * 4)
    assert "combinations" in standing(runs.store, many, "val").void


def test_other_runs_on_the_same_films_are_told(runs):
    run_id = runs.add("imported")
    said = standing(runs.store, run_id, "val").said
    assert "is not recorded" in said and "measured on these films" not in said
    runs.add(parts=("test",))
    assert "1 other run was measured on these films" in standing(runs.store, run_id, "half").said
    assert "measured on these films" not in standing(runs.store, run_id, "val").said


def test_what_is_not_there_is_said(runs):
    run_id = runs.add(parts=("test",))
    with pytest.raises(RunError, match="no validation predictions"):
        fit_promise(runs.store, run_id, "val", AIM)
    with pytest.raises(UsageError, match="not on 'train'"):
        standing(runs.store, run_id, "train")
    with pytest.raises(RunError, match="no run"):
        standing(runs.store, "20200101-000000-abcdef", "val")


# -- what is stored, and what was kept


def test_a_promise_is_read_on_test_beside_what_was_promised(runs):
    run_id = runs.add()
    found = read_promise(runs.store, run_id, runs.save(run_id))
    table = found.table.set_index("finding")
    test = runs.store.predictions(runs.store.chosen_set(run_id, "test"))
    owners = np.unique(test.patient_ids, return_inverse=True)[1]
    wanted = np.nanmean(shares_right(test, table["threshold"].to_numpy(), "recall", owners, owners.max() + 1), axis=0)
    assert np.allclose(table["measured"], wanted) and found.read_on.startswith("test, ")
    assert (table["low"] <= table["measured"]).all() and (table["measured"] <= table["high"]).all()
    assert table.loc["Effusion", "promised"] == 0.8 and table.loc["Effusion", "verdict"] in (KEPT, BELOW)
    assert np.isnan(table.loc["Hernia", "promised"]) and table.loc["Hernia", "threshold"] == 0.5
    assert "impossible with" in table.loc["Hernia", "said"] and "14 would do (recall 0.8" in table.loc["Hernia", "said"]


def test_a_promise_that_test_breaks_says_so(runs):
    run_id = runs.add(worse=0.7)
    found = read_promise(runs.store, run_id, runs.save(run_id)).table.set_index("finding")
    assert found.loc["Effusion", "verdict"] == NOT_KEPT and found.loc["Effusion", "high"] < 0.8


def test_half_of_the_patients_is_read_on_the_other_half(runs):
    run_id = runs.add("imported", parts=("test",))
    set_id = runs.save(run_id, "half")
    found = read_promise(runs.store, run_id, set_id)
    own = promise_of(json.loads(runs.store.threshold_sets(run_id)["parameters"][0]))
    test = runs.store.predictions(runs.store.chosen_set(run_id, "test"))
    with_it = {finding: len(np.unique(test.patient_ids[test.labels[:, k] == 1])) for k, finding in enumerate(FINDINGS)}
    for row in found.table.itertuples():
        assert own.findings[row.finding].patients + row.patients == with_it[row.finding]
    assert "other half" in found.read_on


def test_validation_alone_leaves_nothing_to_read_it_on(runs):
    run_id = runs.add(parts=("val",))
    found = read_promise(runs.store, run_id, runs.save(run_id))
    assert found.read_on.startswith("nothing") and found.table["measured"].isna().all()


def test_sets_without_a_promise_have_none(runs):
    run_id = runs.add()
    set_id = runs.store.save_threshold_set(runs.store.chosen_set(run_id, "val"), "a", "fixed", np.full(3, 0.5))
    assert read_promise(runs.store, run_id, set_id) is None
    with pytest.raises(RunError, match="no threshold set"):
        read_promise(runs.store, run_id, "20200101-000000-abcdef")


def test_a_threshold_that_was_changed_is_not_promised(runs):
    run_id = runs.add()
    prediction_id, made = fit_promise(runs.store, run_id, "val", AIM)
    set_id = runs.store.save_threshold_set(prediction_id, "changed", OBJECTIVE, made.thresholds + np.eye(3)[0] / 9,
                                           parameters=made.parameters)
    found = read_promise(runs.store, run_id, set_id).table.set_index("finding")["promised"]
    assert np.isnan(found["Effusion"]) and found["Mass"] == 0.8


# -- files


def test_a_promise_travels_in_files(runs, tmp_path):
    run_id = runs.add()
    runs.save(run_id)
    folder = export(runs.store, run_id, tmp_path / "out")
    [path] = folder.glob("thresholds/*.json")
    read = threshold_file.read_threshold_file(path, FINDINGS)
    stored = json.loads(runs.store.threshold_sets(run_id)["parameters"][0])
    assert read.parameters == stored and promise_of(read.parameters).aim == AIM
    other = Store(tmp_path / "other.duckdb")
    restore(other, folder)
    back = json.loads(other.threshold_sets(other.runs()["run_id"][0])["parameters"][0])
    assert back == stored


@pytest.mark.parametrize("change", [
    {"bound": 2}, {"bound": "0.9"}, {"measure": "f1"}, {"findings": {"Effusion": {}}}, {"findings": 3}, {"seed": -1},
    {"choices": True}, {"void": 0}, {"void": "a\nb"}, {"findings": {"Effusion": {
        "threshold": 7, "patients": 1, "right": 1, "needed": 0}}}, None])
def test_a_promise_of_another_form_is_refused_in_files_and_run_folders(runs, change):
    _, made = fit_promise(runs.store, runs.add(), "val", AIM)
    parameters = {**made.parameters, KEY: {**made.parameters[KEY], **change} if change else [1]}
    with pytest.raises(DataError, match="the promise of a threshold set"):
        promise_of(parameters)
    file = {"format": "cxr-thresholds", "format_version": 1, "parameters": parameters,
            "thresholds": dict(zip(FINDINGS, made.thresholds.tolist(), strict=True))}
    with pytest.raises(ThresholdFileError, match="the promise of a threshold set"):
        threshold_file.parse_threshold_file(json.dumps(file), FINDINGS)


# -- the script


def test_the_script_fits_saves_reads_and_writes(runs, tmp_path):
    run_id = runs.add(trained=4)
    done = here("promise.py", "--run", run_id, "--store", runs.store.path, "--bound", "0.7", "--out",
                tmp_path / "set.json", "--name", "mine")
    assert done.returncode == 0, done.stderr
    assert "recall >= 0.7 for new patients, confidence 0.95, fitted on validation" in done.stdout
    assert "chosen among 4 networks" in done.stdout and "would do (recall 0.7" in done.stdout
    assert list(runs.store.threshold_sets(run_id)["name"]) == ["mine"]
    assert threshold_file.read_threshold_file(tmp_path / "set.json", FINDINGS).name == "mine"
    half = here("promise.py", "--run", run_id, "--store", runs.store.path, "--part", "half", "--aim", "precision",
                "--bound", "0.3")
    assert "tested from 30 patients with an alarm on" in half.stdout and "the other half" in half.stdout


@pytest.mark.parametrize(("flags", "said"), [
    ((), "--run is needed"), (("--run", "x"), "no run"), (("--run", "RUN", "--bound", "1"), "cannot be promised"),
    (("--run", "RUN", "--confidence", "1.2"), "confidence 1.2"), (("--run", "RUN", "--aim", "f1"), "invalid choice")])
def test_what_cannot_be_promised_is_one_line_and_saves_nothing(runs, flags, said):
    run_id = runs.add()
    done = here("promise.py", "--store", runs.store.path, *(run_id if flag == "RUN" else flag for flag in flags))
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert runs.store.threshold_sets(run_id).empty
