"""What 14 maps cost beside one forward pass and beside the library's loop, as ratios in one run.

    python -m pytest tests/benchmarks/bench_explain.py -m benchmark -s
"""

import gc
import os
import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrcore.explain.maps import Explainer
from cxrcore.explain.methods import METHODS
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.architectures import ARCHITECTURES, build
from cxrcore.networks.batches import normalise
from cxrcore.networks.initial_weights import GREY

SIZE, TURNS, LOOPED = 224, 15, 1  # LOOPED: findings that the loop explains, for a share of its cost
LIBRARY = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus, "hirescam": HiResCAM, "layercam": LayerCAM,
           "eigencam": EigenCAM}
BARS = {"efficientnet_b0": 1.5, "densenet121": 1.5, "resnet18": 1.5, "mobilenet_v2": 2, "vgg16": 3, "vit_b_16": 3}
EIGENCAM_BAR = 3.5  # forwards, for its one map
MEMORY_BAR, EXPLAINED = 20, 500  # MB that many explanations may add

pytestmark = pytest.mark.benchmark


def film(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), np.uint8)


def library_loop(model: torch.nn.Module, architecture: str, films: torch.Tensor, method: str) -> None:
    entry, side = ARCHITECTURES[architecture], SIZE // 16
    reshape = (lambda t: t[:, 1:].reshape(len(t), side, side, -1).permute(0, 3, 1, 2)) if entry.has_tokens else None
    with LIBRARY[method](model, [model.get_submodule(entry.cam_layer)], reshape) as cam:
        for k in range(LOOPED):
            cam(films, [ClassifierOutputTarget(k)])
    model.zero_grad()


def medians(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each way, called in turns so that all see the same machine; the first turn warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return {name: float(np.median(taken)) for name, taken in seconds.items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_fourteen_maps_for_about_one_forward(architecture):
    torch.manual_seed(0)
    model = build(architecture, SIZE, 14).eval()
    films = normalise(torch.from_numpy(film(0))[None, None], GREY)
    explainer = Explainer(model, architecture, GREY, NIH_FINDINGS)
    seeds = iter(range(10**6))

    def forward() -> None:
        with torch.inference_mode():
            model(films)

    explainer.explain(film(0), NIH_FINDINGS)
    same_film = medians({"": lambda: explainer.explain(film(0), NIH_FINDINGS, method="layercam")})[""]
    print(f"\n{architecture}: another method of the same film {1000 * same_film:.0f} ms")
    for method in LIBRARY:
        # Each beside its own forward passes: what another method leaves running would slow them.
        took = medians(
            {
                "forward": forward,
                "ours": lambda method=method: explainer.explain(film(next(seeds)), NIH_FINDINGS, method=method),
            }
        )
        loop = medians({"": lambda method=method: library_loop(model, architecture, films, method)})[""]
        loop *= (len(NIH_FINDINGS) if METHODS[method].per_finding else 1) / LOOPED
        bar = BARS[architecture] if METHODS[method].by_gradient else EIGENCAM_BAR
        one, ours = took["forward"], took["ours"]
        print(f"  {method:10} {1000 * ours:6.1f} ms = {ours / one:5.2f} forwards of {1000 * one:.1f} ms (at most "
              f"{bar:g}); the library's loop {loop / one:6.1f} forwards")
        assert ours < (loop / 2 if METHODS[method].per_finding else loop)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_memory_stays_while_films_are_explained(architecture):
    """By gradients and without, each of another film."""
    explainer = Explainer(build(architecture, SIZE, 14).eval(), architecture, GREY, NIH_FINDINGS)
    process, resident = psutil.Process(os.getpid()), []
    methods = [name for name in METHODS if not METHODS[name].slow]
    for turn in range(EXPLAINED + 50):
        if turn in (50, EXPLAINED + 49):  # the first ones fill the allocator's pools
            gc.collect()
            resident.append(process.memory_info().rss / 1e6)
        explainer.explain(film(turn // len(methods)), NIH_FINDINGS, method=methods[turn % len(methods)])
    grown = resident[1] - resident[0]
    print(f"\n{architecture}: {grown:+.1f} MB over {EXPLAINED} explanations, of {resident[0]:.0f} MB")
    assert grown <= MEMORY_BAR
