"""Somebody else's predictions: matched to the films of a table, audited, and saved as a run of kind 'imported'.

Nothing is saved before the audit has been seen: `examine` reads and judges, `save` writes. Knows no command line and no
screen.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from scipy.special import expit

from cxrcore import audit, filmtable, knownsplits, measuring, sameimport, weightscorpora
from cxrcore.audit import NOT_DECLARED, PASSED, REFUSED, WARNED, Audited, Line
from cxrcore.config import IMPORTED_PARTS
from cxrcore.draws import units, unknown
from cxrcore.errors import DataError, UsageError
from cxrcore.filmtable import FilmTable
from cxrcore.knownsplits import SplitId
from cxrcore.predictionfile import PredictionFile
from cxrcore.sameimport import Known
from cxrcore.shares import Told, untold
from cxrcore.store import Store
from cxrcore.thresholdfile import ThresholdFile

NO_ARCHITECTURE = "unknown"
_IMAGE_ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".npy", ".bmp", ".tif", ".tiff"))


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
class Candidate:
    """Predictions that were examined, and are not saved yet.

    Attributes:
        image_ids: object (n,), known films, each once.
        scores: float64 (n, 14), probabilities, NaN where there is none.
        parts: {part: rows}.
        splits: {part: the split that it belongs to}.
        lines: the audit's twelve.
    """

    file: PredictionFile
    table: FilmTable
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


def examine(file: PredictionFile, table: FilmTable, declared: Declared, store: Store | None = None) -> Candidate:
    """Match the films, apply what was declared, and ask the audit's twelve questions.

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
    raw = file.scores[kept]
    scores = expit(raw) if declared.logits else raw
    parts = _parts(file.parts[kept] if file.parts is not None else None, declared.split, len(kept))
    splits = {part: knownsplits.find(store, table, part, image_ids[own]) for part, own in parts.items()}
    audited = Audited(table.labels[rows[kept]], scores, file.scores, file.present, table.synthetic)
    held = {part: rows[kept[own]] for part, own in parts.items()}
    strangers = np.flatnonzero(rows < 0)
    overlap = _overlap(held, films, owners, patients, declared.train_list)
    lines = (
        audit.duplicate_films(n_repeated, n_contradicting),
        audit.unknown_films(len(rows), len(strangers), str(file.image_ids[strangers[0]]) if len(strangers) else ""),
        _coverage(held, splits, films, owners),
        overlap if not unknown(table.images["patient_id"]).all() else _of_films_only(overlap),
        audit.label_order(audited),
        audit.in_range(audited, declared.logits),
        audit.sigmoid_twice(audited),
        audit.constant_columns(audited),
        audit.ties(audited),
        audit.missing_scores(audited),
        audit.perfect_ranking(audited),
        audit.seen_films(_of_thresholds(declared.thresholds, table, splits),
                         weightscorpora.seen_by(declared.weights_name) if declared.weights_name.strip() else None),
    )
    return Candidate(file, table, declared, image_ids, scores, parts, splits, lines)


def _rows_of(names: np.ndarray, films: pd.Index, table_name: str) -> np.ndarray:
    """The table's row of each film, -1 for an unknown one; endings such as .png need not agree.

    Raises:
        DataError: none is known.
    """
    rows = films.get_indexer(names)
    if (rows < 0).any():
        stems = pd.Index(_stems(films.to_numpy(object)))
        if stems.is_unique:
            rows = np.where(rows < 0, stems.get_indexer(_stems(names)), rows)
    if (rows < 0).all():
        raise DataError(f"none of the {len(names):,} films is in the table of {table_name}: the file has "
                        f"'{names[0]}', the table '{films[0]}'")
    return rows


def _stems(names: np.ndarray) -> list[str]:
    def stem(name: str) -> str:
        path = PurePosixPath(name)
        return path.stem if path.suffix.lower() in _IMAGE_ENDINGS else name

    return [stem(str(name)) for name in names]


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
    said = np.array([names.get(str(part).lower(), str(part).lower()) for part in said], object)
    if unknown := sorted(set(said) - set(IMPORTED_PARTS)):
        raise UsageError(f"unknown part of a split '{unknown[0]}': expected one of {', '.join(IMPORTED_PARTS)}")
    return {part: np.flatnonzero(said == part) for part in IMPORTED_PARTS if (said == part).any()}


