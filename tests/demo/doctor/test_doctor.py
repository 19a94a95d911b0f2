"""scripts/doctor.py: what is broken is named with what to do, and nothing that is broken breaks the doctor."""

import http.server
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
import seeded_runs

from cxrcore.config import PROJECT_ROOT
from cxrcore.demo.doctor import machine, packages, result, store_state
from cxrcore.demo.doctor.examine import examine
from cxrcore.store.care import film_folders


def words(results) -> str:
    return "\n".join(one.in_words for one in results)


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """A folder of modules that come before the installed ones in the processes that the doctor asks."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{PROJECT_ROOT}")
    monkeypatch.setattr(result, "SECONDS", 60)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return write


def test_an_installation_without_any_package_is_told_what_to_install(tmp_path):
    """The Python that the virtual environment was made with, or this one without its packages."""
    bare = getattr(sys, "_base_executable", sys.executable)
    flags = ["--store", str(tmp_path / "s.duckdb"), "--port", "1"]
    asked = subprocess.run([bare, "-S", "-I", "scripts/doctor.py", *flags],
                           cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=300)
    assert asked.returncode == 1, asked.stderr
    assert "problem: the package duckdb is not installed\n  install what is needed: bash scripts" in asked.stdout
    assert asked.stdout.splitlines()[-1].endswith("problems") and "Traceback" not in asked.stdout + asked.stderr


def test_packages_that_fail_or_kill_python_are_named_and_the_others_tried(fakes):
    fakes("sound", "")
    fakes("failing", "raise ImportError('libcudart.so.13: cannot open shared object file')")
    fakes("deadly", "import os; os.kill(os.getpid(), 11)")
    fakes("leaving", "import sys; sys.exit(3)")
    found = packages.loadable(dict.fromkeys(("sound", "failing", "deadly", "leaving", "json"), ""))
    assert found["sound"] == found["json"] == "" and "libcudart.so.13" in found["failing"]
    assert "signal 11" in found["deadly"] and "SystemExit" in found["leaving"]
    told = words(packages.broken(found))
    assert told.count("problem:") == 3 and "deadly cannot be loaded" in told


@pytest.mark.parametrize(("own", "versions", "fit"), [
    ("1.5.5", "==1.5.5", True), ("2.0.0", "==1.5.5", False), ("2.14.1+cpu", ">=2.12,<3", True),
    ("3.0", ">=2.12,<3", False), ("2.11", ">=2.12,<3", False), ("0.27", "", True), ("2.12.0rc1", ">=2.12", True),
    ("1.2", "!=1.2", False)])
def test_versions_are_held_to_their_bounds(own, versions, fit):
    assert packages.fits(own, versions) is fit


def test_what_the_product_needs_is_read_from_the_requirements():
    wanted = packages.wanted()
    assert wanted["duckdb"] == "==1.5.5" and wanted["torch"] == ">=2.12,<3" and len(wanted) > 20
    assert not {"pytest", "ruff", "hypothesis", "-e"} & set(wanted)
    assert words(packages.installed({"duckdb": "==2.0.0", "no-such-package": ""})) == (
        "problem: duckdb 1.5.5 does not fit: ==2.0.0 is needed\n  pip install 'duckdb==2.0.0'\n"
        f"problem: the package no-such-package is not installed\n  {result.INSTALL}")


@pytest.mark.parametrize(("torch", "vision", "asks", "says"), [
    ("2.13.0", "0.29.1", "torch (==2.14.1)", "torchvision 0.29.1 is made for"),
    ("2.14.1+cpu", "0.29.1+cu130", "torch (==2.14.1)", "are of different builds")])
def test_a_torch_that_does_not_fit_torchvision_is_told(monkeypatch, torch, vision, asks, says):
    monkeypatch.setattr(importlib.metadata, "version", {"torch": torch, "torchvision": vision}.__getitem__)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["numpy", asks])
    assert says in words(packages.torch_pair()) and "--torch-index URL" in words(packages.torch_pair())


def test_a_pair_that_only_fails_at_work_is_told(monkeypatch, fakes):
    monkeypatch.setattr(importlib.metadata, "version", {"torch": "2.14.1", "torchvision": "0.29.1"}.__getitem__)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["torch (==2.14.1)"])
    fakes("torch", "")
    fakes("torchvision", "raise RuntimeError('operator torchvision::nms does not exist')")
    assert "do not work together: RuntimeError: operator torchvision::nms" in words(packages.torch_pair())


def test_a_gpu_that_torch_does_not_see_is_told():
    assert "no GPU" in packages.gpu({"cuda": None, "devices": []}, []).in_words
    assert packages.gpu({"cuda": "13.0", "devices": [["H100", 512.0]]}, ["H100"]).in_words == "ok: GPU: H100, CUDA 13.0"
    for seen, says in (({"cuda": None, "devices": []}, "torch is a build for CPUs"),
                       ({"cuda": "13.0", "devices": []}, "driver may be too old"),
                       ({"cuda": "13.0", "devices": [["H100", 511.0]]}, "counts wrong")):
        assert packages.gpu(seen, ["H100"]).is_problem and says in packages.gpu(seen, ["H100"]).what


def test_rights_that_are_missing_are_told(tmp_path, monkeypatch):
    store = seeded_runs.make_store(tmp_path / "own" / "store.duckdb").path
    assert words(machine.rights(store)) == f"ok: {store.parent} can be written"
    assert words(machine.rights(tmp_path / "not" / "there" / "s.duckdb")) == f"ok: {tmp_path} can be written"
    real = os.access  # who runs the tests may be root, who has every right
    monkeypatch.setattr(machine.os, "access", lambda path, mode: path != store and real(path, mode))
    assert f"{store} cannot be read and written" in words(machine.rights(store))
    monkeypatch.setattr(machine.os, "access", lambda path, mode: False)
    assert "CXR_READ_ONLY=1" in words(machine.rights(store))


def test_a_disk_that_is_nearly_full_is_told(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))
    for free, says in ((5e8, "problem: 0.5 GB free"), (5e9, "note: 5.0 GB free"), (5e11, "ok: 500.0 GB free")):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder, free=free: usage(10**12, 0, int(free)))
        assert words(machine.disk(tmp_path / "store.duckdb")).startswith(says)


def test_a_port_that_is_taken_is_told_and_a_dashboard_known():
    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok" if self.path == "/_stcore/health" else b"")

        def log_message(self, *args):
            pass

    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        held.close()
        assert machine.port(port).in_words == f"ok: port {port} is free"
    with http.server.HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "a dashboard answers there" in machine.port(server.server_port).what
        server.shutdown()
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)
        machine_port = other.getsockname()[1]
        threading.Thread(target=lambda: other.accept()[0].close(), daemon=True).start()
        found = machine.port(machine_port)
    assert found.is_problem and "taken by another program" in found.what


def test_the_store_is_looked_at_and_missing_films_are_told(tmp_path, monkeypatch):
    store = seeded_runs.make_store(tmp_path / "store.duckdb")
    films = tmp_path / "films"
    films.mkdir()
    for name in seeded_runs.film_ids()[:9]:
        (films / name).touch()
    table = tmp_path / "table.csv"
    seeded_runs.add_run(store, "a", epochs=0, img_root=str(films), csv_path=str(table))
    assert film_folders.missing(store) == [f"the table {table} is missing",
                                           f"3 of 12 films that were looked for are not in {films}"]
    told = words([*store_state.store(store.key, store.key), *store_state.films(store.path)])
    assert f"ok: the store {store.path} is whole" in told and "note: films: 3 of 12 films" in told
    store.path.write_bytes(b"damaged" * 2000)
    told = words(store_state.store(store.key, store.key))
    assert "problem: store: " in told and "restore a backup" in told
    assert "there is no store" in words(store_state.store(str(tmp_path / "none.duckdb"), "none.duckdb"))
    monkeypatch.setattr(store_state, "ask", lambda arguments: result.Answer(1, (), "No module named 'duckdb'"))
    assert words(store_state.films(store.path)) == ""


def test_all_of_it_is_looked_at_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "loadable", lambda needed: dict.fromkeys(needed, "broken"))
    found = list(examine(str(tmp_path / "s.duckdb"), 1))
    assert found[0].what.startswith("Python 3.") and "there is no store" in found[-1].what
    assert sum("cannot be loaded: broken" in one.what for one in found) == len(packages.wanted())
