"""The patients of a phantom data set: how many films, age, sex, view, and which findings stand together.

Findings are drawn from one normal variable each (the tetrachoric model): their correlations are those that give NIH's
co-occurrence at NIH's prevalences, and stay when the prevalences are raised. Pure numpy and scipy.

Source of the counts: Data_Entry_2017.csv of NIH ChestX-ray14, 112,120 films, all rows.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxrcore.findings import FINDINGS, N_FINDINGS

NIH_FILMS = 112_120
# Films with both findings; the diagonal is the finding's own count. In FINDINGS order, upper triangle.
_NIH_PAIRS = (
    (11559, 370, 3275, 3264, 739, 590, 262, 774, 1223, 221, 424, 220, 496, 40),
    (2776, 1063, 587, 102, 108, 41, 49, 169, 127, 44, 52, 111, 7),
    (13317, 4000, 1254, 912, 269, 996, 1287, 593, 359, 188, 849, 21),
    (19894, 1159, 1546, 605, 946, 1221, 981, 449, 345, 750, 33),
    (5782, 906, 71, 431, 610, 129, 215, 117, 452, 25),
    (6331, 70, 341, 428, 131, 115, 166, 411, 10),
    (1431, 41, 123, 340, 23, 11, 48, 3),
    (5302, 223, 33, 747, 80, 289, 9),
    (4667, 162, 103, 79, 251, 4),
    (2303, 30, 9, 64, 3),
    (2516, 36, 151, 4),
    (1686, 176, 8),
    (3385, 8),
    (227,),
)
# How much more often a finding stands on an AP film than on a PA film.
_NIH_AP_RATIO = (1.53, 1.17, 1.53, 1.69, 0.93, 0.77, 1.91, 0.84, 3.11, 11.03, 1.02, 0.30, 0.60, 0.27)
NIH_AP_SHARE = 0.40
NIH_MALE_SHARE = 0.565
_AGE_MEAN, _AGE_SD, _AGE_RANGE = 47.0, 17.0, (2, 94)

MORE_FILMS = 0.58  # chance that a patient comes back once more
MOST_FILMS = 14
PATIENT_SHARE = 0.5  # of a finding's variance that a patient keeps from film to film
RAISED_FLOOR, RAISED_SLOPE = 0.105, 0.62


def prevalences(kind: str) -> np.ndarray:
    """Share of films with each finding, float64 (14,): 'nih' as published, or 'raised' so that rare ones are learnt.

    Raised prevalences keep NIH's order; the rarest, Hernia, is at about 10.6 %.
    """
    own = _counts().diagonal() / NIH_FILMS
    return own if kind == "nih" else RAISED_FLOOR + RAISED_SLOPE * own


@cache
def _counts() -> np.ndarray:
    """Films with each pair of findings, (14, 14)."""
    counts = np.zeros((N_FINDINGS, N_FINDINGS))
    for i, row in enumerate(_NIH_PAIRS):
        counts[i, i:] = row
    return np.maximum(counts, counts.T)


@cache
def correlations() -> np.ndarray:
    """Correlations of the 14 normal variables, (14, 14), positive definite."""
    share = _counts() / NIH_FILMS
    limit = norm.isf(share.diagonal())
    low, high = np.full_like(share, -0.95), np.full_like(share, 0.95)
    for _ in range(40):
        middle = (low + high) / 2
        too_rare = both_above(limit[:, None], limit[None, :], middle) < share
        low, high = np.where(too_rare, middle, low), np.where(too_rare, high, middle)
    found = (low + high) / 2
    np.fill_diagonal(found, 1.0)
    values, vectors = np.linalg.eigh((found + found.T) / 2)
    fixed = vectors * np.clip(values, 1e-3, None) @ vectors.T
    scale = np.sqrt(fixed.diagonal())
    return fixed / np.outer(scale, scale)


def both_above(h: np.ndarray, k: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """P(X > h, Y > k) of two standard normals.

    Source: Plackett, A reduction formula for normal multivariate integrals, Biometrika 1954: the derivative by the
    correlation is the bivariate density, which is integrated from 0 here by Gauss-Legendre.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    total = norm.sf(h) * norm.sf(k)
    for node, weight in zip(nodes, weights, strict=True):
        r = correlation * (node + 1) / 2
        rest = 1 - r * r
        density = np.exp(-(h * h - 2 * r * h * k + k * k) / (2 * rest)) / (2 * np.pi * np.sqrt(rest))
        total = total + weight * correlation / 2 * density
    return total


@dataclass(frozen=True)
class People:
    """Every film of the data set, in order.

    Attributes:
        films: patient (0, 1, ...), follow_up, age, sex, view; one row a film.
        present: bool (n, 14), which findings a film truly has.
    """

    films: pd.DataFrame
    present: np.ndarray


def draw_people(n_films: int, prevalence: str, rng: np.random.Generator) -> People:
    """Exactly `n_films` films; a patient's films are neighbours, in order of time."""
    patient = _owners(n_films, rng)
    n_patients = int(patient[-1]) + 1
    first = np.searchsorted(patient, np.arange(n_patients))
    follow_up = np.arange(n_films) - first[patient]
    born = np.clip(rng.normal(_AGE_MEAN, _AGE_SD, n_patients), *_AGE_RANGE)
    age = np.minimum(born[patient] + follow_up * 0.4, _AGE_RANGE[1]).astype(int)
    sex = np.where(rng.random(n_patients) < NIH_MALE_SHARE, "M", "F")[patient]
    portable = rng.random(n_films) < NIH_AP_SHARE
    films = pd.DataFrame({"patient": patient, "follow_up": follow_up, "age": age, "sex": sex,
                          "view": np.where(portable, "AP", "PA")})
    return People(films, _draw_findings(patient, portable, prevalences(prevalence), rng))


def _owners(n_films: int, rng: np.random.Generator) -> np.ndarray:
    """The patient of each film: most have one film, a few have many."""
    owners, patient = [], 0
    while len(owners) < n_films:
        films = min(int(rng.geometric(1 - MORE_FILMS)) if rng.random() < 0.6 else 1, MOST_FILMS)
        owners += [patient] * films
        patient += 1
    return np.asarray(owners[:n_films])


def _draw_findings(
    patient: np.ndarray, portable: np.ndarray, share: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    root = np.linalg.cholesky(correlations())
    kept = rng.standard_normal((patient[-1] + 1, N_FINDINGS)) @ root.T
    fresh = rng.standard_normal((len(patient), N_FINDINGS)) @ root.T
    normal = np.sqrt(PATIENT_SHARE) * kept[patient] + np.sqrt(1 - PATIENT_SHARE) * fresh
    ratio = np.asarray(_NIH_AP_RATIO)
    upright = share / (NIH_AP_SHARE * ratio + 1 - NIH_AP_SHARE)  # prevalence on PA films
    limit = norm.isf(np.where(portable[:, None], np.minimum(upright * ratio, 0.9), upright))
    return normal > limit


def positives(present: np.ndarray) -> dict[str, int]:
    """Films with each finding, by name."""
    return dict(zip(FINDINGS, present.sum(axis=0).tolist(), strict=True))
