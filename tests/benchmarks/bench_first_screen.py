"""What each page of the workbench shows first, when, and with how many bytes, in a real browser.

    pytest -m benchmark -s tests/benchmarks/bench_first_screen.py

On the tests' phantoms, or on the store that SHOWN_STORE names; RUNS (1) runs are in the links, and each time is the
median of REPEATS (3); PAGES=explain,data measures these pages alone. New tab: of a browser that has Streamlit's own
files and a server that has shown the page before. Menu: from the page Data (to Data from Runs). New server: the first
page that it shows, its imports included. Beside them what answers a hand: the film viewer, the board, an upload.
"""

import io
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from browser_server import serving
from first_screen import FIRST, HIGHEST, WATCH, Sent, first_y, quiet, seen, time_of, watched_tab
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from cxrcore.queries import film_pixels
from cxrcore.store import Store
from cxrcore.ui.shell import PAGES, PageEntry

pytestmark = pytest.mark.benchmark

DESK = "1440x900"
ASKED = [name for name in os.environ.get("PAGES", "").split(",") if name]
SIZES = {DESK: (1440, 900), "390x844": (390, 844)}
RUNS, REPEATS = int(os.environ.get("RUNS", "1")), int(os.environ.get("REPEATS", "3"))
MOST_RUNS = 3  # in the link, for what each further one adds
SHIFTED = 0.05  # from which on it is told what moved
HEADS = ("page", "window", "first y", "shift", "after the title", "kB", "pictures", "further run",
         "new tab: answer", "last change", "menu: answer", "last change", "new server: answer", "last change")
UPLOADS, HOVERS, STEPS = 4, 28, 90


@dataclass(frozen=True)
class Shown:
    """A store, what of it is in the links, and films to upload.

    Attributes:
        runs: with test predictions; those with weights first.
        film: of the test split, with its picture; None where there is none.
        films: {name: PNG} to upload.
    """

    store: Store
    runs: list[str]
    film: str | None
    films: dict[str, bytes]

    def link(self, name: str, n_runs: int = RUNS, film: bool = True) -> str:
        parts = [f"run={run_id}" for run_id in self.runs[:n_runs]]
        parts += [f"film={self.film}"] if name == "explain" and film and self.film else []
        return f"{name}?{'&'.join(parts)}"


@pytest.fixture(scope="module")
def shown(request) -> Shown:
    named = os.environ.get("SHOWN_STORE")
    store = Store(Path(named)) if named else request.getfixturevalue("phantoms").store
    sets, runs = store.prediction_sets(), store.runs().set_index("run_id")
    tested = sets[sets["split"] == "test"].drop_duplicates("run_id")
    chosen = tested["run_id"].tolist()
    chosen.sort(key=lambda run_id: not list((store.path.parent / run_id).glob("*.pth")))
    of = tested.set_index("run_id").at[chosen[0], "prediction_id"]
    held = film_pixels.films_of(store, runs.at[chosen[0], "dataset_id"])
    films = {}
    for name in map(str, store.predictions(of).image_ids[:UPLOADS + 1]):
        if held is not None and (pixels := held.film(name)) is not None:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            films[name] = file.getvalue()
    return Shown(store, chosen, next(iter(films), None), dict(list(films.items())[1:]))


def window(chromium, size: str) -> BrowserContext:
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height})
    context.add_init_script(WATCH)
    return context


# -- pages


