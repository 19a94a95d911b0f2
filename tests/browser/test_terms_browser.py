"""A finger has no hover: what a measure is comes when its name is tapped, on a phone too."""

import pytest
from picking import settle
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
NAMES = {"runs": "AUROC", "compare": "AUROC"}  # {page: a measure's name on it}


def test_a_tap_on_a_measures_name_opens_its_line_of_the_glossary(chromium, served, phantoms):
    context = chromium.new_context(viewport=PHONE, has_touch=True)
    page = context.new_page()
    for name, measure in NAMES.items():
        page.goto(f"{served}/{name}?run={phantoms.run_ids['mobilenet_v2']}")
        settle(page)
        if (more := page.get_by_test_id("more-controls")).is_visible():
            more.tap()
        page.locator("button:visible").get_by_text(measure).first.tap()
        said = page.locator("#term")
        expect(said).to_be_visible()
        expect(said).to_contain_text("Range: ")
        box = said.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], name
        page.keyboard.press("Escape")
        expect(said).to_be_hidden()
    context.close()
