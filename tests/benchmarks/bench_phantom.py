"""How fast phantoms are drawn, against decoding as many real-sized films. Run with -s to see the figures.

    pytest -m benchmark -s tests/benchmarks/bench_phantom.py
"""

import time

import numpy as np
import pytest
from PIL import Image

from cxrcore.data.phantoms import folder
from cxrcore.data.phantoms.recipe import Recipe, draw_film, plan
from cxrcore.data.phantoms.textures import Textures

pytestmark = pytest.mark.benchmark

N = 2000
SIZE = 256


def test_phantoms_a_second(tmp_path):
    start = time.perf_counter()
    folder.make_phantoms(Recipe(films=N, size=SIZE), tmp_path / "phantoms", workers=2, progress=False)
    whole = time.perf_counter() - start
    planned, textures = plan(Recipe(films=100, size=SIZE)), Textures(SIZE)
    start = time.perf_counter()
    films = [draw_film(planned, film, textures)[0] for film in range(100)]
    drawing = (time.perf_counter() - start) / 100
    start = time.perf_counter()
    for i, film in enumerate(films):
        Image.fromarray(film).save(tmp_path / f"{i}.png", compress_level=1)
    saving = (time.perf_counter() - start) / 100
    start = time.perf_counter()
    for path in tmp_path.glob("*.png"):
        np.asarray(Image.open(path))
    decoding = (time.perf_counter() - start) / 100
    print(f"\n{N} films of {SIZE} px on 2 processes, start, files and tables included: {N / whole:.0f} films/s")
    print(f"one process: drawing {drawing * 1e3:.1f} ms a film, saving {saving * 1e3:.1f} ms; "
          f"decoding it again {decoding * 1e3:.1f} ms")
