"""Films of patients who resemble themselves, with measures that are known: simulated, for intervals and tests.

A film's logit is `separation` further up where it has the finding; a share `alike` of the variance, of labels as of
logits, belongs to the patient. So AUROC is Phi(separation / sqrt 2) for any two films of two patients.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from cxrcore.store import Predictions

SEPARATION = 1.2  # AUROC 0.802


def simulate(
    seed: int | Sequence[int],
    n_patients: int = 300,
    prevalence: Sequence[float] = (0.15,),
    alike: float = 0.6,
    n_runs: int = 1,
    separation: float = SEPARATION,
) -> list[Predictions]:
    """Runs that err independently of each other, on the same films, 1 to 7 a patient; one finding a prevalence."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n_patients), rng.integers(1, 8, n_patients))

    def correlated() -> np.ndarray:
        of_patient, of_film = (rng.normal(size=(n, len(prevalence))) for n in (n_patients, len(owner)))
        return np.sqrt(alike) * of_patient[owner] + np.sqrt(1 - alike) * of_film

    labels = (correlated() > -ndtri(prevalence)).astype(np.float32)
    patients = np.array([f"{p:05d}" for p in owner], object)
    films = np.array([f"{patient}_{i:05d}.png" for i, patient in enumerate(patients)], object)
    names = tuple(f"finding_{place}" for place in range(len(prevalence)))
    return [Predictions(films, patients, labels, ndtr(separation * labels + correlated() - 1.5), names)
            for _ in range(n_runs)]


def truth(measure: str, prevalence: float, threshold: float = 0.5, separation: float = SEPARATION) -> float:
    """The measure of one finding over endlessly many patients."""

    def precision(at: np.ndarray) -> np.ndarray:
        tp, fp = prevalence * ndtr(separation - at), (1 - prevalence) * ndtr(-at)
        return tp / (tp + fp)

    with_it, without = (ndtri((np.arange(20_000) + 0.5) / 20_000) + shift for shift in (separation, 0))
    hit, wrong = ndtr(with_it - 1.5), ndtr(without - 1.5)
    at = ndtri(threshold) + 1.5
    recall = ndtr(separation - at)
    return float({
        "auroc": ndtr(separation / np.sqrt(2)),
        "ap": precision(with_it).mean(),
        "recall": recall,
        "specificity": ndtr(at),
        "precision": precision(at),
        "f1": 2 / (1 / recall + 1 / precision(at)),
        "brier": prevalence * ((1 - hit) ** 2).mean() + (1 - prevalence) * (wrong**2).mean(),
        "ece": np.abs(_gaps(1 - hit, hit) * prevalence - _gaps(wrong, wrong) * (1 - prevalence)).sum(),
    }[measure])


def _gaps(gaps: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sums over the 15 bins of ECE, a film counting 1 / n."""
    return np.bincount((scores * 15).astype(int).clip(0, 14), gaps, 15) / len(gaps)
