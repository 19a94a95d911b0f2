"""What pages and reports read from the store, kept until the store changes (see `kept`).

A training beside flushes nothing that is drawn from predictions, which never change. Arrays of films are shared by all
readers and never written to.
"""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrcore.errors import StoreError
from cxrcore.measures import calibration
from cxrcore.measures.calibration import Calibrator
from cxrcore.measures.curves import FindingCurves, finding_curves
from cxrcore.measures.intervals.draws import units
from cxrcore.measures.intervals.scored_films import of_findings
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.cross_fitting import FITTED_HALF, halves
from cxrcore.measures.thresholds.fitting import Ladder, ThresholdSet
from cxrcore.measures.thresholds.positions import SortedScores, sort_scores
from cxrcore.queries import run_groups
from cxrcore.queries.kept import Kept, kept
from cxrcore.queries.repeats.trainings import repeat_key
from cxrcore.queries.run_groups import Group
from cxrcore.store import CSV, LabelSet, Predictions, Store, audit_marks, progress, run_thresholds, waiting
from cxrcore.store.label_sets import labels_as, read_against

SHOWN_SETTINGS = ("loss", "init", "epochs")
_GROUPS: Kept[list[Group]] = Kept(64)


@dataclass(frozen=True)
class Overview:
    """All that the list of runs needs.

    Attributes:
        runs: as `Store.runs`, with the settings `SHOWN_SETTINGS` as further columns; missing texts are "".
            `warned` holds the marks of `audit_marks`, () for most runs; `repeat_key` that of `trainings`.
        board: as `Store.leaderboard`.
        datasets: as `Store.datasets`, indexed by dataset_id.
        label_sets: as `Store.label_sets`.
        validation_curves: as `Store.validation_curves`, read in the same opening of the store.
        of: tells the store and the state of it that this was read in.
    """

    runs: pd.DataFrame
    board: pd.DataFrame
    datasets: pd.DataFrame
    label_sets: tuple[LabelSet, ...]
    validation_curves: Mapping[str, Sequence[float]]
    of: tuple[object, ...]

    def lists_the_same(self, other: "Overview") -> bool:
        """Whether runs, leaderboard, data sets and label sets are equal; a new epoch changes none of them."""
        if self is other:
            return True
        told = [repr((one.label_sets, one.datasets.to_dict("list"))) for one in (self, other)]  # they hold lists
        return told[0] == told[1] and self.runs.equals(other.runs) and self.board.equals(other.board)

    def labels_of(self, dataset_id: str) -> list[LabelSet]:
        """The label sets of a data set, its own first; of one that the store does not know, one without findings."""
        found = [one for one in self.label_sets if one.dataset_id == dataset_id]
        return found or [LabelSet(dataset_id, CSV, ())]


def overview(store: Store) -> Overview:
    """Runs, leaderboard and data sets as they are now.

    Raises:
        StoreError: the store cannot be read. StoreBusy: it stayed locked.
    """
    return _overview(store, store.change_token())


@kept(8)
def _overview(store: Store, token: tuple[int, ...]) -> Overview:
    with store.reading():
        runs, board, datasets, label_sets = store.runs(), store.leaderboard(), store.datasets(), store.label_sets()
        curves = store.validation_curves()
    runs = runs.fillna({"name": "", "note": "", "architecture": ""})
    configs, *told = (runs[name].tolist() for name in ("config", "kind", "dataset_id", "split_fingerprint"))
    settings = [_shown_settings(text) for text in configs]
    for place, name in enumerate(SHOWN_SETTINGS):
        runs[name] = [one[place] for one in settings]
    runs["repeat_key"] = pd.Series([repeat_key(*own) for own in zip(configs, *told, strict=True)], runs.index, object)
    marks = audit_marks.of_runs(runs)
    runs["warned"] = pd.Series([marks.get(run_id, ()) for run_id in runs["run_id"].tolist()], runs.index, dtype=object)
    return Overview(runs, board, datasets.set_index("dataset_id"), tuple(label_sets), curves, (store.key, *token))


def groups(overview: Overview, runs: pd.DataFrame, statuses: Mapping[str, str], part: str) -> list[Group]:
    """As `run_groups.groups`, of some runs of the overview; the tables are shared by all readers, never written to."""
    ids = runs["run_id"].tolist()
    key = overview.of, tuple(ids), tuple(statuses[run_id] for run_id in ids), part
    return list(_GROUPS.get(key, lambda: run_groups.groups(runs, overview.board, overview.datasets, statuses, part)))


