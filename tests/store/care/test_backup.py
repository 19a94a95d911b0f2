"""`scripts/store.py backup` and `restore`: whole while others write, verified, and never over what is there unasked."""

import json
import shutil
import time
from pathlib import Path

import fork_server
import pytest
import seeded_runs
from run_folders import rows_of

from cxrcore.errors import DataError, StoreBusy, UsageError
from cxrcore.store import EpochRecord, Store, turns
from cxrcore.store.care import backup, checking, restore
from cxrcore.store.run_folder import BEST, LAST

context = fork_server.context("cxrcore.store.care.commands", "seeded_runs", "run_folders", "pytest")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    store = seeded_runs.make_store(tmp_path_factory.mktemp("made") / "store.duckdb")
    run_id = seeded_runs.add_run(store, "a")
    folder = store.run_folder(run_id)
    folder.mkdir()
    (folder / BEST).write_bytes(b"weights")
    (folder / "home_maps.npz").write_bytes(b"maps")
    (folder / "model_last.new.pth").write_bytes(b"half")
    (folder / "progress.json").write_text("{}")
    whole = store.folder / "prepared" / "0123456789ab"
    whole.mkdir(parents=True)
    (whole / "manifest.json").write_text('{"size": 32, "n_films": 2}')
    (whole / "pixels.npy").write_bytes(b"pixels")
    return store.folder, run_id


@pytest.fixture
def store(made, tmp_path) -> Store:
    shutil.copytree(made[0], tmp_path / "own")
    return Store(tmp_path / "own" / "store.duckdb")


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_backup_holds_what_was_asked_for_and_comes_back_elsewhere(made, store, tmp_path):
    run_id, before = made[1], rows_of(store)
    small = backup.back_up(store, tmp_path / "small")
    assert files(small.folder) == sorted([f"{run_id}/home_maps.npz", "backup.json", "store.duckdb"])
    whole = backup.back_up(store, tmp_path / "whole", checkpoints=True, maps=True)
    assert files(whole.folder) == sorted([f"{run_id}/home_maps.npz", f"{run_id}/{BEST}", "backup.json", "store.duckdb",
                                          "prepared/0123456789ab/manifest.json", "prepared/0123456789ab/pixels.npy"])
    there = Store(tmp_path / "there" / "other.duckdb")
    done, kept = restore.restore(there, whole.folder)
    assert kept is None and done.rows == whole.rows and rows_of(there) == before
    assert (there.run_folder(run_id) / BEST).read_bytes() == b"weights"
    assert (there.folder / "prepared" / "0123456789ab" / "pixels.npy").read_bytes() == b"pixels"


def test_nothing_is_replaced_unasked_and_the_old_is_kept(made, store, tmp_path):
    run_id, before = made[1], rows_of(store)
    saved = backup.back_up(store, tmp_path / "saved", checkpoints=True)
    store.edit_run(run_id, note="later")
    (store.run_folder(run_id) / BEST).write_bytes(b"other weights")
    changed = rows_of(store)
    with pytest.raises(UsageError, match="nothing was changed; --replace"):
        restore.restore(store, saved.folder)
    assert rows_of(store) == changed
    _, kept = restore.restore(store, saved.folder, replace=True)
    assert rows_of(store) == before and (store.run_folder(run_id) / BEST).read_bytes() == b"weights"
    assert rows_of(Store(kept / "store.duckdb")) == changed
    assert (kept / run_id / BEST).read_bytes() == b"other weights"
    assert [one.what for one in checking.check(store) if "restore took away" in one.what]
    store.path.unlink()  # the files alone are in the way
    (store.run_folder(run_id) / BEST).write_bytes(b"other weights")
    with pytest.raises(UsageError, match=BEST):
        restore.restore(store, saved.folder)


def test_a_damaged_store_is_replaced_and_kept_as_it_is(store, tmp_path):
    before = rows_of(store)
    saved = backup.back_up(store, tmp_path / "saved")
    store.path.write_bytes(b"damaged" * 3000)
    _, kept = restore.restore(store, saved.folder, replace=True)
    assert rows_of(store) == before and (kept / "store.duckdb").read_bytes() == b"damaged" * 3000


def _change(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)


def _rename(folder: Path, name: str) -> None:
    said = json.loads((folder / "backup.json").read_text())
    said["files"][name] = said["files"]["store.duckdb"]
    (folder / "backup.json").write_text(json.dumps(said))


