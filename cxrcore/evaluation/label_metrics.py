"""What runs are worth against another label set: measured on the films that it has read, and what that changes."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.evaluation.metric_rows import measured_rows
from cxrcore.evaluation.shares import Told, untold, within
from cxrcore.findings import display_name
from cxrcore.measures.metrics import auroc, macro, measured, per_finding
from cxrcore.measures.thresholds.fitting import ThresholdSet, fixed
from cxrcore.store import CSV, LabelSet, Predictions, Store, run_thresholds
from cxrcore.store.label_sets import labels_as, read_against
from cxrcore.store.records import rows_of

_LOG = logging.getLogger(__name__)  # scripts print what it says
_POSITIVES, _CELL = 18, 24  # characters
_ABREAST = 4  # runs of a table


@dataclass(frozen=True)
class Changed:
    """AUROC of one run's predictions on the same films against two label sets.

    Attributes:
        run_id, part: whose predictions.
        findings: k names, of the label set.
        n_films: of these predictions that the set has read.
        n: int64 (k,), films that both sets have read.
        own_positives, positives: int64 (k,), by the data set's own labels and by the set.
        own, other: AUROC against the one and the other, float64 (k + 1,): the findings and their macro mean over those
            that both define; NaN where undefined.
    """

    run_id: str
    part: str
    findings: tuple[str, ...]
    n_films: int
    n: np.ndarray
    own_positives: np.ndarray
    positives: np.ndarray
    own: np.ndarray
    other: np.ndarray


def measure_runs(store: Store, labels: LabelSet, told: Told = untold) -> pd.DataFrame:
    """Measure every run's standing predictions of the set's films against it, and save that under the set's name.

    Those that have been measured against it are not again.

    Args:
        told: hears how far it is.

    Returns:
        The rows of the leaderboard that are measured now.
    """
    board = store.leaderboard()
    own = board[board["dataset_id"] == labels.dataset_id]
    known = store.metrics(own["prediction_id"].tolist())
    before = set(known.loc[known["label_set"] == labels.name, "prediction_id"])
    done = [row.prediction_id in before
            or measure_on(store, row.run_id, row.prediction_id, labels, within(told, place, len(own)))
            for place, row in enumerate(rows_of(own))]
    return own[done] if len(own) else own


def measure_on(
    store: Store, run_id: str, prediction_id: str, labels: LabelSet, told: Told = untold
) -> bool:
    """Measure one prediction set against a label set at the run's own thresholds; False where they share no film."""
    films = store.predictions(prediction_id, labels.name)
    if not measured(films.labels, films.scores).any():
        return False
    sets = run_thresholds.own_sets(store, run_id)
    at = [_thresholds(labels, one) for one in sets.values()]
    shown = next((place for place, one in enumerate(sets.values()) if one.objective == "max_f1"), 0)
    at = at or [fixed(labels.findings).thresholds]
    ranked, at_sets = measured_rows(store, prediction_id, films, at, shown, told, labels.read_as(labels.findings))
    kept = [rows.assign(set_id=set_id) for set_id, rows in zip(sets, at_sets, strict=False)]
    store.save_metrics(prediction_id, pd.concat([ranked.astype({"set_id": object}), *kept], ignore_index=True),
                       labels.name)
    return True


def _thresholds(labels: LabelSet, chosen: ThresholdSet) -> np.ndarray:
    """Of the label set's findings, float64 (k,); one number for every finding is that of derived ones, too."""
    if chosen.objective == "fixed" and len(set(chosen.thresholds.tolist())) == 1:
        return fixed(labels.findings, float(chosen.thresholds[0])).thresholds
    return labels.thresholds(dict(zip(chosen.findings, chosen.thresholds.tolist(), strict=True)))


def measure_other_sets(store: Store, run_id: str, prediction_id: str, dataset_id: str,
                       but: Collection[str] = ()) -> None:
    """Measure new predictions against the label sets that people have added to their films.

    Args:
        but: names of label sets that they are not measured against.
    """
    for labels in store.label_sets():
        if labels.dataset_id == dataset_id and labels.name not in (CSV, *but):
            measure_on(store, run_id, prediction_id, labels)


def what_changes(store: Store, labels: LabelSet, board: pd.DataFrame) -> list[Changed]:
    """AUROC of each row of the leaderboard before and after, on the films that the set has read."""
    values = store.labels(labels.dataset_id, labels.name)
    before = labels_as(labels, store.labels(labels.dataset_id))
    found = []
    for row in rows_of(board):
        own = store.predictions(row.prediction_id)
        found.append(_changed(row.run_id, row.split, read_against(own, labels, before.loc[values.index]),
                              read_against(own, labels, values)))
    return found


def _changed(run_id: str, part: str, before: Predictions, after: Predictions) -> Changed:
    both = measured(before.labels, before.scores) & measured(after.labels, after.scores)
    areas = [per_finding(auroc, np.where(both, films.labels, np.nan), films.scores) for films in (before, after)]
    defined = ~np.isnan(areas).any(axis=0)
    means = [macro(np.where(defined, area, np.nan))[0] for area in areas]
    return Changed(run_id, part, after.findings, len(both), both.sum(axis=0), ((before.labels == 1) & both).sum(axis=0),
                   ((after.labels == 1) & both).sum(axis=0), *(np.append(area, mean) for area, mean
                                                               in zip(areas, means, strict=True)))


def in_words(found: Sequence[Changed], names: dict[str, str], label_set: str) -> str:
    """A block a part: positives and AUROC of each run, against the data set's own labels and against the set."""
    blocks = []
    for of_part in _side_by_side(found):
        first = of_part[0]
        titles = [display_name(finding) for finding in first.findings]
        width = max(len("finding"), *map(len, titles))
        lines = [f"AUROC on {first.part}, on the {first.n_films:,} films that '{label_set}' has read: own labels -> "
                 f"{label_set}", "finding".ljust(width) + "positives".rjust(_POSITIVES) + "".join(
                     _cut(names[one.run_id]).rjust(_CELL) for one in of_part)]
        for place, name in enumerate((*titles, "macro")):
            counts = "" if name == "macro" else f"{first.own_positives[place]:,} -> {first.positives[place]:,}"
            cells = [f"{_number(one.own[place])} -> {_number(one.other[place])}".rjust(_CELL) for one in of_part]
            lines.append(name.ljust(width) + counts.rjust(_POSITIVES) + "".join(cells))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _side_by_side(found: Sequence[Changed]) -> list[list[Changed]]:
    """Those of one part and as many films, a few at a time."""
    alike: dict[tuple[str, int, tuple[int, ...]], list[Changed]] = {}
    for one in found:
        alike.setdefault((one.part, one.n_films, tuple(one.positives.tolist())), []).append(one)
    return [runs[place:place + _ABREAST] for runs in alike.values() for place in range(0, len(runs), _ABREAST)]


def _cut(name: str) -> str:
    return name if len(name) < _CELL else f"{name[:_CELL - 2]}…"


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
