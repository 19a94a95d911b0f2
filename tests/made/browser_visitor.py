"""A visitor at a browser who walks the pages by menu and by link, drags, fits, and uploads a film now and then."""

import itertools
import re
import time
from collections.abc import Iterator, Sequence

from load_figures import Figures
from picking import LOOK_EVERY, PATIENCE
from playwright.sync_api import Browser, Page

from cxrcore.ui.shell import HOME, PAGES, PageEntry

DESK = {"width": 1440, "height": 900}
BY_MENU, BY_LINK, DRAG, FIT, UPLOAD = KINDS = tuple(
    f"{what} in a browser" for what in ("page by menu", "page by link", "drag", "fit", "upload"))
AIMS = ("youden@val", "max_f1@val", "classic@val")
# On a deep link Streamlit's own script asks below the page's path first where its server is, and is told 404.
SEARCHED = re.compile(r"/\w+/_stcore/(health|host-config)$")
DRAWN = """title => document.title.startsWith(title) && document.querySelector(".page-drawn, [data-first-content]")
  && document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
  && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")"""


def watched(page: Page) -> tuple[Page, list[str]]:
    """A tab and the list that its errors go to."""
    faults: list[str] = []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("console", lambda said: faults.append(f"{said.text} {said.location}") if said.type == "error"
            and not SEARCHED.search(said.location["url"]) else None)
    return page, faults


class BrowserVisitor:
    """One visitor; `act` does what is due.

    Args:
        number: from 0; tells this visitor's way from others'.
        run_ids: each link opens another one.
        films: files to upload.
        every, upload_every: seconds between two actions and between two uploads.
    """

    def __init__(self, number: int, browser: Browser, address: str, run_ids: Sequence[str], films: Iterator[bytes],
                 every: float, upload_every: float, figures: Figures):
        self._tab, self._faults = watched(browser.new_context(viewport=DESK).new_page())
        self._address, self._films, self._figures, self._every = address, films, figures, every
        self._run_ids, self._upload_every = itertools.cycle(run_ids[number:] + run_ids[:number]), upload_every
        self.due = time.monotonic() + every * number / 3
        self._upload_due = self.due + upload_every * (number + 1) / 4
        at = len(PAGES) * number // 3
        self._way, self._aims = self._walk([*PAGES[at:], *PAGES[:at]]), itertools.cycle(AIMS)
        self._coming = next(self._way)

    def act(self) -> None:
        """Do the next thing; what went wrong is among the figures."""
        self.due = max(self.due + self._every, time.monotonic())
        if time.monotonic() >= self._upload_due and self._coming[0] not in (DRAG, FIT):  # which need the board's page
            self._upload_due += self._upload_every
            self._do(UPLOAD, None)
        else:
            self._do(*self._coming)
            self._coming = next(self._way)

    def close(self) -> None:
        self._tab.context.close()

    def _walk(self, pages: Sequence[PageEntry]) -> Iterator[tuple[str, PageEntry | None]]:
        """The first page of each round by a link, and those that the menu does not lead to or from."""
        for _ in itertools.count():
            by_link = True
            for page in pages:
                yield (BY_LINK if by_link or page.stage else BY_MENU), page
                by_link = page.stage  # whose menu is folded
                if page.name == "thresholds":
                    yield from ((DRAG, None), (FIT, None))

    def _do(self, what: str, page: PageEntry | None) -> None:
        with self._figures.told(f"{what} {page.name if page else ''}"):
            acts = {BY_MENU: self._by_menu, BY_LINK: self._by_link, DRAG: self._drag, FIT: self._fit,
                    UPLOAD: self._upload}
            began = acts[what](page)
            self._figures.took(what, time.perf_counter() - began)
            for kind in ("stException", "stAlertContentError"):
                self._faults += self._tab.get_by_test_id(kind).all_inner_texts()
        self._figures.errors += [f"{what} {page.name if page else ''}: {fault}" for fault in self._faults]
        self._faults.clear()

    # -- each gives when what it waits for began

    def _by_menu(self, page: PageEntry) -> float:
        link = self._tab.get_by_test_id("stSidebar").get_by_role("link", name=page.title, exact=True)
        began = time.perf_counter()
        link.press("Enter")
        self._drawn(page)
        return began

    def _by_link(self, page: PageEntry) -> float:
        began = time.perf_counter()
        self._tab.goto(self._address if page is HOME else f"{self._address}/{page.name}?run={next(self._run_ids)}")
        self._drawn(page)
        return began

    def _drawn(self, page: PageEntry) -> None:
        self._tab.wait_for_function(DRAWN, arg=f"{page.title} ·", polling=LOOK_EVERY)

    def _drag(self, _: object) -> float:
        """The first finding's line away from the nearer end, until the link says so."""
        tab, before = self._tab, self._tab.url
        slider = tab.locator("[data-testid=threshold-board] [data-finding]").get_by_role("slider").first
        slider.scroll_into_view_if_needed()
        box, share = slider.bounding_box(), int(slider.input_value()) / int(slider.get_attribute("max"))
        x, y = box["x"] + 7 + (box["width"] - 14) * share, box["y"] + box["height"] / 2
        tab.mouse.move(x, y)
        tab.mouse.down()
        for step in range(30):
            tab.mouse.move(x + (3 if share < 0.5 else -3) * step, y)
        began = time.perf_counter()
        tab.mouse.up()
        tab.wait_for_url(lambda url: url != before)
        return began

    def _fit(self, _: object) -> float:
        """An aim in place of what was dragged, until the link says so."""
        before, began = self._tab.url, time.perf_counter()
        self._tab.locator(f'.aim[data-aim="{next(self._aims)}"]').click()
        self._tab.wait_for_url(lambda url: url != before)
        return began

    def _upload(self, _: object) -> float:
        """A film on the page Explain, opened by its link, until it stands there with its scores."""
        [explain] = [one for one in PAGES if one.name == "explain"]
        self._by_link(explain)
        film = {"name": "film.png", "mimeType": "image/png", "buffer": next(self._films)}
        began = time.perf_counter()
        self._tab.locator("input[type=file]").first.set_input_files(film)
        self._tab.locator(".stage img").first.wait_for()
        return began


def take_turns(visitors: Sequence[BrowserVisitor], until: float) -> None:
    """All do what is due, one after the other, as one process can; until `time.monotonic()` says so."""
    while (now := time.monotonic()) < until:
        first = min(visitors, key=lambda one: one.due)
        time.sleep(max(0.0, min(first.due, until) - now))
        if first.due < until:
            first.act()
