"""What preparing costs and what it saves, against plain Pillow in the same run. Run with -s to see the figures.

    pytest -m benchmark -s tests/benchmarks/bench_prepare.py
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrcore.config import PROJECT_ROOT
from cxrcore.data.pixels.prepared import prepare

pytestmark = pytest.mark.benchmark

SIZE = 224
N_FILMS = 290
BATCH = 32
N_GATHERED = 4_000  # 200 MB


def plain(path: Path) -> np.ndarray:
    """How a loader opens a film without prepared pixels."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def plain_many(paths: list[Path]) -> int:
    return sum(len(plain(path)) for path in paths)


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, Path]:
    """The real 1024-px films beside the project, else as many synthetic ones."""
    real = sorted((PROJECT_ROOT.parent / "shared" / "nih" / "images_001" / "images").glob("*.png"))
    if real:
        return {path.name: path for path in real}
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    made = {}
    for i in range(N_FILMS):
        coarse = Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)).resize((1024, 1024))
        grain = rng.integers(0, 8, (1024, 1024), np.uint8)
        made[f"{i}.png"] = folder / f"{i}.png"
        Image.fromarray(np.asarray(coarse) // 2 + grain).save(made[f"{i}.png"])
    return made


def test_preparing_against_a_pool_that_only_decodes(films, tmp_path):
    """The same number of processes, started the same way, that throw their pixels away."""
    workers, paths = os.cpu_count() or 1, list(films.values())
    plain_many(paths)  # into the page cache, for both
    began = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(plain_many, [[]] * 4 * workers))
        started = time.perf_counter()
        assert sum(pool.map(plain_many, [paths[i : i + 16] for i in range(0, len(paths), 16)])) == SIZE * len(paths)
        decoded = time.perf_counter() - started
    whole = time.perf_counter() - began
    began = time.perf_counter()
    made = prepare(films, SIZE, tmp_path / "prepared", workers=workers, progress=False)
    ours = time.perf_counter() - began
    assert len(made.row_of) + len(made.skipped) == len(films)
    print(f"\n{len(films)} films on {workers} processes: prepared in {ours:.2f} s with the processes' start, "
          f"{len(films) / ours:.0f} a second; a pool that only decodes {whole:.2f} s (ratio {ours / whole:.2f}), "
          f"without its start {decoded:.2f} s (ratio {ours / decoded:.2f})")
    assert ours < 1.5 * whole


def test_gathering_batches_against_opening_films(films, tmp_path):
    """The bar: at least 20 times as many films a second as open, convert and resize."""
    made = prepare(films, SIZE, tmp_path / "prepared", progress=False)
    rng, paths = np.random.default_rng(0), list(films.values())
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.uint8, (N_GATHERED, SIZE, SIZE))
    for i in range(N_GATHERED):  # more than a processor's cache holds, each film gathered once
        large[i] = made.pixels[i % len(made.pixels)]
    rows = rng.permutation(N_GATHERED)
    began = time.perf_counter()
    for i in range(0, N_GATHERED, BATCH):
        np.asarray(large[rows[i : i + BATCH]])
    gathered = N_GATHERED / (time.perf_counter() - began)
    chosen = [paths[i] for i in rng.integers(0, len(paths), 60)]
    began = time.perf_counter()
    plain_many(chosen)
    opened = len(chosen) / (time.perf_counter() - began)
    print(f"\n{SIZE} px: {gathered:,.0f} films a second gathered from the map, {opened:.0f} opened and resized "
          f"one by one: {gathered / opened:.0f} x")
    assert gathered >= 20 * opened
