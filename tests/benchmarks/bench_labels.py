"""How long a switch of labels takes on the server, of three runs on as many films as NIH's official test part.

    OMP_NUM_THREADS=1 python -m pytest -m benchmark -s tests/benchmarks/bench_labels.py

A whole run of the page's script, warm: both label sets were shown before. Beside it what the same page takes where
nothing is switched.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scored_runs

from cxrcore.evaluation import label_metrics

sys.path.insert(0, str(Path(__file__).parents[1] / "made"))
from opened_pages import open_page

pytestmark = pytest.mark.benchmark

N_VAL, N_TEST, RUNS, ROUNDS = 11_000, 22_433, 3, 7
PAGES = {"compare": {}, "thresholds": {}, "curves": {"view": "ROC"}, "cases": {}, "subgroups": {}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Experts who have read all the films: the dearest case."""
    store = scored_runs.make(tmp_path_factory.mktemp("labels") / "store.duckdb", N_VAL, N_TEST, RUNS)
    label_metrics.measure_runs(store, scored_runs.add_experts(store, every=1))  # as scripts/labels.py adds them
    return store


@pytest.mark.parametrize("page", PAGES)
def test_a_switch_of_labels(store, page, monkeypatch):
    monkeypatch.setenv("CXR_STORE", str(store.path))
    runs = list(store.runs()["run_id"])
    app = open_page(page, run=runs[:1] if page == "subgroups" else runs, **PAGES[page])

    def shown(labels: str) -> tuple[float, float]:
        app.selectbox(key="labels").set_value(labels)
        start, cpu = time.perf_counter(), time.process_time()
        app.run()
        taken = 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu)
        assert not app.exception, app.exception[0].value
        return taken

    cold = shown("experts")[0]
    shown("Own")
    switched = np.array([shown(labels) for _ in range(ROUNDS) for labels in ("experts", "Own")])
    again = np.array([shown("Own") for _ in range(ROUNDS)])
    for name, times in (("switched", switched), ("drawn again without a switch", again)):
        print(f"\n{page}, {name}: median {np.median(times[:, 0]):.0f} ms, least {times[:, 0].min():.0f}, processor "
              f"{np.median(times[:, 1]):.0f}", end="")
    print(f"\n{page}, for the first time: {cold:.0f} ms")