@functools.lru_cache(8192)  # a run's settings never change, and others are added one at a time
def _shown_settings(config: str | None) -> tuple[object, ...]:
    settings = json.loads(config or "{}")
    return tuple(settings.get(name) for name in SHOWN_SETTINGS)


def epochs(store: Store, run_ids: Sequence[str]) -> pd.DataFrame:
    """Epochs of these runs as they are now, as `Store.epochs`."""
    return _epochs(store, store.change_token(), tuple(run_ids))


@kept(32)
def _epochs(store: Store, token: tuple[int, ...], run_ids: tuple[str, ...]) -> pd.DataFrame:
    return store.epochs(run_ids)


def statuses(store: Store, runs: pd.DataFrame) -> dict[str, str]:
    """{run_id: status as it is}; not cached, since a killed training changes no file."""
    return {run_id: _as_it_is(store, run_id, status)
            for run_id, status in zip(runs["run_id"].tolist(), runs["status"].tolist(), strict=True)}


def _as_it_is(store: Store, run_id: str, status: str) -> str:
    if status == "finished":
        return status
    if status == "running":
        status = progress.effective_status(status, progress.of_run(store, run_id))
    return progress.WAITING if status != "running" and waiting.has_trained(store, run_id) else status


@dataclass(frozen=True)
class Labelled:
    """Names scores as they are read: of which predictions, against which labels, for which findings.

    Attributes:
        labels: a label set of the predictions' data set.
        findings: some or all of the labels'.
        half: of `cross_fitting.FITTED_HALF` or `OTHER_HALF` where the films of these patients alone are read; '' for
            all films.
    """

    prediction_id: str
    labels: LabelSet
    findings: tuple[str, ...]
    half: str = ""

    @property
    def as_stored(self) -> bool:
        """Whether that is all that is stored: every finding, against the labels that the films came with."""
        return not self.key

    @property
    def key(self) -> str:
        """Tells this reading from others of the same predictions; '' as stored."""
        return " | ".join(filter(None, (self.labels.read_as(self.findings), self.half)))


@dataclass(frozen=True)
class RunCurves:
    """What a view draws of one set of predictions.

    Attributes:
        findings: {finding: its curves}, in their order.
        films: equal for two sets of the same films.
    """

    findings: Mapping[str, FindingCurves]
    films: str


def curves(store: Store, of: Labelled, view: str) -> RunCurves:
    """The curves of all findings; view as in `curves.VIEWS`.

    Raises:
        StoreError: the predictions are gone.
    """
    return _curves(store, of, view)


@kept(256)  # some 100 kB each
def _curves(store: Store, of: Labelled, view: str) -> RunCurves:
    found = predictions(store, of)
    films = hashlib.sha256("\n".join(found.image_ids).encode()).hexdigest()
    return RunCurves({finding: finding_curves(labels, scores, view) for finding, labels, scores
                      in zip(found.findings, found.labels.T, found.scores.T, strict=True)}, films)


def predictions(store: Store, of: Labelled) -> Predictions:
    """As `Store.predictions`, with the findings that are asked for; shared by all readers.

    Raises:
        StoreError: the predictions are gone.
    """
    return _predictions(store, of.prediction_id) if of.as_stored else _read(store, of)


@kept(16)  # of 112,120 films some 30 MB
def _read(store: Store, of: Labelled) -> Predictions:
    found = _predictions(store, of.prediction_id)
    if not of.labels.is_shipped:
        found = read_against(found, of.labels, labels(store, of.labels))
    if of.half:
        found = _half(found, _predictions(store, of.prediction_id), of.half)
    return of_findings(found, of.findings)


def _half(found: Predictions, whole: Predictions, half: str) -> Predictions:
    """Some films of a part, those of one half of its patients; who stands in which does not depend on the labels."""
    patients = units(whole.patient_ids, whole.image_ids)
    first = np.unique(patients[halves(patients)])
    rows = np.isin(units(found.patient_ids, found.image_ids), first) == (half == FITTED_HALF)
    return replace(found, **{name: getattr(found, name)[rows] for name in
                             ("image_ids", "patient_ids", "labels", "scores")})


def labels(store: Store, of: LabelSet) -> pd.DataFrame:
    """As `Store.labels`, on the films that the set is read on; shared by all readers.

    Raises:
        StoreError: another reading stands under this name now, or none, since the page began.
    """
    return _labels(store, of)


