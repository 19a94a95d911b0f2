"""The fixed run on its way through a store: what an evaluation keeps, and what other labels change."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from fixed_run import READING, reading, stored
from golden_numbers import named

from cxrcore.evaluation.label_metrics import measure_on, what_changes
from cxrcore.evaluation.measure_predictions import measure
from cxrcore.evaluation.promised_thresholds import VAL, fit_promise
from cxrcore.measures.decisions.promises import Aim
from cxrcore.store import Store

AT_SETS = ("f1", "recall", "precision", "specificity")
ON_BOARD = ("auroc", "auroc_low", "auroc_high", "ap", "f1", "f1_low", "n", "n_defined", "f1_fitted_on")


def kept() -> dict[str, Any]:
    """A run is evaluated, and then measured against a second reading of its test films."""
    with tempfile.TemporaryDirectory() as folder:
        store, run_id, ids = stored(Path(folder) / "store.duckdb")
        measure(store, run_id, ids)
        board = store.leaderboard().set_index("split").loc["test"]
        sets = store.threshold_sets(run_id).set_index("set_id")["name"]
        made = {"evaluated": _by_measure(store.metrics([ids["test"]]), sets),
                "leaderboard": {name: board[name] for name in ON_BOARD},
                "calibrators": _calibrators(store, ids["val"])}
        said, values = reading("test")
        labels = store.save_label_set("fixed", READING, values, derived_from=dict(said.derived), source="two readers")
        measure_on(store, run_id, ids["test"], labels)
        rows = store.metrics([ids["test"]])
        made[f"evaluated on {READING}"] = _by_measure(rows[rows["label_set"] == READING], sets)
        [changed] = what_changes(store, labels, board.to_frame().T.assign(split="test"))
        names = (*changed.findings, "macro")
        made["what other labels change"] = {"films": changed.n_films} | {
            name: named(getattr(changed, name), names) for name in ("own", "other", "own_positives", "positives")}
        _, promise = fit_promise(store, run_id, VAL, Aim("recall", 0.6, 0.8))
        made["promise"] = named(promise.thresholds)
    return made


def _by_measure(rows: pd.DataFrame, sets: pd.Series) -> dict[str, Any]:
    """{measure, at which set: {finding: value, low and high}}."""
    made: dict[str, Any] = {}
    for row in rows.itertuples():
        title = f"{row.metric} at {sets[row.set_id]}" if row.metric in AT_SETS else row.metric
        made.setdefault(title, {})[row.finding] = [row.value, row.low, row.high]
    return made


def _calibrators(store: Store, prediction_id: str) -> dict[str, Any]:
    [platt] = [json.loads(row.parameters) for row in store.calibrators(prediction_id).itertuples()
               if row.method == "platt"]
    return platt
