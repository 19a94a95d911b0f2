"""A lease on a run of a team: one holder at a time, by the database's clock, whatever a machine's own clock says."""

import os
import subprocess
import sys
import threading
import time

import pytest
from known_data import known_data

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import BeingTrained, RunError
from cxrcore.store import Store, claims, progress, waiting

pytest.importorskip("psycopg", reason="the package psycopg is not installed")

from cxrcore.store.team import connections, leases


@pytest.fixture
def team(postgres, tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.05)
    yield postgres.store(tmp_path / "shared")
    connections.close_all()


@pytest.fixture
def run(team) -> str:
    known = known_data()
    team.add_dataset(known.dataset_id, known.images, known.labels, known.findings, name="tiny", kind="nih",
                     label_source="csv")
    return team.create_run({}, known.dataset_id)


def set_back(team: Store, seconds: float) -> None:
    """As if nothing had been heard for so long."""
    with team._write() as con:
        con.execute("UPDATE leases SET heard = heard - make_interval(secs => ?)", [seconds])


def as_elsewhere(team: Store) -> None:
    """As if another machine held them."""
    with team._write() as con:
        con.execute("UPDATE leases SET holder = 'x' || holder, who = 'process 7 on elsewhere'")


def status(team: Store, run_id: str) -> str:
    return progress.effective_status("running", progress.of_run(team, run_id))


def test_two_never_train_one_run(team, run):
    assert status(team, run) == "interrupted"
    with claims.run_of_own(team, run) as own:
        assert status(team, run) == "running" and not own.is_lost
        with pytest.raises(BeingTrained, match=f"under way already, by process {os.getpid()} on "):
            with claims.run_of_own(Store(team.key), run):
                pass
        with claims.run_of_own(team, "another"):
            own.require()
    assert status(team, run) == "interrupted"
    with claims.run_of_own(team, run):
        pass


def test_of_many_at_once_one_gets_it(team, run):
    got, refused, everybody = [], [], threading.Barrier(6)

    def begin() -> None:
        everybody.wait()
        try:
            with claims.run_of_own(team, run):
                got.append(1)
                time.sleep(0.5)
        except BeingTrained:
            refused.append(1)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 5)


def test_a_clock_that_is_wrong_marks_nothing_as_interrupted(team, run, monkeypatch):
    with claims.run_of_own(team, run), progress.Progress(team.run_folder(run)):
        now = time.time
        for hours in (-30, 30):
            monkeypatch.setattr(time, "time", lambda hours=hours: now() + hours * 3600)
            assert status(team, run) == "running"
    assert status(team, run) == "interrupted"


def test_a_holder_that_was_silent_too_long_finds_that_it_was_taken_over(team, run, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 1000)  # it sleeps
    with claims.run_of_own(team, run) as first:
        set_back(team, 50)
        with pytest.raises(BeingTrained):
            with claims.run_of_own(team, run):
                pass
        set_back(team, 20)
        with claims.run_of_own(team, run) as second:
            first.require()
            first.refresh()  # it wakes
            with pytest.raises(RunError, match=r"taken over by process .*nothing more is written here"):
                first.require()
            second.require()
            assert status(team, run) == "running"


def test_what_another_machine_held_is_free_when_it_is_stale(team, run, monkeypatch):
    lease = leases.Lease(team.backend.address, progress.lease_of(run))
    monkeypatch.setattr(leases, "BEAT", 1000)
    with claims.run_of_own(team, run):
        as_elsewhere(team)
        with pytest.raises(BeingTrained, match="by process 7 on elsewhere"):
            lease.take()
        set_back(team, 61)
        lease.take()
    lease.require()
    lease.give_back()


def test_what_a_killed_process_of_this_machine_held_is_free_at_once(team, run):
    code = ("import sys, time; from cxrcore.store import Store, claims\n"
            "with claims.run_of_own(Store(sys.argv[1]), sys.argv[2]):\n    print('held', flush=True); time.sleep(600)")
    process = subprocess.Popen([sys.executable, "-c", code, team.key, run], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), *sys.path])})
    assert process.stdout.readline() == "held\n" and status(team, run) == "running"
    process.kill()
    process.communicate()
    assert status(team, run) == "interrupted"
    with claims.run_of_own(team, run):
        pass


def test_a_beat_is_no_change_of_the_store(team, run):
    token = team.change_token()
    with claims.run_of_own(team, run):
        time.sleep(0.3)
    assert team.change_token() == token


def test_results_that_wait_are_handed_in_by_one_machine_at_a_time(team, run, monkeypatch):
    monkeypatch.setattr(waiting, "_POLL", 0.05)
    with waiting.held(team, run) as mine, claims.run_of_own(team, run):  # its own training goes on
        assert mine and not list(team.folder.rglob("*.lock"))
        as_elsewhere(team)
        with waiting.held(Store(team.key), run) as theirs:
            assert not theirs
        with waiting.held(Store(team.key), "another") as theirs:
            assert theirs
        began = time.monotonic()
        with waiting.held(Store(team.key), run, 0.3) as theirs:
            assert not theirs and time.monotonic() - began >= 0.3
        set_back(team, 61)  # that machine is gone
        with waiting.held(Store(team.key), run) as theirs:
            assert theirs
    with waiting.held(team, run) as mine:
        assert mine
