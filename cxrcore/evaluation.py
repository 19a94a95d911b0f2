"""From a checkpoint to saved predictions, fitted thresholds and metrics.

Thresholds are fitted on val, saved with the val predictions, and read on every split; at 0.5, at the greatest F1 and
on the classic grid. Knows the store and the network; nothing of the command line (see `evalrun`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import nn

from cxrcore import thresholds
from cxrcore.checkpoint import Checkpoint
from cxrcore.data.films import FilmSet
from cxrcore.data.prepared import PreparedPixels
from cxrcore.findings import FINDINGS
from cxrcore.metrics import ranking_metrics, threshold_metrics
from cxrcore.prediction import predict
from cxrcore.records import Predictions
from cxrcore.store import Store
from cxrcore.thresholds import ThresholdSet

FIT_SPLIT = "val"
EXTERNAL = "external"  # films of which nothing is known about the training


@dataclass(frozen=True)
class Source:
    """Whose predictions they are.

    Attributes:
        model: the checkpoint's network, so that one that does not fit is refused before anything is written.
        name: 'model_best.pth' or another file's name.
    """

    run_id: str
    checkpoint: Checkpoint
    model: nn.Module
    name: str
    sha256: str


def chosen_rows(films: FilmSet, parts: Mapping[str, np.ndarray], at_most: int | None) -> dict[str, np.ndarray]:
    """The table rows to evaluate of each part: all, or a seeded subset with the same imbalance."""
    return {name: films.subset(rows, at_most) for name, rows in parts.items() if len(rows)}


def score_splits(
    store: Store,
    source: Source,
    films: FilmSet,
    pixels: PreparedPixels,
    parts: Mapping[str, np.ndarray],
    at_most: int | None,
    on_batch: Callable[[int], None] = lambda n: None,
    batch_size: int = 64,
) -> dict[str, str]:
    """Predict each part and save it as a prediction set; part -> prediction_id.

    Args:
        parts: name -> table rows on disk.
        at_most: films of each part; fewer than there are marks the set as a subset.
        on_batch: told the number of films after each batch.
    """
    saved = {}
    chosen = chosen_rows(films, parts, at_most)
    for name, rows in chosen.items():
        readable = _readable(films, rows, pixels)
        n_expected = len(readable) + len(parts[name]) - len(rows)
        scores = predict(source.model, source.checkpoint.spec, pixels.pixels, pixels.rows(readable), batch_size,
                         on_batch)
        saved[name] = store.save_predictions(
            source.run_id, films.table.dataset_id, name, readable, scores, checkpoint=source.name,
            checkpoint_sha256=source.sha256, n_expected=n_expected,
        )
    return saved


def _readable(films: FilmSet, rows: np.ndarray, pixels: PreparedPixels) -> list[str]:
    return [image_id for image_id in films.image_ids(rows) if image_id in pixels.row_of]


def measure(store: Store, run_id: str, prediction_ids: Mapping[str, str]) -> pd.DataFrame:
    """Fit thresholds on val, save them, and save the metrics of every part.

    Without val, the run's newest sets serve (an external test set), or 0.5 alone where it has none.

    Args:
        prediction_ids: part -> prediction_id.

    Returns:
        The metrics' rows and the thresholds, with the columns split and threshold_set besides.
    """
    predictions = {part: store.predictions(id_) for part, id_ in prediction_ids.items()}
    if FIT_SPLIT in predictions:
        sets = _fit(store, prediction_ids[FIT_SPLIT], predictions[FIT_SPLIT])
    else:
        first = next(iter(prediction_ids.values()))
        sets = _known_sets(store, run_id) or _save_sets(store, first, [thresholds.fixed()])
    tables = []
    for part, held in predictions.items():
        ranked = ranking_metrics(held.labels, held.scores).assign(threshold_set=None)
        at_sets = [threshold_metrics(held.labels, held.scores, fitted.thresholds, set_id).assign(
            threshold_set=fitted.name) for set_id, fitted in sets.items()]
        rows = pd.concat([ranked.astype({"set_id": object}), *at_sets], ignore_index=True)
        store.save_metrics(prediction_ids[part], rows)
        tables += [rows.assign(split=part), *(_threshold_rows(fitted, part) for fitted in sets.values())]
    return pd.concat(tables, ignore_index=True)


def _threshold_rows(fitted: ThresholdSet, part: str) -> pd.DataFrame:
    """The thresholds themselves, beside the measures at them."""
    return pd.DataFrame({"split": part, "finding": FINDINGS, "metric": "threshold", "threshold_set": fitted.name,
                         "value": fitted.thresholds})


def _fit(store: Store, prediction_id: str, val: Predictions) -> dict[str, ThresholdSet]:
    by_f1 = [fit(val.labels, val.scores) for fit in (thresholds.max_f1, thresholds.classic)]
    return _save_sets(store, prediction_id, [thresholds.fixed(), *by_f1])


def _save_sets(store: Store, prediction_id: str, sets: list[ThresholdSet]) -> dict[str, ThresholdSet]:
    """set_id -> set."""
    return {store.save_threshold_set(prediction_id, s.name, s.objective, s.thresholds, parameters=s.parameters): s
            for s in sets}


def _known_sets(store: Store, run_id: str) -> dict[str, ThresholdSet]:
    """The run's newest set of each name that evaluation itself makes."""
    rows = store.threshold_sets(run_id).drop_duplicates("name")
    rows = rows[rows["objective"].isin(["fixed", "max_f1", "classic"])]
    return {row.set_id: ThresholdSet(row.name_, row.objective, np.array(row.thresholds), json.loads(row.parameters))
            for row in rows.rename(columns={"name": "name_"}).itertuples()}
