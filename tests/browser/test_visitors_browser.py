"""Many visitors at once: each walks the pages, and nobody meets an error."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from browser_server import running
from browser_visitor import DESK, watched
from picking import settle
from playwright.sync_api import Page, expect

from cxrcore.config import PROJECT_ROOT
from cxrcore.ui.shell import PAGES, PageEntry

pytestmark = pytest.mark.browser

FEW, FEW_PAGES = 2, 3  # sessions and pages of the short form


@pytest.mark.parametrize("n", [FEW, pytest.param(30, marks=pytest.mark.long)])
def test_many_sessions_walk_the_pages_without_an_error(chromium, phantoms, tmp_path, n):
    with running(PROJECT_ROOT / "app.py", tmp_path / "server.log", CXR_STORE=str(phantoms.path)) as server:
        taken = []
        for together in (1, n) if n > FEW else (n,):  # the first finds nothing read yet
            with visitors(chromium, together) as tabs:
                walk(tabs, server.address, PAGES if n > FEW else PAGES[:FEW_PAGES])
                taken.append(f"{server.process.memory_info().rss >> 20} MB after {together}")
        print(f"\nSessions that walked the pages: the server takes {', '.join(taken)} more at once")
        assert "Traceback" not in (tmp_path / "server.log").read_text()


def walk(tabs: list[tuple[Page, list[str]]], address: str, pages: Sequence[PageEntry]) -> None:
    """All tabs arrive, then open each page at the same time, by the menu."""
    for page, _ in tabs:
        page.goto(f"{address}/runs")
        settle(page)
    for entry in sorted(pages, key=lambda one: one.stage):  # slides fold the menu
        for page, _ in tabs:
            page.get_by_test_id("stSidebar").get_by_role("link", name=entry.title, exact=True).press("Enter")
        for page, faults in tabs:
            expect(page).to_have_title(re.compile(f"^{entry.title} ·"))
            settle(page)
            assert not faults, (entry.name, faults)
            for kind in ("stException", "stAlertContentError"):
                assert page.get_by_test_id(kind).count() == 0, entry.name


@contextmanager
def visitors(chromium, n: int) -> Iterator[list[tuple[Page, list[str]]]]:
    """Tabs that share nothing, each with what went wrong in it."""
    contexts = [chromium.new_context(viewport=DESK) for _ in range(n)]
    yield [watched(context.new_page()) for context in contexts]
    for context in contexts:
        context.close()
