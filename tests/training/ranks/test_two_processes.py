"""A training by two processes is the training by one; and however one of them ends, the run says how."""

import time

import chexpert_like
import pytest
from joint_training import INTERRUPTED, KILLED, alone, by_accelerate, by_torchrun, planted, together
from run_scripts import here

from cxrcore.settings import settings_key, settings_of
from cxrcore.store import Store, progress

# Unknown labels in plenty, slices of 1 and 1 film in the last batch, and two batches a step.
SMALL = ["--img_size", 32, "--batch_size", 8, "--accumulate", 2, "--init", "random", "--precision", "fp32", "--lr",
         1e-3, "--epochs", 2]
PLAIN, NORMALISED = ["--arch", "timm:convnextv2_atto"], ["--arch", "resnet18"]
AS_ONE = 1e-5  # of a loss; both orders of adding up differ by some 1e-7


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Flags for 60 films with unknown labels."""
    return ["--data", chexpert_like.make(tmp_path_factory.mktemp("ours")), *SMALL]


@pytest.fixture(scope="module")
def both(ours, tmp_path_factory):
    """The stores of a training by one process and of the same by two, and how the two ended."""
    homes = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    one = here("train.py", *ours, *PLAIN, "--eval_subset", 0, "--results", homes[0],
               CXR_STORE=str(homes[0] / "store.duckdb"))
    assert one.returncode == 0, one.stderr
    ended = together([*ours, *PLAIN, "--results", homes[1]], CXR_STORE=str(homes[1] / "store.duckdb"))
    assert [process.code for process in ended] == [0, 0], [process.err for process in ended]
    return *(Store(home / "store.duckdb") for home in homes), ended


def only_run(store):
    [run_id] = store.runs()["run_id"]
    return run_id


def losses(store):
    return store.epochs([only_run(store)]).sort_values("epoch")[["train_loss", "val_loss"]].to_numpy()


def test_two_processes_train_as_one(both):
    one, two, _ = both
    assert losses(two) == pytest.approx(losses(one), abs=AS_ONE)
    assert two.run(only_run(two))["status"] == "finished"


def test_weights_are_validated_alike_by_any_number(both):
    """At its end the first process alone scores the best epoch's weights anew."""
    _, store, _ = both
    run_id = only_run(store)
    best = store.run(run_id)["best_epoch"]
    [by_two] = store.epochs([run_id]).set_index("epoch").loc[[best], "val_macro_auroc"]
    sets = store.prediction_sets(run_id).set_index("split")
    found = store.metrics([sets.loc["val", "prediction_id"]])
    [by_one] = found[(found["metric"] == "auroc") & (found["finding"] == "macro")]["value"]
    assert by_one == pytest.approx(by_two, abs=1e-6)


def test_the_first_process_speaks_and_the_run_says_how_many_they_were(both):
    one, two, ended = both
    assert ended[1].out == ended[1].err == ""
    assert "2 processes, 4 films each of a batch\n" in ended[0].out and "finished: best epoch" in ended[0].out
    config = two.run(only_run(two))["config"]
    assert (config["processes"], config["films_per_process"]) == (2, 4) and config["device"].startswith("2 x ")
    assert "batch_statistics" not in config and one.run(only_run(one))["config"]["processes"] == 1


def test_they_are_repeats_of_one_training(both):
    keys = {settings_key(settings_of(store.run(only_run(store)))) for store in both[:2]}
    assert len(keys) == 1


# -- long


@pytest.mark.long
def test_a_training_goes_on_with_fewer_and_with_more_processes(ours, both, tmp_path):
    """Three steps an epoch: it is stopped in the second epoch of three, and again in the third."""
    store, longer = Store(tmp_path / "store.duckdb"), [*ours, *PLAIN, "--results", tmp_path, "--epochs", 3]
    where = {"CXR_STORE": str(store.path)}
    unbroken = tmp_path / "unbroken.duckdb"
    assert here("train.py", *longer, CXR_STORE=str(unbroken)).returncode == 0
    first = together(longer, source=planted(KILLED, 4, 1), **where)
    assert first[0].code == 2 and store.run(only_run(store))["status"] == "failed"
    again = ["--resume", only_run(store), "--results", tmp_path]
    second = alone(again, source=planted(INTERRUPTED, 5), **where)
    assert second.code == 130 and "going on after epoch 1" in second.out
    third = together(again, **where)
    assert third[0].code == 0 and "going on after epoch 2" in third[0].out, third[0].err
    assert losses(store) == pytest.approx(losses(Store(unbroken)), abs=AS_ONE)
    config = store.run(only_run(store))["config"]
    assert config["processes_changed"] == "2 to 1 after epoch 1; 1 to 2 after epoch 2" and config["processes"] == 2


@pytest.mark.long
def test_on_real_films_two_processes_train_as_one(shared, tmp_path):
    """Ten steps of 32 films."""
    films = ["--csv_path", shared / "nih/Data_Entry_2017.csv", "--img_root", shared / "nih_64", "--img_size", 64,
             "--train_subset", 320, "--val_subset", 64, "--eval_subset", 0, "--epochs", 1, "--batch_size", 32,
             "--init", "random", "--precision", "fp32", "--device", "cpu", *PLAIN]
    made = {}
    for name, run in (("one", alone), ("two", lambda *given, **where: together(*given, **where)[0])):
        ended = run([*films, "--results", tmp_path / name], CXR_STORE=str(tmp_path / name / "store.duckdb"))
        assert ended.code == 0, ended.err
        made[name] = losses(Store(tmp_path / name / "store.duckdb"))
    assert made["two"] == pytest.approx(made["one"], abs=1e-4)


