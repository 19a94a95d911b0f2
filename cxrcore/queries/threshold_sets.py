"""Threshold sets by their keys: stored ones by id, others by how they are fitted anew, such as 'recall:0.9@val'."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import RunError, UsageError
from cxrcore.measures.thresholds import cross_fitting, fitting
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store

DEFAULT = "max_f1@val"
UNFITTED = "fixed:0.5"
HALF = cross_fitting.FITTED_HALF  # as a part: half of the patients of the part that is read
FITTED_WORDS = PART_WORDS | {HALF: "half of the patients"}
SIMPLE = {"fixed": "fixed", "classic": "classic grid"}
PARAMETERS = {"fixed": "value", "classic": None} | {name: one.parameter for name, one in fitting.OBJECTIVES.items()}
_WARNINGS = {"unstable": f"is unstable, fitted on fewer than {fitting.STABLE_POSITIVES} films with it",
             "not_fitted": "is not fitted, for want of films with it",
             "not_met": "does not meet its aim, which no threshold can"}


@dataclass(frozen=True)
class FitKey:
    """How to fit a set: '<objective>[:<parameter>][@<part>]'."""

    objective: str
    parameter: float | None
    part: str | None

    def __str__(self) -> str:
        value = "" if self.parameter is None else f":{self.parameter!r}".removesuffix(".0")  # exact: it is fitted anew
        return f"{self.objective}{value}{f'@{self.part}' if self.part else ''}"


def parse_key(text: str) -> FitKey | None:
    """The key of a set that is fitted anew; None for anything else, which may be a stored set's id."""
    head, _, part = text.partition("@")
    objective, _, value = head.partition(":")
    if objective not in PARAMETERS or part not in ("", "val", "test", HALF):
        return None
    if (part and objective == "fixed") or (value and not PARAMETERS[objective]):
        return None
    try:
        return FitKey(objective, float(value) if value else None, part or None)
    except ValueError:
        return None


@dataclass(frozen=True)
class SourcedSet:
    """A threshold set with its provenance.

    Attributes:
        key: of the link.
        name: as shown.
        objective, parameters: as stored.
        thresholds: float64 (k,), of the findings that the run is shown with.
        prediction_id, part: what it was fitted on; None where it was not fitted. The part is `HALF` where it was
            fitted on half of the patients.
    """

    key: str
    name: str
    objective: str
    parameters: Mapping[str, Any]
    thresholds: np.ndarray
    prediction_id: str | None
    part: str | None

    @property
    def in_words(self) -> str:
        """'max F1, fitted on validation'."""
        return f"{self.name}, fitted on {FITTED_WORDS.get(self.part, self.part)}" if self.part else self.name

    def is_read_on_own_films(self, run: Evaluated, part: str) -> bool:
        """Whether some of the films that it was fitted on are among those that a part of its run is read on."""
        return self.part == part or (self.part == HALF and part == run.part_to_halve != run.halved)


def find_set(store: Store, run: Evaluated, key: str) -> SourcedSet:
    """The set that a key names.

    Raises:
        UsageError: no such key, or a parameter out of its range. RunError: there are no predictions to fit it on.
    """
    fit = parse_key(key)
    return _stored(store, run, key) if fit is None else _fitted(store, run, fit)


def _stored(store: Store, run: Evaluated, key: str) -> SourcedSet:
    rows = from_store.threshold_sets(store, run.run_id).set_index("set_id")
    if key not in rows.index:
        raise UsageError(f"there is no threshold set '{key}' of run {run.label}: it may have been deleted, or belong "
                         "to another run")
    row = rows.loc[key]
    source = from_store.prediction_sets(store, run.run_id).loc[row["prediction_id"]]
    dataset_id, fitted = source["dataset_id"], row["objective"] != "fixed"
    names = run.own[dataset_id].findings if dataset_id in run.own else store.findings(dataset_id)
    values = dict(zip(names, row["thresholds"], strict=True))
    # One number for every finding is that of derived ones, too, as where it is not saved.
    alike = not fitted and len(set(row["thresholds"])) == 1
    made = fitting.fixed(run.findings, row["thresholds"][0]).thresholds if alike else run.thresholds(values)
    parameters = json.loads(row["parameters"])
    part = HALF if parameters.get(HALF) else source["split"]
    return SourcedSet(key, row["name"], row["objective"], _warned(run, parameters), made,
                      row["prediction_id"] if fitted else None, part if fitted else None)


def _fitted(store: Store, run: Evaluated, fit: FitKey) -> SourcedSet:
    if fit.objective == "fixed":
        value = 0.5 if fit.parameter is None else fit.parameter
        if not 0 <= value <= 1:
            raise UsageError(f"threshold {value:g} is not between 0 and 1")
        made = fitting.fixed(run.findings, value)
        return SourcedSet(str(FitKey("fixed", value, None)), made.name, made.objective, made.parameters,
                          made.thresholds, None, None)
    part = fit.part or "val"
    of = run.part_to_halve if part == HALF else part
    if of not in run.parts:
        raise RunError(f"{run.label} has no {PART_WORDS.get(of, of)} predictions to fit thresholds on: "
                       f"python scripts/eval.py --run {run.run_id} makes them")
    on = replace(run.read_own(of), half=cross_fitting.FITTED_HALF if part == HALF else "")
    made = from_store.fitted(store, run.run_id, on, fit.objective, fit.parameter)
    parameters = _warned(run, made.parameters) | ({HALF: of} if part == HALF else {})
    return SourcedSet(str(FitKey(fit.objective, fit.parameter, part)), made.name, made.objective, parameters,
                      run.thresholds(dict(zip(made.findings, made.thresholds.tolist(), strict=True))),
                      on.prediction_id, part)


def _warned(run: Evaluated, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a set warns of in a part it warns of in the derived finding, too, whose threshold follows from it."""
    found = dict(parameters)
    for name in _WARNINGS:
        named = parameters.get(name, ())
        if made := [finding for finding, parts in run.labels.derived if set(parts) & set(named)]:
            found[name] = [*named, *made]
    return found


def default_key(run: Evaluated) -> str:
    """The set that stands on the board while nothing else is asked for."""
    return DEFAULT if "val" in run.parts else UNFITTED


def warnings_of(made: SourcedSet, finding: str) -> list[str]:
    """Which of 'unstable', 'not_fitted' and 'not_met' a set says of a finding."""
    return [name for name in _WARNINGS if finding in made.parameters.get(name, ())]


def find_set_name(fit: FitKey) -> str:
    """'recall ≥ 0.9, fitted on validation'."""
    wanted = fitting.OBJECTIVES.get(fit.objective)
    value = "" if fit.parameter is None else f"{fit.parameter:g}"
    name = wanted.label.format(value or f"{wanted.default:g}") if wanted else f"{SIMPLE[fit.objective]} {value}".strip()
    return f"{name}, fitted on {FITTED_WORDS[fit.part]}" if fit.part else name
