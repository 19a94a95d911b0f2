"""Twelve questions to somebody else's predictions, asked before their numbers are believed. Pure numpy and scipy.

Each is answered by one line: passed, warned (the numbers may mislead), refused (there is nothing sensible to save) or
not declared (it cannot be known from what was said).

Source of the standard error of AUROC: Hanley and McNeil, Radiology 1982.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from cxrcore.findings import FINDINGS, N_FINDINGS, display_name

PASSED, WARNED, REFUSED, NOT_DECLARED = "passed", "warned", "refused", "not declared"
TWICE = (0.5, 1 / (1 + np.exp(-1)))  # where scores end up that went through the sigmoid twice
TIED = 0.5  # share of films whose score another film has, from which on ties decide
PERFECT, PERFECT_MACRO = 0.99, 0.95  # AUROC; the best published on ChestX-ray14 are .86 macro and .95 for one finding
LEAST_POSITIVE, LEAST_ORDERED = 10, 5  # films, fewer of which are ranked perfectly, or fit another column, by chance
FAR_BETTER, SURE = 0.03, 5.0  # AUROC that each moved column gains on average; standard errors of all they gain
_SURELY_BELOW = 4.0  # standard errors below 0.5


@dataclass(frozen=True)
class Line:
    """One answer.

    Attributes:
        name: what is asked.
        state: PASSED, WARNED, REFUSED or NOT_DECLARED.
        text: one sentence.
    """

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class Audited:
    """Predictions with what is known of their films; n rows, all of known films, each once.

    Attributes:
        labels: float (n, 14), 1 / 0 / NaN.
        scores: float64 (n, 14), probabilities as declared; NaN where there is none.
        raw: float64 (m, 14), all rows as they stand in the file.
        present: bool (14,), findings that the file has.
        synthetic: of phantoms, which networks may well rank perfectly.
    """

    labels: np.ndarray
    scores: np.ndarray
    raw: np.ndarray
    present: np.ndarray
    synthetic: bool = False

    @cached_property
    def columns(self) -> np.ndarray:
        """Places of the findings that the file has."""
        return np.flatnonzero(self.present)

    @cached_property
    def areas(self) -> tuple[np.ndarray, np.ndarray]:
        """`auroc_matrix` of these findings."""
        return auroc_matrix(self.labels[:, self.columns], self.scores[:, self.columns])


# -- which films


def duplicate_films(n_repeated: int, n_contradicting: int) -> Line:
    """Args: films that stand there more than once; those among them whose scores differ."""
    name = "Duplicate films"
    if n_contradicting:
        return Line(name, REFUSED, f"{_films(n_contradicting)} more than once, with different scores")
    if n_repeated:
        return Line(name, WARNED, f"{_films(n_repeated)} more than once with the same scores; each counts once")
    return Line(name, PASSED, "each film stands there once")


def unknown_films(n: int, n_unknown: int, example: str) -> Line:
    """Args: films in the file; those that the table does not have, one of which is named."""
    name = "Unknown films"
    if not n_unknown:
        return Line(name, PASSED, f"the table knows all {n:,} films")
    text = f"{n_unknown:,} of {n:,} films are not in the table, such as {example}"
    if n_unknown > n / 2:
        return Line(name, REFUSED, text + ": is it the table of these films?")
    return Line(name, WARNED, text + "; they are left out")


def coverage(held: Collection[str], whole: Collection[str] | None, whole_name: str, n_missing_of_patients: int,
             n_patients: int) -> Line:
    """Whether films are missing, of a list where there is one, else of the patients that the file has.

    Args:
        held: films of the file.
        whole: films of the split, where a list of it is known: `whole_name`.
        n_missing_of_patients: films in the table of the file's patients that the file lacks.
    """
    name = "Coverage"
    if whole is not None:
        missing, strangers = len(set(whole) - set(held)), len(set(held) - set(whole))
        if not missing and not strangers:
            return Line(name, PASSED, f"all {len(whole):,} films of {whole_name}")
        parts = [f"{missing:,} of {len(whole):,} films of {whole_name} are missing"] if missing else []
        parts += [f"{strangers:,} films are not of {whole_name}"] if strangers else []
        return Line(name, WARNED, "; ".join(parts))
    if n_missing_of_patients:
        return Line(name, WARNED, f"no known split has these films, and {n_missing_of_patients:,} more films of their "
                                  f"{n_patients:,} patients are not here: a subset, or a split by film")
    return Line(name, PASSED, f"no known split has these films; all films of their {n_patients:,} patients are here")


def patient_overlap(n_films: int | None, n_patients: int, between_parts: int = 0) -> Line:
    """Args: films and patients that the declared training list shares with the file, None without a list; patients that
    stand in several parts of the file."""
    name, leaks = "Patient overlap", []
    if n_films or n_patients:
        leaks.append(f"LEAK: {n_patients:,} of these patients and {n_films:,} of these very films were trained on")
    if between_parts:
        leaks.append(f"{between_parts:,} patient{' has' if between_parts == 1 else 's have'} films in several parts")
    if leaks:
        return Line(name, WARNED, "; ".join(leaks))
    if n_films is None:
        return Line(name, NOT_DECLARED, "no list of training films: whether patients were seen cannot be known")
    return Line(name, PASSED, "no patient of the training list")


# -- which scores


def label_order(found: Audited) -> Line:
    """Whether other findings' columns fit the labels far better, and findings that are ranked worse than by chance."""
    name, columns, (areas, errors) = "Label order", found.columns, found.areas
    own, own_errors = np.diag(areas), np.diag(errors)
    shown = [display_name(FINDINGS[k]) for k in columns]
    enough = (found.labels[:, columns] == 1).sum(axis=0) >= LEAST_ORDERED
    fits = np.where(np.isnan(areas) | ~enough[:, None], 0.5, areas)  # few films fit anything by chance
    _, best = linear_sum_assignment(-fits)
    moved = np.flatnonzero(best != np.arange(len(columns)))
    if len(moved):
        gains = fits[moved, best[moved]] - fits[moved, moved]
        error = np.sqrt(np.nansum(2 * errors[moved, moved] ** 2))
        if gains.mean() > FAR_BETTER and gains.sum() > SURE * error:
            pairs = ", ".join(f"{shown[column]}'s scores fit {shown[label]}" for label, column in
                              zip(moved[:6], best[moved[:6]], strict=True))
            return Line(name, WARNED, f"columns seem exchanged, AUROC rises by {gains.mean():.2f} on average: {pairs}")
    below = np.flatnonzero(enough & (own + _SURELY_BELOW * own_errors < 0.5))
    if len(below):
        named = ", ".join(f"{shown[k]} {own[k]:.2f}" for k in below)
        return Line(name, WARNED, f"AUROC below 0.5, worse than chance: {named}")
    if np.isnan(own).all():
        return Line(name, PASSED, "no finding has films with and without it, so none can be checked")
    return Line(name, PASSED, "no other order of the columns fits far better")