@pytest.mark.long
def test_accelerate_s_launcher_makes_the_same_training_or_is_refused(ours, both, tmp_path):
    """It is required for its command alone: nothing imports it. With --cpu it starts one process of the two."""
    store = Store(tmp_path / "store.duckdb")
    flags, where = [*ours, *PLAIN, "--eval_subset", 0, "--results", tmp_path], {"CXR_STORE": str(store.path)}
    refused = by_accelerate(flags, "--cpu", **where)
    assert refused.code and "error: accelerate was asked for several processes and starts one here" in refused.err
    assert not store.path.exists()
    done = by_accelerate([*flags, "--device", "cpu"], "--multi_gpu", **where)
    assert done.code == 0, done.err
    assert losses(store) == pytest.approx(losses(both[0]), abs=AS_ONE)
    assert store.run(only_run(store))["config"]["processes"] == 2


@pytest.mark.long
@pytest.mark.parametrize(("what", "says"), [
    (KILLED, "process 1 of 2, counted from 0: its process was killed, perhaps since memory ran out"),
    ("raise ValueError('a fault')", "process 1 of 2, counted from 0: ValueError: a fault"),
    ("raise RunError('a line for people')", "process 1 of 2, counted from 0: a line for people")])
def test_a_process_that_fails_is_named_in_one_line(what, says, ours, tmp_path):
    store, failed = Store(tmp_path / "store.duckdb"), tmp_path / "failed"
    done = by_torchrun([*ours, *PLAIN, "--results", tmp_path], source=planted(
        f"open({str(failed)!r}, 'w').close(); {what}", 5, 1), CXR_STORE=str(store.path))
    assert time.time() - failed.stat().st_mtime < 60  # also on a busy machine
    assert done.code == 1 and f"error: {says}\n" in done.err
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] == [f"error: {says}"]
    cause = done.err.partition("Root Cause")[2]
    assert "rank      : 1" in cause and "gloo" not in cause
    run_id = only_run(store)
    assert store.run(run_id)["status"] == "failed" and len(store.epochs([run_id])) == 1


@pytest.mark.long
def test_where_the_first_process_is_killed_the_others_end_and_the_training_can_be_gone_on_with(ours, tmp_path):
    store, killed = Store(tmp_path / "store.duckdb"), tmp_path / "killed"
    flags, where = [*ours, *PLAIN, "--results", tmp_path], {"CXR_STORE": str(store.path)}
    done = by_torchrun(flags, source=planted(f"open({str(killed)!r}, 'w').close(); {KILLED}", 5, 0), **where)
    assert time.time() - killed.stat().st_mtime < 60
    run_id, cause = only_run(store), done.err.partition("Root Cause")[2]
    assert done.code == 1 and "rank      : 0" in cause and "SIGKILL" in cause
    assert "process 0 of 2, counted from 0: its process was killed" in done.err  # what the other one saw
    assert progress.effective_status(store.run(run_id)["status"], progress.of_run(store, run_id)) == "interrupted"
    again = together(["--resume", run_id, "--results", tmp_path], **where)
    assert again[0].code == 0 and "going on after epoch 1" in again[0].out, again[0].err


@pytest.mark.long
def test_a_process_that_stops_answering_ends_the_run_within_the_limit(ours, tmp_path):
    """The limit of minutes, here of seconds; one rank leaves the steps, and does not end."""
    store = Store(tmp_path / "store.duckdb")
    short = "from cxrcore.training.ranks import group; group.LIMIT = 8"
    done = by_torchrun([*ours, *PLAIN, "--results", tmp_path], source=planted(
        "__import__('time').sleep(600)", 5, 1, more=short), CXR_STORE=str(store.path))
    assert done.code == 1 and "error: the connection between the processes broke, or one did not answer for" in done.err
    assert store.run(only_run(store))["status"] == "failed"


@pytest.mark.long
def test_on_cpus_each_process_normalises_its_own_films_and_that_is_another_training(ours, both, tmp_path):
    store = Store(tmp_path / "store.duckdb")
    ended = together([*ours, *NORMALISED, "--eval_subset", 0, "--results", tmp_path], CXR_STORE=str(store.path))
    assert ended[0].code == 0, ended[0].err
    row = store.run(only_run(store))
    assert row["config"]["batch_statistics"] == "of each process's 4 films"
    assert "another training than by one process" in ended[0].out
    settings = settings_of(row)
    of_one = {name: value for name, value in settings.items() if name != "batch_statistics"}
    assert settings_key(settings) != settings_key(of_one | {"processes": 1, "films_per_process": 8})


@pytest.mark.long
def test_what_is_wrong_before_the_training_is_one_line_of_the_first_process(ours, tmp_path):
    where = {"CXR_STORE": str(tmp_path / "store.duckdb")}
    ended = together([*ours, *PLAIN, "--batch_size", 9], **where)
    assert ended[0].code == 2 and ended[0].err == (
        "error: --batch_size 9 is of all 2 processes together: give a multiple of 2, of two films each or more\n")
    assert ended[1].out == ended[1].err == "" and not (tmp_path / "store.duckdb").exists()
    other = "from cxrcore.training.ranks import meeting; meeting.product_version = lambda: os.environ['RANK'] * 12"
    ended = together([*ours, *PLAIN], source=planted("pass", 1, more=other), **where)
    assert ended[0].code == 2 and ended[0].err.startswith("error: another version of the workbench lies on ")
    assert len(ended[0].err.splitlines()) == 1
    assert ended[1].out == ended[1].err == ""
