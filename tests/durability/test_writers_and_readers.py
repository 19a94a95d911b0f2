"""No acknowledged row is ever lost: writers, readers and kill -9 at once, then every row is counted.

A writer notes a row in a file of its own after the store's method has returned. The waits are printed (run with -s);
of the steady form, which writes and reads as trainings and dashboards do, the long one judges them.
"""

import json
import os
import signal
import time
from pathlib import Path

import fork_server
import numpy as np
import pytest

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store

WRITERS, READERS = 6, 10
BATCH = 40  # films of a prediction set
N_KILLED = 9  # one after another, in the midst of their commits

context = fork_server.context("cxrcore.store.store")


def record(number: int) -> EpochRecord:
    return EpochRecord(number, number / 3, 0.25, 0.7, 0.3, 1e-4, 12.5, 33.0)


def write(path: Path, run_id: str, dataset_id: str, image_ids: list[str], notes: Path, until: float, pause: float):
    """Epochs, and a prediction set after every fifth, until a point in time."""
    store, number = Store(path), 0
    with notes.open("a", buffering=1) as file:
        try:
            while not number or time.time() < until:  # on a busy machine a process may start late
                number += 1
                began = time.perf_counter()
                store.log_epoch(run_id, record(number))
                print(json.dumps(["epoch", number, time.perf_counter() - began]), file=file)
                if number % 5 == 0:
                    began = time.perf_counter()
                    scores = np.full((len(image_ids), len(NIH_FINDINGS)), (number % 100) / 100, np.float32)
                    prediction_id = store.save_predictions(run_id, dataset_id, "val", image_ids, scores)
                    print(json.dumps(["predictions", prediction_id, time.perf_counter() - began]), file=file)
                time.sleep(pause)
        except Exception as error:
            print(json.dumps(["error", repr(error), 0]), file=file)


def read(path: Path, run_ids: list[str], notes: Path, until: float, pause: float):
    """What a dashboard asks for, over and over; what has been seen once must not go away."""
    store, seen, turns = Store(path), 0, 0
    with notes.open("a", buffering=1) as file:
        try:
            while not turns or time.time() < until:
                turns += 1
                began = time.perf_counter()
                epochs = store.epochs(run_ids)
                waited = time.perf_counter() - began
                assert len(epochs) >= seen, f"{seen} epochs were seen, then {len(epochs)}"
                assert not epochs.duplicated(["run_id", "epoch"]).any()
                seen = len(epochs)
                for _, row in store.leaderboard().iterrows():
                    assert row["n"] == BATCH
                print(json.dumps(["read", seen, waited]), file=file)
                time.sleep(pause)
        except Exception as error:
            print(json.dumps(["error", repr(error), 0]), file=file)


def notes_of(folder: Path, pattern: str) -> dict[str, list]:
    """Per process, its notes; a half line is the last of one that was killed."""
    notes = {}
    for path in sorted(folder.glob(pattern)):
        whole = path.read_text().rpartition("\n")[0]
        notes[path.stem] = [json.loads(line) for line in whole.splitlines()]
    return notes


def storm(store: Store, data, folder: Path, seconds: float, kills: int, pause: float = 0.05):
    """Steady writers and readers for some seconds, and beside them writers that are killed in a burst of commits.

    Args:
        pause: seconds between two writes or reads of a process.
    """
    folder.mkdir()
    runs = {f"w{i}": store.create_run({"name": f"w{i}"}, data.dataset_id) for i in range(WRITERS)}
    runs |= {f"k{i}": store.create_run({"name": f"k{i}"}, data.dataset_id) for i in range(kills)}
    until = time.time() + seconds
    common = (data.dataset_id, data.image_ids[:BATCH])

    def writer(name: str, until: float, pause: float):
        process = context.Process(target=write, args=(store.path, runs[name], *common, folder / f"{name}.txt", until,
                                                      pause))
        process.start()
        return process

    steady = [writer(f"w{i}", until, pause) for i in range(WRITERS)]
    steady += [context.Process(target=read, args=(store.path, list(runs.values()), folder / f"r{i}.txt", until, pause))
               for i in range(READERS)]
    for process in steady[WRITERS:]:
        process.start()
    rng = np.random.default_rng(0)
    for i in range(kills):
        victim, notes = writer(f"k{i}", until + 600, 0), folder / f"k{i}.txt"
        patience = time.time() + 20
        while not (notes.exists() and notes.stat().st_size) and time.time() < patience:
            time.sleep(0.005)  # it has written at least once, so that the kill comes in the midst
        time.sleep(rng.uniform(0, seconds / kills / 2))
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
    for process in steady:
        process.join(seconds + 90)
        assert process.exitcode == 0
    return runs


