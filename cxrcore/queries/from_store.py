"""What pages read from the store, kept until the store changes.

Every entry is keyed by the store's path and change token, or by the id of predictions, which never change; so no time
limit is needed, nothing is ever stale, and a training beside flushes nothing that is drawn from predictions. Frames are
copies: callers may change them. Arrays of films are not: they are shared by all readers and never written to.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cxrcore.measures.curves import FindingCurves, finding_curves
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.fitting import ThresholdSet
from cxrcore.measures.thresholds.positions import SortedScores, sort_scores
from cxrcore.store import Predictions, Store, audit_marks, progress, run_thresholds

SHOWN_SETTINGS = ("loss", "init", "epochs")


@dataclass(frozen=True)
class Overview:
    """All that the list of runs needs.

    Attributes:
        runs: as `Store.runs`, with the settings `SHOWN_SETTINGS` as further columns; missing texts are "".
            `warned` holds the marks of `auditmarks`, () for most runs.
        board: as `Store.leaderboard`.
        datasets: as `Store.datasets`, indexed by dataset_id.
        signature: changes when any of the three does; a new epoch changes none of them.
    """

    runs: pd.DataFrame
    board: pd.DataFrame
    datasets: pd.DataFrame
    signature: str


def overview(store: Store) -> Overview:
    """Runs, leaderboard and data sets as they are now.

    Raises:
        StoreError: the store cannot be read. StoreBusy: it stayed locked.
    """
    return _overview(str(store.path), store.change_token())


@st.cache_data(max_entries=8, show_spinner=False)
def _overview(path: str, token: tuple[int, ...]) -> Overview:
    store = Store(path)
    runs, board, datasets = store.runs(), store.leaderboard(), store.datasets()
    runs = runs.fillna({"name": "", "note": "", "architecture": ""})
    settings = [json.loads(text or "{}") for text in runs["config"]]
    for name in SHOWN_SETTINGS:
        runs[name] = [one.get(name) for one in settings]
    digest = hashlib.sha256()
    for frame in (runs, board, datasets):
        digest.update(frame.to_json(date_format="iso", date_unit="us").encode())
    marks = audit_marks.of_runs(runs)
    runs["warned"] = pd.Series([marks.get(run_id, ()) for run_id in runs["run_id"]], runs.index, dtype=object)
    return Overview(runs, board, datasets.set_index("dataset_id"), digest.hexdigest())


def epochs(store: Store, run_ids: Sequence[str]) -> pd.DataFrame:
    """Epochs of these runs as they are now, as `Store.epochs`."""
    return _epochs(str(store.path), store.change_token(), tuple(run_ids))


@st.cache_data(max_entries=32, show_spinner=False)
def _epochs(path: str, token: tuple[int, ...], run_ids: tuple[str, ...]) -> pd.DataFrame:
    return Store(path).epochs(run_ids)


def statuses(store: Store, runs: pd.DataFrame) -> dict[str, str]:
    """{run_id: status as it is}; not cached, since a killed training changes no file."""
    return {
        run_id: status if status != "running" else progress.effective_status(
            status, progress.of_run(store, run_id))
        for run_id, status in zip(runs["run_id"], runs["status"], strict=True)
    }


@dataclass(frozen=True)
class RunCurves:
    """What a view draws of one set of predictions.

    Attributes:
        findings: one entry a finding, in `FINDINGS` order.
        films: equal for two sets of the same films.
    """

    findings: tuple[FindingCurves, ...]
    films: str


def curves(store: Store, prediction_id: str, view: str) -> RunCurves:
    """The curves of all findings; view as in `curves.VIEWS`.

    Raises:
        StoreError: the predictions are gone.
    """
    return _curves(str(store.path), prediction_id, view)


@st.cache_data(max_entries=256, show_spinner=False)  # some 100 kB each
def _curves(path: str, prediction_id: str, view: str) -> RunCurves:
    found = _predictions(path, prediction_id)
    films = hashlib.sha256("\n".join(found.image_ids).encode()).hexdigest()
    return RunCurves(tuple(finding_curves(labels, scores, view)
                           for labels, scores in zip(found.labels.T, found.scores.T, strict=True)), films)


def predictions(store: Store, prediction_id: str) -> Predictions:
    """As `Store.predictions`; shared by all readers.

    Raises:
        StoreError: the predictions are gone.
    """
    return _predictions(str(store.path), prediction_id)


@st.cache_resource(max_entries=16, show_spinner=False)  # of 112,120 films some 30 MB
def _predictions(path: str, prediction_id: str) -> Predictions:
    return Store(path).predictions(prediction_id)


def images(store: Store, dataset_id: str) -> pd.DataFrame:
    """As `Store.images`; shared by all readers."""
    return _images(str(store.path), dataset_id)


@st.cache_resource(max_entries=4, show_spinner=False)
def _images(path: str, dataset_id: str) -> pd.DataFrame:
    return Store(path).images(dataset_id)


def sorted_scores(store: Store, prediction_id: str) -> tuple[SortedScores, ...]:
    """The scores of each finding, sorted; shared by all readers."""
    return _sorted_scores(str(store.path), prediction_id)


@st.cache_resource(max_entries=24, show_spinner=False)  # of 112,120 films 6 MB
def _sorted_scores(path: str, prediction_id: str) -> tuple[SortedScores, ...]:
    found = _predictions(path, prediction_id)
    return tuple(sort_scores(labels, scores) for labels, scores in zip(found.labels.T, found.scores.T, strict=True))


def fitted(store: Store, run_id: str, prediction_id: str, objective: str, parameter: float | None) -> ThresholdSet:
    """The set that an evaluation fitted on these predictions of a run, else as `thresholds.fit` on them."""
    return _fitted(str(store.path), run_id, prediction_id, objective, parameter)


@st.cache_data(max_entries=256, show_spinner=False)
def _fitted(path: str, run_id: str, prediction_id: str, objective: str, parameter: float | None) -> ThresholdSet:
    saved = None if parameter is not None else run_thresholds.fitted_set(Store(path), run_id, prediction_id, objective)
    if saved is not None:
        return saved
    found = _predictions(path, prediction_id)
    return fitting.fit(found.labels, found.scores, objective, parameter)


def threshold_sets(store: Store, run_id: str) -> pd.DataFrame:
    """As `Store.threshold_sets`, as they are now."""
    return _threshold_sets(str(store.path), store.change_token(), run_id)


@st.cache_data(max_entries=32, show_spinner=False)
def _threshold_sets(path: str, token: tuple[int, ...], run_id: str) -> pd.DataFrame:
    return Store(path).threshold_sets(run_id)


def prediction_sets(store: Store, run_id: str) -> pd.DataFrame:
    """As `Store.prediction_sets`, indexed by prediction_id, as they are now."""
    return _prediction_sets(str(store.path), store.change_token(), run_id)


@st.cache_data(max_entries=32, show_spinner=False)
def _prediction_sets(path: str, token: tuple[int, ...], run_id: str) -> pd.DataFrame:
    return Store(path).prediction_sets(run_id).set_index("prediction_id")
