"""Many visitors on one server for ten minutes: no error, pages in time, memory that stays.

    CXR_LOAD_VISITORS=12 CXR_LOAD_MINUTES=10 python -m pytest -m long -s tests/load/test_many_visitors.py

So many visitors speak Streamlit's protocol, and three sit at real browsers; each does something every 20 seconds. One
of the browsers uploads a film every five minutes, whose times are told apart.
"""

import itertools
import os
import shutil
import threading
import time
from collections import defaultdict
from pathlib import Path

import browser_server
import numpy as np
import psutil
import pytest
from page_session import PageSession
from phantom_store import PhantomStore

from cxrcore.config import PROJECT_ROOT

EVERY, UPLOAD_EVERY, LOOK_EVERY = 20.0, 300.0, 5.0  # seconds
PAGES = ("runs", "thresholds", "curves", "compare", "home", "data")
BROWSERS = 3
MOST_SECONDS, MOST_BYTES = 2.0, 2e9  # p95 of a page; memory of the server with all that it started
SETTLED, GROWTH = 0.4, 1.15  # share of the time after which memory has to stay, and by how much it may still grow


class Told:
    """What all visitors saw."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []
        self.memory: list[float] = []

    def in_words(self, what: str) -> str:
        """Percentiles of one kind of action."""
        p50, p95, most = np.percentile(self.seconds[what], [50, 95, 100])
        return f"{what}: {len(self.seconds[what])} times, p50 {p50:.2f} s, p95 {p95:.2f} s, max {most:.2f} s"


def visit(number: int, address: str, run_ids: list[str], until: float, told: Told) -> None:
    """One visitor without a browser: page after page, about one run after the other."""
    time.sleep(number * EVERY / 20)  # not all at once
    pages, runs = itertools.cycle(PAGES[number % len(PAGES):] + PAGES[:number % len(PAGES)]), itertools.cycle(run_ids)
    try:
        with PageSession(address) as session:
            while time.monotonic() < until:
                began, page = time.monotonic(), next(pages)
                seen = session.open("" if page == "home" else page, f"run={next(runs)}")
                told.seconds["page"].append(seen.seconds)
                told.errors += seen.errors
                time.sleep(max(0.0, began + EVERY - time.monotonic()))
    except Exception as error:
        told.errors.append(f"visitor {number}: {error!r}")


def watch(server: psutil.Process, until: float, told: Told) -> None:
    """The server's memory, with that of the processes that it started."""
    while time.monotonic() < until:
        own = [server, *server.children(recursive=True)]
        told.memory.append(sum(one.memory_info().rss for one in own if one.is_running()))
        time.sleep(LOOK_EVERY)


def browse(chromium, address: str, run_ids: list[str], film: Path, until: float, told: Told) -> None:
    """Three browsers in turns: a page, a drag over the first finding's row of the board, and an upload now and then."""
    tabs = [chromium.new_page(viewport={"width": 1440, "height": 900}) for _ in range(BROWSERS)]
    uploaded, turns = -UPLOAD_EVERY, itertools.count()
    while time.monotonic() < until:
        began, turn = time.monotonic(), next(turns)
        for place, tab in enumerate(tabs):
            run_id = run_ids[(turn + place) % len(run_ids)]
            if place == 0 and began - uploaded >= UPLOAD_EVERY:
                uploaded = began
                _timed(told, "upload", lambda tab=tab, run_id=run_id: _upload(tab, address, run_id, film))
            elif place == 1:
                _timed(told, "drag", lambda tab=tab, run_id=run_id: _drag(tab, address, run_id))
            else:
                _timed(told, "page in a browser", lambda tab=tab, run_id=run_id, page=PAGES[turn % 4]: _look(
                    tab, f"{address}/{page}?run={run_id}"))
            told.errors += tab.locator("[data-testid=stException]").all_inner_texts()
        time.sleep(max(0.0, began + EVERY - time.monotonic()))


def _timed(told: Told, what: str, do) -> None:
    began = time.perf_counter()
    try:
        do()
    except Exception as error:
        told.errors.append(f"{what}: {str(error)[:300]}")
    told.seconds[what].append(time.perf_counter() - began)


def _look(tab, link: str) -> None:
    tab.goto(link)
    tab.locator("[data-first-content], [data-testid=stAlert]").first.wait_for(timeout=60_000)


def _drag(tab, address: str, run_id: str) -> None:
    _look(tab, f"{address}/thresholds?run={run_id}")
    slider = tab.locator("[data-testid=threshold-board] [data-finding]").get_by_role("slider").first
    slider.wait_for(timeout=60_000)
    slider.scroll_into_view_if_needed()
    box, share = slider.bounding_box(), int(slider.input_value()) / int(slider.get_attribute("max"))
    x, y = box["x"] + 7 + (box["width"] - 14) * share, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    for step in range(30):
        tab.mouse.move(x + 3 * step, y)
    tab.mouse.up()


def _upload(tab, address: str, run_id: str, film: Path) -> None:
    tab.goto(f"{address}/explain?run={run_id}")
    tab.locator("input[type=file]").first.set_input_files(film, timeout=60_000)
    tab.locator(".stage img").first.wait_for(timeout=120_000)


@pytest.mark.long
@pytest.mark.browser
def test_many_visitors_see_no_error_and_wait_for_no_page(phantoms: PhantomStore, chromium, tmp_path):
    visitors = int(os.environ.get("CXR_LOAD_VISITORS") or 12)
    seconds = 60 * float(os.environ.get("CXR_LOAD_MINUTES") or 10)
    runs = Path(shutil.copytree(phantoms.path.parent, tmp_path / "runs"))
    run_ids, told = list(phantoms.run_ids.values()), Told()
    film = next(iter(sorted(phantoms.films.rglob("*.png"))))
    with browser_server.running(PROJECT_ROOT / "app.py", tmp_path / "log", CXR_STORE=str(runs / phantoms.path.name),
                                CXR_TRACE="") as server:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=visit, args=(number, server.address, run_ids, until, told))
                   for number in range(visitors)]
        threads.append(threading.Thread(target=watch, args=(server.process, until, told)))
        for thread in threads:
            thread.start()
        browse(chromium, server.address, run_ids, film, until, told)
        for thread in threads:
            thread.join()
    print(f"\n{visitors} visitors and {BROWSERS} browsers for {seconds / 60:g} minutes on {os.cpu_count()} cores")
    for what in told.seconds:
        print(told.in_words(what))
    settled = told.memory[int(SETTLED * len(told.memory)):]
    print(f"memory: at most {max(told.memory) / 1e9:.2f} GB; {settled[0] / 1e9:.2f} GB when settled, "
          f"{settled[-1] / 1e9:.2f} GB at the end")
    assert told.errors == []
    assert np.percentile(told.seconds["page"], 95) <= MOST_SECONDS
    assert max(told.memory) <= MOST_BYTES and max(settled) <= GROWTH * settled[0]
