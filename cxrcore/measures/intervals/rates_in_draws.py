"""How far recall and specificity reach in draws of patients, at many thresholds at once: for PPV and NPV anywhere.

PPV at a prevalence p is 1 / (1 + (1 - p) / p * FPR / TPR), which rises with PPV at p = 1/2 whatever p is; NPV alike
with FNR / TNR. So the quantiles of these two, taken over the draws once, give the interval at every prevalence. A draw
in which a ratio is 0/0 is left out of its quantiles. Pure numpy and scipy.

Source: Altman and Bland, BMJ 1994 (predictive values by Bayes' theorem); Field and Welsh, J R Stat Soc B 2007 (draws).
"""

import warnings

import numpy as np
from scipy import sparse

from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.metrics import measured

ROWS = ("ppv_low", "ppv_high", "npv_low", "npv_high", "recall_low", "recall_high", "false_low", "false_high",
        "together")
ENDS = (0.025, 0.975)


def rate_spread(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, draws: Draws, thresholds: np.ndarray
                ) -> np.ndarray:
    """The ends of the 95 % intervals of one finding at each threshold.

    Args:
        labels: (n,), 1 / 0 / NaN; films with an unknown label or score take no part.
        scores: (n,), in [0, 1].
        owners: int (n,), each film's place among the draws' patients.
        thresholds: float64 (m,), ascending.

    Returns:
        float64 (9, m), a row for each of `ROWS`: PPV and NPV at a prevalence of 1/2, recall and false-alarm rate (each
        low and high), and the correlation of the last two over the draws; NaN where no draw defines it.
    """
    rates = [_share_above(owners[kind], scores[kind].astype(np.float64), draws, thresholds)
             for kind in (measured(labels, scores) & (labels == label) for label in (1, 0))]
    recall, false = rates
    with np.errstate(invalid="ignore", divide="ignore"):
        ppv, npv = recall / (recall + false), (1 - false) / (2 - false - recall)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a row of NaN
        ends = [np.nanquantile(values, ENDS, axis=1) for values in (ppv, npv, recall, false)]
    return np.vstack([*ends, _correlation(recall, false)])


def _share_above(owners: np.ndarray, scores: np.ndarray, draws: Draws, thresholds: np.ndarray) -> np.ndarray:
    """The share of some films with a score >= each threshold, in each draw: float64 (m, draws)."""
    reached = np.searchsorted(thresholds, scores, side="right")  # how many thresholds a film reaches
    shape = len(thresholds) + 1, len(draws.patients)
    films = sparse.csr_array((np.ones(len(scores), np.float32), (reached, owners)), shape)
    batches = [counts[:, int(not place):] for place, counts in enumerate(draws.batches())]  # all but the very films
    sums = np.concatenate([films @ counts.astype(np.float32) for counts in batches], axis=1)
    above = np.cumsum(sums[::-1], axis=0)[::-1].astype(np.float64)  # whole numbers: exact up to 16 million films
    with np.errstate(invalid="ignore"):
        return above[1:] / above[0]


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two rates over the draws, (m,); 0 where one of them does not vary, or is undefined in a draw."""
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.nan_to_num(found)
