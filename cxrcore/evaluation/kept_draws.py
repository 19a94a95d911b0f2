"""Runs measured in every draw of patients, kept in files beside the store.

A file is named by all that its numbers depend on: predictions, the runs that they share films with, thresholds, seed
and the code that works them out. So nothing is ever stale: an evaluation leaves what the first page needs, and a second
visit reads what the first one worked out.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np

from cxrcore.data.files.replace_file import replacing
from cxrcore.evaluation.shares import Told, untold
from cxrcore.measures import calibration, metrics
from cxrcore.measures.intervals import draws, intervals, resampling, scored_films
from cxrcore.measures.intervals.draws import N_DRAWS, patient_draws
from cxrcore.measures.intervals.intervals import Resampled, resample
from cxrcore.measures.intervals.resampling import CALIBRATED
from cxrcore.measures.intervals.scored_films import Films
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.store import Store

SEED = 0
MEASURES = ("auroc", "ap", *THRESHOLDED, *CALIBRATED)
_SOURCES = (calibration, draws, intervals, metrics, resampling, scored_films)


@dataclass(frozen=True)
class AtThresholds:
    """One run to measure.

    Attributes:
        prediction_id: of the films that it is measured on.
        thresholds: float64 (k,), in a tuple.
        read_as: what the films were read as, where that is not with the labels and findings of their data set.
    """

    prediction_id: str
    thresholds: tuple[float, ...]
    read_as: str = ""


def in_draws(store: Store, one: AtThresholds, films: Films, beside: Collection[str] = (),
             told: Told = untold) -> Resampled:
    """The run in every draw, read from its file or worked out and kept.

    Args:
        store: beside which they are kept.
        films: those of the predictions, or what all runs that stand beside it share.
        beside: the prediction ids of all of them, where not all are of the very same films.
        told: hears the share of the work that is done, where it is not read from its file.

    Raises:
        ResamplingError: the films cannot be measured; the text says why.
    """
    file = _file(store, one, beside)
    found = _read(file)
    if found is None:
        drawn = patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)
        found = resample(films, drawn, MEASURES, np.array(one.thresholds), told)
        _keep(found, file)
    return found


def _file(store: Store, one: AtThresholds, beside: Collection[str]) -> Path:
    parts = [one.prediction_id, ",".join(sorted(beside)), repr(one.thresholds), str(SEED), str(N_DRAWS), _code()]
    parts += [one.read_as] if one.read_as else []
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return store.folder / "cache" / f"intervals-{name}.npz"


@cache
def _code() -> str:
    return hashlib.sha256(b"".join(Path(module.__file__).read_bytes() for module in _SOURCES)).hexdigest()


def _keep(found: Resampled, file: Path) -> None:
    arrays = {f"values_{name}": values for name, values in found.values.items()}
    arrays |= {field.name: np.asarray(getattr(found, field.name)) for field in fields(found) if field.name != "values"}
    # on a full disk, or beside a store that may not be written to, it is worked out again next time
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            np.savez(partial, allow_pickle=False, **arrays)


def _read(file: Path) -> Resampled | None:
    try:
        with np.load(file, allow_pickle=False) as held:
            values = {name.removeprefix("values_"): held[name] for name in held.files if name.startswith("values_")}
            rest = {field.name: held[field.name] for field in fields(Resampled) if field.name != "values"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # not there, or damaged
        return None
    return Resampled(values, rest["n_positive"], rest["n_negative"], int(rest["n_films"]), int(rest["n_patients"]),
                     bool(rest["patients_known"]), str(rest["draws_key"]))
