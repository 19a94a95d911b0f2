"""`scripts/store.py check`: what is whole is called whole, and each planted fault is found and told with what to do."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import seeded_runs

from cxrcore.errors import StoreError
from cxrcore.store import Store, schema
from cxrcore.store.care import checking, file_checks
from cxrcore.store.run_folder import BEST

LOST = "20260101-000000-abcdef"


def packed(text: str) -> bytes:
    """An archive, as a checkpoint is one."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("data", text * 50)
    return written.getvalue()


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> tuple[Path, str]:
    """A store with a trained run, its checkpoint and a prepared map."""
    store = seeded_runs.make_store(tmp_path_factory.mktemp("sound") / "store.duckdb")
    run_id = seeded_runs.add_run(store, "a")
    folder = store.run_folder(run_id)
    folder.mkdir()
    (folder / BEST).write_bytes(packed("weights"))
    with store._write() as con:
        con.execute("UPDATE prediction_sets SET checkpoint = ?, checkpoint_sha256 = ?",
                    [BEST, file_checks.sha256(folder / BEST)])
    prepared = store.folder / "prepared" / "0123456789ab"
    prepared.mkdir(parents=True)
    np.save(prepared / "pixels.npy", np.zeros((2, 32, 32), np.uint8))
    pd.DataFrame({"image_id": ["a.png", "b.png"], "bytes": 1, "mtime_ns": 1, "reason": ""}).to_parquet(
        prepared / "films.parquet")
    (prepared / "manifest.json").write_text('{"size": 32, "n_films": 2, "version": 2}')
    return store.folder, run_id


@pytest.fixture
def store(sound, tmp_path) -> Store:
    shutil.copytree(sound[0], tmp_path / "own")
    return Store(tmp_path / "own" / "store.duckdb")


def faults(store: Store) -> list[str]:
    return [one.what for one in checking.check(store) if one.is_fault]


def test_a_sound_store_has_no_faults_and_stays_as_it_is(store):
    content, before = store.path.read_bytes(), set(store.folder.rglob("*"))
    assert checking.check(store) == []
    assert store.path.read_bytes() == content and set(store.folder.rglob("*")) == before


ROWS = {
    "DELETE FROM runs": "1 rows of prediction_sets|rows of epochs point to runs",
    "DELETE FROM predictions WHERE image_id < '00000003'": "2 prediction sets hold another number of films",
    "UPDATE predictions SET scores = scores[:5] WHERE image_id LIKE '00000003%'": "prediction sets have scores of anot",
    "UPDATE predictions SET scores = list_transform(scores, x -> x + 2)": "prediction sets have scores that are no p",
    "UPDATE predictions SET image_id = 'x.png' WHERE image_id LIKE '00000003%'": "films that are not in their data set",
    "DELETE FROM label_sets WHERE image_id LIKE '00000003%'": "2 prediction sets have films without labels",
    "UPDATE threshold_sets SET thresholds = thresholds[:3]": "1 threshold sets do not have a threshold for each",
    "UPDATE threshold_sets SET prediction_id = 'gone'": "1 rows of threshold_sets point to prediction sets",
    "UPDATE metrics SET prediction_id = 'gone'": "rows of metrics point to prediction sets that are not there",
    "DELETE FROM threshold_sets": "rows of metrics point to threshold sets that are not there",
    "UPDATE metrics SET label_set = 'gone'": "measured on a label set that is not there",
    "UPDATE metrics SET value = 7 WHERE metric = 'ap'": "2 metrics are not between 0 and 1",
    "INSERT INTO epochs SELECT * FROM epochs WHERE epoch = 1": "1 names stand twice in epochs",
    "INSERT INTO runs SELECT * FROM runs": "1 names stand twice in runs",
    "INSERT INTO predictions SELECT * FROM predictions WHERE image_id LIKE '00000003%'": "names stand twice in predic",
    "UPDATE predictions SET id_number = 1": "2 prediction sets have rows that are not found by their number",
    "UPDATE datasets SET n_images = 99": "1 data sets hold another number of films",
    "DELETE FROM datasets": "rows of images point to datasets that are not there",
    "UPDATE runs SET status = 'odd'": "1 runs have a kind or status that there is not",
    "UPDATE leaderboard_means SET value = 0.1": "2 prediction sets stand on the leaderboard with other numbers",
    "DELETE FROM leaderboard_means WHERE metric = 'findings'": "stand on the leaderboard with other numbers",
    "DROP TABLE calibrators": "no whole store",
}


