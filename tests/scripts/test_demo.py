"""The demo, on a few tiny films: made, resumed, and left alone where it is complete."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path

import pytest
from opened_pages import open_page, text_of
from run_scripts import here

from cxrcore.config import PROJECT_ROOT, DemoConfig
from cxrcore.data.phantoms.recipe import Recipe, plan
from cxrcore.demo import demo
from cxrcore.demo.demo import FIRST, OTHERS, SLOW, Step
from cxrcore.errors import RunError
from cxrcore.interrupts import sigterm_as_interrupt
from cxrcore.measures.localization import RANDOM
from cxrcore.measures.metrics import macro
from cxrcore.store import Store, progress, queued

TINY = ("--img_size", "32", "--init", "random", "--precision", "fp32", "--arch", "resnet18", "--epochs", "1",
        "--train_subset", "40", "--eval_subset", "20")
STEPS = (Step("one", ()), Step("two", ("--loss", "pos_weight")))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a demo that ran to its end: phantoms in a process of their own, the rest in the test's."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        config, process = small(patch, folder), demo._script

        def script(name: str, *flags: object, **how: object) -> None:
            if name == "make_phantoms.py":
                process(name, *flags, **how)
            else:
                done = here(name, *flags, cwd=PROJECT_ROOT)
                assert done.returncode == 0, done.stderr

        patch.setattr(demo, "_script", script)
        demo.run_demo(config)
    return folder


def nothing() -> None:
    """What to do meanwhile."""


def small(patch: pytest.MonkeyPatch, folder: Path) -> DemoConfig:
    patch.setattr(demo, "PHANTOMS", ("--films", "120", "--size", "64"))
    patch.setattr(demo, "TRAINING", (*TINY, "--results", str(folder / "results")))
    patch.setattr(demo, "FIRST", STEPS[0])
    patch.setattr(demo, "OTHERS", STEPS[1:])
    return DemoConfig(store=str(folder / "runs" / "demo.duckdb"), no_dashboard=True)


@pytest.fixture
def tiny(made, tmp_path, monkeypatch) -> DemoConfig:
    """A copy of the finished demo."""
    shutil.copytree(made, tmp_path / "copy")
    return small(monkeypatch, tmp_path / "copy")


@pytest.fixture
def began(monkeypatch) -> list[tuple[str, ...]]:
    """The scripts that would be run, with their flags, in place of running them."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(demo, "_script", lambda name, *flags, **_: calls.append((name, *map(str, flags))))
    return calls


def test_the_demo_is_made_by_real_trainings_and_goes_on_with_what_is_missing(tiny, began, capfd):
    store = Store(tiny.store)
    assert set(store.runs()["name"]) == {"one", "two"} and (store.runs()["status"] == "finished").all()
    assert store.datasets()["kind"].tolist() == ["phantom"] and not demo.left(store, STEPS)
    assert len(store.leaderboard()) == 4 and len(store.epochs(list(store.runs()["run_id"]))) == 2
    store.delete_run(store.runs().set_index("name").loc["two", "run_id"])
    assert [step.name for step in demo.left(store, STEPS)] == ["two"]
    demo.run_demo(tiny)
    assert [call[0] for call in began] == ["make_phantoms.py", "train.py"] and "two" in began[1]
    assert "one: there already" in capfd.readouterr().out


def test_the_truth_is_the_second_label_set_and_runs_are_measured_on_it(tiny):
    store = Store(tiny.store)
    own, truth = store.label_sets()
    assert truth.name == demo.TRUTH_SET and truth.findings == own.findings
    labels = [store.labels(one.dataset_id, one.name) for one in (own, truth)]
    wrong = (labels[0] != labels[1]).to_numpy().sum()
    assert labels[0].index.equals(labels[1].index) and 0 < wrong < 0.05 * labels[0].size
    ids = store.leaderboard()["prediction_id"].tolist()
    measured = store.metrics(ids).query("label_set == 'truth' and metric == 'auroc'")
    assert set(measured["prediction_id"]) == set(ids)


def test_a_port_in_use_is_said_before_anything_is_made(tmp_path, began):
    with socket.create_server(("localhost", 0)) as taken, pytest.raises(RunError, match=r"in use.*--port"):
        demo.run_demo(DemoConfig(store=str(tmp_path / "demo.duckdb"), port=taken.getsockname()[1]))
    assert not began and not any(tmp_path.iterdir())


