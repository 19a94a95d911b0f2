"""A fresh Streamlit server for a browser test."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from cxrcore.config import PROJECT_ROOT

START_SECONDS, STOP_SECONDS = 40, 60


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: http://localhost:PORT
        process: its own, which has no children.
    """

    address: str
    process: psutil.Process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(store_path: Path, log: Path) -> Iterator[str]:
    """The workbench on a free port; yields its address. Its output is printed when the test fails."""
    with running(PROJECT_ROOT / "app.py", log, CXR_STORE=str(store_path)) as server:
        yield server.address


@contextmanager
def running(app: Path, log: Path, **environment: str) -> Iterator[Server]:
    """Any app on a free port, with the settings that lie beside it."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", app.name, "--server.headless", "true",
               "--server.port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=app.parent, env=os.environ | environment, stdout=output,
                                  stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(port, server, log)
        yield Server(f"http://localhost:{port}", psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)
        print(log.read_text())  # pytest shows it for a failed test only


def _wait_until_healthy(port: int, server: subprocess.Popen, log: Path) -> None:
    # Its health address alone: any other request would be the server's first, which one test wants for itself.
    for _ in range(START_SECONDS * 10):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).read()
            return
        except OSError:
            assert server.poll() is None, f"the server ended: {log.read_text()}"
            time.sleep(0.1)
    raise AssertionError(f"the server did not start within {START_SECONDS} s: {log.read_text()}")
