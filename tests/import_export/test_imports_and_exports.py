"""From a file to the leaderboard by the script, out of the store again, and the mean of runs."""

import json

import numpy as np
import pandas as pd
import predictions as made
import pytest
import run_folders
from one_opening import one_opening

from cxrcore.config import EnsembleConfig, ExportConfig, ImportConfig
from cxrcore.data import splits
from cxrcore.errors import DataError, RunError, UsageError, WorkbenchError
from cxrcore.evaluation import data_set_films, ensemble
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination, export, import_run
from cxrcore.import_export.audit.questions import Line
from cxrcore.import_export.examination import Declared
from cxrcore.import_export.prediction_file import parse_prediction_file
from cxrcore.measures.metrics import auroc
from cxrcore.store import Store

FILMS = made.table(900)
REAL = ("DenseNet201", "MobileNet_V2", "ResNet50")


@pytest.fixture(scope="module")
def csv_path(tmp_path_factory):
    return made.written(FILMS, tmp_path_factory.mktemp("films"))


@pytest.fixture
def do(store, csv_path, tmp_path):
    """Import rows as the script does; returns run_id."""

    def do(rows: pd.DataFrame, name: str = "theirs", write=made.as_csv, **flags) -> str:
        path = tmp_path / f"{name}.csv"
        path.write_bytes(write(rows))
        config = ImportConfig(**({"csv_path": str(csv_path), "store": str(store.path), "name": name} | flags))
        with one_opening(store.path):
            (run_id,) = import_run.import_predictions([str(path)], config)
        return run_id

    return do


