"""Many visitors on one server: no error, pages in time, memory that stays.

    CXR_LOAD_VISITORS=47 CXR_LOAD_MINUTES=10 python -m pytest -m long -s tests/load/test_many_visitors.py

So many visitors speak Streamlit's protocol, and three sit at real browsers. Each does something every 20 seconds: pages
in the order of the menu, and on the threshold board fits, drags, saved and loaded sets; and uploads a film every five
minutes (never with CXR_LOAD_UPLOADS=0, which tells how memory grows without them). All of it, the clients' own work
too, shares the machine; who took what is printed. The short form takes 8 s where nothing else runs.
"""

import io
import itertools
import math
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import browser_server
import protocol_visitor
import pytest
from load_figures import Figures, Watch
from phantom_store import PhantomStore
from PIL import Image
from protocol_visitor import ProtocolVisitor, walk

from cxrcore.config import PROJECT_ROOT

EVERY, UPLOAD_EVERY = 20.0, 300.0  # seconds
BROWSERS = 3
MOST_SECONDS, MOST_BYTES, MOST_GROWTH = 2.0, 2e9, 1.0  # p95 of a page; of the server with all it started; MB a minute
FILM_SIZE, FILMS = 1024, 120  # pixels a side, as NIH's; so many that no upload is one that was explained before
FEW, SHORT_PAGES = 3, ("runs", "thresholds", "curves")  # of the short form


def large_films(phantoms: PhantomStore) -> list[bytes]:
    """Files of the size that visitors have."""
    made = []
    for path in sorted(phantoms.films.rglob("*.png"))[:FILMS]:
        file = io.BytesIO()
        Image.open(path).resize((FILM_SIZE, FILM_SIZE), Image.Resampling.BICUBIC).save(file, "PNG", compress_level=1)
        made.append(file.getvalue())
    return made


def test_a_few_visitors_see_no_error(phantoms: PhantomStore, tmp_path):
    runs, figures = Path(shutil.copytree(phantoms.path.parent, tmp_path / "runs")), Figures()
    run_ids = list(phantoms.run_ids.values())
    with browser_server.serving(runs / phantoms.path.name, tmp_path / "log") as address:
        walk(address, [ProtocolVisitor(number, SHORT_PAGES, run_ids, None, 0.2, 0, figures, rounds=1)
                       for number in range(FEW)])
    assert figures.errors == []
    assert {what: len(taken) for what, taken in figures.seconds.items()} == dict.fromkeys(
        (*SHORT_PAGES, *protocol_visitor.ON_THE_BOARD), FEW)


@pytest.mark.long
@pytest.mark.browser
def test_many_visitors_see_no_error_and_wait_for_no_page(phantoms: PhantomStore, chromium, tmp_path):
    import browser_visitor
    from browser_visitor import BrowserVisitor

    n, seconds = int(os.environ.get("CXR_LOAD_VISITORS") or 47), 60 * float(os.environ.get("CXR_LOAD_MINUTES") or 10)
    runs, before = Path(shutil.copytree(phantoms.path.parent, tmp_path / "runs")), os.getloadavg()[0]
    run_ids, films, figures = list(phantoms.run_ids.values()), itertools.cycle(large_films(phantoms)), Figures()
    upload_every = math.inf if os.environ.get("CXR_LOAD_UPLOADS") == "0" else UPLOAD_EVERY
    with browser_server.running(PROJECT_ROOT / "app.py", tmp_path / "log", CXR_STORE=str(runs / phantoms.path.name),
                                CXR_TRACE="") as server:
        watch, ended = Watch(server.process), threading.Event()
        watching = threading.Thread(target=watch.until, args=(ended,))
        watching.start()
        tabs = [BrowserVisitor(number, chromium, server.address, run_ids, films, EVERY, upload_every, figures)
                for number in range(BROWSERS)]
        until = time.monotonic() + seconds
        walk(server.address, [ProtocolVisitor(number, protocol_visitor.KINDS, run_ids, films, EVERY, upload_every,
                                              figures) for number in range(n)],
             until, lambda: browser_visitor.take_turns(tabs, until))
        ended.set()
        watching.join()
        for tab in tabs:
            tab.close()
    print(f"\n{n} visitors and {BROWSERS} browsers for {seconds / 60:g} minutes on {os.cpu_count()} cores, load of the "
          f"machine {before:.1f} before, {os.getloadavg()[0]:.1f} at the end")
    pages = [*protocol_visitor.KINDS, browser_visitor.BY_MENU, browser_visitor.BY_LINK]
    print(figures.minute_by_minute(pages))
    print(figures.in_words(pages, "all pages"))
    for kind in (*protocol_visitor.ACTIONS, *browser_visitor.KINDS):
        print(figures.in_words([kind], kind))
    print(watch.in_words())
    print(*(f"{n} times: {error}" for error, n in Counter(figures.errors).most_common()), sep="\n")
    assert figures.errors == []
    assert figures.p95(*pages) <= MOST_SECONDS
    assert max(size for _, size in watch.memory) <= MOST_BYTES and watch.slope() <= MOST_GROWTH
