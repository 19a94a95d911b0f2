"""Streamlit servers for browser tests: one that all tests of a process share, and fresh ones."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO

import psutil

from cxrcore.config import PROJECT_ROOT

START_SECONDS, STOP_SECONDS = 120, 60
STARTED = "URL: http"  # which Streamlit prints once it listens


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: http://localhost:PORT
        process: its own, which has no children.
    """

    address: str
    process: psutil.Process


@dataclass(frozen=True)
class SharedServer:
    """A running workbench that shows any store, each under an address of its own.

    Attributes:
        folder: of the stores' paths, as `many_stores` reads them.
        log: what it prints.
    """

    port: int
    folder: Path
    log: Path
    _names: dict[Path, str] = field(default_factory=dict)

    def on(self, store_path: Path) -> str:
        """The address under which it shows this store."""
        name = self._names.setdefault(store_path, f"store{len(self._names) + 1}")
        (self.folder / name).write_text(str(store_path))
        return f"http://{name}.localhost:{self.port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def shared(folder: Path) -> Iterator[SharedServer]:
    """A workbench for many stores, whose paths and log lie in an empty folder."""
    stores, log = folder / "stores", folder / "server.log"
    stores.mkdir()
    with _started(["-m", "tests.made.many_stores", str(stores)], PROJECT_ROOT / "app.py", log) as (port, _):
        yield SharedServer(port, stores, log)


@contextmanager
def serving(store_path: Path, log: Path) -> Iterator[str]:
    """A fresh workbench on a free port; yields its address. Its output is printed when the test fails."""
    with running(PROJECT_ROOT / "app.py", log, CXR_STORE=str(store_path)) as server:
        yield server.address


@contextmanager
def running(app: Path, log: Path, **environment: str) -> Iterator[Server]:
    """Any app on a free port, with the settings that lie beside it."""
    with _started(["-m", "streamlit"], app, log, **environment) as (port, process):
        yield Server(f"http://localhost:{port}", process)
        print(log.read_text())  # pytest shows it for a failed test only


@contextmanager
def _started(streamlit: Sequence[str], app: Path, log: Path, **environment: str
             ) -> Iterator[tuple[int, psutil.Process]]:
    port, ready = _free_port(), Event()
    command = [sys.executable, *streamlit, "run", app.name, "--server.headless", "true", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=app.parent, env=os.environ | environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
    writer = Thread(target=_write_down, args=(server.stdout, log, ready), daemon=True)
    writer.start()
    try:
        assert ready.wait(START_SECONDS), f"the server did not start within {START_SECONDS} s: {log.read_text()}"
        assert server.poll() is None, f"the server ended: {log.read_text()}"
        # Its health address alone: any other request would be the server's first, which one test wants for itself.
        urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=START_SECONDS).read()
        yield port, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)
        writer.join(STOP_SECONDS)


def _write_down(output: IO[str], log: Path, ready: Event) -> None:
    """What a server prints, into its log; `ready` once it says that it listens, or ended."""
    with log.open("w") as file:
        for line in output:
            file.write(line)
            file.flush()
            if STARTED in line:
                ready.set()
    ready.set()
