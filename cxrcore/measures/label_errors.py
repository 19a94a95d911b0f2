"""Which labels most likely err: films whose scores contradict their label, worst first.

    label_error_ranking(labels, scores)          one finding's films
    label_error_queue(labels, scores)            (film, finding) pairs of all findings in one queue
    queue.side(positive=False)                   findings that were probably missed, alone

Scores must be out of sample: a network that has seen a film in training has learnt its label, right or wrong.

The quality of a label is cleanlab's self-confidence, how probable it is by the film's score. With two classes and
raw scores that is 1 - |label - score|, the plain way, and so is cleanlab's margin. They differ because scores are
made probabilities first, finding by finding (Platt, in `calibration`): weighted training lifts the scores of rare
findings, and then the plain queue is full of films without them. Calibration leaves the films of one label in their
order; it decides how findings, and the two labels, are merged. It is fitted on the labels in doubt, so a
quality speaks of labels as they are, errors included.

Where a finding is rare, nearly all of the first pairs are positive labels that look wrong: errors are a large share of
few positives, and a tiny share of many negatives. Missed findings come up in a queue of their own (`side`). cleanlab's
adjustment for imbalance mixes both at once, at the price of many right labels: of the first 100 of 2,000 films (AUROC
0.90, prevalence 10 %, 5 % of labels flipped), 32 err with it and 70 without.

Sources: Northcutt, Jiang and Chuang, Confident learning, J Artif Intell Res 2021 (cleanlab, Apache-2.0); Kuan and
Mueller, Model-agnostic label quality scoring to detect real-world label errors, ICML DataPerf 2022; Platt, 1999.
"""

from dataclasses import dataclass, replace

import numpy as np

from cxrcore.errors import DataError
from cxrcore.measures.calibration import fit_calibrator
from cxrcore.measures.metrics import measured


@dataclass(frozen=True)
class LabelErrors:
    """The labels of one finding, the most doubtful first; arrays are (m,), of the films with a label and a score.

    Attributes:
        rows: int64, places of the films.
        quality: float64 in [0, 1], how probable the label is by the score; rising.
        plain: float64 in [0, 1], |label - score|, without calibration.
        calibrated: False where scores were taken as they are: fewer than `calibration.MIN_POSITIVES` films of a
            label, or scores that rise where labels do not.
    """

    rows: np.ndarray
    quality: np.ndarray
    plain: np.ndarray
    calibrated: bool


@dataclass(frozen=True)
class LabelQueue:
    """(film, finding) pairs, the most doubtful first; arrays are (m,).

    Attributes:
        films, findings: int64, rows and columns of the labels.
        positive: bool, what the label says.
        quality: float64 in [0, 1], how probable the label is by the score; rising.
        plain: float64 in [0, 1], |label - score|, without calibration.
        left_out: int64, columns that are in no pair, since their scores cannot be calibrated.
    """

    films: np.ndarray
    findings: np.ndarray
    positive: np.ndarray
    quality: np.ndarray
    plain: np.ndarray
    left_out: np.ndarray

    def side(self, positive: bool) -> "LabelQueue":
        """The pairs of one label: True for findings that are probably not there, False for those probably missed."""
        return self._taken(np.flatnonzero(self.positive == positive))

    def by_plain(self) -> "LabelQueue":
        """The same pairs, the greatest |label - score| first."""
        return self._taken(np.lexsort((self.findings, self.films, -self.plain)))

    def first(self, most: int) -> "LabelQueue":
        """At most so many pairs from the front."""
        return self._taken(np.arange(min(most, len(self.films))))

    def _taken(self, places: np.ndarray) -> "LabelQueue":
        return replace(self, films=self.films[places], findings=self.findings[places], positive=self.positive[places],
                       quality=self.quality[places], plain=self.plain[places])


def label_error_ranking(labels: np.ndarray, scores: np.ndarray) -> LabelErrors:
    """Rank the labels of one finding; films without a label or a score are left out.

    Args:
        labels: (n,), 1 / 0 / NaN.
        scores: (n,), in [0, 1] or NaN, out of sample; of several runs, their mean.

    Raises:
        DataError: shapes that do not fit, other labels, scores outside [0, 1].
    """
    _check(labels, scores)
    rows = np.flatnonzero(measured(labels, scores))
    own, score = labels[rows] == 1, scores[rows].astype(np.float64)
    probability, calibrated = _probabilities(own, score)
    quality, plain = _quality(own, probability), np.abs(own - score)
    order = np.lexsort((rows, -plain, quality))
    return LabelErrors(rows[order], quality[order], plain[order], calibrated)


def label_error_queue(labels: np.ndarray, scores: np.ndarray) -> LabelQueue:
    """Rank the labels of all findings in one queue.

    Args:
        labels: (n, k), 1 / 0 / NaN.
        scores: (n, k), as for `label_error_ranking`.

    Raises:
        DataError: as `label_error_ranking`.
    """
    _check(labels, scores)
    ranked = [label_error_ranking(*pair) for pair in zip(labels.T, scores.T, strict=True)]
    used = [k for k, one in enumerate(ranked) if one.calibrated]
    films, quality, plain = (_joined([getattr(ranked[k], name) for k in used], kind)
                             for name, kind in (("rows", np.int64), ("quality", np.float64), ("plain", np.float64)))
    findings = np.repeat(np.array(used, np.int64), [len(ranked[k].rows) for k in used])
    left_out = np.setdiff1d(np.arange(labels.shape[1]), used)
    whole = LabelQueue(films, findings, labels[films, findings] == 1, quality, plain, left_out)
    return whole._taken(np.lexsort((findings, films, -plain, quality)))


def _probabilities(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, bool]:
    """Probabilities of a positive label, and whether they are calibrated; else they are the scores."""
    calibrator = fit_calibrator(positive[:, None].astype(np.float64), scores[:, None], ("this",))
    if not calibrator.unfitted and calibrator.maps["this"]["scale"] > 0:
        return calibrator(scores[:, None])[:, 0], True
    return scores, False


def _quality(positive: np.ndarray, probability: np.ndarray) -> np.ndarray:
    if not len(positive):
        return np.empty(0)
    from cleanlab.rank import get_label_quality_scores  # with all of cleanlab: 0.1 s that no start should wait for

    return get_label_quality_scores(positive.astype(np.int64), np.column_stack([1 - probability, probability]),
                                    method="self_confidence")


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.empty(0, kind), *parts])


def _check(labels: np.ndarray, scores: np.ndarray) -> None:
    if labels.shape != scores.shape:
        raise DataError(f"labels of shape {labels.shape} and scores of shape {scores.shape}: each label needs a score")
    if not (np.isin(labels, (0, 1)) | np.isnan(labels)).all():
        raise DataError("labels other than 1, 0 and unknown: bring them to the label contract first")
    if not ((scores >= 0) & (scores <= 1) | np.isnan(scores)).all():
        raise DataError("scores outside [0, 1]: take probabilities")
