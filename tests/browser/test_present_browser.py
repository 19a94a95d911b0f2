"""Class mode in a real browser: keys, large type, a stage that fits, and a board that drags under enlargement."""

import os
import re
import shutil

import numpy as np
import pytest
from picking import answered, painted, settle
from playwright.sync_api import expect

from cxrcore.evaluation.promised_thresholds import fit_promise, read_promise
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.decisions.promises import Aim
from cxrcore.measures.metrics import confusion
from cxrcore.store import Store
from cxrcore.ui.present.slides import SLIDES
from cxrcore.ui.present.thresholds import N_ROWS

pytestmark = pytest.mark.browser

NAMES = [slide.name for slide in SLIDES]
LEAST = 20  # pixels, of any text on a slide


@pytest.fixture(scope="module")
def store(phantoms, tmp_path_factory):
    """The phantoms' store with what is prepared beside it, to write beside; weights, which are large, are links."""
    folder = tmp_path_factory.mktemp("class")
    shutil.copytree(phantoms.path.parent, folder / "runs",
                    copy_function=lambda old, new: (os.symlink if old.endswith(".pth") else shutil.copy2)(old, new))
    return Store(folder / "runs" / phantoms.path.name)


@pytest.fixture(scope="module")
def served(address_of, store):
    return address_of(store.path)


@pytest.fixture
def stage(page, served):
    """Opens a slide on a projector of 1280 x 720 and waits until it stands."""
    page.set_viewport_size({"width": 1280, "height": 720})

    def open_slide(name: str) -> None:
        page.goto(f"{served}/present?slide={name}")
        settled(page, name)

    return open_slide


def settled(page, name: str) -> None:
    expect(page.get_by_text(f"{NAMES.index(name) + 1} of {len(NAMES)}", exact=True)).to_be_visible()
    expect(page.locator(".st-key-stage h2").first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-slide-keys", "on")
    settle(page)  # charts and the board take their height, and nothing is left of the slide before


def unreadable(page) -> list[str]:
    """Texts on the stage that are cut off, or below `LEAST` pixels, enlargement counted, shadow roots included."""
    return page.evaluate("""least => {
        const found = [];
        const zoomed = e => { let zoom = 1; for (; e instanceof Element; e = e.parentElement ?? e.getRootNode().host)
            zoom *= Number(getComputedStyle(e).zoom) || 1; return zoom; };
        const walk = node => {
            for (const e of node.querySelectorAll('*')) {
                if (e.shadowRoot) walk(e.shadowRoot);
                if (getComputedStyle(e).overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
                    && e.textContent.trim() && e.checkVisibility()) found.push('cut: ' + e.textContent.slice(0, 40));
                const own = [...e.childNodes].some(c => c.nodeType === 3 && c.textContent.trim());
                const box = e.getBoundingClientRect();
                if (!own || box.width < 2 || box.height < 2 || !e.checkVisibility({visibilityProperty: true})) continue;
                if (e.closest('style, script, [data-icon], [data-testid=stIconMaterial]')) continue;
                const size = parseFloat(getComputedStyle(e).fontSize) * zoomed(e);
                if (size < least - 0.1) found.push(size.toFixed(1) + ': ' + e.textContent.trim().slice(0, 40));
            }
        };
        walk(document.querySelector('.st-key-stage'));
        return found; }""", LEAST)


def assert_it_fits(page, name: str) -> None:
    """Nothing has to be scrolled, and all of it can be read from afar."""
    sizes = page.evaluate("""() => { const m = document.querySelector('[data-testid=stMain]');
        return [m.scrollHeight - m.clientHeight, document.documentElement.scrollWidth - innerWidth]; }""")
    assert max(sizes) <= 1, f"{name} overflows by {sizes} pixels"
    assert unreadable(page) == [], name


def test_keys_turn_the_slides_and_each_fits_a_projector_in_large_type(page, stage):
    stage(NAMES[0])
    for name in NAMES:
        settled(page, name)
        if name != NAMES[0]:  # which the page opens on without being told
            expect(page).to_have_url(re.compile(f"slide={name}"))
        assert_it_fits(page, name)
        bar = page.locator(".st-key-present_bar")
        assert bar.bounding_box()["height"] < 2 * bar.get_by_role("combobox").first.bounding_box()["height"], "two rows"
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    settled(page, NAMES[-2])
    page.reload()
    settled(page, NAMES[-2])
    page.keyboard.press("Home")
    settled(page, NAMES[0])


def test_a_slide_fits_with_every_mode_of_the_board_open(page, stage):
    stage("Thresholds")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".row.open")).to_be_visible()
    settle(page)
    height = "document.querySelector('[data-testid=stMain]').scrollHeight"
    at_rest = page.evaluate(height)
    page.get_by_role("button", name="Decide", exact=True).click()
    for mode in ("place", "worth", "ask"):
        page.locator(f'[data-mode="{mode}"]').click()
    settle(page)
    board = page.get_by_test_id("threshold-board")
    assert board.evaluate("e => e.scrollHeight > e.clientHeight")  # what has no room scrolls inside
    expect(page.locator(".modes:visible")).to_have_count(1)  # the open finding's
    closing = page.get_by_role("button", name="Decide", exact=True).bounding_box()
    assert closing["y"] + closing["height"] <= 720
    assert page.evaluate(height) <= at_rest and unreadable(page) == []


