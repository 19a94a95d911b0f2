"""Which grey values of a film become black and white where its file sets no contrast.

A file declares how many bits its values have, and an honest film uses most of that range: it is shown over the declared
range, so that the same value has the same grey on every film of a device. Many files declare more than they use (14
bits of a detector declared as 16), or hold a few values far from all others (a hot pixel, a dead column, a burnt-in
marker, a frame), and would be shown black. So the range that is used is measured:

1. Values far from the rest do not count: the highest or lowest 1/64 of the values' range, where the percentiles 0.5 and
   99.5 of what remains, at least a tenth of the pixels, end farther away than half of their own distance.
2. Used are the percentiles 0.5 to 99.5 of what counts, and an eighth of their distance at either end, within the
   declared range. So the percentiles come to lie at 10 % and 90 % of the grey scale, as on films whose bits are
   declared rightly, and little is cut off.
3. Where the percentiles lie half of the declared range apart or more, it stays; at a quarter or less the used range
   takes its place. Between them black and white move in proportion, so that no two films that differ little are shown
   differently.
"""

from dataclasses import dataclass

import numpy as np

from cxrcore.data.pixels.limits import UNDECLARED_RANGE

MARGIN = 1 / 8  # of the distance between the percentiles
DECLARED_FROM, USED_UNTIL = 1 / 2, 1 / 4  # shares of the declared range that are used
_FAR = 1 / 2  # of the distance between the percentiles of the rest
_NEAR = 1 / 64  # of the range of all values: what lies so close to the last one belongs to it
_AT_LEAST = 0.1  # share of the pixels that has to remain


@dataclass(frozen=True)
class Histogram:
    """How many pixels have which value.

    Attributes:
        values: float64 (n,), rising.
        counts: int64 (n,), at least 1.
    """

    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray) -> "Histogram":
        """From a value and a count for each pattern of bits, in any order."""
        there = np.flatnonzero(counts)
        order = there[np.argsort(values[there], kind="stable")]
        return cls(np.asarray(values, np.float64)[order], counts[order])

    @property
    def total(self) -> int:
        """Pixels."""
        return int(self.counts.sum())

    def percentiles(self, low: float, high: float) -> tuple[float, float]:
        """The values below which these percentages of the pixels lie."""
        reached = np.cumsum(self.counts)
        places = np.searchsorted(reached, np.array([low, high]) / 100 * reached[-1])
        return tuple(self.values[np.minimum(places, len(self.values) - 1)].tolist())

    def without_far(self) -> "Histogram":
        """Without values that lie far from the rest, see the top of this file."""
        kept = self
        while len(kept.values) > 1:
            near = np.ptp(kept.values) * _NEAR
            top = Histogram(*(part[kept.values < kept.values[-1] - near] for part in (kept.values, kept.counts)))
            bottom = Histogram(*(part[kept.values > kept.values[0] + near] for part in (kept.values, kept.counts)))
            if _is_far(top, self.total, float(kept.values[len(top.values)]), above=True):
                kept = top
            elif _is_far(bottom, self.total, float(kept.values[-len(bottom.values) - 1]), above=False):
                kept = bottom
            else:
                break
        return kept


def _is_far(rest: Histogram, total: int, edge: float, above: bool) -> bool:
    """Whether what begins at `edge` lies far from the rest of the values."""
    if rest.total < _AT_LEAST * total:
        return False
    low, high = rest.percentiles(*UNDECLARED_RANGE)
    return high > low and (edge - high if above else low - edge) > _FAR * (high - low)


def used_range(film: Histogram, low: float, high: float) -> tuple[float, float, float]:
    """Black and white for a film whose file declares values from `low` to `high`.

    Args:
        film: its pixels, without padding.

    Returns:
        Black, white, and the share of the declared range that lies between the percentiles, in [0, 1].
    """
    if not film.total or not high > low:
        return low, high, 1.0
    first, last = film.without_far().percentiles(*UNDECLARED_RANGE)
    spread = last - first
    share = spread / (high - low)
    if not spread:  # one value, and no contrast to be found
        return low, high, share
    moved = float(np.clip((DECLARED_FROM - share) / (DECLARED_FROM - USED_UNTIL), 0, 1))
    black, white = max(low, first - MARGIN * spread), min(high, last + MARGIN * spread)
    return low + moved * (black - low), high + moved * (white - high), share
