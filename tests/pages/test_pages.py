"""The pages without a browser: what they say on empty, full, broken and busy stores, and what their buttons do."""

import re
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from opened_pages import text_of
from seeded_runs import add_run, beat, log_epoch, make_store
from streamlit.testing.v1 import AppTest
from told_leaderboard import Leaderboards

from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.queries import from_store
from cxrcore.store import progress, queued, turns
from cxrcore.store.queued import DONE, FAILED, RUNNING, Queue, Queued
from cxrcore.ui import shell
from cxrcore.ui.runs.leaderboard import FIRST


@pytest.fixture
def store():
    """The default store of this test, with one data set."""
    return make_store(default_store())


@pytest.fixture
def boards(monkeypatch):
    """The leaderboards of the page."""
    return Leaderboards(monkeypatch)


@pytest.fixture
def open_runs(boards):
    """Opens the Runs page with query parameters; every run must end without an exception."""

    def open_page(**link):
        boards.begin()
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=20)
        for name, value in link.items():
            app.query_params[name] = value
        app.switch_page("pages/runs.py").run()
        assert not app.exception, app.exception[0].value
        return app

    return open_page


def test_an_empty_store_says_what_to_run(open_runs):
    app = open_runs()
    assert app.title[0].value == "Runs"
    assert "No runs yet" in answer_of(app)
    commands = [one.value for one in app.code]
    assert commands[0] == "bash scripts/start.sh --demo"
    for script in ("import_predictions", "train"):
        [command] = [one for one in commands if one.startswith(f"python scripts/{script}.py")]
        assert f"--store {default_store()}" in command  # it is not the project's own
    assert not default_store().exists()  # looking creates nothing


def answer_of(app):
    """The sentence that the page begins with."""
    [said] = [one.proto.body for one in app.get("html") if "data-first-content" in one.proto.body]
    return re.sub("<[^>]*>", "", said)


def test_groups_metrics_and_dashes(open_runs, boards, store):
    add_run(store, "leaky one", scheme="random", fingerprint="ccc333", parts=("val",), auroc=0.9)
    add_run(store, "good", auroc=0.8123)
    add_run(store, "failed", auroc=None, status="failed", epochs=0)
    app = open_runs()
    first, _ = boards.rows
    assert boards.names == [["good", "failed"], ["leaky one"]]
    assert first[0]["means"][0] == [0.8123, None, None] and first[1]["means"] == [None, None, None]
    assert first[1]["status"] == "✕ failed" and "mean over 13 of 14 findings" in first[0]["below"]
    assert answer_of(app) == ("good: macro AUROC .81 on 12 test films. First of 2 tables: nothing is ranked across "
                              "them.")
    said = text_of(app)
    assert "split by patient" in said and "fingerprint aaa111" in said and "Seed 0" in said
    assert "leaky split" in said and "films of one patient stand on both sides: numbers are too good" in said
    assert all(frame.proto.alt for frame in app.dataframe)


def test_val_numbers_on_demand_and_by_link(open_runs, boards, store):
    add_run(store, "a")
    app = open_runs()
    assert "12 test films" in answer_of(app) and "val" not in boards.rows[0][0]["below"]
    app.segmented_control(key="on").set_value("Validation").run()
    assert "12 validation films" in answer_of(app) and "val" in boards.rows[0][0]["below"]
    assert "12 validation films" in answer_of(open_runs(on="Validation"))


def test_ticks_write_the_link_and_leave_other_tables_alone(open_runs, boards, store):
    """A chosen run wears its colour and mark, by its place in the link."""
    elsewhere = add_run(store, "elsewhere", fingerprint="bbb222")
    ids = [add_run(store, name, auroc=auroc) for name, auroc in (("a", 0.7), ("b", 0.8))]
    app = open_runs(run=elsewhere)
    boards.tick(app, 0, [ids[0], ids[1]])
    assert app.query_params["run"] == [elsewhere, *ids]
    looks = {row["id"]: row.get("look") for rows in boards.rows for row in rows}
    assert len({looks[run_id]["colour"] for run_id in (elsewhere, *ids)}) == 3
    boards.tick(app, 0, [ids[1]])
    assert app.query_params["run"] == [elsewhere, ids[1]]
    again = {row["id"]: row.get("look") for rows in boards.rows for row in rows}
    assert again[ids[1]] == looks[ids[1]] and again[ids[0]] is None


