"""Faults that files of predictions come with, each planted into a file without one, and the words that name it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit, logit, softmax
from scipy.stats import rankdata

from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export import examination
from cxrcore.import_export.audit.questions import Line
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.store.audit_marks import NOTED, REFUSED, WARNED

ALL = list(NIH_FINDINGS)


@dataclass(frozen=True)
class Sound:
    """A file without a fault.

    Attributes:
        names: object (n,).
        scores: float64 (n, 14), in (0, 1).
        labels: (n, 14), 1 / 0.
        patients: int (n,).
    """

    names: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    def frame(self, scores: np.ndarray | None = None, names: np.ndarray | None = None) -> pd.DataFrame:
        """As it is written, with other scores or names."""
        return pd.DataFrame({"image_id": self.names if names is None else names}
                            | dict(zip(NIH_FINDINGS, (self.scores if scores is None else scores).T, strict=True)))

    def chance(self, share: float, seed: int = 0) -> np.ndarray:
        """bool (n,): so many films, drawn."""
        return np.random.default_rng(seed).random(len(self.names)) < share


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        plant: the file with it.
        line: the audit's line that names it.
        words: that are in the line.
        declared: what the import is told besides.
    """

    kind: str
    what: str
    plant: Callable[[Sound], pd.DataFrame]
    line: str
    words: str
    declared: dict = field(default_factory=dict)


def lines_of(rows: pd.DataFrame, films: DataSetFilms, **declared: object) -> tuple[Line, ...]:
    """The audit of predictions in rows (image_id and a column a finding) of known films."""
    file = PredictionFile(
        "x", "0" * 64, rows["image_id"].to_numpy(object), rows[list(NIH_FINDINGS)].to_numpy(np.float64), NIH_FINDINGS,
        {finding: finding for finding in NIH_FINDINGS}, "image_id", None, ())
    return examination.examine(file, films, examination.Declared(**declared)).lines


def _k(finding: str) -> int:
    return NIH_FINDINGS.index(finding)


