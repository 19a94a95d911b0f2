"""From a count on the board to its films, and from a film to its explanation; and an upload; in a real browser."""

import re

import numpy as np
import pytest
from picking import settle
from playwright.sync_api import expect

from cxrcore.findings import NIH_FINDINGS
from cxrcore.ui.cases.controls import A_PAGE

pytestmark = pytest.mark.browser

THEMES = [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 22, 30)")]


@pytest.fixture(scope="module")
def at(phantoms) -> str:
    """A threshold with films on both sides, wherever so short a training puts its scores: their middle."""
    sets = phantoms.store.prediction_sets(phantoms.run_ids["mobilenet_v2"]).set_index("split")
    scores = phantoms.store.predictions(sets.at["test", "prediction_id"]).scores
    return f"{np.median(scores[:, NIH_FINDINGS.index('Effusion')]):.2g}"


def link_of(phantoms) -> str:
    return f"run={phantoms.run_ids['mobilenet_v2']}&finding=Effusion"


def test_a_count_of_the_board_leads_to_as_many_films_and_a_film_to_its_explanation(page, served, phantoms, at):
    open_board(page, f"{served}/thresholds?{link_of(phantoms)}&t=Effusion:{at}")
    films = shown_count(page, "tn")
    page.locator("[data-panel-metric=tn]").click()
    expect(page).to_have_url(re.compile("films=Left"))
    expect(page.get_by_text(re.compile(f"Effusion: {films:,} films? rightly left alone"))).to_be_visible()
    page.locator(".films a").first.click()
    expect(page).to_have_url(re.compile("film=9"))
    expect(page.get_by_text(f"threshold {at} ")).to_be_visible()
    page.get_by_role("button", name="Numbers").click()
    expect(page.get_by_text("the same as those that its evaluation stored")).to_be_visible()


MOVE_AND_FOLLOW = """() => {  // in one task, so that the server cannot have answered
  const roots = [document];
  for (const root of roots)
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
  const find = (query) => roots.map((root) => root.querySelector(query)).find(Boolean);
  const slider = find('[data-finding="Effusion"] input[type=range]');
  const count = find("[data-panel-metric=tn]");
  const films = () => Number(count.textContent.replace(",", ""));
  const before = films();
  for (let share = 1; share > 0 && (films() === before || !films()); share -= 0.01) {  // wherever the scores may lie
    slider.value = share * slider.max;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const shown = { after: films(), link: decodeURIComponent(window.location.search) };
  count.closest("a").click();
  return shown;
}"""


def open_board(page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-panel-metric=tn]")).to_have_text(re.compile(r"\d"))
    settle(page)


def shown_count(page, name: str) -> int:
    return int(page.locator(f"[data-panel-metric={name}]").inner_text().replace(",", ""))


@pytest.mark.parametrize(("name", "words", "theme"), [
    ("tp", "films? found", 0), ("fp", "false alarms?", 1), ("fn", "missed films?", 0)])
def test_every_count_is_reached_by_keyboard_and_leads_to_its_films(page, served, phantoms, at, name, words, theme):
    scheme, background = THEMES[theme]
    page.emulate_media(color_scheme=scheme)
    open_board(page, f"{served}/thresholds?{link_of(phantoms)}&t=Effusion:{at}")
    films = shown_count(page, name)
    page.locator(f"a:has([data-panel-metric={name}])").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(f"Effusion: {films:,} {words}"))).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
    expect(page.locator(".films figure")).to_have_count(min(films, A_PAGE))


def test_a_count_leads_to_its_films_before_the_link_has_the_threshold(page, served, phantoms, at):
    """The threshold moves and the count is followed in the same breath, ahead of the server."""
    open_board(page, f"{served}/thresholds?{link_of(phantoms)}&t=Hernia:0.7&t=Effusion:{at}")
    before = shown_count(page, "tn")
    moved = page.evaluate(MOVE_AND_FOLLOW)
    assert moved["after"] != before and f"t=Effusion:{at}" in moved["link"]
    expect(page.get_by_text(re.compile(f"Effusion: {moved['after']:,} films? rightly left alone"))).to_be_visible()
    assert "t=Hernia%3A0.7" in page.url


def test_cases_stand_at_the_boards_thresholds_and_leave_them_there(page, served, phantoms, at):
    """Through the menu, whose links carry no parameters."""
    open_board(page, f"{served}/thresholds?{link_of(phantoms)}&t=Effusion:{at}")
    missed = shown_count(page, "fn")
    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Cases").click()
    expect(page.get_by_text(re.compile(f"Effusion: {missed:,} missed films?"))).to_be_visible()
    menu.get_by_role("link", name="Thresholds").click()
    expect(page).to_have_url(re.compile(f"thresholds.*t=Effusion%3A{at}"))
    expect(page.locator("[data-panel-metric=fn]")).to_have_text(f"{missed:,}")


def test_a_film_is_shown_large_and_left_by_keys(page, served, phantoms, at):
    page.goto(f"{served}/cases?{link_of(phantoms)}&t=Effusion:{at}&films=Found")
    films = page.locator(".films [data-film]")
    expect(films.nth(1)).to_be_visible()
    films.nth(1).hover()
    expect(page.locator("#peek")).to_be_visible()
    settle(page)
    page.keyboard.press("j")
    expect(page.locator(".stage img")).to_be_visible()
    expect(films.nth(0)).to_have_attribute("data-open", "")
    assert page.locator(".stage").bounding_box()["width"] >= 600
    page.keyboard.press("j")
    expect(films.nth(1)).to_have_attribute("data-open", "")
    settle(page)
    page.keyboard.press("Escape")
    expect(page.locator(".stage")).to_have_count(0)
