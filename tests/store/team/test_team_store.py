"""A team's store when things go wrong: what was told to be saved is there once, and all else is one line."""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from known_data import known_data
from store_rows import rows_in, rows_of

from cxrcore.errors import StoreBusy, StoreError, StoreReadOnly
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import EpochRecord, Store
from cxrcore.store.backends.session import LARGE
from cxrcore.store.care import team_checks
from cxrcore.store.measurements import METRIC_COLUMNS

psycopg = pytest.importorskip("psycopg", reason="the package psycopg is not installed")

from cxrcore.store.team import address, connections, parts, team_store, transaction  # noqa: E402 - it needs psycopg

K = len(NIH_FINDINGS)
METRICS = 20  # rows of a measurement


@pytest.fixture
def team(postgres, tmp_path):
    yield postgres.store(tmp_path / "shared")
    connections.close_all()


@pytest.fixture
def team_data(team):
    known = known_data()
    team.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                     label_source="csv")
    return known


def epoch(number: int) -> EpochRecord:
    return EpochRecord(number, 0.5, 0.25, 0.7, 0.3, 1e-4, 12.5, 33.0)


def measured(n: int = METRICS, value: float = 0.5) -> pd.DataFrame:
    rows = pd.DataFrame({"finding": [NIH_FINDINGS[i % K] for i in range(n)], "metric": [f"m{i}" for i in range(n)],
                         "set_id": None, "value": value, "low": np.nan, "high": np.nan, "n_positive": 1, "n": 40,
                         "method": "exact"})
    return rows[list(METRIC_COLUMNS)]


def saved(team: Store, run_id: str, data) -> str:
    """A prediction set of all films."""
    return team.save_predictions(run_id, data.dataset_id, "test", data.image_ids, np.full((40, K), 0.5))


def files_of(store: Store) -> tuple[set[str], set[str]]:
    """Parts that rows name, and those that lie in the shared folder."""
    named = {f"{table}/{file}" for table in LARGE for (file,) in _files(store, table)}
    there = {f"{path.parent.name}/{path.name}" for path in (store.folder / parts.FOLDER).rglob("*") if path.is_file()}
    return named, there


def _files(store: Store, table: str) -> list[tuple[str]]:
    return rows_of(store, f"SELECT file AS name FROM {table}")


# -- a connection that is lost


def terminate(postgres) -> None:
    """End every connection of the product, as a restart or a firewall does."""
    postgres.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                 "WHERE application_name = 'cxr-workbench'")


def test_a_connection_lost_between_two_steps_is_not_noticed(postgres, team, team_data):
    run_id = team.create_run({"name": "one"}, team_data.dataset_id)
    with team._write() as con:
        con.execute("INSERT INTO epochs (run_id, epoch) VALUES (?, ?)", [run_id, 1])
        terminate(postgres)
        assert con.execute("SELECT count(*) FROM epochs WHERE run_id = ?", [run_id]).fetchone() == (1,)
        terminate(postgres)
    assert team.epochs([run_id])["epoch"].tolist() == [1]
    with team.reading():
        assert len(team.runs()) == 1
        terminate(postgres)
        assert team.run(run_id)["name"] == "one"


def test_what_others_wrote_while_a_connection_was_lost_is_not_written_over(postgres, team, team_data):
    run_id = team.create_run({"name": "one"}, team_data.dataset_id)
    with pytest.raises(StoreBusy, match="others have written meanwhile: nothing was changed"):
        with team._write() as con:
            assert con.execute("SELECT name FROM runs WHERE run_id = ?", [run_id]).fetchone() == ("one",)
            terminate(postgres)
            team.edit_run(run_id, name="other")
            con.execute("UPDATE runs SET name = 'one more' WHERE run_id = ?", [run_id])
    assert team.run(run_id)["name"] == "other"


@pytest.mark.parametrize("arrived", [True, False], ids=["it arrived", "it did not"])
def test_a_commit_whose_answer_was_lost_is_done_once(team, team_data, monkeypatch, arrived):
    run_id = team.create_run({}, team_data.dataset_id)
    send, lost = transaction.Transaction._send, []

    def send_and_lose(own, con):
        if own.write and not lost:
            lost.append(True)
            if arrived:
                send(own, con)
            own._in_doubt = True
            con.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        send(own, con)

    monkeypatch.setattr(transaction.Transaction, "_send", send_and_lose)
    prediction_id = saved(team, run_id, team_data)
    lost.clear()
    team.save_metrics(prediction_id, measured())
    assert lost and team.prediction_sets(run_id)["prediction_id"].tolist() == [prediction_id]
    assert rows_in(team, "metrics") == METRICS and team.predictions(prediction_id).scores.shape == (40, K)
    named, there = files_of(team)
    assert named == there