@pytest.mark.parametrize("query", ROWS)
def test_a_planted_fault_in_the_rows_is_found(store, query):
    with duckdb.connect(str(store.path)) as con:
        con.execute(query)
    found = checking.check(store)
    assert any(text in one.what for one in found for text in ROWS[query].split("|") if one.is_fault), found
    assert all(one.do for one in found)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _flip(path: Path) -> None:
    """One byte of the stored content, not of the archive's list."""
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)


FILES = {
    "no folder": (lambda root, run: shutil.rmtree(root / run), "its folder"),
    "no checkpoint": (lambda root, run: (root / run / BEST).unlink(), f"has no {BEST}"),
    "cut checkpoint": (lambda root, run: _cut(root / run / BEST), "damaged or cut off"),
    "flipped byte": (lambda root, run: _flip(root / run / BEST), "damaged or cut off"),
    "other checkpoint": (lambda root, run: (root / run / BEST).write_bytes(packed("others")), "not the one that"),
    "folder of no run": (lambda root, run: (root / LOST).mkdir(), "belongs to no run"),
    "half a map": (lambda root, run: (root / "prepared" / "ba9876543210.partial").mkdir(), "not made to their end"),
    "no manifest": (lambda root, run: (root / "prepared/0123456789ab/manifest.json").unlink(), "are damaged"),
    "cut map": (lambda root, run: _cut(root / "prepared/0123456789ab/pixels.npy"), "are damaged"),
    "half a file": (lambda root, run: _old(root / run / "model_best.new.pth"), "half-written"),
    "half a store": (lambda root, run: _old(root / "store.vacuum.duckdb"), "half-written"),
    "no store": (lambda root, run: (root / "store.duckdb").write_bytes(b"nonsense" * 999), "cannot be used"),
    "damaged block": (lambda root, run: _damage(root / "store.duckdb"), "cannot be|checksum"),
}


def _old(path: Path) -> None:
    path.write_bytes(b"half")
    os.utime(path, (1, 1))


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(20_000, len(content), 40_000):
        content[place:place + 64] = b"\xff" * 64
    path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_planted_fault_in_the_files_is_found(sound, store, name):
    damage, says = FILES[name]
    damage(store.folder, sound[1])
    found = faults(store)
    assert any(text in one for one in found for text in says.split("|")), found


def test_what_is_no_fault_is_only_told(sound, store):
    """A run that stopped, a copy from before a new form, another store's run folder, a file that is being written."""
    stopped = seeded_runs.add_run(store, "b", auroc=None, status="running")
    store.run_folder(stopped).mkdir()
    (store.run_folder(stopped) / BEST).write_bytes(packed("b"))
    (store.run_folder(sound[1]) / "model_last.new.pth").write_bytes(b"now")
    (store.folder / "store.before-4.duckdb").write_bytes(store.path.read_bytes())
    other = seeded_runs.make_store(store.folder / "demo.duckdb")
    other.run_folder(seeded_runs.add_run(other, "c", epochs=0)).mkdir()
    found = checking.check(store)
    assert not [one for one in found if one.is_fault] and len(found) == 2
    assert [stopped in one.what for one in found] == [True, False] and "before-4" in found[1].what
    assert f"--resume {stopped}" not in found[0].do  # it has no model_last.pth
    live = seeded_runs.add_run(store, "d", auroc=None, status="running")
    seeded_runs.beat(store, live)
    assert len(checking.check(store)) == 2


def test_an_older_store_is_looked_at_as_it_is(tmp_path):
    path = tmp_path / "runs" / "store.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as con:
        con.execute((Path(__file__).parents[1] / "store_of_form_3.sql").read_text())
    before = path.read_bytes()
    notes = [one.what for one in checking.check(Store(path)) if not one.is_fault]
    assert notes == [f"the store has form 3 of {len(schema.STEPS)}"] and path.read_bytes() == before


def test_no_store_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        checking.check(Store(tmp_path / "none.duckdb"))
