"""What the runs of a comparison cost, beside how good they are."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.charts.compare import Priced
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries.comparison import Compared

COSTS = {  # {label in the link: (key, as the axis writes it)}
    "Parameters": ("n_parameters", "Parameters"),
    "GMACs": ("gmacs", "GMACs a film"),
    "ms per film": ("milliseconds_per_film", "Milliseconds a film"),
    "Images/s": ("images_per_second", "Training speed (images/s)"),
    "Training time": ("training_seconds", "Training (seconds)"),
    "Checkpoint": ("checkpoint_bytes", "Checkpoint (bytes)"),
}


def cost_of(run: Mapping[str, Any], key: str) -> float | None:
    """One recorded cost of a row of the runs; None where it is not recorded."""
    value = run["n_parameters"] if key == "n_parameters" else json.loads(run["cost"] or "{}").get(key)
    return None if value is None or pd.isna(value) or value <= 0 else float(value)


def priced(compared: Sequence[Compared], runs: pd.DataFrame, key: str, measure: str) -> list[Priced]:
    """The runs whose cost is recorded.

    Args:
        runs: indexed by run_id.
    """
    made = []
    for one in compared:
        cost, found = cost_of(runs.loc[one.run.run_id], key), one.found.interval(measure)
        if cost and not np.isnan(found.point[MACRO]):
            made.append(Priced(one.run.label, one.style, cost, found.point[MACRO], found.low[MACRO],
                               found.high[MACRO]))
    return made


def cost_table(compared: Sequence[Compared], runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run with every recorded cost, in units that people read, and the device."""
    rows = []
    for one in compared:
        run = runs.loc[one.run.run_id]
        costs = {label: cost_of(run, key) for label, (key, _) in COSTS.items()}
        rows.append({
            "Run": one.run.label, "Parameters (million)": _scaled(costs["Parameters"], 1e6), "GMACs": costs["GMACs"],
            "ms per film": costs["ms per film"], "Training (images/s)": costs["Images/s"],
            "Training (min)": _scaled(costs["Training time"], 60), "Checkpoint (MB)": _scaled(costs["Checkpoint"], 1e6),
            "Device": device_of(run)})
    return pd.DataFrame(rows)


def device_of(run: Mapping[str, Any]) -> str | None:
    """Where the run was trained, as it was recorded."""
    return json.loads(run["config"] or "{}").get("device")


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
