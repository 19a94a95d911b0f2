"""Runs measured in every draw of their shared films' patients, kept in files beside the store.

A file is named by all that its numbers depend on: predictions, shared films, thresholds, measures, seed and the code
that works them out. So nothing is ever stale, and a second visit reads what the first one computed.
"""

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import streamlit as st

from cxrcore import draws as draws_module
from cxrcore import intervals, resampling, scored_films
from cxrcore.draws import patient_draws
from cxrcore.intervals import Resampled, resample
from cxrcore.scored_films import shared_films
from cxrcore.store import Store
from cxrcore.ui import cached, widgets

SEED = 0
N_DRAWS = draws_module.N_DRAWS
PATIENCE = 0.4  # seconds after which a bar says how far it is
RANKED = ("auroc", "ap")
AT_THRESHOLDS = ("f1", "recall", "precision", "specificity")
CALIBRATED = ("brier", "ece")
_SOURCES = (draws_module, intervals, resampling, scored_films)


@dataclass(frozen=True)
class Measured:
    """One run to measure.

    Attributes:
        prediction_id: of the films that it is measured on.
        thresholds: float64 (14,), in a tuple.
    """

    prediction_id: str
    thresholds: tuple[float, ...]


def measured_in_draws(store: Store, runs: Sequence[Measured]) -> list[Resampled]:
    """Each run in the same draws, over the films that all of them have.

    Raises:
        ResamplingError: no film in common, other labels, fewer than two patients.
        StoreError: predictions that are gone.
    """
    found = []
    with widgets.slow_steps("Resampling patients", len(runs), PATIENCE) as step:
        for place in range(len(runs)):
            found.append(_one(str(store.path), tuple(runs), place))
            step()
    return found


@st.cache_resource(max_entries=128, show_spinner=False)  # some 1 MB each; never written to
def _one(path: str, runs: tuple[Measured, ...], place: int) -> Resampled:
    file = Path(path).parent / "cache" / f"intervals-{_key(path, runs, place)}.npz"
    return _read(file) or _work_out(path, runs, place, file)


def _work_out(path: str, runs: tuple[Measured, ...], place: int, file: Path) -> Resampled:
    held = [cached.predictions(Store(path), run.prediction_id) for run in runs]
    films = shared_films(held)[place]
    draws = patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)
    found = resample(films, draws, (*RANKED, *AT_THRESHOLDS, *CALIBRATED), np.array(runs[place].thresholds))
    _keep(found, file)
    return found


def _key(path: str, runs: tuple[Measured, ...], place: int) -> str:
    """Runs on the very same films share draws whoever stands beside them; others depend on all that are compared."""
    ids = {_films(path, run.prediction_id) for run in runs}
    beside = "" if len(ids) == 1 else ",".join(sorted(run.prediction_id for run in runs))
    parts = [runs[place].prediction_id, beside, repr(runs[place].thresholds), str(SEED), str(N_DRAWS), _code()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@st.cache_data(max_entries=256, show_spinner=False)
def _films(path: str, prediction_id: str) -> str:
    return hashlib.sha256("\n".join(cached.predictions(Store(path), prediction_id).image_ids).encode()).hexdigest()


@st.cache_data(show_spinner=False)
def _code() -> str:
    return hashlib.sha256(b"".join(Path(module.__file__).read_bytes() for module in _SOURCES)).hexdigest()


# -- files


def _keep(found: Resampled, file: Path) -> None:
    arrays = {f"values_{name}": values for name, values in found.values.items()}
    arrays |= {field.name: np.asarray(getattr(found, field.name)) for field in fields(found) if field.name != "values"}
    partial = file.with_name(f"{file.stem}.{os.getpid()}.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(partial, **arrays)
        os.replace(partial, file)
    except OSError:  # a full disk, or a store in a place that may not be written to: it is worked out again next time
        partial.unlink(missing_ok=True)


def _read(file: Path) -> Resampled | None:
    try:
        with np.load(file, allow_pickle=False) as held:
            values = {name.removeprefix("values_"): held[name] for name in held.files if name.startswith("values_")}
            rest = {field.name: held[field.name] for field in fields(Resampled) if field.name != "values"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # not there, or damaged
        return None
    return Resampled(values, rest["n_positive"], rest["n_negative"], int(rest["n_films"]), int(rest["n_patients"]),
                     bool(rest["patients_known"]), str(rest["draws_key"]))
