"""The Curves page in a real browser: both themes, narrow screens, hover, links, downloads, and the way here."""

import re

import other_lists
import pytest
from picking import answered, choose, pick, settle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CHART, PANEL = ".js-plotly-plot", ".panel"
# A line that stalls: the first message of which window.stalls is true, and all that follow, are handed on 3 s late.
STALLED = """window.WebSocket = class extends WebSocket {
    late = 0;
    addEventListener(kind, act, ...more) {
        if (kind !== "message") return super.addEventListener(kind, act, ...more);
        super.addEventListener(kind, (event) => {
            if (window.stalls?.(new TextDecoder("latin1").decode(event.data))) this.late = 3000;
            setTimeout(() => act(event), this.late);
        }, ...more);
    }
    set onmessage(act) { this.addEventListener("message", act); }
};"""


@pytest.fixture(scope="module")
def six(phantoms):
    """The link's part that names the six runs."""
    return "&".join(f"run={run_id}" for run_id in phantoms.run_ids.values())


@pytest.fixture(scope="module")
def twenty(tmp_path_factory):
    """Two runs of a list of twenty findings, some with long names."""
    return other_lists.make(tmp_path_factory.mktemp("twenty") / "store.duckdb")


def open_curves(page, served, link, charts):
    """One finding large, by its number of charts, or all of them small: 14 and more panels."""
    page.goto(f"{served}/curves?{link}")
    expect(page.get_by_role("heading", name="Curves", exact=True)).to_be_visible()
    if charts < 14:
        expect(page.locator(f"{CHART} .main-svg").first).to_be_visible()
        expect(page.locator(CHART)).to_have_count(charts)
    else:
        expect(page.locator(PANEL)).to_have_count(charts)
        expect(page.locator(f"{PANEL} svg").first).to_be_visible()
    return page


def open_options(page):
    settle(page)
    page.locator(".st-key-page_bar").get_by_role("button", name="Options").click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()


def shown(page, alt):
    """A chart by the beginning of its alternative text."""
    return page.locator(f'[aria-label^="{alt}"]').first