def test_the_maps_of_each_run_are_held_against_the_boxes_once(tiny, began):
    store = Store(tiny.store)
    board = store.leaderboard().query("split == 'test'").set_index("run_id")
    for run_id in board.index:
        measured = store.localization([board.at[run_id, "prediction_id"]])
        assert set(demo.METHODS.split(",")) < set(measured["method"]) and RANDOM in set(measured["method"])
    assert not demo.unmeasured(store, STEPS)
    demo.run_demo(tiny)  # nothing is left to do
    assert not any(call[0] == "gradcam.py" for call in began)


@pytest.mark.parametrize("ended", ["interrupted", "failed"])
def test_a_stopped_training_is_resumed_and_an_empty_one_begun_anew(tiny, began, ended):
    store = Store(tiny.store)
    two = store.runs().set_index("name").loc["two", "run_id"]
    store.finish_run(two, ended)
    demo.run_demo(tiny)
    assert began[-1][:3] == ("train.py", "--resume", two)
    films = store.path.parent
    empty, elsewhere, not_trained_here = (store.create_run(
        {"name": "three", "csv_path": str(table)}, store.datasets()["dataset_id"][0])
        for table in (films / demo.TABLE, films / "another.csv", films / demo.TABLE))
    for run_id in (empty, elsewhere):  # what a training leaves that ends at once
        with progress.Progress(store.run_folder(run_id)):
            store.finish_run(run_id, "failed")
    store.finish_run(not_trained_here, "interrupted")
    demo._train(store, films, Step("three", ()), nothing)
    assert "--resume" not in began[-1] and empty not in set(store.runs()["run_id"])
    assert {elsewhere, not_trained_here} <= set(store.runs()["run_id"]) and store.run_folder(elsewhere).exists()


def test_the_store_is_the_same_place_for_all_scripts(tiny, began, monkeypatch):
    monkeypatch.chdir(Path(tiny.store).parent)
    demo.run_demo(DemoConfig(store="other.duckdb", no_dashboard=True))
    assert {flags[flags.index("--store") + 1] for _, *flags in began if "--store" in flags} == {
        str(Path(tiny.store).with_name("other.duckdb"))}


def test_one_that_fails_does_not_keep_the_others_from_their_training(tiny, monkeypatch, capfd):
    tried = []

    def train(store, films, step, meanwhile):
        tried.append(step.name)
        if step.name == "three":
            raise RunError("scripts/train.py ended with status 1")

    monkeypatch.setattr(demo, "_train", train)
    monkeypatch.setattr(demo, "_script", lambda *_, **__: None)
    monkeypatch.setattr(demo, "OTHERS", (Step("three", ()), STEPS[1]))
    with pytest.raises(RunError, match="failed: three; the same command"):
        demo.run_demo(tiny)
    assert tried == ["one", "three", "two"] and "ended with status 1" in capfd.readouterr().err


def test_what_comes_next_is_told_while_it_trains_and_no_longer_when_nobody_does(tiny, monkeypatch):
    store, told = Store(tiny.store), []
    monkeypatch.setattr(demo, "_train", lambda store, films, step, meanwhile: told.append(queued.read(store)))
    monkeypatch.setattr(demo, "OTHERS", (Step("three", ()), STEPS[1], Step("four", ())))
    monkeypatch.setattr(demo, "_script", lambda *_, **__: None)
    demo.run_demo(tiny)
    assert [(queue.names(queued.RUNNING), queue.names(queued.QUEUED)) for queue in told[1:]] == [
        (["three"], ["four"]), (["two"], ["four"]), (["four"], [])]
    assert queued.read(store) == queued.Queue()
    (store.folder / queued.FILE).write_text(json.dumps(
        {"trainings": [{"name": "three", "state": "running"}], "pid": 2**22 + 1, "host": socket.gethostname()}))
    assert queued.read(store) == queued.Queue()  # of a demo that is gone


def test_trainings_leave_the_processor_to_who_looks(monkeypatch):
    given = []
    monkeypatch.setattr(demo.psutil.Process, "nice", lambda self, value=None: given.append(value))
    monkeypatch.setattr(demo, "PROJECT_ROOT", PROJECT_ROOT)
    with pytest.raises(RunError):
        demo._script("none_such.py", printed=False)
    assert given == [demo.GIVES_WAY]


