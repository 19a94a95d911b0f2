"""What a program that trains one network after another says of the next ones: queue.json beside the store.

It says so for as long as it lives: what was left by one that is gone counts as nothing.
"""

import contextlib
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.store.store import Store

FILE = "queue.json"
MOST = 50  # trainings that are read
LONGEST = 80  # letters of a name


@dataclass(frozen=True)
class Queue:
    """Names of runs.

    Attributes:
        now: of the training that begins or goes on; '' where there is none.
        after: what comes next, in order.
    """

    now: str = ""
    after: tuple[str, ...] = ()


def tell(store: Store, now: str, after: Sequence[str]) -> None:
    """Say what is trained now and what comes next; no longer so when this process has ended."""
    told = {"now": now, "next": list(after), "pid": os.getpid(), "host": socket.gethostname()}
    with contextlib.suppress(OSError), replacing(store.folder / FILE, alone=True) as partial:
        partial.write_text(json.dumps(told))


def read(store: Store) -> Queue:
    """What was told last by a process of this machine that still lives."""
    try:
        told = bounded_file.settings(store.folder / FILE)
    except (OSError, ValueError):
        return Queue()
    if not isinstance(told, dict) or told.get("host") != socket.gethostname():
        return Queue()
    pid, after = told.get("pid"), told.get("next")
    if not isinstance(pid, int) or not psutil.pid_exists(pid):
        return Queue()
    names = [str(name)[:LONGEST] for name in after[:MOST]] if isinstance(after, list) else []
    return Queue(str(told.get("now") or "")[:LONGEST], tuple(names))
