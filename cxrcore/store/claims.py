"""Who trains what: a claim beside the store, so that no training is made twice at a time, whatever started it.

A claim is a lock of the operating system, which ends with its process however that ends, and a heartbeat beside it,
for machines whose locks do not reach the shared folder. A team's is a lease in its database. A scheduler's word is not
asked for.
"""

import contextlib
import socket
import time
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout

from cxrcore.errors import BeingTrained, StoreError
from cxrcore.store.backends.session import LEASE_STALE, Held
from cxrcore.store.progress import BEAT, Progress, effective_status, lease_of, read_progress
from cxrcore.store.run_folder import PROGRESS
from cxrcore.store.store import Store

FOLDER = "claims"
_TRAINING = "training {}"


@contextlib.contextmanager
def claimed(store: Store, key: str) -> Generator[None]:
    """The training of this key is this process's for as long as the block runs.

    Raises:
        BeingTrained: another process has it; says which.
        StoreError: nothing can be written beside the store.
    """
    if not store.is_file:
        with store.backend.lease(_TRAINING.format(key)):
            yield
        return
    folder = _folder(store, key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        lock.acquire(timeout=0)
    except Timeout:
        who = holder(store, key) or "another process"
        raise BeingTrained(f"this training is under way already, by {who}") from None
    except OSError as error:
        raise StoreError(f"the claim {folder} cannot be written: {error.strerror}") from None
    try:
        _wait_for_silence(store, key)
        try:
            with Progress(folder):
                yield
        finally:
            (folder / PROGRESS).unlink(missing_ok=True)
    finally:
        lock.release()


def run_of_own(store: Store, run_id: str) -> AbstractContextManager[Held]:
    """A run is this process's for as long as the block runs, of all that share a team's store.

    Raises:
        BeingTrained: another process trains it; says which.
    """
    return store.backend.lease(lease_of(run_id))


def holder(store: Store, key: str) -> str:
    """'process 123 on NODE', of whoever trains this now; '' for nobody."""
    if not store.is_file:
        held = store.backend.heard(_TRAINING.format(key))
        return held[0][:120] if held and held[1] <= LEASE_STALE else ""
    told = read_progress(_folder(store, key))
    alive = effective_status("running", told) == "running"
    return f"process {told.get('pid')} on {str(told.get('host'))[:80]}" if alive else ""


def _wait_for_silence(store: Store, key: str) -> None:
    """With the lock in hand: whoever else still beats is on a machine whose locks are not seen here, or is gone.

    Of a node that is gone, the heartbeat goes stale within a minute; one that beats is alive.
    """
    told = read_progress(_folder(store, key))
    first = told.get("heartbeat")
    while told.get("host") != socket.gethostname() and (who := holder(store, key)):  # here, the lock has decided
        if read_progress(_folder(store, key)).get("heartbeat") != first:
            raise BeingTrained(f"this training is under way already, by {who}")
        time.sleep(BEAT)


def _folder(store: Store, key: str) -> Path:
    return store.folder / FOLDER / key
