"""What 14 Grad-CAMs cost beside one forward pass and beside the library's loop, as ratios in one run.

    python -m pytest tests/benchmarks/bench_explain.py -m benchmark -s
"""

import time

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrcore.architectures import ARCHITECTURES, build
from cxrcore.batches import normalise
from cxrcore.explain import Explainer
from cxrcore.findings import N_FINDINGS
from cxrcore.initial_weights import GREY

SIZE, TURNS, LOOPED = 224, 9, 3  # LOOPED: findings that the loop explains, for a share of its cost

pytestmark = pytest.mark.benchmark


def library_loop(model: torch.nn.Module, architecture: str, films: torch.Tensor) -> None:
    entry, side = ARCHITECTURES[architecture], SIZE // 16
    reshape = (lambda t: t[:, 1:].reshape(len(t), side, side, -1).permute(0, 3, 1, 2)) if entry.has_tokens else None
    with GradCAM(model, [model.get_submodule(entry.cam_layer)], reshape) as cam:
        for k in range(LOOPED):
            cam(films, [ClassifierOutputTarget(k)])
    model.zero_grad()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_fourteen_maps_for_about_one_forward(architecture):
    torch.manual_seed(0)
    model = build(architecture, SIZE).eval()
    film = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
    films = normalise(torch.from_numpy(film)[None, None], GREY)
    explainer = Explainer(model, architecture, GREY)

    def forward() -> None:
        with torch.inference_mode():
            model(films)

    ways = {"forward": forward, "maps": lambda: explainer.explain(film),
            "loop": lambda: library_loop(model, architecture, films)}
    seconds = {name: [] for name in ways}
    for turn in range(TURNS + 1):  # in turns, so that all see the same machine
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    one, maps, loop = (float(np.median(seconds[name])) for name in ("forward", "maps", "loop"))
    loop *= N_FINDINGS / LOOPED
    print(f"\n{architecture}: forward {1000 * one:.0f} ms, {N_FINDINGS} maps {1000 * maps:.0f} ms = {maps / one:.2f} "
          f"forwards; the library's loop {1000 * loop:.0f} ms = {loop / one:.0f} forwards")
    assert maps < loop / 2
