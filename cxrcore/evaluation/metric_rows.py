"""Rows of the store's metrics table: all measures of one set of predictions, with intervals over their patients.

An interval is the central 95 % of the patient draws (of ECE its own, see `intervals`); micro averages have none. The
draws of the set that pages show first stay in their file, so that the first page need not work them out again.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrcore.errors import ResamplingError
from cxrcore.evaluation.kept_draws import SEED, AtThresholds, in_draws
from cxrcore.evaluation.shares import Told, untold
from cxrcore.measures.calibration import BINS, calibrated_measures
from cxrcore.measures.intervals.draws import N_DRAWS, patient_draws
from cxrcore.measures.intervals.intervals import PATIENTS_UNKNOWN, Resampled, resample
from cxrcore.measures.intervals.scored_films import Films
from cxrcore.measures.metrics import THRESHOLDED, counted, macro, ranking_metrics, threshold_metrics
from cxrcore.store import Store

MACRO = "macro"
LONGEST = 0.8  # share of the time that all measures at the shown set take; at the others it is sums alone
METHODS = {"brier": "mean squared difference of score and label", "ece": f"{BINS} bins of equal width"}


def measured_rows(
    store: Store,
    prediction_id: str,
    films: Films,
    sets: Sequence[np.ndarray],
    shown: int = 0,
    told: Told = untold,
    read_as: str = "",
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """What needs no threshold (AUROC, AP, Brier score, ECE), and F1, recall, precision and specificity at each set.

    Args:
        store: beside which draws are kept.
        films: of these predictions, (n, k).
        sets: thresholds, float64 (k,) each.
        shown: place of the set that pages show first.
        told: hears how far the draws are.
        read_as: as `AtThresholds.read_as`.

    Returns:
        Columns as `Store.save_metrics` takes them, `set_id` empty. Where patients cannot be drawn, such as of films of
        one patient, low and high are NaN; so they are where a measure is undefined, or in most draws is.
    """
    ranked = pd.concat([measure(films.labels, films.scores, films.findings)
                        for measure in (ranking_metrics, calibration_metrics)], ignore_index=True)
    at_sets = [threshold_metrics(films.labels, films.scores, films.findings, at, None) for at in sets]
    try:
        found = _resampled(store, prediction_id, films, sets, shown, told, read_as)
    except ResamplingError:
        return ranked, at_sets
    return _with_intervals(ranked, found[shown], films.findings), [
        _with_intervals(rows, one, films.findings) for rows, one in zip(at_sets, found, strict=True)]


def calibration_metrics(labels: np.ndarray, scores: np.ndarray, findings: Sequence[str]) -> pd.DataFrame:
    """Brier score and ECE of each finding and their macro mean, as rows for the store.

    Args:
        labels: float (n, k), 1 / 0 / NaN.
        scores: (n, k) in [0, 1].
        findings: k names, in the columns' order.
    """
    each = [counted(*pair) for pair in zip(labels.T, scores.T, strict=True)]
    films = pd.DataFrame([*each, counted(labels, scores)], columns=["n_positive", "n"]).to_dict("list")
    return pd.concat([
        pd.DataFrame({"finding": [*findings, MACRO], "metric": name, "set_id": None,
                      "value": np.append(values, macro(values)[0]), "low": np.nan, "high": np.nan, **films,
                      "method": [METHODS[name]] * len(findings) + ["mean over defined findings"]})
        for name, values in calibrated_measures(labels, scores).items()], ignore_index=True)


def _resampled(
    store: Store, prediction_id: str, films: Films, sets: Sequence[np.ndarray], shown: int, told: Told, read_as: str
) -> list[Resampled]:
    """The films in every draw, at each set; those of the shown one hold all measures."""
    first = in_draws(store, AtThresholds(prediction_id, tuple(sets[shown].tolist()), read_as), films,
                     told=lambda share: told(LONGEST * share))
    draws = patient_draws(films.patient_ids, films.image_ids, N_DRAWS, SEED)
    found = []
    for place, at in enumerate(sets):
        found.append(first if place == shown else resample(films, draws, THRESHOLDED, at))
        told(LONGEST + (1 - LONGEST) * (place + 1) / len(sets))
    return found


def _with_intervals(rows: pd.DataFrame, found: Resampled, findings: Sequence[str]) -> pd.DataFrame:
    bounds = {}
    for name in rows["metric"].unique():
        interval = found.interval(name)
        bounds |= {(finding, name): edges
                   for finding, *edges in zip([*findings, MACRO], interval.low, interval.high, strict=True)}
    keys = zip(rows["finding"], rows["metric"], strict=True)
    low, high = np.array([bounds.get(key, (np.nan, np.nan)) for key in keys]).T
    narrow = "" if found.patients_known else f", {PATIENTS_UNKNOWN}"
    drawn = f"; 95 % of {N_DRAWS:,} patient draws, seed {SEED}{narrow}"
    return rows.assign(low=low, high=high, method=rows["method"] + np.where(np.isnan(low), "", drawn))
