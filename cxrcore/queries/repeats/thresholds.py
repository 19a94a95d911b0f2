"""Repeats of a training on the threshold board: each run at its own thresholds, fitted alike, and what seeds move."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrcore.charts.dot_rows import row_names
from cxrcore.charts.look import RunStyle
from cxrcore.evaluation.shares import Told, untold
from cxrcore.measures.intervals.seed_spread import SeedSpread, seed_spread
from cxrcore.queries import comparison
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.repeats.measured import MeasuredTraining, measured_trainings
from cxrcore.queries.repeats.trainings import Training
from cxrcore.store import Store

SHOWN = ("f1", "recall", "precision")


def measured_at_own_thresholds(store: Store, training: Training, runs: Sequence[Evaluated], part: str, key: str,
                               styles: Mapping[str, RunStyle], told: Told = untold) -> MeasuredTraining:
    """The runs of a training in the same draws of patients, each at the set that this key fits for it.

    Args:
        runs: with predictions of this part, and the same findings.
        key: of a set that is fitted anew, as `threshold_sets.parse_key` reads it.
        styles: {run_id: look}.

    Raises:
        ResamplingError: no interval can be made.
    """
    compared = comparison.compare(store, runs, dict.fromkeys((run.run_id for run in runs), ""), part, key, told)
    return measured_trainings([training], compared, styles)[0]


def threshold_spread(found: MeasuredTraining) -> SeedSpread:
    """The fitted thresholds of each finding, (k,)."""
    return seed_spread(np.stack([one.source.thresholds for one in found.members]))


def board_table(found: MeasuredTraining) -> pd.DataFrame:
    """A row the macro mean and then each finding; NaN where undefined.

    Returns:
        finding, threshold, threshold_sd (no macro mean of thresholds), and of each of `SHOWN`: its mean, the standard
        deviation over seeds as <name>_sd, and <name>_low and <name>_high, the mean's interval over patients.
    """
    at = threshold_spread(found)
    columns = {"finding": row_names(found.mean.run.findings), "threshold": np.append(at.mean, np.nan),
               "threshold_sd": np.append(at.sd, np.nan)}
    for name in SHOWN:
        spread, interval = found.spread(name), found.mean.found.interval(name)
        columns |= {name: spread.mean, f"{name}_sd": spread.sd, f"{name}_low": interval.low,
                    f"{name}_high": interval.high}
    table = pd.DataFrame(columns)
    return table.iloc[[len(table) - 1, *range(len(table) - 1)]].reset_index(drop=True)
