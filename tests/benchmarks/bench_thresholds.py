"""The threshold board in a real browser: pointer to paint, frames, reruns, time until it is ready, heap.

    pytest -m benchmark -s tests/benchmarks/bench_thresholds.py

With a finding open and six runs overlaid, on 25,596 and on 112,120 films of NIH's findings, and on 25,596 of forty
findings. Beside it, in the same run, what Streamlit offers without a component: 14 `st.slider` and scikit-learn in
every rerun, with 25,596 films.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cxrcore.charts.board.payload import RunCounts, pack
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.positions import sort_scores

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))  # for its server
import scored_runs
from browser_server import serving

pytestmark = pytest.mark.benchmark

N_VAL = 11_296
FORTY = tuple(f"Finding_{k:02d}" for k in range(40))
SIZES = {"films": (25_596, NIH_FINDINGS), "all films": (112_120, NIH_FINDINGS), "forty findings": (25_596, FORTY)}
DRAGS, STEPS = 8, 90
PAYLOAD_LIMIT = 28_000  # bytes a finding and run

# Latency: from a pointer event's own time stamp until the frame that it led to has been drawn.
PROBE = """
() => {
  const probe = window.probe = { latency: [], frames: [], held: false, last: 0 };
  const after = new MessageChannel();
  let stamps = [];
  after.port1.onmessage = () => { for (const t of stamps.splice(0)) probe.latency.push(performance.now() - t); };
  addEventListener("pointerdown", () => { probe.held = true; probe.last = 0; }, true);
  addEventListener("pointerup", () => { probe.held = false; }, true);
  addEventListener("pointermove", (event) => {
    if (!probe.held) return;
    stamps.push(event.timeStamp);
    requestAnimationFrame(() => after.port2.postMessage(0));
  }, true);
  const frame = (now) => {
    if (probe.held && probe.last) probe.frames.push(now - probe.last);
    probe.last = probe.held ? now : 0;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
"""

SLIDERS = '''
import numpy as np, streamlit as st
from sklearn.metrics import f1_score, precision_score, recall_score
rng = np.random.default_rng(0)
@st.cache_data
def films():
    labels = (rng.random((25596, 14)) < 0.1).astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(-2, 1, labels.shape) - labels))
labels, scores = films()
for k in range(14):
    t = st.slider(f"Finding {k}", 0.0, 1.0, 0.2, 0.01)
    alarm = scores[:, k] >= t
    measures = [measure(labels[:, k], alarm, zero_division=0) for measure in (f1_score, recall_score, precision_score)]
    st.markdown(" ".join(f"{value:.4f}" for value in measures))
'''


@pytest.fixture(scope="module", params=SIZES)
def store(request, tmp_path_factory):
    n, findings = SIZES[request.param]
    return scored_runs.make(tmp_path_factory.mktemp("lab") / "store.duckdb", N_VAL, n, 6, findings=findings)


def test_payload_and_fit(store):
    found = store.predictions(store.prediction_sets()["prediction_id"].iloc[0])
    began = time.perf_counter()
    fitted = fitting.max_f1(found.labels, found.scores, found.findings).thresholds
    fit = time.perf_counter() - began
    scores = [sort_scores(*pair) for pair in zip(found.labels.T, found.scores.T, strict=True)]
    run = RunCounts("id", "name", "#000000", "solid", scores, fitted)
    head = {"of": "x", "id": 1, "open": found.findings[0], "thresholds": fitted.tolist(), "reference": "max F1"}
    k = len(found.findings)
    began = time.perf_counter()
    alone = pack(found.findings, run, [], head, [[]] * k, [[]] * k, {})
    packed = time.perf_counter() - began
    six = pack(found.findings, run, [run] * 5, head, [[]] * k, [[]] * k, {})
    print(f"\n{len(found.labels):,} films: max F1 of all {k} findings exactly in {1e3 * fit:.1f} ms; payload "
          f"{len(alone) / 1e3:.0f} kB, made in {1e3 * packed:.0f} ms; each further run "
          f"{(len(six) - len(alone)) / 5e3:.0f} kB")
    assert max(len(alone), (len(six) - len(alone)) / 5) <= k * PAYLOAD_LIMIT


@pytest.mark.parametrize("modes", [(), ("place", "worth", "ask")], ids=["at rest", "all modes"])
def test_dragging(store, tmp_path, chromium, modes):
    runs = "&".join(f"run={run_id}" for run_id in store.runs()["run_id"][::-1])
    findings = store.findings(scored_runs.DATASET)
    with serving(store.path, tmp_path / "server.log") as address:
        link = f"{address}/thresholds?{runs}&finding={findings[2]}"
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        for attempt in ("first", "second", "third"):  # the first reads the predictions and fills the browser's cache
            tab = context.new_page()
            sent: list[int] = []
            tab.on("websocket", lambda socket, sent=sent: socket.on("framesent", lambda frame: sent.append(1)))
            began = time.perf_counter()
            tab.goto(link)
            tab.wait_for_selector('[data-run] [data-run-metric="f1"]:not(:empty)', timeout=60_000)
            ready = time.perf_counter() - began
            print(f"\n{attempt}: board with six runs ready after {ready:.2f} s", end="")
        if modes:
            tab.get_by_role("button", name="Decide", exact=True).click()
            for mode in modes:
                tab.locator(f'[data-mode="{mode}"]').click()
        tab.wait_for_timeout(2500)
        tab.evaluate(PROBE)
        sent.clear()
        reruns = _drag(tab, sent, findings[2 :: len(findings) // DRAGS][:DRAGS])
        probe = tab.evaluate("window.probe")
        heap = _heap(tab)
    n = store.prediction_sets()["n"].max()
    latency, frames = (np.array(probe[name]) for name in ("latency", "frames"))
    print(
        f"\n{n:,} films, {len(findings)} findings, {len(latency)} pointer moves: to paint p50/p95/p99 "
        f"{_percentiles(latency)} ms; frames p50/p95/p99 {_percentiles(frames)} ms; "
        f"{reruns} messages to the server while dragging; heap {heap:.0f} MB"
    )


def _drag(tab, sent: list[int], findings: Sequence[str]) -> int:
    """Drag several handles to and fro; messages sent between pointer-down and pointer-up."""
    during = 0
    for finding in findings:
        handle = tab.locator(f'[data-finding="{finding}"] input[type="range"]:not(.upper)')
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        middle, reach = box["x"] + box["width"] / 2, box["width"] / 2 - 8
        y = box["y"] + box["height"] / 2
        tab.mouse.move(middle, y)
        tab.mouse.down()
        tab.wait_for_timeout(200)
        before = len(sent)
        for step in range(STEPS):
            tab.mouse.move(middle + reach * np.sin(step / 9), y)
        during += len(sent) - before
        tab.mouse.up()
        tab.wait_for_timeout(900)
    return during


def _heap(tab) -> float:
    session = tab.context.new_cdp_session(tab)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6


def _percentiles(values: np.ndarray) -> str:
    return " / ".join(f"{value:.1f}" for value in np.percentile(values, [50, 95, 99]))


def test_sliders_beside_it(tmp_path, chromium):
    """The baseline: a step of one slider until the numbers have changed."""
    script = tmp_path / "sliders.py"
    script.write_text(SLIDERS)
    port = "8697"
    server = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true",
                               "--server.port", port], env=dict(os.environ), stdout=subprocess.DEVNULL)
    try:
        tab = chromium.new_page()
        _until_there(tab, f"http://localhost:{port}")
        handle = tab.get_by_role("slider").nth(3)
        handle.focus()
        numbers = "[...document.querySelectorAll('[data-testid=stMarkdown]')].map(one => one.innerText).join()"
        seconds = []
        for _ in range(12):
            before = tab.evaluate(numbers)
            began = time.perf_counter()
            tab.keyboard.press("ArrowRight")
            tab.wait_for_function(f"text => {numbers} !== text", arg=before)
            seconds.append(time.perf_counter() - began)
            tab.wait_for_timeout(500)
        print(f"\n14 st.slider with scikit-learn: a step takes {1e3 * np.median(seconds):.0f} ms (median of 12)")
    finally:
        server.terminate()


def _until_there(tab, address: str) -> None:
    for _ in range(60):
        try:
            tab.goto(address)
            tab.get_by_role("slider").nth(13).wait_for(timeout=15_000)
            return
        except Exception as error:
            last = error
            time.sleep(0.5)
    raise last
