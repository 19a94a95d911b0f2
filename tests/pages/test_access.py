"""A server for others: read-only, behind a login, open to everybody; and what is written down when something fails."""

import json
import logging

import duckdb
import numpy as np
import pytest
import seeded_runs
from opened_pages import open_page as opened
from opened_pages import text_of
from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT, default_store, is_read_only
from cxrcore.data.files import json_log
from cxrcore.errors import StoreReadOnly
from cxrcore.findings import NIH_FINDINGS
from cxrcore.queries import from_store
from cxrcore.store import EpochRecord, Store
from cxrcore.store.care import restore, vacuum
from cxrcore.ui import access, shell
from cxrcore.ui.frame import log, served


@pytest.fixture
def store() -> Store:
    store = seeded_runs.make_store(default_store())
    seeded_runs.add_run(store, "a")
    return store


@pytest.fixture
def read_only(store, monkeypatch) -> Store:
    monkeypatch.setenv("CXR_READ_ONLY", "1")
    return store


def entries() -> list[dict]:
    """The lines of this test's log."""
    path = json_log.default_path()
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def labels_of(app: AppTest) -> set[str]:
    return {one.label for one in app.button}


# -- read-only


@pytest.mark.parametrize(("said", "means"), [("1", True), ("yes", True), ("", False), ("0", False), ("False", False)])
def test_the_switch_is_read_as_people_write_it(monkeypatch, said, means):
    monkeypatch.setenv("CXR_READ_ONLY", said)
    assert is_read_only() is means


def test_every_method_that_writes_refuses_in_the_store_itself(read_only, tmp_path):
    """Not only where a button is hidden."""
    [run_id] = read_only.runs()["run_id"]
    [prediction_id, _] = read_only.prediction_sets()["prediction_id"]
    content = read_only.path.read_bytes()
    films = read_only.images(seeded_runs.DATASET)
    record = EpochRecord(9, 0.3, 0.2, 0.7, 0.3, 1e-4, 1, 1)
    for write in (
            lambda: read_only.edit_run(run_id, name="x"), lambda: read_only.edit_run(run_id, archived=True),
            lambda: read_only.delete_run(run_id), lambda: read_only.create_run({}, seeded_runs.DATASET),
            lambda: read_only.log_epoch(run_id, record), lambda: read_only.finish_run(run_id, "failed"),
            lambda: read_only.save_predictions(run_id, seeded_runs.DATASET, "test", seeded_runs.film_ids(1),
                                               np.full((1, 14), 0.5)),
            lambda: read_only.save_threshold_set(prediction_id, "x", "max_f1", np.full(14, 0.5)),
            lambda: read_only.save_calibrator(prediction_id, "platt", {}),
            lambda: read_only.add_dataset("new", films, np.zeros((12, 5)), NIH_FINDINGS[:5], name="", kind="nih",
                                          label_source=""),
            lambda: read_only.delete_label_set(seeded_runs.DATASET, "x"),
            lambda: vacuum.vacuum(read_only), lambda: restore.restore(read_only, tmp_path, replace=True)):
        with pytest.raises(StoreReadOnly, match="nothing was changed"):
            write()
    assert read_only.path.read_bytes() == content and read_only.runs()["name"].tolist() == ["a"]


def test_pages_say_it_once_and_have_no_button_that_would_fail(read_only):
    app = opened("runs")
    assert text_of(app).count(access.READ_ONLY) == 1
    assert not labels_of(app) & {"Save", "Archive", "Delete", "Bring back"}
    app.switch_page("pages/compare.py").run()
    assert access.READ_ONLY not in text_of(app) and not app.exception
    app = opened("thresholds")
    assert not app.exception and "Save to the store" not in labels_of(app) and "Put on the board" in labels_of(app)
    app = opened("import")
    assert "nothing can be imported here" in text_of(app) and not app.get("file_uploader")
    assert access.READ_ONLY not in text_of(app)
    assert "Import" not in [page.title for page in shell.PAGES if shell.is_open(page.name)]
    app = opened("data")
    assert not app.exception and "Add a label set" not in [box.label for box in app.expander]
    app = opened("cases", films="Label queue")
    assert "Begin" not in labels_of(app)