def test_both_themes(page, served, six):
    """Opened in the dark one, which then becomes light."""
    page.emulate_media(color_scheme="dark")
    open_curves(page, served, f"{six}&view=PR", 15)
    for scheme, background in (("dark", "rgb(16, 22, 30)"), ("light", "rgb(255, 255, 255)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
        settle(page)
        smallest = page.evaluate("""() => Math.min(
            ...[document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)]
            .flatMap(root => [...root.querySelectorAll('p, label, button, a, text')])
            .filter(e => e.offsetParent !== null || e.tagName === 'text').filter(e => e.textContent.trim())
            .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
        assert smallest >= 14, scheme


@pytest.mark.parametrize(("width", "link", "charts"), [
    (390, "view=ROC", 15), (390, "view=PR&finding=Hernia", 1), (1440, "view=Scores", 14),
    (1440, "view=Thresholds&finding=Mass", 3),
    (390, "view=Reliability", 14), (1440, "view=Reliability&finding=Mass&scores=Platt", 1),
    (390, "finding=Mass&band=true&marks=0.5", 1),
])
def test_nothing_is_cut_or_laid_over(page, served, six, width, link, charts):
    """On a phone and on a desk: no sideways scrolling, and no text of a chart over another or beyond its edge."""
    page.set_viewport_size({"width": width, "height": 900})
    open_curves(page, served, f"{six}&{link}", charts)
    assert not faults_of(page)


@pytest.mark.parametrize(("width", "view"), [(390, "PR"), (1440, "ROC")])
def test_long_names_of_findings_are_not_cut(page, address_of, twenty, width, view):
    page.set_viewport_size({"width": width, "height": 900})
    runs = "&".join(f"run={run_id}" for run_id in other_lists.run_ids(twenty, other_lists.TWENTY))
    open_curves(page, address_of(twenty.path), f"{runs}&view={view}", 21)  # one finding is on no film, and the mean
    assert not faults_of(page)


def faults_of(page):
    """What reaches beyond the page, and texts of a chart over another or beyond its edge."""
    wide = page.evaluate("""() => [...document.querySelectorAll('[data-testid=stMain] *')]
        .filter(e => !e.closest('[data-testid=stMultiSelect], .js-plotly-plot'))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))""")
    return wide + page.evaluate("""() => [...document.querySelectorAll('.js-plotly-plot'),
        ...[...document.querySelectorAll('*')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('.panel') ?? [])])
        ].flatMap(plot => {
        const edge = plot.getBoundingClientRect();
        const texts = [...plot.querySelectorAll('text, strong, .figure')].filter(e => e.textContent.trim());
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
        });})""")


def test_hover_shows_threshold_and_counts(page, served, six):
    open_curves(page, served, f"{six.split('&')[0]}&finding=Effusion", 1)
    x, y = page.evaluate("""() => {
        const plot = document.querySelector('.js-plotly-plot'), layout = plot._fullLayout;
        const drawn = plot.calcdata[0], middle = drawn[Math.floor(drawn.length / 2)];
        const area = plot.querySelector('.nsewdrag').getBoundingClientRect();
        return [area.left + layout.xaxis.l2p(middle.x), area.top + layout.yaxis.l2p(middle.y)];}""")
    page.mouse.move(x - 5, y)
    page.mouse.move(x, y)
    label = page.locator(f"{CHART} .hoverlayer")
    words = ("threshold", "false positive rate", "recall", "TP", "with the finding", "FP", "without it")
    expect(label).to_contain_text(re.compile(".*".join(words)))


def test_choices_are_in_the_link_and_the_link_restores_them(page, served, six):
    open_curves(page, served, six, 15)
    choose(page, "PR")
    expect(shown(page, "Precision-recall curve")).to_be_visible()
    open_options(page)
    pick(page, "Finding", "Pleural thickening")
    expect(page.locator(CHART)).to_have_count(1)
    expect(page).to_have_url(re.compile("view=PR"))
    expect(page).to_have_url(re.compile(r"finding=Pleural(\+|%20)thickening"))
    page.reload()
    expect(shown(page, "Precision-recall curve of Pleural thickening")).to_be_visible()
    page.get_by_role("button", name="Hernia").click()
    expect(page).to_have_url(re.compile("finding=Hernia"))
    page.goto(page.url.replace("finding=Hernia", "finding=Pleural_Thickening"))
    expect(shown(page, "Precision-recall curve of Pleural thickening")).to_be_visible()
    page.get_by_role("button", name="Hernia").click()
    expect(shown(page, "Precision-recall curve of Hernia")).to_be_visible()


def test_runs_and_part_come_along_from_the_runs_page(page, served, six):
    page.goto(f"{served}/runs?{six}")
    choose(page, "Validation")
    expect(page).to_have_url(re.compile("on=Validation"))
    settle(page)  # the server has heard of it: a click on another page in that moment would overtake it
    page.get_by_test_id("stSidebar").get_by_role("link", name="Curves").click()
    expect(page.locator(PANEL)).to_have_count(15)
    expect(page.get_by_role("radio", name="Validation")).to_be_checked()
    page.reload()
    expect(page.locator(PANEL)).to_have_count(15)
    expect(page.get_by_role("radio", name="Validation")).to_be_checked()
    expect(page.get_by_test_id("stMultiSelect").get_by_role("button", name=re.compile("Clear all"))).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^Runs")).press("Backspace")
    expect(page).not_to_have_url(re.compile(six.split("&")[-1]))
    expect(page).to_have_url(re.compile(six.split("&")[0]))


def test_the_drawn_points_can_be_taken_along(page, served, six):
    open_curves(page, served, f"{six}&finding=Mass", 1)
    settle(page)  # a file that the run before offered is gone
    page.get_by_test_id("stPopover").get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Drawn points").click()
    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "curves_roc_test.csv" and len(lines) > 100
    assert lines[0] == "run_id,run,finding,line,x,y,threshold,tp,fp,fn"


def test_a_choice_stays_in_the_link_though_the_run_before_it_ends_later(own_page, served, six):
    """That run's end takes vanished widgets' values out of the link, by a link that lacks what was chosen since."""
    page = own_page
    page.add_init_script(STALLED)
    open_curves(page, served, f"{six}&finding=Mass&marks=0.5", 1)
    page.evaluate("() => { window.stalls = (sent) => sent.includes('view=Reliability') && !sent.includes('marks='); }")
    choose(page, "Reliability")
    page.get_by_role("radio", name="Isotonic").click()  # at once
    expect(page.get_by_role("radio", name="Isotonic")).to_be_checked()
    settle(page)
    expect(page).to_have_url(re.compile("scores=Isotonic"))


def test_marks_bands_and_calibration_are_in_the_link(page, served, six):
    open_curves(page, served, f"{six}&finding=Mass", 1)
    band = page.locator(f"{CHART} .js-fill")
    expect(band).to_have_count(0)
    open_options(page)
    page.get_by_text("95 % band").click()
    expect(band).to_have_count(6)
    expect(page).to_have_url(re.compile("band=true"))
    pick(page, "Thresholds", "0.5")
    expect(page.get_by_text("at threshold 0.5")).to_have_count(6)
    expect(page).to_have_url(re.compile("marks=0.5"))
    page.reload()
    expect(page.get_by_text("at threshold 0.5")).to_have_count(6)
    expect(band).to_have_count(6)
    for view in ("Reliability", "Isotonic"):
        with answered(page):  # the link is written by the server too, once it has drawn the page
            choose(page, view)
    expect(page.get_by_role("radio", name="Isotonic")).to_be_checked()
    expect(page).to_have_url(re.compile("scores=Isotonic.*view=Reliability"))
    page.reload()
    expect(shown(page, "Reliability curve of Mass")).to_be_visible()
    expect(page.get_by_role("radio", name="Isotonic")).to_be_checked()


def test_a_panel_opens_by_click_and_by_key_and_a_button_leads_back(page, served, six):
    open_curves(page, served, six, 15)
    page.get_by_role("button", name=re.compile("of Mass.*Open large")).click()
    expect(shown(page, "ROC curve of Mass")).to_be_visible()
    expect(page).to_have_url(re.compile("finding=Mass"))
    page.get_by_role("button", name="All findings").click()
    expect(page.locator(PANEL)).to_have_count(15)
    expect(page).not_to_have_url(re.compile("finding="))
    page.get_by_role("button", name=re.compile("of Edema.*Open large")).press("Enter")
    expect(page.locator(CHART)).to_have_count(1)
    expect(page).to_have_url(re.compile("finding=Edema"))


def test_a_run_is_lit_in_all_panels_from_its_name_and_from_a_curve(page, served, six):
    open_curves(page, served, six, 15)
    dimmed = page.locator(f"{PANEL} [data-run='0']").first
    page.locator(".legend .run").nth(1).hover()
    expect(dimmed).to_have_css("opacity", "0.18")
    expect(page.locator(f"{PANEL} [data-run='1'].on").first).to_have_css("opacity", "1")
    page.locator(".axes").hover()
    expect(dimmed).to_have_css("opacity", "1")
    page.locator(f"{PANEL} [data-reach='2']").first.dispatch_event("pointerover")
    expect(page.locator(f"{PANEL} [data-run='2'].on").first).to_have_css("opacity", "1")
    expect(dimmed).to_have_css("opacity", "0.18")


def test_all_panels_can_be_taken_along_as_a_picture(page, served, six):
    open_curves(page, served, six, 15)
    with page.expect_download() as drawing:
        page.get_by_role("button", name="SVG", exact=True).click()
    text = drawing.value.path().read_text()
    assert drawing.value.suggested_filename == "curves_roc.svg" and text.count("<svg") == 16 and "Macro mean" in text
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert picture.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_panels_begin_in_the_first_fifth_and_the_bar_is_one_line(page, served, six):
    open_curves(page, served, "&".join(six.split("&")[:4]), 15)
    settle(page)
    assert page.locator(PANEL).first.bounding_box()["y"] <= 170
    assert page.locator(".st-key-page_bar").bounding_box()["height"] < 50


def test_hover_on_a_mark_and_on_a_bin(page, served, six):
    page.set_viewport_size({"width": 1440, "height": 1300})  # all of the chart
    hover = """name => {
        const plot = document.querySelector('.js-plotly-plot'), layout = plot._fullLayout;
        const drawn = plot.calcdata.find(points => points[0].trace.name === name || name === '');
        const point = drawn.find(one => one.y !== undefined), area = plot.querySelector('.nsewdrag');
        const box = area.getBoundingClientRect();
        return [box.left + layout.xaxis.l2p(point.x), box.top + layout.yaxis.l2p(point.y)];}"""
    for link, name, words in (("view=PR", "operating points", "threshold.*recall.*F1.*TP.*FP"),
                              ("view=Reliability", "", "mean score.*films.*with the finding.*95 % interval")):
        open_curves(page, served, f"{six.split('&')[0]}&finding=Effusion&{link}", 1)
        for last in (False, False, True):  # on a busy machine the chart is drawn once more under the pointer
            x, y = page.evaluate(hover, name)
            page.mouse.move(x - 5, y)
            page.mouse.move(x, y)
            try:
                expect(page.locator(f"{CHART} .hoverlayer")).to_contain_text(re.compile(words), timeout=20_000)
                break
            except AssertionError:
                if last:
                    raise
