"""The label queue by its keys, and the switch Labels in the link, in a real browser."""

import re

import films_to_read
import pytest
from picking import answered, pick, settle
from playwright.sync_api import expect
from scored_runs import DATASET

from cxrcore.store import Store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return films_to_read.make(tmp_path_factory.mktemp("to_read") / "store.duckdb")


def say_where_numbers_come_from(page, text):
    settle(page)
    page.get_by_role("button", name="Numbers").click()
    expect(page.get_by_text(text)).to_be_visible()
    page.keyboard.press("Escape")


def test_three_films_are_read_with_keys_and_then_the_pages_measure_on_them(page, address_of, store):
    page.goto(f"{address_of(store.path)}/cases?films=Label+queue")
    settle(page)
    page.get_by_label("Your initials").fill("AB")
    with answered(page):
        page.get_by_role("button", name="Begin").click()
    film = page.get_by_role("img", name=re.compile("Film 1 of the queue"))
    expect(film).to_be_visible()
    box = film.bounding_box()
    assert box["y"] + box["height"] <= 900 and min(box["width"], box["height"]) >= 560  # large, and in sight as a whole
    for key, place in (("y", 2), ("n", 3), ("b", 2), ("u", 3), ("n", 4)):
        with answered(page):
            page.keyboard.press(key)
        expect(page.get_by_text(f"{place} of 50, read by AB")).to_be_visible()
    content = page.content()
    assert not any(name in content for name in store.images(DATASET)["image_id"])
    with answered(page):
        page.get_by_role("button", name="Save 3").click()
    expect(page.get_by_text(re.compile("Saved as the label set “AB”. Of 3 labels"))).to_be_visible()
    read = store.labels(DATASET, "AB").to_numpy()
    assert ((read == 1).sum(), (read == 0).sum()) == (1, 1)  # and one unsure

    page.get_by_test_id("stSidebar").get_by_role("link", name="Compare").click()
    settle(page)
    pick(page, "Labels", "AB")
    say_where_numbers_come_from(page, "Labels: AB, who have read 2 of these 200 films")  # the third was left unsure
    expect(page).to_have_url(re.compile("labels=AB"))
    page.get_by_test_id("stSidebar").get_by_role("link", name="Data").click()
    settle(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Curves").click()  # its links carry no parameters
    say_where_numbers_come_from(page, "Labels: AB, who have read 2 of these 200 films")  # the third was left unsure
    expect(page).to_have_url(re.compile("labels=AB"))
    pick(page, "Labels", "Own")
    expect(page.get_by_text("Labels: AB, who have read")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("labels="))
