"""All of the audit's questions, asked of predictions whose films were found in a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxrcore.data import film_ids
from cxrcore.errors import DataError
from cxrcore.evaluation import published
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.findings import NIH_FINDINGS
from cxrcore.import_export.audit import about_columns, about_films, about_form, about_rows, about_scale, about_scores
from cxrcore.import_export.audit.questions import GRAVITY, Audited, Line
from cxrcore.import_export.known_splits import SplitId
from cxrcore.import_export.match_films import Once
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.measures.intervals.draws import unknown
from cxrcore.store.audit_marks import NOT_DECLARED, PASSED, WARNED
from cxrcore.store.threshold_file import ThresholdFile


@dataclass(frozen=True)
class Declared:
    """What people say of their predictions; all but the split may be left open.

    Attributes:
        split: which part of a split the films are, of `config.IMPORTED_PARTS`; a column 'split' of the file counts
            before it.
        logits: scores are logits, to be made probabilities by the sigmoid.
        train_list: films or patients that the network was trained on.
        thresholds: a set that belongs to the predictions.
        weights_name: what the network started from.
    """

    split: str = "test"
    logits: bool = False
    train_list: frozenset[str] | None = None
    thresholds: ThresholdFile | None = None
    weights_name: str = ""


@dataclass(frozen=True)
class Matched:
    """Where a file's films stand in a table.

    Attributes:
        films: of the table.
        owners: int, the patient of each film of the table; `patients` names them.
        rows: int (m,), the table's row of each row of the file, -1 for an unknown film.
        once: the file's rows that count: known films, each once.
        parts: {part: places among the kept}.
        splits: {part: the split that it belongs to}.
    """

    films: pd.Index
    owners: np.ndarray
    patients: np.ndarray
    rows: np.ndarray
    once: Once
    parts: Mapping[str, np.ndarray]
    splits: Mapping[str, SplitId]

    @cached_property
    def held(self) -> dict[str, np.ndarray]:
        """{part: rows of the table}."""
        return {part: self.rows[self.once.kept[own]] for part, own in self.parts.items()}


def answers(file: PredictionFile, table: DataSetFilms, declared: Declared, matched: Matched, scores: np.ndarray
            ) -> tuple[Line, ...]:
    """One line a question.

    Args:
        scores: (n, k), of the kept rows, as declared.

    Raises:
        DataError: a training list that names no film of the table.
    """
    strangers = np.flatnonzero(matched.rows < 0)
    overlap = _overlap(matched, declared.train_list)
    return (
        about_films.duplicate_films(matched.once.n_repeated, matched.once.n_contradicting, matched.once.apart),
        about_films.unknown_films(len(matched.rows), len(strangers),
                                  str(file.image_ids[strangers[0]]) if len(strangers) else ""),
        _coverage(matched),
        overlap if not unknown(table.images["patient_id"]).all() else _of_films_only(overlap),
        *_of_scores(_audited(file, table, matched, scores), declared.logits),
        about_films.seen_films(
            _of_thresholds(declared.thresholds, table, matched.splits),
            about_films.seen_by(declared.weights_name, table.kind) if declared.weights_name.strip() else None),
    )


def _audited(file: PredictionFile, table: DataSetFilms, matched: Matched, scores: np.ndarray) -> Audited:
    """What is asked about scores."""
    rows = matched.rows[matched.once.kept]
    orders, by_name = {}, np.argsort(table.images["image_id"].to_numpy(str)[rows], kind="stable")
    for name, order in (("the sorted order of names", by_name), ("the table's order", np.argsort(rows))):
        known = (np.arange(len(rows)), *orders.values())
        if not any(np.array_equal(order, other) for other in known):
            orders[name] = order
    _, patients = np.unique(matched.owners[rows], return_inverse=True)
    best = np.max([one.of(NIH_FINDINGS)[:-1] for one in published.results()], axis=0)
    if table.findings != NIH_FINDINGS:  # what was published of one data set's labels says nothing of another's
        best = np.full(len(table.findings), np.nan)
    return Audited(table.labels[rows].astype(np.float64), scores, file.scores, file.present, table.findings, patients,
                   orders, best,
                   table.synthetic)


def _of_scores(audited: Audited, logits: bool) -> tuple[Line, ...]:
    """The answers about rows, columns and scores."""
    return (
        about_rows.row_order(audited), about_columns.better_than_chance(audited), about_columns.label_order(audited),
        about_scale.in_range(audited, logits), about_form.score_form(audited), about_scores.sigmoid_twice(audited),
        about_scores.constant_columns(audited), about_scores.ties(audited), about_scores.repeated_scores(audited),
        about_scores.missing_scores(audited), about_scores.perfect_ranking(audited),
        about_scores.probabilities(audited))


def _coverage(matched: Matched) -> Line:
    """The parts' lines in one, as grave as the gravest."""
    lines, n_of_each = [], np.bincount(matched.owners)
    for part, rows in matched.held.items():
        split, patients = matched.splits[part], np.unique(matched.owners[rows])
        lines.append(about_films.coverage(
            frozenset(matched.films[rows]) if split.films is not None else (),
            about_films.Whole(split.films, split.name, split.proven), int(n_of_each[patients].sum()) - len(rows),
            len(patients)))
    return Line(lines[0].name, max((line.state for line in lines), key=GRAVITY.index),
                "; ".join(f"{part}: {line.text}" if len(lines) > 1 else line.text
                          for part, line in zip(matched.held, lines, strict=True)))


def _overlap(matched: Matched, train_list: frozenset[str] | None) -> Line:
    held, films, owners = matched.held, matched.films, matched.owners
    of_parts = [np.unique(owners[rows]) for rows in held.values()]
    between = sum(map(len, of_parts)) - len(np.unique(np.concatenate(of_parts)))
    if train_list is None:
        return about_films.patient_overlap(None, 0, between)
    names = np.array(sorted(train_list), object)
    listed = pd.Index(film_ids.stems(films)).get_indexer(film_ids.stems(names))
    listed = listed[listed >= 0]
    trained = np.unique(owners[listed]) if len(listed) else np.flatnonzero(
        np.isin(matched.patients, [name.lstrip("0") for name in names]))
    if not len(trained):
        raise DataError(f"none of the {len(names):,} entries of the training list is a film or a patient of the table")
    evaluated = np.concatenate([rows for part, rows in held.items() if part != "train"] or [np.array([], np.int64)])
    return about_films.patient_overlap(len(np.intersect1d(listed, evaluated)),
                                       len(np.intersect1d(trained, owners[evaluated])), between)


def _of_films_only(line: Line) -> Line:
    """What can be said of overlap where the table names no patients."""
    if line.state != PASSED:
        return line
    return Line(line.name, NOT_DECLARED, "no film of the training list, but the table names no patients")


def _of_thresholds(given: ThresholdFile | None, table: DataSetFilms, splits: Mapping[str, SplitId]) -> Line | None:
    if given is None:
        return None
    said = f"the thresholds '{given.title}'" + (f" ({'; '.join(given.said)})" if given.said else "")
    if given.fitted_on is None:
        return Line("Thresholds", NOT_DECLARED, f"{said} do not say which films they were fitted on")
    same = given.dataset_id in (None, table.dataset_id)
    if same and given.fitted_on in splits:
        return Line("Thresholds", WARNED, f"{said} were fitted on {given.fitted_on} films, which these are: F1 at them "
                                          "is flattered")
    return Line("Thresholds", PASSED, f"{said} were fitted on other films ({given.fitted_on})")