@kept(8)
def _labels(store: Store, of: LabelSet) -> pd.DataFrame:
    found = store.labels(of.dataset_id, of.name)
    if not of.films_of and of not in store.label_sets():  # else its numbers would be kept under the name of this one
        raise StoreError(f"the label set '{of.name}' was replaced or removed just now: load the page again")
    return labels_as(of, found).reindex(store.labels(of.dataset_id, of.films_of).index) if of.films_of else found


@kept(16)  # of 112,120 films some 30 MB
def _predictions(store: Store, prediction_id: str) -> Predictions:
    return store.predictions(prediction_id)


def images(store: Store, dataset_id: str) -> pd.DataFrame:
    """As `Store.images`; shared by all readers."""
    return _images(store, dataset_id)


@kept(4)
def _images(store: Store, dataset_id: str) -> pd.DataFrame:
    return store.images(dataset_id)


def sorted_scores(store: Store, of: Labelled) -> tuple[SortedScores, ...]:
    """The scores of each finding, sorted; shared by all readers."""
    return _sorted_scores(store, of)


@kept(24)  # of 112,120 films 6 MB
def _sorted_scores(store: Store, of: Labelled) -> tuple[SortedScores, ...]:
    found = predictions(store, of)
    return tuple(sort_scores(labels, scores) for labels, scores in zip(found.labels.T, found.scores.T, strict=True))


def fitted(store: Store, run_id: str, fitted_on: Labelled, objective: str, parameter: float | None) -> ThresholdSet:
    """The set that an evaluation fitted on these predictions of a run, else as `fitting.fit_thresholds` on them.

    Args:
        fitted_on: read against their own labels, with all findings; or one half of them.
    """
    return _fitted(store, run_id, fitted_on, objective, parameter)


@kept(512)
def _fitted(store: Store, run_id: str, fitted_on: Labelled, objective: str, parameter: float | None) -> ThresholdSet:
    by_evaluation = parameter is None and not fitted_on.half
    saved = run_thresholds.fitted_set(store, run_id, fitted_on.prediction_id, objective) if by_evaluation else None
    if saved is not None:
        return saved
    found = predictions(store, fitted_on)
    if objective in fitting.OBJECTIVES and fitting.OBJECTIVES[objective].choose is not None:
        return fitting.fit_on_ladders(_ladders(store, fitted_on), found.findings, objective, parameter)
    return fitting.fit_thresholds(found.labels, found.scores, found.findings, objective, parameter)


@kept(16)  # of 112,120 films some 3 MB; every aim of a run is read off the same ones
def _ladders(store: Store, fitted_on: Labelled) -> list[Ladder]:
    found = predictions(store, fitted_on)
    return [fitting.ladder(*pair) for pair in zip(found.labels.T, found.scores.T, strict=True)]


def threshold_sets(store: Store, run_id: str) -> pd.DataFrame:
    """As `Store.threshold_sets`, as they are now."""
    return _threshold_sets(store, store.change_token(), run_id)


@kept(32)
def _threshold_sets(store: Store, token: tuple[int, ...], run_id: str) -> pd.DataFrame:
    return store.threshold_sets(run_id)


def prediction_sets(store: Store, run_id: str) -> pd.DataFrame:
    """As `Store.prediction_sets`, indexed by prediction_id, as they are now."""
    return _prediction_sets(store, store.change_token(), run_id)


@kept(32)
def _prediction_sets(store: Store, token: tuple[int, ...], run_id: str) -> pd.DataFrame:
    return store.prediction_sets(run_id).set_index("prediction_id")


def calibrator(store: Store, fitted_on: Labelled, findings: Sequence[str], method: str = "platt") -> Calibrator:
    """As `fit_calibrator` gives on these predictions, the validation's where it is read on a test part.

    Args:
        fitted_on: read against their own labels.
        findings: of the columns that it is to read.
        method: of `calibration.METHODS`.

    Raises:
        StoreError: the predictions are gone. UsageError: an unknown method.
    """
    return replace(_calibrator(store, fitted_on, method), findings=tuple(findings))


@kept(48)  # a pair of numbers a finding, or of lists of some hundred
def _calibrator(store: Store, fitted_on: Labelled, method: str) -> Calibrator:
    saved = store.calibrators(fitted_on.prediction_id)
    saved = saved[saved["method"] == method]
    if len(saved):
        return Calibrator(method, json.loads(saved["parameters"].iloc[0]), fitted_on.findings)
    found = predictions(store, fitted_on)
    return calibration.fit_calibrator(found.labels, found.scores, found.findings, method)
