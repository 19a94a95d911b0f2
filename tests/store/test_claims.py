"""A claim on a training: one process at a time, gone with it, and for machines whose locks are not seen."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import BeingTrained, StoreError
from cxrcore.store import Store, claims, progress
from cxrcore.store.run_folder import PROGRESS

KEY = "0123456789abcdef"


def beat(store: Store, **changed) -> None:
    """As another machine writes it."""
    folder = store.folder / claims.FOLDER / KEY
    folder.mkdir(parents=True, exist_ok=True)
    told = {"pid": 7, "host": "elsewhere", "stage": "starting", "heartbeat": time.time()} | changed
    partial = folder / "partial"
    partial.write_text(json.dumps(told))
    partial.replace(folder / PROGRESS)


def test_a_claim_keeps_others_away_for_as_long_as_it_is_held(store):
    assert claims.holder(store, KEY) == ""
    with claims.claimed(store, KEY):
        assert claims.holder(store, KEY).startswith(f"process {os.getpid()} on ")
        with pytest.raises(BeingTrained, match=f"under way already, by process {os.getpid()} on "):
            with claims.claimed(store, KEY):
                pass
        with claims.claimed(store, "another"):
            pass
    assert claims.holder(store, KEY) == ""
    with pytest.raises(ValueError, match="of the training"):
        with claims.claimed(store, KEY):
            raise ValueError("of the training")
    with claims.claimed(store, KEY):
        pass


def test_the_claim_of_a_killed_process_is_free_at_once(store):
    code = ("import sys, time; from cxrcore.store import Store, claims\n"
            "with claims.claimed(Store(sys.argv[1]), sys.argv[2]):\n    print('held', flush=True); time.sleep(600)")
    process = subprocess.Popen([sys.executable, "-c", code, store.key, KEY], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {
                                   "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), *sys.path])})
    assert process.stdout.readline() == "held\n"
    assert f"process {process.pid} on" in claims.holder(store, KEY)
    with pytest.raises(BeingTrained, match=f"by process {process.pid} on"):
        with claims.claimed(store, KEY):
            pass
    process.kill()
    process.communicate()
    assert claims.holder(store, KEY) == ""
    with claims.claimed(store, KEY):
        pass


@pytest.mark.embedded
def test_a_machine_whose_locks_are_not_seen_is_believed_while_it_beats(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.01)
    ended = threading.Event()

    def beats() -> None:
        while not ended.wait(0.005):
            beat(store)

    beat(store)
    thread = threading.Thread(target=beats)
    thread.start()
    try:
        with pytest.raises(BeingTrained, match="by process 7 on elsewhere"):
            with claims.claimed(store, KEY):
                pass
    finally:
        ended.set()
        thread.join()


@pytest.mark.embedded
def test_a_machine_that_is_gone_is_waited_for_until_its_beat_is_stale(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.01)
    monkeypatch.setattr(progress, "STALE", 0.3)
    beat(store)
    assert claims.holder(store, KEY) == "process 7 on elsewhere"
    with claims.claimed(store, KEY):
        assert f"process {os.getpid()} on" in claims.holder(store, KEY)


@pytest.mark.embedded
def test_a_claim_that_cannot_be_written_is_one_line(store):
    (store.folder / claims.FOLDER).mkdir(parents=True)
    (store.folder / claims.FOLDER / KEY).touch()
    with pytest.raises(StoreError, match=r"^the claim .* cannot be written: File exists$"):
        with claims.claimed(store, KEY):
            pass
