"""What it costs to decode films and parse tables in a limited process, against the same in this one. Run with -s.

    pytest -m benchmark -s tests/benchmarks/bench_foreign.py
"""

import io
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from cxrcore.data.files import bounded_file
from cxrcore.data.pixels import decode_film, film_file
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import parse_table, prediction_file

pytestmark = pytest.mark.benchmark

TURNS = 30
N_FILMS = 112_120


def fastest(*acts: Callable[[], object]) -> list[float]:
    """Milliseconds of each, in turn, at best."""
    found = [[] for _ in acts]
    for _ in range(TURNS):
        for act, own in zip(acts, found, strict=True):
            began = time.perf_counter()
            act()
            own.append(1000 * (time.perf_counter() - began))
    return [min(own) for own in found]


def test_an_upload_of_1024_pixels():
    rng, buffer = np.random.default_rng(0), io.BytesIO()
    coarse = Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)).resize((1024, 1024))
    Image.fromarray(np.asarray(coarse) // 2 + rng.integers(0, 8, (1024, 1024), np.uint8)).save(buffer, "PNG")
    data = buffer.getvalue()
    decode_film.PROCESSES.close()
    began = time.perf_counter()
    decode_film.read_in_limits(data)
    first = 1000 * (time.perf_counter() - began)
    here, there = fastest(lambda: film_file.read_film(data), lambda: decode_film.read_in_limits(data))
    held = [child.memory_info().rss / 1e6 for child in psutil.Process().children()]
    print(f"\na PNG of 1,024 px, {len(data) / 1e3:.0f} kB: {here:.1f} ms here, {there:.1f} ms in a warm limited "
          f"process (ratio {there / here:.2f}), {first:.0f} ms with its start; idle it holds {max(held):.0f} MB")
    assert there < 2 * here


def test_a_table_of_all_films():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"Image Index": [f"{i:08d}_000.png" for i in range(N_FILMS)]}
                        | {finding: rng.random(N_FILMS, np.float32) for finding in NIH_FINDINGS})
    packed = io.BytesIO()
    rows.to_parquet(packed, index=False)
    for kind, content in (("Parquet", packed.getvalue()), ("CSV", rows.to_csv(index=False).encode())):
        bounded_file.TABLES.close()
        began = time.perf_counter()
        prediction_file.parse_prediction_file(content, "x", NIH_FINDINGS)
        first = time.perf_counter() - began
        began = time.perf_counter()
        list(parse_table.parsed(content, "x", NIH_FINDINGS, {}))
        here = time.perf_counter() - began
        began = time.perf_counter()
        prediction_file.parse_prediction_file(content, "x", NIH_FINDINGS)
        there = time.perf_counter() - began
        print(f"\n{kind} of {N_FILMS:,} x {len(NIH_FINDINGS)}, {len(content) / 1e6:.1f} MB: {here:.2f} s here, "
              f"{there:.2f} s in a warm limited process (ratio {there / here:.2f}), {first:.2f} s with its start")
