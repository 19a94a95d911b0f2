"""The heartbeat file, and what it says of a run."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cxrcore.queries import run_progress
from cxrcore.store import progress
from cxrcore.store.progress import STALE, Progress, effective_status, read_progress
from cxrcore.store.run_folder import PROGRESS


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def beat(**changed) -> dict:
    """The progress of a healthy run of this process."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "heartbeat": time.time()} | changed


# -- what a run's status is


@pytest.mark.parametrize("status", ["finished", "failed", "interrupted"])
def test_a_run_that_ended_stays_as_it_ended(status, dead_pid):
    assert effective_status(status, {}) == effective_status(status, beat(pid=dead_pid, heartbeat=0)) == status


def test_a_run_whose_process_lives_is_running():
    assert effective_status("running", beat()) == "running"
    assert effective_status("running", beat(heartbeat=time.time() - STALE / 2)) == "running"


def test_a_run_whose_process_is_gone_is_interrupted_at_once(dead_pid):
    assert effective_status("running", beat(pid=dead_pid)) == "interrupted"


def test_on_another_machine_only_silence_tells(dead_pid):
    assert effective_status("running", beat(host="another", pid=dead_pid)) == "running"
    assert effective_status("running", beat(host="another", heartbeat=time.time() - STALE - 1)) == "interrupted"


def test_a_process_number_given_to_another_program_does_not_keep_a_run_alive():
    assert effective_status("running", beat(heartbeat=time.time() - STALE - 1)) == "interrupted"


@pytest.mark.parametrize("told", [{}, {"heartbeat": 0}, beat(pid=-1), beat(pid=0), beat(pid=10**400), beat(pid="7")])
def test_a_run_that_says_nothing_sensible_is_interrupted(told):
    assert effective_status("running", told) == "interrupted"


# -- the file


@pytest.mark.parametrize("odd", [
    {"step": "3"}, {"steps": []}, {"epoch": {}}, {"epochs": "5"}, {"stage": {"a": 1}}, {"heartbeat": "now"},
    {"images_per_second": "fast"}, {"seconds_left": [1]}, {"step": float("nan")}, {"steps": float("inf")},
    {"steps": 10**400}, {"pid": 10**400}, {"pid": "7"}, {"host": 3}, {"error": ["x"]}, {"further": 1}])
def test_what_no_training_tells_is_left_out(tmp_path, odd):
    told = beat(epoch=2, epochs=5, step=3, steps=9, stage="training", images_per_second=12.5, seconds_left=40.0)
    (tmp_path / PROGRESS).write_text(json.dumps(told | odd))
    read = read_progress(tmp_path)
    name = next(iter(odd))
    kept = odd if odd.get("pid") == 10**400 else {}
    assert read == {key: value for key, value in told.items() if key != name} | kept
    assert effective_status("running", read) in ("running", "interrupted") and 0 <= run_progress.share(read) <= 1
    assert run_progress.in_words(read) and run_progress.trouble("interrupted", read)


def test_what_is_told_stands_in_the_file(tmp_path):
    folder = tmp_path / "runs" / "r1"
    with Progress(folder) as told:
        assert read_progress(folder)["stage"] == "starting"
        told.update(stage="training", epoch=2, step=5)
    last = read_progress(folder)
    assert (last["stage"], last["epoch"], last["step"], last["pid"]) == ("training", 2, 5, os.getpid())
    assert abs(last["heartbeat"] - time.time()) < 5
    assert [path.name for path in folder.iterdir()] == [PROGRESS], "no temporary file stays"


def test_the_heart_beats_while_the_training_is_silent(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BEAT", 0.02)
    with Progress(tmp_path):
        beats = set()
        deadline = time.monotonic() + 5
        while len(beats) < 3 and time.monotonic() < deadline:
            beats.add(read_progress(tmp_path).get("heartbeat"))
            time.sleep(0.01)
    assert len(beats) >= 3


def test_numbers_of_numpy_do_not_stop_the_heart(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BEAT", 0.01)
    with Progress(tmp_path) as told:
        told.update(images_per_second=np.float32(33.5), step=np.int64(4))
        time.sleep(0.1)
        assert next(t for t in threading.enumerate() if t.name == "progress").is_alive()
    assert (read_progress(tmp_path)["images_per_second"], read_progress(tmp_path)["step"]) == (33.5, 4)


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BEAT", 0.0005)
    with Progress(tmp_path) as told:
        told.update(text="x" * 20_000)
        told.write()
        until = time.monotonic() + 0.5
        n = 0
        while time.monotonic() < until:
            assert len(json.loads((tmp_path / PROGRESS).read_text())["text"]) == 20_000
            n += 1
    assert n > 50


def test_a_deleted_folder_does_not_end_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BEAT", 0.01)
    folder = tmp_path / "r1"
    with Progress(folder) as told:
        (folder / PROGRESS).unlink()
        folder.rename(tmp_path / "gone")
        time.sleep(0.05)
        told.update(stage="training")
    assert read_progress(folder) == {}


@pytest.mark.parametrize("text", ["", "{", "\0\0", "[1]", "null", '"x"'])
def test_a_damaged_file_is_no_progress(tmp_path, text):
    (tmp_path / PROGRESS).write_text(text)
    assert read_progress(tmp_path) == {}
