"""Who is said to have ended a training of several processes: the first to fail, not the one that noticed it."""

import os
import socket
import subprocess
import sys
import threading

import pytest
from torch import distributed as dist

from cxrcore.errors import RunError
from cxrcore.interrupts import is_interruption
from cxrcore.training.ranks import endings as of_endings
from cxrcore.training.ranks import group as groups
from cxrcore.training.ranks import watch
from cxrcore.training.ranks.endings import FAILED, FINISHED, INTERRUPTED, NOBODY, Ending, Endings, Peer
from cxrcore.training.ranks.group import Group, Over
from cxrcore.training.ranks.launch import Launch
from cxrcore.training.ranks.meeting import one_cause

BROKEN = RuntimeError("[third_party/gloo/gloo/transport/tcp/pair.cc:561] Connection closed by peer [127.0.0.1]:1")
HERE = Peer(socket.gethostname(), os.getpid())


@pytest.fixture
def three():
    """The notes of three processes, of which this one plays all."""
    store = dist.HashStore()
    return [Endings(store, rank, [HERE] * 3) for rank in range(3)]


@pytest.fixture
def gone():
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return Peer(HERE.host, process.pid)


@pytest.fixture
def first(monkeypatch):
    """This process as the first of two, which share a store in memory."""
    monkeypatch.setattr(of_endings, "_LONG", 0.3)
    monkeypatch.setattr(of_endings, "_SHORT", 0.3)
    own = Group(Launch(0, 2), dist.HashStore())
    own.endings.peers = [HERE, HERE]
    monkeypatch.setattr(groups, "_now", [own])
    return own


def test_the_first_note_counts(three):
    assert three[0].first() is None and three[0].of_others() is None
    told = three[1].note(Ending(1, FAILED, "a fault"))
    assert three[2].note(Ending(2, FAILED, "another")) == told == three[0].first() == three[0].of_others()
    assert three[1].of_others() is None  # its own


@pytest.mark.parametrize("error", [BROKEN, dist.DistNetworkError("reset"), KeyboardInterrupt()])
def test_what_follows_from_another_s_end_is_not_the_cause(three, error):
    three[2].note(Ending(2, FAILED, "ValueError: a fault"))
    assert three[0].cause(error) == Ending(2, FAILED, "ValueError: a fault")


def test_a_process_that_went_without_a_word_was_killed(three, gone):
    three[0].peers = [HERE, HERE, gone]
    found = three[0].cause(BROKEN)
    assert (found.rank, found.kind) == (2, FAILED) and "killed" in found.text
    assert three[1].first() == found
    assert not Peer("another machine", gone.pid).is_gone() and not HERE.is_gone()


def test_an_error_of_its_own_is_its_own(three, monkeypatch):
    monkeypatch.setattr(of_endings, "_SHORT", 0.1)
    assert three[1].cause(KeyboardInterrupt()) == Ending(1, INTERRUPTED, "KeyboardInterrupt")
    monkeypatch.setattr(three[0], "_store", dist.HashStore())
    assert three[0].cause(RuntimeError("shapes do not fit")) == Ending(0, FAILED, "RuntimeError: shapes do not fit")
    assert three[0].cause(RunError("for people")) == Ending(0, FAILED, "for people")
    assert three[0].first().text == "RuntimeError: shapes do not fit"


def test_a_connection_that_broke_for_no_known_reason_is_said_so(first):
    with pytest.raises(RunError, match=r"^the connection between the processes broke, or one did not answer for 5 m"
                       ), one_cause():
        raise BROKEN
    assert Endings(first._store, 1).of_others().rank == NOBODY


def test_the_line_is_the_other_process_s(first):
    Endings(first._store, 1).note(Ending(1, FAILED, "ValueError: a fault"))
    with pytest.raises(RunError, match=r"^process 1 of 2, counted from 0: ValueError: a fault$") as raised, one_cause():
        raise KeyboardInterrupt  # as the launcher's SIGTERM
    assert not is_interruption(raised.value)


def test_an_interruption_stays_one(first):
    Endings(first._store, 1).note(Ending(1, INTERRUPTED))
    with pytest.raises(KeyboardInterrupt), one_cause():
        raise BROKEN


def test_of_one_process_every_error_stays_as_it_is():
    with pytest.raises(RuntimeError) as raised, one_cause():
        raise BROKEN
    assert raised.value is BROKEN


def test_who_waits_hears_that_it_is_over(first):
    other = Group(Launch(1, 2), first._store)
    first.tell("plan", {"value": float("nan"), "epochs": [1, 2.5]})
    assert other.told("plan")["epochs"] == [1, 2.5]
    first.endings.note(Ending(0, FINISHED))
    assert other.told("plan") is not None  # what was told before can still be had
    with pytest.raises(Over):
        other.told("more")
    other.until_over()


def test_a_process_that_cannot_notice_is_ended_with_what_it_has_to_say(first, monkeypatch, capsys):
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(watch, "GRACE", 0.05)
    left, said, ended = [], [], threading.Event()
    monkeypatch.setattr(watch.os, "_exit", lambda code: (left.append(code), ended.set()))
    with watch.watched(first, said.append):
        Endings(first._store, 1).note(Ending(1, FAILED, "out of memory"))
        assert ended.wait(20)
    assert said == ["process 1 of 2, counted from 0: out of memory"] and left[0] == 2
    assert f"error: {said[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("note", [None, Ending(1, INTERRUPTED), Ending(0, FAILED, "its own")])
def test_a_process_that_ends_by_itself_is_left_alone(first, note, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(watch, "GRACE", 0.01)
    monkeypatch.setattr(watch.os, "_exit", lambda code: pytest.fail("it was ended"))
    if note:
        Endings(first._store, note.rank).note(note)
    before = threading.active_count()
    with watch.watched(first, lambda line: pytest.fail(line)):
        threading.Event().wait(0.2)
    threading.Event().wait(0.1)
    assert threading.active_count() <= before