@pytest.mark.parametrize("size", SIZES)
def test_every_page(shown, tmp_path, chromium, size):
    rows, moved, wrong = [], [], []
    context = window(chromium, size)
    try:
        with serving(shown.store.path, tmp_path / "server.log") as address:
            for entry in [one for one in PAGES if not ASKED or one.name in ASKED]:
                on_desk = [*by_the_menu(context, address, shown, entry),
                           *on_a_new_server(chromium, shown, entry, tmp_path / "new.log")] if size == DESK else []
                in_tabs, sent, top, (shift, later, moves), number = in_new_tabs(context, address, shown, entry)
                each = further_run(context, address, shown, entry, sent)
                rows.append([entry.name, size, f"{top:.0f}", f"{shift:.3f}", f"{later:.3f}",
                             *(f"{one / 1e3:.0f}" for one in (sent.told, sent.pictures, each)),
                             *map(seconds, [*in_tabs, *on_desk])])
                if later > SHIFTED:
                    moved.append(f"{entry.name}, {size}: {moves}")
                if number != 1 or (size == DESK and top > HIGHEST and not entry.stage):
                    wrong.append((entry.name, number, top))
    finally:  # a run that is broken off has told what it saw
        print(f"\n{shown.store.path}, {RUNS} of {len(shown.runs)} runs in the link, medians of {REPEATS}; y in pixels, "
              "bytes in kB, times in s\n")
        heads = HEADS if size == DESK else HEADS[:-4]
        for row in (heads, ["---"] * len(heads), *rows):
            print("| " + " | ".join(row) + " |")
        print("\nMoved after the title:", *moved or ["nothing"], sep="\n")
        context.close()
    assert not wrong, wrong


def on_a_new_server(chromium, shown: Shown, entry: PageEntry, log: Path) -> tuple[float, float]:
    """Milliseconds until the answer and the last change of the first page that a server shows, in a new browser."""
    context = window(chromium, DESK)
    with serving(shown.store.path, log) as address, watched_tab(context, f"{address}/{shown.link(entry.name)}") as (
            tab, _):
        times = time_of(tab, "answer"), seen(tab, "changed")
    context.close()
    return times


def in_new_tabs(context: BrowserContext, address: str, shown: Shown, entry: PageEntry
                ) -> tuple[tuple[float, float], Sent, float, tuple[float, float, str], int]:
    """Times of a new tab, bytes, the first content's y, layout shift and what moved, how many first contents."""
    times, shifts = [], []
    for _ in range(REPEATS):
        with watched_tab(context, f"{address}/{shown.link(entry.name)}") as (tab, sent):
            times.append((time_of(tab, "answer"), seen(tab, "changed")))
            shifts.append((seen(tab, "shift"), seen(tab, "later"), causes(tab)))
            top, number = first_y(tab), tab.locator(FIRST).count()
    return median(times), sent, top, max(shifts), number


def causes(tab: Page) -> str:
    """The greatest shifts of a page, with what moved from where (y+height) to where."""
    greatest = sorted(tab.evaluate("seen.shifts"), key=lambda one: -one["value"])[:3]
    return "; ".join(f"{one['value']:.3f} at {one['at'] / 1e3:.2f} s ({', '.join(one['of'][:3])})" for one in greatest)


def further_run(context: BrowserContext, address: str, shown: Shown, entry: PageEntry, sent: Sent) -> float:
    """Bytes that each further run adds to what is sent, without pictures; NaN where there is no further one."""
    n = min(len(shown.runs), MOST_RUNS)
    if n <= RUNS:
        return np.nan
    with watched_tab(context, f"{address}/{shown.link(entry.name, n)}") as (_, more):
        return (more.told - sent.told) / (n - RUNS)


def by_the_menu(context: BrowserContext, address: str, shown: Shown, entry: PageEntry
                ) -> tuple[float, float]:
    """Milliseconds from the click on a page's name in the menu; the first time, which warms the server, left out."""
    other = next(page for page in PAGES if page.name == ("runs" if entry.name == "data" else "data"))
    begin, times = f"{address}/{shown.link(other.name)}", []
    with watched_tab(context, begin) as (tab, _):
        for _ in range(1 + REPEATS):
            times.append(clicked(tab, entry.title))
            if entry.stage:  # which folds the menu
                tab.goto(begin)
                quiet(tab, 300)
            else:
                clicked(tab, other.title)
    return median(times[1:])