BROKEN = {
    "a flipped bit": lambda folder: _change(folder, "store.duckdb"),
    "no list": lambda folder: (folder / "backup.json").unlink(),
    "half a list": lambda folder: (folder / "backup.json").write_text("{"),
    "a file that is missing": lambda folder: (folder / "store.duckdb").unlink(),
    "a way out": lambda folder: _rename(folder, "../outside.duckdb"),
    "a way out through prepared": lambda folder: _rename(folder, "prepared/../../x.npy"),
    "an absolute path": lambda folder: _rename(folder, "/tmp/outside"),
    "another place": lambda folder: _rename(folder, "cache/x.npy"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_backup_that_is_not_whole_is_refused(store, tmp_path, name):
    saved = backup.back_up(store, tmp_path / "saved")
    before = rows_of(store)
    BROKEN[name](saved.folder)
    with pytest.raises(DataError, match="backup"):
        restore.restore(store, saved.folder, replace=True)
    assert rows_of(store) == before and files(tmp_path / "own") == files(store.folder)


def test_a_taken_folder_stays(store, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        backup.back_up(store, tmp_path / "taken")
    (tmp_path / "free.partial").mkdir()  # of a backup that was killed
    (tmp_path / "free.partial" / "store.duckdb").write_bytes(b"half")
    backup.back_up(store, tmp_path / "free")
    assert not (tmp_path / "free.partial").exists() and files(tmp_path / "taken") == ["mine.txt"]


def test_a_store_in_use_is_not_replaced(store, tmp_path, monkeypatch):
    saved = backup.back_up(store, tmp_path / "saved")
    monkeypatch.setattr(turns, "WRITER_WAIT", 0.2)
    content = store.path.read_bytes()
    holder = context.Process(target=_hold, args=(store.path, tmp_path / "held"))
    holder.start()
    try:
        while not (tmp_path / "held").exists():
            time.sleep(0.02)
        with pytest.raises((UsageError, StoreBusy)):
            restore.restore(store, saved.folder, replace=True)
        with pytest.raises(StoreBusy):
            backup.back_up(store, tmp_path / "second")
    finally:
        holder.kill()
        holder.join()
    assert store.path.read_bytes() == content and not list(store.folder.glob("*.restoring.*"))


def _hold(path: Path, held: Path) -> None:
    with turns.connection(path, write=False):  # a long read
        held.touch()
        time.sleep(60)


def _train(path: Path, run_id: str, stop: Path) -> None:
    """A training in small: a checkpoint with its epoch, then the row of the epoch, on and on."""
    store, epoch = Store(path), 0
    folder = store.run_folder(run_id)
    folder.mkdir()
    while not stop.exists():
        epoch += 1
        (folder / "model_last.new.pth").write_text(str(epoch))
        store.log_epoch(run_id, EpochRecord(epoch, 0.3, 0.2, 0.7, 0.3, 1e-4, 1, 100))
        (folder / "model_last.new.pth").rename(folder / LAST)


def test_backups_of_a_store_that_two_trainings_write_to_are_whole(store, tmp_path):
    runs = [seeded_runs.add_run(store, name, auroc=None, epochs=0, status="running") for name in "bc"]
    processes = [context.Process(target=_train, args=(store.path, run_id, tmp_path / "stop")) for run_id in runs]
    try:
        for process in processes:
            process.start()
        while store.epochs(runs)["run_id"].nunique() < 2:
            time.sleep(0.05)
        seen = []
        for k in range(3):
            before = store.epochs(runs).groupby("run_id").size()
            saved = backup.back_up(store, tmp_path / f"backup {k}", checkpoints=True)
            copy = Store(tmp_path / f"restored {k}" / "store.duckdb")
            restore.restore(copy, saved.folder)
            after = copy.epochs(runs)
            for run_id in runs:
                own = after.loc[after["run_id"] == run_id, "epoch"].tolist()
                assert own == list(range(1, len(own) + 1)) and len(own) >= before[run_id]  # all of them, in order
                last = copy.run_folder(run_id) / LAST
                assert int(last.read_text()) <= len(own)  # the training can go on from it
            seen.append(len(after))
        assert seen == sorted(seen)
    finally:
        (tmp_path / "stop").touch()
        for process in processes:
            process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