def test_repeats_are_one_row_and_ticked_together(open_runs, boards, store):
    """They differ in their seed alone; another learning rate is another training."""
    seeds = [add_run(store, f"seed {seed}", auroc=0.7 + seed / 100, seed=seed) for seed in range(3)]
    other = add_run(store, "other", auroc=0.6, lr=1e-3)
    app = open_runs()
    repeats, single = boards.rows[0]
    assert [row["id"] for row in repeats["rows"]] == seeds[::-1] and single["id"] == other and "rows" not in single
    mean, low, high = repeats["means"][0]
    assert mean == pytest.approx(0.71) and (high - low) / 2 == pytest.approx(0.01)
    assert "3 repeats, sd .010" in repeats["spread"] and "mean of 3 repeats, sd .010" in answer_of(app)
    boards.tick(app, 0, seeds)
    assert set(app.query_params["run"]) == set(seeds)


def test_a_link_restores_the_chosen_runs(open_runs, store):
    ids = [add_run(store, name, seed=name) for name in "abc"]
    app = open_runs(run=[ids[2], ids[0]])
    assert app.multiselect[0].value == [ids[2], ids[0]]
    settings = app.dataframe[-1].value
    assert list(settings.columns[3:]) == ["c", "a"]
    assert len(app.get("plotly_chart")) == 4


def test_picking_and_dropping_runs_changes_the_link(open_runs, store):
    ids = [add_run(store, name) for name in "ab"]
    app = open_runs()
    app.multiselect[0].select(ids[1]).run()
    assert app.query_params["run"] == ids[1]
    app.multiselect[0].unselect(ids[1]).run()
    assert "run" not in app.query_params


def test_an_unknown_run_in_a_link_is_an_error_and_nothing_else(open_runs, boards, store):
    known = add_run(store, "a")
    app = open_runs(run=[known, "20200101-000000-abcdef"])
    assert len(app.error) == 1 and "20200101-000000-abcdef" in text_of(app) and known not in text_of(app)
    assert not app.dataframe and not app.get("plotly_chart") and not boards.tables
    app.button[0].click().run()
    assert not app.error and len(boards.tables) == 1


def test_a_running_run_shows_its_progress_and_waits_for_its_first_epoch(open_runs, boards, store):
    run_id = add_run(store, "live", status="running", auroc=None, epochs=0)
    beat(store, run_id, stage="training", epoch=1, epochs=8, step=50, steps=100, images_per_second=210.0)
    app = open_runs()
    bar = app.progress[0]
    assert boards.rows[0][0]["share"] == 0.0625 and boards.rows[0][0]["status"] == "▶ training"
    assert bar.value == 6 and "epoch 1 of 8, training: step 50 of 100 · 210 images/s" in bar.text
    assert "No finished epoch yet: live" in text_of(app) and not app.get("plotly_chart")
    log_epoch(store, run_id, 1)
    app.run()
    assert len(app.get("plotly_chart")) == 4


def test_a_broken_off_run_says_how_to_go_on(open_runs, boards, store):
    gone = add_run(store, "gone", status="running", auroc=None)
    beat(store, gone, stage="training", epoch=4, heartbeat=time.time() - 3600)
    failed = add_run(store, "bad", status="failed", auroc=None)
    waits = add_run(store, "held up", status="running", auroc=None)
    beat(store, waits, stage=progress.WAITING, heartbeat=time.time() - 3600)
    app = open_runs(run=[gone, failed, waits])
    assert {"‖ interrupted", "✕ failed", "⧗ results wait"} == {row["status"] for row in boards.rows[0]}
    assert "interrupted in epoch 4" in app.warning[0].value and "failed" in app.warning[1].value
    assert "its results wait to be handed in" in app.warning[2].value
    assert [code.value.split(" --store")[0] for code in app.code] == [
        f"python scripts/train.py --resume {gone}", f"python scripts/train.py --resume {failed}",
        "python scripts/store.py hand-in"]
    assert not app.progress


