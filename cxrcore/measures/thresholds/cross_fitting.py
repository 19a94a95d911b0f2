"""How much thresholds flatter themselves on the films they were fitted on: cross-fitting over halves of the patients.

Each half is read at the thresholds of the other, so no film is judged by a threshold that its own patient helped to
choose. The counts of both halves are pooled before anything is divided: a mean of two F1 would be biased. Each half
fits on half the positives, so the result is a little too strict, as the apparent one is too kind. Pure numpy.

Sources: Stone, Cross-validatory choice and assessment of statistical predictions, J R Stat Soc B 1974; Forman and
Scholz, Apples-to-apples in cross-validation studies, SIGKDD Explorations 2010 (pooled counts).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.measures.metrics import Counts, confusion, measured
from cxrcore.measures.thresholds import fitting

FITTED_HALF, OTHER_HALF = "half", "other half"  # of a part's patients: thresholds of the first are read on the other
HALVINGS = 20  # of 25,596 films a third of a second; six of expected F1


@dataclass(frozen=True)
class CrossFit:
    """What thresholds are worth on films that had no part in choosing them.

    Attributes:
        counts: of both halves together, (k,) each; all 0 for a finding that one half cannot fit, so that its measures
            are NaN and it leaves macro means and micro sums.
        thresholds: float64 (2, k), fitted on each half and read on the other; NaN where there were no positives, or
            too few for the objective.
    """

    counts: Counts
    thresholds: np.ndarray


def cross_fitted(
    labels: np.ndarray,
    scores: np.ndarray,
    patient_ids: np.ndarray,
    objective: str,
    parameter: float | None = None,
    seed: int = 0,
) -> CrossFit:
    """Fit on each half of the patients and read on the other half.

    Args:
        labels: float (n, k), 1 / 0 / NaN.
        scores: float (n, k) in [0, 1].
        patient_ids: (n,).
        objective, parameter: as for `fitting.fit_thresholds`.
        seed: of the halves.

    Raises:
        UsageError: as `fitting.fit_thresholds`.
    """
    first = halves(patient_ids, seed)
    parts = [(labels[rows], scores[rows]) for rows in (first, ~first)]
    fitted = np.stack([_fitted(*part, objective, parameter) for part in parts])
    usable = ~np.isnan(fitted).any(axis=0)
    read = [confusion(*part, at) for part, at in zip(parts, fitted[::-1], strict=True)]
    pooled = {name: np.where(usable, getattr(read[0], name) + getattr(read[1], name), 0)
              for name in ("tp", "fp", "fn", "tn")}
    return CrossFit(Counts(**pooled), fitted)


@dataclass(frozen=True)
class Halvings:
    """F1 as cross-fitted over several halvings of the same patients, which differ by who stands in which half.

    Attributes:
        f1: float64 (halvings, k); NaN where a half could not fit the finding.
        positives: int64 (k,), films with each finding and a score.
    """

    f1: np.ndarray
    positives: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Of each finding over the halvings that could fit it, float64 (k,); NaN where fewer than half could."""
        defined = ~np.isnan(self.f1)
        enough = 2 * defined.sum(axis=0) >= len(self.f1)
        sums = np.where(defined, self.f1, 0).sum(axis=0)
        return np.where(enough, sums / np.maximum(defined.sum(axis=0), 1), np.nan)

    @property
    def filled(self) -> np.ndarray:
        """F1 with the finding's own mean where a halving could not fit it, as `f1`; so means of means agree."""
        return np.where(np.isnan(self.f1), self.mean, self.f1)

    def macro(self, included: np.ndarray) -> np.ndarray:
        """The macro mean of each halving over some findings (a mask, bool (k,)) that have a mean: float64 (m,)."""
        return self.filled[:, included].mean(axis=1) if included.any() else np.empty(0)


def halvings(
    labels: np.ndarray,
    scores: np.ndarray,
    patient_ids: np.ndarray,
    objective: str,
    parameter: float | None = None,
    told: Callable[[float], None] = lambda share: None,
) -> Halvings:
    """`cross_fitted` over `HALVINGS` halvings, of the seeds 0, 1, 2 and so on; arguments as there.

    The halvings share the films, so their spread says how much the estimate owes to the halving, and not how much it
    would change with other patients.

    Args:
        told: hears the share of the halvings that are done.
    """
    f1 = []
    for seed in range(HALVINGS):
        f1.append(cross_fitted(labels, scores, patient_ids, objective, parameter, seed).counts.f1)
        told((seed + 1) / HALVINGS)
    return Halvings(np.array(f1), (measured(labels, scores) & (labels == 1)).sum(axis=0))


def halves(patient_ids: np.ndarray, seed: int = 0) -> np.ndarray:
    """True for the films of one half of the patients, drawn by a seed: bool (n,).

    The halves hold equally many patients, give or take one; who is drawn does not depend on the order of the films.
    """
    owner, patients = pd.factorize(np.asarray(patient_ids), sort=True, use_na_sentinel=False)
    drawn = np.random.default_rng(seed).permutation(len(patients))
    return drawn[owner] < len(patients) // 2


def _fitted(labels: np.ndarray, scores: np.ndarray, objective: str, parameter: float | None) -> np.ndarray:
    """Float64 (k,), NaN for findings that these films cannot fit."""
    places = [str(place) for place in range(labels.shape[1])]  # in place of names
    chosen = fitting.fit_thresholds(labels, scores, places, objective, parameter)
    left = chosen.parameters.get("not_fitted", ())
    return np.where([place in left for place in places], np.nan, chosen.thresholds)
