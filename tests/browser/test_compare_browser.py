"""The Compare and Subgroups pages in a real browser: both themes, narrow screens, choices that stand in the link."""

import re

import pytest
from picking import choose, pick, settle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CHART = ".js-plotly-plot"
THEMES = {"dark": "rgb(16, 22, 30)", "light": "rgb(255, 255, 255)"}
PAGES = {"compare": ("Compare", 2), "subgroups": ("Subgroups", 2)}  # {name: (head, charts)}


@pytest.fixture(scope="module")
def three(phantoms):
    """The link's part that names three of the runs."""
    return "&".join(f"run={run_id}" for run_id in list(phantoms.run_ids.values())[:3])


def open_page(page, served, name, link):
    head, charts = PAGES[name]
    page.goto(f"{served}/{name}?{link}")
    expect(page.get_by_role("heading", name=head, exact=True)).to_be_visible()
    expect(page.locator(f"{CHART} .main-svg").first).to_be_visible()
    expect(page.locator(CHART)).to_have_count(charts)


def texts_over_texts(page):
    """Texts of a chart that are cut at its edge or lie over each other, and parts of the page that are too wide."""
    return page.evaluate("""() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
        const edge = plot.getBoundingClientRect();
        const texts = [...plot.querySelectorAll('text')].filter(e => e.textContent.trim());
        const boxes = texts.map(e => e.getBoundingClientRect());
        return texts.flatMap((text, i) => {
            const a = boxes[i], found = [];
            if (a.right > edge.right + 1 || a.left < edge.left - 1) found.push('cut: ' + text.textContent);
            boxes.slice(i + 1).forEach((b, j) => {
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
                    found.push('over: ' + text.textContent + ' / ' + texts[i + 1 + j].textContent);
            });
            return found;
        });}).concat([...document.querySelectorAll('[data-testid=stMain] *')]
        .filter(e => !e.closest('[data-testid=stMultiSelect], [data-testid=stDataFrame], .js-plotly-plot'))
        .filter(e => !e.closest('[role=radiogroup]') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => 'wide: ' + e.outerHTML.slice(0, 120)))""")


@pytest.mark.parametrize("name", PAGES)
def test_both_themes_and_the_answer_in_the_first_fifth(page, served, three, name):
    """Opened in the dark one, which then becomes light."""
    page.emulate_media(color_scheme="dark")
    open_page(page, served, name, three)
    for scheme, background in THEMES.items():
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
        settle(page)
        smallest = page.evaluate("""() => Math.min(
            ...[document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)]
            .flatMap(root => [...root.querySelectorAll('p, label, button, a, th, td, span, .js-plotly-plot text')])
            .filter(e => e.offsetParent !== null || e.tagName === 'text').filter(e => e.textContent.trim())
            .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
        assert smallest >= 14, scheme
        assert not texts_over_texts(page), scheme
        assert page.locator("[data-first-content]").bounding_box()["y"] <= 170, scheme


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_holds_the_page(page, served, three, name):
    page.set_viewport_size({"width": 390, "height": 900})
    open_page(page, served, name, three)
    assert not [fault for fault in texts_over_texts(page) if fault.startswith(("wide", "cut"))]


def test_the_reference_stands_in_the_link_and_gives_way_when_it_is_taken_out(page, served, three, phantoms):
    store = phantoms.store.runs().set_index("run_id")["name"]
    names = [store[run_id] for run_id in list(phantoms.run_ids.values())[:3]]
    open_page(page, served, "compare", three)
    pick(page, "Against", names[2])
    expect(page).to_have_url(re.compile("against="))
    expect(page.get_by_text(f"difference to {names[2]}")).to_be_visible()
    page.reload()
    expect(page.get_by_text(f"difference to {names[2]}")).to_be_visible()
    page.get_by_role("button", name=f"Remove {names[2]}").click()
    expect(page.get_by_text(f"difference to {names[0]}")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlert").filter(has_text="not here")).to_have_count(0)


def test_measure_thresholds_and_cost_stand_in_the_link(page, served, three):
    open_page(page, served, "compare", three)
    choose(page, "F1")
    pick(page, "Thresholds", "0.5 for every finding")
    settle(page)
    page.get_by_text("Quality against cost").click()
    choose(page, "GMACs")
    expect(page.get_by_text("GMACs a film, logarithmic")).to_be_visible()
    expect(page).to_have_url(re.compile("by=F1"))
    expect(page).to_have_url(re.compile("cost=GMACs"))
    page.reload()
    expect(page.get_by_text("Macro F1 against cost")).to_be_visible()
    expect(page.get_by_role("combobox", name=re.compile("Thresholds"))).to_have_value("0.5 for every finding")
    expect(page.get_by_text("GMACs a film, logarithmic")).to_be_visible()


def test_grouping_measure_and_gap_stand_in_the_link(page, served, three):
    open_page(page, served, "subgroups", three)
    choose(page, "View")
    choose(page, "AUROC")
    expect(page.get_by_text("Gap in AUROC")).to_be_visible()
    box = page.get_by_role("combobox", name=re.compile("Gap to"))
    first = box.input_value()
    other = "AP" if first == "PA" else "PA"
    pick(page, "Gap to", other)
    expect(page.get_by_text(f"Gap to {other}").last).to_be_visible()
    expect(page).to_have_url(re.compile(f"to_view={other}"))
    page.reload()
    expect(page.get_by_role("combobox", name=re.compile("Gap to"))).to_have_value(other)
    expect(page.get_by_text("Gap in AUROC")).to_be_visible()


def test_a_click_on_a_column_sorts_the_table_and_the_mean_stays_on_top(page, served, three):
    open_page(page, served, "compare", three)
    table, names = page.get_by_test_id("compare-table"), page.locator("tbody th")
    order = names.all_inner_texts()
    head = table.get_by_role("columnheader").nth(2)
    values = page.locator("tbody td:nth-child(3) .number")
    for way, sign in (("descending", -1), ("ascending", 1)):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", way)
        shown = [float(text) for text in values.all_inner_texts()[1:] if text != "–"]
        assert shown == sorted(shown, key=lambda value: sign * value)
        assert names.all_inner_texts()[0] == "Macro mean" == order[0]
    head.get_by_role("button").click()
    assert names.all_inner_texts() == order


def test_a_latex_table_is_three_clicks_away_and_shown_before_it_is_copied(page, served, three):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, served, "compare", three)
    settle(page)
    page.get_by_role("button", name="For a paper").click()
    expect(page.get_by_test_id("stPopoverBody").get_by_text("toprule")).to_be_visible()
    page.get_by_role("button", name="Copy as LaTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "\\bottomrule" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy methods").click()
    expect(page.get_by_role("button", name="Copied").last).to_be_visible()
    assert "bootstrap draws of patients" in page.evaluate("navigator.clipboard.readText()")


def test_every_chart_can_be_taken_along_as_a_drawing_and_as_a_picture(page, served, three):
    open_page(page, served, "compare", three)
    expect(page.locator(".chart-files")).to_have_count(2)
    with page.expect_download() as drawing:
        page.get_by_role("button", name="Download this chart as SVG").first.click()
    text = drawing.value.path().read_text()
    assert drawing.value.suggested_filename == "compare_auroc.svg"
    assert text.startswith("<svg") and "AUROC with 95 % intervals" in text and "Pleural thickening" in text
    with page.expect_download() as picture:
        page.get_by_role("button", name="Download this chart as PNG").last.click()
    content = picture.value.path().read_bytes()
    assert picture.value.suggested_filename == "difference_auroc.png" and content[:4] == b"\x89PNG"
    assert len(content) > 20_000
