"""The Data page on a table of 112,120 rows. Run with -s to see the figures.

    pytest -m benchmark -s tests/benchmarks/bench_data.py
"""

import time

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT, default_store
from cxrcore.data import film_table, splits
from cxrcore.data.phantoms.people import draw_people
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import Store

pytestmark = pytest.mark.benchmark

N = 112_120


def test_the_page(monkeypatch):
    people = draw_people(N, "nih", np.random.default_rng(0))
    films = people.films
    patients = (films["patient"] + 1).astype(str)
    images = pd.DataFrame({
        "image_id": [f"{p:0>8}_{f:03d}.png" for p, f in zip(patients, films["follow_up"], strict=True)],
        "patient_id": patients, "follow_up": films["follow_up"], "age": films["age"].astype(float),
        "sex": films["sex"], "view": films["view"]})
    labels = people.present.astype(np.float32)
    dataset_id = film_table.dataset_hash(images, labels, NIH_FINDINGS)
    store = Store(default_store())
    store.add_dataset(dataset_id, images, labels, NIH_FINDINGS, name="NIH-like", kind="nih", label_source="csv")
    drawn = splits.draw_split("patient", images["image_id"], patients, labels, 0)
    store.finish_run(store.create_run({}, dataset_id, split=("patient", 0, drawn.fingerprint)), "finished")
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60).run()

    def show() -> tuple[float, float]:
        """One run of the page's script: seconds by the clock, and of the processor."""
        clock, processor = time.perf_counter(), time.process_time()
        app.switch_page("pages/data.py").run()
        assert not app.exception and app.metric[0].value == f"{N:,}"
        return time.perf_counter() - clock, time.process_time() - processor

    first = show()
    st.cache_resource.clear()
    st.cache_data.clear()
    kept = show()
    later = np.median([show() for _ in range(9)], axis=0)
    print(f"\nData page, {N:,} rows; seconds by the clock (of the processor)")
    for what, (clock, processor) in {"first run, with imports, the split drawn": first,
                                     "after a restart, the split kept on disk": kept, "later runs": later}.items():
        print(f"  {what}: {clock:.2f} ({processor:.2f})")
