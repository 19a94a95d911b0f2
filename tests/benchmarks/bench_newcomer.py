"""A newcomer's paths by the mouse, with clicks and seconds, and how many stops of Tab each page has.

    pytest -m benchmark -s tests/benchmarks/bench_newcomer.py

On the tests' phantoms, or on the store that SHOWN_STORE names. Seconds run from the address in a new tab to the end of
the path; the hand itself takes none, so they are what the workbench makes people wait. The first walk is on a new
server, which is told apart from the median of REPEATS (3) further ones.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from browser_server import serving
from keyboard import Keyboard
from newcomer import PATHS, Mouse
from picking import PATIENCE, settle
from PIL import Image
from playwright.sync_api import expect

from cxrcore.store import Store
from cxrcore.ui.shell import PAGES

pytestmark = pytest.mark.benchmark

DESK = {"width": 1440, "height": 900}
REPEATS = int(os.environ.get("REPEATS", "3"))
expect.set_options(timeout=PATIENCE)  # a new server imports torch for its first upload


@pytest.fixture(scope="module")
def shown(request, tmp_path_factory) -> tuple[Store, Path]:
    """A store, and a file to upload: a grey square where no phantom is at hand."""
    named = os.environ.get("SHOWN_STORE")
    film = tmp_path_factory.mktemp("mine") / "mine.png"
    if named:
        Image.effect_noise((256, 256), 60).save(film)
        return Store(Path(named)), film
    phantoms = request.getfixturevalue("phantoms")
    return phantoms.store, min(phantoms.films.rglob("*.png"))


def test_the_paths_of_a_newcomer(shown, tmp_path, chromium):
    store, film = shown
    print(f"\n{store.path}, seconds from the address to the end: on a new server, then the median of {REPEATS}\n"
          "| path | clicks | on | new server | then |\n|---|---|---|---|---|")
    for path, most in PATHS.items():
        with serving(store.path, tmp_path / "server.log") as address:
            walks = [walked(chromium, address, path, film) for _ in range(1 + REPEATS)]
        clicks = walks[0][0]
        then = statistics.median(seconds for _, seconds in walks[1:])
        print(f"| {path.__name__} | {len(clicks)} of {most} | {'; '.join(clicks)} | {walks[0][1]:.1f} | {then:.1f} |")
        assert len(clicks) <= most


def walked(chromium, address: str, path: Callable[[Mouse, Path], None], film: Path) -> tuple[list[str], float]:
    """The clicks and seconds of a path in a new window."""
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    mouse, began = Mouse(page), time.monotonic()
    page.goto(f"{address}/")
    path(mouse, film)
    seconds = time.monotonic() - began
    context.close()
    return [" ".join(one.split()) for one in mouse.clicks], seconds


def test_the_stops_of_every_page(shown, tmp_path, chromium):
    store, _ = shown
    print("\n| page | stops of Tab | of them before the content | faults |\n|---|---|---|---|")
    page = chromium.new_page(viewport=DESK)
    with serving(store.path, tmp_path / "server.log") as address:
        for entry in PAGES:
            page.goto(f"{address}/{entry.name}")
            settle(page)
            keys = Keyboard(page)
            names = keys.walk()
            print(f"| {entry.name} | {len(names)} | {names.index('main')} | {'; '.join(keys.faults) or 'none'} |")
    page.close()
