"""Which threshold sets are a run's own, for pages and scripts alike: those that its evaluations fitted.

A run's own sets are fitted on the predictions that stand for its validation part: complete ones before a subset's, the
best checkpoint's before the last's, and of those the newest (`Store.chosen_set`). What people saved, and what came from
a file, is not among them.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from cxrcore.measures.thresholds.fitting import ThresholdSet
from cxrcore.store.records import rows_of
from cxrcore.store.store import Store
from cxrcore.store.threshold_file import ThresholdFile

FIT_SPLIT = "val"
NAMES = {"fixed": "0.5", "max_f1": "max F1", "classic": "classic"}  # {objective: name} of what evaluations save


def own_sets(store: Store, run_id: str, checkpoint_sha256: str | None = None) -> dict[str, ThresholdSet]:
    """{set_id: set}, in the order of `NAMES`, the newest of each; a run without validation predictions has 0.5 at most.

    Args:
        checkpoint_sha256: only sets fitted on scores of this checkpoint.
    """
    chosen = store.chosen_set(run_id, FIT_SPLIT, checkpoint_sha256)
    if chosen is None:
        return {set_id: one for set_id, one in _saved(store, run_id, None).items() if one.objective == "fixed"}
    return _saved(store, run_id, chosen)


def fitted_set(store: Store, run_id: str, prediction_id: str, objective: str) -> ThresholdSet | None:
    """The set of an objective that an evaluation fitted on these predictions; None where none did."""
    return next((one for one in _saved(store, run_id, prediction_id).values() if one.objective == objective), None)


def is_automatic(row: Any) -> bool:
    """Whether an evaluation saved a set by itself; `row` has the columns of `Store.threshold_sets` as attributes."""
    return NAMES.get(row.objective) == row.name and not any(isinstance(text, str) and text
                                                            for text in (row.author, row.note))


def file_of(run: Mapping[str, Any], fitted_on: Mapping[str, Any], row: Mapping[str, Any], findings: tuple[str, ...]
            ) -> ThresholdFile:
    """A stored set as a file has it, with where it comes from.

    Args:
        run: row of `Store.runs`.
        fitted_on: row of `Store.prediction_sets`.
        row: of `Store.threshold_sets`.
        findings: of the data set that it was fitted on.
    """
    return ThresholdFile(
        np.array(row["thresholds"]), findings, row["name"], row["objective"], json.loads(row["parameters"]),
        run["run_id"], run["name"], run["architecture"], fitted_on["checkpoint"], fitted_on["checkpoint_sha256"],
        fitted_on["dataset_id"], run["split_scheme"], run["split_fingerprint"], fitted_on["split"],
        row["prediction_id"], row["author"], row["note"], row["created_at"].isoformat())


def _saved(store: Store, run_id: str, prediction_id: str | None) -> dict[str, ThresholdSet]:
    """The newest automatic set of each objective, of these predictions or (None) of any of the run."""
    found: dict[str, tuple[str, ThresholdSet]] = {}
    sets = store.prediction_sets(run_id).set_index("prediction_id")["dataset_id"]
    for row in rows_of(store.threshold_sets(run_id)):  # newest first
        if is_automatic(row) and prediction_id in (None, row.prediction_id) and row.objective not in found:
            found[row.objective] = row.set_id, ThresholdSet(row.name, row.objective, np.array(row.thresholds),
                                                            store.findings(sets[row.prediction_id]),
                                                            json.loads(row.parameters))
    return dict(found[objective] for objective in NAMES if objective in found)