def test_the_same_pages_have_their_buttons_otherwise(store):
    """So that the test above cannot pass by seeing nothing."""
    assert {"Save", "Archive", "Delete"} <= labels_of(opened("runs"))
    assert "Save to the store" in labels_of(opened("thresholds"))
    assert "Add a label set" in [box.label for box in opened("data").expander]
    assert opened("import").get("file_uploader") and access.READ_ONLY not in text_of(opened("runs"))


def test_an_older_store_is_read_and_stays_as_it_is(monkeypatch, tmp_path):
    path = default_store()
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute((PROJECT_ROOT / "tests" / "store" / "store_of_form_3.sql").read_text())
    monkeypatch.setenv("CXR_READ_ONLY", "1")
    content = path.read_bytes()
    assert len(Store(path).runs()) == 2 and path.read_bytes() == content and Store(path).copy_before() is None


# -- open to others


@pytest.mark.parametrize(("address", "setting", "warned"), [
    ("localhost", {}, False), ("127.0.0.1", {}, False), ("0.0.0.0", {}, True), (None, {}, True), ("10.0.0.5", {}, True),
    ("0.0.0.0", {"CXR_READ_ONLY": "1"}, False), ("0.0.0.0", {"CXR_LOGIN": "1"}, False)])
def test_a_server_that_everybody_can_change_warns(monkeypatch, address, setting, warned):
    monkeypatch.setattr(access.st, "get_option", lambda name: address)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert access.is_open() is warned


def test_the_warning_stands_on_every_page_and_in_the_log(store, monkeypatch):
    monkeypatch.setattr(access, "is_open", lambda: True)
    access._warn_once.clear()
    app = opened("runs")
    assert access.OPEN in text_of(app)
    app.switch_page("pages/compare.py").run()
    assert access.OPEN in text_of(app)
    assert [one["message"] for one in entries() if one["level"] == "warning"] == [access.OPEN]


# -- login


def test_a_login_that_is_not_set_up_lets_nobody_in(store, monkeypatch):
    monkeypatch.setenv("CXR_LOGIN", "1")
    app = opened("runs")
    assert "no login is set up" in app.error[0].value and "nobody is let in" in app.error[0].value
    assert "ranks best" not in text_of(app) and not labels_of(app) & {"Save", "Delete"}


class _User(dict):
    @property
    def is_logged_in(self) -> bool:
        return bool(self)


@pytest.mark.parametrize(("user", "says"), [
    ({}, "for people who are logged in"), ({"email": "eve@elsewhere.org"}, "not open to you"),
    ({"email": "ann@example.org", "email_verified": False}, "not open to you"), ({"email": "ann@example.org"}, None)])