def test_a_stopped_server_is_waited_for_and_nothing_is_lost(postgres, team, team_data):
    """Two writers and a reader while the server is gone for two seconds."""
    stop, errors, kept = threading.Event(), [], {}

    def write(run_id: str) -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                team.log_epoch(run_id, epoch(number))
                kept[run_id] = number
        except Exception as error:
            errors.append(error)

    def read() -> None:
        try:
            while not stop.is_set():
                team.runs(), team.change_token()
        except Exception as error:
            errors.append(error)

    runs = [team.create_run({}, team_data.dataset_id) for _ in range(2)]
    threads = [threading.Thread(target=write, args=(one,)) for one in runs] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    postgres.stop()
    time.sleep(2)
    postgres.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    held = team.epochs(runs).groupby("run_id")["epoch"].apply(list).to_dict()
    assert held == {run_id: list(range(1, kept[run_id] + 1)) for run_id in runs}


def test_the_waiting_has_an_end(postgres, team, monkeypatch, caplog):
    monkeypatch.setattr(connections, "WAIT", 0.5)
    assert team.trouble() == "" and team.runs().empty
    postgres.stop()
    try:
        for use in (team.runs, lambda: team.create_run({}, "x"), team.change_token):
            with pytest.raises(StoreBusy, match=r"cannot be reached since \d+ s: nothing .*refused") as error:
                use()
            assert "\n" not in str(error.value)
        assert "cannot be reached" in team.trouble(0.3)
    finally:
        postgres.start()
    assert team.trouble() == "" and not [one for one in caplog.records if one.name.startswith("psycopg")]


# -- programs that are killed


def _write_until_killed(key: str, dataset_id: str, image_ids: list[str], notes: Path) -> None:
    store = Store(key)
    run_id = store.create_run({}, dataset_id)
    number = 0
    with notes.open("a") as told:
        while True:
            number += 1
            store.log_epoch(run_id, epoch(number))
            print(json.dumps(["epoch", run_id, number]), file=told, flush=True)
            scores = np.full((len(image_ids), K), 0.5)
            prediction_id = store.save_predictions(run_id, dataset_id, "test", image_ids, scores)
            print(json.dumps(["set", run_id, prediction_id]), file=told, flush=True)
            store.save_metrics(prediction_id, measured())
            print(json.dumps(["metrics", run_id, prediction_id]), file=told, flush=True)


def storm(postgres, team: Store, data, folder: Path, kills: int, stops: int) -> list[list]:
    """Two writers at a time, each killed at some moment; what they were told is kept.

    Args:
        stops: how many pairs see the server stopped at once, as if it were killed, and started again, before they are.
    """
    folder.mkdir()
    rng, context = np.random.default_rng(0), multiprocessing.get_context("forkserver")
    stopped = set(rng.choice(np.arange(0, kills, 2), stops, replace=False).tolist())
    for place in range(0, kills, 2):
        both = [context.Process(target=_write_until_killed, args=(
            team.key, data.dataset_id, data.image_ids, folder / f"{place + k}.txt")) for k in range(2)]
        for one in both:
            one.start()
        notes = [folder / f"{place + k}.txt" for k in range(2)]
        _wait_until_measured(notes, 1)  # they are at it
        if place in stopped:
            postgres.stop("immediate")
            time.sleep(rng.uniform(0.1, 1.0))
            before = [one.read_text().count('"metrics"') for one in notes]
            postgres.start()
            _wait_until_measured(notes, max(before) + 1)  # they go on
        time.sleep(rng.uniform(0.05, 0.4))
        for one in both:
            os.kill(one.pid, signal.SIGKILL)
            one.join()
    return [json.loads(line) for path in sorted(folder.glob("*.txt"))
            for line in path.read_text().rpartition("\n")[0].splitlines()]


def _wait_until_measured(notes: list[Path], times: int) -> None:
    until = time.time() + 60
    while not all(one.exists() and one.read_text().count('"metrics"') >= times for one in notes):
        assert time.time() < until, "a writer does not get on"
        time.sleep(0.02)


