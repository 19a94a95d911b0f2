"""What every page owes its visitors: nothing that a screen reader or weak eyes stumble over, nor that a phone cuts."""

import shutil
from pathlib import Path

import pytest
from axe_faults import faults_of
from browser_server import running
from picking import settle
from playwright.sync_api import Page, expect

from cxrcore.ui.shell import PAGES

pytestmark = pytest.mark.browser

THEMES = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 30)"}
PHONE, DESK, LEAST = {"width": 390, "height": 844}, {"width": 1440, "height": 900}, 14  # pixels; height of text
# What a narrow screen breaks: scrolling sideways, and text beyond its edge that nothing lets scroll; and small text.
BROKEN = """(least) => {
  const main = document.querySelector("[data-testid=stMain]");
  const found = main.scrollWidth > main.clientWidth + 1 ? [`scrolls sideways: ${main.scrollWidth}`] : [];
  const roots = [main];
  for (const root of roots) for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) roots.push(node.shadowRoot);
    const box = node.getBoundingClientRect();
    const text = [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!text || box.width < 2 || !node.checkVisibility() || node.closest("[data-testid=stIconMaterial]")) continue;
    const style = getComputedStyle(node);
    if (parseFloat(style.fontSize) < least - 0.1) found.push(`${style.fontSize}: ${node.textContent.slice(0, 60)}`);
    let holder = node;
    while (holder && holder !== main && getComputedStyle(holder).overflowX === "visible") holder = holder.parentElement;
    if (box.right > innerWidth + 1 && holder === main) found.push(`beyond the edge: ${node.textContent.slice(0, 60)}`);
    if (style.textOverflow === "ellipsis" && node.scrollWidth > node.clientWidth + 1)
      found.push(`cut: ${node.textContent.slice(0, 60)}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def stock(tmp_path_factory, chromium) -> set[tuple[str, str]]:
    """The rule and kind of what is wrong with stock elements in Streamlit's own look."""
    folder = tmp_path_factory.mktemp("bare")
    shutil.copy(Path(__file__).parents[1] / "made" / "bare_page.py", folder)
    with running(folder / "bare_page.py", folder / "server.log", STREAMLIT_SERVER_ADDRESS="localhost",
                 STREAMLIT_BROWSER_GATHER_USAGE_STATS="false") as server:
        page = chromium.new_page()
        page.goto(server.address)
        settle(page)
        found = []
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", theme)
            settle(page)
            found += faults_of(page)
        page.close()
    assert ("image-alt", "stImageContainer img") in {(one["rule"], one["kind"]) for one in found}, "axe sees nothing"
    return {(one["rule"], one["kind"]) for one in found}


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_no_page_breaks_on_a_phone_or_has_a_grave_fault_that_stock_elements_lack(page, served, stock, phantoms, entry):
    """Faults in both themes, with every menu open once; Explain with a film."""
    page.set_viewport_size(PHONE)
    open_with_a_film(page, served, phantoms, entry.name)
    if not entry.stage:  # which is never narrow
        assert page.evaluate(BROKEN, LEAST) == []
    page.set_viewport_size(DESK)
    settle(page)
    for theme, background in THEMES.items():
        page.emulate_media(color_scheme=theme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        settle(page)
        assert own_of(faults_of(page), stock) == {}, theme
    for menu in page.get_by_test_id("stPopover").get_by_role("button").all():
        menu.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        page.mouse.move(0, 0)  # off the button, which looks otherwise under the pointer
        expect(page.get_by_test_id("stTooltipContent")).to_have_count(0)  # which would take Escape for itself
        settle(page)  # the server is told of an opened popover, and draws it anew
        assert own_of(faults_of(page, "[data-testid=stPopoverBody]"), stock) == {}, menu.inner_text()
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def open_with_a_film(page: Page, address: str, phantoms, name: str) -> None:
    """A page with a run and, on Explain, a film; drawn."""
    film = min(path.name for path in phantoms.films.rglob("*.png"))
    page.goto(f"{address}/{name}?run={phantoms.run_ids['mobilenet_v2']}&film={film}")
    settle(page)
    if name == "explain":
        expect(page.locator(".stage img")).to_be_visible()


def own_of(found: list[dict], stock: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """{(rule, kind): (an element, what is wrong with it)} of what stock elements lack."""
    return {kind: (one["text"][:200], one["why"]) for one in found if (kind := (one["rule"], one["kind"])) not in stock}
