"""A sweep of three real trainings: one is killed after an epoch, one cannot begin; the same command mends it all."""


import pytest
from run_scripts import here

from cxrcore.config import PROJECT_ROOT, TrainConfig
from cxrcore.errors import BeingTrained, RunError
from cxrcore.store import EpochRecord, Store, claims
from cxrcore.store.run_folder import BEST, LAST
from cxrcore.training.sweep import kept_runs, local_queue
from cxrcore.training.sweep.planned import Planned, planned

# A training that is killed when it has told of its first epoch.
KILLED = ("import os, runpy, signal, sys; from cxrcore.training import train_run; "
          "train_run._print_epoch = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
          "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')")


@pytest.fixture(scope="module")
def swept(tiny_nih, tmp_path_factory):
    """The store after two rounds, the plans, and what the first one ended with."""
    home = tmp_path_factory.mktemp("swept")
    config = TrainConfig(
        csv_path=str(tiny_nih / "Data_Entry_2017.csv"), img_root=str(tiny_nih), store=str(home / "store.duckdb"),
        arch="mobilenet_v2", loss="bce", seeds=3, epochs=2, train_subset=16, val_subset=8, img_size=32,
        init="random", precision="fp32", eval_subset=0, results=str(home / "results"), batch_size=8)
    store, plans = Store(home / "store.duckdb"), planned(config, frozenset())
    killed, blocked = plans[0], store.folder / claims.FOLDER / plans[1].key
    blocked.parent.mkdir()
    blocked.touch()  # in place of the claim's folder

    def command(plan: Planned, device: str) -> list[str]:
        python, *rest = plan.command(device)
        return [python, "-c", KILLED, *rest] if plan == killed else [python, *rest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PROJECT_ROOT))
        with pytest.raises(RunError) as first:
            local_queue.run(store, plans, ["cpu"], command)
        epochs = store.epochs(list(store.runs()["run_id"]))
        blocked.unlink()
        local_queue.run(store, plans, ["cpu"])
    return store, plans, str(first.value), epochs


def test_one_that_was_killed_and_one_that_failed_do_not_stop_the_rest(swept):
    store, plans, said, epochs = swept
    assert said.startswith(f"1 of 3 trainings are done; failed: {plans[0].name}, {plans[1].name}. The same command")
    assert sorted(len(rows) for _, rows in epochs.groupby("run_id")) == [1, 2]
    assert "cannot be written" in (store.folder / local_queue.OUTPUTS / f"{plans[1].key}.log").read_text()


def test_the_same_command_makes_what_is_left_and_none_twice(swept):
    store, plans, _, _ = swept
    runs = store.runs()
    assert sorted(runs["name"]) == sorted(plan.name for plan in plans) and set(runs["status"]) == {"finished"}
    assert all(store.epochs([run_id])["epoch"].tolist() == [1, 2] for run_id in runs["run_id"])
    assert all(store.run_file(run_id, BEST) for run_id in runs["run_id"])
    assert set(kept_runs.kept_runs(store, {plan.key for plan in plans})) == {plan.key for plan in plans}
    resumed = (store.folder / local_queue.OUTPUTS / f"{plans[0].key}.log").read_text()
    assert "going on with run" in resumed and "going on after epoch 1" in resumed


def test_a_training_alone_is_found_finished_and_another_process_s_is_left_alone(swept):
    store, plans, _, _ = swept
    flags = [*plans[0].flags, "--once"]
    done = here("train.py", *flags)
    assert done.returncode == 0 and "has finished this training: there is nothing to do" in done.stdout
    with claims.claimed(store, plans[0].key):
        done = here("train.py", *flags)
    assert done.returncode == BeingTrained.exit_code
    assert done.stderr.startswith("error: this training is under way already, by process") and len(
        done.stderr.splitlines()) == 1


def test_which_run_stands_for_a_training(swept, tmp_path):
    store = Store(tmp_path / "store.duckdb")

    def add(status: str, key: str = "k", **config) -> str:
        run_id = store.create_run({"name": "n", "arch": "resnet18", "training_key": key} | config, "d")
        store.finish_run(run_id, status)
        return run_id

    def found() -> tuple[str, str] | None:
        one = kept_runs.kept_runs(store, {"k"}).get("k")
        return one and (one.run_id, one.state)

    add("finished", key="other")
    store.create_run({"name": "imported", "training_key": "k"}, "d", kind="imported")
    assert found() is None
    old = add("interrupted")
    assert found() == (old, "stopped")
    new = add("failed")
    assert found() == (new, "stopped")
    add_epoch(store, new)
    assert found() == (old, "stopped")  # the newer one has lost the checkpoint to go on from
    store.run_folder(new).mkdir(parents=True)
    (store.run_folder(new) / LAST).touch()
    assert found() == (new, "stopped")
    finished = add("finished")
    add("interrupted")
    assert found() == (finished, "finished")


def add_epoch(store: Store, run_id: str) -> None:
    store.log_epoch(run_id, EpochRecord(1, 0.5, 0.5, 0.5, 0.5, 1e-4, 1.0, 1.0))
