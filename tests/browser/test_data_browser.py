"""The Data page in a real browser: themes, narrow screens, links, films."""

import re

import numpy as np
import pandas as pd
import pytest
from picking import pick, settle
from playwright.sync_api import expect
from seeded_runs import DATASET, add_run, film_ids, make_store

from cxrcore.data import splits
from cxrcore.findings import NIH_FINDINGS

pytestmark = pytest.mark.browser

FORTY = "fortyfilms"


@pytest.fixture(scope="module")
def two_sets(address_of, tmp_path_factory):
    """The address of a store with two data sets, of 12 and of 40 films; the second has two splits."""
    store = make_store(tmp_path_factory.mktemp("two") / "store.duckdb")
    add_run(store, "other")
    images = pd.DataFrame({"image_id": film_ids(40), "patient_id": [str(i // 4) for i in range(40)], "follow_up": 0,
                           "age": 50.0, "sex": "F", "view": "PA"})
    labels = np.eye(40, len(NIH_FINDINGS), dtype=np.float32)
    store.add_dataset(FORTY, images, labels, NIH_FINDINGS, name="forty", kind="nih", label_source="test")
    for scheme in ("patient", "random"):
        drawn = splits.draw_split(scheme, images["image_id"], images["patient_id"], labels)
        store.finish_run(store.create_run({}, FORTY, split=(scheme, 0, drawn.fingerprint)), "finished")
    return address_of(store.path)


def open_data(page, served, link=""):
    page.goto(f"{served}/data{link}")
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    expect(page.get_by_test_id("simple-chart").locator(".drawing > svg")).to_have_count(7)
    return page


def cramped(page) -> list[str]:
    """Texts of charts that are small, lie over each other, or stand out of their drawing."""
    drawings = page.get_by_test_id("simple-chart").locator(".drawing > svg")
    return drawings.evaluate_all("""drawings => drawings.flatMap(svg => {
        const edge = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].filter(one => one.textContent)
            .map(one => ({ one, box: one.getBoundingClientRect() }));
        const wrong = ({ one, box }, k) => parseFloat(getComputedStyle(one).fontSize) < 14
            || box.left < edge.left - 1 || box.right > edge.right + 1 || box.bottom > edge.bottom + 1
            || texts.slice(0, k).some(({ box: other }) => other.right > box.left + 1 && box.right > other.left + 1
                && other.bottom > box.top + 5 && box.bottom > other.top + 5);
        return texts.filter(wrong).map(({ one }) => one.textContent);
    })""")


def test_both_themes(page, served):
    """Opened in the dark one, which then becomes light."""
    page.emulate_media(color_scheme="dark")
    open_data(page, served)
    for scheme, background in (("dark", "rgb(16, 22, 30)"), ("light", "rgb(255, 255, 255)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        expect(page.get_by_text("SYNTHETIC").first).to_be_visible()
        settle(page)
        smallest = page.evaluate("""() => Math.min(
            ...[...document.querySelectorAll('p, label, button, a, figcaption')]
            .filter(e => e.offsetParent !== null).filter(e => e.textContent.trim())
            .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
        assert smallest >= 14, scheme
    assert cramped(page) == []


def test_a_link_leads_to_a_finding_and_its_films(page, served):
    open_data(page, served, "?finding=Mass")
    films = page.locator(".films figure")
    expect(films).to_have_count(12)
    expect(films.first).to_be_visible()
    assert all("Mass" in text for text in films.locator("figcaption").all_inner_texts())
    # Each is a picture that the browser could read, and a box lies inside its film.
    assert page.evaluate("[...document.querySelectorAll('.films img')].every(i => i.naturalWidth === 64 && i.alt)")
    inside = page.evaluate("""() => [...document.querySelectorAll('.films .box')].map(box => {
        const b = box.getBoundingClientRect(), f = box.parentElement.getBoundingClientRect();
        return b.left >= f.left - 1 && b.right <= f.right + 1 && b.top >= f.top - 1 && b.bottom <= f.bottom + 1;})""")
    assert inside and all(inside)
    shown = films.locator("figcaption").all_inner_texts()
    page.get_by_role("button", name="Show others").click()
    expect(films.first.locator("figcaption")).not_to_have_text(shown[0])
    pick(page, "Finding", "Hernia")
    expect(page).to_have_url(re.compile("finding=Hernia"))
    expect(films.first).to_contain_text("Hernia")


def test_an_unknown_finding_in_a_link_is_an_error(page, served):
    page.goto(f"{served}/data?finding=Fracture")
    expect(page.get_by_role("alert")).to_contain_text("Fracture")
    page.get_by_role("button", name="Show what is here").click()
    expect(page.locator(".films figure")).to_have_count(12)


def test_a_phone_shows_it_without_scrolling_sideways(page, served):
    page.set_viewport_size({"width": 390, "height": 844})
    open_data(page, served)
    wide = page.evaluate("""() => [...document.querySelectorAll('[data-testid=stMain] *')]
        .filter(e => !e.closest('[data-testid=stDataFrame], .company'))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))""")
    assert not wide
    assert cramped(page) == []


def test_a_chart_is_read_by_pointer_and_keys_and_taken_along(page, served):
    open_data(page, served)
    chart = page.get_by_test_id("simple-chart").first
    drawing, card = chart.locator(".drawing"), chart.get_by_role("status")
    drawing.hover(position={"x": 150, "y": 14})
    expect(card).to_contain_text(re.compile(r"Infiltration.* % ?: [\d,]+ of [\d,]+ films.*NIH’s real films: 17"))
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()
    drawing.focus()
    page.keyboard.press("End")
    expect(card.locator("b")).to_have_text(drawing.locator("text[text-anchor=end]").last.text_content())
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    for kind, begin in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as taken:
            chart.get_by_role("button", name=f"as {kind}").click()
        content = taken.value.path().read_bytes()
        assert taken.value.suggested_filename == f"prevalence.{kind.lower()}" and content.startswith(begin)
        assert len(content) > 5_000
        if kind == "SVG":
            assert all(text in content.decode() for text in ("Films with each finding", "these films", "Pleural thick"))


def test_a_data_set_is_named_in_the_link_by_its_id(page, two_sets):
    page.goto(f"{two_sets}/data?data={FORTY}")
    expect(page.locator("[data-first-content]")).to_contain_text("40 films")
    default = page.get_by_role("combobox", name=re.compile("Split")).input_value()
    other = "Split by patient" if default.startswith("Random") else "Random"
    pick(page, "Split", re.compile(other))
    expect(page).to_have_url(re.compile("[?&]split="))
    expect(page).to_have_url(re.compile(f"data={FORTY}"))
    pick(page, "Data set", re.compile("NIH"))
    expect(page).to_have_url(re.compile(f"data={DATASET}"))
    expect(page.locator("[data-first-content]")).to_contain_text("12 films")
    expect(page.get_by_text("The link asks for")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-first-content]")).to_contain_text("12 films")


def test_the_finding_of_a_link_may_be_spelled_as_in_the_table(page, served):
    open_data(page, served, "?finding=Pleural_Thickening")
    expect(page.locator(".films figure").first).to_contain_text("Pleural thickening")
    expect(page).to_have_url(re.compile(r"finding=Pleural(\+|%20)thickening"))


def test_the_finding_is_carried_over_from_the_curves(page, served):
    page.goto(f"{served}/curves")
    expect(page.get_by_role("heading", name="Curves", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile("of Mass")).click()
    expect(page).to_have_url(re.compile("finding=Mass"))
    page.get_by_role("link", name="Data").click()
    expect(page.locator(".films figure").first).to_contain_text("Mass")
    page.get_by_role("link", name="Curves").click()
    page.get_by_role("button", name="All findings").click()
    expect(page).not_to_have_url(re.compile("finding="))
    page.get_by_role("link", name="Data").click()
    expect(page.locator(".films figure")).to_have_count(12)
    expect(page.get_by_role("alert").filter(has_text="not here")).to_have_count(0)
