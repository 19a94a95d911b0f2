"""The Import page in a browser: a file is audited, saved, and stands on the leaderboard."""

import re

import predictions as made
import pytest
from playwright.sync_api import expect

from cxrcore.evaluation import data_set_films
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

pytestmark = pytest.mark.browser
FILMS = made.table(600)


@pytest.fixture(scope="module")
def served(address_of, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("import") / "store.duckdb")
    data_set_films.add_to(store, FILMS)
    return address_of(store.path)


def test_a_file_gets_onto_the_leaderboard_in_three_clicks(page, served, tmp_path):
    file = tmp_path / "their_model.csv"
    rows = made.frame(FILMS).add_prefix("prob_").rename(columns={"prob_image_id": "Image Index"})
    file.write_bytes(made.as_csv(rows))
    page.goto(f"{served}/import")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(18)
    expect(page.get_by_text("15 passed")).to_be_visible()
    page.get_by_role("button", name="Save as a run").click()
    expect(page.get_by_text(re.compile("Saved as run"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Thresholds").click()
    expect(page).to_have_url(re.compile("thresholds.*run="))
    expect(page.get_by_text("their_model").first).to_be_visible()
    expect(page.locator("[data-panel-metric=tp]")).to_have_text(re.compile(r"\d"))


def test_a_refused_file_cannot_be_saved_and_says_why(page, served, tmp_path):
    rows = made.frame(FILMS)
    file = tmp_path / "logits.csv"
    rows[list(NIH_FINDINGS)] = rows[list(NIH_FINDINGS)] * 8 - 4
    file.write_bytes(made.as_csv(rows))
    page.goto(f"{served}/import")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_text("declare logits")).to_be_visible()
    expect(page.get_by_role("button", name="Save as a run")).to_be_disabled()
