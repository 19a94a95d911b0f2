"""Twelve real trainings by the command that people give, here and by a real Slurm: two are killed, one cannot begin."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from own_slurm import own_slurm

from cxrcore import cli
from cxrcore.config import PROJECT_ROOT, TrainConfig
from cxrcore.store import Store, claims
from cxrcore.store.progress import read_progress
from cxrcore.store.queued import Queue
from cxrcore.training.sweep import local_queue, slurm
from cxrcore.training.sweep.planned import Planned, planned

PATIENCE = 900  # seconds for all of them, on a busy machine
KILLED, BLOCKED = (1, 7), 4  # by their place in the command's order
EPOCHS = 4


@pytest.fixture
def command(tiny_nih, tmp_path) -> list[str]:
    return [sys.executable, str(PROJECT_ROOT / "scripts" / "train.py"), f"--csv_path={tiny_nih}/Data_Entry_2017.csv",
            f"--img_root={tiny_nih}", f"--store={tmp_path}/runs/store.duckdb", f"--results={tmp_path}/results",
            "--init=random", "--arch=mobilenet_v2,timm:test_resnet", "--seeds=6", f"--epochs={EPOCHS}",
            "--train_subset=32", "--val_subset=16", "--eval_subset=0", "--img_size=32", "--precision=fp32",
            "--batch_size=8"]


def plans_of(command: Sequence[str]) -> list[Planned]:
    flags = vars(cli.parser_for(TrainConfig, "").parse_args(command[2:]))
    return planned(TrainConfig(**flags), {flag.partition("=")[0].removeprefix("--") for flag in command[2:]})


def log_of(store: Store, plan: Planned) -> Path:
    return store.folder / local_queue.OUTPUTS / f"{plan.key}.log"


def kill_after_an_epoch(store: Store, plans: Sequence[Planned], ended) -> None:
    """`kill -9` of each one's process, once it has told of an epoch.

    Args:
        ended: whether nothing runs any more.
    """
    left, until = list(plans), time.monotonic() + PATIENCE
    while left:
        assert time.monotonic() < until and not ended(), f"{[plan.name for plan in left]} told of no epoch"
        for plan in list(left):
            log = log_of(store, plan)
            if log.exists() and f"epoch 1/{EPOCHS}: train loss" in log.read_text(errors="replace"):
                os.kill(read_progress(store.folder / claims.FOLDER / plan.key)["pid"], signal.SIGKILL)
                left.remove(plan)
        time.sleep(0.05)


class Here:
    """The queue of this machine, which a command waits for."""

    def __init__(self, command: Sequence[str]):
        self._command = [*command, "--devices=cpu,cpu"]

    def once(self, store: Store, killed: Sequence[Planned] = ()) -> str:
        """Give the command, and wait; returns how far all are, as it says."""
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            kill_after_an_epoch(store, killed, lambda: process.poll() is not None)
            said = process.communicate(timeout=PATIENCE)[0]
            return next(line for line in reversed(said.splitlines()) if " of 12 done" in line)
        finally:
            process.terminate()
            process.wait()


class BySlurm:
    """A Slurm, which a command hands them to."""

    def __init__(self, command: Sequence[str]):
        self._command = [*command, "--on=slurm"]

    def once(self, store: Store, killed: Sequence[Planned] = ()) -> str:
        """Give the command, and wait for its job; returns how far all are."""
        done = subprocess.run(self._command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        kill_after_an_epoch(store, killed, lambda: not _in_slurm())
        until = time.monotonic() + PATIENCE
        while _in_slurm():
            assert time.monotonic() < until, "the job did not end"
            time.sleep(0.5)
        return Queue(tuple(slurm.states(store, plans_of(self._command)))).in_words()


def _in_slurm() -> list[str]:
    asked = subprocess.run(["squeue", "--noheader", "--array", "--format=%F_%K"], capture_output=True, text=True)
    return asked.stdout.split()


@contextlib.contextmanager
def by(how: str, command: Sequence[str]) -> Generator[Here | BySlurm]:
    if how == "here":
        yield Here(command)
        return
    with own_slurm():
        yield BySlurm(command)


@pytest.mark.long  # 3 to 10 minutes each, by how busy the machine is
@pytest.mark.parametrize("how", ["here", "slurm"])
def test_the_same_command_ends_what_was_killed_and_what_failed_and_makes_none_twice(how, command, tmp_path):
    store, plans = Store(tmp_path / "runs" / "store.duckdb"), plans_of(command)
    killed, blocked = [plans[place] for place in KILLED], store.folder / claims.FOLDER / plans[BLOCKED].key
    blocked.parent.mkdir(parents=True)
    blocked.touch()  # in place of the claim's folder
    with by(how, command) as sweep:
        assert sweep.once(store, killed) == "9 of 12 done, 3 failed"
        assert sweep.once(store) == "11 of 12 done, 1 failed"
        assert "cannot be written" in log_of(store, plans[BLOCKED]).read_text()
        blocked.unlink()
        assert sweep.once(store) == "12 of 12 done"
    runs = store.runs()
    assert sorted(runs["name"]) == sorted(plan.name for plan in plans) and set(runs["status"]) == {"finished"}
    assert all(store.epochs([run_id])["epoch"].tolist() == [*range(1, EPOCHS + 1)] for run_id in runs["run_id"])
    for plan in killed:
        assert "going on after epoch" in log_of(store, plan).read_text()
