"""Ends the first process where another one has failed and it cannot notice itself: a GPU's queue waits for ever."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Generator

from cxrcore.errors import WorkbenchError
from cxrcore.training.ranks.endings import FAILED
from cxrcore.training.ranks.group import Group
from cxrcore.training.ranks.meeting import in_words

_LOG = logging.getLogger(__name__)  # scripts print what it says

LOOK_EVERY = 1.0  # seconds
GRACE = 15.0  # seconds to end by itself; torchrun kills 30 seconds after its SIGTERM


@contextlib.contextmanager
def watched(group: Group, when_stuck: Callable[[str], None]) -> Generator[None]:
    """While the block runs in the first of several processes, it outlives another's failure by `GRACE` at most.

    Args:
        when_stuck: writes down the error, in a thread of its own, before the process ends.
    """
    if group.world == 1 or not group.leads:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(group, ended, when_stuck), name="others", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _watch(group: Group, ended: threading.Event, when_stuck: Callable[[str], None]) -> None:
    endings = group.endings
    while endings is not None and not ended.wait(LOOK_EVERY):
        found = endings.of_others()
        if found is None:
            continue
        if found.kind != FAILED or ended.wait(GRACE):
            return
        line = in_words(found, group.world)
        try:
            when_stuck(line)
            _LOG.error(f"error: {line}")
        finally:
            os._exit(WorkbenchError.exit_code)
