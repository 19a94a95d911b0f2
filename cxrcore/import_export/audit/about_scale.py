"""The audit's question whether scores lie in [0, 1], and where they do not, what they seem to be and what mends it."""

from collections.abc import Callable

import numpy as np

from cxrcore.import_export.audit.questions import Audited, Line
from cxrcore.store.audit_marks import PASSED, REFUSED, WARNED

_STANDARD = 0.12  # by which means about 0 and deviations about 1 of z-scores may be off, of some hundred films
_SENTINELS = 2  # different values that stand for a missing score, at most
_SPILL, _SPILL_SHARE = 0.1, 0.05  # how far beyond [0, 1], and how many scores, may be cut off


def in_range(found: Audited, logits: bool) -> Line:
    """Whether scores are probabilities, or were declared not to be."""
    name = "Scores in [0, 1]"
    values = found.raw[:, found.columns]
    if np.isinf(values).any():
        return Line(name, REFUSED, f"{np.isinf(values).sum():,} scores are infinite")
    known = values[~np.isnan(values)]
    if not len(known):
        return Line(name, PASSED, "there is no score")
    low, high = known.min(), known.max()
    if logits:
        return _declared_logits(name, values, low, high)
    if low < 0 or high > 1:
        outside = _outside(values)
        where = "" if len(outside) == values.shape[1] else f" in {found.named(found.columns[outside])}"
        areas = found.areas.own[outside]
        advice = advice_on(values[:, outside], found.labels[:, found.columns[outside]],
                           bool(np.mean(areas[~np.isnan(areas)] < 0.5) > 0.8))
        return Line(name, REFUSED, f"scores run from {low:.3g} to {high:.3g}{where}: {advice}")
    return Line(name, PASSED, f"scores run from {low:.3g} to {high:.3g}")


def _outside(values: np.ndarray) -> np.ndarray:
    """Columns with a score outside [0, 1]."""
    return np.flatnonzero((np.nanmin(values, axis=0, initial=0) < 0) | (np.nanmax(values, axis=0, initial=1) > 1))


def _declared_logits(name: str, values: np.ndarray, low: float, high: float) -> Line:
    span = f"{low:.3g} to {high:.3g}"
    if low >= 0 and high <= 1:
        return Line(name, WARNED, f"declared as logits, but all lie in [0, 1] ({span}): are they probabilities "
                                  "already?")
    for test, advice in _KINDS:
        if test is not _logits and test(values):
            advice = "are all above 0: are they percent, or odds?" if advice is _UPWARDS else advice
            return Line(name, WARNED, f"declared as logits ({span}), but they {advice}")
    return Line(name, PASSED, f"logits from {span}, made probabilities as declared")


# -- what they seem to be


def advice_on(values: np.ndarray, labels: np.ndarray, inverted: bool = False) -> str:
    """What scores outside [0, 1] seem to be, and what to do.

    Args:
        values: (n, k), finite or NaN.
        labels: (m, k), 1 / 0 / NaN: what scores should be on average tells one scale from another.
        inverted: whether low ones are those of films with the finding.
    """
    missing = _stand_ins(values)
    if missing.size:
        shown = " and ".join(f"{value:g}" for value in missing)
        verb = "seems" if len(missing) == 1 else "seem"
        return f"{shown} {verb} to stand for a missing score, leave these {int(np.isin(values, missing).sum()):,} " \
               "cells empty"
    if inverted and _between(values, 0, np.inf):
        return "they look like minus logarithms of probabilities: take exp(-score)"
    kind = next(advice for test, advice in _KINDS if test(values))
    return f"they {_of_scale(values, labels) if kind is _UPWARDS else kind}"


def _of_scale(values: np.ndarray, labels: np.ndarray) -> str:
    """Which of the scales from 0 upwards makes the mean scores most like the findings' prevalence."""
    share = ((labels == 1).sum(axis=0) / np.maximum((~np.isnan(labels)).sum(axis=0), 1)).clip(1e-6)
    high: float = np.nanmax(values)
    far: dict[str, float] = {}
    for most, advice in _SCALES:
        if high <= most:
            means = np.nanmean(values / (1 + values) if most == np.inf else values / most, axis=0).clip(1e-9)
            far[advice] = float(np.median(np.abs(np.log(means / share))))
    return min(far, key=far.__getitem__)


