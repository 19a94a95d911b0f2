"""Memory that explanations free and need again at once."""

import ctypes
import functools
import sys

KEPT = 128 << 20  # bytes that may stay with the process though nothing uses them
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt's parameters, in glibc's malloc.h
_GREATEST_MMAP_THRESHOLD = 32 << 20  # what glibc allows


@functools.cache
def keep_freed_memory() -> bool:
    """Let up to `KEPT` bytes of freed memory stay; False where the C library is not glibc, and nothing changes.

    glibc gives large freed blocks back to the system at once, and gets them anew, page by page, for the next film's
    feature maps: a third of what an explanation takes beside the network itself.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _GREATEST_MMAP_THRESHOLD)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
