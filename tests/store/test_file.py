"""The store's file: what cannot be one, one opening a read, and its form brought up to date without losing the old."""

import logging
import os
import re
import runpy
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import duckdb
import fork_server
import pandas as pd
import pytest

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import DiskFullError, StoreBusy, StoreError
from cxrcore.store import Store, file, safety_copy, schema, turns
from cxrcore.store.measurements import LOCALIZATION_COLUMNS

pytestmark = pytest.mark.embedded
context = fork_server.context("cxrcore.store.store")

BUSY = 7
OLD = 2  # the schema version of old_store.sql
RUN = "20260101-090000-000001"  # its run


def make_old(path: Path) -> Path:
    """A store as an earlier version of the workbench left it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute((Path(__file__).parent / "old_store.sql").read_text())
    return path


def form_of(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute("SELECT max(version) FROM schema_version").fetchone()[0]


def in_time(work, seconds: float = 20):
    """What `work` returned or raised; a call that hangs fails the test instead of holding it up."""
    ended = []

    def noted():
        try:
            ended.append(work())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=noted, daemon=True)
    thread.start()
    thread.join(seconds)
    assert ended, "still waiting"
    return ended[0]


@pytest.fixture
def pages():
    """`opened_pages`, which the processes that this module starts do not need."""
    import opened_pages

    return opened_pages


# -- what is no store


def _socket(path):
    with socket.socket(socket.AF_UNIX) as own:
        os.chdir(path.parent)  # the names of sockets are short
        own.bind(path.name)


def _sqlite(path):
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE runs (run_id TEXT)")
    con.commit()
    con.close()


def _no_version(path):
    make_old(path)
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM schema_version")


def _foreign_version(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE schema_version AS SELECT 'V1__begin' AS script")


def _text_version(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE schema_version AS SELECT 'one' AS version")


def _other_tables(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE schema_version AS SELECT 2 AS version, now() AS applied_at; "
                    "CREATE TABLE runs AS SELECT 'r1' AS run_id")


def _lost_table(path):
    make_old(path)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP TABLE epochs")


def _beside(suffix, make):
    def both(path):
        make_old(path)
        make(path.with_name(path.name + suffix))
    return both


NO_STORES = {
    "pipe": (os.mkfifo, "a named pipe"),
    "folder": (os.mkdir, "a folder"),
    "socket": (_socket, "a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "loop": (lambda path: path.symlink_to(path), "a link"),
    "SQLite": (_sqlite, "an SQLite database"),
    "text": (lambda path: path.write_text("results\n" * 999), "not a valid DuckDB"),
    "empty": (lambda path: path.touch(), "an empty file"),
    "version without rows": (_no_version, "no store of this workbench"),
    "somebody's version": (_foreign_version, "no store of this workbench"),
    "version of text": (_text_version, "no store of this workbench"),
    "other tables": (_other_tables, "no whole store.*boxes has no column"),
    "a lost table": (_lost_table, "no whole store.*epochs has no column epoch"),
    "pipe as gate": (_beside(".gate", os.mkfifo), r"store\.duckdb\.gate beside it is a named pipe"),
    "folder as gate": (_beside(".gate", os.mkdir), r"gate beside it is a folder"),
    "link as gate": (_beside(".gate", lambda path: path.symlink_to(path.with_name("precious"))), "gate .*is a link"),
    "pipe as holder": (_beside(".holder", os.mkfifo), r"holder beside it is a named pipe"),
    "folder as wal": (_beside(".wal", os.mkdir), r"wal beside it is a folder"),
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Where the default store lies; the working directory is put back."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs" / "store.duckdb"


@pytest.mark.parametrize("kind", NO_STORES)
def test_what_is_no_store_is_refused_in_one_line_at_once(path, kind):
    make, says = NO_STORES[kind]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for use in (lambda: Store(path).runs(), lambda: Store(path).create_run({}, "d1")):
        error = in_time(use)
        assert type(error) is StoreError and re.search(says, str(error)), error
        assert "\n" not in str(error) and len(str(error)) < 600
    assert before is None or path.read_bytes() == before
    assert not path.with_name("precious").exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".duckdb", "x" * 250, "a/" * 3000 + "s.duckdb", "text/store.duckdb",
                                  "nul\0.duckdb", "~nobody-here/s.duckdb", "caf\udce9.duckdb"],
                         ids=["long", "long for its gate", "deep", "below a file", "zero byte", "no home", "no UTF-8"])
def test_a_name_that_no_store_can_have_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "text").write_text("a file")
    url = name if name.startswith("~") else f"{tmp_path}/{name}"
    for use in (lambda: Store(url).runs(), lambda: Store(url).create_run({}, "d1")):
        error = in_time(use)
        assert isinstance(error, StoreError) and "\n" not in str(error) and len(str(error)) < 400, error
    assert [found.name for found in tmp_path.iterdir()] == ["text"]


def test_a_script_says_it_in_one_line_and_ends(path, monkeypatch, capsys):
    os.mkfifo(path)
    monkeypatch.setattr(sys, "argv", ["export.py", "--store", str(path)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(PROJECT_ROOT / "scripts" / "export.py"), run_name="__main__")
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err == (f"error: the store {path} cannot be used: it is a named pipe (--store or CXR_STORE "
                                 "names another)\n")


@pytest.mark.parametrize("kind", ["pipe", "SQLite", "long"])
def test_a_page_says_it_in_one_line(path, kind, monkeypatch, pages):
    if kind == "long":
        monkeypatch.setenv("CXR_STORE", str(path.with_name("x" * 300)))
    else:
        NO_STORES[kind][0](path)
    said = [error.value for error in pages.open_page("runs").error]
    assert len(said) == 1 and "cannot be used" in said[0] and "\n" not in said[0]


def test_a_store_in_memory_or_at_home_is_a_file_like_any_other(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    Store("~/mine.duckdb").create_run({}, "d1")
    Store(":memory:").create_run({}, "d1")
    assert (path.parent / "mine.duckdb").is_file() and Path(":memory:").is_file()
    assert len(Store(":memory:").runs()) == len(Store(path.parent / "mine.duckdb").runs()) == 1


def test_films_are_prepared_where_the_link_of_a_store_leads(path, tiny_nih, monkeypatch):
    path.symlink_to(path.parent / "home" / "real.duckdb")
    monkeypatch.setattr(sys, "argv", ["prepare.py", "--store", str(path), "--img_size", "32", "--csv_path",
                                      str(tiny_nih / "Data_Entry_2017.csv"), "--img_root", str(tiny_nih)])
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(PROJECT_ROOT / "scripts" / "prepare.py"), run_name="__main__")
    assert not end.value.code
    assert (path.parent / "home" / "prepared").is_dir() and not (path.parent / "prepared").exists()


def test_a_link_leads_to_one_store_with_one_gate(path):
    home = path.parent / "home" / "real.duckdb"
    path.symlink_to(home)  # leads nowhere yet
    Store(path).create_run({}, "d1")
    assert len(Store(home).runs()) == len(Store(path).runs()) == 1
    assert {found.name for found in home.parent.iterdir()} == {"real.duckdb", "real.duckdb.gate", "real.duckdb.holder"}
    assert [found.name for found in path.parent.iterdir() if found.is_file()] == [path.name]
    assert Store(path).run_folder(RUN) == Store(home).run_folder(RUN)
    with turns.turn(home, write=True), pytest.raises(StoreError, match="another part of this program"):
        with turns.turn(path, write=True, wait=0.05):
            pass
    token = Store(path).change_token()
    Store(home).create_run({}, "d1")
    assert Store(path).change_token() != token


def test_what_stands_in_a_store_fetches_no_code_and_reads_no_other_file(path, tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    make_old(path)
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE VIEW stolen AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    for query in ("SELECT * FROM stolen", "SELECT * FROM 'secret.csv'", "LOAD httpfs", "INSTALL httpfs",
                  f"COPY runs TO '{tmp_path}/out.csv'", f"ATTACH '{tmp_path}/other.duckdb'"):
        with pytest.raises((StoreError, duckdb.Error)), turns.connection(path, write=True) as con:
            con.execute(query)
        with pytest.raises(duckdb.Error), turns.in_memory() as con:
            con.execute(query)
    for name in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
        for opened in (turns.in_memory(), turns.connection(path, write=False)):
            with opened as con:
                assert con.execute(f"SELECT current_setting('{name}')").fetchone() == (False,)


# -- one opening a read


@pytest.fixture
def openings(monkeypatch) -> list[bool]:
    """Whether each opening of a file was for reading only."""
    seen, connect = [], duckdb.connect

    def counted(database=":memory:", read_only=False, **more):
        if database != ":memory:":
            seen.append(read_only)
        return connect(database, read_only=read_only, **more)

    monkeypatch.setattr(turns.duckdb, "connect", counted)
    return seen


def test_every_read_and_every_write_opens_the_file_once(store, data, run_id, openings):
    file._known.clear()  # as in a new process
    for use in (lambda: Store(store.path).runs(), lambda: Store(store.path).leaderboard(),
                lambda: Store(store.path).images(data.dataset_id), lambda: Store(store.path).edit_run(run_id, note="x"),
                lambda: Store(store.path).run(run_id)):
        openings.clear()
        use()
        assert len(openings) == 1
    openings.clear()
    threads = [threading.Thread(target=lambda: Store(store.path).runs()) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert openings == [True] * 6


def test_the_tables_are_looked_at_once_a_process_and_file(store, run_id, monkeypatch):
    file._known.clear()
    looked, check = [], schema.check
    monkeypatch.setattr(schema, "check", lambda con, applied: looked.append(applied) or check(con, applied))
    for number in range(3):
        Store(store.path).edit_run(run_id, note=str(number))
        Store(store.path).runs()
    assert looked == [len(schema.STEPS)]


@pytest.mark.parametrize("replace", [shutil.copyfile, os.replace], ids=["copied over", "renamed over"])
def test_another_file_in_its_place_is_looked_at_anew(store, run_id, tmp_path, replace):
    """As when somebody brings back the copy from before, or puts something else there."""
    assert len(store.runs()) == 1
    replace(make_old(tmp_path / "old.duckdb"), store.path)
    assert store.runs()["run_id"].tolist() == [RUN] and form_of(store.path) == len(schema.STEPS)
    other = tmp_path / "other.duckdb"
    _other_tables(other)
    replace(other, store.path)
    with pytest.raises(StoreError, match="no whole store"):
        store.runs()


# -- an older form


def rows_of(path: Path) -> dict[str, list]:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name} ORDER BY ALL").fetchall()
                for name in tables}


def test_an_old_store_opens_with_all_that_it_held(path, caplog):
    make_old(path)
    before = rows_of(path)
    store = Store(path)
    with caplog.at_level(logging.INFO, "cxrcore.store.file"):
        assert store.run(RUN)["note"] == "kept"
    copy = path.with_name("store.before-2.duckdb")
    assert [record.getMessage() for record in caplog.records] == [
        f"the store {path} was brought from form {OLD} to {len(schema.STEPS)}; as it was before it lies in {copy}, "
        "which may be deleted once all is well"]
    assert form_of(path) == len(schema.STEPS) and form_of(copy) == OLD and rows_of(copy) == before
    assert store.images("d1")["image_id"].tolist() == ["a.png", "b.png"]
    found = store.predictions("p1")
    assert found.scores[0, 0] == 0.25 and found.labels[:, 0].tolist() == [1, 0] and found.patient_ids[0] == "1"
    assert store.metrics(["p1"])[["metric", "value"]].values.tolist() == [["auroc", 0.75], ["f1", 0.4]]
    assert store.leaderboard()[["auroc", "f1"]].values.tolist() == [[0.75, 0.4]]
    assert store.localization(["p1"])[["hit", "iou"]].values.tolist() == [[False, 0.1]]
    store.save_localization("p1", pd.DataFrame([("gradcam", "a.png", "Mass", True, 0.9, 0.9, 0.9)],
                                               columns=LOCALIZATION_COLUMNS))
    assert store.localization(["p1"])["iou"].tolist() == [0.9]
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT metric, value FROM latest_metrics ORDER BY ALL").fetchall() == [
            ("auroc", 0.75), ("f1", 0.4)]
    kept = {table: [row[:len(before[table][0])] for row in rows] for table, rows in rows_of(copy).items()}
    assert kept == before


def test_only_the_last_copy_is_kept_and_other_files_stay(path):
    make_old(path)
    for name in ("store.before-1.duckdb", "other.before-1.duckdb", "store.before-x.duckdb",
                 "store.before-2.duckdb.new"):
        path.with_name(name).write_text("before")
    assert Store(path).copy_before() == path.with_name("store.before-2.duckdb")
    names = {found.name for found in path.parent.iterdir()}
    assert names >= {"store.before-2.duckdb", "other.before-1.duckdb", "store.before-x.duckdb"}
    assert not names & {"store.before-1.duckdb", "store.before-2.duckdb.new"}


def test_a_new_store_and_one_that_is_up_to_date_are_not_copied(store, run_id):
    store.edit_run(run_id, note="x")
    assert store.copy_before() is None and not list(store.path.parent.glob("*.before-*"))


def _last_words(path):
    con = duckdb.connect(str(path))
    con.execute("SET wal_autocheckpoint = '1TB'")
    con.execute("UPDATE runs SET note = 'last words'")
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_writer_left_in_the_wal_is_in_the_copy(path):
    make_old(path)
    killed = context.Process(target=_last_words, args=(path,))
    killed.start()
    killed.join()
    assert path.with_name("store.duckdb.wal").stat().st_size
    assert Store(path).run(RUN)["note"] == "last words"
    with duckdb.connect(str(path.with_name("store.before-2.duckdb")), read_only=True) as con:
        assert con.execute("SELECT note FROM runs").fetchall() == [("last words",)]


def test_a_step_that_fails_leaves_the_old_store_to_old_and_new_versions(path, monkeypatch):
    make_old(path)
    before = rows_of(path)
    with monkeypatch.context() as broken:
        def half(con):
            con.execute("DELETE FROM runs; ALTER TABLE epochs ADD COLUMN half INTEGER; SELECT error('no')")

        broken.setattr(schema, "STEPS", (*schema.STEPS[:OLD], half))
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be brought from form 2 to 3, and is as it was"):
                Store(path).runs()
        assert rows_of(path) == before and form_of(path) == OLD
    with monkeypatch.context() as older:
        older.setattr(schema, "STEPS", schema.STEPS[:OLD])
        assert Store(path).runs()["run_id"].tolist() == [RUN]
    assert Store(path).leaderboard()["auroc"].tolist() == [0.75]


def _killed_in_the_step(path):
    def step(con):
        last(con)
        con.execute("INSERT INTO epochs SELECT 'x', i, 0, 0, 0, 0, 0, 0, 0 FROM range(300000) r(i)")
        os.kill(os.getpid(), signal.SIGKILL)

    last = schema.STEPS[-1]
    schema.STEPS = (*schema.STEPS[:-1], step)
    Store(path).runs()


def _killed_in_the_copy(path):
    safety_copy._PIECE, kept = 4096, safety_copy._write
    safety_copy._write = lambda store, partial, check: kept(
        store, partial, lambda: os.kill(os.getpid(), signal.SIGKILL))
    Store(path).runs()


@pytest.mark.parametrize("where", [_killed_in_the_step, _killed_in_the_copy])
def test_a_process_killed_on_the_way_leaves_the_old_store(path, where):
    make_old(path)
    before = rows_of(path)
    process = context.Process(target=where, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    shutil.copytree(path.parent, path.parent / "as_left")  # for the version that it came from
    with duckdb.connect(str(path.parent / "as_left" / path.name)) as con:
        assert con.execute("SELECT max(version) FROM schema_version").fetchone()[0] == OLD
    assert rows_of(path.parent / "as_left" / path.name) == before
    copy = path.with_name("store.before-2.duckdb")
    assert copy.exists() == (where is _killed_in_the_step)
    assert Store(path).leaderboard()["auroc"].tolist() == [0.75] and form_of(path) == len(schema.STEPS)
    assert rows_of(copy) == before and not list(path.parent.glob("*.new"))


def _write_something(path):
    try:
        with turns.connection(path, write=True, wait=0.2):
            os._exit(0)
    except StoreBusy:
        os._exit(BUSY)


def test_no_connection_is_open_while_it_is_copied_and_no_other_process_writes(path, monkeypatch):
    make_old(path)
    opened, connect, write = [], duckdb.connect, safety_copy._write

    def noted(*args, **more):
        opened.append(connect(*args, **more))
        return opened[-1]

    def looked(store, partial, check):
        for con in opened:
            with pytest.raises(duckdb.ConnectionException):
                con.execute("SELECT 1")
        other = context.Process(target=_write_something, args=(store,))
        other.start()
        other.join(60)
        ended.append(other.exitcode)
        write(store, partial, check)

    ended = []
    monkeypatch.setattr(turns.duckdb, "connect", noted)
    monkeypatch.setattr(safety_copy, "_write", looked)
    Store(path).runs()
    assert ended == [BUSY] and len(opened) > 2


def test_no_room_for_the_copy_is_one_line_and_changes_nothing(small_disk, monkeypatch):
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    path = make_old(small_disk / "store.duckdb")
    subprocess.run(["mount", "-o", f"remount,size={path.stat().st_size + 100_000}", str(small_disk)], check=True)
    before = path.read_bytes()
    with pytest.raises(DiskFullError, match=r"no room to copy the store .* nothing was changed"):
        Store(path).runs()
    monkeypatch.setattr(safety_copy.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))  # taken meanwhile
    with pytest.raises(DiskFullError, match=r"no room to copy the store .* nothing was changed"):
        Store(path).runs()
    assert path.read_bytes() == before and not list(small_disk.glob("*before*"))


def test_an_old_store_on_a_read_only_disk_is_read_and_stays_as_it_is(small_disk):
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    path = make_old(small_disk / "store.duckdb")
    killed = context.Process(target=_last_words, args=(path,))
    killed.start()
    killed.join()
    before = path.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert Store(path).run(RUN)["note"] == "last words"
    assert Store(path).localization(["p1"])["iou"].tolist() == [0.1]
    with pytest.raises(StoreError):
        Store(path).edit_run(RUN, note="x")
    assert path.read_bytes() == before and form_of(path) == OLD


def test_the_page_that_a_session_begins_with_names_the_copy_once(path, pages):
    make_old(path)
    app = pages.open_page("runs")
    said = [info.value for info in app.info if "before" in info.value]
    assert len(said) == 1 and "store.before-2.duckdb" in said[0]
    app.switch_page("pages/curves.py").run()
    assert "before-2" not in pages.text_of(app)
    path.with_name("store.before-2.duckdb").unlink()
    assert "before-2" not in pages.text_of(pages.open_page("runs"))


def test_a_script_prints_where_the_copy_is(path, tmp_path, monkeypatch, capsys):
    make_old(path)
    monkeypatch.setattr(sys, "argv", ["export.py", "--store", str(path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(PROJECT_ROOT / "scripts" / "export.py"), run_name="__main__")
    assert not end.value.code and (tmp_path / "out" / RUN / "run.json").exists()
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1 and str(path.with_name("store.before-2.duckdb")) in notes[0]
