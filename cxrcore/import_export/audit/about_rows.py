"""The audit's question about the rows: whether each film's scores are its own, or those of another row.

Scores that slipped by some rows still rank well where neighbours are films of one patient, so it is not enough that
they rank. Each film adds to the macro AUROC the product of its labels and its ranks; the same with the labels of
another row tells, row by row, whether that one fits better, and from where to where.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft

from cxrcore.import_export.audit.questions import Audited, Line
from cxrcore.store.audit_marks import PASSED, WARNED

FURTHEST = 5  # rows to both sides that are tried everywhere; any distance is tried for the whole file
BETTER = 4.5  # standard errors, over patients, by which near rows fit better; chance alone reaches 3.4
FAR_BETTER = 6.5  # the same of rows at any distance, as many as there are films
LOST = 7.0  # standard errors by which a stretch of rows falls short of the others
LEAST_ROWS = 30
_CORRELATED = 3  # best distances of the whole file


@dataclass(frozen=True)
class Stretch:
    """Rows whose scores fit other films better.

    Attributes:
        shift: how many rows further the film stands whose labels fit; 0 where that is not how they differ.
        first, last: rows of the order that is looked at, from 0, last excluded.
        error: standard errors that it is better by.
        order: of the rows, as `Audited.orders` names it; empty for the file's own.
    """

    shift: int
    first: int
    last: int
    error: float
    order: str = ""


class _Fit:
    """How well rows of scores fit rows of labels, film by film: a sum of products, about 0 where nothing fits."""

    def __init__(self, found: Audited, order: np.ndarray | None = None) -> None:
        labels, ranks = found.areas.labels, found.areas.ranks
        share = found.areas.positives / np.maximum((~np.isnan(labels)).sum(axis=0), 1)
        spread = np.sqrt(share * (1 - share))
        self.labels = np.nan_to_num((labels - share) / np.where(spread > 0, spread, np.inf)).astype(np.float32)
        middle = (np.nan_to_num(np.nanmax(ranks, axis=0, initial=0)) + 1) / 2
        self.ranks = np.nan_to_num((ranks - middle) / middle).astype(np.float32)
        self.patients = found.patients
        if order is not None:
            self.labels, self.ranks, self.patients = self.labels[order], self.ranks[order], found.patients[order]

    @cached_property
    def own(self) -> np.ndarray:
        """(n,): each row with its own labels."""
        return np.einsum("ij,ij->i", self.labels, self.ranks).astype(np.float64)

    def shifted(self, shift: int) -> np.ndarray:
        """(n,): each row with the labels so many rows further; 0 where there is none."""
        n, other = len(self.labels), np.zeros(len(self.labels))
        here = slice(max(0, -shift), min(n, n - shift))
        there = slice(here.start + shift, here.stop + shift)
        other[here] = np.einsum("ij,ij->i", self.labels[there], self.ranks[here])
        return other

    def distances(self) -> list[int]:
        """Shifts of the whole file that fit best, of all that there are."""
        n = len(self.labels)
        size = fft.next_fast_len(2 * n, real=True)
        spectrum = sum(np.conj(fft.rfft(self.ranks[:, k], size)) * fft.rfft(self.labels[:, k], size)
                       for k in range(self.labels.shape[1]))
        sums = fft.irfft(spectrum, size)
        best = np.argpartition(-sums, _CORRELATED)[:_CORRELATED]
        shifts = [int(k if k < n else k - size) for k in best]
        return [shift for shift in shifts if abs(shift) < n]

    def errors_of(self, gains: np.ndarray, rows: slice) -> float:
        """Their sum in standard errors, films of one patient taken together."""
        own = np.bincount(self.patients[rows], gains[rows])
        return float(own.sum() / max(np.sqrt(np.sum(own**2)), 1e-12))


def row_order(found: Audited) -> Line:
    """Whether the films' names are off by some rows, or the scores of some rows are nobody's."""
    name = "Row order"
    if len(found.labels) < LEAST_ROWS or not found.areas.positives.any():
        return Line(name, PASSED, "too few films to tell")
    own = _Fit(found)
    stretches = [*_slipped(found, own), *_rearranged(found, own)]
    if stretches:
        best = max(stretches, key=lambda one: one.error)
        return Line(name, WARNED, _in_words(found, best) if best.shift else _rearranged_in_words(best))
    lost = _nobodys(own)
    if lost:
        where = _where(lost, len(found.labels))
        return Line(name, WARNED, f"the scores {where} fit the films' labels no better than chance, the others do: "
                                  "are these rows in another order?")
    return Line(name, PASSED, "no other row's scores fit the films better")


def _slipped(found: Audited, own: _Fit) -> Iterator[Stretch]:
    """Stretches in which the labels of other rows fit better."""
    for order, rows in {"": None, **found.orders}.items():
        fit = own if rows is None else _Fit(found, rows)
        near = [*range(-FURTHEST, 0), *range(1, FURTHEST + 1)]
        for shift in dict.fromkeys(near + [one for one in fit.distances() if one]):
            others = fit.shifted(shift)
            first, last = _best_stretch(others - fit.own)
            rows_of = slice(first, last)
            error = fit.errors_of(others - fit.own, rows_of)
            enough = BETTER if abs(shift) <= FURTHEST else FAR_BETTER
            if last - first >= LEAST_ROWS and min(error, fit.errors_of(others, rows_of)) > enough:
                yield Stretch(shift, first, last, error, order)


def _rearranged(found: Audited, own: _Fit) -> Iterator[Stretch]:
    """Whole orders of the films in which the scores as they stand fit better."""
    everything = slice(0, len(own.labels))
    orders = {"the reverse order": slice(None, None, -1), **found.orders}
    for order, rows in orders.items():
        others = np.einsum("ij,ij->i", own.labels[rows], own.ranks).astype(np.float64)
        error = own.errors_of(others - own.own, everything)
        if min(error, own.errors_of(others, everything)) > BETTER:
            yield Stretch(0, 0, len(others), error, order)


def _best_stretch(gains: np.ndarray) -> tuple[int, int]:
    """Where the sum of neighbouring gains is largest: first row, and the one behind the last."""
    sums = np.concatenate([[0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    last = int(np.argmax(sums - lowest))
    return int(np.argmin(sums[:last + 1])), last


def _nobodys(fit: _Fit) -> Stretch | None:
    """The stretch of the file whose scores fit no labels while the others' do."""
    own, usual = fit.own, fit.own.mean()
    first = last = 0
    for _ in range(4):  # what is usual is better known without the stretch
        first, last = _best_stretch(usual / 2 - own)
        outside = np.concatenate([own[:first], own[last:]])
        if last - first < LEAST_ROWS or len(outside) < LEAST_ROWS:
            return None
        usual = outside.mean()
    rows = slice(first, last)
    short = fit.errors_of(np.full(len(own), usual) - own, rows)
    fits = fit.errors_of(own, rows)
    rest = np.ones(len(own), bool)
    rest[rows] = False
    if short > LOST and fits < 2.5 and fit.errors_of(np.where(rest, own, 0), slice(None)) > LOST:
        return Stretch(0, first, last, short)
    return None


