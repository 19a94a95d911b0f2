"""Ctrl-C and SIGTERM, sent for real, wherever they come: an interruption, with nothing half done or still held."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
from filelock import FileLock

from cxrcore import cli, interrupts
from cxrcore.errors import StoreBusy
from cxrcore.evaluation import shares
from cxrcore.import_export import export
from cxrcore.interrupts import Terminated, postponed, sigterm_as_interrupt
from cxrcore.store import Store, store_path, turns
from cxrcore.store.backends.session import Unwatched
from cxrcore.store.progress import Progress, read_progress

FOREVER = "SELECT count(*) FROM range(3000000) a, range(300000) b WHERE a.range * b.range % 7 = 3"
WAYS = [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]


@contextmanager
def signal_after(number: int, seconds: float = 0.2, times: int = 1):
    """The signal comes while the body is at work; what it raises has to come out within seconds."""
    began = time.monotonic()

    def send():
        for _ in range(times):
            time.sleep(seconds)
            os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()
        assert time.monotonic() - began < 20


def is_free(store: Store) -> bool:
    """Whether a writer's turn comes at once."""
    handlers = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    with FileLock(store_path.beside(store.path, store_path.GATE), timeout=0):
        pass
    with turns.connection(store.path, write=True, wait=0.5):
        pass
    return handlers == (signal.default_int_handler, signal.SIG_DFL)


# -- in the store


@pytest.mark.parametrize(("number", "raised"), WAYS)
def test_a_signal_in_a_query_that_writes_is_an_interruption_and_rolls_back(store, run_id, number, raised):
    with sigterm_as_interrupt(), signal_after(number), pytest.raises(KeyboardInterrupt) as stop:
        with store._write() as con:
            con.execute("UPDATE runs SET note = 'half'")
            con.execute(FOREVER).fetchall()
    assert type(stop.value) is raised
    assert is_free(store) and store.run(run_id)["note"] == ""


