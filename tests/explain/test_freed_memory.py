"""Large blocks that are freed leave the process, though small ones lie between them."""

import os
import subprocess
import sys

import pytest

from cxrcore.config import PROJECT_ROOT

FOR_NEXT = """
import sys
import numpy as np
from cxrcore.explain import freed_memory
if not (freed_memory.give_back() and freed_memory.keep_for_next()):
    sys.exit("not glibc")
large, small = [], []
def take():
    for _ in range(50):
        large.append(np.ones(300_000))
        small.append(bytes(100_000))
if sys.argv[1] == "yes":
    with freed_memory.given_back_once_freed():
        take()
else:
    take()
del large[:-1]
print(int(open("/proc/self/statm").read().split()[1]) * 4096 // 1_000_000)
"""
HELD = """
import sys
import numpy as np
from cxrcore.explain import freed_memory
if sys.argv[1] == "yes" and not freed_memory.give_back():
    sys.exit("not glibc")
np.ones(4_000_000).sum()  # 32 MB: as much as makes glibc take blocks of this size from its arenas
large, small = [], []
for _ in range(50):
    large.append(np.ones(300_000))
    small.append(bytes(100_000))
del large
print(int(open("/proc/self/statm").read().split()[1]) * 4096 // 1_000_000)
"""


def held(given_back: str, script: str = HELD) -> int:
    """MB that a process holds after it has freed 120 MB."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", script, given_back], capture_output=True, text=True, cwd=PROJECT_ROOT,
                          env=outside | {"PYTHONPATH": str(PROJECT_ROOT)}, check=False)
    if done.stderr.endswith("not glibc\n"):
        pytest.skip("only glibc keeps freed memory like this")
    return int(done.stdout)


def test_what_is_freed_is_given_back():
    assert held("yes") < held("no") - 60


def test_what_is_kept_for_the_next_does_not_keep_weights():
    assert held("yes", FOR_NEXT) < held("no", FOR_NEXT) - 60