def test_maps_that_cannot_be_measured_do_not_end_the_demo_early(tiny, monkeypatch):
    def script(name, *flags, **_):
        if name == "gradcam.py":
            raise RunError("scripts/gradcam.py ended with status 1")

    monkeypatch.setattr(demo, "_script", script)
    monkeypatch.setattr(demo, "unmeasured", lambda store, steps: ["a", "b"])
    with pytest.raises(RunError, match="failed: maps of a, maps of b"):
        demo.run_demo(tiny)


def test_the_dashboard_opens_as_soon_as_the_first_network_is_measured(tiny, monkeypatch):
    """While its training still goes on; and when it is closed, nothing trains on behind it."""
    opened = []

    @contextlib.contextmanager
    def serving(store, port):
        opened.append(port)
        yield server

    server = types.SimpleNamespace(poll=lambda: None, returncode=0)
    monkeypatch.setattr(demo.dashboard, "serving", serving)
    monkeypatch.setattr(demo.dashboard, "show_in_browser", opened.append)
    with contextlib.ExitStack() as stack:
        board = demo._Board(Store(Path(tiny.store).with_name("empty.duckdb")), 8600, stack)
        board.open_when_measured()
        assert not opened
        board = demo._Board(Store(tiny.store), 8600, stack)
        board.open_when_measured()
        board.open_when_measured()
        board.check()
        assert opened == [8600, "http://localhost:8600"]
        server.poll = lambda: 1
        with pytest.raises(RunError, match="dashboard has ended"):
            demo._script("train.py", "--resume", "none such", meanwhile=board.check)


def test_a_script_is_stopped_with_the_demo(monkeypatch, tmp_path):
    """SIGTERM, unlike Ctrl-C, comes to the demo alone."""
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(demo.subprocess, "Popen", lambda command, **flags: started.append(popen(
        [sys.executable, "-c", "import time; time.sleep(60)"])) or started[0])
    monkeypatch.setattr(demo, "LOOK_EVERY", 0.1)
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        demo._script("train.py", meanwhile=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert started[0].wait(10) == -signal.SIGTERM


def test_a_script_that_fails_ends_the_demo_in_one_line(tiny, monkeypatch):
    monkeypatch.setattr(demo, "PHANTOMS", ("--films", "0"))
    with pytest.raises(RunError, match=r"make_phantoms.py ended with status 2"):
        demo.run_demo(tiny)


def test_every_network_is_in_it_once_and_one_is_weighted():
    steps = (FIRST, *OTHERS, *SLOW)
    assert len({step.name for step in steps}) == len(steps) == 7
    named = [step.flags[step.flags.index("--arch") + 1] for step in steps]
    assert len(set(named)) == 6 and named.count("efficientnet_b0") == 2
    assert sum("pos_weight" in step.flags for step in steps) == 1 and all(step.note for step in SLOW)


def test_the_start_script_offers_it():
    said = subprocess.run(["bash", "scripts/start.sh", "--help"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert "--demo" in said.stdout
    help_of = subprocess.run([sys.executable, "scripts/demo.py", "--help"], cwd=PROJECT_ROOT, capture_output=True,
                             text=True)
    assert help_of.returncode == 0 and "--all" in help_of.stdout


def test_the_oracle_s_headroom_is_said_where_runs_are_ranked(made, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(made / "runs" / "demo.duckdb"))
    recipe = json.loads((made / "runs" / demo.FOLDER / "phantoms.json").read_text())["recipe"]
    best = macro(plan(Recipe(**recipe)).oracle())[0]
    for page in ("runs", "compare", "present"):
        link = {"slide": "Networks"} if page == "present" else {}
        assert f"oracle's macro AUROC of {best:.3f}" in text_of(open_page(page, **link)), page


def test_networks_that_it_does_not_suit_carry_a_note(tiny, monkeypatch):
    store = Store(tiny.store)

    def train(name, *flags, **_):
        store.finish_run(store.create_run({"arch": "vgg16", "name": "three"}, store.datasets().iloc[0]["dataset_id"]),
                         "finished")

    monkeypatch.setattr(demo, "_script", train)
    demo._train(store, store.path.parent / demo.FOLDER, Step("three", (), "from scratch it does not suit"), nothing)
    notes = store.runs().set_index("name")["note"].fillna("")
    assert notes["three"] == "from scratch it does not suit" and notes["one"] == ""
