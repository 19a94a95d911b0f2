"""Repeats in a real browser: the switch on Compare, its link, and the two spreads in the table's own drawing."""

import re

import pytest
import repeated_runs
from playwright.sync_api import expect
from repeated_runs import Made

pytestmark = pytest.mark.browser

TWO = (Made("densenet121", seeds=(0, 1)), Made("resnet18", seeds=(0, 1), weaker=0.25))


@pytest.fixture(scope="module")
def address(address_of, tmp_path_factory):
    """The workbench on two trainings with two seeds each, and the link's part that names all runs."""
    store = repeated_runs.make(tmp_path_factory.mktemp("repeats") / "store.duckdb", TWO, n_val=60, n_test=120)
    runs = "&".join(f"run={run_id}" for run_id in store.runs()["run_id"][::-1])
    return f"{address_of(store.path)}/compare?{runs}"


def test_the_switch_folds_repeats_and_stands_in_the_link(page, address):
    page.goto(address)
    tables = page.get_by_test_id("compare-table")
    expect(tables).to_have_count(2)  # of runs, and of their trainings
    page.get_by_text("Repeats as one", exact=True).click()
    expect(tables).to_have_count(1)
    expect(page).to_have_url(re.compile("together=true"))
    macro = tables.locator("tbody tr").first
    expect(macro.locator("td.value")).to_have_count(2)
    expect(macro.locator("td.value .spread").first).to_have_text(re.compile(r"^± 0\.\d{3}$"))
    expect(macro.locator("td.seeds")).to_have_text(re.compile(r"\d to .*\d$"))
    expect(tables.locator("thead")).to_contain_text("DenseNet-121 (2 runs)")
    cut = tables.locator("td, th").evaluate_all(
        "cells => cells.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)")
    assert cut == []
