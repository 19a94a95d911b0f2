"""The dashboard as a process of its own: started on a store, waited for, shown in a browser."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Generator

from cxrcore.config import PROJECT_ROOT
from cxrcore.errors import RunError
from cxrcore.store import Store

START_SECONDS = 120  # on a busy machine


@contextlib.contextmanager
def serving(store: Store, port: int, printed: bool = True) -> Generator[subprocess.Popen]:
    """The dashboard on a store, while the block runs; the block begins when it answers.

    Args:
        printed: what the server prints.

    Raises:
        RunError: it does not start.
    """
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"],
        cwd=PROJECT_ROOT, env=os.environ | {"CXR_STORE": store.key},
        stdout=None if printed else subprocess.DEVNULL)
    try:
        _wait(server, port)
        yield server
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)


def _wait(server: subprocess.Popen, port: int) -> None:
    for _ in range(START_SECONDS * 4):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).read()
            return
        if server.poll() is not None:
            raise RunError(f"the dashboard did not start: it ended with status {server.returncode}")
        time.sleep(0.25)
    raise RunError(f"the dashboard did not answer at port {port} within {START_SECONDS} s")


def is_free(port: int) -> bool:
    """Whether nobody answers there yet."""
    with socket.socket() as asked:
        return asked.connect_ex(("localhost", port)) != 0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def show_in_browser(address: str) -> None:
    """Open a page in the person's browser, where there is a screen; one inside the terminal would take that over."""
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
