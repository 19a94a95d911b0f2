"""The scripts end to end: the classic flags on a tiny NIH folder, and every refusal; some as a shell runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from run_scripts import here, in_shell

from cxrcore.config import PROJECT_ROOT
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.architectures import build
from cxrcore.networks.checkpoint import Checkpoint, save_checkpoint
from cxrcore.settings import Constants
from cxrcore.store import Store
from cxrcore.store.progress import effective_status, read_progress

SMALL = ["--img_size", "32", "--batch_size", "16", "--init", "random", "--precision", "fp32", "--arch", "resnet18"]


def films_of(folder: Path) -> list[str]:
    return ["--csv_path", str(folder / "Data_Entry_2017.csv"), "--img_root", str(folder)]


@pytest.fixture(scope="module")
def trained(tiny_nih, tmp_path_factory):
    """One finished training: (store, run_id, results folder, output)."""
    home = tmp_path_factory.mktemp("trained")
    done = here("train.py", *films_of(tiny_nih), *SMALL, "--epochs", 2, "--results", home / "results",
                CXR_STORE=str(home / "store.duckdb"))
    assert done.returncode == 0, done.stderr
    store = Store(home / "store.duckdb")
    return store, store.runs().iloc[0]["run_id"], home / "results", done.stdout


def test_training_leaves_checkpoints_progress_epochs_and_an_evaluation(trained):
    store, run_id, _, output = trained
    row = store.run(run_id)
    assert row["status"] == "finished" and row["best_epoch"] in (1, 2)
    assert row["config"]["epochs"] == 2 and row["config"]["loss"] == "bce" and row["config"]["precision"] == "fp32"
    assert row["n_parameters"] > 1e7 and row["cost"]["images_per_second"] > 0 and row["versions"]["torch"]
    assert row["cost"]["gmacs"] > 0 and row["cost"]["milliseconds_per_film"] > 0
    assert store.epochs([run_id])["epoch"].tolist() == [1, 2]
    folder = store.run_folder(run_id)
    assert {p.name for p in folder.iterdir()} == {"model_best.pth", "model_last.pth", "progress.json", "home_maps.npz"}
    assert read_progress(folder)["stage"] == "finished"
    best, last = (torch.load(folder / f"model_{which}.pth", weights_only=True) for which in ("best", "last"))
    assert best["epoch"] == row["best_epoch"] and last["epoch"] == 2
    assert last["training"] == {}  # dropped when the run finished
    assert best["split"]["fingerprint"] == row["split_fingerprint"] and best["dataset_id"] == row["dataset_id"]
    assert set(store.prediction_sets(run_id)["split"]) == {"val", "test"}
    assert "macro" in output and "test:" in output


def test_the_tables_say_what_the_store_holds(trained):
    store, run_id, results, _ = trained
    table = pd.read_csv(results / "tables" / "metrics.csv").set_index(["split", "finding"])
    board = store.leaderboard().set_index("split")
    assert table.loc[("test", "macro"), "auroc"] == pytest.approx(board.loc["test", "auroc"])
    assert table.loc[("test", "macro"), "f1@max F1"] == pytest.approx(board.loc["test", "f1"])
    assert "run " + run_id in (results / "tables" / "metrics.txt").read_text()
    sets = store.threshold_sets(run_id)
    assert sorted(sets["name"]) == ["0.5", "classic", "max F1"]
    val = store.prediction_sets(run_id).set_index("split").loc["val", "prediction_id"]
    assert set(sets["prediction_id"]) == {val}


def test_eval_repeats_the_scores_and_adds_sets_of_its_own(trained, tmp_path):
    store, run_id, _, _ = trained
    before = store.prediction_sets(run_id)
    done = here("eval.py", "--run", run_id, "--results", tmp_path, CXR_STORE=str(store.path))
    assert done.returncode == 0, done.stderr
    subset = here("eval.py", "--run", run_id, "--subset", 7, "--results", tmp_path, CXR_STORE=str(store.path))
    assert subset.returncode == 0, subset.stderr
    sets = store.prediction_sets(run_id)
    assert len(sets) == len(before) + 4
    tests = sets[sets["split"] == "test"]
    again, first = (store.predictions(id_) for id_ in (tests["prediction_id"].iloc[1], tests["prediction_id"].iloc[2]))
    assert (again.image_ids == first.image_ids).all()
    assert abs(again.scores - first.scores).max() <= 1e-6
    newest = tests.iloc[0]
    assert newest["n"] == 7 and newest["n_expected"] == tests["n"].iloc[1]
    complete = store.leaderboard().set_index("split").loc["test", "prediction_id"]
    assert complete == tests["prediction_id"].iloc[1]  # a subset does not take the place of the whole


def test_the_classic_two_commands_work_verbatim(tiny_nih, tmp_path):
    """From the project's root, with the flags that every reproduction of the field uses; no network."""
    classic = ["--epochs", 1, "--batch_size", 32, "--lr", "1e-4", "--train_subset", 40, "--val_subset", 10]
    offline = {"PYTHONPATH": ".", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    store = tmp_path / "store.duckdb"
    # --img_size and --results alone are not classic: they keep the test short and the project clean.
    done = in_shell("train.py", *films_of(tiny_nih), *classic, "--img_size", 32, "--results", tmp_path,
                    cwd=PROJECT_ROOT, CXR_STORE=str(store), **offline)
    assert done.returncode == 0, done.stderr
    row = Store(store).runs().iloc[0]
    config = json.loads(row["config"])
    assert row["architecture"] == "efficientnet_b0" and config["init"] == "random" and config["n_train"] == 40
    assert config["constants"] == Constants().record(loss="bce", schedule="cosine", ema="on")
    assert config["start_weights"]["corpus"] == "none"
    assert "--init PATH" in done.stdout  # going on at random is said, not hidden
    done = in_shell("eval.py", *films_of(tiny_nih), "--weights", "model_best.pth", "--subset", 20, "--results",
                    tmp_path, cwd=PROJECT_ROOT, CXR_STORE=str(store), **offline)
    assert done.returncode == 0, done.stderr
    assert f"newest finished run, {row['run_id']}" in done.stdout


def test_a_killed_training_is_interrupted_and_resumes(tiny_nih, tmp_path):
    store, begun_with = Store(tmp_path / "store.duckdb"), tmp_path / "begun_with.pth"
    torch.save(build("resnet18", 32, 14).state_dict(), begun_with)
    process = subprocess.Popen(
        [sys.executable, str(PROJECT_ROOT / "scripts/train.py"), *films_of(tiny_nih), *SMALL, "--epochs", "40",
         "--patience", "40", "--name", "killed", "--init", str(begun_with)],
        env=os.environ | {"CXR_STORE": str(store.path)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (store.runs().empty or store.epochs(list(store.runs()["run_id"])).empty):
        time.sleep(0.2)
    run_id = store.runs().iloc[0]["run_id"]
    busy = here("train.py", "--resume", run_id, CXR_STORE=str(store.path))
    assert busy.returncode == 2 and "is running" in busy.stderr
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert effective_status(store.run(run_id)["status"], read_progress(store.run_folder(run_id))) == "interrupted"
    reached = int(store.epochs([run_id])["epoch"].max())

    refused = here("train.py", "--resume", run_id, "--lr", "0.5", CXR_STORE=str(store.path))
    assert refused.returncode == 2 and "leave out --lr" in refused.stderr
    begun_with.unlink()  # like a network that is gone: a resumed training needs its last checkpoint only
    resumed = subprocess.Popen(
        [sys.executable, str(PROJECT_ROOT / "scripts/train.py"), "--resume", run_id],
        env=os.environ | {"CXR_STORE": str(store.path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while time.monotonic() < deadline + 60 and int(store.epochs([run_id])["epoch"].max()) <= reached:
        time.sleep(0.2)
    resumed.send_signal(signal.SIGINT)  # and once more, as Ctrl-C does
    out, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 130, err
    assert "going on after epoch" in out and f"--resume {run_id}" in err
    row = store.run(run_id)
    assert row["status"] == "interrupted" and row["best_epoch"] >= 1
    epochs = store.epochs([run_id])["epoch"].tolist()
    assert epochs == list(range(1, len(epochs) + 1)) and len(epochs) > reached


def test_an_unknown_checkpoint_is_evaluated_as_an_external_model(trained, tiny_nih_copy, tmp_path):
    """Other labels are another data set: the split cannot be rebuilt, and no film may be called unseen."""
    store, run_id, _, _ = trained
    csv = tiny_nih_copy / "Data_Entry_2017.csv"
    csv.write_text(csv.read_text().replace("No Finding", "Hernia", 3))
    shutil.copy(store.run_folder(run_id) / "model_best.pth", tmp_path / "foreign.pth")
    elsewhere = tmp_path / "other" / "store.duckdb"
    done = here("eval.py", *films_of(tiny_nih_copy), "--weights", tmp_path / "foreign.pth", "--results", tmp_path,
                CXR_STORE=str(elsewhere))
    assert done.returncode == 0, done.stderr
    row = Store(elsewhere).runs().iloc[0]
    assert row["kind"] == "imported" and "training films unknown" in row["note"]
    assert Store(elsewhere).prediction_sets()["split"].tolist() == ["external"]


def _bad(name, *flags, said, damage=None, script="train.py", run=here):
    return pytest.param(run, script, flags, damage, said, id=name)


def _other_shape(folder):
    (folder / "Data_Entry_2017.csv").write_text("image,label\na.png,Mass\n")


def _unknown_finding(folder):
    csv = folder / "Data_Entry_2017.csv"
    csv.write_text(csv.read_text().replace("No Finding", "Gout", 1))


def _no_films(folder):
    for path in folder.rglob("*.png"):
        path.rename(path.with_name("other_" + path.name))


def _pickle(folder):
    torch.save({"model": torch.nn.Linear(2, 2)}, folder / "weights.pth")


def _thousand_outputs(folder):
    state = build("resnet18", 32, 14).state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    save_checkpoint(folder / "weights.pth", Checkpoint(
        state=state, architecture="resnet18", image_size=32, mean=(0.5,) * 3, std=(0.5,) * 3, training_corpus="x",
        split={"scheme": "patient", "seed": 0, "fingerprint": "f"}, dataset_id="d", run_id="r", epoch=1,
        findings=NIH_FINDINGS))


def _corrupt_films(folder):
    for path in list(folder.rglob("*.png"))[:10]:
        path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(("run", "script", "flags", "damage", "said"), [
    _bad("no CSV", "--csv_path", "nowhere.csv", said=["no such CSV", "nowhere.csv"], run=in_shell),
    _bad("another table", damage=_other_shape, said=["Image Index", "Finding Labels", "Patient ID"]),
    _bad("unknown finding", damage=_unknown_finding, said=["Gout", "row "]),
    _bad("no films", damage=_no_films, said=["images_001/images"]),
    _bad("corrupt films", damage=_corrupt_films, said=["of 160 films", "1%", "truncated"]),
    _bad("unknown arch", "--arch", "resnet50", said=["efficientnet_b0", "densenet121", "resnet18", "vgg16",
                                                     "mobilenet_v2", "vit_b_16"]),
    _bad("image size", "--img_size", "100", said=["multiples of 32"]),
    _bad("no film folder", "--img_root", "nowhere", said=["no such image folder"]),
    _bad("official without list", "--split", "official", said=["test_list.txt"],
         damage=lambda folder: (folder / "test_list.txt").unlink()),
    _bad("no weights", "--weights", "nothing.pth", script="eval.py", said=["no such weights file"]),
    _bad("a pickled object", "--weights", "weights.pth", script="eval.py", damage=_pickle, said=["pickled objects"]),
    _bad("a thousand outputs", "--weights", "weights.pth", script="eval.py", damage=_thousand_outputs,
         said=["1000 outputs", "14 findings"]),
    _bad("broken thresholds", "--run", "r1", "--thresholds", "set.json", script="eval.py",
         damage=lambda folder: (folder / "set.json").write_text('{"Mass": 0.2'), said=["set.json", "broken JSON"]),
    _bad("no checkpoint named", script="eval.py", said=["--run RUN_ID", "--weights PATH"]),
    _bad("unknown run", "--run", "r1", script="eval.py", said=["no run 'r1'"]),
])
def test_bad_input_gets_one_line_and_leaves_nothing(run, script, flags, damage, said, tiny_nih_copy, tmp_path):
    if damage:
        damage(tiny_nih_copy)
    store = tmp_path / "home" / "store.duckdb"
    small = [] if script == "eval.py" else SMALL
    done = run(script, *films_of(tiny_nih_copy), *small, *flags, CXR_STORE=str(store), cwd=tiny_nih_copy,
               CXR_LOG=str(tmp_path / "log.jsonl"))  # of pages that other tests opened in this process
    assert done.returncode == 2, done.stdout + done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "Traceback" not in done.stderr, done.stderr
    assert all(part in errors[0] for part in said), errors[0]
    left = [p for p in store.parent.rglob("*") if p.is_file() and p.suffix != ".lock"] if store.parent.exists() else []
    assert left == []


def test_prepare_says_what_it_made_and_skips(tiny_nih_copy, tmp_path):
    films = sorted(tiny_nih_copy.rglob("*.png"))
    films[0].write_bytes(films[0].read_bytes()[:300])
    done = here("prepare.py", *films_of(tiny_nih_copy), "--img_size", 32, CXR_STORE=str(tmp_path / "store.duckdb"))
    assert done.returncode == 0, done.stderr
    assert f"skipped {films[0].name}" in done.stdout and f"{len(films) - 1} films at 32 px" in done.stdout


@pytest.mark.long
def test_all_six_train_on_real_small_films(shared, tmp_path):
    done = here("train.py", "--csv_path", shared / "nih/Data_Entry_2017.csv", "--img_root", shared / "nih_64", "--arch",
                "all", "--epochs", 1, "--img_size", 64, "--init", "random", "--results", tmp_path,
                CXR_STORE=str(tmp_path / "store.duckdb"))
    assert done.returncode == 0, done.stderr
    runs = Store(tmp_path / "store.duckdb").runs()
    assert len(runs) == 6 and set(runs["status"]) == {"finished"}


# -- phantoms


def test_phantoms_are_drawn_trained_on_and_marked(tmp_path):
    films, store = tmp_path / "phantoms", tmp_path / "store.duckdb"
    done = here("make_phantoms.py", "--out", films, "--films", 60, "--size", 64, CXR_STORE=str(store))
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC: 60 films" in done.stdout and "Oracle" in done.stdout and "Hernia" in done.stdout
    command = done.stdout.splitlines()[-1].split()[5:]  # what it says to train with
    done = here("train.py", *command, *SMALL, "--epochs", 1, "--results", tmp_path / "results", CXR_STORE=str(store))
    assert done.returncode == 0, done.stderr
    known = Store(store).datasets().iloc[0]
    assert known["kind"] == "phantom" and known["name"] == "Phantoms (phantoms)" and known["n_images"] == 60
    assert len(Store(store).boxes(known["dataset_id"]))
    again = here("make_phantoms.py", "--out", films, "--films", 60, "--size", 64, CXR_STORE=str(store))
    assert "all of them there already" in again.stdout


@pytest.mark.parametrize(("flags", "said"), [
    (["--films", 0], "below 1"),
    (["--out", "FOLDER"], "holds no phantoms"),
    (["--difficulty", 2], "over 1"),
])
def test_phantoms_refuse_in_one_line(tmp_path, flags, said):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Data_Entry_2017.csv").write_text("real data")
    flags = [folder if flag == "FOLDER" else flag for flag in ["--out", tmp_path / "new", "--films", 3, *flags]]
    done = here("make_phantoms.py", *flags)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert (folder / "Data_Entry_2017.csv").read_text() == "real data" and len(list(folder.iterdir())) == 1
