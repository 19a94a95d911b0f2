"""Two lines a finding: no below the lower one, yes from the upper one on, and between them a person is asked.

    no      float64(score) < lower
    ask     lower <= float64(score) < upper
    yes     float64(score) >= upper

What is measured is measured among the decided films, those of a yes or a no; beside it stands what the band leaves to
people, and what it misses. A band that holds most films with the finding decides the rest well: never read one number
of these without the others. Pure numpy.

Sources: Chow, On optimum recognition error and reject tradeoff, IEEE Trans. Inf. Theory 1970 (a band of rejects);
Geifman and El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017 (measures among the decided).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cxrcore.errors import UsageError
from cxrcore.measures.curves import ranking
from cxrcore.measures.metrics import Counts, measured
from cxrcore.measures.thresholds.positions import UNREACHED

NO, ASK, YES = 0, 1, 2  # of `answers`


@dataclass(frozen=True)
class Bands:
    """The lines of k findings: float64 (k,), lower <= upper, each in [0, 1] or `UNREACHED`; NaN where none was found.

    Raises:
        UsageError: lines that are crossed.
    """

    lower: np.ndarray
    upper: np.ndarray

    def __post_init__(self) -> None:
        if (crossed := np.asarray(self.lower > self.upper)).any():
            at = int(np.flatnonzero(crossed)[0])
            raise UsageError(f"lines crossed: the lower one ({np.ravel(self.lower)[at]:.4g}) lies above the upper one "
                             f"({np.ravel(self.upper)[at]:.4g})")


@dataclass(frozen=True)
class BandCounts:
    """Films of each finding under its band.

    Attributes:
        decided: confusion counts of the films of a yes or a no, int64 (k,).
        asked_positives, asked_negatives: int64 (k,), films in the band with and without the finding.
    """

    decided: Counts
    asked_positives: np.ndarray
    asked_negatives: np.ndarray

    @property
    def referred(self) -> np.ndarray:
        """Share of the films that a person is asked about, in [0, 1]; NaN without a known film."""
        asked = self.asked_positives + self.asked_negatives
        films = asked + self.decided.tp + self.decided.fp + self.decided.fn + self.decided.tn
        with np.errstate(invalid="ignore"):
            return np.where(films > 0, asked / films, np.nan)

    @property
    def decided_recall(self) -> np.ndarray:
        """TP / (TP + FN) among the decided; NaN without a decided film that has the finding."""
        return self.decided.recall

    @property
    def decided_precision(self) -> np.ndarray:
        """TP / (TP + FP), the share of the yes that are right; NaN without a yes."""
        return self.decided.precision

    @property
    def decided_f1(self) -> np.ndarray:
        """2TP / (2TP + FP + FN) among the decided; NaN without a decided film that has the finding."""
        return self.decided.f1

    @property
    def misses_left(self) -> np.ndarray:
        """Films with the finding below the lower line: int64 (k,)."""
        return self.decided.fn


def answers(scores: np.ndarray, bands: Bands) -> np.ndarray:
    """`NO`, `ASK` or `YES` of each film and finding: int8, of the shape of scores (n, k); -1 where there is no score.

    Args:
        bands: of the k findings; a finding without lines gets -1.
    """
    wide = scores.astype(np.float64)
    found = (wide >= bands.lower).astype(np.int8) + (wide >= bands.upper)
    return np.where(np.isnan(wide) | np.isnan(bands.lower) | np.isnan(bands.upper), -1, found).astype(np.int8)


def band_counts(labels: np.ndarray, scores: np.ndarray, bands: Bands) -> BandCounts:
    """Films of each finding under its band; labels (n, k), 1 / 0 / NaN, and scores (n, k) in [0, 1] or NaN."""
    said = answers(scores, bands)

    def films(label: int, answer: int) -> np.ndarray:
        return ((labels == label) & (said == answer)).sum(axis=0)

    return BandCounts(Counts(films(1, YES), films(0, YES), films(1, NO), films(0, NO)), films(1, ASK), films(0, ASK))


# -- aims


@dataclass(frozen=True)
class _Steps:
    """A line's places for one finding, m of them: above all scores, then at each distinct score, falling.

    Attributes:
        lines: float64 (m,).
        tp, alarms: int64 (m,), films with the finding, and all films, that score at least as high as the line.
    """

    lines: np.ndarray
    tp: np.ndarray
    alarms: np.ndarray


def refer_at_most(labels: np.ndarray, scores: np.ndarray, share: float) -> Bands:
    """The bands of greatest F1 among the decided that refer at most this share of each finding's films.

    Exact over all pairs of distinct scores. Of equals the fewest films are referred; of these the upper line is the
    highest. For an upper line the band may reach down as far as the share allows, and does as far as that spares
    misses, so each upper line costs a search: O(n log n). NaN for findings without positives.

    Args:
        labels, scores: (n, k), as `band_counts`.
        share: in [0, 1].

    Raises:
        UsageError: a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise UsageError(f"the share to refer, {share:g}, is not between 0 and 1")

    def chosen(steps: _Steps) -> tuple[int, int]:
        most = int(np.floor(share * steps.alarms[-1] * (1 + 1e-12)))  # 0.07 of 100 films is 7
        deepest = np.searchsorted(steps.alarms, steps.alarms + most, side="right") - 1
        lower = np.maximum(np.searchsorted(steps.tp, steps.tp[deepest]), np.arange(len(steps.tp)))
        return _best(steps, np.arange(len(steps.tp)), lower)

    return _bands(labels, scores, chosen)


