"""A whole study by the keyboard alone: every step is reached by Tab, each stop can be seen, and nothing holds one."""

import os
import re
import shutil

import pytest
from keyboard import Keyboard
from picking import answered, settle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

MOST_STOPS = 220  # presses of Tab for the study; 182 were needed when this was written
MOST_OF_A_PAGE = 60  # stops, the menu's 15 included


@pytest.fixture(scope="module")
def own_address(phantoms, address_of, tmp_path_factory) -> str:
    """Of a copy of the phantoms' store that a test may write to; the weights are the same files."""

    def weights_linked(source: str, target: str) -> None:
        (os.symlink if source.endswith(".pth") else shutil.copy2)(source, target)

    folder = tmp_path_factory.mktemp("study") / "runs"
    shutil.copytree(phantoms.path.parent, folder, copy_function=weights_linked)
    return address_of(folder / phantoms.path.name)


def go_by_menu(keys: Keyboard, title: str) -> None:
    """Back over the page's stops to the menu; the page that it leads to begins at its content."""
    keys.to(f"{title}$", back=True, most=60)
    keys.press("Enter")
    expect(keys.page).to_have_title(re.compile(f"^{title} "))
    settle(keys.page)
    assert keys.here() == "main", title


def do(keys: Keyboard, *pressed: str) -> None:
    """Press keys that the server answers; what has the focus does not lose it to the page as a whole."""
    with answered(keys.page):
        for key in pressed:
            keys.press(key)
    assert keys.here(), pressed


@pytest.mark.long  # two minutes and some 180 stops; on busy cores one of its waits runs out now and then
def test_a_whole_study_by_the_keyboard_alone(page, own_address, phantoms):
    keys = Keyboard(page)
    page.goto(f"{own_address}/")
    settle(page)
    keys.to("^Skip to main content", most=1)
    keys.to("Runs$")
    keys.press("Enter")
    expect(page).to_have_title(re.compile("^Runs "))
    settle(page)

    keys.to(r"^DenseNet-121 .*best")  # the leaderboard's first row
    do(keys, "Space")
    keys.press("ArrowDown")
    do(keys, "Space")
    assert page.url.count("run=") == 2

    go_by_menu(keys, "Thresholds")
    keys.to("^max F1$")
    do(keys, "Enter")
    keys.to("^Cardiomegaly$")  # its name, then its line
    keys.to("^Cardiomegaly$", most=1)
    do(keys, *["ArrowRight"] * 6)
    expect(page).to_have_url(re.compile("t=Cardiomegaly"))

    keys.to("Sets", back=True)
    keys.press("Enter")
    expect(page.get_by_test_id("stPopoverBody").get_by_text("Save to the store")).to_be_visible()
    settle(page)
    assert keys.here() == "Sets"  # the popover, not the page below it
    keys.to("^Name$", most=3)
    page.keyboard.type("By keyboard")
    keys.to("^Save to the store$", most=4)
    do(keys, "Enter")
    expect(page.get_by_text("Saved “By keyboard”")).to_be_visible()
    assert keys.here().startswith("bookmarks Sets")

    go_by_menu(keys, "Compare")
    keys.to("For a paper")
    keys.press("Enter")
    keys.to("^Copy as LaTeX$", most=4)
    keys.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    assert "For a paper" in keys.here()

    go_by_menu(keys, "Explain")
    keys.to("Upload$")
    film = min(phantoms.films.rglob("*.png"))
    with answered(page):
        page.locator("input[type=file]").set_input_files(
            {"name": "mine.png", "mimeType": "image/png", "buffer": film.read_bytes()})
    expect(page.locator(".stage img")).to_be_visible()
    settle(page)
    assert keys.here()
    keys.to("^Findings and their scores")
    before = page.locator(".list .row.shown").inner_text()
    keys.press("ArrowDown")
    expect(page.locator(".list .row.shown")).not_to_have_text(before)

    go_by_menu(keys, "Compare")
    keys.to("Report")
    keys.press("Enter")
    keys.to("Make the HTML$", most=2)
    do(keys, "Enter")
    with page.expect_download() as report:
        keys.to("Download the HTML", most=3)
        keys.press("Enter")
    assert report.value.suggested_filename == "report.html"
    assert keys.faults == []
    assert keys.stops <= MOST_STOPS


@pytest.mark.parametrize("name", ["compare", "explain", "import", "present"])
def test_tab_walks_through_a_page_whose_every_stop_can_be_seen(page, served, phantoms, name):
    film = min(path.name for path in phantoms.films.rglob("*.png"))
    page.goto(f"{served}/{name}?run={phantoms.run_ids['mobilenet_v2']}&film={film}")
    settle(page)
    keys = Keyboard(page)
    names = keys.walk()
    assert keys.faults == []
    assert "main" in names and names[0] == "Skip to main content" and len(names) <= MOST_OF_A_PAGE, names
