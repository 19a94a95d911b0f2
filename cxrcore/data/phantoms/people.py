"""The patients of a phantom data set: how many films, age, sex, view, and which findings they have.

Findings are drawn from one normal variable each (the tetrachoric model): their correlations are those that give the
published co-occurrence at the published prevalences, and stay when the prevalences are raised. Pure numpy and scipy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxrcore.data.phantoms.occurrence import ap_ratios, correlations, prevalences
from cxrcore.findings import NIH_FINDINGS

NIH_AP_SHARE = 0.40
NIH_MALE_SHARE = 0.565
_AGE_MEAN, _AGE_SD, _AGE_RANGE = 47.0, 17.0, (2, 94)

MORE_FILMS = 0.58  # chance that a patient comes back once more
MOST_FILMS = 14
PATIENT_SHARE = 0.5  # of a finding's variance that a patient keeps from film to film


@dataclass(frozen=True)
class People:
    """Every film of the data set, in order.

    Attributes:
        films: patient (0, 1, ...), follow_up, age, sex, view; one row a film.
        present: bool (n, findings), which findings a film truly has.
    """

    films: pd.DataFrame
    present: np.ndarray


def draw_people(
    n_films: int, prevalence: str, rng: np.random.Generator, findings: Sequence[str] = NIH_FINDINGS
) -> People:
    """Exactly `n_films` films; a patient's films are neighbours, in order of time.

    Args:
        prevalence: 'nih' or 'raised', as `occurrence.prevalences`.
        findings: what the films may have, of `occurrence.DRAWABLE`.
    """
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
    return People(films, _draw_findings(patient, portable, findings, prevalences(prevalence, findings), rng))


def _owners(n_films: int, rng: np.random.Generator) -> np.ndarray:
    """The patient of each film: most have one film, a few have many."""
    owners, patient = [], 0
    while len(owners) < n_films:
        films = min(int(rng.geometric(1 - MORE_FILMS)) if rng.random() < 0.6 else 1, MOST_FILMS)
        owners += [patient] * films
        patient += 1
    return np.asarray(owners[:n_films])


def _draw_findings(
    patient: np.ndarray, portable: np.ndarray, findings: Sequence[str], share: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    root = np.linalg.cholesky(correlations(findings))
    kept = rng.standard_normal((patient[-1] + 1, len(findings))) @ root.T
    fresh = rng.standard_normal((len(patient), len(findings))) @ root.T
    normal = np.sqrt(PATIENT_SHARE) * kept[patient] + np.sqrt(1 - PATIENT_SHARE) * fresh
    ratio = ap_ratios(findings)
    upright = share / (NIH_AP_SHARE * ratio + 1 - NIH_AP_SHARE)  # prevalence on PA films
    limit = -ndtri(np.where(portable[:, None], np.minimum(upright * ratio, 0.9), upright))
    return normal > limit
