"""The first paths of a newcomer through the workbench, each by real clicks of a mouse that are counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from first_screen import FIRST
from picking import settle
from playwright.sync_api import Locator, Page, expect

STRIP = "[data-testid=home-numbers] [data-shows=f1]"


@dataclass
class Mouse:
    """Of a page; clicks: presses of its button so far, by what they were on."""

    page: Page
    clicks: list[str] = field(default_factory=list)

    def click(self, what: Locator) -> None:
        """Where a person would click: on what is on the screen, without scrolling."""
        expect(what).to_be_in_viewport()
        self._count(what)  # before: a click may rename a button
        what.click()

    def drag(self, what: Locator, share: float) -> None:
        """From the middle of a line's range to a share of its width."""
        expect(what).to_be_in_viewport()
        box = what.bounding_box()
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * share, y, steps=12)
        self.page.mouse.up()
        self._count(what)

    def _count(self, what: Locator) -> None:
        self.clicks.append(what.evaluate("one => one.getAttribute('aria-label') || one.innerText.trim()"))

    def menu(self, title: str) -> None:
        """A page by its name in the menu; waits for its first content."""
        self.click(self.page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True))
        expect(self.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(self.page.locator(FIRST)).to_be_visible()


def to_a_dragged_threshold(mouse: Mouse, film: Path) -> None:
    """The line on Home, until its F1 beside it is another."""
    shown = mouse.page.locator(STRIP)
    expect(shown).to_be_visible()
    expect(shown).not_to_have_text("–")
    before, line = shown.inner_text(), mouse.page.locator("[data-finding] input[type=range]:visible").first
    for share in (0.9, 0.1):
        if shown.inner_text() == before:
            mouse.drag(line, share)
    expect(shown).not_to_have_text(before)


def to_an_explained_upload(mouse: Mouse, film: Path) -> None:
    """A film of one's own, until the map lies over it."""
    mouse.menu("Explain")
    with mouse.page.expect_file_chooser() as asked:
        mouse.click(mouse.page.get_by_test_id("stFileUploaderDropzone").locator("button:visible"))
    asked.value.set_files(film)
    expect(mouse.page.locator(".stage img")).to_be_visible()
    mouse.page.wait_for_function("""() => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
      .some((one) => one.shadowRoot?.querySelector(".stage .heat")?.width > 0)""")


def to_a_latex_table(mouse: Mouse, film: Path) -> None:
    """The comparison of the best runs, until a table for a paper is in the clipboard."""
    page = mouse.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    mouse.menu("Compare")
    settle(page)  # a popover that is opened on a page that still grows is drawn anew
    mouse.click(page.get_by_role("button", name="For a paper"))
    mouse.click(page.get_by_role("button", name="Copy as LaTeX"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "\\bottomrule" in page.evaluate("navigator.clipboard.readText()")


PATHS: dict[Callable[[Mouse, Path], None], int] = {  # {the path from Home: clicks that it may take}
    to_a_dragged_threshold: 3, to_an_explained_upload: 2, to_a_latex_table: 3}