def _stand_ins(values: np.ndarray) -> np.ndarray:
    """Values outside [0, 1] that stand for something else: few different ones, whole, and far from all others."""
    known = values[~np.isnan(values)]
    inside = (known >= 0) & (known <= 1)
    odd = np.unique(known[~inside])
    usual = np.unique(known[inside][:100_000])
    few = len(odd) <= _SENTINELS and len(usual) > 10 * _SENTINELS and inside.mean() > 0.02
    return odd if few and (odd == np.round(odd)).all() else np.array([])


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _whole(values: np.ndarray) -> bool:
    known = _known(values)
    return bool((known == np.round(known)).all())


def _z_scores(values: np.ndarray) -> bool:
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    each = bool((np.abs(mean) < _STANDARD).all() and (np.abs(spread - 1) < _STANDARD).all())
    return each or bool(abs(np.nanmean(values)) < _STANDARD / 4 and abs(np.nanstd(values) - 1) < _STANDARD / 4)


def _bytes(values: np.ndarray) -> bool:
    return _whole(values) and _between(values, 0, 255) and np.nanmax(values) > 100


def _signed_bytes(values: np.ndarray) -> bool:
    return _whole(values) and _between(values, -128, 127) and np.nanmin(values) < -10


def _words(values: np.ndarray) -> bool:
    return _whole(values) and _between(values, 0, 65_535) and np.nanmax(values) > 2_000 and not _ranks(values)


def _ranks(values: np.ndarray) -> bool:
    """Whether each column counts its films."""
    def even(own: np.ndarray) -> bool:
        far = np.abs(np.sort(own) / max(own.max(), 1) - np.linspace(0, 1, len(own))).max()
        return own.min() >= 0 and far < max(1.5 / np.sqrt(len(own)), 0.02)

    return all(len(own := _known(column)) > 10 and even(own) for column in values.T)


def _upwards(values: np.ndarray) -> bool:
    return _between(values, 0, np.inf)


def _logarithms(values: np.ndarray) -> bool:
    return bool(np.nanmax(values) <= 0) and np.nanmax(values) > -0.7


def _all_negative(values: np.ndarray) -> bool:
    return bool(np.nanmax(values) <= 0)


def _doubled(values: np.ndarray) -> bool:
    return _between(values, -1, 1) and np.nanmin(values) < -0.5


def _centred(values: np.ndarray) -> bool:
    return _between(values, -1, 1) and bool((np.abs(np.nanmean(values, axis=0)) < 0.02).all())


def _spilled(values: np.ndarray) -> bool:
    known = _known(values)
    outside = (known < 0) | (known > 1)
    return _between(values, -_SPILL, 1 + _SPILL) and outside.mean() < _SPILL_SHARE


def _logits(values: np.ndarray) -> bool:
    return True


def _between(values: np.ndarray, low: float, high: float) -> bool:
    return bool(np.nanmin(values) >= low and np.nanmax(values) <= high)


_UPWARDS = "run from 0 upwards"
_SCALES = (
    (100.001, "look like percent (0 to 100): divide by 100"),
    (255.001, "look like 8-bit numbers (0 to 255): divide by 255"),
    (1000.01, "look like parts of 1,000: divide by 1,000"),
    (65_535.01, "look like 16-bit numbers (0 to 65,535): divide by 65,535"),
    (np.inf, "look like odds, p / (1 - p): divide each by 1 plus itself"),
)
# The first that fits is named; the last always does.
_KINDS: tuple[tuple[Callable[[np.ndarray], bool], str], ...] = (
    (_ranks, "look like ranks (films counted from low to high): give the network's own scores"),
    (_bytes, "look like 8-bit numbers (whole, 0 to 255): divide by 255"),
    (_signed_bytes, "look like 8-bit numbers (whole, -128 to 127): undo the quantisation first, with its scale and "
                    "zero point"),
    (_words, "look like 16-bit numbers (whole, 0 to 65,535): divide by 65,535"),
    (_z_scores, "look like z-scores (mean 0, standard deviation 1): no probabilities can be made of "
                "them, give the network's own scores"),
    (_spilled, "lie just outside: cut them off at 0 and 1"),
    (_centred, "look like probabilities whose column means were taken off: add them again"),
    (_doubled, "look like 2p - 1 (all in [-1, 1]): add 1 and halve them"),
    (_upwards, _UPWARDS),
    (_logarithms, "look like logarithms of probabilities (none is above 0): take exp(score)"),
    (_all_negative, "are all below 0: take exp(score) if they are logarithms of probabilities, declare logits if that "
                    "is what they are"),
    (_logits, "look like logits: declare logits, if that is what they are"),
)
