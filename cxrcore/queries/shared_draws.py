"""Runs measured in every draw of their shared films' patients."""

import hashlib
from collections.abc import Sequence

import numpy as np

from cxrcore.evaluation.kept_draws import AtThresholds, in_draws
from cxrcore.evaluation.shares import Told, untold, within
from cxrcore.measures.intervals.intervals import Resampled
from cxrcore.measures.intervals.scored_films import shared_films
from cxrcore.queries import from_store
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import Kept, kept
from cxrcore.store import Store

_MEASURED: Kept[Resampled] = Kept(128)  # some 1 MB each; never written to


def measured_in_draws(
    store: Store, runs: Sequence[tuple[Labelled, np.ndarray]], told: Told = untold
) -> list[Resampled]:
    """Each run in the same draws, over the films that all of them have.

    Args:
        runs: scores as they are read, all of the same findings, with the thresholds that they are measured at.
        told: hears how far it is.

    Raises:
        ResamplingError: no film in common, other labels, fewer than two patients.
        StoreError: predictions that are gone.
    """
    found, wanted = [], tuple((of, tuple(thresholds.tolist())) for of, thresholds in runs)
    for place in range(len(runs)):
        found.append(_MEASURED.get((store.key, wanted, place), lambda place=place: _measured(
            store, wanted, place, within(told, place, len(runs)))))
        told((place + 1) / len(runs))
    return found


def _measured(store: Store, runs: Sequence[tuple[Labelled, tuple[float, ...]]], place: int, told: Told) -> Resampled:
    """Runs on the very same films share draws whoever stands beside them; others depend on all that are compared."""
    of, thresholds = runs[place]
    if len({_films(store, one) for one, _ in runs}) == 1:
        films, beside = from_store.predictions(store, of), ()
    else:
        films = shared_films([from_store.predictions(store, one) for one, _ in runs])[place]
        beside = [one.prediction_id + one.key for one, _ in runs]
    return in_draws(store, AtThresholds(of.prediction_id, thresholds, of.key), films, beside, told)


@kept(256)
def _films(store: Store, of: Labelled) -> str:
    """The same for two sets of predictions that have the same films and miss the same scores."""
    found = from_store.predictions(store, of)
    missing = np.isnan(found.scores)
    text = "\n".join(found.image_ids).encode() + np.packbits(missing & ~missing.all(axis=0)).tobytes()
    return hashlib.sha256(text).hexdigest()
