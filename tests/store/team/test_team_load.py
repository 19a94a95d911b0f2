"""Eight trainings and twenty visitors on one database: no error, every row there, and nobody waits for another.

    CXR_LOAD_MINUTES=5 python -m pytest -m long -s tests/store/team/test_team_load.py

Each training is a process that logs an epoch a second, and now and then scores and their metrics; the visitors belong
to two servers, and each reads once a second what Runs does after a commit. The short form takes 4 s where nothing else
runs.
"""

import json
import os
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from known_data import known_data

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store
from cxrcore.store.measurements import METRIC_COLUMNS

pytest.importorskip("psycopg", reason="the package psycopg is not installed")

from cxrcore.store.team import connections

EVERY = 1.0  # seconds between two epochs of a training, and two reads of a visitor
SCORES_EVERY = 30  # epochs
READ_WITHIN = 0.3  # seconds, p95 of the long form

context = get_context("forkserver")
context.set_forkserver_preload(["cxrcore.store.store", "cxrcore.store.team.team_store", "known_data"])


def pace(number: int, work, notes: Path, seconds: float, every: float) -> None:
    """Do something every so often, for so many seconds; how long it took, or what went wrong, is noted."""
    with notes.open("a", buffering=1) as file:
        due = time.time() + number * every / 20  # not all at once
        until = due + seconds
        while due < until:
            time.sleep(max(0.0, due - time.time()))
            began = time.perf_counter()
            try:
                told = work()
            except Exception as error:
                print(json.dumps(["error", repr(error), 0]), file=file)
                return
            print(json.dumps(["done", told, time.perf_counter() - began]), file=file)
            due = max(due + every, time.time())  # who was kept waiting does not make up for it


def train(key: str, number: int, run_id: str, notes: Path, seconds: float, every: float, scores_every: int) -> None:
    """One training; what it notes was acknowledged."""
    store, data, epoch = Store(key), known_data(), iter(range(1, 100_000))
    rows = pd.DataFrame([(finding, metric, None, 0.5, None, None, 3, 40, "exact") for metric in ("auroc", "ap")
                         for finding in (*NIH_FINDINGS, "macro")], columns=list(METRIC_COLUMNS))

    def one() -> list[object]:
        at = next(epoch)
        store.log_epoch(run_id, EpochRecord(at, at / 3, 0.25, 0.7, 0.3, 1e-4, 12.5, 33.0))
        if at % scores_every:
            return [at]
        part = store.save_predictions(run_id, data.dataset_id, "val", data.image_ids, np.full((40, 14), 0.5))
        store.save_metrics(part, rows)
        return [at, part]

    pace(number, one, notes, seconds, every)


def serve(key: str, numbers: range, run_ids: list[str], folder: Path, seconds: float, every: float) -> None:
    """One server with its visitors: what was seen once must not go away."""
    store = Store(key)

    def visit(number: int) -> None:
        seen = [0]

        def look() -> int:
            store.change_token()
            with store.reading():
                runs, board, epochs = store.runs(), store.leaderboard(), store.epochs(run_ids)
            assert len(runs) == len(run_ids) and board["run_id"].isin(run_ids).all()
            assert len(epochs) >= seen[0] and not epochs.duplicated(["run_id", "epoch"]).any()
            seen[0] = len(epochs)
            return seen[0]

        pace(number, look, folder / f"reader{number}.txt", seconds, every)

    threads = [threading.Thread(target=visit, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def noted(folder: Path, kind: str) -> list[list[list]]:
    """The notes of each training or visitor."""
    return [[json.loads(line) for line in path.read_text().splitlines()] for path in sorted(folder.glob(f"{kind}*"))]


def percentiles(what: str, waits: list[float]) -> str:
    p50, p95 = np.percentile(waits, [50, 95])
    return f"{what}: p50 {1e3 * p50:.0f} ms, p95 {1e3 * p95:.0f} ms, max {1e3 * max(waits):.0f} ms ({len(waits)} times)"


@pytest.mark.parametrize("minutes, every, writers, readers, most", [
    pytest.param("0.02", 0.2, 3, 6, 60.0, id="short"),
    pytest.param(os.environ.get("CXR_LOAD_MINUTES") or "5", EVERY, 8, 20, READ_WITHIN, id="long",
                 marks=pytest.mark.long)])
def test_trainings_and_visitors_do_not_wait_for_each_other(postgres, tmp_path, minutes, every, writers, readers, most):
    team, data, folder = postgres.store(tmp_path / "shared"), known_data(), tmp_path / "notes"
    folder.mkdir()
    team.add_dataset(data.dataset_id, data.images, data.labels, data.findings, name="tiny", kind="nih",
                     label_source="csv")
    run_ids = [team.create_run({"name": f"run {number}"}, data.dataset_id) for number in range(writers)]
    connections.close_all()
    load, seconds = os.getloadavg()[0], 60 * float(minutes)
    both = [context.Process(target=train, args=(
        team.key, number, run_id, folder / f"writer{number}.txt", seconds, every,
        SCORES_EVERY if every == EVERY else 5)) for number, run_id in enumerate(run_ids)]
    both += [context.Process(target=serve, args=(team.key, range(place, readers, 2), run_ids, folder, seconds, every))
             for place in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(seconds + 120)
        assert process.exitcode == 0
    written, read = noted(folder, "writer"), noted(folder, "reader")
    lines = [line for own in (*written, *read) for line in own]
    assert [text for kind, text, _ in lines if kind == "error"] == []
    assert len(written) == writers and len(read) == readers and all(written) and all(read), "everybody had a turn"
    epochs, sets, counted = team.epochs(run_ids), set(team.prediction_sets()["prediction_id"]), 0
    assert not epochs.duplicated(["run_id", "epoch"]).any() and (epochs["train_loss"] == epochs["epoch"] / 3).all()
    for run_id, own in zip(run_ids, written, strict=True):
        told = [one for _, one, _ in own]
        assert epochs["epoch"][epochs["run_id"] == run_id].tolist() == [one[0] for one in told]
        counted += len({one[1] for one in told if len(one) > 1} & sets)
    assert counted == len(sets) and set(team.leaderboard()["prediction_id"]) <= sets
    connections.close_all()
    print(f"\n{writers} trainings and {readers} visitors for {minutes} minutes; load of the machine {load:.1f} at the "
          f"beginning, {os.getloadavg()[0]:.1f} at the end\n" + percentiles(
              "write", [wait for own in written for _, _, wait in own]) + "\n" + percentiles(
              "read", waits := [wait for own in read for _, _, wait in own]))
    assert np.percentile(waits, 95) <= most
