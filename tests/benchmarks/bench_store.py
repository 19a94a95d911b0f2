"""The store's costs, as ratios against a named baseline measured in the same run. Run with -s to see the figures.

    pytest -m benchmark -s tests/benchmarks/bench_store.py
"""

import json
import time

import duckdb
import many_runs
import numpy as np
import pandas as pd
import pytest

from cxrcore import ids
from cxrcore.findings import NIH_FINDINGS
from cxrcore.queries import from_store, kept, run_groups
from cxrcore.queries.glance import leaderboard
from cxrcore.store import EpochRecord, Store
from cxrcore.store.backends import standing
from cxrcore.store.file import _open_here

pytestmark = pytest.mark.benchmark

N_FILMS = 112_120
N_RUNS = 2_000


def seconds(work, times: int = 5) -> float:
    """The median over some runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


@pytest.fixture
def full(store):
    """A store with as many films as ChestX-ray14, a run, and scores that look like a network's."""
    rng = np.random.default_rng(0)
    film_ids = [f"{i // 4:08d}_{i % 4:03d}.png" for i in range(N_FILMS)]
    images = pd.DataFrame({"image_id": film_ids, "patient_id": [str(i // 4) for i in range(N_FILMS)], "follow_up": 0,
                           "age": 50.0, "sex": "M", "view": "PA"})
    labels = (rng.random((N_FILMS, len(NIH_FINDINGS))) < 0.05).astype(np.float32)
    store.add_dataset("full", images, labels, NIH_FINDINGS, name="full", kind="nih", label_source="csv")
    scores = 1 / (1 + np.exp(-rng.normal(-2.5, 1.5, (N_FILMS, len(NIH_FINDINGS))))).astype(np.float32)
    return store.create_run({}, "full"), film_ids, scores


def test_scores_of_the_whole_data_set(store, full, tmp_path):
    """Against CSV and bare NumPy files of the same scores, which hold neither patients nor labels."""
    run_id, film_ids, scores = full
    before = store.path.stat().st_size
    began = time.perf_counter()
    prediction_id = store.save_predictions(run_id, "full", "test", film_ids, scores)
    save, grown = time.perf_counter() - began, store.path.stat().st_size - before
    store.predictions(prediction_id)
    read = seconds(lambda: store.predictions(prediction_id))
    np.save(tmp_path / "scores.npy", scores)
    bare = seconds(lambda: np.load(tmp_path / "scores.npy"))
    frame = pd.DataFrame(scores).assign(image_id=film_ids)
    began = time.perf_counter()
    frame.to_csv(tmp_path / "scores.csv", index=False)
    csv_save = time.perf_counter() - began
    csv_read = seconds(lambda: pd.read_csv(tmp_path / "scores.csv"), 3)
    read_back = store.predictions(prediction_id)
    assert (read_back.scores == scores[np.argsort(film_ids)]).all()
    print(
        f"\n{N_FILMS:,} x {len(NIH_FINDINGS)} scores: save {save:.2f} s "
        f"(CSV {csv_save:.2f} s, {csv_save / save:.1f} x), "
        f"read with labels and patients {read * 1e3:.0f} ms (CSV, scores only, {csv_read * 1e3:.0f} ms, "
        f"{csv_read / read:.1f} x; bare .npy {bare * 1e3:.0f} ms), {grown / scores.size:.2f} bytes a score of 4 "
        f"(CSV {(tmp_path / 'scores.csv').stat().st_size / scores.size:.1f})"
    )
    assert save < csv_save


def test_a_set_among_thousands_of_its_day(store):
    """A read by id, once the file is open, against the same scores looked for by the id's text alone."""
    films, n = [f"{k:08d}_000.png" for k in range(250)], 4_000
    images = pd.DataFrame({"image_id": films, "patient_id": films, "follow_up": 0, "age": 50.0, "sex": "M",
                           "view": "PA"})
    store.add_dataset("few", images, np.zeros((250, 14)), NIH_FINDINGS, name="few", kind="nih", label_source="csv")
    sets = [f"20260301-{k // 3600 + 10:02d}{k // 60 % 60:02d}{k % 60:02d}-{k * 7919 % 2**24:06x}" for k in range(n)]
    with store._write() as con:
        con.con.register("new", pd.DataFrame({"id": sets, "number": [ids.number_of(one) for one in sets]}))
        con.execute("INSERT INTO prediction_sets (prediction_id, run_id, dataset_id, split, n, n_expected) "
                    "SELECT id, 'r', 'few', 'test', 250, 250 FROM new")
        con.execute("INSERT INTO predictions SELECT id, image_id, list_transform(range(14), k -> random()::FLOAT), "
                    "number FROM new CROSS JOIN images ORDER BY id, image_id")
    asked = iter(sets[7::40] * 2)
    with store.reading():
        con = _open_here.get()[1]
        own = seconds(lambda: store.predictions(next(asked)), 90)
        text = seconds(lambda: con.execute("SELECT image_id, scores FROM predictions WHERE prediction_id = ? "
                                           "ORDER BY image_id", [next(asked)]).to_arrow_table(), 90)
    print(f"\none of {n:,} sets of a day: {1e3 * own:.1f} ms with labels and patients; its scores alone by the text of "
          f"the id {1e3 * text:.1f} ms")
    assert own < text


def test_the_leaderboard_of_two_thousand_runs(tmp_path, phantoms):
    """What Runs works out after a commit, against reading the runs alone; 504 rows of metrics a run."""
    rows = many_runs.make(phantoms.path, tmp_path / "store.duckdb", N_RUNS)
    store = Store(tmp_path / "store.duckdb")

    def work() -> int:
        kept.clear()
        overview = from_store.overview(store)
        statuses = from_store.statuses(store, overview.runs)
        groups = run_groups.groups(overview.runs, overview.board, overview.datasets, statuses, "test")
        entries = [leaderboard.entries(group, overview.runs) for group in groups]
        assert len(overview.validation_curves) >= N_RUNS
        return sum(map(len, entries))

    work()
    began, n = time.process_time(), work()
    busy = time.process_time() - began
    whole, bare = seconds(work), seconds(store.runs)
    print(f"\n{N_RUNS:,} runs of {rows} metrics, in {n} rows: {whole * 1e3:.0f} ms, {busy * 1e3:.0f} ms of processor "
          f"time ({whole / bare:.1f} x the list of runs alone)")


def test_two_thousand_runs_are_listed(store, full):
    """Against one bare connection and the same query, which is what the gate and the schema check cost on top."""
    run_id, *_ = full
    store.log_epoch(run_id, EpochRecord(1, 0.1, 0.1, 0.7, 0.3, 1e-4, 10, 30))
    config = json.dumps({f"setting_{i}": i for i in range(20)})
    with duckdb.connect(str(store.path)) as con:  # made here in one go; 2,000 calls would take a minute
        con.execute("""INSERT INTO runs SELECT 'r' || i, 'run ' || i, 'resnet18', 'trained', 'finished', now(), now(),
            'full', 'patient', 0, 'f', ?, '{}', '{}', NULL, 3, 11000000, '', false FROM range(?) r(i)""",
                    [config, N_RUNS])
        con.execute("INSERT INTO prediction_sets SELECT 'p' || i || s, 'r' || i, 'full', s, 'best', '', 10, 10, "
                    "'fp32', now() FROM range(?) r(i), unnest(['val', 'test']) t(s)", [N_RUNS])
        con.execute("INSERT INTO metrics SELECT 'p' || i || s, 'csv', f, m, NULL, random(), NULL, NULL, 5, 10, '', "
                    "'1', 1 FROM range(?) r(i), unnest(['val', 'test']) t(s), "
                    "unnest(['macro', 'Mass', 'Hernia']) u(f), unnest(['auroc', 'ap']) v(m)", [N_RUNS])
        con.execute(f"DROP TABLE {standing.TABLE}")
        standing.make(con)

    def bare():
        with duckdb.connect(str(store.path), read_only=True) as con:
            con.execute("SELECT * FROM runs ORDER BY started_at DESC").df()

    assert len(store.runs()) == N_RUNS + 1 and len(store.leaderboard()) == 2 * N_RUNS
    listed, plain = seconds(store.runs), seconds(bare)
    print(f"\n{N_RUNS:,} runs listed in {listed * 1e3:.0f} ms ({listed / plain:.2f} x a bare connection), their "
          f"leaderboard in {seconds(store.leaderboard) * 1e3:.0f} ms, "
          f"change token in {seconds(store.change_token, 99) * 1e6:.0f} us")
    assert listed < 5 * plain


def test_one_epoch_beside_a_bare_commit(store, full, tmp_path):
    """What training waits for after an epoch, alone on the machine."""
    run_id, *_ = full
    numbers = iter(range(1, 1000))

    def bare():
        with duckdb.connect(str(tmp_path / "bare.duckdb")) as con:
            con.execute("CREATE TABLE IF NOT EXISTS epochs (a INTEGER)")
            con.execute("INSERT INTO epochs VALUES (1)")

    bare()
    ours = seconds(lambda: store.log_epoch(run_id, EpochRecord(next(numbers), 0.1, 0.1, 0.7, 0.3, 1e-4, 10, 30)), 30)
    plain = seconds(bare, 30)
    print(f"\none epoch logged in {ours * 1e3:.1f} ms, {ours / plain:.2f} x open, insert, close of a bare file")
    assert ours < 10 * plain
