"""How far recall and specificity reach in draws of patients, at many thresholds at once: for PPV and NPV anywhere.

PPV at a prevalence p is 1 / (1 + (1 - p) / p * FPR / TPR), which rises with PPV at p = 1/2 whatever p is; NPV alike
with FNR / TNR. So the quantiles of these two, taken over the draws once, give the interval at every prevalence. A draw
in which a ratio is 0/0 is left out of its quantiles. Pure numpy and scipy.

Source: Altman and Bland, BMJ 1994 (predictive values by Bayes' theorem); Field and Welsh, J R Stat Soc B 2007 (draws).
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.metrics import measured

ROWS = ("ppv_low", "ppv_high", "npv_low", "npv_high", "recall_low", "recall_high", "false_low", "false_high",
        "together")
ENDS = (0.025, 0.975)


def rate_spreads(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, draws: Draws,
                 thresholds: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The ends of the 95 % intervals of each finding at its thresholds.

    Args:
        labels: (n, k), 1 / 0 / NaN; a film with an unknown label or score takes no part in its finding.
        scores: (n, k), in [0, 1].
        owners: int (n,), each film's place among the draws' patients.
        thresholds: float64 (m,), ascending, for each of the k findings.

    Returns:
        float64 (9, m) a finding, a row for each of `ROWS`: PPV and NPV at a prevalence of 1/2, recall and false-alarm
        rate (each low and high), and the correlation of the last two over the draws; NaN where no draw defines it.
    """
    plans = [_reaching(labels[:, k], scores[:, k], owners, len(draws.patients), kind, own)
             for k, own in enumerate(thresholds) for kind in (1, 0)]
    films = sparse.vstack(plans, format="csc")  # by patient, as in `resampling`
    sums = np.concatenate([films @ counts[:, int(not place):] for place, counts in enumerate(draws.batches())],
                          axis=1)  # all but the first column, the very films
    parts = np.split(sums, np.cumsum([plan.shape[0] for plan in plans])[:-1])
    return [_ends(_share_above(parts[2 * k]), _share_above(parts[2 * k + 1])) for k in range(len(thresholds))]


def _reaching(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, n_patients: int, kind: int,
              thresholds: np.ndarray) -> sparse.csc_array:
    """How many films of a label each patient has that reach 0, 1, ... of the thresholds: sparse (m + 1, p)."""
    here = measured(labels, scores) & (labels == kind)
    reached = np.searchsorted(thresholds, scores[here].astype(np.float64), side="right")
    return sparse.csc_array((np.ones(len(reached)), (reached, owners[here])), (len(thresholds) + 1, n_patients))


def _share_above(sums: np.ndarray) -> np.ndarray:
    """The share of the films at or above each threshold, in each draw: (m, draws) of counts (m + 1, draws)."""
    above = np.cumsum(sums[::-1], axis=0)[::-1]
    with np.errstate(invalid="ignore"):
        return above[1:] / above[0]


def _ends(recall: np.ndarray, false: np.ndarray) -> np.ndarray:
    """`ROWS` of the rates of one finding, both (m, draws)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ppv, npv = recall / (recall + false), (1 - false) / (2 - false - recall)
    return np.vstack([*map(_quantiles, (ppv, npv, recall, false)), _correlation(recall, false)])


def _quantiles(values: np.ndarray) -> np.ndarray:
    """`ENDS` of what is defined in each row, as numpy interpolates them: (2, m); NaN where nothing is."""
    ordered = np.sort(values, axis=1)  # NaN last
    at = np.outer(ENDS, (~np.isnan(values)).sum(axis=1) - 1).clip(0)
    low, rows = at.astype(int), np.arange(len(values))
    ends = [ordered[rows, np.minimum(place, values.shape[1] - 1)] for place in (low, low + 1)]
    with np.errstate(invalid="ignore"):
        return np.where(at > low, ends[0] + (ends[1] - ends[0]) * (at - low), ends[0])


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two rates over the draws, (m,); 0 where one of them does not vary, or is undefined in a draw."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
        found = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.nan_to_num(found)
