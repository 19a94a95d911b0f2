"""What becomes of memory that this process frees: back to the machine, or kept for what needs it again at once.

glibc takes blocks below a threshold from arenas, where a small block above a large one keeps it from going back, and
has an arena of its own for each of many threads: a server that answers visitors in a thread each would hold what all of
them ever needed at once. Larger blocks are taken from the machine, and given back, by themselves (mallopt(3)). Nothing
changes where the C library is not glibc, or where the environment says how it is to be (MALLOC_...).
"""

import contextlib
import ctypes
import functools
import os
import sys
from collections.abc import Generator

ARENAS, BLOCK = 2, 1 << 20  # bytes from which a block is taken and given back by itself
KEPT = 128 << 20  # bytes that may stay with the process though nothing uses them
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of malloc.h
_GREATEST_BLOCK = 32 << 20  # that glibc takes from an arena


def give_back() -> bool:
    """Let large blocks go back to the machine as soon as they are freed; whether that is set."""
    return _set((_ARENA_MAX, ARENAS), (_MMAP_THRESHOLD, BLOCK))


@functools.cache
def keep_for_next() -> bool:
    """Let up to `KEPT` bytes of freed memory stay, from now on; whether that is set.

    Else feature maps get theirs anew, page by page, for each film: a third of what an explanation takes beside the
    network itself.
    """
    return _set((_MMAP_THRESHOLD, _GREATEST_BLOCK), (_TRIM_THRESHOLD, KEPT))


@contextlib.contextmanager
def given_back_once_freed() -> Generator[None]:
    """Large blocks that are taken inside, by whatever thread, go back as soon as they are freed: weights, for one."""
    changed = keep_for_next() and _set((_MMAP_THRESHOLD, BLOCK))
    try:
        yield
    finally:
        if changed:
            _set((_MMAP_THRESHOLD, _GREATEST_BLOCK))


def _set(*parameters: tuple[int, int]) -> bool:
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return all(mallopt(*one) for one in parameters)
