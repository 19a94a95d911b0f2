"""The Runs page in a real browser: links, ticks, live growth, managing, themes, narrow screens."""

import re

import pytest
from browser_server import serving
from picking import pick, settle
from playwright.sync_api import expect
from seeded_runs import add_run, beat, log_epoch, make_store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("served") / "store.duckdb")


@pytest.fixture(scope="module")
def served(address_of, store):
    return address_of(store.path)


def open_runs(page, served, link=""):
    page.goto(f"{served}/runs{link}")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    return page


def chips(page):
    return page.get_by_test_id("stMultiSelect")


def rows(page):
    """Of the first leaderboard."""
    return page.get_by_test_id("leaderboard").first.locator("tr[data-run]")


def tick(page, row):
    """Tick a row of the first table, counted from 1."""
    rows(page).nth(row - 1).get_by_role("checkbox").check()


def test_a_deep_link_as_a_fresh_servers_first_request(page, store, tmp_path):
    ids = [add_run(store, name, fingerprint="deep") for name in ("deep one", "deep two")]
    with serving(store.path, tmp_path / "server.log") as address:
        page.goto(f"{address}/runs?run={ids[0]}")
        expect(page).to_have_title("Runs · Chest X-ray workbench")
        expect(page.get_by_test_id("stSidebar").get_by_role("link", name="Runs")).to_be_visible()
        expect(page.get_by_test_id("stSidebar")).to_contain_text("Results")
        expect(chips(page)).to_contain_text("deep one")
        expect(page.get_by_text("Page not found")).to_have_count(0)
        # Widgets keep their identity from here on: the next choice adds to the link's.
        pick(page, "Runs", "deep two")
        expect(page).to_have_url(re.compile(f"run={ids[0]}&run={ids[1]}"))
        page.goto(f"{address}/?run={ids[0]}&run={ids[1]}")  # the bare address leads on, with its parameters
        expect(page).to_have_url(re.compile(f"/runs.run={ids[0]}&run={ids[1]}"))
        expect(chips(page)).to_contain_text("deep two")


def test_an_unknown_run_in_a_link_is_an_error(page, served, store):
    add_run(store, "somebody else")
    open_runs(page, served, "?run=20200101-000000-abcdef")
    expect(page.get_by_role("alert")).to_contain_text("20200101-000000-abcdef")
    expect(page.get_by_test_id("leaderboard")).to_have_count(0)
    page.get_by_role("button", name="Show the runs that are here").click()
    expect(page.get_by_test_id("leaderboard").first).to_be_visible()
    expect(page).to_have_url(f"{served}/runs")


def test_ticks_picker_and_link_stay_in_step(page, served, store):
    ids = [add_run(store, f"tick {i}", fingerprint="ticks", auroc=0.7 + i / 100, lr=1e-4 * (i + 1)) for i in range(3)]
    open_runs(page, served)
    tick(page, 1)
    expect(page).to_have_url(re.compile(f"run={ids[2]}$"))
    tick(page, 3)
    expect(page).to_have_url(re.compile(f"run={ids[2]}&run={ids[0]}$"))
    expect(chips(page)).to_contain_text("tick 0")
    page.reload()
    expect(chips(page)).to_contain_text("tick 2")
    expect(rows(page).nth(0)).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name=re.compile("Clear all")).first.click()
    expect(page).to_have_url(f"{served}/runs")
    page.go_back()
    expect(chips(page)).to_contain_text("tick 2")


def test_the_keyboard_alone_walks_ticks_sorts_unfolds_and_opens(page, served, store):
    seeds = [add_run(store, f"key {i}", fingerprint="keys", auroc=0.7 + i / 100, seed=i) for i in range(2)]
    low = add_run(store, "key low", fingerprint="keys", auroc=0.6, lr=1e-3)
    open_runs(page, served)
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_be_visible()  # what is hidden until the page is drawn takes no focus
    rows(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("End")
    expect(rows(page).nth(3)).to_be_focused()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(f"run={low}$"))
    expect(rows(page).nth(3)).to_be_focused()
    page.get_by_role("button", name="AUROC", exact=False).first.press("Enter")  # the greatest first, as it stands
    page.get_by_role("button", name="AUROC", exact=False).first.press("Enter")
    head = page.get_by_test_id("leaderboard").get_by_role("columnheader").nth(2)
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(rows(page).first).to_contain_text("key low")
    page.reload()  # folds and order are the reader's: they outlive the table
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_contain_text("key low")
    settle(page)  # the table may be drawn once more until then
    rows(page).nth(2).focus()
    expect(rows(page).nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("^Thresholds"))
    expect(page).to_have_url(re.compile(f"run={seeds[1]}"))


