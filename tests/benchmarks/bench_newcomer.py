"""A newcomer's paths by the mouse, with clicks and seconds, and how many stops of Tab each page has.

    pytest -m benchmark -s tests/benchmarks/bench_newcomer.py

On the tests' phantoms, or on the store that SHOWN_STORE names. Seconds run from the address in a new tab to the end of
the path; the hand itself takes none, so they are what the workbench makes people wait. REPEATS (3) of each, of which
the first is on a new server: what it imports and reads is told apart from the median of the others.
"""

import io
import os
import statistics
import time
from pathlib import Path

import pytest
from browser_server import serving
from keyboard import Keyboard
from newcomer import PATHS, Mouse
from picking import settle
from PIL import Image

from cxrcore.data.phantoms.draw_film import draw_phantom
from cxrcore.store import Store
from cxrcore.ui.shell import PAGES

pytestmark = pytest.mark.benchmark

DESK = {"width": 1440, "height": 900}
REPEATS = int(os.environ.get("REPEATS", "3"))
