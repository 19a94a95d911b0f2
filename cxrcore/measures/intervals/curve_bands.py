"""Pointwise bands around a ROC or precision-recall curve, from draws of patients. Pure numpy.

In each draw the curve is read on a fixed grid, and the band holds the middle 95 % of what the draws give at each
place: of recall at a false positive rate, of precision at a recall. It speaks of one place at a time; a whole curve
leaves a pointwise band more often than 5 % of the time.

    ROC     straight lines between the operating points, ties as diagonals, as `curves` draws them. Where the curve
            rises straight up, its highest point.
    PR      precision at the highest threshold that reaches the recall.

No film is resampled: a film weighs as often as its patient was drawn (`resampling`), and between two positive films
neither curve can turn. So a draw costs a sum over the groups of films that share a positive's score.

Sources: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006 (vertical averaging); Macskassy
and Provost, Confidence bands for ROC curves, ROCAI 2004 (pointwise bands are not bands of the curve).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrcore.measures.intervals.draws import Draws
from cxrcore.measures.intervals.resampling import RankPlan, rank_plan

STEPS = 256  # of the grid
BATCH = 20  # draws worked on at a time: they stay in a processor's cache
LEVEL = 0.95
CURVES = ("roc", "pr")


@dataclass(frozen=True)
class Band:
    """A pointwise band.

    Attributes:
        x: float64 (m,), false positive rates (ROC) or recalls (PR).
        low, high: float64 (m,), of recall or of precision there; NaN where no draw has both kinds of film.
        draws: draws that the band holds.
        undefined: draws without a film of one kind, left out.
    """

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    draws: int
    undefined: int


def summed_up(x: np.ndarray, values: np.ndarray) -> Band:
    """The band of curves in draws, as `in_draws` gives them."""
    defined = values[~np.isnan(values[:, -1])]
    missing = len(values) - len(defined)
    if not len(defined):
        return Band(x, np.full(len(x), np.nan), np.full(len(x), np.nan), 0, missing)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, overwrite_input=True)
    return Band(x, low, high, len(defined), missing)


def in_draws(labels: np.ndarray, scores: np.ndarray, owners: np.ndarray, draws: Draws,
             curve: str) -> tuple[np.ndarray, np.ndarray]:
    """The curve of one finding on its grid in every draw.

    Args:
        labels: (n,), 1 / 0 / NaN; films with an unknown label or score are left out.
        scores: (n,).
        owners: int (n,), each film's place among the patients, as `Draws.owners`.
        curve: of `CURVES`.

    Returns:
        x: float64 (m,).
        values: float64 (draws, m), a row of NaN where a draw lacks films of one kind that the curve needs.
    """
    plan = rank_plan(labels, scores, owners, len(draws.patients))
    steps, read = (np.arange(STEPS + 1), _recall_at) if curve == "roc" else (np.arange(1, STEPS + 1), _precision_at)
    place = np.full(len(plan.thresholds) + 1, -1)  # of each group among the tied ones
    place[plan.tied] = np.arange(len(plan.tied))
    return steps / STEPS, np.array([read(steps, place, *counted) for counted in _counted(plan, draws)])


def _counted(plan: RankPlan, draws: Draws) -> Iterator[tuple[Any, ...]]:
    """What is counted in each draw, as integers, so that comparisons are exact.

    Yields:
        TP and FP (g + 1,) with alarms for no group, for the first, and so on; tied negatives (t,); all positives; all
        negatives.
    """
    films, groups = plan.films.astype(np.int32), len(plan.thresholds)
    for first in range(0, draws.n_draws, BATCH):
        weights = films @ np.ascontiguousarray(draws.counts[:, first:first + BATCH], np.int32)
        tp, fp = (_cumulated(weights[begin:begin + groups]) for begin in (0, groups))
        yield from zip(tp, fp, weights[2 * groups:-2].T, *weights[-2:].tolist(), strict=True)


def _cumulated(weights: np.ndarray) -> np.ndarray:
    sums = np.zeros((weights.shape[1], len(weights) + 1), np.int32)
    sums[:, 1:] = weights.T
    return np.cumsum(sums, axis=1, dtype=np.int32, out=sums)


def _recall_at(steps: np.ndarray, place: np.ndarray, tp: np.ndarray, fp: np.ndarray, tied: np.ndarray,
               positives: int, negatives: int) -> np.ndarray:
    if not positives or not negatives:
        return np.full(len(steps), np.nan)
    passed = np.searchsorted(fp, (steps * negatives // STEPS).astype(np.int32), side="right") - 1
    found = tp[passed].astype(np.float64)
    cut = np.flatnonzero(place[passed] >= 0)  # here a group with ties comes next; its diagonal may have begun
    if len(cut):
        group = passed[cut]
        width = tied[place[group]]
        inside = steps[cut] * negatives / STEPS - (fp[group + 1] - width)
        found[cut] += (tp[group + 1] - tp[group]) * np.maximum(inside, 0) / np.maximum(width, 1)
    return found / positives


def _precision_at(steps: np.ndarray, place: np.ndarray, tp: np.ndarray, fp: np.ndarray, tied: np.ndarray,
                  positives: int, negatives: int) -> np.ndarray:
    if not positives:
        return np.full(len(steps), np.nan)
    reached = np.searchsorted(tp, (-(-steps * positives // STEPS)).astype(np.int32))
    return tp[reached] / (tp[reached] + fp[reached])
