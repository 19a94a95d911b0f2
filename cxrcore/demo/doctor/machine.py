"""What the machine gives: rights on the folders, free disk, and a port for the dashboard."""

import os
import shutil
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from cxrcore.demo.doctor.result import Result, problem

LEAST, LITTLE = 1e9, 1e10  # bytes
_HEALTH = "/_stcore/health"  # of Streamlit


def rights(store: Path) -> Iterator[Result]:
    """Whether a store can be read and written, and what lies beside it."""
    folder = _there(store.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield problem(f"nothing can be written in {folder}", "trainings, imports and notes need that: choose another "
                      f"store (--store or CXR_STORE), or give this user the right: chmod u+wx {folder}; a dashboard "
                      "that only shows results works with CXR_READ_ONLY=1")
        return
    for path in (store, store.with_name(f"{store.name}.gate"), store.with_name(f"{store.name}.holder")):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield problem(f"{path} cannot be read and written by this user", f"give the right: chmod u+rw {path}, or "
                          "as its owner; it may have been made by another user, such as root")
            return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        yield problem(f"nothing can be written in {folder}: {error.strerror}",
                      "make room, or choose another store with --store or CXR_STORE")
        return
    yield Result(f"{folder} can be written")


def _there(folder: Path) -> Path:
    """The folder, or the next one above it that there is."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))


def disk(store: Path) -> Iterator[Result]:
    """Room for runs, and for what programs lay aside."""
    for what, folder in (("the store", _there(store.parent)), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        told = f"{free / 1e9:,.1f} GB free for {what} ({folder})"
        if free < LEAST:
            yield problem(told, "make room: delete runs and python scripts/store.py vacuum; runs/prepared can be made "
                                "again, and may be deleted while nothing trains")
        elif free < LITTLE:
            yield Result(told, "a training of NIH's films needs some 6 GB of prepared films and 1 GB for checkpoints")
        else:
            yield Result(told)


def port(number: int) -> Result:
    """Whether the dashboard can have its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", number))
            return Result(f"port {number} is free")
        except PermissionError:
            return problem(f"this user may not open port {number}", "choose one above 1023: --server.port 8600")
        except OSError:
            pass
    if _is_dashboard(number):
        return Result(f"port {number}: a dashboard answers there", f"open http://localhost:{number}, or start another "
                                                                   "one with --server.port 8600")
    return problem(f"port {number} is taken by another program", "choose another: --server.port 8600, or end that "
                                                                 f"program (ss -ltnp 'sport = :{number}' names it)")


def _is_dashboard(number: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}{_HEALTH}", timeout=5) as answer:
            return answer.read(16) == b"ok"
    except (OSError, urllib.error.URLError, ValueError):
        return False
