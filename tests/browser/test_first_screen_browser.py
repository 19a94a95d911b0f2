"""Every page begins with its answer, high up, under a bar of few controls."""

import re

import pytest
from first_screen import CONTROLS, FIRST, HIGHEST, WATCH, first_y, seen, watched_tab
from picking import settle
from playwright.sync_api import expect

from cxrcore.ui.shell import PAGES

pytestmark = pytest.mark.browser

MOST = 10  # controls at rest; a group of chips is one
SHIFT = 0.05  # of the window, by the distance that it moves: what the field calls good is .1


def test_every_page_begins_with_its_answer_under_a_bar_of_few_controls(page, served, phantoms):
    film = min(path.name for path in phantoms.films.rglob("*.png"))
    link = f"?run={phantoms.run_ids['mobilenet_v2']}"
    page.goto(f"{served}/import{link}")
    wrong, controls = [], {}
    for entry in sorted(PAGES, key=lambda one: one.stage):  # a stage folds the menu
        if entry.name == "explain":
            page.goto(f"{served}/explain{link}&film={film}")
        else:
            page.mouse.move(720, 700)  # away from the menu, whose tooltips lie over it
            page.get_by_test_id("stSidebar").get_by_role("link", name=entry.title, exact=True).click()
        expect(page).to_have_title(re.compile(f"^{entry.title} "))
        page.locator(FIRST).first.wait_for()
        settle(page)
        controls[entry.name] = page.evaluate(CONTROLS)
        number, top = page.locator(FIRST).count(), first_y(page)
        if number != 1 or (top > HIGHEST and not entry.stage):
            wrong.append(f"{entry.name}: {number} first contents, the first at {top:.0f}")
    assert not wrong, wrong
    assert {name: found for name, found in controls.items() if len(found) > MOST} == {}
    assert len(controls["compare"]) >= 3  # controls are seen


@pytest.mark.parametrize("name", ["runs", "curves"])
def test_what_is_seen_of_a_page_stays_where_it_is(page, served, phantoms, name):
    page.context.add_init_script(WATCH)
    with watched_tab(page.context, f"{served}/{name}?run={phantoms.run_ids['mobilenet_v2']}") as (tab, _):
        parts = tab.locator("[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] > *").all()
        shown = [part.evaluate("one => getComputedStyle(one).visibility") for part in parts]
        assert len(shown) > 4 and set(shown) == {"visible"}
        assert seen(tab, "shift") <= SHIFT, tab.evaluate("seen.shifts")