def test_the_modes_follow_a_drag_on_the_slide(page, stage, store):
    stage("Thresholds")
    page.get_by_role("button", name="Reveal").click()
    row = page.locator(".row.open")
    expect(row).to_be_visible()
    page.get_by_role("button", name="Decide", exact=True).click()
    for mode in ("place", "worth", "ask"):
        page.locator(f'[data-mode="{mode}"]').click()
    page.locator('.decide [data-control="prevalence"]').fill("1 %")
    page.locator('.decide [data-control="prevalence"]').press("Enter")
    handle = row.locator("input[type=range]:not(.upper)")
    handle.scroll_into_view_if_needed()
    box, place = handle.bounding_box(), int(handle.input_value()) / int(handle.get_attribute("max"))
    x, y = box["x"] + 10 + (box["width"] - 20) * place, box["y"] + box["height"] * 0.7
    with answered(page):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 60, y, steps=4)
        page.mouse.up()
    threshold = float(row.locator("[data-metric=threshold] .shown").text_content())
    k = NIH_FINDINGS.index(row.get_attribute("data-finding"))
    best = store.leaderboard().query("split == 'test'").sort_values("auroc", ascending=False).iloc[0]
    found = store.predictions(best["prediction_id"])
    alarm, has = found.scores[:, k].astype(np.float64) >= threshold, found.labels[:, k] == 1
    hit, wrong = 0.01 * alarm[has].mean(), 0.99 * alarm[~has].mean()
    for metric, value in (("ppv", hit / (hit + wrong)), ("net_benefit", hit - wrong / 10)):
        said = row.locator(f'[data-metric="{metric}"]').get_attribute("data-value")
        assert float(said) == pytest.approx(value, abs=1e-12), metric


def test_a_promise_stands_on_the_slide_with_what_was_measured(page, served, store):
    run_id = store.leaderboard().query("split == 'test'").sort_values("auroc", ascending=False)["run_id"].iloc[0]
    of, made = fit_promise(store, run_id, "val", Aim("recall", 0.5))
    set_id = store.save_threshold_set(of, made.name, made.objective, made.thresholds, parameters=made.parameters)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{served}/present?slide=Thresholds&run={run_id}&set={set_id}")
    settled(page, "Thresholds")
    page.get_by_role("button", name="Reveal").click()
    line = page.locator(".promised")
    expect(line).to_contain_text("Promised: recall ≥ 0.5 for new patients, confidence 0.95. Measured by patients on ")
    finding = page.locator(".row.open").get_attribute("data-finding")
    row = read_promise(store, run_id, set_id).table.set_index("finding").loc[finding]
    expect(line).to_contain_text(f": {row['measured']:.3f} ({row['low']:.3f} to {row['high']:.3f}), {row['verdict']}.")
    settle(page)
    assert_it_fits(page, "the board with a promise")
    with answered(page):
        page.locator(".row.open").get_by_role("slider").press("ArrowRight")
    expect(line).to_contain_text("This line promises nothing")
    page.keyboard.press("Control+z")
    expect(line).to_contain_text("Promised: recall ≥ 0.5")