def test_settings_show_differences_first_and_all_on_demand(open_runs, store):
    ids = [add_run(store, "a", lr=1e-4), add_run(store, "b", lr=1e-3)]
    app = open_runs(run=ids)
    assert list(app.dataframe[-1].value["Setting"]) == ["lr"]
    app.toggle(key="differences").set_value(False).run()
    assert {"lr", "loss", "architecture"} <= set(app.dataframe[-1].value["Setting"])


def test_different_losses_are_not_compared(open_runs, store):
    ids = [add_run(store, "a", loss="bce"), add_run(store, "b", loss="focal")]
    assert "cannot be compared" in text_of(open_runs(run=ids))
    assert "cannot be compared" not in text_of(open_runs(run=ids[0]))


# -- manage


def manage(app, key):
    return next(button for button in app.button if button.key == key)


def test_rename_and_note(open_runs, boards, store):
    run_id = add_run(store, "old")
    app = open_runs(run=run_id)
    app.text_input(key=f"manage_name_{run_id}").set_value("new *name*")
    app.text_area(key=f"manage_note_{run_id}").set_value("why")
    manage(app, "manage_save").click().run()
    assert not app.exception and not app.error
    row = store.run(run_id)
    assert (row["name"], row["note"]) == ("new *name*", "why")
    assert boards.names == [["new *name*"]] and "Saved" in app.toast[0].value


def test_archive_hides_and_brings_back(open_runs, boards, store):
    run_id, _ = add_run(store, "old"), add_run(store, "new")
    app = open_runs(run=run_id)
    manage(app, "manage_archive").click().run()
    assert boards.names == [["new"]] and "run" not in app.query_params
    app.toggle(key="archived").set_value(True).run()
    assert set(boards.names[0]) == {"new", "old (archived)"}
    app = open_runs(run=run_id)
    assert "old (archived)" in boards.names[0]  # a link still leads to it
    app.multiselect[0].set_value([run_id]).run()
    manage(app, "manage_archive").click().run()
    assert not store.runs()["archived"].any()


def test_deleting_asks_and_names_what_is_lost(open_runs, store):
    run_id = add_run(store, "doomed")
    app = open_runs(run=run_id)
    manage(app, "manage_delete").click().run()
    said = text_of(app)
    assert "doomed" in said and "3 epochs" in said and "test (12 films), val (12 films)" in said
    assert run_id in set(store.runs()["run_id"])  # asked, not done


def test_a_running_run_cannot_be_deleted(open_runs, store):
    run_id = add_run(store, "live", status="running", auroc=None)
    beat(store, run_id, stage="training", epoch=4)
    app = open_runs(run=run_id)
    manage(app, "manage_delete").click().run()
    assert "is running and cannot be deleted" in app.error[0].value
    assert "delete_yes" not in {button.key for button in app.button}


def test_a_change_that_fails_says_so(open_runs, store):
    run_id = add_run(store, "a")
    app = open_runs(run=run_id)
    store.delete_run(run_id)
    manage(app, "manage_save").click().run()
    assert any("it may have been deleted" in error.value for error in app.error)


# -- stores that cannot be read


def test_a_broken_store_is_one_line(open_runs):
    default_store().parent.mkdir(parents=True, exist_ok=True)
    default_store().write_bytes(b"this is no database" * 100)
    app = open_runs()
    assert len(app.error) == 1 and str(default_store()) in app.error[0].value and "\n" not in app.error[0].value
    assert app.title[0].value == "Runs" and not app.dataframe


def test_a_busy_store_is_one_line(open_runs, boards, store, monkeypatch):
    add_run(store, "a")
    monkeypatch.setattr(turns, "READER_WAIT", 0.2)
    with FileLock(f"{store.path}.gate"):
        app = open_runs()
    assert "is busy" in app.error[0].value and not boards.tables
    open_runs()
    assert len(boards.tables) == 1  # and all is well afterwards


# -- the frame


def test_frames_are_read_once_until_the_store_changes(store, monkeypatch):
    run_id = add_run(store, "a", auroc=None)
    reads = []
    original = type(store).runs
    monkeypatch.setattr(type(store), "runs", lambda self: reads.append(1) or original(self))
    before = from_store.overview(store)
    assert from_store.overview(store).lists_the_same(before) and len(reads) == 1
    log_epoch(store, run_id, 9)
    assert from_store.overview(store).lists_the_same(before)  # an epoch does not redraw the page
    store.edit_run(run_id, name="b")
    assert not from_store.overview(store).lists_the_same(before)


