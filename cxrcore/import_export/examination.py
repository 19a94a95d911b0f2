"""Somebody else's predictions: matched to the films of a table, audited, and saved as a run of kind 'imported'.

Nothing is saved before the audit has been seen: `examine` reads and judges, `save_candidate` writes. Knows no command
line and no screen.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from cxrcore.errors import UsageError
from cxrcore.evaluation import data_set_films, measure_predictions
from cxrcore.evaluation.data_set_films import DataSetFilms
from cxrcore.evaluation.shares import Told, untold
from cxrcore.import_export import file_names, known_splits, match_films, same_import
from cxrcore.import_export.audit import ask_all
from cxrcore.import_export.audit.ask_all import Declared, Matched
from cxrcore.import_export.audit.questions import Line
from cxrcore.import_export.known_splits import SplitId
from cxrcore.import_export.part_column import part_in
from cxrcore.import_export.prediction_file import PredictionFile
from cxrcore.import_export.same_import import Known
from cxrcore.measures.intervals.draws import units
from cxrcore.measures.metrics import auroc
from cxrcore.store import Store
from cxrcore.store.audit_marks import NOTED, REFUSED, WARNED

NO_ARCHITECTURE = "unknown"
ASSUMPTIONS = "Assumptions"  # the audit's line of what the file does not say itself


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

    @cached_property
    def aurocs(self) -> dict[str, np.ndarray]:
        """{part: AUROC of each finding (k,)}, as saving would measure them; NaN where there is none."""
        table = pd.Index(self.table.images["image_id"].to_numpy(object))
        labels = self.table.labels[table.get_indexer(self.image_ids)]
        scores = self.scores.astype(np.float32)  # as they are saved
        return {part: np.array([auroc(labels[rows, k], scores[rows, k]) for k in range(labels.shape[1])])
                for part, rows in self.parts.items()}


# -- reading and judging


def examine(file: PredictionFile, table: DataSetFilms, declared: Declared, store: Store | None = None) -> Candidate:
    """Match the films, apply what was declared, and ask the audit's questions.

    Args:
        store: whose known splits help to tell which films are missing.

    Raises:
        DataError, UsageError: no film in common, an unknown part, a training list that names no film of the table, or
            labels beside scores without films' names that are not the table's.
    """
    films = pd.Index(table.images["image_id"].to_numpy(object))
    owners, patients = pd.factorize(units(table.images["patient_id"].to_numpy(object), films.to_numpy(object)))
    rows = match_films.rows_of(file, films, table.name)
    match_films.check_labels(file, rows, table.labels)
    once = match_films.each_once(file.scores, rows)
    image_ids = films.to_numpy()[rows[once.kept]]
    scores = expit(file.scores[once.kept]) if declared.logits else file.scores[once.kept]
    parts = match_films.parts_of(file.parts[once.kept] if file.parts is not None else None, declared.split,
                                 len(once.kept))
    splits = {part: known_splits.find_split(store, table, part, image_ids[own]) for part, own in parts.items()}
    matched = Matched(films, owners, np.asarray(patients), rows, once, parts, splits)
    lines = (*_assumptions(file, declared.split), *ask_all.answers(file, table, declared, matched, scores))
    return Candidate(file, table, declared, image_ids, scores, parts, splits, lines)


def _assumptions(file: PredictionFile, declared: str) -> tuple[Line, ...]:
    """What was assumed, as a line of the audit; none where nothing was."""
    said = list(file.assumed)
    if file.parts is None and (named := part_in(file.name)) not in (None, declared):
        said.append(f"the file's name says {named}, and its films were taken as declared, as {declared} (--split)")
    if not said:
        return ()
    return (Line(ASSUMPTIONS, WARNED if file.by_order else NOTED, "; ".join(said)),)


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
        "audit": [asdict(line) for line in candidate.lines], "assumed": _assumed(candidate, architecture),
        "train_list_sha256": None if listed is None else hashlib.sha256("\n".join(sorted(listed)).encode()).hexdigest()}


def _assumed(candidate: Candidate, architecture: str) -> str:
    """All that the files did not say themselves, the network among it where their name gave it."""
    said = [line.text for line in candidate.lines if line.name == ASSUMPTIONS]
    said += [f"table: {note}" for note in candidate.table.notes]
    if architecture and architecture == file_names.architecture_in(candidate.file.name):
        said.append(f"the architecture {architecture} is that of the file's name")
    return "; ".join(said)
