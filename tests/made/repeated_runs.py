"""A store of trainings with several seeds each, measured on val and test; no network is trained.

Scores as `scored_runs` has them; the seeds of a training move them a little, trainings differ by more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from one_opening import one_opening
from scored_runs import DATASET, FILMS_A_PATIENT, PARTS, PREVALENCE, SEPARATION

from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.architectures import label
from cxrcore.settings import Constants
from cxrcore.store import Store

BASE = {"lr": 1e-4, "loss": "bce", "init": "imagenet", "img_size": 224, "constants": Constants().record(loss="bce")}
NOISE = 0.35  # of a seed, in logits


@dataclass(frozen=True)
class Made:
    """A training to make.

    Attributes:
        arch: its network. seeds: a run each.
        weaker: share of the separation that it lacks.
        settings: further ones.
    """

    arch: str
    seeds: Sequence[int] = (0, 1, 2)
    weaker: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)


TWO = (Made("densenet121"), Made("resnet18", weaker=0.25))


def make(path: Path, trainings: Sequence[Made] = TWO, n_val: int = 160, n_test: int = 320, kind: str = "nih",
         scheme: str = "official", checkpoint: str = "model_best.pth") -> Store:
    """The store, made anew or with further runs; the runs lie in the order of the trainings, then of their seeds."""
    with one_opening(path):
        store = Store(path)
        labels, ids = _films(store, n_val, n_test, kind)
        films = {"val": slice(0, n_val), "test": slice(n_val, None)}
        for one in trainings:
            for seed in one.seeds:
                _add(store, one, seed, labels, ids, films, scheme, checkpoint)
    return store


def _films(store: Store, n_val: int, n_test: int, kind: str) -> tuple[np.ndarray, list[str]]:
    n = n_val + n_test
    patients = [f"{i // FILMS_A_PATIENT:08d}" for i in range(n)]
    ids = [f"{patient}_{i % FILMS_A_PATIENT:03d}.png" for i, patient in enumerate(patients)]
    labels = (np.random.default_rng(0).random((n, len(NIH_FINDINGS))) < PREVALENCE).astype(np.float32)
    labels[[0, 1, n - 2, n - 1]] = [[1], [0], [1], [0]]  # of each finding one with it and one without, in both parts
    images = pd.DataFrame({"image_id": ids, "patient_id": patients, "follow_up": 0, "age": 50.0, "sex": "F",
                           "view": "PA"})
    store.add_dataset(DATASET, images, labels, NIH_FINDINGS, name=f"{n:,} films", kind=kind, label_source="random")
    return labels, ids


def _add(store: Store, one: Made, seed: int, labels: np.ndarray, ids: list[str], films: Mapping[str, slice],
         scheme: str, checkpoint: str) -> None:
    share, apart = np.array(PREVALENCE), np.array(SEPARATION) * (1 - one.weaker)
    shared, own = np.random.default_rng(1), np.random.default_rng((2, seed, len(one.arch)))
    logits = shared.normal(np.log(share / (1 - share)) - 0.5, 1, labels.shape) + labels * apart
    logits += own.normal(0, NOISE, labels.shape)
    name = f"{label(one.arch)} · seed {seed}"
    run_id = store.create_run({"name": name, "arch": one.arch, "seed": seed, **BASE, **one.settings}, DATASET,
                              split=(scheme, 0, "abc"))
    store.finish_run(run_id, "finished", best_epoch=4)
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    measure(store, run_id, {part: store.save_predictions(
        run_id, DATASET, part, ids[films[part]], scores[films[part]], checkpoint=checkpoint,
        checkpoint_sha256=f"{seed:064x}") for part in PARTS})