def clicked(tab: Page, title: str) -> tuple[float, float]:
    link = tab.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True)
    tab.mouse.move(720, 700)  # away from the menu, whose tooltips lie over it
    expect(tab.get_by_test_id("stTooltipContent")).to_have_count(0)
    tab.evaluate("seen.answer(seen.said())")
    link.click()
    answer = time_of(tab, "answer")
    quiet(tab, 600)
    began = seen(tab, "began")
    return answer - began, seen(tab, "changed") - began


def median(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    answer, last = zip(*times, strict=True)
    return statistics.median(answer), statistics.median(last)


def seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1e3:.2f}"


# -- what answers a hand


def test_what_answers_a_hand(shown, tmp_path, chromium):
    context = window(chromium, DESK)
    with serving(shown.store.path, tmp_path / "server.log") as address:
        with watched_tab(context, f"{address}/{shown.link('thresholds')}") as (tab, _):
            print(f"\nboard, pointer to paint: {drag(tab)}")
        if shown.film is None or len(shown.films) < UPLOADS:
            print("no films in this store: nothing to look at or upload")
            return
        with watched_tab(context, f"{address}/{shown.link('explain')}") as (tab, _):
            print(f"film viewer, hover to preview: {over_rows(tab, 'pointermove')}\n"
                  f"film viewer, another map: {over_rows(tab, 'click')}")
        with watched_tab(context, f"{address}/{shown.link('explain', film=False)}") as (tab, _):
            times = [upload(tab, name, content) for name, content in shown.films.items()]
            print(f"upload to map: {seconds(statistics.median(times))} s, median of {', '.join(map(seconds, times))}")
    context.close()


def drag(tab: Page) -> str:
    handle = tab.get_by_test_id("threshold-board").locator("[data-finding] input[type=range]").nth(2)
    handle.scroll_into_view_if_needed()
    quiet(tab)
    box = handle.bounding_box()
    middle, reach, y = box["x"] + box["width"] / 2, box["width"] / 2 - 8, box["y"] + box["height"] / 2
    tab.mouse.move(middle, y)
    tab.mouse.down()
    tab.wait_for_timeout(200)
    tab.evaluate("seen.feel('pointermove')")
    for step in range(STEPS):
        tab.mouse.move(middle + reach * np.sin(step / 9), y)
    felt = percentiles(tab)
    tab.mouse.up()
    return felt


def over_rows(tab: Page, event: str) -> str:
    """Point at, or click, one row of the film viewer after another."""
    tab.evaluate("type => seen.feel(type)", event)
    rows = tab.get_by_test_id("film-viewer").locator(".list .row")
    for step in range(HOVERS):
        row = rows.nth(step % rows.count())
        if event == "click":
            row.click()
        else:
            row.hover()
        tab.wait_for_timeout(50)
    expect(row).to_have_class("row shown")
    felt = percentiles(tab)
    quiet(tab)
    return felt


def percentiles(tab: Page) -> str:
    tab.wait_for_timeout(200)
    felt = tab.evaluate("seen.felt")
    return " / ".join(f"{value:.1f}" for value in np.percentile(felt, [50, 95, 99])) + (
        f" ms (p50, p95, p99 of {len(felt)})")


def upload(tab: Page, name: str, content: bytes) -> float:
    """Milliseconds from a file that was chosen to its map on the screen; what was there before is closed."""
    if tab.get_by_role("button", name="Close", exact=True).count():
        tab.get_by_role("button", name="Close", exact=True).click()
        expect(tab.get_by_test_id("film-viewer")).to_have_count(0)
        quiet(tab)
    tab.evaluate("""seen.when("map", () => seen.inside(".stage .heat").some((one) => one.width > 0)
      && seen.inside(".stage img").some((one) => one.complete && one.naturalWidth > 0 && one.checkVisibility()))""")
    tab.locator("input[type=file]").set_input_files({"name": f"new_{name}", "mimeType": "image/png",
                                                     "buffer": content})
    shown_at = time_of(tab, "map")
    began = seen(tab, "began")
    quiet(tab)
    return shown_at - began
