"""What a queue says of its trainings while its process lives, whatever else lies in its file."""

import json
import os
import socket

import pytest

from cxrcore.store import Store, queued
from cxrcore.store.queued import DONE, FAILED, RUNNING, Queue, Queued


def write(store: Store, **told) -> None:
    store.folder.mkdir(exist_ok=True)
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "trainings": [{"name": "a", "state": "running"}]}
    queued.place(store).write_text(json.dumps(mine | told))


def test_what_is_told_is_read(store):
    assert queued.read(store) == Queue()
    told = Queue((Queued("a", DONE, "took 3 s"), Queued("b", FAILED, "no film"), Queued("c", RUNNING), Queued("d")),
                 whole=True)
    queued.tell(store, told)
    assert queued.read(store) == told
    assert told.in_words() == "1 of 4 done, 1 failed, 1 running, 1 queued"
    assert (told.names(RUNNING), told.names(FAILED)) == (["c"], ["b"])


@pytest.mark.parametrize("told", [
    {"pid": 2**22 + 1}, {"pid": "me"}, {"pid": 10**400}, {"pid": -1},
    {"host": "elsewhere"}, {"trainings": "a"}, {"trainings": None}])
def test_what_nobody_says_any_more_counts_as_nothing(store, told):
    write(store)
    assert queued.read(store).names(RUNNING) == ["a"]
    write(store, **told)
    assert queued.read(store) == Queue()


def test_two_machines_of_a_team_do_not_write_over_each_other(store, monkeypatch):
    first, second = Queue((Queued("a", RUNNING),)), Queue((Queued("b", RUNNING),))
    here = socket.gethostname()
    queued.tell(store, first)
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere/..")
    queued.tell(store, second)
    assert queued.read(store) == second
    monkeypatch.setattr(socket, "gethostname", lambda: here)
    assert queued.read(store) == (Queue() if store.is_file else first)
    assert len(list(store.folder.glob("queue*.json"))) == (1 if store.is_file else 2)


def test_a_foreign_file_is_read_within_bounds(store):
    rows = [3, {"name": "x" * 10_000, "state": "running", "said": ["y"]}, {"name": "b", "state": "exploded"}, {}]
    write(store, trainings=rows + [{"name": "z", "state": "queued"}] * 2000, whole="yes")
    read = queued.read(store)
    assert len(read.trainings) == queued.MOST - 3 and len(read.trainings[0].name) == queued.LONGEST and not read.whole