def _scores(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame(change(file.scores))


def _one(finding: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        scores = file.scores.copy()
        scores[:, _k(finding)] = change(scores[:, _k(finding)])
        return file.frame(scores)

    return plant


def _rolled(shift: int, first: float = 0.0, last: float = 1.0) -> Callable[[Sound], pd.DataFrame]:
    """Names that stand so many rows off, from one share of the file to another."""

    def plant(file: Sound) -> pd.DataFrame:
        n, scores = len(file.names), file.scores.copy()
        rows = slice(int(first * n), int(last * n))
        scores[rows] = np.roll(scores[rows], shift, axis=0)
        return file.frame(scores)

    return plant


def _rolled_in_a_shuffled_file(shift: int) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        order = np.random.default_rng(3).permutation(len(file.names))
        return file.frame(np.roll(file.scores[order], shift, axis=0), file.names[order])

    return plant


def _rolled_when_sorted(file: Sound) -> pd.DataFrame:
    """Slipped while it was sorted by name, then written in another order."""
    order = np.random.default_rng(3).permutation(len(file.names))
    return file.frame(np.roll(file.scores, 1, axis=0)[order], file.names[order])


def _shuffled(first: float = 0.0, last: float = 1.0) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        n, scores = len(file.names), file.scores.copy()
        rows = slice(int(first * n), int(last * n))
        scores[rows] = scores[rows][np.random.default_rng(1).permutation(len(scores[rows]))]
        return file.frame(scores)

    return plant


def _names_sorted_alone(file: Sound) -> pd.DataFrame:
    """Scores in the order of the table, names as the loader shuffled them."""
    return file.frame(file.scores, file.names[np.random.default_rng(3).permutation(len(file.names))])


def _exchanged(*findings: str) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        places, scores = [_k(finding) for finding in findings], file.scores.copy()
        scores[:, places] = file.scores[:, [*places[1:], places[0]]]
        return file.frame(scores)

    return plant


def _copied(finding: str, over: str) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        return file.frame().assign(**{over: file.scores[:, _k(finding)]})

    return plant


def _alphabetical(file: Sound) -> pd.DataFrame:
    """Columns in alphabetical order under the names in NIH's."""
    return file.frame(file.scores[:, np.argsort(ALL)])


def _labels_on(share: float, low: float = 0.0, high: float = 1.0) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame(np.where(file.chance(share)[:, None], np.where(file.labels == 1, high, low),
                                            file.scores))


def _noisy_labels(file: Sound) -> pd.DataFrame:
    flipped = np.random.default_rng(2).random(file.scores.shape) < 0.1
    return file.frame(np.where(flipped, 1 - file.labels, file.labels))


def _blurred_labels(spread: float) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame(expit(4 * file.labels - 3 + np.random.default_rng(2).normal(
        0, spread, file.scores.shape)))


def _leaking(weight: float) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame((1 - weight) * file.scores + weight * file.labels)


def _one_vector(share: float) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame(np.where(file.chance(share)[:, None], file.scores[0], file.scores))


def _stale_batches(file: Sound) -> pd.DataFrame:
    """Every tenth batch of 32 has the scores of the batch before."""
    scores = file.scores.copy()
    for start in range(320, len(scores) - 32, 320):
        scores[start:start + 32] = file.scores[start - 32:start]
    return file.frame(scores)


def _filled_forward(file: Sound) -> pd.DataFrame:
    rows = np.arange(len(file.names))
    rows[file.chance(0.05)] = 0
    return file.frame(file.scores[np.maximum.accumulate(rows)])


def _of_patients(file: Sound) -> pd.DataFrame:
    """Each film has its patient's mean."""
    n = np.bincount(file.patients)
    return file.frame(np.column_stack([(np.bincount(file.patients, column) / n)[file.patients]
                                       for column in file.scores.T]))


def _instead(value: float | None, share: float = 0.1, whole: bool = False) -> Callable[[Sound], pd.DataFrame]:
    """Missing scores as a number; None: the column's mean."""

    def plant(file: Sound) -> pd.DataFrame:
        gone = np.random.default_rng(4).random(file.scores.shape if not whole else (len(file.names), 1)) < share
        return file.frame(np.where(gone, file.scores.mean(axis=0) if value is None else value, file.scores))

    return plant


def _tempered(temperature: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda scores: expit(logit(scores) / temperature)


def _ranked(scores: np.ndarray) -> np.ndarray:
    return rankdata(scores, axis=0)


def _stretched(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.min(axis=0)) / np.ptp(scores, axis=0)


def _z(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean(axis=0)) / scores.std(axis=0)


def _with_nothing(scores: np.ndarray) -> np.ndarray:
    """A softmax with a fifteenth class of no finding."""
    return softmax(np.column_stack([logit(scores), np.full(len(scores), -1.0)]), axis=1)[:, :14]


def _doubled(contradicting: bool) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        rows = file.frame()
        again = rows[:40].copy()
        if contradicting:
            again[ALL] = again[ALL] * 0.9
        return pd.concat([rows, again], ignore_index=True)

    return plant


def _renamed(share: float) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame(names=np.where(file.chance(share), np.array(
        [f"else_{i}.png" for i in range(len(file.names))], object), file.names))


def _some_films(share: float) -> Callable[[Sound], pd.DataFrame]:
    return lambda file: file.frame()[file.chance(share)].reset_index(drop=True)


def _infinite(file: Sound) -> pd.DataFrame:
    return file.frame(np.where(np.random.default_rng(5).random(file.scores.shape) < 1e-3, np.inf, file.scores))


def named(fault: Fault, lines: Iterable[Line]) -> bool:
    """Whether the right line says it in the right words."""
    return any(line.name == fault.line and fault.words in line.text for line in alarms(lines))


def alarms(lines: Iterable[Line]) -> list[Line]:
    """Answers that say something is the matter, or worth knowing."""
    return [line for line in lines if line.state in (NOTED, WARNED, REFUSED)]


ROWS, COLUMNS, SCALE = "rows", "columns", "scale"
LABELS, STALE, MISSING, FORM, FILMS = "labels in disguise", "stale rows", "missing scores", "form", "films"
_OFF, _COLUMNS, _RANGE, _FORM = "Row order", "Label order", "Scores in [0, 1]", "Score form"
_CHANCE, _GOOD, _AGAIN, _GAPS = "Better than chance", "Perfect AUROC", "Repeated scores", "Missing scores"
_STANDS, _MEAN = "does it stand for a missing one", "not probabilities"

FAULTS: tuple[Fault, ...] = (
    Fault(ROWS, "names in a random order", _shuffled(), _CHANCE, "no better than chance"),
    Fault(ROWS, "names in reverse", lambda f: f.frame(f.scores[::-1]), _OFF, "reverse"),
    Fault(ROWS, "scores in the table's order, names shuffled", _names_sorted_alone, _OFF, "sorted order"),
    Fault(ROWS, "off by one row", _rolled(1), _OFF, "off by one row"),
    Fault(ROWS, "off by one row, the other way", _rolled(-1), _OFF, "off by one row"),
    Fault(ROWS, "off by two rows", _rolled(2), _OFF, "off by 2 rows"),
    Fault(ROWS, "off by two rows, the other way", _rolled(-2), _OFF, "off by 2 rows"),
    Fault(ROWS, "off by one row from the middle", _rolled(1, 0.5), _OFF, "off by one row (from about row"),
    Fault(ROWS, "off by one row up to the middle", _rolled(-1, 0, 0.5), _OFF, "off by one row (up to about row"),
    Fault(ROWS, "off by one row in the middle third", _rolled(1, 1 / 3, 2 / 3), _OFF, "off by one row (of about rows"),
    Fault(ROWS, "off by two rows in the last third", _rolled(-2, 2 / 3), _OFF, "off by 2 rows (from about row"),
    Fault(ROWS, "off by one row in the last tenth", _rolled(1, 0.9), _OFF, "off by one row (from about row"),
    Fault(ROWS, "off by one row in a shuffled file", _rolled_in_a_shuffled_file(1), _OFF, "off by one row"),
    Fault(ROWS, "off by one row while sorted, then shuffled", _rolled_when_sorted, _OFF, "in the sorted order"),
    Fault(ROWS, "off by a batch of 32", _rolled(32), _OFF, "off by 32 rows"),
    Fault(ROWS, "second half in a random order", _shuffled(0.5), _OFF, "no better than chance"),
    Fault(ROWS, "middle third in a random order", _shuffled(1 / 3, 2 / 3), _OFF, "no better than chance"),
    Fault(COLUMNS, "Cardiomegaly and Effusion exchanged", _exchanged("Cardiomegaly", "Effusion"), _COLUMNS,
          "Cardiomegaly's scores fit Effusion"),
    Fault(COLUMNS, "Hernia and Fibrosis exchanged", _exchanged("Hernia", "Fibrosis"), _COLUMNS,
          "Hernia's scores fit Fibrosis"),
    Fault(COLUMNS, "Pleural thickening and Fibrosis exchanged", _exchanged("Pleural_Thickening", "Fibrosis"), _COLUMNS,
          "Pleural thickening's scores fit Fibrosis"),
    Fault(COLUMNS, "Pneumonia and Consolidation exchanged", _exchanged("Pneumonia", "Consolidation"), _COLUMNS,
          "Pneumonia's scores fit Consolidation"),
    Fault(COLUMNS, "Mass and Nodule exchanged", _exchanged("Mass", "Nodule"), _COLUMNS, "Mass's scores fit Nodule"),
    Fault(COLUMNS, "Pneumonia and Infiltration exchanged", _exchanged("Pneumonia", "Infiltration"), _COLUMNS,
          "Pneumonia's scores fit Infiltration"),
    Fault(COLUMNS, "Pneumonia, Consolidation, Edema rotated", _exchanged("Pneumonia", "Consolidation", "Edema"),
          _COLUMNS, "Pneumonia's scores fit"),
    Fault(COLUMNS, "all columns in alphabetical order", _alphabetical, _COLUMNS, "columns seem exchanged"),
    Fault(COLUMNS, "all columns one to the right", _scores(lambda s: np.roll(s, 1, axis=1)), _COLUMNS,
          "columns seem exchanged"),
    Fault(COLUMNS, "one column under two names", _copied("Mass", "Nodule"), _AGAIN, "Mass and Nodule"),
    Fault(COLUMNS, "1 - p in every column", _scores(lambda s: 1 - s), _COLUMNS, "of their absence, 1 - p"),
    Fault(COLUMNS, "1 - p in one column", _one("Mass", lambda s: 1 - s), _COLUMNS, "Mass 0.1"),
    Fault(SCALE, "percent", _scores(lambda s: 100 * s), _RANGE, "divide by 100"),
    Fault(SCALE, "percent in one column", _one("Mass", lambda s: 100 * s), _RANGE, "in Mass: they look like percent"),
    Fault(SCALE, "percent in a column of a rare finding", _one("Hernia", lambda s: 100 * s), _RANGE,
          "in Hernia: they look like percent"),
    Fault(SCALE, "percent, rounded", _scores(lambda s: np.round(100 * s)), _RANGE, "divide by 100"),
    Fault(SCALE, "0 to 255, not rounded", _scores(lambda s: 255 * s), _RANGE, "divide by 255"),
    Fault(SCALE, "z-scores of all findings together", _scores(lambda s: (s - s.mean()) / s.std()), _RANGE, "z-scores"),
    Fault(SCALE, "8-bit numbers", _scores(lambda s: np.round(255 * s)), _RANGE, "divide by 255"),
    Fault(SCALE, "signed 8-bit numbers", _scores(lambda s: np.round(255 * s) - 128), _RANGE, "undo the quantisation"),
    Fault(SCALE, "logits, not declared", _scores(logit), _RANGE, "declare logits"),
    Fault(SCALE, "logits in one column", _one("Edema", logit), _RANGE, "in Edema"),
    Fault(SCALE, "logarithms", _scores(np.log), _RANGE, "take exp(score)"),
    Fault(SCALE, "minus logarithms", _scores(lambda s: -np.log(s)), _RANGE, "take exp(-score)"),
    Fault(SCALE, "z-scores", _scores(_z), _RANGE, "z-scores"),
    Fault(SCALE, "z-scores of logits", _scores(lambda s: _z(logit(s))), _RANGE, "z-scores"),
    Fault(SCALE, "2p - 1", _scores(lambda s: 2 * s - 1), _RANGE, "2p - 1"),
    Fault(SCALE, "odds", _scores(lambda s: s / (1 - s)), _RANGE, "odds"),
    Fault(SCALE, "ranks, 1 to n", _scores(_ranked), _RANGE, "look like ranks"),
    Fault(SCALE, "infinite scores", _infinite, _RANGE, "infinite"),
    Fault(SCALE, "probabilities declared as logits", _scores(lambda s: s), _RANGE, "probabilities already",
          {"logits": True}),
    Fault(SCALE, "sigmoid applied twice", _scores(expit), "Sigmoid twice", "applied twice"),
    Fault(LABELS, "the labels as scores", lambda f: f.frame(f.labels), _GOOD, "the labels themselves"),
    Fault(LABELS, "labels on 5 % of the films", _labels_on(0.05), _FORM, "labels among the scores"),
    Fault(LABELS, "labels on 30 % of the films", _labels_on(0.3), _FORM, "labels among the scores"),
    Fault(LABELS, "labels of 0.02 and 0.9 on 30 % of the films", _labels_on(0.3, 0.02, 0.9), _FORM,
          "labels among the scores"),
    Fault(LABELS, "labels with a tenth turned round", _noisy_labels, _FORM, "decisions or labels"),
    Fault(LABELS, "labels with noise", _blurred_labels(2.0), _GOOD, "far above"),
    Fault(LABELS, "labels with much noise", _blurred_labels(3.0), _GOOD, "far above"),
    Fault(LABELS, "a tenth of the label in each score", _leaking(0.1), _GOOD, ""),
    Fault(LABELS, "decisions at 0.5", _scores(lambda s: (s > 0.1).astype(float)), _FORM, "decisions or labels"),
    Fault(STALE, "one vector for all films", _scores(lambda s: np.repeat(s[:1], len(s), axis=0)), "Constant columns",
          "the same score on every film"),
    Fault(STALE, "prevalence in every column", lambda f: f.frame(np.tile(f.labels.mean(axis=0), (len(f.names), 1))),
          "Constant columns", "the same score on every film"),
    Fault(STALE, "one vector on 30 % of the films", _one_vector(0.3), _AGAIN, "one and the same"),
    Fault(STALE, "one vector on 1 % of the films", _one_vector(0.01), _AGAIN, "one and the same"),
    Fault(STALE, "a batch of ten repeats the last", _stale_batches, _AGAIN, "another film has too"),
    Fault(STALE, "5 % of the rows filled from above", _filled_forward, _AGAIN, "another film has too"),
    Fault(STALE, "patients' means on all their films", _of_patients, _AGAIN, "another film has too"),
    Fault(MISSING, "a tenth missing, written as 0", _instead(0.0), _GAPS, _STANDS),
    Fault(MISSING, "a tenth missing, written as 0.5", _instead(0.5), _GAPS, _STANDS),
    Fault(MISSING, "a tenth missing, written as the mean", _instead(None), _GAPS, _STANDS),
    Fault(MISSING, "a hundredth missing, written as 0", _instead(0.0, 0.01), _GAPS, _STANDS),
    Fault(MISSING, "a tenth missing, written as -1", _instead(-1.0), _RANGE, "-1 seems to stand for a missing score"),
    Fault(MISSING, "a tenth missing, written as -999", _instead(-999.0), _RANGE, "-999 seems to stand"),
    Fault(MISSING, "films missing, written as 0", _instead(0.0, 0.05, True), _AGAIN, "one and the same"),
    Fault(MISSING, "a tenth missing, left empty", _instead(np.nan), _GAPS, "are missing"),
    Fault(FORM, "softmax over the findings", _scores(lambda s: softmax(logit(s), axis=1)), _FORM, "softmax"),
    Fault(FORM, "softmax with a class of no finding", _scores(_with_nothing), _FORM, "softmax"),
    Fault(FORM, "ranks from 0 to 1", _scores(lambda s: (_ranked(s) - 1) / (len(s) - 1)), _FORM, "as ranks"),
    Fault(FORM, "ranks of all findings together", _scores(lambda s: rankdata(s).reshape(s.shape) / s.size), _FORM,
          "as ranks"),
    Fault(FORM, "columns stretched from 0 to 1", _scores(_stretched), _FORM, "stretching"),
    Fault(FORM, "rows divided by their maximum", _scores(lambda s: s / s.max(axis=1, keepdims=True)), _FORM,
          "scaled film by film"),
    Fault(FORM, "temperature 3", _scores(_tempered(3)), "Probabilities", _MEAN),
    Fault(FORM, "temperature 1.5", _scores(_tempered(1.5)), "Probabilities", _MEAN),
    Fault(FORM, "temperature 0.5", _scores(_tempered(0.5)), "Probabilities", _MEAN),
    Fault(FORM, "square roots", _scores(np.sqrt), "Probabilities", _MEAN),
    Fault(FORM, "rounded to two digits", _scores(lambda s: s.round(2)), "Ties", "in steps of 0.01"),
    Fault(FORM, "8-bit steps from 0 to 1", _scores(lambda s: np.round(255 * s) / 255), "Ties", "in steps of 1/255"),
    Fault(FORM, "one column is constant", _one("Hernia", lambda s: 0 * s + 0.01), "Constant columns", "Hernia"),
    Fault(FILMS, "40 films twice", _doubled(False), "Duplicate films", "40 films stand"),
    Fault(FILMS, "40 films twice with other scores", _doubled(True), "Duplicate films", "with different scores"),
    Fault(FILMS, "2 % of unknown names", _renamed(0.02), "Unknown films", "left out"),
    Fault(FILMS, "a tenth of the films missing", _some_films(0.9), "Coverage", "a subset"),
)


def _half(scores: np.ndarray) -> np.ndarray:
    return scores.astype(np.float16).astype(np.float64)


def _brain(scores: np.ndarray) -> np.ndarray:
    """bfloat16: float32 with the last 16 bits left out."""
    return (scores.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


NORMAL: dict[str, Callable[[Sound], np.ndarray]] = {
    "float16": lambda file: _half(file.scores),
    "float16, as decimals": lambda file: np.array(
        [float(str(score)) for score in file.scores.astype(np.float16).ravel()]).reshape(file.scores.shape),
    "bfloat16": lambda file: _brain(file.scores),
    "float16 logits": lambda file: expit(_half(logit(file.scores))),
    "six digits": lambda file: file.scores.round(6), "four digits": lambda file: file.scores.round(4),
    "so sure that float32 reaches 1": lambda file: expit(4 * logit(file.scores)).astype(np.float32).astype(np.float64),
    "weighted training": lambda file: expit(logit(file.scores) + 3),
}


def _scattered(share: float) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        rows, scores = np.flatnonzero(file.chance(share)), file.scores.copy()
        scores[rows] = scores[np.random.default_rng(6).permutation(rows)]
        return file.frame(scores)

    return plant


def _later_first(file: Sound) -> pd.DataFrame:
    """Each patient's films in reverse."""
    rows = np.lexsort((-np.arange(len(file.names)), file.patients))
    scores = file.scores.copy()
    scores[np.argsort(file.patients, kind="stable")] = file.scores[rows]
    return file.frame(scores)


def _blurred_labels_on(share: float) -> Callable[[Sound], pd.DataFrame]:
    def plant(file: Sound) -> pd.DataFrame:
        noise = np.random.default_rng(2).normal(0, 1.0, file.scores.shape)
        return file.frame(np.where(file.chance(share)[:, None], expit(6 * file.labels - 4 + noise), file.scores))

    return plant


def _blurred_repeats(file: Sound) -> pd.DataFrame:
    """Every tenth batch of 32 has the scores of the batch before, and noise."""
    scores = file.scores.copy()
    for start in range(320, len(scores) - 32, 320):
        scores[start:start + 32] = expit(logit(file.scores[start - 32:start]) + 0.01 * file.scores[start:start + 32])
    return file.frame(scores)


UNTOLD: tuple[Fault, ...] = (
    Fault(ROWS, "5 % of the rows, scattered, in a random order", _scattered(0.05), _OFF, ""),
    Fault(ROWS, "30 % of the rows, scattered, in a random order", _scattered(0.3), _OFF, ""),
    Fault(ROWS, "each patient's films in reverse", _later_first, _OFF, ""),
    Fault(ROWS, "off by one row in 2 % of the file", _rolled(1, 0.4, 0.42), _OFF, ""),
    Fault(LABELS, "labels with noise on 5 % of the films", _blurred_labels_on(0.05), _GOOD, ""),
    Fault(LABELS, "labels with noise on 30 % of the films", _blurred_labels_on(0.3), _GOOD, ""),
    Fault(LABELS, "a hundredth of the label in each score", _leaking(0.01), _GOOD, ""),
    Fault(STALE, "a batch of ten repeats the last, with noise", _blurred_repeats, _AGAIN, ""),
    Fault(STALE, "one vector on 0.1 % of the films", _one_vector(0.001), _AGAIN, ""),
    Fault(MISSING, "0.2 % missing, written as 0", _instead(0.0, 0.002), _GAPS, ""),
    Fault(FORM, "temperature 1.2", _scores(_tempered(1.2)), "Probabilities", ""),
    Fault(FORM, "all scores stretched from 0 to 1 together", _scores(lambda s: (s - s.min()) / np.ptp(s)), _FORM, ""),
)
