"""The report in a real browser, from a file and without a network: it opens, and its board is dragged."""

import numpy as np
import pytest
from axe_faults import faults_of
from picking import painted
from playwright.sync_api import expect

from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import confusion
from cxrcore.report import contents, page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def found(phantoms):
    return contents.read_contents(phantoms.store, [])


@pytest.fixture(scope="module")
def file(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.render_report(found, n_films=0), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["light", "dark"])
def opened(chromium, file, request):
    """The file in a tab that has no network, for all tests; any message of an error fails the last of them."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param, offline=True)
    tab, faults = context.new_page(), []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda asked: faults.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:"))
           else None)
    tab.goto(file.as_uri())
    expect(tab.locator("html[data-ready]")).to_have_count(1)
    yield tab
    context.close()
    assert not faults, faults


def test_the_board_is_dragged_and_counts_right(opened, found):
    row = opened.locator("[data-finding=Infiltration]")
    handle = row.locator("input[type=range]")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    opened.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2, steps=6)
    opened.mouse.up()
    painted(opened)
    said = row.locator("[data-metric=threshold] .shown").text_content()  # the field is cut to three digits
    one, k = found.compared[0], NIH_FINDINGS.index("Infiltration")
    films = found.store.predictions(one.run.prediction_id("test"))
    counts = confusion(films.labels, films.scores, np.full(len(NIH_FINDINGS), float(said)))
    expect(row.locator("[data-metric=f1]")).to_have_text(f"{counts.f1[k]:.3f}")
    expect(row.locator("[data-metric=recall]")).to_have_text(f"{counts.recall[k]:.3f}")
    expect(opened.get_by_text("1 moved by hand here")).to_be_visible()
    field = row.locator("[data-metric=threshold] input")
    field.fill("0.123456789")
    field.press("Enter")
    expect(opened.get_by_text("is not counted in this file")).to_be_visible()


def test_the_modes_are_dragged_and_count_right(opened, found):
    opened.get_by_role("button", name="Decide", exact=True).click()
    assert opened.locator('[data-mode="films"]').count() == 0  # a file holds no films to place
    for mode in ("place", "worth", "ask"):
        opened.locator(f'[data-mode="{mode}"]').click()
    opened.locator('.decide [data-control="prevalence"]').fill("2 %")
    opened.locator('.decide [data-control="harm-ratio"]').fill("25")
    opened.locator('.decide [data-control="harm-ratio"]').press("Enter")
    row = opened.locator("[data-finding=Effusion]")
    row.get_by_role("slider", name="Effusion", exact=True).press("PageDown")
    upper = row.get_by_role("slider", name="Effusion, upper line", exact=True)
    for _ in range(5):
        upper.press("PageUp")
    low, high = (float(opened.evaluate(f"""() => {{
        const row = document.querySelector("#board-host").shadowRoot.querySelector('[data-finding="Effusion"]');
        return {part}; }}""")) for part in ("row.querySelector('.shown').textContent",
                                            "/upper line ([^,]*)/.exec(row.querySelector('.upper').ariaValueText)[1]"))
    films, k = found.store.predictions(found.compared[0].run.prediction_id("test")), NIH_FINDINGS.index("Effusion")
    scores, has = films.scores[:, k].astype(np.float64), films.labels[:, k] == 1
    alarm, asked = scores >= low, (scores >= low) & (scores < high)
    hit, wrong = 0.02 * alarm[has].mean(), 0.98 * alarm[~has].mean()
    for metric, value in (("ppv", hit / (hit + wrong)), ("alarms_per_1000", 1000 * (hit + wrong)),
                          ("net_benefit", hit - wrong / 25), ("referred", asked.mean()),
                          ("decided_recall", (scores >= high)[has & ~asked].mean())):
        said = row.locator(f'[data-metric="{metric}"]').get_attribute("data-value")
        assert float(said) == pytest.approx(value, abs=1e-12), metric
    assert asked.any()
    cell = opened.locator('[data-panel-interval="ppv"][data-low]')
    assert float(cell.get_attribute("data-low")) < hit / (hit + wrong) < float(cell.get_attribute("data-high"))
    assert opened.locator(".worth-chart path.curve").count() == 2  # of the key and of calibrated scores


def test_axe_finds_nothing_grave(opened):
    opened.get_by_text("What the numbers mean").click()
    opened.locator(".chart").first.scroll_into_view_if_needed()
    expect(opened.locator(".chart.drawn .main-svg").first).to_be_visible()
    assert not (found := faults_of(opened)), [(one["rule"], one["text"][:200], one["why"]) for one in found]


def test_another_run_takes_the_board_and_charts_are_drawn(opened, found):
    opened.locator("#board-run").select_option("1")
    expect(opened.locator(".chart.drawn .main-svg").first).to_be_visible()
    row = opened.locator("[data-finding=Effusion]")
    expect(row).to_be_visible()
    one, k = found.compared[1], NIH_FINDINGS.index("Effusion")
    films = found.store.predictions(one.run.prediction_id("test"))
    counts = confusion(films.labels, films.scores, one.source.thresholds)
    expect(row.locator("[data-metric=recall]")).to_have_text(f"{counts.recall[k]:.3f}")
    opened.get_by_role("button", name="Light / dark").click()
    opened.locator("#maps, #subgroups").last.scroll_into_view_if_needed()
    assert opened.evaluate("document.documentElement.scrollWidth") <= 1440
