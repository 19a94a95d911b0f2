"""Promises of a stored run: on which patients they are fitted, what was chosen on these, and what was kept on others.

A promise speaks for new patients only where nothing about the network was chosen by its numbers on the patients that it
is fitted on. Of a training here it is known what was: the epoch of best validation AUROC. The epochs themselves do not
depend on validation films, so that is a choice among as many networks as epochs were planned, and it is paid for: each
would have to keep the promise with its share of the allowed error. On half of the test patients nothing was chosen by
the training. What people choose, such as the best of several runs, no store knows: it is said, and can be counted.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.config import PromiseConfig
from cxrcore.data.splits import EXTERNAL, LEAKY_SCHEMES, PART_WORDS
from cxrcore.errors import RunError, UsageError
from cxrcore.evaluation import hand_in
from cxrcore.findings import display_name
from cxrcore.measures.decisions.by_patients import read_by_patients
from cxrcore.measures.decisions.promise_record import OBJECTIVE, KeptPromise, promise_of, promised_set
from cxrcore.measures.decisions.promises import Aim, promise
from cxrcore.measures.intervals.draws import patient_draws, units, unknown
from cxrcore.measures.intervals.scored_films import subset
from cxrcore.measures.thresholds.cross_fitting import FITTED_HALF, halves
from cxrcore.measures.thresholds.fitting import ThresholdSet
from cxrcore.store import Predictions, Store, run_thresholds
from cxrcore.store.records import rows_of
from cxrcore.store.threshold_file import threshold_file_text

_LOG = logging.getLogger(__name__)  # scripts print what it says

VAL, TEST = "val", "test"
PARTS = (VAL, FITTED_HALF)  # what a promise is fitted on: validation, or half of the patients of test (or external)
MANY_CHOICES = 10**6  # networks to choose among, from which on no promise is worth making
OFFICIAL = "official"  # split scheme
OTHER_PATIENTS = ("Test is the published list, of other patients than validation (more films each, more findings): it "
                  "may break what validation promises.")
NO_PATIENTS = "The table names no patients, so films of one patient cannot be told from films of several."
KEPT, NOT_KEPT, BELOW = "kept", "not kept", "below, within chance"  # what films beside it say of a promise
COLUMNS = ("finding", "promised", "threshold", "measured", "low", "high", "patients", "verdict", "said")


@dataclass(frozen=True)
class Standing:
    """What is known of the patients that a promise is fitted on.

    Attributes:
        void: why nothing can be promised for new patients, in a sentence; '' where nothing speaks against it.
        choices: networks among which the training chose this one by its numbers on them.
        said: what else to know, in a sentence; ''.
    """

    void: str
    choices: int
    said: str


def standing(store: Store, run_id: str, part: str) -> Standing:
    """What was chosen on the patients of a part, as far as the store knows.

    Args:
        part: of `PARTS`.

    Raises:
        RunError: no such run.
    """
    run, of = store.run(run_id), _films_of(store, run_id, part)
    choices, void = 1, ""
    if run["kind"] == "trained" and run["split_scheme"] in LEAKY_SCHEMES:
        void = "The training saw other films of these patients: they are no new ones."
    elif part == VAL:
        void, choices = _chosen_on_val(store, run)
    others = _others(store, run_id, str(of["prediction_id"]))
    said = (f"{others} other run{'s were' if others > 1 else ' was'} measured on these films: if this one was chosen "
            "among them by these numbers, the promise is void, unless so many choices were counted." if others else "")
    if part == VAL and run["kind"] == "imported":
        said = f"Whether the network was chosen by its numbers on these films is not recorded. {said}".strip()
    if part == VAL and run["split_scheme"] == OFFICIAL:
        said = f"{OTHER_PATIENTS} {said}".strip()
    return Standing(void, choices, said)


def _chosen_on_val(store: Store, run: Mapping[str, Any]) -> tuple[str, int]:
    """Why validation cannot speak for new patients, or '', and among how many networks it was asked."""
    if run["kind"] == "imported":
        return "", 1
    runs = [run["run_id"]] if run["kind"] == "trained" else [
        str(one.get("run_id")) for one in run["config"].get("members", [])]
    known = store.runs().set_index("run_id")
    if not runs or not set(runs) <= set(known.index):
        return "How its members were chosen on these films is not known: they are not in the store.", 1
    choices = math.prod(_epochs(store, run_id, json.loads(known["config"][run_id] or "{}")) for run_id in runs)
    if choices > MANY_CHOICES:
        return f"It was chosen on these films among {choices:.1g} combinations of epochs.", 1
    return "", choices


def _epochs(store: Store, run_id: str, config: Mapping[str, Any]) -> int:
    """Epochs that the best was chosen of: those that were planned, since patience too asks validation."""
    return max(int(config.get("epochs") or 1), len(store.epochs([run_id])), 1)


def _others(store: Store, run_id: str, prediction_id: str) -> int:
    """Other runs with predictions of the same part of the same split."""
    sets = store.prediction_sets().merge(store.runs()[["run_id", "split_fingerprint"]], on="run_id")
    own = sets[sets["prediction_id"] == prediction_id].iloc[0]
    same = ((sets["dataset_id"] == own["dataset_id"]) & (sets["split"] == own["split"])
            & (sets["split_fingerprint"].fillna("") == (own["split_fingerprint"] or "")))
    return int(sets.loc[same & (sets["run_id"] != run_id), "run_id"].nunique())


def _films_of(store: Store, run_id: str, part: str) -> Mapping[str, Any]:
    """The predictions that a part is of: a row of `Store.prediction_sets`; half of the patients are of test's.

    Raises:
        UsageError: another part. RunError: the run has no such predictions.
    """
    if part not in PARTS:
        raise UsageError(f"a promise is fitted on {' or '.join(PARTS)}, not on '{part}'")
    wanted = (VAL,) if part == VAL else (TEST, EXTERNAL)
    for name in wanted:
        if (found := store.chosen_set(run_id, name)) is not None:
            return store.prediction_sets(run_id).set_index("prediction_id", drop=False).loc[found].to_dict()
    store.run(run_id)  # RunError where there is none
    raise RunError(f"run {run_id} has no {PART_WORDS[wanted[0]]} predictions to fit a promise on: "
                   f"python scripts/eval.py --run {run_id} makes them")


def _half(films: Predictions, first: bool) -> Predictions:
    return subset(films, halves(units(films.patient_ids, films.image_ids)) == first)


def fit_promise(store: Store, run_id: str, part: str, aim: Aim) -> tuple[str, ThresholdSet]:
    """The thresholds that keep an aim for new patients; nothing is saved.

    Args:
        part: of `PARTS`.
        aim: its choices are multiplied by those of the training (`standing`).

    Returns:
        The prediction_id that they are fitted on, and the set.

    Raises:
        UsageError, RunError: as `standing`. ResamplingError: films that cannot be measured.
    """
    found, of = standing(store, run_id, part), _films_of(store, run_id, part)
    films = store.predictions(of["prediction_id"])
    own = {FITTED_HALF: of["split"]} if part == FITTED_HALF else {}
    made = promise(_half(films, True) if own else films, replace(aim, choices=aim.choices * found.choices))
    void = found.void or (NO_PATIENTS if unknown(films.patient_ids).any() else "")
    return of["prediction_id"], promised_set(made, films.findings, void, **own)


# -- what was kept


@dataclass(frozen=True)
class PromiseRead:
    """A stored promise on films beside it.

    Attributes:
        kept: as it was stored.
        table: a row a finding, with `COLUMNS`: what was promised, the set's threshold, the measure by patients there
            with its interval, the patients, a verdict ('' where nothing is promised), and the promise in words.
        read_on: 'test, 22,433 films', or why there is nothing to read it on.
    """

    kept: KeptPromise
    table: pd.DataFrame
    read_on: str


def read_promise(store: Store, run_id: str, set_id: str) -> PromiseRead | None:
    """What a set promised beside what new patients show; None for a set without a promise.

    One of validation is read on test, one of half of the patients on the other half.

    Raises:
        RunError: no such set of this run. DataError: a promise that is not as this workbench writes it.
    """
    sets = store.threshold_sets(run_id).set_index("set_id", drop=False)
    if set_id not in sets.index:
        raise RunError(f"run {run_id} has no threshold set '{set_id}'")
    row = sets.loc[set_id].to_dict()
    parameters = json.loads(row["parameters"])
    kept = promise_of(parameters)
    if kept is None:
        return None
    fitted_on = store.prediction_sets(run_id).set_index("prediction_id").loc[row["prediction_id"]]
    findings = store.findings(fitted_on["dataset_id"])
    thresholds = np.array(row["thresholds"], np.float64)
    films, read_on = _beside(store, run_id, row["prediction_id"], str(fitted_on["split"]),
                             bool(parameters.get(FITTED_HALF)))
    measured = None if films is None or films.findings != findings else read_by_patients(
        films, thresholds, kept.aim.measure, patient_draws(films.patient_ids, films.image_ids))
    rows = []
    for k, (finding, threshold) in enumerate(zip(findings, thresholds.tolist(), strict=True)):
        promised = kept.aim.bound if kept.holds_at(finding, threshold) else np.nan
        found = measured.interval if measured else None
        value, low, high = (getattr(found, name)[k] if found else np.nan for name in ("point", "low", "high"))
        rows.append((finding, promised, threshold, value, low, high, int(measured.patients[k]) if measured else 0,
                     _verdict(promised, value, high), kept.in_words(finding) if finding in kept.findings else ""))
    return PromiseRead(kept, pd.DataFrame(rows, columns=list(COLUMNS)), read_on)


def _verdict(promised: float, value: float, high: float) -> str:
    if np.isnan(promised) or np.isnan(value):
        return ""
    if value >= promised:
        return KEPT
    return NOT_KEPT if high < promised else BELOW


def _beside(store: Store, run_id: str, prediction_id: str, part: str, half: bool) -> tuple[Predictions | None, str]:
    """The films that a promise is read on, and which they are."""
    if half:
        films = _half(store.predictions(prediction_id), False)
        return films, f"the other half of the patients of {PART_WORDS.get(part, part)}, {len(films.image_ids):,} films"
    found = store.chosen_set(run_id, TEST) if part == VAL else None
    if found is None:
        return None, f"nothing: the run has no other films than those of {PART_WORDS.get(part, part)}"
    films = store.predictions(found)
    return films, f"test, {len(films.image_ids):,} films"


# -- the command


def run_promise(config: PromiseConfig) -> str:
    """Fit, save and read a promise as scripts/promise.py does; returns set_id.

    Raises:
        WorkbenchError: one line that says what is wrong; nothing is saved then.
    """
    store = hand_in.opened(config.store)
    if not config.run:
        raise UsageError("--run is needed: RUN_ID, whose thresholds keep the promise")
    part = config.part or (VAL if store.chosen_set(config.run, VAL) else FITTED_HALF)
    aim = Aim(config.aim, config.bound, config.confidence, config.rule, config.seed, config.first_alarms,
              config.choices)
    prediction_id, made = fit_promise(store, config.run, part, aim)
    set_id = store.save_threshold_set(prediction_id, config.name or made.name, OBJECTIVE, made.thresholds,
                                      parameters=made.parameters)
    found = read_promise(store, config.run, set_id)
    if found is not None:
        _LOG.info(_in_words(found, standing(store, config.run, part), part))
    if config.out:
        _write(store, config.run, set_id, Path(config.out))
    _LOG.info(f"saved: threshold set {set_id} '{config.name or made.name}'")
    return set_id


def _in_words(found: PromiseRead, known: Standing, part: str) -> str:
    aim = found.kept.aim
    lines = [f"{aim.measure} >= {aim.bound:g} for new patients, confidence {aim.confidence:g}, fitted on "
             f"{'half of the patients' if part == FITTED_HALF else PART_WORDS[part]}; read on {found.read_on}"]
    if aim.measure == "precision":
        lines.append(f"tested from {aim.beginning} patients with an alarm on")
    if aim.choices > 1:
        lines.append(f"chosen among {aim.choices} networks on these films: each finding has to pass at "
                     f"{aim.error:.2g} in place of {1 - aim.confidence:.2g}")
    lines += [f"void: {found.kept.void}"] * bool(found.kept.void) + [known.said] * bool(known.said)
    lines += [found.kept.assumes, ""]
    for row in rows_of(found.table):
        value = "-" if np.isnan(row.measured) else f"{row.measured:.3f} ({row.low:.3f} to {row.high:.3f})"
        lines.append(f"{display_name(row.finding):<20} {row.threshold:<10.4g} {value:<24} {row.verdict:<20} {row.said}")
    return "\n".join(lines)


def _write(store: Store, run_id: str, set_id: str, path: Path) -> None:
    row = store.threshold_sets(run_id).set_index("set_id", drop=False).loc[set_id].to_dict()
    fitted_on = store.prediction_sets(run_id).set_index("prediction_id", drop=False).loc[row["prediction_id"]].to_dict()
    known: dict[str, Any] = {name: None if pd.isna(value) else value for name, value in fitted_on.items()}
    file = run_thresholds.file_of(store.run(run_id), known, row, store.findings(known["dataset_id"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(threshold_file_text(file), encoding="utf-8")
    _LOG.info(f"written: {path}")
