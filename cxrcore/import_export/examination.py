"""Somebody else's predictions: matched to the films of a table, audited, and saved as a run of kind 'imported'.

Nothing is saved before the audit has been seen: `examine` reads and judges, `save_candidate` writes. Knows no command
line and no screen.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit

from cxrcore.config import IMPORTED_PARTS
from cxrcore.data import film_ids
from cxrcore.errors import DataError, UsageError
from cxrcore.evaluation import data_set_films, measure_predictions
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.evaluation.shares import Told, untold
from cxrcore.import_export import known_splits, same_import
from cxrcore.import_export.audit import ask_all
from cxrcore.import_export.audit.ask_all import Declared, Matched
from cxrcore.import_export.audit.questions import Line
from cxrcore.import_export.known_splits import SplitId
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.import_export.same_import import Known
from cxrcore.measures.intervals.draws import units
from cxrcore.store import Store
from cxrcore.store.audit_marks import REFUSED

NO_ARCHITECTURE = "unknown"


@dataclass(frozen=True)
class Candidate:
    """Predictions that were examined, and are not saved yet.

    Attributes:
        image_ids: object (n,), known films, each once.
        scores: float64 (n, k), probabilities, NaN where there is none.
        parts: {part: rows}.
        splits: {part: the split that it belongs to}.
        lines: the audit's, one a question.
    """

    file: PredictionFile
    table: DataSetFilms
    declared: Declared
    image_ids: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    parts: Mapping[str, np.ndarray] = field(repr=False)
    splits: Mapping[str, SplitId]
    lines: tuple[Line, ...]

    @property
    def refused(self) -> bool:
        """Whether something keeps them from being saved."""
        return any(line.state == REFUSED for line in self.lines)


# -- reading and judging


def examine(file: PredictionFile, table: DataSetFilms, declared: Declared, store: Store | None = None) -> Candidate:
    """Match the films, apply what was declared, and ask the audit's questions.

    Args:
        store: whose known splits help to tell which films are missing.

    Raises:
        DataError, UsageError: no film in common, an unknown part, or a training list that names no film of the table.
    """
    films = pd.Index(table.images["image_id"].to_numpy(object))
    owners, patients = pd.factorize(units(table.images["patient_id"].to_numpy(object), films.to_numpy(object)))
    rows = _rows_of(file.image_ids, films, table.name)
    kept, n_repeated, n_contradicting = _each_once(file.scores, rows)
    image_ids = films.to_numpy()[rows[kept]]
    scores = expit(file.scores[kept]) if declared.logits else file.scores[kept]
    parts = _parts(file.parts[kept] if file.parts is not None else None, declared.split, len(kept))
    splits = {part: known_splits.find_split(store, table, part, image_ids[own]) for part, own in parts.items()}
    matched = Matched(films, owners, np.asarray(patients), rows, kept, n_repeated, n_contradicting, parts, splits)
    lines = ask_all.answers(file, table, declared, matched, scores)
    return Candidate(file, table, declared, image_ids, scores, parts, splits, lines)


def _rows_of(names: np.ndarray, films: pd.Index, table_name: str) -> np.ndarray:
    """The table's row of each film, -1 for an unknown one; folders and endings such as .png need not agree.

    Raises:
        DataError: none is known.
    """
    rows = films.get_indexer(names)
    if (rows < 0).any():
        stems = pd.Index(data_set_films.stems(films.to_numpy(object)))
        rows = films.get_indexer(film_ids.as_known(names, set(films)))
        if stems.is_unique:
            own = film_ids.as_known(data_set_films.stems(names), set(stems))
            rows = np.where(rows < 0, stems.get_indexer(own), rows)
    if (rows < 0).all():
        raise DataError(f"none of the {len(names):,} films is in the table of {table_name}: the file has "
                        f"'{names[0]}', the table '{films[0]}'")
    return rows


def _each_once(scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The file's first row of each known film, how many films stand there again, and how many with other scores."""
    known = np.flatnonzero(rows >= 0)
    _, first, inverse = np.unique(rows[known], return_index=True, return_inverse=True)
    if len(first) == len(known):
        return known, 0, 0
    own, original = scores[known], scores[known[first]][inverse]
    other = ~((own == original) | (np.isnan(own) & np.isnan(original))).all(axis=1)
    n_each = np.bincount(inverse)
    return known[np.sort(first)], int((n_each > 1).sum()), len(np.unique(inverse[other]))


