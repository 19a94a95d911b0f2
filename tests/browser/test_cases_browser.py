"""From a count on the board to its films, and from a film to its explanation; and an upload; in a real browser."""

import re

import pytest
from browser_server import serving
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

THEMES = [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 22, 30)")]


@pytest.fixture(scope="module")
def served(phantoms, tmp_path_factory, chromium):
    with serving(phantoms.path, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def link_of(phantoms) -> str:
    return f"run={phantoms.run_ids['mobilenet_v2']}&finding=Effusion"


def test_a_count_of_the_board_leads_to_as_many_films_and_a_film_to_its_explanation(page, served, phantoms):
    page.goto(f"{served}/thresholds?{link_of(phantoms)}&t=Effusion:0.3")
    count = page.locator("[data-panel-metric=tn]")
    expect(count).to_have_text(re.compile(r"\d"))
    films = int(count.inner_text().replace(",", ""))
    count.click()
    expect(page).to_have_url(re.compile("films=Left"))
    expect(page.get_by_text(f"Effusion: {films:,} films rightly left alone")).to_be_visible()
    page.locator(".films a").first.click()
    expect(page).to_have_url(re.compile("film=9"))
    expect(page.get_by_text("the same as those that its evaluation stored")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("threshold 0.3,")).to_be_visible()


@pytest.mark.parametrize(("scheme", "background"), THEMES)
def test_an_upload_is_scored_and_explained_in_both_themes(page, served, phantoms, scheme, background):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{served}/explain?{link_of(phantoms)}")
    film = sorted(phantoms.films.rglob("*.png"))[0]
    page.locator("input[type=file]").set_input_files(
        {"name": "somebody.png", "mimeType": "image/png", "buffer": film.read_bytes()})
    expect(page.locator(".js-plotly-plot image").first).to_be_visible(timeout=90_000)
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
    expect(page.get_by_text("of the data set")).to_be_visible()
    expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
    expect(page.get_by_text("not for diagnosis")).to_be_visible()
    page.get_by_role("radio", name="All 14", exact=True).click()
    expect(page.locator(".films figure")).to_have_count(14)
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as got:
        page.get_by_role("button", name="Page to print (HTML)").click()
    text = got.value.path().read_text()
    assert "not for diagnosis" in text and "Effusion" in text and "http" not in text