def assert_nothing_lost(store: Store, runs: dict[str, str], notes: dict[str, list]) -> int:
    """Every acknowledged row stands in the store with what was written; at most one a killed writer was not noted."""
    epochs, sets = store.epochs(list(runs.values())), store.prediction_sets()
    assert not epochs.duplicated(["run_id", "epoch"]).any()
    assert (epochs["train_loss"] == epochs["epoch"] / 3).all()
    total = 0
    for name, lines in notes.items():
        held = set(epochs["epoch"][epochs["run_id"] == runs[name]])
        noted = {number for kind, number, _ in lines if kind == "epoch"}
        held_sets = set(sets["prediction_id"][sets["run_id"] == runs[name]])
        noted_sets = {prediction_id for kind, prediction_id, _ in lines if kind == "predictions"}
        assert noted <= held, f"{name}: acknowledged epochs {sorted(noted - held)} are lost"
        assert noted_sets <= held_sets, f"{name}: acknowledged prediction sets {noted_sets - held_sets} are lost"
        unnoted = len(held - noted) + len(held_sets - noted_sets)
        assert unnoted <= name.startswith("k"), f"{name}: {unnoted} rows nobody wrote"
        total += len(noted) + len(noted_sets)
    for prediction_id in sets["prediction_id"]:
        scores = store.predictions(prediction_id).scores
        assert scores.shape == (BATCH, len(NIH_FINDINGS)) and (scores == scores[0, 0]).all()
    return total


def told(what: str, waits: list[float]) -> str:
    p50, p95 = np.percentile(waits, [50, 95])
    return f"{what}: p50 {p50:.3f} s, p95 {p95:.3f} s, max {max(waits):.3f} s ({len(waits)} times)"


@pytest.mark.parametrize("seconds, kills", [
    pytest.param(4, 6, id="short"), pytest.param(90, 66, id="long", marks=pytest.mark.long),
])
def test_writers_readers_and_kills_lose_no_acknowledged_row(store, data, tmp_path, seconds, kills):
    runs = storm(store, data, tmp_path / "notes", seconds, kills)
    writers, killed = (notes_of(tmp_path / "notes", f"{kind}*.txt") for kind in "wk")
    readers = notes_of(tmp_path / "notes", "r*.txt")
    everything = [line for notes in (writers, killed, readers) for lines in notes.values() for line in lines]
    assert [text for kind, text, _ in everything if kind == "error"] == []
    assert len(writers) == WRITERS and all(writers.values()), "every writer had its turn"
    assert len(readers) == READERS and all(readers.values()), "every reader had its turn"
    assert sum(map(bool, killed.values())) >= kills / 2, "the kills must hit writers at work"
    total = assert_nothing_lost(store, runs, writers | killed)
    print(f"\n{total} acknowledged writes of {WRITERS} + {len(killed)} writers beside {READERS} readers, {len(killed)} "
          f"killed; 0 lost\n  " + told("write", [w for kind, _, w in everything if kind in ("epoch", "predictions")])
          + "\n  " + told("read", [w for kind, _, w in everything if kind == "read"]))


@pytest.mark.parametrize("seconds, at_most", [
    pytest.param(4, 60.0, id="short"), pytest.param(180, 2.0, id="long", marks=pytest.mark.long),
])
def test_six_trainings_and_ten_dashboards_do_not_wait_for_each_other(store, data, tmp_path, seconds, at_most):
    """An epoch a second of each of six writers, a read a second of each of ten readers; at most so long waits (p95)."""
    runs = storm(store, data, tmp_path / "notes", seconds, kills=0, pause=1.0)
    writers, readers = (notes_of(tmp_path / "notes", f"{kind}*.txt") for kind in "wr")
    lines = {name: [wait for kind, _, wait in own if kind != "error"] for name, own in (writers | readers).items()}
    assert all(lines.values()) and len(lines) == WRITERS + READERS, "everybody had a turn"
    assert [text for own in (writers | readers).values() for kind, text, _ in own if kind == "error"] == []
    assert_nothing_lost(store, runs, writers)
    for what, own in (("write", writers), ("read", readers)):
        waits = [wait for name in own for wait in lines[name]]
        print(f"\n{told(what, waits)}")
        assert np.percentile(waits, 95) <= at_most


def test_a_writer_killed_anywhere_in_a_commit_leaves_a_store_that_goes_on(store, data, tmp_path):
    """One writer at a time, killed at ever later moments of a write; each time the store opens and counts right."""
    (tmp_path / "notes").mkdir()
    for i in range(N_KILLED):
        run_id = store.create_run({"name": "killed"}, data.dataset_id)
        notes = tmp_path / "notes" / "one.txt"
        notes.unlink(missing_ok=True)
        process = context.Process(target=write, args=(store.path, run_id, data.dataset_id, data.image_ids[:BATCH],
                                                      notes, time.time() + 30, 0))
        process.start()
        while not (notes.exists() and notes.stat().st_size):
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(0.042 * i / N_KILLED)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        numbers = {number for kind, number, _ in notes_of(tmp_path / "notes", "one.txt")["one"] if kind == "epoch"}
        assert numbers <= set(store.epochs([run_id])["epoch"])
        store.edit_run(run_id, note=str(i))
        assert store.run(run_id)["note"] == str(i)