def _coverage(held: Mapping[str, np.ndarray], splits: Mapping[str, SplitId], films: pd.Index, owners: np.ndarray
              ) -> Line:
    """The gravest line of the parts.

    Args:
        held: {part: rows of the table}.
        owners: the patient of each film of the table.
    """
    lines, n_of_each = [], np.bincount(owners)
    for part, rows in held.items():
        whole, patients = splits[part].films, np.unique(owners[rows])
        lines.append(audit.coverage(
            frozenset(films[rows]) if whole is not None else (), whole, splits[part].name,
            int(n_of_each[patients].sum()) - len(rows), len(patients)))
    return Line(lines[0].name, max((line.state for line in lines), key=(PASSED, WARNED).index),
                "; ".join(f"{part}: {line.text}" if len(lines) > 1 else line.text
                          for part, line in zip(held, lines, strict=True)))


def _overlap(held: Mapping[str, np.ndarray], films: pd.Index, owners: np.ndarray, patients: np.ndarray,
             train_list: frozenset[str] | None) -> Line:
    of_parts = [np.unique(owners[rows]) for rows in held.values()]
    between = sum(map(len, of_parts)) - len(np.unique(np.concatenate(of_parts)))
    if train_list is None:
        return audit.patient_overlap(None, 0, between)
    names = np.array(sorted(train_list), object)
    listed = pd.Index(_stems(films.to_numpy())).get_indexer(_stems(names))
    listed = listed[listed >= 0]
    trained = np.unique(owners[listed]) if len(listed) else np.flatnonzero(
        np.isin(patients, [name.lstrip("0") for name in names]))
    if not len(trained):
        raise DataError(f"none of the {len(names):,} entries of the training list is a film or a patient of the table")
    evaluated = np.concatenate([rows for part, rows in held.items() if part != "train"] or [np.array([], np.int64)])
    return audit.patient_overlap(len(np.intersect1d(listed, evaluated)),
                                 len(np.intersect1d(trained, owners[evaluated])), between)


def _of_films_only(line: Line) -> Line:
    """What can be said of overlap where the table names no patients."""
    if line.state != PASSED:
        return line
    return Line(line.name, NOT_DECLARED, "no film of the training list, but the table names no patients")


def _of_thresholds(given: ThresholdFile | None, table: FilmTable, splits: Mapping[str, SplitId]) -> Line | None:
    if given is None:
        return None
    said = f"the thresholds '{given.title}'"
    if given.fitted_on is None:
        return Line("Thresholds", NOT_DECLARED, f"{said} do not say which films they were fitted on")
    same = given.dataset_id in (None, table.dataset_id)
    if same and given.fitted_on in splits:
        return Line("Thresholds", WARNED, f"{said} were fitted on {given.fitted_on} films, which these are: F1 at them "
                                          "is flattered")
    return Line("Thresholds", PASSED, f"{said} were fitted on other films ({given.fitted_on})")


# -- saving


def known(store: Store, candidate: Candidate) -> Known | None:
    """The run that these predictions are already, if there is one."""
    return sameimport.find(store, candidate.table.dataset_id, _config(candidate, "", ""), candidate.parts)


def save(store: Store, candidate: Candidate, name: str, architecture: str = "", told: Told = untold,
         again: bool = False) -> str:
    """Save what was examined as a finished run, with all metrics; returns run_id. `told` as in `measuring.measure`.

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
    filmtable.add_to(store, candidate.table)
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
        measuring.measure(store, run_id, {part: id_ for part, id_ in saved.items() if part != "train"} or saved,
                          candidate.declared.thresholds, told)
        store.finish_run(run_id, "finished")
    except BaseException:  # half a run would stand on the leaderboard
        store.delete_run(run_id)
        raise
    return run_id


def _config(candidate: Candidate, name: str, architecture: str) -> dict:
    file, declared, listed = candidate.file, candidate.declared, candidate.declared.train_list
    return {
        "name": name, "arch": architecture.strip() or NO_ARCHITECTURE, "file": file.name, "file_sha256": file.sha256,
        "scores_sha256": sameimport.digest(candidate.table.dataset_id, candidate.image_ids, candidate.scores,
                                           candidate.parts),
        "columns": dict(file.columns), "logits": declared.logits, "weights_name": declared.weights_name,
        "audit": [asdict(line) for line in candidate.lines],
        "train_list_sha256": None if listed is None else hashlib.sha256("\n".join(sorted(listed)).encode()).hexdigest()}
