"""Exact confusion counts of one finding at any threshold, and the thresholds that a handle may take. Pure numpy.

Decision: float64(score) >= threshold. Scores are sorted once; after that a threshold costs two binary searches,
whatever the number of films. Films whose label is unknown, or that have no score, take no part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cxrcore.measures.curves import logit
from cxrcore.measures.metrics import Counts

UNREACHED = float(np.nextafter(1.0, 2.0))  # a threshold that no score reaches, not even 1: "never"
NEVER = "never"  # how it is written
POSITIONS = 720  # of a handle; a step is some 0.02 logits: 0.003 at a threshold of 0.2, 0.0002 at 0.01
TAIL = 0.001  # share of the films that may score below the second position: outliers would stretch the axis
ALIKE = 1e-3  # logits; scores closer together than this are one place on the axis
FULL_DIGITS = 17  # significant decimals that tell all doubles apart
SHOWN_DIGITS = 4  # significant decimals of a threshold that is written short, at least
LONG = 13  # characters; a threshold that takes more is written short


@dataclass(frozen=True)
class SortedScores:
    """The scores of one finding, ascending.

    Attributes:
        positives, negatives: float32 (n,), scores of films with and without the finding.
    """

    positives: np.ndarray
    negatives: np.ndarray

    @property
    def n(self) -> int:
        """Films that take part."""
        return len(self.positives) + len(self.negatives)

    def alarms(self, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Right and wrong alarms (TP, FP) at each threshold: two int64 arrays of its shape."""
        at = np.asarray(thresholds, np.float64)
        tp, fp = (len(scores) - np.searchsorted(scores.astype(np.float64), at)
                  for scores in (self.positives, self.negatives))
        return tp, fp


def sort_scores(labels: np.ndarray, scores: np.ndarray) -> SortedScores:
    """Labels 1 / 0 / NaN and scores in [0, 1] of one finding, both (n,)."""
    scored = ~np.isnan(scores)
    return SortedScores(*(np.sort(scores[scored & (labels == label)]) for label in (1, 0)))


def counts_at(found: Sequence[SortedScores], thresholds: np.ndarray) -> Counts:
    """Confusion counts of each finding at its threshold, as `metrics.confusion` counts them.

    Args:
        found: one entry a finding.
        thresholds: (k,), double.
    """
    at = [one.alarms(np.array([threshold])) for one, threshold in zip(found, thresholds, strict=True)]
    tp, fp = (np.array([int(pair[i][0]) for pair in at]) for i in range(2))
    positives, negatives = (np.array([len(getattr(one, name)) for one in found]) for name in ("positives", "negatives"))
    return Counts(tp, fp, positives - tp, negatives - fp)


def positions(found: SortedScores, extra: Iterable[float] = (), n: int = POSITIONS) -> np.ndarray:
    """The thresholds that a handle may take: even steps on a logit scale, as short decimals.

    The first gives an alarm for every film, the last (where a threshold of at most 1 can) for none.

    Args:
        extra: thresholds in [0, 1], or `UNREACHED`, that are to be among them as they are.
        n: positions, `extra` not counted; somewhat fewer where short decimals coincide.

    Returns:
        float64 (m,), ascending, each once.
    """
    scores = np.sort(np.concatenate([found.positives, found.negatives])).astype(np.float64)
    low, high = (scores[[0, -1]] if len(scores) else (0.0, 1.0))
    first, last = _short_below(low), _short_above(high)
    start, stop = logit(np.array([scores[int(TAIL * len(scores))] if len(scores) else 0.0, high]))
    if stop - start < ALIKE:
        start, stop = start - 1, stop + 1
    even = 1 / (1 + np.exp(-np.linspace(start, stop, n - 2)))
    return np.unique(np.concatenate([[first, last], _short(even).clip(first, last), list(extra)]))


def _short(values: np.ndarray) -> np.ndarray:
    """Decimals with as few digits as keep neighbours apart: rounded by at most half the step to the next value."""
    step = np.diff(values, append=2 * values[-1] - values[-2])
    digits = np.ceil(-np.log10(np.maximum(step, 1e-12))).astype(int)
    return np.array([round(value, n) for value, n in zip(values.tolist(), digits.tolist(), strict=True)])


def _short_below(score: float) -> float:
    """A short decimal at or below the score, and above 0 where the score is."""
    return next((value for digits in range(1, FULL_DIGITS) if (value := float(f"{score:.{digits}e}")) <= score), score)


def _short_above(score: float) -> float:
    """A short decimal above the score; 1 where there is none below it."""
    for digits in range(2, FULL_DIGITS):
        value = np.ceil(score * 10**digits) / 10**digits
        if score < value <= 1:
            return float(value)
    return 1.0


def written(threshold: float, found: SortedScores) -> str:
    """A threshold for a person: as it is or, where that is long, as a shorter number that decides these films alike.

    'never' for one above 1.
    """
    if threshold > 1:
        return NEVER
    text = repr(float(threshold)).removesuffix(".0")
    return text if len(text) <= LONG else shortest_alike(threshold, found)


def rounded(threshold: float, form: str = ".4g") -> str:
    """A threshold in a format of numbers; 'never' for one above 1."""
    return NEVER if threshold > 1 else format(threshold, form)


def shortest_alike(threshold: float, found: SortedScores) -> str:
    """A short decimal that decides these films as the threshold does, for a person to read and to retype.

    A fitted threshold is a film's score with 17 digits; between two scores lies a shorter number. It is rounded to
    `SHOWN_DIGITS` where that decides alike, and to as few more as that takes elsewhere.

    Returns:
        Text whose float(...) lies above every score below the threshold, and not above any other score.
    """
    below, above = 0.0, 1.0
    for scores in (found.positives, found.negatives):
        place = np.searchsorted(scores.astype(np.float64), threshold)
        below = max(below, float(scores[place - 1])) if place else below
        above = min(above, float(scores[place])) if place < len(scores) else above
    for digits in range(SHOWN_DIGITS, FULL_DIGITS):
        for value in (threshold, above, below + (above - below) / 2):
            text = f"{value:.{digits}g}"
            if below < float(text) <= above:
                return repr(float(text)).removesuffix(".0")
    return repr(float(threshold))
