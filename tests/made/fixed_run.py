"""One small run whose labels and scores are the same bits everywhere: what the golden numbers are measured on.

PCG64's raw bits are promised to stay, and all that is done to them are sums, products and quotients, which every
machine rounds alike. A second run errs otherwise on most of the same films. What a real run has is here too: patients
with several films, tied scores, a score on a threshold, unknown labels, films without a score, a finding without
positives in test, groups of patients, boxes, and a second reading of the labels.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.store import LabelSet, Predictions, Store

SEED = 20_261_128
FINDINGS = ("Effusion", "Infiltration", "Mass", "Nodule", "Hernia")
PREVALENCE = np.array([0.35, 0.4, 0.25, 0.15, 0.2])  # roughly: of films whose patient and film add up to so much
APART = {"first": np.array([1.6, 0.7, 1.3, 1.0, 2.0]), "second": np.array([1.1, 0.9, 1.2, 0.3, 1.5])}
N_PATIENTS = {"val": 60, "test": 90}
MOST_FILMS = 4  # of a patient
RARE = FINDINGS.index("Hernia")  # nobody in test has it
READING, EITHER = "experts", "Nodule_or_Mass"


@dataclass(frozen=True)
class FixedRun:
    """The films of one part.

    Attributes:
        images: image_id, patient_id, follow_up, age, sex, view; a row a film.
        runs: {'first', 'second'}: predictions, the second without every seventh film.
        experts: float32 (n, k), a second reading, NaN where a film was not read.
        boxes: image_id, finding, x, y, width, height.
    """

    images: pd.DataFrame
    runs: dict[str, Predictions]
    experts: np.ndarray
    boxes: pd.DataFrame


class _Bits:
    """Numbers out of PCG64's raw bits alone."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> np.ndarray:
        """float64 in [0, 1)."""
        raw = self._bits.random_raw(int(np.prod(shape)))
        return (np.asarray(raw, np.uint64) >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53

    def bell(self, *shape: int) -> np.ndarray:
        """Mean 0 and deviation 1: a sum of twelve uniform numbers, added one after the other."""
        total = np.full(shape, -6.0)
        for _ in range(12):
            total = total + self.uniform(*shape)
        return total

    def below(self, n: int, *shape: int) -> np.ndarray:
        """int64 from 0 to n - 1."""
        return (self.uniform(*shape) * n).astype(np.int64)


@cache
def fixed_run(part: str) -> FixedRun:
    """The films of 'val' or 'test'; read-only by agreement."""
    bits = _Bits(SEED + list(N_PATIENTS).index(part))
    n_patients = N_PATIENTS[part]
    owner = np.repeat(np.arange(n_patients), 1 + bits.below(MOST_FILMS, n_patients))
    images = _images(bits, part, owner)
    n, k = len(owner), len(FINDINGS)
    ill = 0.7 * bits.bell(n_patients, k)[owner] + 0.7 * bits.bell(n, k)
    labels = (ill > 0.9 - 1.6 * PREVALENCE).astype(np.float32)
    if part == "test":
        labels[:, RARE] = 0
    experts = np.where(bits.uniform(n, k) < 0.15, 1 - labels, labels).astype(np.float32)
    experts[bits.uniform(n) < 0.3] = np.nan
    labels[bits.uniform(n, k) < 0.04] = np.nan
    known = np.nan_to_num(labels, nan=0.5)
    runs = {name: _scored(bits, images, labels, known, apart, owner) for name, apart in APART.items()}
    other = np.arange(n) % 7 != 6
    runs["second"] = Predictions(*(values[other] for values in (
        runs["second"].image_ids, runs["second"].patient_ids, runs["second"].labels, runs["second"].scores)), FINDINGS)
    return FixedRun(images, runs, experts, _boxes(bits, images, labels))


def _images(bits: _Bits, part: str, owner: np.ndarray) -> pd.DataFrame:
    follow_up = np.arange(len(owner)) - np.searchsorted(owner, owner)
    first = {"val": 1000, "test": 2000}[part]
    names = [f"{first + patient:08d}_{number:03d}.png" for patient, number in zip(owner, follow_up, strict=True)]
    age = 15 + bits.below(75, owner[-1] + 1)[owner]
    return pd.DataFrame({
        "image_id": names, "patient_id": [f"{first + patient:05d}" for patient in owner], "follow_up": follow_up,
        "age": age.astype(float), "sex": np.array(["F", "M"])[bits.below(2, owner[-1] + 1)[owner]],
        "view": np.array(["PA", "AP"])[bits.below(2, len(owner))]})


def _scored(bits: _Bits, images: pd.DataFrame, labels: np.ndarray, known: np.ndarray, apart: np.ndarray,
            owner: np.ndarray) -> Predictions:
    """Scores of one run: some rounded to hundredths, so that they tie, and a few that are missing."""
    at = known * apart + 0.6 * bits.bell(owner[-1] + 1, len(apart))[owner] + 0.8 * bits.bell(*labels.shape) - 1.2
    scores = 0.5 + 0.5 * at / (1 + np.abs(at))
    scores[::2] = np.floor(scores[::2] * 100) / 100
    scores = scores.astype(np.float32)
    scores[bits.uniform(*labels.shape) < 0.02] = np.nan
    text = [images[column].to_numpy(object) for column in ("image_id", "patient_id")]
    return Predictions(*text, labels, scores, FINDINGS)


def _boxes(bits: _Bits, images: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    """One or two boxes of three findings on some films that have them, on films of 1024 pixels a side."""
    rows = []
    for finding in ("Effusion", "Mass", "Nodule"):
        for place in np.flatnonzero(labels[:, FINDINGS.index(finding)] == 1)[:14]:
            for corner in bits.below(600, 1 + place % 2, 2):
                width, height = (120 + bits.below(250, 2)).tolist()
                rows.append((images["image_id"][place], finding, *corner.astype(float), float(width), float(height)))
    return pd.DataFrame(rows, columns=["image_id", "finding", "x", "y", "width", "height"])


def reading(part: str) -> tuple[LabelSet, pd.DataFrame]:
    """What the experts read, with a finding that is made of two: the set, and labels by film of the films it has."""
    one = fixed_run(part)
    values = pd.DataFrame(one.experts, columns=FINDINGS, index=one.images["image_id"]).dropna(how="all")
    values[EITHER] = values[["Nodule", "Mass"]].max(axis=1)
    values = values.drop(columns=["Nodule", "Mass"])
    return LabelSet("fixed", READING, tuple(values.columns), ((EITHER, ("Nodule", "Mass")),), "two readers"), values


def stored(path: Path) -> tuple[Store, str, dict[str, str]]:
    """A store with the first run: its id, and {part: prediction_id}."""
    store, parts = Store(path), {part: fixed_run(part) for part in N_PATIENTS}
    store.add_dataset(
        "fixed", pd.concat([one.images for one in parts.values()], ignore_index=True),
        np.concatenate([one.runs["first"].labels for one in parts.values()]), FINDINGS, name="fixed", kind="other",
        label_source="made")
    run_id = store.create_run({"name": "first", "arch": "resnet18"}, "fixed", split=("patient", 0, "fixed"))
    ids = {part: store.save_predictions(run_id, "fixed", part, one.runs["first"].image_ids, one.runs["first"].scores,
                                        checkpoint="model_best.pth") for part, one in parts.items()}
    store.finish_run(run_id, "finished", best_epoch=1)
    return store, run_id, ids
