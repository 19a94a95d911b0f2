"""One run's films in groups of patients, measured in shared draws: read and worked out once, kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cxrcore.evaluation.kept_draws import SEED
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.evaluation.shares import within
from cxrcore.measures.intervals.draws import N_DRAWS, Draws, patient_draws
from cxrcore.measures.intervals.intervals import Resampled
from cxrcore.measures.intervals.scored_films import measured_films, subset
from cxrcore.measures.subgroups import GROUPINGS, MIN_PATIENTS, Groups, measure_group, view_alone
from cxrcore.queries import from_store
from cxrcore.queries.board_state import Evaluated, SourcedSet
from cxrcore.queries.shared_draws import PATIENCE
from cxrcore.store import Predictions, Store
from cxrcore.ui import widgets
from cxrcore.ui.slots import Slot

GROUP_NAMES = {"F": "Female", "M": "Male", "first": "First film", "later": "Later films"}


def group_name(name: str, grouping: str) -> str:
    """The group as the page writes it."""
    return f"{name} years" if grouping == "age" else GROUP_NAMES.get(name, name)


@dataclass(frozen=True)
class Subgroups:
    """One run's films in groups, measured in the same draws.

    Attributes:
        grouping: of `subgroups.GROUPINGS`.
        groups: of the films.
        n_patients: (g,), of each group.
        found: {name of a group: its measures in every draw}, those that can be measured.
        n_films, patients: of all groups and of films in none; as all here, of those that were measured.
        patients_known: as `Draws`.
    """

    grouping: str
    groups: Groups
    n_patients: np.ndarray
    found: Mapping[str, Resampled]
    n_films: int
    patients: int
    patients_known: bool

    def called(self, name: str) -> str:
        """A group as the page writes it."""
        return group_name(name, self.grouping)

    @property
    def largest(self) -> str:
        """The measured group with the most films, the first of several."""
        return max(self.found, key=lambda name: self.found[name].n_films)


def load(store: Store, run: Evaluated, part: str, grouping: str, source: SourcedSet) -> Subgroups:
    """The groups of the run's films, measured at these thresholds.

    Raises:
        ResamplingError: fewer than two patients, scores outside [0, 1].
        StoreError: predictions that are gone.
    """
    key = (str(store.path), run.prediction_id(part), run.dataset_id)
    draws = _draws(*key[:2])
    groups, n_patients = _groups(*key, grouping)
    places = np.flatnonzero(n_patients >= MIN_PATIENTS)
    found = {}
    with widgets.slow_share(RESAMPLING, PATIENCE) as told:
        for done, place in enumerate(places):
            slot = _group(*key, grouping, int(place), tuple(source.thresholds.tolist()))
            found[groups.names[place]] = slot.get(lambda done=done, place=place: measure_group(
                subset(_films(*key[:2]), groups.place == place), draws, source.thresholds,
                within(told, done, len(places))))
    return Subgroups(grouping, groups, n_patients, found, len(groups.place), len(draws.patients),
                     draws.patients_known)


@st.cache_resource(max_entries=4, show_spinner=False)  # those of `cached.predictions` where all are measured
def _films(path: str, prediction_id: str) -> Predictions:
    return measured_films(from_store.predictions(Store(path), prediction_id))


@st.cache_resource(max_entries=3, show_spinner=False)  # of 30,805 patients 31 MB
def _draws(path: str, prediction_id: str) -> Draws:
    films = _films(path, prediction_id)
    return patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)


@st.cache_resource(max_entries=16, show_spinner=False)
def _groups(path: str, prediction_id: str, dataset_id: str, grouping: str) -> tuple[Groups, np.ndarray]:
    films = _films(path, prediction_id)
    images = from_store.images(Store(path), dataset_id).set_index("image_id").reindex(films.image_ids)
    groups = GROUPINGS[grouping](images)
    return groups, groups.n_patients(_draws(path, prediction_id).owners(films.patient_ids, films.image_ids))


@st.cache_resource(max_entries=96, show_spinner=False)  # some 0.4 MB each; never written to
def _group(path: str, prediction_id: str, dataset_id: str, grouping: str, place: int,
           thresholds: tuple[float, ...]) -> Slot[Resampled]:
    return Slot()


def shortcut(store: Store, run: Evaluated, part: str) -> tuple[Resampled, Resampled] | None:
    """The view alone and the run, on films of known view; None where they are not of both views."""
    key = (str(store.path), run.prediction_id(part), run.dataset_id)
    views, n_patients = _groups(*key, "view")
    if not (n_patients >= MIN_PATIENTS).all():
        return None
    with widgets.slow_share("Reading the view alone", PATIENCE) as told:
        return _view_alone(*key).get(lambda: view_alone(_films(*key[:2]), views, _draws(*key[:2]), told))


@st.cache_resource(max_entries=24, show_spinner=False)
def _view_alone(path: str, prediction_id: str, dataset_id: str) -> Slot[tuple[Resampled, Resampled]]:
    return Slot()
