"""Processes of tests that start quickly: forked from one that has loaded what they need, once for a whole test run."""

from multiprocessing import get_context
from typing import Any

_WANTED: list[str] = []


def context(*modules: str) -> Any:
    """The context whose processes begin with these modules loaded.

    There is one such server for all tests of a process, and it loads what it was told last before it starts, when all
    test files have been imported. So each is told together with all before it.
    """
    found = get_context("forkserver")
    _WANTED.extend(module for module in modules if module not in _WANTED)
    found.set_forkserver_preload(list(_WANTED))
    return found