def test_who_is_not_let_in_sees_nothing(store, monkeypatch, user, says):
    for name, value in {"CXR_LOGIN": "1", "CXR_LOGIN_ALLOW": "@example.org"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(access, "_is_set_up", lambda: True)
    monkeypatch.setattr(access.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(access.st, "user", _User(user))
    app = opened("runs")
    assert (says is None) == ({"Save", "Delete"} <= labels_of(app))
    assert says is None or (says in text_of(app) and labels_of(app) <= {"Log in", "Log out"})


@pytest.mark.parametrize(("allowed", "address", "verified", "enters"), [
    ("", "any@where.org", None, True), ("@a.org", "x@a.org", True, True), ("@a.org", "x@b.a.org", True, False),
    ("@a.org", "x@evila.org", True, False), ("@a.org", "X@A.ORG", None, True), ("@a.org", None, True, False),
    ("ann@a.org, @b.org", "ann@a.org", True, True), ("ann@a.org", "nann@a.org", True, False),
    ("@a.org", "x@a.org@b.org", True, False)])
def test_addresses_are_held_to_the_list(monkeypatch, allowed, address, verified, enters):
    monkeypatch.setenv("CXR_LOGIN_ALLOW", allowed)
    assert access.may_enter(address, verified) is enters


# -- faults


def _fail(*args, **kwargs):
    raise ZeroDivisionError("secret place /srv/films")


def test_a_fault_is_an_entry_of_the_log_and_no_trace_on_the_page(store, monkeypatch):
    monkeypatch.delenv("CXR_TRACE")
    monkeypatch.setattr(from_store, "overview", _fail)
    app = opened("runs", run="20260101-000000-abcdef")
    [line] = [one.value for one in app.error]
    [entry] = [one for one in entries() if one["level"] == "error"]
    assert entry["entry"] in line and "ZeroDivisionError" not in text_of(app) and "secret" not in text_of(app)
    assert entry["page"] == "runs" and entry["runs"] == ["20260101-000000-abcdef"] and len(entry["session"]) == 8
    assert "ZeroDivisionError: secret place" in entry["trace"] and "_fail" in entry["trace"]


def test_a_fault_in_a_callback_is_one_too(store, monkeypatch):
    monkeypatch.delenv("CXR_TRACE")
    app = opened("runs")
    monkeypatch.setattr(Store, "edit_run", _fail)
    app.button(key="manage_save").click().run()
    assert not app.exception
    [entry] = [one for one in entries() if one["level"] == "error"]
    assert any(entry["entry"] in one.value for one in app.error)


def test_who_works_on_the_program_sees_the_trace(store, monkeypatch):
    monkeypatch.setattr(from_store, "overview", _fail)
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=30)
    app.switch_page("pages/runs.py").run()
    assert log.shows_traces() and app.exception[0].value == "secret place /srv/films"


def test_what_was_changed_is_in_the_log(store):
    app = opened("runs")
    app.text_input[0].set_value("other name").run()
    app.button(key="manage_save").click().run()
    said = [(one["message"], one["page"]) for one in entries()]
    assert ("Saved other name", "runs") in said and ("page", "runs") in said
    assert store.runs()["name"].tolist() == ["other name"]


# -- the log


def test_lines_of_several_loggers_are_whole_and_files_rotate(monkeypatch, tmp_path):
    monkeypatch.setenv("CXR_LOG", str(tmp_path / "logs" / "own.jsonl"))
    monkeypatch.setattr(json_log, "MAX_BYTES", 3000)
    said = logging.getLogger("own test")
    json_log.begin("own test")
    json_log.begin("own test")  # twice is once
    for number in range(100):
        said.info("line %d\nof two", number, extra={"more": {"number": number}})
    kept = sorted((tmp_path / "logs").glob("own*.jsonl"))
    assert [path.name for path in kept] == ["own.1.jsonl", "own.2.jsonl", "own.3.jsonl", "own.4.jsonl", "own.jsonl"]
    numbers = [json.loads(line)["number"] for path in [*reversed(kept[:-1]), kept[-1]]
               for line in path.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 100)) and all(path.stat().st_size < 3500 for path in kept)


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CXR_LOG", str(tmp_path / "file" / "own.jsonl"))
    said = logging.getLogger("own test")
    json_log.begin("own test")
    said.error("lost", exc_info=ValueError("x"))
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# -- health


def test_the_health_address_tells_the_store_and_nothing_else(store, monkeypatch):
    answer = served.health(None)
    assert answer.status_code == 200 and json.loads(answer.body) == {
        "server": "ok", "store": "ok", "version": "0.1.0", "read_only": False}
    store.path.write_bytes(b"damaged" * 2000)
    answer = served.health(None)
    assert answer.status_code == 503 and json.loads(answer.body)["store"] == "cannot be read"
    assert str(store.folder).encode() not in answer.body
