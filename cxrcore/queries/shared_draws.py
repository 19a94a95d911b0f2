"""Runs measured in every draw of their shared films' patients, for the pages."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from cxrcore.evaluation import measure_predictions
from cxrcore.evaluation.kept_draws import Measured, in_draws
from cxrcore.evaluation.shares import Told, within
from cxrcore.measures.intervals.intervals import Resampled
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.queries import from_store
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.slots import Slot

PATIENCE = 0.4  # seconds after which a bar says how far it is


def measured_in_draws(store: Store, runs: Sequence[Measured]) -> list[Resampled]:
    """Each run in the same draws, over the films that all of them have.

    Raises:
        ResamplingError: no film in common, other labels, fewer than two patients.
        StoreError: predictions that are gone.
    """
    found, path = [], str(store.path)
    with widgets.slow_share(measure_predictions.RESAMPLING, PATIENCE) as told:
        for place in range(len(runs)):
            found.append(_slot(path, tuple(runs), place).get(
                lambda place=place: _measured(path, runs, place, within(told, place, len(runs)))))
            told((place + 1) / len(runs))
    return found


@st.cache_resource(max_entries=128, show_spinner=False)  # some 1 MB each; never written to
def _slot(path: str, runs: tuple[Measured, ...], place: int) -> Slot[Resampled]:
    return Slot()


def _measured(path: str, runs: Sequence[Measured], place: int, told: Told) -> Resampled:
    """Runs on the very same films share draws whoever stands beside them; others depend on all that are compared."""
    if len({_films(path, run.prediction_id) for run in runs}) == 1:
        films, beside = from_store.predictions(Store(path), runs[place].prediction_id), ()
    else:
        films = shared_films([from_store.predictions(Store(path), run.prediction_id) for run in runs])[place]
        beside = [run.prediction_id for run in runs]
    return in_draws(Path(path), runs[place], films, beside, told)


@st.cache_data(max_entries=256, show_spinner=False)
def _films(path: str, prediction_id: str) -> str:
    """The same for two sets of predictions that have the same films and miss the same scores."""
    found = from_store.predictions(Store(path), prediction_id)
    missing = np.isnan(found.scores)
    text = "\n".join(found.image_ids).encode() + np.packbits(missing & ~missing.all(axis=0)).tobytes()
    return hashlib.sha256(text).hexdigest()
