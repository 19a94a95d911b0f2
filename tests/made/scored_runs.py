"""A store of runs with plausible scores on val and test, for the threshold board; no network is trained.

Scores are drawn at random: logits around each finding's prevalence, further up for films with the finding, so that
rare findings score below 0.05 throughout, as real networks do.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from one_opening import one_opening

from cxrcore.evaluation.measure_predictions import measure
from cxrcore.findings import NIH_FINDINGS
from cxrcore.networks.architectures import ARCHITECTURES
from cxrcore.store import LabelSet, Store

DATASET = "scored"
# Shares of the films of NIH's official test list, and separations that give about the AUROCs of published networks.
PREVALENCE = (0.128, 0.042, 0.182, 0.239, 0.068, 0.063, 0.022, 0.104, 0.071, 0.036, 0.043, 0.017, 0.045, 0.003)
SEPARATION = (1.1, 1.6, 1.5, 0.75, 1.2, 1.0, 0.9, 1.5, 1.0, 1.5, 1.9, 1.2, 1.0, 1.9)
FILMS_A_PATIENT = 4
PARTS = ("val", "test")


def make(path: Path, n_val: int, n_test: int, n_runs: int = 1, seed: int = 0, empty: tuple[int, ...] = (),
         findings: Sequence[str] = NIH_FINDINGS, dataset_id: str = DATASET) -> Store:
    """A store with a data set and n_runs measured runs, the architectures in their order; what is there stays.

    Args:
        empty: findings (their places) without a positive film in test.
        findings: canonical names; other lists than NIH's have its shares and separations again and again.
    """
    with one_opening(path):
        return fill(Store(path), n_val, n_test, n_runs, seed, empty, findings, dataset_id)


def fill(store: Store, n_val: int, n_test: int, n_runs: int = 1, seed: int = 0, empty: tuple[int, ...] = (),
         findings: Sequence[str] = NIH_FINDINGS, dataset_id: str = DATASET) -> Store:
    """The same in a store of any kind."""
    rng = np.random.default_rng(seed)
    share, apart = (np.resize(one, len(findings)) for one in (PREVALENCE, SEPARATION))
    n = n_val + n_test
    patients = [f"{i // FILMS_A_PATIENT:08d}" for i in range(n)]
    ids = [f"{patient}_{i % FILMS_A_PATIENT:03d}.png" for i, patient in enumerate(patients)]
    images = pd.DataFrame({"image_id": ids, "patient_id": patients, "follow_up": 0, "age": 50.0, "sex": "F",
                           "view": "PA"})
    labels = (rng.random((n, len(findings))) < share).astype(np.float32)
    labels[n_val:, list(empty)] = 0
    store.add_dataset(dataset_id, images, labels, findings, name=f"{n:,} films",
                      kind="nih" if tuple(findings) == NIH_FINDINGS else "other", label_source="random")
    films = {"val": slice(0, n_val), "test": slice(n_val, n)}
    for place in range(n_runs):
        seed, which = divmod(place, len(ARCHITECTURES))
        arch = list(ARCHITECTURES)[which]
        run_id = store.create_run({"name": f"{arch} · seed {seed}", "arch": arch}, dataset_id,
                                  split=("official", 0, "abc"))
        store.finish_run(run_id, "finished")
        middle = np.log(share) - np.log1p(-share) - 0.5
        logits = rng.normal(middle, 1 + which / 10, labels.shape) + labels * apart * (1 - which / 20)
        scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        saved = {part: store.save_predictions(run_id, dataset_id, part, ids[films[part]], scores[films[part]],
                                              checkpoint="model_best.pth", checkpoint_sha256=f"{place:064x}")
                 for part in PARTS}
        measure(store, run_id, saved)
    return store


def add_experts(store: Store, name: str = "experts", every: int = 2, flipped: float = 0.1, dataset_id: str = DATASET,
                findings: Sequence[str] = ()) -> LabelSet:
    """A second reading of every so manyth film, with a share of the labels turned round.

    Args:
        findings: of the data set, in the set's order; all without any.
    """
    own = store.labels(dataset_id)[list(findings) or list(store.findings(dataset_id))][::every]
    turned = np.random.default_rng(1).random(own.shape) < flipped
    return store.save_label_set(dataset_id, name, own.mask(turned, 1 - own), source="a second reader", reader="AB")
