"""The README's tour of ten minutes in a real browser; its long form makes the whole demo first, from nothing."""

import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from browser_server import serving
from playwright.sync_api import expect

from cxrcore.config import PROJECT_ROOT
from cxrcore.demo.demo import FIRST, OTHERS
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.metrics import confusion
from cxrcore.store import Store

pytestmark = pytest.mark.browser


def tour(page, address: str, tmp_path) -> None:
    """Each step by the menu, as a newcomer goes; the runs that were ticked stay chosen."""
    page.goto(address)
    expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
    expect(page.get_by_test_id("threshold-board").locator("input[type=range]:visible")).to_be_visible()
    go(page, "Runs")
    expect(page.get_by_test_id("leaderboard").locator("tr[data-run]").first).to_be_visible()
    go(page, "Data")
    expect(page.get_by_text("Mean accuracy of “no” to all of the")).to_be_visible()
    go(page, "Curves")
    expect(page.locator(".panel")).to_have_count(len(NIH_FINDINGS) + 1)  # and their mean
    page.get_by_role("radio", name="PR").or_(page.get_by_text("PR", exact=True)).first.click()
    expect(page).to_have_url(re.compile("view=PR"))
    go(page, "Thresholds")
    drag(page)
    go(page, "Compare")
    expect(page.get_by_role("table", name="AUROC of each finding")).to_be_visible()
    report(page, tmp_path)
    go(page, "Subgroups")
    expect(page.locator("[data-first-content]")).to_contain_text(re.compile("difference|lower|higher|gap"))
    go(page, "Cases")
    page.locator(".films a").first.click()
    expect(page.locator(".stage img")).to_be_visible()
    go(page, "Localization")
    expect(page.get_by_role("heading", name="Localization", exact=True)).to_be_visible()
    go(page, "Present")
    expect(page.get_by_text("1 of 9", exact=True)).to_be_visible()
    expect(page.locator("[data-testid=stException], [data-testid=stAlertContentError]")).to_have_count(0)


def go(page, title: str) -> None:
    """By the menu; what the page before has said must be gone."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    expect(page).to_have_title(re.compile(f"^{title} ·"))
    expect(page.locator("[data-testid=stException], [data-testid=stAlertContentError]")).to_have_count(0)


def drag(page) -> None:
    """A line is dragged upwards, and recall falls while it is held; so there are missed films for Cases."""
    row = page.locator("[data-finding=Effusion]")
    expect(row).to_be_visible()
    before = row.locator("[data-metric=recall]").inner_text()
    box = row.locator("input[type=range]").bounding_box()
    middle = box["y"] + box["height"] / 2
    share = float(row.locator("input[type=range]").input_value()) / float(
        row.locator("input[type=range]").get_attribute("max"))
    page.mouse.move(box["x"] + box["width"] * share, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (0.97 if share < 0.9 else 0.5), middle, steps=8)
    expect(row.locator("[data-metric=recall]")).not_to_have_text(before)  # while it is held
    page.mouse.up()
    expect(page).to_have_url(re.compile("t=Effusion"))


def report(page, tmp_path) -> None:
    """The report of the runs on the page, made, downloaded and opened from its file."""
    page.get_by_role("button", name="Report").click()
    page.mouse.move(0, 0)  # off the button, whose help would lie over what it opens
    page.get_by_role("button", name="Make the HTML").click()
    button = page.get_by_role("button", name="Download the HTML")
    expect(button).to_be_visible()
    with page.expect_download() as loading:
        button.click()
    loading.value.save_as(tmp_path / "report.html")
    assert "Chest X-ray results" in (tmp_path / "report.html").read_text(encoding="utf-8")
    page.keyboard.press("Escape")


def test_the_tour_on_small_trainings(page, served, tmp_path):
    tour(page, served, tmp_path)


# -- the whole demo


@pytest.mark.long
def test_the_whole_demo_teaches_what_it_should(page, tmp_path, chromium):
    """`pytest -m long -s`: about a quarter of an hour on two cores; prints how long each part took."""
    path, began = tmp_path / "demo.duckdb", time.monotonic()
    subprocess.run([sys.executable, "scripts/demo.py", "--no_dashboard", "--store", str(path)], cwd=PROJECT_ROOT,
                   check=True)
    print(f"\nfive runs after {time.monotonic() - began:.0f} s")
    store = Store(path)
    board = store.leaderboard().query("split == 'test'").set_index("run_id")
    names = dict(zip(store.runs()["run_id"], store.runs()["name"], strict=True))
    auroc = {names[run_id]: value for run_id, value in board["auroc"].items()}
    print({name: round(float(value), 3) for name, value in auroc.items()})
    assert set(auroc) == {FIRST.name, *(step.name for step in OTHERS)}
    assert 0.80 <= max(auroc.values()) <= 0.92
    plain, weighted = (_at_half(store, board, names, name) for name in ("EfficientNet-B0", "EfficientNet-B0, weighted"))
    assert weighted["recall"] > plain["recall"] + 0.1 and weighted["ece"] > 2 * plain["ece"]
    assert _tuning_helps(store, board) >= len(NIH_FINDINGS) // 2
    with serving(path, tmp_path / "server.log") as address:
        tour(page, address, tmp_path)
    shutil.rmtree(tmp_path / "demo_phantoms")


def _at_half(store: Store, board, names: dict[str, str], name: str) -> dict[str, float]:
    prediction_id = board.loc[next(run_id for run_id in board.index if names[run_id] == name), "prediction_id"]
    found = store.predictions(prediction_id)
    rows = store.metrics([prediction_id]).query("finding == 'macro' and metric == 'ece'")
    half = np.full(len(NIH_FINDINGS), 0.5)
    return {"recall": float(np.nanmean(confusion(found.labels, found.scores, half).recall)),
            "ece": float(rows["value"].iloc[-1])}


def _tuning_helps(store: Store, board) -> int:
    """Findings of the best run whose test F1 is greater at thresholds fitted on validation than at 0.5."""
    best = board["auroc"].idxmax()
    found = store.predictions(board.at[best, "prediction_id"])
    sets = store.threshold_sets(best)
    tuned = np.array(sets[sets["objective"] == "max_f1"].iloc[0]["thresholds"])
    half = np.full(len(NIH_FINDINGS), 0.5)
    f1 = [confusion(found.labels, found.scores, values).f1 for values in (half, tuned)]
    return int((f1[1] > f1[0]).sum())