def in_range(found: Audited, logits: bool) -> Line:
    """Whether scores are probabilities, or were declared not to be."""
    name = "Scores in [0, 1]"
    values = found.raw[:, found.present]
    if np.isinf(values).any():
        return Line(name, REFUSED, f"{np.isinf(values).sum():,} scores are infinite")
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    if logits:
        if low >= 0 and high <= 1:
            return Line(name, WARNED, f"declared as logits, but all lie in [0, 1] ({low:.3g} to {high:.3g}): are they "
                                      "probabilities already?")
        return Line(name, PASSED, f"logits from {low:.3g} to {high:.3g}, made probabilities as declared")
    if low < 0 or high > 1:
        return Line(name, REFUSED, f"scores run from {low:.3g} to {high:.3g}: declare logits, if that is what they are")
    return Line(name, PASSED, f"scores run from {low:.3g} to {high:.3g}")


def sigmoid_twice(found: Audited) -> Line:
    """Whether all scores lie where a second sigmoid leaves them."""
    low, high = TWICE
    values = found.scores[:, found.present]
    values = values[~np.isnan(values)]
    if len(values) and values.min() >= low and values.max() <= high + 1e-6:
        return Line("Sigmoid twice", WARNED, f"all scores lie in [{low}, {high:.3f}], as if the sigmoid had been "
                                             "applied twice: ranks are right, thresholds and calibration are not")
    return Line("Sigmoid twice", PASSED, f"scores are not squeezed into [{low}, {high:.3f}]")


def constant_columns(found: Audited) -> Line:
    """Findings with the same score on all films."""
    same = [FINDINGS[k] for k in found.columns
            if len(own := _known(found.scores[:, k])) > 1 and np.ptp(own) == 0]
    if same:
        return Line("Constant columns", WARNED, f"the same score on every film: {_named(same)}")
    return Line("Constant columns", PASSED, "no finding has the same score on every film")


