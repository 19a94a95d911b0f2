"""Names in a browser: whatever they hold, no page makes a link of them, and they are read and copied as typed."""

import hostile_names as hostile
import pytest
from picking import settle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
COPIED = """box => { const range = document.createRange(); range.selectNodeContents(box);
  getSelection().removeAllRanges(); getSelection().addRange(range); return getSelection().toString(); }"""


@pytest.fixture(scope="module")
def served(address_of, tmp_path_factory):
    store = hostile.make(tmp_path_factory.mktemp("names") / "store.duckdb")
    runs = "&".join(f"run={run_id}" for run_id in store.runs().query("kind == 'imported'")["run_id"])
    return address_of(store.path), runs


@pytest.mark.parametrize("name", ["compare", pytest.param("curves", marks=pytest.mark.long)])
def test_no_link_leads_where_a_name_says(page, served, name):
    address, runs = served
    page.goto(f"{address}/{name}?{runs}")
    settle(page)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.locator("a[href*=evil], a[href^=mailto], .js-plotly-plot a, img[src*=evil]").count() == 0
    warned = page.get_by_text("warned import").first
    expect(warned).to_be_visible()
    warned.hover()
    expect(page.get_by_text("LEAK: 82 of these patients, www.evil.example").first).to_be_visible()
    said = page.get_by_test_id("stTooltipContent").first.evaluate(COPIED)
    assert hostile.NAMES[0] in said and hostile.NAMES[1] + hostile.NAMES[2] in said
    assert page.locator("a[href*=evil]").count() == 0
