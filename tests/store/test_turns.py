"""Threads of one process at one store, as a dashboard's visitors are: they read together, and nothing else changes."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import fork_server
import pytest

from cxrcore.errors import StoreBusy
from cxrcore.store import EpochRecord, Store, turns

pytestmark = pytest.mark.embedded

context = fork_server.context("cxrcore.store.store")


def record(number: int) -> EpochRecord:
    return EpochRecord(number, number / 3, 0.25, 0.7, 0.3, 1e-4, 12.5, 33.0)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_threads_read_together(store, run_id, pool):
    inside = threading.Barrier(3)

    def read() -> int:
        with store.reading():
            inside.wait(timeout=20)  # broken, unless all three are in here at once
            return len(store.runs())

    assert [one.result() for one in [pool.submit(read) for _ in range(3)]] == [1, 1, 1]


def test_a_writer_waits_for_those_who_read_and_comes_before_those_who_do_not_yet(store, run_id, pool):
    reads, may_end, order = threading.Event(), threading.Event(), []

    def read() -> None:
        with store.reading():
            reads.set()
            assert may_end.wait(20)
            order.append("first reader")

    def write() -> None:
        store.log_epoch(run_id, record(1))
        order.append("writer")

    first = pool.submit(read)
    assert reads.wait(20)
    writer = pool.submit(write)
    here = turns._here[store.path]
    until = time.monotonic() + 20
    while not here._wait_alone:
        assert time.monotonic() < until
        time.sleep(0.001)
    second = pool.submit(lambda: order.append(len(store.epochs([run_id]))))
    may_end.set()
    for one in (first, writer, second):
        one.result(timeout=20)
    assert order[0] == "first reader" and order[-1] == 1, order


def test_waiting_is_bounded_and_leaves_nothing_behind(store, run_id, pool):
    reads, may_end = threading.Event(), threading.Event()

    def read() -> None:
        with store.reading():
            reads.set()
            assert may_end.wait(20)

    first = pool.submit(read)
    assert reads.wait(20)
    with pytest.raises(StoreBusy, match="in use by another part of this program"):
        with turns.connection(store.path, write=True, wait=0.05):
            pass
    assert len(store.runs()) == 1  # whoever gave up bars nobody
    may_end.set()
    first.result(timeout=20)
    store.log_epoch(run_id, record(1))
    assert len(store.epochs([run_id])) == 1


def test_those_who_wait_take_turns_with_those_who_want_it_alone(store, run_id, pool):
    """Without a pause between two writers, one of whom always waits, readers would never come."""
    ended = threading.Event()

    def write(first: int) -> None:
        number = first
        while not ended.is_set():
            store.log_epoch(run_id, record(number))
            number += 1

    writers = [pool.submit(write, first) for first in (1000, 2000, 3000)]
    while not store.epochs([run_id])["epoch"].size:
        pass
    for _ in range(5):
        before = len(store.epochs([run_id]))
        assert len(store.epochs([run_id])) <= before + 8  # a writer or two at a time
    ended.set()
    for one in writers:
        one.result(timeout=30)


@pytest.mark.parametrize("where", ["waits", "closes"])
def test_a_second_signal_in_the_wrong_moment_bars_nobody(store, run_id, pool, monkeypatch, where):
    """The second one raises at once, whatever is under way."""
    reads, may_end = threading.Event(), threading.Event()

    def read() -> None:
        with store.reading():
            reads.set()
            assert may_end.wait(20)

    def interrupted(*given):
        if where == "closes":
            given[1].close()
        raise KeyboardInterrupt

    first = pool.submit(read)
    assert reads.wait(20)
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        if where == "waits":
            patch.setattr(threading.Condition, "wait_for", interrupted)
            store.log_epoch(run_id, record(1))
        else:
            patch.setattr(turns._Here, "close", interrupted)
            store.runs()
    may_end.set()
    first.result(timeout=20)
    store.log_epoch(run_id, record(2))
    assert store.epochs([run_id])["epoch"].tolist() == [2]


def test_nobody_joins_those_who_read_a_file_that_was_replaced(store, run_id, tmp_path, pool):
    other = Store(tmp_path / "other.duckdb")
    shutil.copyfile(store.path, other.path)
    other.edit_run(run_id, name="of the other file")
    reads, may_end = threading.Event(), threading.Event()

    def read() -> str:
        with store.reading():
            store.runs()
            reads.set()
            assert may_end.wait(20)
            return store.run(run_id)["name"]

    first = pool.submit(read)
    assert reads.wait(20)
    os.replace(other.path, store.path)
    second = pool.submit(lambda: store.run(run_id)["name"])
    may_end.set()
    assert first.result(timeout=20) != "of the other file" == second.result(timeout=20)


def test_one_who_ends_leaves_the_lock_to_those_who_still_read(store, run_id, pool):
    """DuckDB's lock is dropped by closing any handle on the file: readers of one process share one."""
    with store.reading():
        store.runs()
        for _ in range(3):
            assert pool.submit(lambda: len(store.runs())).result(timeout=20) == 1
        opened = subprocess.run([sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", store.path],
                                capture_output=True, text=True, timeout=60)
        assert opened.returncode and "Could not set lock" in opened.stderr
    assert subprocess.run([sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", store.path],
                          timeout=60).returncode == 0


def write(path, run_id: str, first: int, n: int) -> None:
    for number in range(first, first + n):
        Store(path).log_epoch(run_id, record(number))


def test_threads_that_read_without_a_pause_keep_nobody_out_and_see_every_row_once(store, run_id, pool):
    """Their readings overlap, so that the file might never be closed."""
    ended, faults = threading.Event(), []

    def read() -> int:
        seen = times = 0
        while not ended.is_set():
            with store.reading():
                found, again = store.epochs([run_id]), store.epochs([run_id])
            if len(found) < seen or len(found) != len(again) or found.duplicated(["run_id", "epoch"]).any():
                faults.append((seen, len(found), len(again)))
            seen, times = len(found), times + 1
        return times

    readers = [pool.submit(read) for _ in range(6)]
    others = [context.Process(target=write, args=(store.path, run_id, 100 * k, 8)) for k in (1, 2)]
    for process in others:
        process.start()
    write(store.path, run_id, 300, 8)  # a writer of this process
    for process in others:
        process.join(timeout=50)
    ended.set()
    assert [process.exitcode for process in others] == [0, 0]
    assert all(one.result(timeout=20) for one in readers) and not faults
    assert sorted(store.epochs([run_id])["epoch"]) == [100 * k + i for k in (1, 2, 3) for i in range(8)]


def test_readers_who_cannot_wait_at_the_gate_read_one_at_a_time(store, run_id, pool, monkeypatch):
    """In a folder that they cannot write to; openings that overlap would never let a writer in."""
    reads, may_end = threading.Event(), threading.Event()

    def read() -> None:
        with store.reading():
            reads.set()
            assert may_end.wait(20)

    monkeypatch.setattr(turns, "_has_gate", lambda path: False)
    first = pool.submit(read)
    assert reads.wait(20)
    with pytest.raises(StoreBusy, match="in use by another part of this program"):
        with turns.connection(store.path, write=False, wait=0.05):
            pass
    may_end.set()
    first.result(timeout=20)
    assert len(store.runs()) == 1
