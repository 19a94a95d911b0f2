"""A tab, a server and stores for the tests of what only a browser does; each made once for all tests of a process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import browser_server
import pytest
from picking import PATIENCE
from playwright.sync_api import Browser, Page, Request, expect

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

expect.set_options(timeout=PATIENCE)  # no test is about time, and machines of CI are busy

DESK = {"width": 1440, "height": 900}
FAILED = pytest.StashKey[bool]()
SERVER = pytest.StashKey[browser_server.SharedServer]()
PRINTED = pytest.StashKey[int]()
BLANK = "about:blank"
EMPTY = NIH_FINDINGS.index("Hernia")  # without a positive film in the test part of `lab`


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails leaves word of it, and is told with what the shared server printed since it began."""
    report = yield
    server = item.session.stash.get(SERVER, None)
    if server is not None and call.when == "setup":
        item.stash[PRINTED] = server.log.stat().st_size
    if report.failed:
        item.stash[FAILED] = True
        if server is not None:
            report.sections.append(("server", server.log.read_text()[item.stash.get(PRINTED, 0):]))
    return report


# -- servers and stores


@pytest.fixture(scope="session")
def address_of(chromium, request, tmp_path_factory) -> Iterator[Callable[[Path], str]]:
    """The address under which the one server of all tests shows a store."""
    with browser_server.shared(tmp_path_factory.mktemp("server")) as server:
        request.session.stash[SERVER] = server
        yield server.on


@pytest.fixture(scope="session")
def served(address_of, phantoms) -> str:
    """The address of the workbench on the store of `phantoms`. Read-only by agreement."""
    return address_of(phantoms.path)


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Store:
    """Three runs on enough films for a board. Read-only by agreement."""
    import scored_runs  # with all that evaluates, which few files need

    return scored_runs.make(tmp_path_factory.mktemp("lab") / "store.duckdb", 700, 1400, 3, empty=(EMPTY,))


# -- tabs


@contextmanager
def _watched(tab: Page) -> Iterator[None]:
    """Fails the test on an uncaught script error in the tab or a request to another machine."""
    faults: list[str] = []

    def on_error(error: Exception) -> None:
        faults.append(f"script error: {error}")

    def on_request(request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and f".{asked.hostname}".rpartition(".")[2] != "localhost":
            faults.append(f"request to {request.url}")

    tab.on("pageerror", on_error)
    tab.on("request", on_request)
    yield
    tab.remove_listener("pageerror", on_error)
    tab.remove_listener("request", on_request)
    assert not faults, faults


def _new_tab(browser: Browser) -> Page:
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(PATIENCE)
    return context.new_page()


class _Tabs:
    """Hands on a tab from test to test, since Chromium compiles scripts once a tab."""

    def __init__(self, browser: Browser):
        self._browser = browser
        self._tab: Page | None = None

    def take(self) -> Page:
        self._tab = self._tab or _new_tab(self._browser)
        return self._tab

    def clean(self) -> None:
        """Leave nothing of a test behind: no page, no other window, nothing stored, and a desk in daylight."""
        tab = self.take()
        for other in tab.context.pages:
            if other is not tab:
                other.close()
        if tab.url.startswith("http"):
            tab.evaluate("localStorage.clear(), sessionStorage.clear()")
        tab.goto(BLANK)
        tab.context.clear_cookies()
        tab.set_viewport_size(DESK)
        tab.emulate_media(color_scheme="light")
        tab.mouse.move(0, 0)

    def drop(self) -> None:
        """Whatever state a failed test left it in."""
        if self._tab is not None:
            self._tab.context.close()
        self._tab = None


@pytest.fixture(scope="session")
def _tabs(chromium) -> Iterator[_Tabs]:
    tabs = _Tabs(chromium)
    yield tabs
    tabs.drop()


@pytest.fixture
def page(_tabs, request) -> Iterator[Page]:
    """A tab of 1440 x 900 as new, that fails the test on a script error or a request to another machine."""
    tab = _tabs.take()
    with _watched(tab):
        yield tab
        if request.node.stash.get(FAILED, False):
            _tabs.drop()
        else:
            _tabs.clean()


@pytest.fixture
def own_page(chromium) -> Iterator[Page]:
    """As `page`, but in a window of its own: for scripts that run before the page's, and for a clock."""
    tab = _new_tab(chromium)
    with _watched(tab):
        yield tab
        tab.context.close()
