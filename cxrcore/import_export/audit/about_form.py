"""The audit's question about the form of the scores: whether something was done to them that leaves a trace.

Labels or decisions in their place, shares of one whole (softmax), ranks, columns stretched from 0 to 1.
"""

import numpy as np

from cxrcore.import_export.audit.questions import Audited, Column, Line, counted, films
from cxrcore.store.audit_marks import PASSED, WARNED

LEAST_FINDINGS = 5  # fewer fit a form by chance
LEAST_FILMS = 50
LABELLED, LEAST_LABELLED = 0.004, 6  # share of films, and films, with nothing but two scores
_MOST_POOLED = 5_000  # films whose scores of all findings are looked at together
_NEAR = 2e-3  # of sums that should be 1, after rounding to three digits


def score_form(found: Audited) -> Line:
    """What was done to the scores, where it can be told from them alone."""
    for test in (_two_values, _labels_in_rows, _shares_of_one, _equally_spaced, _stretched):
        if text := test(found):
            return Line("Score form", WARNED, text)
    return Line("Score form", PASSED, "neither labels, ranks, shares of one whole nor stretched columns")


def _two_values(found: Audited) -> str:
    """Columns of decisions or labels."""
    two = [column.place for column in found.values if len(column.values) == 2 and column.n >= LEAST_FILMS]
    return f"only two different scores in {found.named(two)}: are they decisions or labels?" if two else ""


def _labels_in_rows(found: Audited) -> str:
    """Films with one low and one high score, the high ones where the labels are, while others have many scores."""
    places = np.array([column.place for column in found.values if not column.constant], int)
    scores = found.scores[:, places]
    if len(places) < LEAST_FINDINGS or not len(scores):
        return ""
    low, high = (end(scores, axis=1, initial=start, where=~np.isnan(scores))[:, None]
                 for end, start in ((np.min, np.inf), (np.max, -np.inf)))
    two = ((scores == low) | (scores == high)).all(axis=1)
    n = int(two.sum())
    if n < max(LEAST_LABELLED, LABELLED * len(scores)):
        return ""
    both = two & (low < high)[:, 0]
    guessed = scores[both] > (low[both] + high[both]) / 2
    agree = (guessed == (found.labels[both][:, places] == 1)).mean() if both.any() else 0.0
    rest = scores[~two]
    varied = len(rest) == 0 or np.mean([len(np.unique(row)) for row in rest[:500]]) > 0.7 * len(places)
    if agree > 0.98 and both.sum() >= LEAST_LABELLED:
        return f"{films(n)} have nothing but two scores, where their labels are and are not: labels among the scores?"
    if varied and both.any() and (low[both] < high[both] / 2).mean() > 0.5:
        return f"{films(n)} have nothing but two scores, others one for each finding: decisions or labels among them?"
    return ""


def _shares_of_one(found: Audited) -> str:
    """Rows that add up to 1, never exceed it, or have length or maximum 1."""
    scores = found.scores[:, found.columns]
    scores = scores[~np.isnan(scores).any(axis=1)]
    if scores.shape[1] < LEAST_FINDINGS or len(scores) < LEAST_FILMS or not found.unit:
        return ""
    sums = scores.sum(axis=1)
    if _all_one(sums):
        return "each film's scores add up to 1, as after a softmax over the findings: films with several findings, " \
               "or none, cannot be told"
    if _all_one((scores**2).sum(axis=1)):
        return "each film's scores have length 1: they were scaled film by film"
    if _all_one(scores.max(axis=1)):
        return "each film's highest score is 1: they were scaled film by film"
    if sums.max() <= 1 + _NEAR and np.quantile(sums, 0.995) > 0.9 and len(scores) >= 4 * LEAST_FILMS:
        return "no film's scores add up to more than 1, as after a softmax that has a class of no finding too"
    return ""


def _all_one(values: np.ndarray) -> bool:
    return bool((np.abs(values - 1) < _NEAR).mean() > 0.99)


def _equally_spaced(found: Audited) -> str:
    """Columns whose scores are spread evenly from 0 to 1, as ranks are."""
    varied = [column for column in found.values if column.n >= LEAST_FILMS and len(column.values) > 20]
    even = [column.place for column in varied if _evenness(column) < 1.3 / np.sqrt(column.n)]
    if not varied:
        return ""
    if len(even) < max(1, len(varied) / 2):
        known = found.scores[::1 + len(found.scores) // _MOST_POOLED, found.columns].ravel()
        together = counted(-1, known[~np.isnan(known)])
        if found.coarse or _evenness(together) > 1.3 / np.sqrt(together.n):
            return ""
        even = found.columns
    return f"scores are spread evenly from 0 to 1 in {found.named(even)}, as ranks or quantiles are: no probabilities"


def _evenness(column: Column) -> float:
    """Greatest distance of the scores' distribution from the uniform one: Kolmogorov and Smirnov's."""
    reached = np.cumsum(column.counts) / column.n
    below = reached - column.counts / column.n
    return float(np.maximum(np.abs(reached - column.values), np.abs(column.values - below)).max())


def _stretched(found: Audited) -> str:
    """Columns that each run from exactly 0 to exactly 1."""
    varied = [column for column in found.values if column.n >= LEAST_FILMS and not column.coarse
              and len(column.values) > 20]
    ends = [column.place for column in varied if column.values[0] == 0 and column.values[-1] == 1
            and column.counts[0] <= 2 and column.counts[-1] <= 2]
    if len(ends) < max(3, len(varied) / 2):
        return ""
    return f"scores run from exactly 0 to exactly 1 in {found.named(ends)}, as after stretching: no probabilities"