@pytest.mark.parametrize("kills, stops", [(2, 0), pytest.param(30, 5, marks=pytest.mark.long)])
def test_killed_writers_leave_whole_sets_and_lose_nothing_that_was_told(postgres, team, team_data, tmp_path, kills,
                                                                        stops):
    told = storm(postgres, team, team_data, tmp_path / "notes", kills, stops)
    assert {kind for kind, *_ in told} == {"epoch", "set", "metrics"}
    runs = {run_id for _, run_id, _ in told}
    assert len(runs) == kills
    epochs = [(row.run_id, row.epoch) for row in team.epochs(sorted(runs)).itertuples()]
    assert len(epochs) == len(set(epochs))
    assert {(run_id, number) for kind, run_id, number in told if kind == "epoch"} <= set(epochs)
    sets = team.prediction_sets()["prediction_id"].tolist()
    assert len(sets) == len(set(sets)) and {one for kind, _, one in told if kind == "set"} <= set(sets)
    for one in sets:  # each has its file
        assert len(team.predictions(one).scores) == 40
    counted = dict(rows_of(team, "SELECT prediction_id, count(*) FROM metrics GROUP BY prediction_id ORDER BY 1"))
    assert {one for kind, _, one in told if kind == "metrics"} <= counted.keys() and set(counted.values()) == {METRICS}
    named, there = files_of(team)
    assert named <= there
    assert all(pq.read_metadata(team.folder / parts.FOLDER / one).num_rows == 40 for one in there - named
               if ".new" not in one)
    assert left_over(team) == there - named
    print(f"\n{kills} writers killed, the server stopped {stops} times: {len(told)} acknowledged writes, each there "
          f"once; {len(there - named)} files of writers that were killed in between, all told by check")


def left_over(team: Store) -> set[str]:
    """The files that `check` says belong to nothing, a day later."""
    for path in (team.folder / parts.FOLDER).rglob("*.*"):
        os.utime(path, (time.time() - 2 * team_checks.AGE,) * 2)
    said = [one.what for one in team_checks.troubles(team) if "belongs to nothing" in one.what]
    return {"/".join(Path(what.split(" belongs to nothing")[0]).parts[-2:]) for what in said}


def _killed_before_its_commit(key: str, dataset_id: str, image_ids: list[str]) -> None:
    """Ends as by kill -9 when the file of scores is there and no row names it."""
    team_store.TeamSession.commit = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    store = Store(key)
    store.save_predictions(store.runs()["run_id"].iloc[0], dataset_id, "test", image_ids, np.full((len(image_ids), K),
                                                                                                  0.5))


def test_what_a_writer_left_that_was_killed_before_its_commit_is_told_by_check(team, team_data):
    team.create_run({}, team_data.dataset_id)
    connections.close_all()
    one = multiprocessing.get_context("forkserver").Process(target=_killed_before_its_commit, args=(
        team.key, team_data.dataset_id, team_data.image_ids))
    one.start()
    one.join(60)
    assert one.exitcode == -signal.SIGKILL and team.prediction_sets().empty
    named, there = files_of(team)
    (left,) = there - named
    assert left.startswith("predictions/") and left_over(team) == {left}