def test_two_thousand_runs_are_listed(open_runs, boards, store):
    """The best are sent, and how many more there are."""
    config = {"arch": "resnet18", "loss": "bce", "init": "imagenet", "epochs": 8}
    with store._write() as con:  # one transaction instead of 2,000
        con.execute("""INSERT INTO runs SELECT '20260101-000000-' || lpad(i::VARCHAR, 6, '0'), 'run ' || i, 'resnet18',
            'trained', 'finished', now(), now(), 'films', 'patient', 0, 'aaa111', ?, '{}', '{}', NULL, 1, 1, '', false
            FROM range(2000) r(i)""", [str(config).replace("'", '"')])
    app = open_runs()
    [table] = boards.tables.values()
    assert len(table["rows"]) == FIRST and table["more"] == 2000 - FIRST and len(app.multiselect[0].options) == 2000


def test_few_controls_at_rest(open_runs, store):
    ids = [add_run(store, name) for name in "ab"]
    store.edit_run(ids[0], archived=True)
    app = open_runs(run=ids[1])
    hidden = {button.key for button in app.button if (button.key or "").startswith(("manage_", "csv_", "leaderboard_"))}
    visible = [*app.multiselect, *app.segmented_control, *app.toggle,
               *(button for button in app.button if button.key not in hidden)]
    assert len(visible) + 3 <= 10  # with the three popovers; a group of chips counts as one


def test_every_page_is_in_the_menu_table():
    files = {path.stem for path in (PROJECT_ROOT / "pages").glob("*.py")}
    assert files == {entry.name for entry in shell.PAGES}
    assert {entry.section for entry in shell.PAGES} <= set(shell.SECTIONS)
    for entry in shell.PAGES:
        source = (PROJECT_ROOT / "pages" / f"{entry.name}.py").read_text()
        assert re.search(rf'open_(runs_)?page\("{entry.name}"', source)
        assert entry.question.endswith("?")


def test_the_app_starts_without_torch():
    code = ("import sys; from streamlit.testing.v1 import AppTest; "
            "app = AppTest.from_file('app.py', default_timeout=20).run(); assert not app.exception; "
            "assert app.title[0].value == 'Home'; assert 'torch' not in sys.modules, 'torch was imported'")
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_when_all_runs_are_archived_the_page_says_so(open_runs, store):
    store.edit_run(add_run(store, "old"), archived=True)
    said = text_of(open_runs())
    assert "All runs are archived" in said


def test_a_store_with_one_failed_run_shows_what_happened_to_it(open_runs, store):
    run_id = add_run(store, "lost", auroc=None, status="failed", epochs=0)
    beat(store, run_id, stage="failed", error="the loss became nan")
    assert "the loss became nan" in text_of(open_runs())


@pytest.mark.parametrize("entry", shell.PAGES, ids=lambda entry: entry.name)
def test_phantoms_are_marked_on_every_page(entry, phantoms, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(phantoms.path))
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=30).run()
    if entry is not shell.HOME:
        app.switch_page(f"pages/{entry.name}.py").run()
    assert not app.exception, app.exception[0].value
    assert "SYNTHETIC" in text_of(app)
    assert entry.stage or app.title[0].value == entry.title


def test_a_sweep_is_a_table_of_its_trainings(open_runs, store):
    add_run(store, "one", auroc=0.7)
    queued.tell(store, Queue((Queued("one", DONE, "took 3 s"), Queued("*two*", FAILED, "no film can be read"),
                              Queued("three", RUNNING, "on cuda:0"), Queued("four")), whole=True))
    app = open_runs()
    [sweep] = [one for one in app.expander if "sweep" in one.label]
    assert sweep.label == "A sweep is under way: 1 of 4 done, 1 failed, 1 running, 1 queued"
    assert sweep.dataframe[0].value.values.tolist() == [
        ["three", "running", "on cuda:0"], ["*two*", "failed", "no film can be read"], ["four", "queued", ""],
        ["one", "done", "took 3 s"]]
    assert "Being prepared: three." in text_of(app)
    queued.tell(store, Queue())
    assert not [one for one in open_runs().expander if "sweep" in one.label]
