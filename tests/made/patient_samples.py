"""Samples of patients from a population of films: drawn with replacement, each time as another patient."""

import numpy as np

from cxrcore.measures.decisions.by_patients import shares_right
from cxrcore.store import Predictions


class Population:
    """All patients of some films, whose own values are known.

    Args:
        films: of the population.
    """

    def __init__(self, films: Predictions) -> None:
        self.films = films
        self.owners = np.unique(films.patient_ids.astype(str), return_inverse=True)[1]
        order = np.argsort(self.owners, kind="stable")
        self._films_of = np.split(order, np.flatnonzero(np.diff(self.owners[order])) + 1)

    def sample(self, n_patients: int, rng: np.random.Generator) -> Predictions:
        """Films of so many patients; who is drawn twice is two patients."""
        drawn = [self._films_of[one] for one in rng.integers(len(self._films_of), size=n_patients)]
        rows, copies = np.concatenate(drawn), np.repeat(np.arange(n_patients), list(map(len, drawn)))
        names = np.array([f"{copy}_{row}" for copy, row in zip(copies.tolist(), rows.tolist(), strict=True)], object)
        films = self.films
        return Predictions(names, copies.astype(str).astype(object), films.labels[rows], films.scores[rows],
                           films.findings)

    def value(self, thresholds: np.ndarray, measure: str) -> np.ndarray:
        """The measure over all patients, each with his share of right films: (k,), NaN where there is no threshold."""
        missing = np.isnan(thresholds)
        shares = shares_right(self.films, np.where(missing, 0, thresholds), measure, self.owners, len(self._films_of))
        some = ~np.isnan(shares)
        return np.where(missing, np.nan, np.where(some, shares, 0).sum(axis=0) / np.maximum(some.sum(axis=0), 1))