def miss_at_most(labels: np.ndarray, scores: np.ndarray, films: int) -> Bands:
    """The bands that miss at most so many films of each finding, and refer no more than that takes.

    What is missed depends on the lower line alone. It is the highest that misses so few, so that for any upper line the
    fewest films are referred; above it the upper line has the greatest F1 among the decided, and of equals refers the
    fewest films. Exact over all distinct scores. NaN for findings without positives.

    Args:
        labels, scores: (n, k), as `band_counts`.
        films: from 0.

    Raises:
        UsageError: a number below 0.
    """
    if films < 0:
        raise UsageError(f"at most {films} missed films: that is below 0")

    def chosen(steps: _Steps) -> tuple[int, int]:
        lower = int(np.searchsorted(steps.tp, steps.tp[-1] - films))
        upper = np.arange(lower + 1)
        return _best(steps, upper, np.full(lower + 1, lower))

    return _bands(labels, scores, chosen)


def _best(steps: _Steps, upper: np.ndarray, lower: np.ndarray) -> tuple[int, int]:
    """The pair of places of greatest F1, then of the fewest referred films, then of the highest upper line."""
    whole = steps.tp[upper] + steps.alarms[upper] + steps.tp[-1] - steps.tp[lower]  # 2 TP + FP + FN
    decided = steps.tp[upper] + steps.tp[-1] - steps.tp[lower] > 0
    f1 = np.where(decided, 2 * steps.tp[upper] / np.maximum(whole, 1), -1)
    equal = np.flatnonzero(f1 == f1.max())
    best = equal[np.argmin((steps.alarms[lower] - steps.alarms[upper])[equal])]
    return int(upper[best]), int(lower[best])


def _bands(labels: np.ndarray, scores: np.ndarray, chosen: Callable[[_Steps], tuple[int, int]]) -> Bands:
    """`chosen` gives the places of the upper and of the lower line."""
    lower, upper = np.full((2, labels.shape[1]), np.nan)
    for k, (label, score) in enumerate(zip(labels.T, scores.T, strict=True)):
        known = measured(label, score)
        ranks = ranking(label[known], score[known])
        if ranks.positives:
            steps = _Steps(np.append(UNREACHED, ranks.thresholds.astype(np.float64)), np.append(0, ranks.tp),
                           np.append(0, ranks.tp + ranks.fp))
            high, low = chosen(steps)
            lower[k], upper[k] = steps.lines[low], steps.lines[high]
    return Bands(lower, upper)
