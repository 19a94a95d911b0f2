"""The queue of a sweep: what is skipped, waited for, failed, stopped and gone on with, by stand-ins for trainings."""

import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from stand_in_sweep import OwnSweep, sweep

from cxrcore.errors import RunError, StoreBusy
from cxrcore.store import Store, claims, queued
from cxrcore.training.sweep import kept_runs, local_queue

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


def started(store: Store, folder: Path, *keys: str) -> OwnSweep:
    """A sweep in a process of its own, once its trainings wait."""
    for key in keys:
        (folder / f"{key}.wait").touch()
    own = OwnSweep(store, folder, list(keys), folder / "first.txt")
    until(lambda: all((folder / f"{key}.waits").exists() for key in keys[:2]), "a training")
    return own


def ended(own: OwnSweep) -> int | None:
    """The status that it ends with."""
    own.process.join(PATIENCE)
    return own.process.exitcode


@pytest.mark.parametrize("n", [6, pytest.param(12, marks=pytest.mark.long)])
def test_of_many_trainings_two_are_killed_and_one_fails(place, capfd, n):
    store, folder = place
    keys = [f"k{number:02}" for number in range(n)]
    for name in ("k01.kill", "k04.kill", "k03.fail"):
        (folder / name).touch()
    with pytest.raises(RunError, match=rf"{n - 3} of {n} trainings are done; failed: k01, k03, k04\. The same command"
                       ) as said:
        sweep(store, folder, keys)
    assert str(store.folder / local_queue.OUTPUTS) in str(said.value)
    told = capfd.readouterr().out
    assert "failed   no film of k03 can be read" in told and "failed   ended by signal 9 (SIGKILL)" in told
    assert f"{n - 3} of {n} done, 3 failed" in told and starts(folder) == Counter(keys)
    with pytest.raises(RunError, match=rf"{n - 1} of {n} trainings are done; failed: k03\."):
        sweep(store, folder, keys)
    assert "k00  done     was finished before" in capfd.readouterr().out
    (folder / "k03.fail").unlink()
    sweep(store, folder, keys)
    assert statuses(store) == finished(keys)  # the killed and the failed went on, none was made anew
    assert starts(folder) == Counter(keys) + Counter({"k01": 1, "k04": 1, "k03": 2})
    assert queued.read(store) == queued.Queue()


def test_two_sweeps_at_once_make_no_training_twice(place):
    store, folder = place
    keys = ["a", "b", "c", "d"]
    first = started(store, folder, *keys)
    second = OwnSweep(store, folder, keys, folder / "second.txt")
    until(lambda: re.search(r"^a .*\n", second.said, re.MULTILINE), "a line of the second sweep")
    assert re.search(r"^a  waiting  for process .* which trains it\n", second.said, re.MULTILINE)
    for key in keys:
        (folder / f"{key}.wait").unlink()
    assert ended(first) == ended(second) == 0
    assert starts(folder) == Counter(keys) and statuses(store) == finished(keys)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_sweep_that_is_stopped_says_how_far_each_training_is(place, number):
    store, folder = place
    own = started(store, folder, "a", "b", "c")
    assert {"now": sorted(queued.read(store).names(queued.RUNNING)),
            "next": queued.read(store).names(queued.QUEUED)} == {"now": ["a", "b"], "next": ["c"]}
    os.kill(own.process.pid, number)
    assert ended(own) == 130 and "3 queued; stopped; the same command goes on from here" in own.said
    assert statuses(store) == {"a": ["interrupted"], "b": ["interrupted"]}
    assert queued.read(store) == queued.Queue() and not claims.holder(store, "a")
    for key in "abc":
        (folder / f"{key}.wait").unlink()
    sweep(store, folder, ["a", "b", "c"])
    assert statuses(store) == finished("abc")


def test_a_killed_sweep_leaves_its_trainings_to_end_and_the_next_waits_for_them(place, capfd):
    store, folder = place
    own = started(store, folder, "a", "b", "c")
    own.process.kill()
    assert ended(own) == -signal.SIGKILL
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
