"""How good a data set's own labels are: they are read as a reader, against another label set of the same films."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.evaluation.kept_draws import SEED
from cxrcore.findings import display_name
from cxrcore.measures import label_reader
from cxrcore.measures.intervals.draws import N_DRAWS, patient_draws
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.measures.label_reader import LabelReader, RocPoint
from cxrcore.queries import from_store
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import kept
from cxrcore.store import CSV, LabelSet, Store
from cxrcore.store.label_sets import labels_as

MEASURES = {"precision": "PPV", "recall": "Sensitivity", "specificity": "Specificity", "kappa": "Kappa"}


@dataclass(frozen=True)
class LabelQuality:
    """A data set's own labels, measured against another set.

    Attributes:
        labels: the set that is taken as the truth.
        n_films, n_patients: that both have read.
        reader: the own labels, in the order of the set's findings.
    """

    labels: LabelSet
    n_films: int
    n_patients: int
    reader: LabelReader

    @property
    def patients_known(self) -> bool:
        """Whether intervals know whose films they are."""
        return self.reader.in_draws.patients_known


def own_labels(store: Store, labels: LabelSet) -> LabelSet:
    """The label set that the data set came with."""
    return next(one for one in store.label_sets() if (one.dataset_id, one.name) == (labels.dataset_id, CSV))


@kept(16)
def label_quality(store: Store, labels: LabelSet) -> LabelQuality:
    """The data set's own labels against this set, on all films that both have read.

    Raises:
        ResamplingError: films of fewer than two patients.
    """
    reference = from_store.labels(store, labels)
    images = from_store.images(store, labels.dataset_id).set_index("image_id")
    films = reference.index.to_numpy(str)
    patients = images["patient_id"].reindex(reference.index).to_numpy(str)
    found = _read(store, labels, films, patients)
    return LabelQuality(labels, found.in_draws.n_films, found.in_draws.n_patients, found)


@kept(64)
def reader_points(store: Store, of: Labelled) -> dict[str, RocPoint]:
    """Where the data set's own labels stand among ROC curves of these scores, measured on the same films.

    Returns:
        {finding: point}, empty where the scores are read against these labels themselves.

    Raises:
        ResamplingError: films of fewer than two patients. StoreError: the predictions are gone.
    """
    if of.labels.name == CSV:  # read against themselves
        return {}
    films = from_store.predictions(store, of)
    found = _read(store, of.labels, films.image_ids, films.patient_ids)
    return {finding: found.roc_point(of.labels.findings.index(finding)) for finding in of.findings}


def _read(store: Store, labels: LabelSet, films: np.ndarray, patients: np.ndarray) -> LabelReader:
    own = labels_as(labels, from_store.labels(store, own_labels(store, labels))).reindex(films)
    reference = from_store.labels(store, labels).reindex(films)
    draws = patient_draws(patients, films, N_DRAWS, SEED)
    return label_reader.read_against(own.to_numpy(np.float32), reference.to_numpy(np.float32), patients, films, draws)


def quality_table(found: LabelQuality) -> pd.DataFrame:
    """A row a finding, exactly, for the download and the charts."""
    counts, findings = found.reader.counts, list(found.labels.findings)
    table = pd.DataFrame({"finding": findings, "films": found.reader.n, "own_positives": counts.tp + counts.fp,
                          "positives": counts.tp + counts.fn, "tp": counts.tp, "fp": counts.fp, "fn": counts.fn,
                          "tn": counts.tn})
    for name in MEASURES:
        interval = found.reader.interval(name)
        for part in ("point", "low", "high"):
            values = getattr(interval, part)[:MACRO]
            table[name if part == "point" else f"{name}_{part}"] = values
    return table


def shown_quality(found: LabelQuality) -> pd.DataFrame:
    """As the page shows it: 'Pneumothorax, 4,376 films, 238 own positives, 238 positives, 0.458 (0.39 to 0.53) ...'."""
    table = quality_table(found)
    shown = pd.DataFrame({"Finding": table["finding"].map(display_name), "Films": [f"{n:,}" for n in table["films"]],
                          "Own label says yes": [f"{n:,}" for n in table["own_positives"]],
                          f"{found.labels.name} say yes": [f"{n:,}" for n in table["positives"]]})
    for name, title in MEASURES.items():
        shown[title] = [_with_interval(*cells) for cells in zip(table[name], table[f"{name}_low"],
                                                                table[f"{name}_high"], strict=True)]
    return shown


def _with_interval(point: float, low: float, high: float) -> str:
    if np.isnan(point):
        return "–"
    return f"{point:.3f}" + ("" if np.isnan(low) else f" ({low:.2f} to {high:.2f})")
