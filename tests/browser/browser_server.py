"""A fresh Streamlit server for a browser test."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxrcore.config import PROJECT_ROOT

START_SECONDS = 40


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(store_path: Path, log: Path) -> Iterator[str]:
    """A fresh server on a free port; yields its address. Its output is printed when the test fails."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true",
               "--server.port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=PROJECT_ROOT, env=os.environ | {"CXR_STORE": str(store_path)},
                                  stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(port, server, log)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)
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