def _parts(said: np.ndarray | None, declared: str, n: int) -> dict[str, np.ndarray]:
    """{part: rows}; raises UsageError for one that there is not."""
    if said is None:
        said = np.full(n, declared, object)
    names = {"validation": "val", "valid": "val", "training": "train"}
    places, kinds = pd.factorize(said.astype(str))
    kinds = np.array([names.get(part.lower(), part.lower()) for part in kinds], object)
    said = kinds[places]
    if unknown := sorted(set(kinds) - set(IMPORTED_PARTS)):
        raise UsageError(f"unknown part of a split '{unknown[0]}': expected one of {', '.join(IMPORTED_PARTS)}")
    return {part: np.flatnonzero(said == part) for part in IMPORTED_PARTS if (said == part).any()}


# -- saving


def known(store: Store, candidate: Candidate) -> Known | None:
    """The run that these predictions are already, if there is one."""
    return same_import.find_same_import(store, candidate.table.dataset_id, _config(candidate, "", ""), candidate.parts)


def save_candidate(store: Store, candidate: Candidate, name: str, architecture: str = "", told: Told = untold,
                   again: bool = False) -> str:
    """Save what was examined as a finished run, with all metrics; returns run_id. `told` as in `measure`.

    Args:
        again: save them once more, where the same file is a run already.

    Raises:
        UsageError: the audit refused it, it has no name, or it is a run already.
    """
    if candidate.refused:
        raise UsageError("the audit refused these predictions: nothing is saved")
    if not name.strip():
        raise UsageError("the run needs a name: --name")
    if not again and (same := known(store, candidate)) and same.same_file:
        raise UsageError(f"{same.in_words}: --again saves them once more")
    data_set_films.add_to(store, candidate.table)
    first = candidate.splits[next(iter(candidate.parts))]
    run_id = store.create_run(_config(candidate, name.strip(), architecture), candidate.table.dataset_id, "imported",
                              split=(first.scheme, first.seed, first.fingerprint))
    try:
        saved = {}
        for part, rows in candidate.parts.items():
            films = candidate.splits[part].films
            saved[part] = store.save_predictions(
                run_id, candidate.table.dataset_id, part, candidate.image_ids[rows], candidate.scores[rows],
                checkpoint_sha256=candidate.file.sha256, n_expected=max(len(rows), len(films or ())))
        measured = {part: id_ for part, id_ in saved.items() if part != "train"} or saved
        measure_predictions.measure(store, run_id, measured, candidate.declared.thresholds, told)
        store.finish_run(run_id, "finished")
    except BaseException:  # half a run would stand on the leaderboard
        store.delete_run(run_id)
        raise
    return run_id


def _config(candidate: Candidate, name: str, architecture: str) -> dict:
    file, declared, listed = candidate.file, candidate.declared, candidate.declared.train_list
    return {
        "name": name, "arch": " ".join(architecture.split()) or NO_ARCHITECTURE,
        "file": file.name, "file_sha256": file.sha256,
        "scores_sha256": same_import.digest(candidate.table.dataset_id, candidate.image_ids, candidate.scores,
                                            candidate.parts),
        "columns": dict(file.columns), "logits": declared.logits, "weights_name": declared.weights_name,
        "audit": [asdict(line) for line in candidate.lines],
        "train_list_sha256": None if listed is None else hashlib.sha256("\n".join(sorted(listed)).encode()).hexdigest()}
