"""The mean of ROC or precision-recall curves, over findings or over repeats, read on a fixed grid. Pure numpy.

Vertical averaging: recall at each false positive rate, or precision at each recall, averaged over the findings that
have the curve, each counting alike. So the area under the mean ROC curve is the macro AUROC, up to the grid and to the
thinning of the curves (0.002). No threshold belongs to a place on it: each finding gets there at one of its own.

Source: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.measures.curves import DrawnCurve, FindingCurves
from cxrcore.measures.intervals.curve_bands import STEPS, in_draws
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


def mean_of_repeats(found: Sequence[FindingCurves], curve: str) -> FindingCurves:
    """The curves of one finding of several runs on the same films as one: averaged vertically, as over findings.

    AUROC, AP and greatest F1 are the means of the runs' own. No threshold belongs to a place on the line.

    Args:
        found: one or more, with the lines of this curve or without.
        curve: 'roc' or 'pr'.
    """
    first, lines = found[0], [one.lines[curve] for one in found if curve in one.lines]
    drawn = {}
    if len(lines) == len(found):
        x, y = mean_curve(lines, curve)
        nothing = np.full(len(x), np.nan, np.float32)
        drawn = {curve: DrawnCurve(x.astype(np.float32), y.astype(np.float32), nothing, nothing, nothing,
                                   np.ones(len(x), bool))}
    auroc, ap, f1 = np.mean([(one.auroc, one.ap, one.best[1]) for one in found], axis=0).tolist()
    return FindingCurves(first.positives, first.negatives, auroc, ap, (float("nan"), f1), drawn, None)


def mean_in_draws(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, draws: Draws, curve: str
                  ) -> tuple[np.ndarray, np.ndarray]:
    """The mean curve in each draw, over the findings that have the curve on all films.

    A draw in which one of them has none is NaN, so that every draw speaks of the same findings.

    Args:
        labels: (n, k), 1 / 0 / NaN, of these findings.
        scores: (n, k).
        owners, draws, curve: as for `curve_bands.in_draws`.

    Returns:
        As `curve_bands.in_draws`.
    """
    total, x = 0.0, np.zeros(0)
    for own, score in zip(labels.T, scores.T, strict=True):
        x, values = in_draws(own, score, owners, draws, curve)
        total = total + values
    return x, np.asarray(total) / labels.shape[1]
