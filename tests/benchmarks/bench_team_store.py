"""A team's store beside a store that is a file, with the same rows. Run with -s to see the figures.

    pytest -m benchmark -s tests/benchmarks/bench_team_store.py

Besides the clock it prints processor time, this program's and that of the database's process that answers it, which
other programs on the machine change little.
"""

import time
from pathlib import Path

import duckdb
import many_runs
import many_team_runs
import numpy as np
import own_postgres
import pandas as pd
import pytest

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store
from cxrcore.store.measurements import METRIC_COLUMNS

pytestmark = pytest.mark.benchmark
pytest.importorskip("psycopg", reason="the package psycopg is not installed")

N_FILMS = 112_120
N_RUNS = 2_000
BOARD_WITHIN, SCORES_WITHIN = 150.0, 300.0  # milliseconds, of processor time


@pytest.fixture(scope="module")
def server():
    with own_postgres.running() as running:
        yield running


def of_films(store: Store, n: int) -> list[str]:
    """A data set of so many films."""
    rng = np.random.default_rng(0)
    films = [f"{i // 4:08d}_{i % 4:03d}.png" for i in range(n)]
    images = pd.DataFrame({"image_id": films, "patient_id": [str(i // 4) for i in range(n)], "follow_up": 0,
                           "age": 50.0, "sex": "M", "view": "PA"})
    labels = (rng.random((n, len(NIH_FINDINGS))) < 0.05).astype(np.float32)
    store.add_dataset("films", images, labels, NIH_FINDINGS, name="films", kind="nih", label_source="csv")
    return films


def measured_run(path: Path) -> Path:
    """A file with one run that was measured as an evaluation does it: 252 rows a part and label set, two of both."""
    store = Store(path)
    films = of_films(store, 40)
    config = {"name": "run", "arch": "resnet18"} | {f"setting_{i}": i for i in range(60)}
    run_id = store.create_run(config, "films")
    store.log_epochs(run_id, [EpochRecord(number, 0.1, 0.1, 0.7, 0.3, 1e-4, 10, 30) for number in range(1, 11)])
    parts = [store.save_predictions(run_id, "films", split, films, np.full((40, 14), 0.5)) for split in ("val", "test")]
    sets = [store.save_threshold_set(parts[0], aim, aim, np.full(14, 0.5)) for aim in ("max_f1", "youden", "recall")]
    rows = [(finding, metric, set_id, 0.7, 0.6, 0.8, 5, 40, "scikit-learn; 95 % of 1,000 patient draws, seed 0")
            for metrics, own in ((("auroc", "ap", "brier", "ece"), [None]),
                                 (("precision", "recall", "f1", "specificity"), sets))
            for metric in metrics for set_id in own
            for finding in (*NIH_FINDINGS, "macro", *(["micro"] if set_id else []))]
    for part in parts:
        store.save_metrics(part, pd.DataFrame(rows, columns=list(METRIC_COLUMNS)))
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO metrics BY NAME SELECT * REPLACE ('experts' AS label_set) FROM metrics")
    store.finish_run(run_id, "finished", best_epoch=3)
    return path


def of_database(server: own_postgres.Postgres) -> float:
    """Seconds of processor time of the processes that answer this program, so far."""
    pids = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'cxr-workbench'").split()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def timed(server: own_postgres.Postgres, work, times: int = 9) -> tuple[float, float, float]:
    """Milliseconds: the median by the clock, then the mean of processor time here and in the database."""
    work()
    taken, own, other = [], time.process_time(), of_database(server)
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return (1e3 * float(np.median(taken)), 1e3 * (time.process_time() - own) / times,
            1e3 * (of_database(server) - other) / times)


def told(what: str, team: tuple[float, float, float], file: tuple[float, float, float]) -> None:
    print(f"\n{what}: {team[0]:.0f} ms, of processor time {team[1]:.0f} ms here and {team[2]:.0f} ms in PostgreSQL; a "
          f"file's {file[0]:.0f} ms, {file[1]:.0f} ms of processor time", end="")


def test_lists_of_two_thousand_runs(server, tmp_path):
    """504 rows of metrics a part, 1,008 a run: two million rows."""
    one = measured_run(tmp_path / "one.duckdb")
    rows = many_runs.make(one, tmp_path / "many.duckdb", N_RUNS)
    file, team = Store(tmp_path / "many.duckdb"), many_team_runs.make(server, one, tmp_path / "shared", N_RUNS)
    assert rows == 1008
    for own in (team, file):
        assert len(own.leaderboard()) == 2 * (N_RUNS + 1) and len(own.runs()) == N_RUNS + 1
    shown = [own.leaderboard().drop(columns="prediction_id") for own in (team, file)]
    pd.testing.assert_frame_equal(*shown)
    board = timed(server, team.leaderboard)
    told(f"leaderboard of {N_RUNS:,} runs", board, timed(server, file.leaderboard))
    told("list of them", timed(server, team.runs), timed(server, file.runs))
    told("change token", timed(server, team.change_token, 99), timed(server, file.change_token, 99))
    run_id = team.runs()["run_id"].iloc[0]
    numbers = iter(range(1000, 2000))
    told("one epoch logged", *(timed(server, lambda own=own: own.log_epoch(
        run_id, EpochRecord(next(numbers), 0.1, 0.1, 0.7, 0.3, 1e-4, 10, 30)), 30) for own in (team, file)))
    assert sum(board[1:]) <= BOARD_WITHIN


def test_scores_of_the_whole_data_set(server, tmp_path):
    """112,120 films with labels and patients; what is read is what was saved."""
    scores = 1 / (1 + np.exp(-np.random.default_rng(1).normal(-2.5, 1.5, (N_FILMS, 14)))).astype(np.float32)
    found = {}
    for kind, store in (("team", server.store(tmp_path / "shared")), ("file", Store(tmp_path / "store.duckdb"))):
        films = of_films(store, N_FILMS)
        run_id = store.create_run({}, "films")
        began = time.perf_counter()
        part = store.save_predictions(run_id, "films", "test", films, scores)
        print(f"\n{N_FILMS:,} x 14 scores saved in a {kind}'s store: {time.perf_counter() - began:.2f} s", end="")
        found[kind] = timed(server, lambda own=store, part=part: own.predictions(part))
        assert (store.predictions(part).scores == scores[np.argsort(films)]).all()
    told("read with labels and patients", found["team"], found["file"])
    assert sum(found["team"][1:]) <= SCORES_WITHIN