def test_the_answer_and_the_curves_stand_on_the_first_screen(page, served, store):
    add_run(store, "first screen", fingerprint="screen")
    page.set_viewport_size({"width": 1440, "height": 900})
    open_runs(page, served)
    settle(page)
    assert page.locator("[data-first-content]").first.bounding_box()["y"] <= 170
    shown = page.get_by_test_id("leaderboard"), page.locator(".js-plotly-plot")
    table, chart = (one.first.bounding_box() for one in shown)
    assert chart["x"] > table["x"] + table["width"] and chart["y"] < 500
    assert table["width"] > 1.3 * page.locator(".st-key-runs_curves").bounding_box()["width"]


def test_an_epoch_appears_without_a_click(page, served, store):
    run_id = add_run(store, "growing", fingerprint="live", status="running", auroc=None, epochs=1)
    beat(store, run_id, stage="training", epoch=2, epochs=8, step=10, steps=100)
    open_runs(page, served, f"?run={run_id}")
    chart = page.get_by_role("img", name=re.compile("Validation macro AUROC")).or_(
        page.locator('[aria-label^="Validation macro AUROC"]')).first
    expect(chart).to_have_attribute("aria-label", re.compile("in 1 epochs"))
    expect(page.get_by_text("step 10 of 100")).to_be_visible()
    page.evaluate("window.notReloaded = true; window.scrollTo(0, 0)")
    expect(rows(page).first.locator(".progress")).to_be_visible()
    top = page.get_by_test_id("leaderboard").first.bounding_box()
    log_epoch(store, run_id, 2)
    beat(store, run_id, stage="training", epoch=3, epochs=8, step=70, steps=100)
    expect(chart).to_have_attribute("aria-label", re.compile("in 2 epochs"))
    expect(page.get_by_text("step 70 of 100")).to_be_visible()
    assert page.evaluate("window.notReloaded") and page.get_by_test_id("leaderboard").first.bounding_box() == top
    store.finish_run(run_id, "finished", best_epoch=2)  # and its end is seen, too
    expect(page.get_by_text("Training now")).to_have_count(0)


def test_rename_then_delete(page, served, store):
    run_id = add_run(store, "short-lived", fingerprint="a1")
    open_runs(page, served, f"?run={run_id}")
    page.get_by_role("button", name="Manage", exact=True).click()
    page.get_by_label("Name").fill("renamed")
    page.get_by_role("button", name="Save").click()
    expect(chips(page)).to_contain_text("renamed")
    assert store.run(run_id)["name"] == "renamed"
    page.get_by_role("button", name="Delete", exact=False).last.click()
    dialog = page.get_by_role("dialog").filter(has_text="will be gone for good")
    expect(dialog).to_contain_text("renamed")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert run_id in set(store.runs()["run_id"])
    page.get_by_role("button", name="Manage", exact=True).click()
    page.get_by_role("button", name="Delete", exact=False).last.click()
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(f"{served}/runs")
    expect(page.get_by_text("Deleted renamed")).to_be_visible()
    assert run_id not in set(store.runs()["run_id"])


def test_both_themes(page, served, store):
    """Opened in the dark one, which then becomes light."""
    run_id = add_run(store, "of two themes", fingerprint="theme")
    page.emulate_media(color_scheme="dark")
    open_runs(page, served, f"?run={run_id}")
    for scheme, background in (("dark", "rgb(16, 22, 30)"), ("light", "rgb(255, 255, 255)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        expect(page.locator(".js-plotly-plot")).to_have_count(4)
        settle(page)
        smallest = page.evaluate("""() => Math.min(
            ...[...document.querySelectorAll('p, label, button, a, .js-plotly-plot text')]
            .filter(e => e.offsetParent !== null || e.tagName === 'text').filter(e => e.textContent.trim())
            .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
        assert smallest >= 14, scheme


def test_a_phone_shows_it_without_scrolling_sideways(page, served, store):
    run_id = add_run(store, "a name that is rather long for a telephone, as names of runs are", fingerprint="phone")
    page.set_viewport_size({"width": 390, "height": 844})
    open_runs(page, served, f"?run={run_id}")
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    wide = page.evaluate("""() => [...document.querySelectorAll('[data-testid=stMain] *')]
        .filter(e => !e.closest('[data-testid=stDataFrame], [data-testid=stMultiSelect]'))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))""")
    assert not wide