# -- in words


def _in_words(found: Audited, one: Stretch) -> str:
    n = len(found.labels)
    rows = found.orders.get(one.order)
    labels = found.areas.labels if rows is None else found.areas.labels[rows]
    ranks = found.areas.ranks if rows is None else found.areas.ranks[rows]
    moved = np.arange(n)
    moved[one.first:one.last] = np.clip(moved[one.first:one.last] + one.shift, 0, n - 1)
    before, after = _macro(labels, ranks), _macro(labels[moved], ranks)
    rows_off = "one row" if abs(one.shift) == 1 else f"{abs(one.shift):,} rows"
    order = f", in {one.order}" if one.order else ""
    way = "further down" if one.shift > 0 else "further up"
    return (f"names are off by {rows_off}{order} ({_where(one, n)}): scores fit the film {rows_off} {way}, macro AUROC "
            f"{before:.2f} becomes {after:.2f}")


def _rearranged_in_words(one: Stretch) -> str:
    return f"the scores fit far better if they stand in {one.order}: films and scores were not ordered together"


def _where(one: Stretch, n: int) -> str:
    """Which rows, roundly: they are known to some rows only."""
    edge = max(LEAST_ROWS, n // 50)
    if one.first <= edge and one.last >= n - edge:
        return "in the whole file"
    if one.last >= n - edge:
        return f"from about row {_round(one.first + 1):,} on"
    if one.first <= edge:
        return f"up to about row {_round(one.last):,}"
    return f"of about rows {_round(one.first + 1):,} to {_round(one.last):,}"


def _round(row: int) -> int:
    return row if row < 100 else int(round(row, 1 - len(str(row)) + 2))


def _macro(labels: np.ndarray, ranks: np.ndarray) -> float:
    """Mean AUROC by the ranks of all films; films without a label or score are left out, roughly."""
    known = ~np.isnan(labels) & ~np.isnan(ranks)
    positive, n = known & (labels == 1), known.sum(axis=0)
    n1 = positive.sum(axis=0)
    both = (n1 > 0) & (n1 < n)
    sums = np.where(positive, ranks, 0).sum(axis=0)[both]
    n1, n = n1[both], n[both]
    return float(((sums - n1 * (n1 + 1) / 2) / (n1 * (n - n1))).mean()) if len(n) else float("nan")