def test_a_signal_in_a_query_that_reads_is_an_interruption(store, run_id):
    with signal_after(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        store._frame(FOREVER)
    assert is_free(store)


def test_a_signal_before_there_is_a_store_is_an_interruption(store):
    with signal_after(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        store._frame(FOREVER)
    assert not store.path.exists()


def test_a_signal_between_two_queries_keeps_the_transaction_from_being_kept(store, run_id):
    with pytest.raises(KeyboardInterrupt), store._write() as con:
        con.execute("UPDATE runs SET note = 'half'")
        os.kill(os.getpid(), signal.SIGINT)
        con.execute("UPDATE runs SET name = 'half'")
    assert is_free(store) and store.run(run_id)["note"] == ""


@pytest.mark.parametrize(("number", "raised"), WAYS)
def test_waiting_for_the_gate_ends_with_the_signal(store, run_id, number, raised):
    with FileLock(store_path.beside(store.path, store_path.GATE)), sigterm_as_interrupt(), signal_after(number):
        with pytest.raises(KeyboardInterrupt) as stop:
            store.edit_run(run_id, note="late")
    assert type(stop.value) is raised and is_free(store) and store.run(run_id)["note"] == ""


def test_waiting_for_another_thread_ends_with_the_signal(store, run_id):
    with turns.turn(store.path, write=False) as own, own.connect():  # nobody else may have a turn
        waiting = pytest.raises(KeyboardInterrupt)
        own.signals.let_go()  # as if another thread had it
        with signal_after(signal.SIGINT), waiting:
            store.edit_run(run_id, note="late")
    assert is_free(store)


def test_waiting_for_readers_that_know_no_gate_ends_with_the_signal(store, run_id, monkeypatch):
    locked = duckdb.IOException("IO Error: Could not set lock on file: held in python (PID 1)")

    def refused(*_args, **_more):
        raise locked

    with monkeypatch.context() as patch, signal_after(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        patch.setattr(turns.duckdb, "connect", refused)
        store.edit_run(run_id, note="late")
    assert is_free(store)


class Lines:
    """Raises the signal once so many lines of some files were run."""

    def __init__(self, files: tuple[str, ...], left: int):
        self.files, self.left = files, left

    def trace(self, frame, event, _):
        if not frame.f_code.co_filename.startswith(self.files):
            return None
        if event == "line":
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGINT)
        return self.trace


@pytest.mark.parametrize("stride", [23, pytest.param(1, marks=pytest.mark.long)])
def test_a_signal_at_any_step_of_a_write_leaves_nothing_held(store, run_id, stride):
    """The signal comes after so many lines of the store's own code, until the write goes through before it."""
    ours = tuple(sys.modules[f"cxrcore.store.{name}"].__file__ for name in ("turns", "file", "store"))
    for step in range(1, 400, stride):
        lines = Lines(ours, step)
        kept = None
        sys.settrace(lines.trace)
        try:
            store.edit_run(run_id, note=str(step))
        except KeyboardInterrupt as stop:
            kept = stop  # with its frames, as the code that writes down the end has it
        finally:
            sys.settrace(None)
        if kept is None:
            break
        store.edit_run(run_id, name=str(step))  # what a training does then; waits for nothing
        assert store.run(run_id)["name"] == str(step)
    assert step > 20 and lines.left > 0 and is_free(store)


def test_a_second_signal_is_answered_at_once():
    with pytest.raises(KeyboardInterrupt), postponed():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signals_that_nobody_listens_to_stay_as_they_are():
    with postponed():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with postponed():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_wait_for_the_store_as_ever(store, run_id):
    ended = []

    def late():
        with pytest.raises(StoreBusy, match="another part"), turns.turn(store.path, write=True, wait=0.1):
            pass
        ended.append(True)

    thread = threading.Thread(target=late)

    with turns.turn(store.path, write=True):
        thread.start()
        thread.join()
    assert ended


# -- in scripts and trainings


@pytest.mark.parametrize(("number", "raised"), WAYS)
def test_a_script_stopped_in_a_query_says_so_and_ends_as_for_ctrl_c(number, raised, capsys):
    """Also where the query is not the store's."""
    con = duckdb.connect()

    def main(_argv):
        with sigterm_as_interrupt():
            con.execute(FOREVER).fetchall()

    with signal_after(number), pytest.raises(SystemExit) as end:
        cli.run(main)
    con.interrupt()  # or its threads go on
    assert end.value.code == cli.INTERRUPTED and capsys.readouterr().err == "interrupted\n"


class Dying:
    """Gets a signal in its destructor, where Python drops what a handler raises."""

    def __init__(self, number: int):
        self._number = number

    def __del__(self):
        os.kill(os.getpid(), self._number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("number", "raised"), WAYS)
def test_a_signal_that_was_lost_ends_a_training_at_its_next_step(store, number, raised):
    from cxrcore.training import train_run

    told = train_run._teller(None, None, None, 1, 1)
    with sigterm_as_interrupt():
        Dying(number)
        with pytest.raises(KeyboardInterrupt) as stop:
            told("training", 1, 2, 3.0)
    assert type(stop.value) is raised and is_free(store)
    interrupts.raise_again()  # which a later training is not ended by


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_was_lost_ends_every_script_at_its_next_step():
    def main(_argv):
        Dying(signal.SIGINT)
        with shares.bar("resampling") as told:
            told(0.5)

    with pytest.raises(SystemExit) as end:
        cli.run(main)
    assert end.value.code == cli.INTERRUPTED


def test_errors_that_are_no_interruption_stay_what_they_are():
    assert not interrupts.is_interruption(RuntimeError("Query interrupted"))
    error = RuntimeError("a")
    error.__context__, error.__cause__ = error, error
    assert not interrupts.is_interruption(error)
    with pytest.raises(RuntimeError, match="out of memory"):
        cli.run(lambda _: (_ for _ in ()).throw(RuntimeError("out of memory")))


@pytest.mark.parametrize("where", ["the store's query", "another query"])
@pytest.mark.parametrize(("number", "raised"), WAYS)
def test_a_training_stopped_in_a_query_is_interrupted_in_the_store(store, data, run_id, number, raised, where, capsys):
    from cxrcore.training import train_run

    con = duckdb.connect()
    plan = SimpleNamespace(store=store, config=SimpleNamespace(store=None))
    folder = store.run_folder(run_id)
    work = {"the store's query": lambda: store._frame(FOREVER),
            "another query": lambda: con.execute(FOREVER).fetchall()}[where]
    with pytest.raises(KeyboardInterrupt), signal_after(number):
        with (sigterm_as_interrupt(), Progress(folder) as progress,
              train_run._honest_end(plan, run_id, progress, Unwatched())):
            work()
    con.interrupt()
    assert store.run(run_id)["status"] == read_progress(folder)["stage"] == "interrupted"
    assert f"interrupted; to go on: python scripts/train.py --resume {run_id}" in capsys.readouterr().err


def test_predictions_saved_while_signals_come_are_whole_or_not_there(store, data, run_id):
    """Twelve saves, each with a signal at another moment."""
    scores = np.full((len(data.image_ids), 14), 0.5, np.float32)
    done = 0
    for turn in range(12):
        try:
            with signal_after(signal.SIGINT, 0.002 * turn):
                store.save_predictions(run_id, data.dataset_id, "test", data.image_ids, scores)
                done += 1
        except KeyboardInterrupt:
            pass
    sets = store.prediction_sets(run_id)
    assert len(sets) >= done - 12 and is_free(store)
    for prediction_id in sets["prediction_id"]:
        assert len(store.predictions(prediction_id).scores) == len(data.image_ids)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_was_lost_ends_an_export_before_its_folder_is_there(store, run_id, tmp_path, monkeypatch):
    asked = store.run_tables

    def lost(run_id):
        Dying(signal.SIGINT)
        return asked(run_id)

    monkeypatch.setattr(Store, "run_tables", lambda _, run_id: lost(run_id))
    with interrupts.remembered(), pytest.raises(KeyboardInterrupt):
        export.export(store, run_id, tmp_path / "out")
    assert not (tmp_path / "out" / run_id).exists()
