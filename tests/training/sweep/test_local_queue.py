"""The queue of a sweep: what is skipped, waited for, failed, stopped and gone on with, by stand-ins for trainings."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from stand_in_sweep import sweep

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import RunError, StoreBusy
from cxrcore.store import Store, claims, queued
from cxrcore.training.sweep import kept_runs, local_queue

SWEEP = PROJECT_ROOT / "tests" / "made" / "stand_in_sweep.py"
PATIENCE = 120  # seconds, on a busy machine


@pytest.fixture
def place(tmp_path) -> tuple[Store, Path]:
    """A store and the folder by which stand-ins are told what to do."""
    (tmp_path / "asked").mkdir()
    return Store(tmp_path / "runs" / "store.duckdb"), tmp_path / "asked"


def statuses(store: Store) -> dict[str, list[str]]:
    """{key: the statuses of its runs}, as the runs are named."""
    runs = store.runs()
    return {name: sorted(rows["status"]) for name, rows in runs.groupby("name")}


def finished(keys) -> dict[str, list[str]]:
    """As `statuses`, of a run a key."""
    return {key: ["finished"] for key in keys}


def starts(folder: Path) -> Counter:
    return Counter((folder / "starts").read_text().split())


def until(true, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.05)


def started(store: Store, folder: Path, *keys: str) -> subprocess.Popen:
    """A sweep as a process of its own, once its trainings wait."""
    for key in keys:
        (folder / f"{key}.wait").touch()
    process = subprocess.Popen([sys.executable, str(SWEEP), store.key, str(folder), *keys], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)})
    until(lambda: all((folder / f"{key}.waits").exists() for key in keys[:2]), "a training")
    return process


def test_twelve_trainings_of_which_two_are_killed_and_one_fails(place, capfd):
    store, folder = place
    keys = [f"k{number:02}" for number in range(12)]
    for name in ("k03.kill", "k07.kill", "k05.fail"):
        (folder / name).touch()
    with pytest.raises(RunError, match=r"9 of 12 trainings are done; failed: k03, k05, k07\. The same command") as said:
        sweep(store, folder, keys)
    assert str(store.folder / local_queue.OUTPUTS) in str(said.value)
    told = capfd.readouterr().out
    assert "failed   no film of k05 can be read" in told and "failed   ended by signal 9 (SIGKILL)" in told
    assert "9 of 12 done, 3 failed" in told and starts(folder) == Counter(keys)
    with pytest.raises(RunError, match=r"11 of 12 trainings are done; failed: k05\."):
        sweep(store, folder, keys)
    assert "k00  done     was finished before" in capfd.readouterr().out
    (folder / "k05.fail").unlink()
    sweep(store, folder, keys)
    assert statuses(store) == finished(keys)  # the killed and the failed went on, none was made anew
    assert starts(folder) == Counter(keys) + Counter({"k03": 1, "k07": 1, "k05": 2})
    assert queued.read(store) == queued.Queue()


def test_two_sweeps_at_once_make_no_training_twice(place):
    store, folder = place
    keys = ["a", "b", "c", "d"]
    first = started(store, folder, *keys)
    second = subprocess.Popen([sys.executable, str(SWEEP), store.key, str(folder), *keys], stdout=subprocess.PIPE,
                              text=True, env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)})
    for line in second.stdout:
        if line.startswith("a "):
            assert "waiting  for process" in line and "which trains it" in line
            break
    for key in keys:
        (folder / f"{key}.wait").unlink()
    assert first.wait(PATIENCE) == second.wait(PATIENCE) == 0
    assert starts(folder) == Counter(keys) and statuses(store) == finished(keys)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_sweep_that_is_stopped_says_how_far_each_training_is(place, number):
    store, folder = place
    process = started(store, folder, "a", "b", "c")
    assert {"now": sorted(queued.read(store).names(queued.RUNNING)),
            "next": queued.read(store).names(queued.QUEUED)} == {"now": ["a", "b"], "next": ["c"]}
    process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "3 queued; stopped; the same command goes on from here" in said
    assert statuses(store) == {"a": ["interrupted"], "b": ["interrupted"]}
    assert queued.read(store) == queued.Queue() and not claims.holder(store, "a")
    for key in "abc":
        (folder / f"{key}.wait").unlink()
    sweep(store, folder, ["a", "b", "c"])
    assert statuses(store) == finished("abc")


def test_a_killed_sweep_leaves_its_trainings_to_end_and_the_next_waits_for_them(place, capfd):
    store, folder = place
    process = started(store, folder, "a", "b", "c")
    process.kill()
    process.communicate()
    assert queued.read(store) == queued.Queue()
    assert claims.holder(store, "a").startswith("process ") and statuses(store) == {"a": ["running"], "b": ["running"]}
    (folder / "c.wait").unlink()
    sweep(store, folder, ["c"])
    assert starts(folder) == Counter("abc")
    for key in "ab":
        (folder / f"{key}.wait").unlink()
    sweep(store, folder, ["a", "b", "c"])
    assert starts(folder) == Counter("abc") and statuses(store) == finished("abc")


def test_a_training_that_ends_without_a_run_has_failed(place):
    store, _ = place
    with pytest.raises(RunError, match="failed: a"):
        local_queue.run(store, [local_queue.Planned("a", "a", ())], ["cpu"], lambda *_: [sys.executable, "-c", ""])


def test_a_busy_store_is_asked_again(place, monkeypatch):
    store, folder = place
    own, busy = kept_runs.kept_runs, iter([True, False, True])

    def asked(*args):
        if next(busy, False):
            raise StoreBusy("the store is busy")
        return own(*args)

    monkeypatch.setattr(local_queue.kept_runs, "kept_runs", asked)
    sweep(store, folder, ["a"])
    assert statuses(store) == {"a": ["finished"]} and next(busy, None) is None


def test_the_devices_that_are_meant(monkeypatch):
    assert local_queue.devices(None) == local_queue.devices("auto") == ["cpu"]
    assert local_queue.devices("cpu, cpu") == ["cpu", "cpu"]
    monkeypatch.setattr(local_queue.torch.cuda, "device_count", lambda: 2)
    assert local_queue.devices("auto") == ["cuda:0", "cuda:1"]
    with pytest.raises(RunError, match=r"^--device tpu does not exist: this machine has cpu"):
        local_queue.devices("cpu,tpu")
