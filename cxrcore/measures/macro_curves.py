"""The mean over findings of ROC or precision-recall curves, read on a fixed grid. Pure numpy.

Vertical averaging: recall at each false positive rate, or precision at each recall, averaged over the findings that
have the curve, each counting alike. So the area under the mean ROC curve is the macro AUROC, up to the grid and to the
thinning of the curves (0.002). No threshold belongs to a place on it: each finding gets there at one of its own.

Source: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.measures.curves import DrawnCurve
from cxrcore.measures.intervals.curve_bands import STEPS, Band, in_draws, summed_up
from cxrcore.measures.intervals.draws import Draws

_BEFORE = 1e-6  # where a step stands, the staircase is read before it


def mean_curve(drawn: Sequence[DrawnCurve], curve: str) -> tuple[np.ndarray, np.ndarray]:
    """The mean of drawn curves.

    Args:
        drawn: one or more, of the findings that have it.
        curve: 'roc' or 'pr'.

    Returns:
        x: float64 (m,), false positive rates or recalls, rising.
        y: float64 (m,), mean recall or mean precision there.
    """
    first = 0 if curve == "roc" else 1
    x = np.arange(first, STEPS + 1) / STEPS
    read = x if curve == "roc" else x - _BEFORE
    return x, np.mean([np.interp(read, one.x.astype(np.float64), one.y.astype(np.float64)) for one in drawn], axis=0)


def mean_band(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, draws: Draws, curve: str) -> Band:
    """The pointwise band of the mean curve: in each draw the mean over the findings that have the curve on all films.

    A draw in which one of them has none is left out, so that every draw speaks of the same findings.

    Args:
        labels: (n, k), 1 / 0 / NaN, of these findings.
        scores: (n, k).
        owners, draws, curve: as for `curve_bands.band`.
    """
    total, x = 0.0, np.zeros(0)
    for own, score in zip(labels.T, scores.T, strict=True):
        x, values = in_draws(own, score, owners, draws, curve)
        total = total + values
    return summed_up(x, np.asarray(total) / labels.shape[1])
