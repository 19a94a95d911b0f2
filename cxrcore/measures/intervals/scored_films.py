"""Scored films as they are compared: what they must hold, some of them, and those that several runs share.

Pure numpy; anything with the findings and the four arrays of `Films` will do, such as the store's predictions.
"""

from collections.abc import Sequence
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import pandas as pd

from cxrcore.errors import ResamplingError
from cxrcore.findings import shared
from cxrcore.measures.intervals.draws import unknown
from cxrcore.measures.metrics import measured


class Films(Protocol):
    """Scored films, a dataclass such as `Predictions`: arrays of n rows, unique image_ids, k findings."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def image_ids(self) -> np.ndarray:
        """str (n,)."""

    @property
    def patient_ids(self) -> np.ndarray:
        """str (n,)."""

    @property
    def findings(self) -> tuple[str, ...]:
        """k names, in the columns' order."""

    @property
    def labels(self) -> np.ndarray:
        """float (n, k), 1 / 0 / NaN."""

    @property
    def scores(self) -> np.ndarray:
        """float (n, k), in [0, 1], NaN where there is none."""


AnyFilms = TypeVar("AnyFilms", bound=Films)


def shared_films(runs: Sequence[AnyFilms]) -> list[AnyFilms]:
    """The films that all runs have, in one order, with patients wherever one run knows them.

    Findings are those that all runs have, in the order of the first. A film whose score is missing in one run leaves
    that finding in all; a finding without any score in a run stays
    with the others.

    Raises:
        ResamplingError: no film or finding in common, or films with other labels or other patients.
    """
    for films in runs:
        check(films)
    findings = shared([films.findings for films in runs])
    if not findings:
        raise ResamplingError("these runs have no finding in common")
    runs = [of_findings(films, findings) for films in runs]
    taken = list(runs)
    if not all(np.array_equal(films.image_ids, runs[0].image_ids) for films in runs[1:]):
        names = pd.Index(runs[0].image_ids)
        for films in runs[1:]:
            names = names[names.isin(films.image_ids)]
        taken = [subset(films, pd.Index(films.image_ids).get_indexer(names)) for films in runs]
    if not len(taken[0].image_ids):
        raise ResamplingError("these runs have no film in common: compare runs that were evaluated on the same split")
    patients = taken[0].patient_ids
    for films in taken[1:]:
        _check_same(taken[0], films, patients)
        patients = np.where(unknown(patients), films.patient_ids, patients)
    missing = [np.isnan(films.scores) for films in taken]
    somewhere = np.any([gaps & ~gaps.all(axis=0) for gaps in missing], axis=0)
    return [replace(films, patient_ids=patients, scores=np.where(somewhere, np.nan, films.scores))
            for films in taken]


def subset(films: AnyFilms, rows: np.ndarray) -> AnyFilms:
    """Some films, by their places or by a mask."""
    return replace(films, image_ids=films.image_ids[rows], patient_ids=films.patient_ids[rows],
                   labels=films.labels[rows], scores=films.scores[rows])


def of_findings(films: AnyFilms, findings: Sequence[str]) -> AnyFilms:
    """The same films with some of their findings, in this order."""
    if tuple(findings) == films.findings:
        return films
    columns = [films.findings.index(name) for name in findings]
    return replace(films, findings=tuple(findings), labels=films.labels[:, columns], scores=films.scores[:, columns])


def measured_films(films: AnyFilms) -> AnyFilms:
    """The films that some finding's measure sees: those with a label and a score of it; all of them as they are."""
    seen = np.any(measured(films.labels, films.scores), axis=1)
    return films if seen.all() else subset(films, seen)


def check(films: Films) -> None:
    """Whether measures can be worked out.

    Raises:
        ResamplingError: shapes that do not fit, a film twice, scores outside [0, 1], labels other than 1 / 0 / NaN.
    """
    n = len(films.image_ids)
    if not n == len(films.patient_ids) == len(films.labels) == len(films.scores) or (
            films.labels.shape != films.scores.shape):
        raise ResamplingError(f"{n} films with labels of shape {films.labels.shape} and scores of shape "
                              f"{films.scores.shape}: each film needs one row of both")
    if not pd.Index(films.image_ids).is_unique:
        raise ResamplingError("a film stands twice in one run: keep one score of each film")
    if not ((films.scores >= 0) & (films.scores <= 1) | np.isnan(films.scores)).all():
        raise ResamplingError(f"scores run from {np.nanmin(films.scores):.4g} to {np.nanmax(films.scores):.4g}: "
                              "take probabilities in [0, 1]")
    if not (np.isin(films.labels, (0, 1)) | np.isnan(films.labels)).all():
        raise ResamplingError("labels other than 1, 0 and unknown: bring them to the label contract first")


def _check_same(one: Films, other: Films, patients: np.ndarray) -> None:
    differ = int((~((one.labels == other.labels) | np.isnan(one.labels) & np.isnan(other.labels))).any(axis=1).sum())
    if differ:
        raise ResamplingError(f"{differ} shared films carry other labels in each run: evaluate both on one label set")
    known = ~(unknown(patients) | unknown(other.patient_ids))
    if differ := int((patients[known] != other.patient_ids[known]).sum()):
        raise ResamplingError(f"{differ} shared films belong to other patients in each run: import one with the "
                              "patients of the other")
