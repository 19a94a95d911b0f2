"""From saved predictions to fitted thresholds, calibrators and metrics.

Thresholds are fitted on val, saved with the val predictions, and read on every split; at 0.5, at the greatest F1 and
on the classic grid. A set from a file may be read beside them. Calibrators are fitted on val and saved too. Knows the
store; nothing of networks and nothing of the command line.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrcore.data.splits import EXTERNAL
from cxrcore.evaluation.label_metrics import measure_other_sets
from cxrcore.evaluation.metric_rows import measured_rows
from cxrcore.evaluation.shares import Told, untold, within
from cxrcore.measures import calibration
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.fitting import ThresholdSet
from cxrcore.store import CSV, Predictions, Store, run_thresholds
from cxrcore.store.run_thresholds import FIT_SPLIT
from cxrcore.store.threshold_file import ThresholdFile

DRAGGED = "manual"  # objective of a set that names none
RESAMPLING = "Resampling patients"  # what a bar says of the part that takes longest
SHOWN = "max_f1"  # objective of the set that pages show first


@dataclass(frozen=True)
class Reading:
    """A threshold set that is read on the films.

    Attributes:
        chosen: the set, under the name that it has in the tables.
        set_id: None for a set that this store cannot hold; its metrics are not kept there either.
        fitted_on: the evaluated parts whose films it was fitted on, which flatters it there.
    """

    chosen: ThresholdSet
    set_id: str | None
    fitted_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeasuredParts:
    """What an evaluation found.

    Attributes:
        rows: the metrics' rows and the thresholds, with the columns split and threshold_set besides.
        readings: the sets that they were measured at.
        given: the one among them that came from a file.
    """

    rows: pd.DataFrame
    readings: list[Reading]
    given: Reading | None

    def fitted_on(self, part: str) -> list[str]:
        """Names of the sets that were fitted on these films."""
        return [reading.chosen.name for reading in self.readings if part in reading.fitted_on]


def measure(
    store: Store,
    run_id: str,
    prediction_ids: Mapping[str, str],
    given: ThresholdFile | None = None,
    told: Told = untold,
) -> MeasuredParts:
    """Fit thresholds and calibrators on val, save them, and save the metrics of every part with their intervals.

    Without val, the run's own sets serve (an external test set), or 0.5 alone where it has none.

    Args:
        prediction_ids: part -> prediction_id.
        given: a set to read beside them; saved too, where this store holds the predictions that it was fitted on.
        told: hears how far the draws of patients are, which take longest.
    """
    predictions = {part: store.predictions(id_) for part, id_ in prediction_ids.items()}
    # In this order, or a given set would pass for the newest of those that evaluation makes.
    known = [] if FIT_SPLIT in predictions else [
        Reading(chosen, set_id) for set_id, chosen in run_thresholds.own_sets(store, run_id).items()]
    given_id = stored_set(store, given) if given else None
    if FIT_SPLIT in predictions:
        readings = _fit(store, run_id, prediction_ids[FIT_SPLIT], predictions[FIT_SPLIT])
        _calibrate(store, prediction_ids[FIT_SPLIT], predictions[FIT_SPLIT])
    else:
        one, held = next(iter(prediction_ids.items()))[1], next(iter(predictions.values()))
        readings = known or _save_sets(store, run_id, one, [fitting.fixed(held.findings)])
    beside = None
    if given:
        beside = next((own for own in readings if own.set_id == given_id), None)
        if beside is None:
            beside = _beside(given, given_id, readings, _shared_parts(store, run_id, prediction_ids, given))
            readings = [*readings, beside]
    tables = [_measured(store, prediction_ids[part], held, readings, within(told, place, len(predictions)))
              .assign(split=part) for place, (part, held) in enumerate(predictions.items())]
    _measure_other_labels(store, run_id, prediction_ids)
    return MeasuredParts(pd.concat(tables, ignore_index=True), readings, beside)


def measure_missing(store: Store, run_id: str, prediction_ids: Mapping[str, str], told: Told = untold
                    ) -> MeasuredParts | None:
    """Go on with a measurement that may have been broken off anywhere: what is there already is not measured again.

    Returns:
        As `measure`, which is done anew unless all parts have been measured against their own labels; None then.
    """
    rows = store.metrics(list(prediction_ids.values()))
    known = set(rows[["prediction_id", "label_set"]].itertuples(index=False, name=None))
    if any((prediction_id, CSV) not in known for prediction_id in prediction_ids.values()):
        return measure(store, run_id, prediction_ids, told=told)
    _measure_other_labels(store, run_id, prediction_ids, known)
    return None


def _measure_other_labels(store: Store, run_id: str, prediction_ids: Mapping[str, str],
                          known: Collection[tuple[str, str]] = ()) -> None:
    """On the readings that people have added to these films, too; of `known` prediction_id and label set, no more."""
    datasets = store.prediction_sets(run_id).set_index("prediction_id")["dataset_id"]
    for prediction_id in prediction_ids.values():
        measure_other_sets(store, run_id, prediction_id, datasets[prediction_id],
                           [label_set for own, label_set in known if own == prediction_id])


def _measured(store: Store, prediction_id: str, held: Predictions, readings: list[Reading],
              told: Told) -> pd.DataFrame:
    """Rows of one prediction set; those of sets that the store holds are saved."""
    shown = next((k for k, reading in enumerate(readings) if reading.chosen.objective == SHOWN), 0)
    ranked, at_sets = measured_rows(store, prediction_id, held,
                                    [reading.chosen.of(held.findings) for reading in readings], shown, told)
    ranked = ranked.assign(threshold_set=None).astype({"set_id": object})
    at_sets = [rows.assign(set_id=reading.set_id, threshold_set=reading.chosen.name)
               for reading, rows in zip(readings, at_sets, strict=True)]
    kept = [rows for reading, rows in zip(readings, at_sets, strict=True) if reading.set_id]
    store.save_metrics(prediction_id, pd.concat([ranked, *kept], ignore_index=True))
    own = [_threshold_rows(reading.chosen, held) for reading in readings]
    return pd.concat([ranked, *at_sets, *own], ignore_index=True)


def _threshold_rows(chosen: ThresholdSet, held: Predictions) -> pd.DataFrame:
    """The thresholds themselves, beside the measures at them."""
    return pd.DataFrame({"finding": held.findings, "metric": "threshold", "threshold_set": chosen.name,
                         "value": chosen.of(held.findings)})


# -- the sets and calibrators that evaluation makes


def _calibrate(store: Store, prediction_id: str, val: Predictions) -> None:
    known = store.calibrators(prediction_id)  # of a measurement that was broken off
    there = list(zip(known["method"], map(json.loads, known["parameters"]), strict=True))
    for method in calibration.METHODS:
        fitted = calibration.fit_calibrator(val.labels, val.scores, val.findings, method)
        if (method, json.loads(json.dumps(fitted.maps))) not in there:
            store.save_calibrator(prediction_id, method, fitted.maps)


def _fit(store: Store, run_id: str, prediction_id: str, val: Predictions) -> list[Reading]:
    by_f1 = [fit(val.labels, val.scores, val.findings) for fit in (fitting.max_f1, fitting.classic)]
    fixed, *fitted = _save_sets(store, run_id, prediction_id, [fitting.fixed(val.findings), *by_f1])
    return [fixed, *(replace(reading, fitted_on=(FIT_SPLIT,)) for reading in fitted)]


def _save_sets(store: Store, run_id: str, prediction_id: str, sets: list[ThresholdSet]) -> list[Reading]:
    """Those that are there already stay: of a measurement that was broken off, or films that are measured again."""
    there = [row for row in store.threshold_sets(run_id).to_dict("records") if row["prediction_id"] == prediction_id]

    def saved(one: ThresholdSet) -> str:
        same = (row["set_id"] for row in there if (row["name"], row["objective"]) == (one.name, one.objective)
                and np.array_equal(row["thresholds"], one.thresholds))
        return next(same, None) or store.save_threshold_set(prediction_id, one.name, one.objective, one.thresholds,
                                                            parameters=one.parameters)

    return [Reading(one, saved(one)) for one in sets]


# -- a set from a file


def home_run(store: Store, given: ThresholdFile) -> str | None:
    """The run in this store whose predictions a set was fitted on; None where they are not here."""
    known = store.prediction_sets()
    return next(iter(known.loc[known["prediction_id"] == given.prediction_id, "run_id"]), None)


def stored_set(store: Store, given: ThresholdFile) -> str | None:
    """The set's id in this store, where it is saved unless it is there already.

    Returns:
        None where the predictions that it was fitted on are not here, or are of other findings: a set without them is
        not kept.
    """
    run_id = home_run(store, given)
    if run_id is None or given.prediction_id is None:
        return None
    films = store.prediction_sets(run_id).set_index("prediction_id")["dataset_id"]
    findings = store.findings(films[given.prediction_id])
    if set(findings) != set(given.findings):
        return None
    thresholds = ThresholdSet(given.name, given.objective, given.thresholds, given.findings).of(findings)
    for row in store.threshold_sets(run_id).to_dict("records"):
        if ((row["prediction_id"], row["name"]) == (given.prediction_id, given.name)
                and np.array_equal(row["thresholds"], thresholds)):
            return row["set_id"]
    return store.save_threshold_set(given.prediction_id, given.name, given.objective or DRAGGED, thresholds,
                                    parameters=given.parameters, author=given.author, note=given.note)


def _beside(given: ThresholdFile, set_id: str | None, readings: list[Reading], fitted_on: tuple[str, ...]) -> Reading:
    name, taken = given.title, {reading.chosen.name for reading in readings}
    while name in taken:
        name += " (file)"
    return Reading(ThresholdSet(name, given.objective or DRAGGED, given.thresholds, given.findings), set_id, fitted_on)


def _shared_parts(
    store: Store, run_id: str, prediction_ids: Mapping[str, str], given: ThresholdFile
) -> tuple[str, ...]:
    """The evaluated parts that hold films which the set was fitted on, as far as its file says."""
    datasets = store.prediction_sets(run_id).set_index("prediction_id")["dataset_id"]
    same_split = store.run(run_id)["split_fingerprint"] == given.split_fingerprint
    return tuple(part for part, id_ in prediction_ids.items() if datasets[id_] == given.dataset_id
                 and (part == EXTERNAL or (same_split and part == given.fitted_on)))
