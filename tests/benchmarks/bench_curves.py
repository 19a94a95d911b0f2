"""The Curves page with six runs of 25,596 films: time of its script, cold and warm, and bytes to the browser.

    pytest -m benchmark -s tests/benchmarks/bench_curves.py

The time is that of the whole script without a browser, the bytes are what a server's web socket brings to a Chromium.
"""

import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import curves
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))  # for its server
from browser_server import serving

pytestmark = pytest.mark.benchmark

N_FILMS = 25_596  # of NIH's official test list
# Share of the films of that list, and a separation that gives each about the AUROC of published networks.
PREVALENCE = (0.128, 0.042, 0.182, 0.239, 0.068, 0.063, 0.022, 0.104, 0.071, 0.036, 0.043, 0.017, 0.045, 0.003)
SEPARATION = (1.1, 1.6, 1.5, 0.75, 1.2, 1.0, 0.9, 1.5, 1.0, 1.5, 1.9, 1.2, 1.0, 1.9)
VIEWS = ("ROC", "PR", "Scores", "Thresholds")
WARM = 15  # runs of the script
LIMIT = 500_000  # bytes sent
REST = 2.0  # seconds without a new chart, after which the page is drawn


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """A store with six measured runs; returns it and their ids."""
    rng = np.random.default_rng(0)
    store = Store(tmp_path_factory.mktemp("six") / "store.duckdb")
    ids = [f"{i // 4:08d}_{i % 4:03d}.png" for i in range(N_FILMS)]
    images = pd.DataFrame({"image_id": ids, "patient_id": [name[:8] for name in ids], "follow_up": 0, "age": 50.0,
                           "sex": "F", "view": "PA"})
    labels = (rng.random((N_FILMS, len(NIH_FINDINGS))) < PREVALENCE).astype(np.float32)
    store.add_dataset("test list", images, labels, NIH_FINDINGS, name="25,596 films", kind="nih", label_source="random")
    run_ids = []
    for place, arch in enumerate(ARCHITECTURES):
        run_ids.append(store.create_run({"name": arch, "arch": arch}, "test list", split=("official", 0, "abc")))
        logits = rng.normal(-3, 1 + place / 10, labels.shape) + labels * SEPARATION * (1 - place / 20)
        store.save_predictions(run_ids[-1], "test list", "test", ids, 1 / (1 + np.exp(-logits)))
        store.finish_run(run_ids[-1], "finished")
    return store, run_ids


def test_curves_of_one_finding(six):
    """Against reading the predictions."""
    store, _ = six
    prediction_id = store.prediction_sets()["prediction_id"].iloc[0]
    began = time.perf_counter()
    found = store.predictions(prediction_id)
    read = time.perf_counter() - began
    print(f"\nread {N_FILMS:,} films with scores and labels: {read * 1e3:.0f} ms; then, of all 14 findings:")
    for view in curves.VIEWS:
        began = time.perf_counter()
        made = [curves.finding_curves(*pair, view) for pair in zip(found.labels.T, found.scores.T, strict=True)]
        seconds = time.perf_counter() - began
        points = [int(line.bends.sum()) for one in made for line in one.lines.values()]
        print(f"  {view}: {seconds * 1e3:.0f} ms, points a curve: median {np.median(points or 0):.0f}, "
              f"most {max(points, default=0)}")
    assert len(made) == len(NIH_FINDINGS)


def test_time_of_the_script(six, monkeypatch):
    """Cold: nothing of these predictions was read before. Warm: as every click runs it."""
    store, run_ids = six
    monkeypatch.setenv("CXR_STORE", str(store.path))
    print(f"\n{'':34} {'cold':>8} {'warm':>8}")
    for finding in (None, NIH_FINDINGS[4]):
        for view in VIEWS:
            app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60).run()
            app.query_params["run"], app.query_params["view"] = run_ids, view
            if finding:
                app.query_params["finding"] = finding
            st.cache_data.clear()
            began = time.perf_counter()
            app.switch_page("pages/curves.py").run()
            cold, warm = time.perf_counter() - began, []
            for _ in range(WARM):
                began = time.perf_counter()
                app.run()
                warm.append(time.perf_counter() - began)
            assert not app.exception and len(app.get("plotly_chart")) >= 1
            print(f"{view:12} {finding or 'all 14':20} {cold:6.2f} s {np.median(warm) * 1e3:5.0f} ms")


def test_bytes_to_the_browser(six, tmp_path):
    """All that the web socket brings when a link is opened in a fresh tab."""
    sync_api = pytest.importorskip("playwright.sync_api")
    store, run_ids = six
    runs = "&".join(f"run={run_id}" for run_id in run_ids)
    with serving(store.path, tmp_path / "server.log") as address, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print()
        for finding in (None, NIH_FINDINGS[4]):
            for view in VIEWS:
                link = f"{address}/curves?{runs}&view={view}" + (f"&finding={finding}" if finding else "")
                sent, seconds = _received(browser, link)
                print(f"{view:12} {finding or 'all 14':20} {sent / 1e3:5.0f} kB, last chart after {seconds:.1f} s")
                assert sent <= LIMIT
        browser.close()


def _received(browser, link: str) -> tuple[int, float]:
    """Bytes over the web socket until the page is at rest, and seconds until the last chart appeared."""
    tab, sizes = browser.new_page(), []
    tab.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    began = time.perf_counter()
    tab.goto(link)
    charts, drawn = 0, began
    while not charts or time.perf_counter() - drawn < REST:
        tab.wait_for_timeout(100)
        before, charts = charts, tab.locator(".js-plotly-plot .main-svg").count()
        drawn = time.perf_counter() if charts > before else drawn
    tab.close()
    return sum(sizes), drawn - began