def test_a_long_statement_stays_on_one_line(page, stage, store):
    best = store.leaderboard().query("split == 'test'").set_index("run_id")["auroc"].idxmax()
    name = store.run(best)["name"]
    store.edit_run(best, name="EfficientNet-B0, weighted, seed 1")
    try:
        stage("Networks")
        statement = page.locator(".st-key-stage h2").first
        expect(statement).to_contain_text("weighted, seed 1 ranks best")
        assert statement.evaluate("e => e.clientHeight / parseFloat(getComputedStyle(e).fontSize)") < 2, "two lines"
        assert_it_fits(page, "Networks")
    finally:
        store.edit_run(best, name=name)


def test_n_opens_the_notes(page, stage):
    stage("Accuracy")
    page.keyboard.press("n")
    expect(page.get_by_text(SLIDES[1].notes.ask)).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text(SLIDES[1].notes.ask)).to_have_count(0)


def test_a_slide_leaves_the_screen_at_once_and_notes_stand_beside_it(page, stage):
    stage("Accuracy")
    page.keyboard.press("n")
    notes = page.locator(".st-key-present_notes")
    expect(notes).to_be_visible()
    title = page.locator(".st-key-stage h2").first
    assert notes.bounding_box()["x"] >= title.bounding_box()["x"] + title.bounding_box()["width"]
    seen = page.evaluate("""() => {
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
      return getComputedStyle(document.querySelector('.st-key-stage')).visibility; }""")
    assert seen == "hidden"
    settled(page, "Networks")
    expect(page.locator("html")).not_to_have_attribute("data-slide-turning", "yes")


def test_two_windows_turn_together(page, stage, served):
    stage("Data")
    notes = page.context.new_page()
    notes.goto(f"{served}/present?slide=Data&notes=true")
    settled(notes, "Data")
    page.keyboard.press("ArrowRight")
    settled(notes, "Accuracy")
    expect(notes.get_by_text(SLIDES[1].notes.ask)).to_be_visible()
    notes.keyboard.press("ArrowRight")
    settled(page, "Networks")


def test_the_board_drags_on_the_slide_and_counts_right(page, stage, store):
    stage("Thresholds")
    page.get_by_role("button", name="Reveal").click()
    row = page.locator(".row.open")
    expect(row).to_be_visible()
    expect(page.locator(".row:visible[data-finding]")).to_have_count(N_ROWS)
    expect(page.get_by_role("button", name="Guess again")).to_be_visible()
    expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    settled(page, "Thresholds")
    assert_it_fits(page, "the board")
    handle = row.locator("input[type=range]")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    painted(page)
    last = int(handle.get_attribute("max"))
    assert abs(int(handle.input_value()) / last - 0.3) < 0.02, "the handle is not under the pointer"
    threshold = float(row.locator("[data-metric=threshold] .shown").text_content())
    k = NIH_FINDINGS.index(row.get_attribute("data-finding"))
    board = store.leaderboard().query("split == 'test'").sort_values("auroc", ascending=False)
    found = store.predictions(board.iloc[0]["prediction_id"])
    f1 = confusion(found.labels, found.scores, np.full(len(NIH_FINDINGS), threshold)).f1[k]
    expect(row.locator("[data-metric=f1]")).to_have_text(f"{f1:.3f}")
    settle(page)
    place = int(handle.input_value())
    with answered(page):
        page.keyboard.press("ArrowRight")  # moves the handle, which has the focus, and not the slide
    assert int(handle.input_value()) == place + 1
    settled(page, "Thresholds")
