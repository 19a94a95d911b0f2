"""The film viewer on Explain, in a real browser: an upload, maps without a rerun, keys, zoom, lens and grey."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from picking import choose, settle
from PIL import Image
from playwright.sync_api import Page, expect

from cxrcore.charts.film_viewer import assets
from cxrcore.explain.small_maps import SmallMaps, small_maps

pytestmark = pytest.mark.browser

THEMES = {"dark": "rgb(16, 22, 30)", "light": "rgb(255, 255, 255)"}
SHOWN, KEPT = ".list .row.shown .name", ".list [aria-selected=true] .name"


@pytest.fixture(scope="module")
def film(phantoms) -> str:
    """One that no network was trained on."""
    sets = phantoms.store.prediction_sets(phantoms.run_ids["mobilenet_v2"]).set_index("split")
    return str(phantoms.store.predictions(sets.at["test", "prediction_id"]).image_ids[0])


def open_film(page: Page, served: str, phantoms, film: str, more: str = "") -> None:
    page.goto(f"{served}/explain?run={phantoms.run_ids['mobilenet_v2']}&film={film}{more}")
    expect(page.locator(".stage img")).to_be_visible()
    settle(page)


@contextmanager
def nothing_sent(page: Page) -> Iterator[None]:
    """No run of the page begins while this lasts."""
    page.evaluate("""() => {
      const app = document.querySelector("[data-testid=stApp]");
      window.ran = 0;
      new MutationObserver(() => { if (app.dataset.testScriptState !== "notRunning") window.ran += 1; })
        .observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
    }""")
    yield
    assert page.evaluate("window.ran") == 0


def test_an_upload_is_scored_and_explained_in_both_themes(page, served, phantoms, film):
    """Uploaded in the dark one, which then becomes light."""
    page.emulate_media(color_scheme="dark")
    page.goto(f"{served}/explain?run={phantoms.run_ids['mobilenet_v2']}")
    path = next(phantoms.films.rglob(film))
    page.locator("input[type=file]").set_input_files(
        {"name": "somebody.png", "mimeType": "image/png", "buffer": path.read_bytes()})
    stage = page.locator(".stage")
    expect(stage.locator("img")).to_be_visible()
    for scheme, background in THEMES.items():
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        expect(page.get_by_text("of the data set")).to_be_visible()
        expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
        expect(page.get_by_text("not for diagnosis")).to_be_visible()
        settle(page)
        box = stage.bounding_box()
        assert box["y"] <= 170 and box["width"] >= 480, scheme
    choose(page, "All findings")
    expect(page.locator(".stage")).to_have_count(14)
    settle(page)  # a file that the run before offered is gone
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as got:
        page.get_by_role("button", name="Page to print (HTML)").click()
    text = got.value.path().read_text()
    assert "not for diagnosis" in text and "Effusion" in text and "://" not in text


def test_rows_show_maps_and_keys_keep_them_without_a_rerun(page, served, phantoms, film):
    open_film(page, served, phantoms, film, "&finding=Mass")
    expect(page.locator(KEPT)).to_have_text("Mass")
    with nothing_sent(page):
        page.locator("[data-finding=Hernia]").hover()
        expect(page.locator(SHOWN)).to_have_text("Hernia")
        expect(page.locator(KEPT)).to_have_text("Mass")
        page.mouse.move(5, 5)
        expect(page.locator(SHOWN)).to_have_text("Mass")
    page.keyboard.press("3")
    expect(page.locator(KEPT)).to_have_text("Effusion")
    expect(page).to_have_url(re.compile("finding=Effusion"))
    page.locator(".list").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(KEPT)).to_have_text("Infiltration")
    expect(page).to_have_url(re.compile("finding=Infiltration"))
    settle(page)
    expect(page.locator(KEPT)).to_have_text("Infiltration")


def test_the_film_is_zoomed_moved_and_looked_at_through_a_lens(page, served, phantoms, film):
    open_film(page, served, phantoms, film)
    sheet, box = page.locator(".sheet"), page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -400)
    expect(sheet).to_have_attribute("style", re.compile(r"scale\(1\.8"))
    under = sheet.evaluate("(one) => one.getBoundingClientRect().x")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4 + 40, box["y"] + box["height"] / 4)
    page.mouse.up()
    assert sheet.evaluate("(one) => one.getBoundingClientRect().x") == pytest.approx(under + 40, abs=1)
    page.get_by_role("button", name="Whole film").click()
    expect(sheet).to_have_attribute("style", re.compile(r"scale\(1\)"))
    page.get_by_role("button", name="Loupe").click()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".heat")).to_have_attribute("style", re.compile(r"circle\(15% at 50"))


def test_grey_on_the_film_asks_again_and_goes_away(page, served, phantoms, film):
    open_film(page, served, phantoms, film)
    scores = page.locator(".list .number").all_inner_texts()
    page.get_by_role("button", name="Occlude").click()
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    expect(page.locator(".ghost")).to_have_count(14)
    assert page.locator(".list .number").all_inner_texts() != scores
    page.get_by_test_id("film-viewer").get_by_role("button", name="Clear").click()
    expect(page.locator(".ghost")).to_have_count(0)
    expect(page.locator(".paint polyline")).to_have_count(0)
    assert page.locator(".list .number").all_inner_texts() == scores


def in_browser(page: Page, small: SmallMaps, finding: int, size: tuple[int, int]) -> np.ndarray:
    """What heat.js makes of a map, at (width, height)."""
    layer = {"rows": small.cells.shape[1], "columns": small.cells.shape[2], "size": small.size, "offset": small.offset,
             "low": small.low.tolist(), "high": small.high.tolist(), "places": list(range(len(small.cells))),
             "cells": small.cells.ravel().tolist()}
    code = (Path(assets.__file__).parent / "heat.js").read_text(encoding="utf-8")
    heat = page.evaluate(f"([layer, k, w, h]) => {{ {code} return [...heatOf(layer, k, w, h)]; }}",
                         [layer, finding, *size])
    return np.array(heat).reshape(size[::-1])


@pytest.mark.parametrize(("cells", "size", "offset"), [((7, 7), 224, 15.5), ((2, 2), 64, -15.5), ((14, 14), 224, 0.0)])
def test_the_browser_lays_maps_where_python_lays_them(page, cells, size, offset):
    """On a film that is no square: no place is off, and the hottest lies within a pixel or so."""
    small = small_maps(np.random.default_rng(0).random((1, *cells)).astype(np.float32), size, offset)
    shape = (320, 256)
    expected = np.asarray(Image.fromarray(small.placed()[0]).resize(shape, Image.Resampling.BILINEAR))
    shown = in_browser(page, small, 0, shape)
    assert np.abs(shown - expected).max() < 0.06 and np.abs(shown - expected).mean() < 0.005
    peaks = [np.array(np.unravel_index(one.argmax(), one.shape)) for one in (shown, expected)]
    assert np.abs(peaks[0] - peaks[1]).max() <= 2
