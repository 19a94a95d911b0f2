"""The Data page in a real browser: themes, narrow screens, links, films."""

import re

import pytest
from browser_server import serving
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(phantoms, tmp_path_factory, chromium):
    with serving(phantoms.path, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def open_data(page, served, link=""):
    page.goto(f"{served}/data{link}")
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(8)
    return page


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 22, 30)")])
def test_both_themes(page, served, scheme, background):
    page.emulate_media(color_scheme=scheme)
    open_data(page, served)
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
    expect(page.get_by_text("SYNTHETIC")).to_be_visible()
    smallest = page.evaluate("""() => Math.min(
        ...[...document.querySelectorAll('p, label, button, a, figcaption, .js-plotly-plot text')]
        .filter(e => e.offsetParent !== null || e.tagName === 'text').filter(e => e.textContent.trim())
        .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
    assert smallest >= 14


def test_a_link_leads_to_a_finding_and_its_films(page, served):
    open_data(page, served, "?finding=Mass")
    films = page.locator(".films figure")
    expect(films).to_have_count(10)
    assert all("Mass" in text for text in films.locator("figcaption").all_inner_texts())
    # Each is a picture that the browser could read, and a box lies inside its film.
    assert page.evaluate("[...document.querySelectorAll('.films img')].every(i => i.naturalWidth === 64 && i.alt)")
    inside = page.evaluate("""() => [...document.querySelectorAll('.films .box')].map(box => {
        const b = box.getBoundingClientRect(), f = box.parentElement.getBoundingClientRect();
        return b.left >= f.left - 1 && b.right <= f.right + 1 && b.top >= f.top - 1 && b.bottom <= f.bottom + 1;})""")
    assert inside and all(inside)
    shown = films.locator("figcaption").all_inner_texts()
    page.get_by_role("button", name="Show others").click()
    expect(films.first.locator("figcaption")).not_to_have_text(shown[0])
    page.get_by_role("combobox", name=re.compile("Finding")).click()
    page.get_by_role("option", name="Hernia").click()
    expect(page).to_have_url(re.compile("finding=Hernia"))
    expect(films.first).to_contain_text("Hernia")


def test_an_unknown_finding_in_a_link_is_an_error(page, served):
    page.goto(f"{served}/data?finding=Fracture")
    expect(page.get_by_role("alert")).to_contain_text("Fracture")
    page.get_by_role("button", name="Show what is here").click()
    expect(page.locator(".films figure")).to_have_count(10)


def test_a_phone_shows_it_without_scrolling_sideways(page, served):
    page.set_viewport_size({"width": 390, "height": 844})
    open_data(page, served)
    wide = page.evaluate("""() => [...document.querySelectorAll('[data-testid=stMain] *')]
        .filter(e => !e.closest('[data-testid=stDataFrame]'))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))""")
    assert not wide
