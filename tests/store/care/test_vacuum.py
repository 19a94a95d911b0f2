"""`scripts/store.py vacuum`: disk is given back, nothing else changes, a kill leaves the old store or the new one."""

import os
import signal
from pathlib import Path

import duckdb
import fork_server
import numpy as np
import pytest
import seeded_runs
from one_opening import one_opening
from run_folders import rows_of

from cxrcore.errors import DiskFullError, StoreError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store, turns
from cxrcore.store.care import checking, closed_file, vacuum

context = fork_server.context("cxrcore.store.care.commands", "seeded_runs", "run_folders", "pytest")
N = 6_000


@pytest.fixture(scope="module")
def emptied(tmp_path_factory) -> Store:
    """A store of which most was deleted."""
    store = seeded_runs.make_store(tmp_path_factory.mktemp("emptied") / "store.duckdb", n=N)
    scores = np.random.default_rng(0).random((N, len(NIH_FINDINGS)))
    kept = seeded_runs.add_run(store, "kept", auroc=None)
    seeded_runs._measure(store, kept, ("val",), 12, 0.8)
    run_id = seeded_runs.add_run(store, "other", auroc=None)
    with one_opening(store.path):
        for _ in range(8):
            store.save_predictions(run_id, seeded_runs.DATASET, "test", seeded_runs.film_ids(N), scores)
    store.delete_run(run_id)
    with duckdb.connect(str(store.path)) as con:
        con.execute("CREATE VIEW own AS SELECT name FROM runs")
    return store


@pytest.fixture
def store(emptied, tmp_path) -> Store:
    path = tmp_path / "it's" / "store.duckdb"
    path.parent.mkdir()
    path.write_bytes(emptied.path.read_bytes())
    return Store(path)


def test_the_disk_of_deleted_runs_is_given_back(store):
    before, size = rows_of(store), store.path.stat().st_size
    token = store.change_token()
    was, now = vacuum.vacuum(store)
    assert was == size and now == store.path.stat().st_size < 0.7 * size
    assert rows_of(store) == before and store.change_token() != token and checking.check(store)[1:] == []
    assert sorted(path.name for path in store.folder.iterdir() if path.is_file()) == [
        "store.duckdb", "store.duckdb.gate", "store.duckdb.holder"]
    with duckdb.connect(str(store.path), read_only=True) as con:  # people's own views, and the order of rows
        assert con.execute("FROM own").fetchall() == [("kept",)]
        assert con.execute("SELECT count(*) FROM latest_metrics").fetchone()[0] > 10
        ids = [name for (name,) in con.execute("SELECT image_id FROM predictions").fetchall()]
    assert ids == sorted(ids) and len(ids) == 12
    seeded_runs.add_run(store, "next")


def killed_at(path: Path, n: int) -> None:
    """Vacuum that dies before its n-th step on the file system."""
    steps = iter(range(1, 100))

    def dies(do):
        def step(*args, **kwargs):
            if next(steps) == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*args, **kwargs)
        return step

    for module, name in ((vacuum.shutil, "copymode"), (vacuum.os, "replace"), (closed_file, "to_disk"),
                         (closed_file, "digests"), (turns, "attach"), (closed_file, "require_room")):
        setattr(module, name, dies(getattr(module, name)))
    vacuum.vacuum(Store(path))


def test_killed_at_any_step_it_leaves_the_old_store_or_the_new_one(store):
    before, size, sizes = rows_of(store), store.path.stat().st_size, []
    for n in range(1, 20):
        process = context.Process(target=killed_at, args=(store.path, n))
        process.start()
        process.join(60)
        sizes.append(store.path.stat().st_size)
        assert rows_of(store) == before
        if process.exitcode == 0 or sizes[-1] < size:
            break
        assert process.exitcode == -signal.SIGKILL and sizes[-1] == size
    assert len(sizes) >= 6 and sizes[-1] < 0.7 * size  # each step was come to
    assert vacuum.vacuum(store)[1] <= sizes[-1] and not list(store.folder.glob("*.vacuum.*"))


def test_a_copy_that_is_not_the_same_changes_nothing(store, monkeypatch):
    content = store.path.read_bytes()
    real = closed_file.digests
    monkeypatch.setattr(closed_file, "digests",
                        lambda con, catalog="": {**real(con, catalog), "runs": (0, len(catalog))})
    with pytest.raises(StoreError, match="is not what the store holds"):
        vacuum.vacuum(store)
    monkeypatch.undo()
    monkeypatch.setattr(closed_file.disk_room, "free_bytes", lambda folder: 10)
    with pytest.raises(DiskFullError, match="nothing was changed"):
        vacuum.vacuum(store)
    assert store.path.read_bytes() == content and not list(store.folder.glob("*.vacuum.*"))


def test_nothing_is_made_smaller_that_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        vacuum.vacuum(Store(tmp_path / "none.duckdb"))
    (tmp_path / "foreign.duckdb").write_bytes(b"")
    (tmp_path / "foreign.duckdb").unlink()
    with duckdb.connect(str(tmp_path / "foreign.duckdb")) as con:
        con.execute("CREATE TABLE theirs (a INTEGER)")
    content = (tmp_path / "foreign.duckdb").read_bytes()
    with pytest.raises(StoreError, match="no store of this workbench"):
        vacuum.vacuum(Store(tmp_path / "foreign.duckdb"))
    assert (tmp_path / "foreign.duckdb").read_bytes() == content


def test_the_leaderboard_follows_metrics_that_were_changed_by_hand(store):
    with duckdb.connect(str(store.path)) as con:
        con.execute("UPDATE metrics SET value = 0.123 WHERE metric = 'auroc' AND finding = 'macro'")
    [told] = [one for one in checking.check(store) if "stand on the leaderboard" in one.what]
    assert told.is_fault and "vacuum" in told.do
    assert store.leaderboard()["auroc"].tolist() == [0.8]
    vacuum.vacuum(store)
    assert store.leaderboard()["auroc"].tolist() == [0.123]
    assert not [one for one in checking.check(store) if "stand on the leaderboard" in one.what]
