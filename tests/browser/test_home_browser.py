"""Home and the tour in a real browser: live objects, on the first screen, and a tour that nobody is forced into."""

import re

import pytest
from picking import settle
from playwright.sync_api import expect

from cxrcore.ui.frame.tour import STOPS
from cxrcore.ui.shell import PAGES

pytestmark = pytest.mark.browser
NUMBERS, TOUR = "home-numbers", "tour"


def open_home(page, served):
    page.goto(f"{served}/")
    expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
    expect(page.get_by_test_id(NUMBERS).locator("[data-shows=f1]")).not_to_have_text("–")
    settle(page)


def test_the_line_drags_and_f1_follows_while_it_is_held(page, served):
    open_home(page, served)
    assert page.locator("[data-first-content]").first.bounding_box()["y"] <= 170
    expect(page.get_by_test_id("threshold-board").locator("[data-finding]:visible")).to_have_count(1)
    shown = page.get_by_test_id(NUMBERS).locator("[data-shows=recall]")
    before, slider = shown.inner_text(), page.get_by_test_id("threshold-board").locator("input[type=range]:visible")
    assert float(page.get_by_test_id(NUMBERS).locator("[data-shows=f1]").evaluate(
        "e => parseFloat(getComputedStyle(e).fontSize)")) >= 40
    box = slider.bounding_box()
    share = float(slider.input_value()) / float(slider.get_attribute("max"))
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (0.97 if share < 0.9 else 0.3), box["y"] + box["height"] / 2, steps=6)
    expect(shown).not_to_have_text(before)
    page.mouse.up()
    expect(page).to_have_url(re.compile("[?&]t="))
    expect(page.get_by_test_id("leaderboard").locator("tr[data-run]")).to_have_count(5)
    page.get_by_test_id("leaderboard").locator("tr[data-run] a").first.click()  # and the best run is opened
    expect(page).to_have_title(re.compile("^Thresholds"))


def test_the_map_of_a_finding_is_drawn_without_the_server(page, served):
    open_home(page, served)
    film = page.get_by_test_id("home-film")
    painted = "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return d.join() }"
    film.get_by_role("button").nth(1).click()
    second = film.locator("canvas").evaluate(painted)
    film.get_by_role("button").nth(0).hover()
    assert film.locator("img").first.get_attribute("alt").startswith("Chest film")
    assert film.get_by_role("button", pressed=True).count() == 1
    page.mouse.move(0, 0)
    assert film.locator("canvas").evaluate(painted) == second  # what was clicked is kept


def test_the_tour_walks_the_pages_goes_on_after_a_reload_and_stays_away_when_told(page, served):
    assert len(STOPS) == 9 and {stop.page for stop in STOPS} <= {entry.name for entry in PAGES if not entry.stage}
    open_home(page, served)
    card = page.get_by_test_id(TOUR).get_by_role("dialog")
    expect(card).to_have_count(0)  # nobody asked
    page.get_by_role("button", name="Take the tour").click()
    expect(card).to_contain_text("1 of 9")
    expect(page).to_have_title(re.compile("^Runs"))
    settle(page)
    page.get_by_test_id("leaderboard").first.get_by_role("checkbox").first.check()  # clicks go through
    expect(page).to_have_url(re.compile("run="))
    card.get_by_role("button", name="Next").click()
    expect(page).to_have_title(re.compile("^Data"))
    expect(card).to_contain_text("2 of 9")
    page.reload()
    expect(card).to_contain_text("2 of 9")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Present").click()
    expect(page.get_by_text("1 of 9", exact=True)).to_be_visible()  # of the slides
    expect(card).to_have_count(0)
    page.goto(f"{served}/data")
    card.get_by_role("button", name="Stop").click()
    expect(card).to_have_count(0)
    open_home(page, served)
    page.get_by_role("button", name="Not for me").click()
    page.reload()
    settle(page)
    expect(page.get_by_role("button", name=re.compile("tour"))).to_have_count(0)
