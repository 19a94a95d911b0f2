"""Films side by side, in a real browser without a server: whose map is shown, and what stays when maps come."""

import base64

import numpy as np
import pytest
from axe_faults import faults_of
from playwright.sync_api import Page, expect

from cxrcore.charts.film_viewer import payload
from cxrcore.charts.film_viewer.assets import FILMS_SCRIPT, FILMS_STYLE
from cxrcore.charts.film_viewer.payload import Box, Captioned, Layer, Network, Shown, no_maps
from cxrcore.explain.small_maps import small_maps

pytestmark = pytest.mark.browser

FINDINGS, COLOURS, SIDE = ("Mass", "Effusion"), ("#0072b2", "#d55e00"), 64
MARK = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'/>"
LINES, HOTTEST = ".outline:not(.dark)", ".hottest:not(.dark)"


def packed(maps: bool = True, n_runs: int = 2, n_findings: int = 1) -> bytes:
    """Two films; a run's map of a finding is one hot cell, of another place for each run and finding."""
    names, films = FINDINGS[:n_findings], []
    for film in range(2):
        networks, layers = [], []
        for run in range(n_runs):
            networks.append(Network(f"run {run}", COLOURS[run], MARK, np.full(n_findings, 0.5 + run / 10),
                                    np.full(n_findings, 0.55), [f"note {run} {name}" for name in names]))
            cells = np.zeros((n_findings, 8, 8), np.float32)
            for k in range(n_findings):
                cells[k, 1 + 4 * run, 1 + 4 * k] = 1
            small = small_maps(cells, SIDE, 0.0)
            layers.append(Layer(f"run {run}", run, names, small.cells, small.low, small.high, SIDE, 0.0) if maps
                          else no_maps(f"run {run}", run))
        shown = Shown(payload.RUNS, names[0], 0.6, False, np.full((256, 3), 200), f"film {film}", keys=False)
        films.append(Captioned(f"Film {film}", "as chosen", payload.pack(
            np.full((SIDE, SIDE), 40 + film, np.uint8), names, networks, layers, shown, None,
            [Box(names[0], 4, 4, 16, 16)])))
    return payload.pack_films(films, "All runs")


def mount(page: Page, data: bytes) -> None:
    page.evaluate("text => window.show(text)", base64.b64encode(data).decode())


@pytest.fixture
def opened(page):
    page.set_content(f"""<!doctype html><html lang="en"><head><title>Films</title><style>
      :root {{ --st-primary-color: #0072b2; --st-background-color: #fff; --st-text-color: #15202b;
      --st-border-color: #999; --st-font: sans-serif;
      --st-secondary-background-color: #f2f5f8; }} {FILMS_STYLE}</style></head><body><main><h1>Films</h1>
      <div id="films"></div></main><script type="module">{FILMS_SCRIPT}
      window.show = (text) => mount({{ data: Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)),
        parentElement: document.querySelector("main") }});</script></body></html>""")
    page.wait_for_function("() => Boolean(window.show)")
    mount(page, packed())
    return page


def alpha(page: Page) -> int:
    """The greatest opacity of the first film's map, 0 to 255."""
    return page.evaluate("""() => { const heat = document.querySelector(".heat");
      return heat.hidden ? 0 : Math.max(...heat.getContext("2d").getImageData(0, 0, heat.width, heat.height)
        .data.filter((_, at) => at % 4 === 3)); }""")


def test_at_rest_all_runs_are_outlined_in_their_colours_and_pointing_at_one_shows_its_map(opened):
    first = opened.locator("figure").first
    assert [line.get_attribute("stroke") for line in first.locator(LINES).all()] == list(COLOURS)
    assert alpha(opened) == 0 and first.locator("rect.box").count() == 1
    opened.get_by_role("button", name="run 1").first.hover()
    expect(first.locator(LINES)).to_have_count(0)
    assert [mark.get_attribute("stroke") for mark in first.locator(HOTTEST).all()] == [COLOURS[1]]
    assert alpha(opened) == pytest.approx(0.6 * 255, abs=2)  # an alarm glows in full
    first.locator(".line").first.hover()
    assert alpha(opened) == pytest.approx(0.6 * 0.5 / 0.55 * 255, abs=2)  # what is below its threshold is fainter
    opened.mouse.move(5, 5, steps=5)
    expect(first.locator(LINES)).to_have_count(2)
    assert alpha(opened) == 0


def test_the_hottest_place_is_marked_where_the_map_has_it(opened):
    box = opened.locator("figure").nth(1).locator(HOTTEST).first.bounding_box()
    stage = opened.locator("figure").nth(1).locator(".stage").bounding_box()
    shares = [(box[at] + box[size] / 2 - stage[at]) / stage[size] for at, size in (("x", "width"), ("y", "height"))]
    assert shares == pytest.approx([1.5 / 8, 1.5 / 8], abs=0.03)


def test_a_kept_run_stays_and_is_drawn_as_asked(opened):
    opened.get_by_role("button", name="run 0").first.click()
    opened.mouse.move(5, 5, steps=5)
    assert alpha(opened) > 100
    expect(opened.get_by_role("button", name="run 0").first).to_have_attribute("aria-pressed", "true")
    opened.get_by_label("Opacity of the map, %").fill("20")
    assert alpha(opened) == pytest.approx(0.2 * 0.5 / 0.55 * 255, abs=2)
    opened.get_by_role("button", name="Outline", exact=True).click()
    assert alpha(opened) == 0
    opened.get_by_role("button", name="All runs").click()
    expect(opened.locator("figure").first.locator(LINES)).to_have_count(2)


def test_maps_that_come_later_leave_zoom_and_choice_as_they_are(opened):
    mount(opened, packed(maps=False))
    expect(opened.locator(LINES)).to_have_count(0)
    opened.get_by_role("button", name="run 1").first.click()
    opened.locator(".stage").first.hover()
    opened.mouse.wheel(0, -600)
    zoomed = opened.locator(".sheet").first.evaluate("node => node.style.transform")
    source = opened.locator("img[draggable]").first.get_attribute("src")
    assert "scale(1)" not in zoomed
    mount(opened, packed())
    assert opened.locator(".sheet").first.evaluate("node => node.style.transform") == zoomed
    assert opened.locator("img[draggable]").first.get_attribute("src") == source
    opened.mouse.move(5, 5, steps=5)
    assert alpha(opened) > 100


def test_one_network_needs_no_choice_and_another_finding_can_be_looked_at(opened):
    mount(opened, packed(n_runs=1, n_findings=2))
    expect(opened.locator(".chip")).to_have_count(0)
    assert alpha(opened) > 100
    first = opened.locator("figure").first
    expect(first.locator(".line")).to_contain_text("note 0 Mass")
    first.locator("select").select_option("Effusion")
    expect(first.locator(".line")).to_contain_text("note 0 Effusion")
    expect(first.locator("rect.box")).to_have_count(0)  # the box is of the other one
    expect(opened.locator("figure").nth(1).locator(".line")).to_contain_text("note 0 Mass")


def test_axe_finds_nothing_grave(opened):
    assert not (found := faults_of(opened)), [(one["rule"], one["text"][:200], one["why"]) for one in found]