def ties(found: Audited) -> Line:
    """Findings where most films share their score with others, as after rounding."""
    tied = {}
    for k in found.columns:
        own = _known(found.scores[:, k]).clip(-1e30, 1e30).astype(np.float32)
        if len(own) > 1 and np.ptp(own) > 0:
            values, n = np.unique(own, return_counts=True)
            share = n[n > 1].sum() / len(own)
            if share > TIED:
                tied[FINDINGS[k]] = (len(values), share)
    if not tied:
        return Line("Ties", PASSED, "few films share a score")
    finding, (distinct, share) = max(tied.items(), key=lambda one: one[1][1])
    return Line("Ties", WARNED, f"rounded? Many equal scores in {_named(list(tied))} ({display_name(finding)}: "
                                f"{distinct:,} different ones, {share:.0%} of the films share theirs): thresholds "
                                "between them do not exist")


def missing_scores(found: Audited) -> Line:
    """Empty cells and NaN in columns that are there."""
    name = "Missing scores"
    gaps = np.isnan(found.raw[:, found.present])
    absent = [FINDINGS[k] for k in np.flatnonzero(~found.present)]
    without = f"; no column for {_named(absent)}, which stay undefined" if absent else ""
    if gaps.all():
        return Line(name, REFUSED, "there is no score at all")
    if gaps.any():
        return Line(name, WARNED, f"{gaps.sum():,} scores of {gaps.any(axis=1).sum():,} films are missing; these films "
                                  f"leave those findings{without}")
    return Line(name, PASSED, f"every film has a score{without}")


def perfect_ranking(found: Audited) -> Line:
    """AUROC too good to be true: labels among the inputs, or as the scores."""
    name, columns, areas = "Perfect AUROC", found.columns, np.diag(found.areas[0])
    positive = (found.labels[:, columns] == 1).sum(axis=0)
    enough = positive >= LEAST_POSITIVE
    perfect = np.flatnonzero(enough & (areas >= PERFECT))
    if len(perfect) and not (found.synthetic and (areas[perfect] < 1).all()):
        shown = ", ".join(f"{display_name(FINDINGS[columns[k]])} {areas[k]:.4f}" for k in perfect)
        return Line(name, WARNED, f"too good to be true, are labels among the inputs? {shown}")
    usable = areas[enough & ~np.isnan(areas)]
    if len(usable) >= 3 and usable.mean() >= PERFECT_MACRO and not found.synthetic:
        return Line(name, WARNED, f"macro AUROC {usable.mean():.3f} is far above anything published for ChestX-ray14: "
                                  "are labels among the inputs?")
    most = "is ranked perfectly, which phantoms allow" if found.synthetic else f"reaches {PERFECT}"
    return Line(name, PASSED, f"no finding {most}" if len(usable) else "too few films to tell")


def seen_films(thresholds: Line | None, weights: Line | None) -> Line:
    """The declared thresholds and weights, the graver of both."""
    said = [line for line in (thresholds, weights) if line]
    if not said:
        return Line("Seen films", NOT_DECLARED, "neither thresholds nor weights were declared")
    gravity = (PASSED, NOT_DECLARED, WARNED, REFUSED)
    return Line("Seen films", max((line.state for line in said), key=gravity.index),
                "; ".join(line.text for line in said))


# -- arithmetic


def auroc_matrix(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC of each column for each label, and its standard error: float64 (k, k), [label, column].

    A film without a score or label leaves that pair; NaN where a label has no films of both kinds.
    """
    if not scores.size:
        return tuple(np.full((2, scores.shape[1], scores.shape[1]), np.nan))
    pairs = [_rank_sums(labels[rows], scores[rows, j]) for j, rows in enumerate(~np.isnan(scores.T))]
    rank_sums, n1, n = (np.stack(own, axis=1) for own in zip(*pairs, strict=True))
    n0 = n - n1
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (rank_sums - n1 * (n1 + 1) / 2) / (n1 * n0)
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        variance = (area * (1 - area) + (n1 - 1) * (q1 - area**2) + (n0 - 1) * (q2 - area**2)) / (n1 * n0)
    usable = (n1 > 0) & (n0 > 0)
    return np.where(usable, area, np.nan), np.where(usable, np.sqrt(np.maximum(variance, 0)), np.nan)


def _rank_sums(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of one column: each label's sum of positives' ranks, positives and films, (k,)."""
    known, positive = ~np.isnan(labels), (labels == 1).astype(np.float64)
    if known.all():
        sums = rankdata(scores) @ positive
    else:
        sums = np.array([rankdata(scores[rows]) @ positive[rows, k] for k, rows in enumerate(known.T)])
    return sums, positive.sum(axis=0), known.sum(axis=0).astype(np.float64)


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _films(n: int) -> str:
    return "1 film stands" if n == 1 else f"{n:,} films stand"


def _named(findings: Sequence[str]) -> str:
    shown = [display_name(finding) for finding in findings]
    return ", ".join(shown) if len(shown) < N_FINDINGS else "all findings"
