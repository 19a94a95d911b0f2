"""What a program that makes several trainings says of them: queue.json beside the store.

It says so for as long as it lives: what was left by one that is gone counts as nothing. In a team's shared folder each
machine has a file of its own, so that two do not write over each other's.
"""

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.store.progress import is_process
from cxrcore.store.store import Store

FILE = "queue.json"
MOST = 1000  # trainings in a queue
LONGEST = 200  # letters of a text

QUEUED, WAITING, RUNNING, DONE, FAILED = STATES = ("queued", "waiting", "running", "done", "failed")


@dataclass(frozen=True)
class Queued:
    """A training.

    Attributes:
        name: of its run.
        state: of `STATES`; 'waiting' for another process that makes it.
        said: of its state, for people: where it runs, why it failed.
    """

    name: str
    state: str = QUEUED
    said: str = ""


@dataclass(frozen=True)
class Queue:
    """Trainings in their order.

    Attributes:
        whole: it holds those too that are done or have failed.
    """

    trainings: tuple[Queued, ...] = ()
    whole: bool = False

    def names(self, state: str) -> list[str]:
        """Of the trainings in a state."""
        return [one.name for one in self.trainings if one.state == state]

    def first_things_first(self) -> list[Queued]:
        """What is under way, then what went wrong, then what comes, then what is done."""
        order = (RUNNING, WAITING, FAILED, QUEUED, DONE)
        return sorted(self.trainings, key=lambda one: order.index(one.state))

    def in_words(self) -> str:
        """'5 of 12 done, 1 failed, 2 running, 4 queued'."""
        counts = [(len(self.names(state)), state) for state in (FAILED, RUNNING, WAITING, QUEUED)]
        return ", ".join([f"{len(self.names(DONE))} of {len(self.trainings)} done",
                          *(f"{count} {state}" for count, state in counts if count)])


def place(store: Store) -> Path:
    """The file in which this machine's programs tell."""
    if store.is_file:
        return store.folder / FILE
    host = "".join(c if c.isalnum() or c in "-." else "_" for c in socket.gethostname())[:80]
    return store.folder / f"queue-{host}.json"


def tell(store: Store, queue: Queue) -> None:
    """Say what is trained and what comes next; no longer so when this process has ended."""
    told = asdict(queue) | {"pid": os.getpid(), "host": socket.gethostname()}
    with contextlib.suppress(OSError):
        store.folder.mkdir(parents=True, exist_ok=True)
        with replacing(place(store), alone=True) as partial:
            partial.write_text(json.dumps(told))


def read(store: Store) -> Queue:
    """What was told last by a process of this machine that still lives."""
    try:
        told = bounded_file.settings(place(store))
    except (OSError, ValueError):
        return Queue()
    if not isinstance(told, dict) or told.get("host") != socket.gethostname():
        return Queue()
    pid, rows = told.get("pid"), told.get("trainings")
    if not isinstance(rows, list) or not is_process(pid):
        return Queue()
    texts = [[str(row.get(name) or "")[:LONGEST] for name in ("name", "state", "said")]
             for row in rows[:MOST] if isinstance(row, dict)]
    return Queue(tuple(Queued(*row) for row in texts if row[1] in STATES), told.get("whole") is True)
