"""What a server frees goes back to the machine.

glibc takes memory from an arena of its own for each of many threads, and once a large block was freed the next of its
size comes from an arena too, where a small one above it keeps it from going back. A server that answers visitors in a
thread each would hold what all of them ever needed at once (mallopt(3), M_ARENA_MAX and M_MMAP_THRESHOLD).
"""

import ctypes
import os
import sys

ARENAS, BLOCK = 2, 1 << 20  # bytes from which a block is taken from the machine, and given back, by itself
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of malloc.h


def give_back() -> bool:
    """Set both for this process, unless its environment does; whether they were set."""
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc alone
    return mallopt is not None and bool(mallopt(_ARENA_MAX, ARENAS) and mallopt(_MMAP_THRESHOLD, BLOCK))
