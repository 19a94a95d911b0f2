"""What a data set holds, counted: findings, what stands together, patients, ages, views, splits. Pure numpy and pandas.

Labels are float (n, k), one column a finding of the data set, 1 / 0 / NaN = unknown; every share is of the films whose
label is known. Images are frames with image_id, patient_id, follow_up, age, sex, view, in the labels' order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.measures.intervals.draws import unknown

FILMS_PER_PATIENT = (1, 2, 3, 5, 10, 20, 50)  # lower ends of the bins
LAST_FOLLOW_UP = 10  # it and all later ones together
AGE_BAND = 5  # years
OLDEST_BAND = 90


@dataclass(frozen=True)
class KeyFigures:
    """The data set in a few numbers.

    Attributes:
        films, patients: counts; 0 patients where they are unknown.
        median_films, most_films: of one patient; NaN and 0 where patients are unknown.
        without_finding: share of the films that have none of the findings, among those whose labels are all known.
        ap_share: share of AP films among those whose view is known; NaN if none is.
        unknown_labels: cells without a label.
    """

    films: int
    patients: int
    median_films: float
    most_films: int
    without_finding: float
    ap_share: float
    unknown_labels: int


def key_figures(images: pd.DataFrame, labels: np.ndarray) -> KeyFigures:
    """Count."""
    per_patient = _films_of_each(images)
    known = ~np.isnan(labels).any(axis=1)
    view = images["view"].dropna()
    return KeyFigures(
        len(images), len(per_patient), float(per_patient.median()), int(per_patient.max()) if len(per_patient) else 0,
        float((labels[known] == 0).all(axis=1).mean()) if known.any() else float("nan"),
        float((view == "AP").mean()) if len(view) else float("nan"), int(np.isnan(labels).sum()),
    )


def prevalence(labels: np.ndarray, groups: Mapping[str, np.ndarray], findings: Sequence[str]) -> pd.DataFrame:
    """How common each finding is in groups of films.

    Args:
        groups: name -> bool (n,).
        findings: names of the columns of `labels`.

    Returns:
        One row a finding and group: finding, group, positives, films (with a known label), share (NaN of 0 films).
    """
    parts = []
    for name, rows in groups.items():
        own = labels[rows]
        positives, films = (own == 1).sum(axis=0), (~np.isnan(own)).sum(axis=0)
        parts.append(pd.DataFrame({"finding": list(findings), "group": name, "positives": positives, "films": films,
                                   "share": _share(positives, films)}))
    return pd.concat(parts, ignore_index=True)


def company(labels: np.ndarray, findings: Sequence[str]) -> pd.DataFrame:
    """What stands together: one row for each ordered pair.

    Returns:
        given, other: findings; both: films with both; share: of the films with `given` (and a known label of `other`)
        that have `other` too; lift: that share over the prevalence of `other`, 1 = no company. NaN on the diagonal,
        and for a finding without films.
    """
    positive, known = (labels == 1).astype(float), (~np.isnan(labels)).astype(float)
    both, asked = positive.T @ positive, positive.T @ known
    share = _share(both, asked)
    lift = _share(share, np.nan_to_num(_share(positive.sum(axis=0), known.sum(axis=0))))
    for table in (share, lift):
        np.fill_diagonal(table, np.nan)
    given, other = np.meshgrid(np.array(findings, object), np.array(findings, object), indexing="ij")
    return pd.DataFrame({"given": given.ravel(), "other": other.ravel(), "both": both.ravel().astype(int),
                         "share": share.ravel(), "lift": lift.ravel()})


def findings_per_film(labels: np.ndarray) -> pd.DataFrame:
    """Films by how many of the findings they have: findings, films."""
    counts = np.bincount((labels == 1).sum(axis=1).astype(int))
    return pd.DataFrame({"findings": np.arange(len(counts)), "films": counts})


def films_per_patient(images: pd.DataFrame) -> pd.DataFrame:
    """Patients by how many films they have: bin (text), patients, films (of these patients together)."""
    per_patient = _films_of_each(images).to_numpy()
    edges = [low for low in FILMS_PER_PATIENT if low <= per_patient.max(initial=1)]
    place = np.searchsorted(edges, per_patient, side="right") - 1
    highest = [*[low - 1 for low in edges[1:]], int(per_patient.max(initial=1))]
    names = [str(low) if low == high else f"{low}–{high}" for low, high in zip(edges, highest, strict=True)]
    return pd.DataFrame({"bin": names, "patients": np.bincount(place, minlength=len(edges)),
                         "films": np.bincount(place, weights=per_patient, minlength=len(edges)).astype(int)})


def follow_ups(images: pd.DataFrame) -> pd.DataFrame:
    """Films by their number in the patient's series, 0 = the first: follow_up (text, the last '10+'), films."""
    number = images["follow_up"].dropna().astype(int).clip(upper=LAST_FOLLOW_UP)
    counts = number.value_counts().sort_index()
    names = [f"{value}+" if value == LAST_FOLLOW_UP else str(value) for value in counts.index]
    return pd.DataFrame({"follow_up": names, "films": counts.to_numpy()})


def ages(images: pd.DataFrame) -> pd.DataFrame:
    """Films by age band and sex: band (its youngest age), sex ('F', 'M', 'unknown'), films; unknown ages left out."""
    known = images[images["age"].notna()]
    band = (known["age"].astype(float) // AGE_BAND * AGE_BAND).clip(upper=OLDEST_BAND).astype(int)
    counts = known.groupby([band, known["sex"].fillna("unknown")], observed=True).size()
    return counts.rename_axis(["band", "sex"]).rename("films").reset_index()


def without_alarms(labels: np.ndarray, findings: Sequence[str]) -> pd.DataFrame:
    """How often it is right to say 'no' to every film: finding, accuracy (NaN without known labels)."""
    known = (~np.isnan(labels)).sum(axis=0)
    return pd.DataFrame({"finding": list(findings), "accuracy": _share((labels == 0).sum(axis=0), known)})


# -- splits


def leaks(assignment: np.ndarray, patient_ids: Sequence[str], parts: Sequence[str]) -> pd.DataFrame:
    """Patients who stand on both sides: one row for each pair of parts: one, other, patients (known ones).

    Args:
        assignment: int (n,), index into `parts` of each film.
    """
    known = ~unknown(patient_ids)
    patients = pd.factorize(np.asarray(patient_ids, object)[known])[0]
    stands = np.zeros((patients.max(initial=-1) + 1, len(parts)), bool)
    stands[patients, assignment[known]] = True
    pairs = [(a, b) for a in range(len(parts)) for b in range(a + 1, len(parts))]
    return pd.DataFrame([(parts[a], parts[b], int((stands[:, a] & stands[:, b]).sum())) for a, b in pairs],
                        columns=["one", "other", "patients"])


def composition(images: pd.DataFrame, labels: np.ndarray, assignment: np.ndarray, parts: Sequence[str]) -> pd.DataFrame:
    """What each part holds: part, films, share, patients, without_finding, ap_share; parts without films left out."""
    rows = []
    for k, name in enumerate(parts):
        own = assignment == k
        if own.any():
            figures = key_figures(images[own], labels[own])
            rows.append((name, figures.films, figures.films / len(images), figures.patients, figures.without_finding,
                         figures.ap_share))
    return pd.DataFrame(rows, columns=["part", "films", "share", "patients", "without_finding", "ap_share"])


def _films_of_each(images: pd.DataFrame) -> pd.Series:
    """Films of each known patient."""
    return images.loc[~unknown(images["patient_id"]), "patient_id"].value_counts()


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)