def test_a_file_becomes_a_run_like_any_other(do, store, capsys):
    rows = made.frame(FILMS, slice(300, 900))
    run_id = do(rows, architecture=" conv\nnext ", weights_name="imagenet")
    said = capsys.readouterr().out
    assert "Duplicate films" in said.split("saved as")[0] and "AUROC on test: macro 0." in said
    run, board = store.run(run_id), store.leaderboard().iloc[0]
    said = tuple(run[name] for name in ("kind", "status", "name", "architecture"))
    assert said == ("imported", "finished", "theirs", "conv next")
    assert [set(line) for line in run["config"]["audit"]] == [{"name", "state", "text"}] * 17
    assert run["config"]["weights_name"] == "imagenet"
    labels, scores = FILMS.labels[300:], rows[list(NIH_FINDINGS)].to_numpy()
    expected = [auroc(labels[:, k], scores[:, k]) for k in range(14)]
    assert board["auroc"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert (board["split"], board["n"], board["n_expected"], board["n_defined"]) == ("test", 600, 600, 14)
    rows_of = store.metrics([board["prediction_id"]])
    assert {"auroc", "ap", "f1", "recall", "brier", "ece"} <= set(rows_of["metric"])
    assert rows_of.loc[rows_of["metric"] == "auroc", "low"].notna().all()


def test_validation_and_test_in_one_file_give_fitted_thresholds(do, store):
    run_id = do(made.frame(FILMS).assign(split=np.where(np.arange(900) < 300, "val", "test")), write=made.as_parquet)
    board = store.leaderboard().set_index("split")
    assert board.loc["test", "f1_fitted_on"] == "val" and board["n"].to_dict() == {"val": 300, "test": 600}
    assert set(store.threshold_sets(run_id)["objective"]) == {"fixed", "max_f1", "classic"}


def test_what_is_printed_is_of_the_films_own_labels(do, store, capsys):
    rows = made.frame(FILMS, slice(600, 900))
    do(rows)
    (dataset_id,) = store.datasets()["dataset_id"]
    store.save_label_set(dataset_id, "experts", 1 - store.labels(dataset_id)[["Mass"]])
    own = capsys.readouterr().out.split("AUROC on test")[1].split("\n")[0]
    run_id = do(rows, "theirs again", again=True)
    assert own in capsys.readouterr().out
    measured = store.metrics(list(store.prediction_sets(run_id)["prediction_id"]))
    assert set(measured["label_set"]) == {"csv", "experts"}


def test_alphabetical_columns_and_bare_names(do, store):
    rows = made.frame(FILMS)
    bare = rows[["image_id", *sorted(NIH_FINDINGS)]].assign(image_id=rows["image_id"].str.removesuffix(".png"))
    one, other = do(rows), do(bare, "alphabetical")
    board = store.leaderboard().set_index("run_id")
    assert board.loc[one, "auroc"] == board.loc[other, "auroc"]
    held = [store.predictions(board.loc[run_id, "prediction_id"]) for run_id in (one, other)]
    assert np.array_equal(held[0].scores, held[1].scores)
    assert store.run(one)["split_fingerprint"] == store.run(other)["split_fingerprint"]


def test_few_findings_stay_undefined(do, store):
    do(made.frame(FILMS)[["image_id", "Mass", "Edema", "Hernia"]][:600])
    board = store.leaderboard().iloc[0]
    assert board["n_defined"] == 3 and 0.5 < board["auroc"] < 1
    scores = store.predictions(board["prediction_id"]).scores
    assert np.isnan(scores).all(axis=0).sum() == 11


def test_what_is_refused_leaves_nothing_behind(do, store):
    rows = made.frame(FILMS)
    with pytest.raises(UsageError, match=r"nothing was saved.*scores in"):
        do(rows.assign(Mass=rows["Mass"] + 2))
    assert store.runs().empty and store.datasets().empty


def test_a_run_that_cannot_be_measured_is_not_left_half(store, monkeypatch):
    candidate = examination.examine(
        parse_prediction_file(made.as_csv(made.frame(FILMS)), "x", FILMS.findings), FILMS, Declared()
    )
    monkeypatch.setattr(examination.measure_predictions, "measure", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        examination.save_candidate(store, candidate, "x")
    assert store.runs().empty
    with pytest.raises(UsageError, match="--name"):
        examination.save_candidate(store, candidate, "  ")


def test_a_file_that_is_a_run_already_is_refused_unless_asked_for(do, store, capsys):
    rows = made.frame(FILMS)[:90]
    first = do(rows, "first")
    with pytest.raises(UsageError, match=rf"already saved as run {first} \('first'\): --again"):
        do(rows, "second")
    assert len(store.runs()) == 1 and "warning" not in capsys.readouterr().out
    assert do(rows, "as validation", split="val") and do(rows, "third", again=True)
    do(rows.iloc[::-1], "other file", write=made.as_parquet)
    assert "warning: these predictions are already saved as run" in capsys.readouterr().out
    assert len(store.runs()) == 4


def test_a_mean_that_is_a_run_already_is_refused_unless_asked_for(do, store):
    run_ids = [do(made.frame(FILMS, seed=seed)[:90], f"m{seed}") for seed in (1, 2)]
    mean = ensemble.make_ensemble(store, run_ids)
    store.create_run({"members": [{"run_id": run_ids[0], "name": "of a run folder"}]}, FILMS.dataset_id, "ensemble")
    assert ensemble.known(store, run_ids[::-1]) == mean and ensemble.known(store, [run_ids[0], mean]) is None
    with pytest.raises(UsageError, match=f"already run {mean}: --again"):
        ensemble.make_ensemble(store, run_ids[::-1], "another name")
    assert ensemble.make_ensemble(store, run_ids, again=True) != mean


def test_without_a_table_the_stores_only_data_set_serves(do, store, tmp_path, csv_path):
    do(made.frame(FILMS))
    assert do(made.frame(FILMS, seed=2), "again", csv_path=None)
    with pytest.raises(DataError, match="--csv_path is needed"):
        import_run.import_predictions([str(tmp_path / "theirs.csv")],
                                      ImportConfig(store=str(tmp_path / "empty.duckdb")))


def coverage_of(rows: pd.DataFrame, store: Store) -> Line:
    candidate = examination.examine(
        parse_prediction_file(made.as_csv(rows), "x", FILMS.findings), FILMS, Declared(), store
    )
    return next(line for line in candidate.lines if line.name == "Coverage")


def test_films_missing_of_another_import_are_noticed(do, store, capsys):
    whole, run_id = do(made.frame(FILMS), "whole"), do(made.frame(FILMS)[:870], "part")
    assert "30 of 900 films of imported run 'whole' are missing" in capsys.readouterr().out
    row = store.prediction_sets(run_id).iloc[0]
    assert (row["n"], row["n_expected"]) == (870, 900)  # a subset wherever it is shown
    assert store.run(run_id)["split_fingerprint"] == store.run(whole)["split_fingerprint"]  # still one group


def put(store: Store, kind: str, rows: pd.DataFrame, split: tuple[str, int, str] | None = None) -> None:
    """A finished run of these films, without the time that its measures take."""
    data_set_films.add_to(store, FILMS)
    ids = rows["image_id"].to_numpy(object)
    run_id = store.create_run({"name": f"of {kind}", "arch": "resnet18"}, FILMS.dataset_id, kind,
                              split=split or splits.own_split("test", ids))
    store.save_predictions(run_id, FILMS.dataset_id, "test", ids, rows[list(NIH_FINDINGS)].to_numpy(np.float32))
    store.finish_run(run_id, "finished")


@pytest.mark.parametrize("kind", ["imported", "ensemble"])
@pytest.mark.parametrize("biased", [FILMS.labels.any(axis=1), np.arange(900) % 3 > 0])
def test_an_import_does_not_prove_that_the_next_one_is_whole(store, kind, biased):
    rows = made.frame(FILMS)[biased].reset_index(drop=True)
    alone = coverage_of(rows, store)
    put(store, kind, rows)
    again = coverage_of(rows, store)
    assert (alone.state, again.state) == ("warned", "warned")
    assert again.text == f"{alone.text}; they are the same films as {kind} run 'of {kind}'"
    fewer = coverage_of(rows[:-1], store)
    assert fewer.state == "warned" and f"1 of {len(rows)} films of {kind} run 'of {kind}' are missing" in fewer.text


@pytest.mark.parametrize(("kind", "scheme"), [("trained", "patient"), ("trained", "given"), ("imported", "official")])
def test_a_split_that_was_drawn_or_published_does(store, kind, scheme):
    rows = made.frame(FILMS)[:301]  # one of the last patient's three films
    put(store, "imported", rows[:300])
    put(store, kind, rows, (scheme, 0, "f00d"))
    assert coverage_of(rows, store) == Line(
        "Coverage", "passed", f"all 301 films of the test part that run 'of {kind}' has")
    fewer = coverage_of(rows[:299], store)
    assert fewer.state == "warned" and f"2 of 301 films of the test part that run 'of {kind}' has" in fewer.text


def test_a_training_list_and_thresholds_from_files(do, tmp_path, capsys):
    (tmp_path / "train.txt").write_text("images/00000001_000.png\nimages/00000002_000.png\n")
    (tmp_path / "cuts.json").write_text(json.dumps(dict.fromkeys(NIH_FINDINGS, 0.4)))
    do(made.frame(FILMS), train_list=str(tmp_path / "train.txt"), thresholds=str(tmp_path / "cuts.json"))
    said = capsys.readouterr().out
    assert "LEAK: 2 of these patients and 2 of these very films" in said and "'cuts' do not say which films" in said
    with pytest.raises(WorkbenchError, match="no list of training films"):
        do(made.frame(FILMS), train_list=str(tmp_path / "gone.txt"))


# -- out and back


def test_an_exported_run_comes_back_row_for_row(do, store, tmp_path):
    run_id = do(made.frame(FILMS).assign(split=np.where(np.arange(900) < 300, "val", "test")))
    store.edit_run(run_id, note="ä note\nof two lines")
    (folder,) = export.export_all(ExportConfig(run=run_id, out=str(tmp_path / "out"), store=str(store.path)))
    other = Store(tmp_path / "other" / "store.duckdb")
    assert import_run.import_predictions([str(folder)], ImportConfig(store=str(other.path))) == [run_id]
    before, after = store.run_tables(run_id), other.run_tables(run_id)
    for name, rows in before.items():
        assert rows.equals(after[name]), name
    with pytest.raises(RunError, match="already has run"):
        import_run.import_predictions([str(folder)], ImportConfig(store=str(other.path)))


def test_all_runs_of_a_store_come_back(phantoms, tmp_path):
    export.export_all(ExportConfig(out=str(tmp_path / "out"), store=str(phantoms.path)))
    other = Store(tmp_path / "store.duckdb")
    restored = import_run.import_predictions([str(tmp_path / "out")], ImportConfig(store=str(other.path)))
    assert sorted(restored) == sorted(phantoms.run_ids.values())
    for run_id in restored:
        before, after = phantoms.store.run_tables(run_id), other.run_tables(run_id)
        assert all(rows.equals(after[name]) for name, rows in before.items())
    assert other.leaderboard().drop(columns="prediction_id").shape == phantoms.store.leaderboard().drop(
        columns="prediction_id").shape


def test_the_csv_and_the_thresholds_of_an_export_serve_other_tools(do, store, tmp_path):
    run_id = do(made.frame(FILMS).assign(split=np.where(np.arange(900) < 300, "val", "test")))
    folder = export.export(store, run_id, tmp_path / "out")
    again = do(pd.read_csv(folder / "test.csv"), "again")
    held = store.leaderboard().set_index(["run_id", "split"])["prediction_id"]
    assert np.array_equal(store.predictions(held[run_id, "test"]).scores, store.predictions(held[again, "test"]).scores)
    files = list((folder / "thresholds").iterdir())
    assert len(files) == 3 and all("prediction_id" in json.loads(file.read_text()) for file in files)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return run_folders.exported(tmp_path_factory.mktemp("exported"))


@pytest.mark.parametrize("damage", ["{", '{"format": "other"}', "[]", '{"format": "chest x-ray workbench run"}'])
def test_a_damaged_export_is_refused(exported, tmp_path, damage):
    folder = run_folders.copied(exported, tmp_path)
    (folder / "run.json").write_text(damage)
    with pytest.raises(DataError, match="export"):
        import_run.import_predictions([str(folder)], ImportConfig(store=str(tmp_path / "other.duckdb")))


# -- the mean of runs


def test_an_ensemble_is_the_mean_of_the_scores(do, store, capsys):
    members = [do(made.frame(FILMS, seed=seed), f"member {seed}") for seed in (1, 2, 3)]
    run_id = ensemble.run_ensemble(EnsembleConfig(runs=",".join(members), name="three", store=str(store.path)))
    board = store.leaderboard().set_index("run_id")
    held = [store.predictions(board.loc[one, "prediction_id"]).scores for one in members]
    mean = store.predictions(board.loc[run_id, "prediction_id"]).scores
    assert np.array_equal(mean, np.mean(np.float64(held), axis=0).astype(np.float32))
    run = store.run(run_id)
    assert run["kind"] == "ensemble" and [one["run_id"] for one in run["config"]["members"]] == members
    assert run["split_fingerprint"] == store.run(members[0])["split_fingerprint"]
    against = ensemble.against_best(store, run_id, "test")
    assert against.ensemble == pytest.approx(board.loc[run_id, "auroc"])
    assert against.member == pytest.approx(board.loc[members, "auroc"].max())
    assert against.low < against.ensemble - against.member < against.high and against.low > 0
    assert "best member member" in capsys.readouterr().out


def test_members_share_films_only(do, store):
    one, other = do(made.frame(FILMS)[:600], "one"), do(made.frame(FILMS, seed=2)[300:], "other")
    run_id = ensemble.make_ensemble(store, [one, other])
    assert store.leaderboard().set_index("run_id").loc[run_id, "n"] == 300
    assert store.run(run_id)["name"] == "Mean of one, other"


@pytest.mark.parametrize(("runs", "said"), [("", "two different"), ("a", "two different"), ("a,a", "two different"),
                                            ("a,b", "no run 'a'")])
def test_what_makes_no_ensemble(store, runs, said):
    with pytest.raises(WorkbenchError, match=said):
        ensemble.run_ensemble(EnsembleConfig(runs=runs, store=str(store.path)))


# -- real predictions


def test_real_files_give_their_published_areas_without_a_false_alarm(shared, store):
    films = data_set_films.of_csv(shared / "nih" / "Data_Entry_2017.csv")
    run_ids = []
    for name in REAL:
        file = parse_prediction_file(
            (shared / "predictions" / f"{name}_preds.csv").read_bytes(), f"{name}.csv", NIH_FINDINGS
        )
        candidate = examination.examine(file, films, Declared(), store)
        assert {line.state for line in candidate.lines} == {"passed", "not declared"}
        run_ids.append(examination.save_candidate(store, candidate, name))
        published = pd.read_csv(shared / "predictions" / f"{name}_aucs.csv").set_index("label")["auc"]
        rows = store.metrics(list(store.prediction_sets(run_ids[-1])["prediction_id"]))
        own = rows[rows["metric"] == "auroc"].set_index("finding")["value"]
        assert all(own[finding] == pytest.approx(published[finding], abs=1e-9) for finding in NIH_FINDINGS)
    against = ensemble.against_best(store, ensemble.make_ensemble(store, run_ids, "three"), "test")
    assert against.best == "DenseNet201" and against.low > 0
