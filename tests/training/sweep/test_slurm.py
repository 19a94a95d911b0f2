"""A sweep by Slurm: the script that is submitted, how far its tasks are, and (long) a real Slurm of one node."""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from own_slurm import own_slurm
from stand_in_sweep import STAND_IN

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import RunError
from cxrcore.store import Store, claims
from cxrcore.training.sweep import processes, product_version, slurm
from cxrcore.training.sweep.planned import Planned

PATIENCE = 300  # seconds, on a busy machine


class StandIn(Planned):
    """A training in a second; its flags are the folder by which stand-ins are told what to do, and the store."""

    def command(self, device=None, python=sys.executable):
        folder, store = self.flags
        return [python, str(STAND_IN), store, self.key, folder]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "runs" / "store.duckdb")


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """What sbatch and squeue of a machine answer, as scripts; returns how to set them, and what they were asked."""
    bin_, asked = tmp_path / "bin", tmp_path / "asked"
    bin_.mkdir()
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")

    def answer(name: str, script: str) -> None:
        (bin_ / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{asked}\n{script}\n')
        (bin_ / name).chmod(0o755)

    answer("sbatch", "echo '41;cluster'")
    answer("squeue", "true")
    return answer, asked


def plans(*keys: str) -> list[Planned]:
    return [Planned(f"run {key}", key, ("--arch=resnet18", f"--name=run '{key}'")) for key in keys]


def test_what_is_submitted_are_the_commands_as_text(store, answers, caplog):
    slurm.require()
    slurm.submit(store, plans("a", "b"), "--gres=gpu:1 --time=12:00:00")
    [asked] = [line for line in answers[1].read_text().splitlines() if line.startswith("sbatch")]
    assert "--parsable --array=0-1 --requeue --job-name=cxr-sweep" in asked and "--gres=gpu:1 --time=12:00:00 " in asked
    script = Path(asked.split()[-1])
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
    text = script.read_text()
    assert f"export {product_version.VARIABLE}={product_version.product_version()}\n" in text
    assert f"; exec {sys.executable} {PROJECT_ROOT}/scripts/train.py --arch=resnet18 '--name=run '" in text
    assert " --once >>" in text and "pickle" not in text


def test_how_far_the_tasks_are_say_the_store_and_squeue(store, answers):
    slurm.submit(store, plans("a", "b", "c", "d", "e", "f"), None)
    answers[0]("squeue", "echo 41_0 RUNNING; echo 41_1 PENDING; echo 41_2 RUNNING; echo 41_9 PENDING")
    done = store.create_run({"name": "d", "arch": "resnet18", "training_key": "d"}, "d")
    store.finish_run(done, "finished")
    failed = store.create_run({"name": "e", "arch": "resnet18", "training_key": "e"}, "d")
    store.finish_run(failed, "failed")
    (store.folder / slurm.OUTPUTS / "e.log").write_text(f"error: of before\n{processes.BEGINS}\nerror: no number\n")
    (store.folder / slurm.OUTPUTS / "f.log").write_text(f"error: of before\n{processes.BEGINS}\nepoch 1/2: 3 steps\n")
    with claims.claimed(store, "c"):
        states = slurm.states(store, plans("a", "b", "c", "d", "e", "f", "g"))
    assert [one.state for one in states] == ["running", "queued", "running", "done", "failed", "failed", ""]
    assert states[1].said == "task 41_1, pending" and f"process {os.getpid()} on" in states[2].said
    assert states[5].said == "it left no error: it was killed, or its machine is gone"
    assert states[4].said == "no number" and states[3].said == f"run {done}"
    answers[1].write_text("")
    slurm.submit(store, plans("a", "b", "c", "d", "e", "f"), None)
    [asked] = [line for line in answers[1].read_text().splitlines() if line.startswith("sbatch")]
    assert "--array=0-1 " in asked and "e.log" in (text := Path(asked.split()[-1]).read_text()) and "f.log" in text


@pytest.mark.parametrize(("name", "script", "text"), [
    ("sbatch", "echo 'error: invalid partition' >&2; exit 1", "sbatch refuses: error: invalid partition"),
    ("squeue", "exit 3", "squeue refuses: status 3"),
    ("sbatch", "echo Submitted", "sbatch gave no job's id: 'Submitted'"),
])
def test_what_slurm_refuses_is_one_line(store, answers, name, script, text):
    answers[0](name, script)
    with pytest.raises(RunError, match=f"^{text}$"):
        slurm.submit(store, plans("a"), None)


def test_options_that_cannot_be_read(store, answers):
    with pytest.raises(RunError, match="--sbatch cannot be read: No closing quotation"):
        slurm.submit(store, plans("a"), "--comment='x")


# -- a real one


def until(true, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.2)


def in_slurm() -> list[str]:
    return slurm._ask(["squeue", "--noheader", "--array", "--format=%F_%K %T"]).splitlines()


@pytest.mark.long
def test_a_real_slurm_makes_each_training_once(store, tmp_path, monkeypatch):
    folder, keys = tmp_path / "asked", [f"k{number:02}" for number in range(12)]
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    made = [StandIn(key, key, (str(folder), store.key)) for key in keys]
    for name in ("k03.kill", "k07.kill", "k05.fail", "k00.wait"):
        (folder / name).touch()
    with own_slurm():
        slurm.submit(store, made)
        until((folder / "k00.waits").exists, "the first task")
        assert slurm.states(store, made)[0].state == "running"
        (folder / "k00.waits").unlink()
        subprocess.run(["scontrol", "requeue", in_slurm()[0].split("_")[0] + "_0"], check=True)
        until((folder / "k00.waits").exists, "the requeued task")
        (folder / "k00.wait").unlink()
        until(lambda: not in_slurm(), "the end of the job")
        states = [one.state for one in slurm.states(store, made)]
        assert [key for key, state in zip(keys, states, strict=True) if state == "failed"] == ["k03", "k05", "k07"]
        assert Counter(states) == {"done": 9, "failed": 3}
        (folder / "k05.fail").unlink()
        slurm.submit(store, made)
        slurm.submit(store, made)  # an impatient person: they are in Slurm's hands
        until(lambda: not in_slurm(), "the end of the second job")
        assert {one.state for one in slurm.states(store, made)} == {"done"}
    runs = store.runs()
    assert sorted(runs["name"]) == keys and set(runs["status"]) == {"finished"}
    assert Counter((folder / "starts").read_text().split()) == Counter(keys) + Counter(["k00", "k03", "k05", "k07"])
