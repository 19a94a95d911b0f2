"""A small data set whose every film, label and unknown is known, for stores and tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.data import film_table
from cxrcore.findings import NIH_FINDINGS

PREVALENCE = (0.12, 0.08, 0.4, 0.2, 0.08, 0.08, 0.06, 0.08, 0.08, 0.06, 0.06, 0.06, 0.06, 0.05)


def nih_rows(rng: np.random.Generator, n_films: int, n_patients: int) -> tuple[list[tuple], np.ndarray]:
    """Rows of a table as (image_id, patient, follow-up, age, sex, view) and labels (n, 14), every finding present."""
    owner = np.sort(np.concatenate([np.arange(n_patients), rng.integers(0, n_patients, n_films - n_patients)])) + 1
    labels = (rng.random((n_films, len(NIH_FINDINGS))) < PREVALENCE).astype(np.float32)
    for finding in range(len(NIH_FINDINGS)):  # several of each, however the dice fall
        labels[rng.choice(n_films, 6, replace=False), finding] = 1
    rows, follow_up = [], 0
    for i, patient in enumerate(owner):
        follow_up = follow_up + 1 if i and owner[i - 1] == patient else 0
        rows.append((f"{patient:08d}_{follow_up:03d}.png", patient, follow_up, int(rng.integers(18, 90)),
                     "MF"[patient % 2], ("PA", "AP")[int(rng.integers(2))]))
    return rows, labels


@dataclass(frozen=True)
class KnownData:
    """A data set as it went into a store."""

    dataset_id: str
    images: pd.DataFrame
    labels: np.ndarray
    findings: tuple[str, ...] = NIH_FINDINGS

    @property
    def image_ids(self) -> list[str]:
        return self.images["image_id"].tolist()


def known_data(n: int = 40, seed: int = 3) -> KnownData:
    """Films with every kind of unknown: labels, ages, sexes, views."""
    rng = np.random.default_rng(seed)
    rows, labels = nih_rows(rng, n, n // 2)
    labels[0, 3] = np.nan
    images = pd.DataFrame(rows, columns=["image_id", "patient_id", "follow_up", "age", "sex", "view"])
    images["patient_id"] = images["patient_id"].astype(str)
    images["age"] = images["age"].astype("Float32").where(np.arange(n) != 1)
    images["follow_up"] = images["follow_up"].astype("Int32").where(np.arange(n) != 2)
    images["sex"] = images["sex"].where(np.arange(n) != 3)
    return KnownData(film_table.dataset_hash(images, labels, NIH_FINDINGS), images, labels)
