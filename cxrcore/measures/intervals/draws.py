"""Which patients each draw of the bootstrap holds, and how often: drawn once and shared by all that is compared.

Films of one patient are not independent, so patients are drawn, with replacement and with all their films; drawing
films would make intervals too narrow. A draw is a column of integer counts, one a patient. The same patients and the
same seed give the same draws, whatever the order of the films and whoever asks, so differences between runs, or
between groups of patients, are taken within each draw.

Sources: Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 1979; Field and Welsh,
Bootstrapping clustered data, J R Stat Soc B 2007 (the cluster bootstrap).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxrcore.errors import ResamplingError

N_DRAWS = 1000
BATCH = 100  # draws worked on at a time: their cumulative sums stay in a processor's cache
BATCH_CELLS = 3_200_000  # patients times draws worked on at a time, at most: 26 MB
LEAST = 16  # draws at a time, however many the patients: so many counts of one patient fill a line of a cache


@dataclass(frozen=True)
class Draws:
    """How often each patient stands in each draw.

    Attributes:
        patients: str (p,), sorted; a film of an unknown patient stands alone, under a name of its own.
        counts: uint8 (p, draws); each column sums to p.
        seed: of the draws.
        patients_known: False where films without a patient were drawn one by one.
    """

    patients: np.ndarray
    counts: np.ndarray
    seed: int
    patients_known: bool

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return self.counts.shape[1]

    @cached_property
    def key(self) -> str:
        """The same for the same draws of the same patients, and for no others."""
        text = "\n".join([str(self.seed), str(self.n_draws), *self.patients])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def owners(self, patient_ids: np.ndarray, image_ids: np.ndarray) -> np.ndarray:
        """Each film's place among the patients: int64 (n,).

        Raises:
            ResamplingError: a patient who is not among them.
        """
        found = pd.Index(self.patients).get_indexer(units(patient_ids, image_ids))
        if (found < 0).any():
            raise ResamplingError(f"{(found < 0).sum()} films belong to patients who were not drawn: "
                                  "draw the patients of all films that are compared")
        return found

    def batches(self) -> Iterator[np.ndarray]:
        """Counts as float64 (p, b); the very first column is all ones, the films themselves.

        b is about `BATCH`, or fewer where the patients are many, but at least `LEAST`.
        """
        batch = min(BATCH, max(BATCH_CELLS // len(self.patients), LEAST))
        for first in range(0, self.n_draws, batch):
            drawn = self.counts[:, first:first + batch].astype(np.float64, order="C")
            yield drawn if first else np.column_stack([np.ones(len(drawn)), drawn])


def unknown(patient_ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """True for films without a patient (None, NaN or an empty text): bool (n,)."""
    ids = np.asarray(patient_ids, object)
    return pd.isna(ids) | (ids == "")


def units(patient_ids: np.ndarray, image_ids: np.ndarray) -> np.ndarray:
    """Whose films belong together: the patient, or the film alone where nobody knows its patient: str (n,)."""
    alone = unknown(patient_ids)
    return np.where(alone, "film " + np.asarray(image_ids, object), np.asarray(patient_ids, object))


def patient_draws(patient_ids: np.ndarray, image_ids: np.ndarray, n_draws: int = N_DRAWS, seed: int = 0) -> Draws:
    """Draw patients with replacement, as many as there are.

    Args:
        patient_ids: str (n,), one a film; None, NaN or "" where unknown.
        image_ids: str (n,), which name the films of unknown patients.
        n_draws: of 1000 draws, the first 100 are those that 100 would give.
        seed: of numpy's default generator.

    Raises:
        ResamplingError: fewer than two patients.
    """
    patients = np.unique(units(patient_ids, image_ids))
    n = len(patients)
    if n < 2:
        raise ResamplingError(f"films of {n} patient{'' if n else 's'}: intervals need at least 2, take more films")
    rng = np.random.default_rng(seed)
    counts = np.empty((n_draws, n), np.uint8)  # nobody is drawn 256 times: of few not, of many by no chance
    for draw in counts:
        draw[:] = np.bincount(rng.integers(n, size=n), minlength=n)
    return Draws(patients, counts.T, seed, not unknown(patient_ids).any())