def test_two_writers_of_one_run_write_each_epoch_once(team, team_data):
    run_id = team.create_run({}, team_data.dataset_id)
    threads = [threading.Thread(target=lambda: [team.log_epoch(run_id, epoch(number)) for number in range(1, 16)])
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert team.epochs([run_id])["epoch"].tolist() == list(range(1, 16))


def test_what_was_not_committed_leaves_no_file(team, team_data):
    before = files_of(team)
    run_id = team.create_run({}, team_data.dataset_id)
    with pytest.raises(ZeroDivisionError), team._write() as con:
        con.insert("predictions", pq.read_table(next((team.folder / parts.FOLDER / "images").iterdir())).select(
            ["image_id"]), prediction_id="p")
        assert files_of(team)[1] > before[1]
        1 / 0  # noqa: B018
    assert files_of(team) == before
    prediction_id = saved(team, run_id, team_data)
    assert team.predictions(prediction_id).scores.shape == (40, K)
    team.delete_run(run_id)
    assert files_of(team) == before


# -- what cannot be used


@pytest.mark.parametrize("url", [
    "postgresql://me:hunter2@host/db?films=/x", "postgresql://me@host/db?films=/x&password=hunter2",
    "postgresql://host/db", "postgresql://host/db?films=relative", "postgresql://host/?films=/x",
    "postgresql://host:port/db?films=/x", "postgresql://host/db?films=/x&films=/y", "postgresql:/host/db?films=/x"])
def test_an_address_that_is_none_is_one_line_without_what_it_holds(url):
    with pytest.raises(StoreError, match="the address of the team's store") as error:
        Store(url)
    assert "hunter2" not in str(error.value) and "\n" not in str(error.value)


def test_an_address_names_one_store():
    one = address.parsed("postgresql://me@host:5433/results?sslmode=require&films=/shared/films%20of%20us/")
    assert one.films == Path("/shared/films of us") and one.title == "results on host"
    assert one.database == "postgresql://me@host:5433/results?sslmode=require"
    assert address.parsed(one.key) == one and address.is_one(one.key) and not address.is_one("runs/store.duckdb")


def _guarded(postgres, team):
    postgres.sql("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'hunter2'")
    rules = postgres.folder / "data" / "pg_hba.conf"
    rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    postgres.sql("SELECT pg_reload_conf()")
    os.environ["PGPASSWORD"] = "hunter3"
    return team.key.replace("//postgres@", "//guarded@")


def _newer(postgres, team):
    with team._write() as con:
        con.execute("INSERT INTO schema_version (version) VALUES (99)")
    return team.key


def _not_made(postgres, team):
    postgres.sql("CREATE SCHEMA IF NOT EXISTS empty")
    return postgres.address("empty", team.folder)


def _elsewhere(postgres, team):
    return team.key.replace("/shared", "/not_mounted")


def _another_folder(postgres, team):
    other = team.folder.with_name("other")
    other.mkdir()
    (other / team_store.MARK).write_text('{"store": "another"}')
    return team.key.replace("/shared", "/other")


BAD = {
    "wrong password": (_guarded, "password authentication failed for user .guarded."),
    "no such database": (lambda _, team: team.key.replace("/postgres?", "/nothing?"), "database .nothing. does not"),
    "no such server name": (lambda _, team: team.key.replace("127.0.0.1", "nowhere.invalid"), "cannot be reached"),
    "no tables": (_not_made, r"has no tables of the workbench that you may see: python scripts/store\.py init"),
    "a newer schema": (_newer, "has schema 99, this version knows 2: update the workbench"),
    "no folder": (_elsewhere, "not_mounted of the team's store .* is not there, or not mounted"),
    "another's folder": (_another_folder, "belongs to another store"),
    "an unknown setting": (lambda _, team: team.key + "&colour=red", "invalid URI query parameter"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_one_line_and_changes_nothing(postgres, team, monkeypatch, kind):
    monkeypatch.setattr(connections, "WAIT", 0.5)
    monkeypatch.setenv("PGPASSWORD", "")
    make, says = BAD[kind]
    key = make(postgres, team)
    monkeypatch.setattr(team_store, "_known", set())
    for use in (lambda: Store(key).runs(), lambda: Store(key).create_run({}, "x")):
        with pytest.raises(StoreError, match=says) as error:
            use()
        assert "\n" not in str(error.value) and "hunter" not in str(error.value)
    if kind == "wrong password":
        monkeypatch.setenv("PGPASSWORD", "hunter2")
        with pytest.raises(StoreError, match="that you may see"):  # let in, but without rights
            Store(key).runs()


def test_who_may_only_read_reads_and_changes_nothing(postgres, team, team_data):
    run_id = team.create_run({"name": "shown"}, team_data.dataset_id)
    schema = team.key.partition("search_path%3D")[2].partition("&")[0]
    postgres.sql("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN",
                 f"GRANT USAGE ON SCHEMA {schema} TO reader",
                 f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
    theirs = Store(team.key.replace("//postgres@", "//reader@"))
    assert theirs.run(run_id)["name"] == "shown" and len(theirs.images(team_data.dataset_id)) == 40
    with pytest.raises(StoreReadOnly, match=r"you may read .* but not change it: nothing was changed"):
        theirs.edit_run(run_id, name="mine")
    assert theirs.run(run_id)["name"] == "shown"
    connections.close_all()
    postgres.sql("DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.parametrize("harm, says", [
    (lambda path: path.unlink(), "is missing: is the shared folder mounted"),
    (lambda path: path.write_bytes(path.read_bytes()[:500]), "is damaged"),
    (lambda path: path.write_bytes(b""), "is damaged"),
], ids=["gone", "cut off", "empty"])
def test_a_part_that_is_not_whole_is_one_line(team, team_data, harm, says):
    run_id = team.create_run({}, team_data.dataset_id)
    prediction_id = saved(team, run_id, team_data)
    (path,) = (team.folder / parts.FOLDER / "predictions").iterdir()
    harm(path)
    with pytest.raises(StoreError, match=says) as error:
        team.predictions(prediction_id)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    assert len(team.runs()) == 1


def test_a_name_that_leads_out_of_the_folder_is_refused(team, team_data):
    with team._write() as con:
        con.execute("UPDATE images SET file = '../../../etc/passwd'")
    with pytest.raises(Exception, match="is no file name that this workbench makes"):
        team.images(team_data.dataset_id)


def test_the_store_is_found_without_the_package_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "cxrcore.store.team.team_store", raising=False)
    for name in [name for name in sys.modules if name.startswith("cxrcore.store.team.")]:
        if name != "cxrcore.store.team.address":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(StoreError, match="needs the package psycopg: pip install"):
        Store("postgresql://host/db?films=/x")
