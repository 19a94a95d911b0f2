"""The audit's questions about the columns: whether scores rank at all, and each stands under its own finding."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtr, ndtri

from cxrcore.findings import display_name
from cxrcore.import_export.audit.questions import MOST_SHOWN, Audited, Line
from cxrcore.measures.intervals.clustered_areas import Areas
from cxrcore.store.audit_marks import NOTED, PASSED, WARNED

LEAST_ORDERED = 10  # films with a finding, fewer of which are ranked high, low or like another finding by chance
SURELY = 4.0  # standard errors
CHANCE = 2.5  # standard errors about 0.5
NEARLY, POOR = 0.58, 0.65  # AUROC that a network worth the name exceeds: on average, and surely for one finding
EXCHANGED, N_EXCHANGES = 4.0, 819  # standard errors, over patients, of what the moved columns gain, where so many
#   exchanges are possible: those of 14 columns
LEAST_GAIN = 0.01  # AUROC that each moved column gains on average
_MOST_TRIED = 60


def better_than_chance(found: Audited) -> Line:
    """Whether the scores rank films at all."""
    name, areas = "Better than chance", found.areas
    usable = _usable(areas)
    if not len(usable):
        return Line(name, PASSED, f"no finding has {LEAST_ORDERED} films with and without it, so it cannot be told")
    macro, error = areas.macro(usable)
    if all(column.constant for column in found.values):
        return Line(name, PASSED, "not asked: the scores are constant")
    if macro + 2 * error < NEARLY and macro + SURELY * error > 0.5:
        how = "no better" if macro - CHANCE * error < 0.5 else "hardly better"
        return Line(name, WARNED, f"macro AUROC {macro:.2f}: {how} than chance; are films and scores in one order?")
    lost = [k for k in usable if not found.values[k].constant and _at_chance(areas.own[k], areas.error(k))]
    if lost:
        shown = ", ".join(f"{_shown(found, k)} {areas.own[k]:.2f}" for k in lost[:MOST_SHOWN])
        return Line(name, NOTED, f"macro AUROC {macro:.2f}, but no better than chance: {shown}")
    return Line(name, PASSED, f"macro AUROC {macro:.2f}")


def _at_chance(area: float, error: float) -> bool:
    return abs(area - 0.5) < CHANCE * error and area + SURELY * error < POOR


def label_order(found: Audited) -> Line:
    """Whether columns fit other findings better than their own, and findings that are ranked worse than by chance."""
    name, areas = "Label order", found.areas
    usable = _usable(areas)
    below = [k for k in usable if areas.own[k] + SURELY * areas.error(k) < 0.5]
    if len(below) >= 2 and (areas.own[usable] < 0.5).mean() > 0.8:
        return Line(name, WARNED, f"all findings are ranked worse than by chance (macro AUROC "
                                  f"{areas.own[usable].mean():.2f}): these seem to be scores of their absence, 1 - p")
    upright = [k for k in usable if k not in below or 1 - areas.own[k] < np.nanmax(areas.matrix[k]) - LEAST_GAIN]
    moved = exchanged(areas, np.array(upright, int))
    below = [k for k in below if k not in moved]
    inverted = ", ".join(f"{_shown(found, k)} {areas.own[k]:.2f}" for k in below[:MOST_SHOWN])
    if below:
        inverted = f"AUROC below 0.5, worse than chance: {inverted}; are these scores of its absence, 1 - p?"
    if moved:
        gain = sum(areas.matrix[k, j] - areas.matrix[k, k] for k, j in moved.items()) / len(moved)
        pairs = ", ".join(f"{_shown(found, j)}'s scores fit {_shown(found, k)}" for k, j in list(moved.items())[:6])
        text = f"columns seem exchanged, AUROC rises by {gain:.2f} on average: {pairs}"
        return Line(name, WARNED, "; ".join(filter(None, (text, inverted))))
    if inverted:
        return Line(name, WARNED, inverted)
    if not len(usable):
        return Line(name, PASSED, "too few films with and without a finding: none can be checked")
    return Line(name, PASSED, "no other order of the columns fits better")


def _usable(areas: Areas) -> np.ndarray:
    """Places of the findings that can be checked."""
    return np.flatnonzero((areas.positives >= LEAST_ORDERED) & ~np.isnan(areas.own))


def _shown(found: Audited, k: int) -> str:
    return display_name(found.findings[found.columns[k]])


# -- exchanged columns


def exchanged(areas: Areas, usable: np.ndarray) -> dict[int, int]:
    """{label: the column that fits it}, of the columns that surely stand under another's name.

    Every exchange of two columns, every rotation of three and each cycle of the order that fits best is held against
    the order as it is, on the same films and over patients.
    """
    tried, enough = {}, _enough(len(usable))
    for cycle in sorted(_cycles(areas, usable), key=lambda one: -_gain(areas, one))[:_MOST_TRIED]:
        gain, error = areas.sum_of([term for k, j in cycle.items() for term in ((k, j, 1.0), (k, k, -1.0))])
        if gain > LEAST_GAIN * len(cycle) and gain > enough * error:
            tried[tuple(cycle.items())] = gain / error
    moved = {}
    for cycle in sorted(tried, key=tried.__getitem__, reverse=True):
        if not moved.keys() & dict(cycle).keys():
            moved |= dict(cycle)
    return moved


def _enough(n: int) -> float:
    """Standard errors that chance exceeds no oftener among n columns than `EXCHANGED` among 14."""
    possible = n * (n - 1) / 2 + n * (n - 1) * (n - 2) / 3  # two columns, three in either direction
    if possible <= N_EXCHANGES:
        return EXCHANGED
    return float(-ndtri(ndtr(-EXCHANGED) * N_EXCHANGES / possible))


def _gain(areas: Areas, cycle: dict[int, int]) -> float:
    return sum(areas.matrix[k, j] - areas.matrix[k, k] for k, j in cycle.items())


def _cycles(areas: Areas, usable: np.ndarray) -> list[dict[int, int]]:
    """Exchanges that raise the sum of the areas."""
    gains = areas.matrix - areas.own[:, None]
    found = []
    for a in range(len(usable)):
        for b in range(a):
            found += _rotations(gains, usable[a], usable[b])
            for c in range(b):
                found += _rotations(gains, usable[a], usable[b], usable[c])
                found += _rotations(gains, usable[a], usable[c], usable[b])
    return found + _of_best_order(areas, usable)


def _rotations(gains: np.ndarray, *places: int) -> list[dict[int, int]]:
    pairs = dict(zip(places, (*places[1:], places[0]), strict=True))
    return [pairs] if sum(gains[k, j] for k, j in pairs.items()) > 0 else []


def _of_best_order(areas: Areas, usable: np.ndarray) -> list[dict[int, int]]:
    fits = areas.matrix[np.ix_(usable, usable)]
    if not len(usable) or np.isnan(fits).any():
        return []
    _, best = linear_sum_assignment(-fits)
    cycles, left = [], {int(k): int(usable[best[i]]) for i, k in enumerate(usable) if best[i] != i}
    while left:
        start, cycle = next(iter(left)), {}
        while start in left:
            cycle[start] = left.pop(start)
            start = cycle[start]
        cycles.append(cycle)
    return cycles
