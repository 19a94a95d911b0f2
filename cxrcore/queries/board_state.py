"""Which thresholds stand on the board: a set, what was changed by hand, and where each of them comes from.

The link is the truth (`shell.thresholds_in_link`); everything here is worked out from it and from the store. A set is
named by a key: the id of a stored set, or how to fit it anew, such as 'max_f1@val', 'recall:0.9@val' or 'fixed:0.5'.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxrcore.errors import FindingError, RunError, UsageError
from cxrcore.findings import FINDINGS, N_FINDINGS, canonical, display_name
from cxrcore.measures.thresholds import fitting
from cxrcore.queries import from_store
from cxrcore.store import Store

DEFAULT = "max_f1@val"
UNFITTED = "fixed:0.5"
PART_WORDS = {"val": "validation", "test": "test"}
SIMPLE = {"fixed": "fixed", "classic": "classic grid"}
PARAMETERS = {"fixed": "value", "classic": None} | {name: one.parameter for name, one in fitting.OBJECTIVES.items()}


@dataclass(frozen=True)
class Evaluated:
    """A run with its predictions.

    Attributes:
        parts: {'val' or 'test': row of the leaderboard with prediction_id, n, n_expected, checkpoint}.
    """

    run_id: str
    label: str
    dataset_id: str
    parts: Mapping[str, pd.Series]

    def prediction_id(self, part: str) -> str:
        return self.parts[part]["prediction_id"]

    def in_words(self, part: str) -> str:
        """'test, 22,433 films' or 'validation, a subset of 500 of 11,296 films'."""
        row = self.parts[part]
        films = f"{int(row['n']):,} films"
        if row["n"] < row["n_expected"]:
            films = f"a subset of {int(row['n']):,} of {int(row['n_expected']):,} films"
        return f"{PART_WORDS.get(part, part)}, {films}"


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
    if objective not in PARAMETERS or part not in ("", *PART_WORDS):
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
        thresholds: float64 (14,).
        prediction_id, part: what it was fitted on; None where it was not fitted.
    """

    key: str
    name: str
    objective: str
    parameters: Mapping[str, Any]
    fitting: np.ndarray
    prediction_id: str | None
    part: str | None

    @property
    def in_words(self) -> str:
        """'max F1, fitted on validation'."""
        return f"{self.name}, fitted on {PART_WORDS.get(self.part, self.part)}" if self.part else self.name


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
    part = from_store.prediction_sets(store, run.run_id).at[row["prediction_id"], "split"]
    fitted = row["objective"] != "fixed"
    return SourcedSet(key, row["name"], row["objective"], json.loads(row["parameters"]), np.array(row["thresholds"]),
                      row["prediction_id"] if fitted else None, part if fitted else None)


def _fitted(store: Store, run: Evaluated, fit: FitKey) -> SourcedSet:
    if fit.objective == "fixed":
        value = 0.5 if fit.parameter is None else fit.parameter
        if not 0 <= value <= 1:
            raise UsageError(f"threshold {value:g} is not between 0 and 1")
        made = fitting.fixed(value)
        return SourcedSet(str(FitKey("fixed", value, None)), made.name, made.objective, made.parameters,
                          made.thresholds, None, None)
    part = fit.part or "val"
    if part not in run.parts:
        raise RunError(f"{run.label} has no {PART_WORDS[part]} predictions to fit thresholds on: "
                       f"python scripts/eval.py --run {run.run_id} makes them")
    prediction_id = run.prediction_id(part)
    made = from_store.fitted(store, run.run_id, prediction_id, fit.objective, fit.parameter)
    return SourcedSet(str(FitKey(fit.objective, fit.parameter, part)), made.name, made.objective, made.parameters,
                      made.thresholds, prediction_id, part)


def default_key(run: Evaluated) -> str:
    """The set that stands on the board while nothing else is asked for."""
    return DEFAULT if "val" in run.parts else UNFITTED


# -- the board's state


@dataclass(frozen=True)
class BoardState:
    """What stands on the board.

    Attributes:
        base: the set that was put there.
        reference: the set that changes are shown against.
        changed: {finding: value} where it differs from the base. The value is '0.31@test' where it was set by hand
            while looking at test ('0.31' where that is not known), or the key that it was fitted with.
        thresholds: float64 (14,), all of them.
        own: {finding: the set that its threshold was taken from} where it was fitted by itself.
    """

    base: SourcedSet
    reference: SourcedSet
    changed: Mapping[str, str]
    fitting: np.ndarray
    own: Mapping[str, SourcedSet]

    @property
    def by_hand(self) -> list[str]:
        """Findings whose threshold was dragged, typed or read from a file."""
        return [finding for finding, value in self.changed.items() if parse_key(value) is None]

    @property
    def pairs(self) -> list[str]:
        """The changes as a link has them."""
        return [f"{finding}:{value}" for finding, value in self.changed.items()]


def hand(value: float, part: str | None) -> str:
    """A threshold that was set by hand, as `BoardState.changed` holds it."""
    return f"{float(value)!r}@{part}" if part else repr(float(value))


def read_state(store: Store, run: Evaluated, key: str | None, reference: str | None,
               pairs: Sequence[str]) -> BoardState:
    """The state that a link describes.

    Raises:
        UsageError, RunError: what cannot be read or found.
    """
    base = find_set(store, run, key or default_key(run))
    return make_state(store, run, base, find_set(store, run, reference or default_key(run)), _changed(pairs))


def make_state(store: Store, run: Evaluated, base: SourcedSet, reference: SourcedSet,
               changed: Mapping[str, str]) -> BoardState:
    """A state from its parts; a change that changes nothing is left out.

    Raises:
        UsageError, RunError: a value that cannot be read or fitted.
    """
    values, kept, own = base.thresholds.copy(), {}, {}
    for finding, text in changed.items():
        k, fitted = FINDINGS.index(finding), find_set(store, run, text) if parse_key(text) else None
        new = fitted.thresholds[k] if fitted else _threshold(text)
        if new != base.thresholds[k]:
            values[k], kept[finding] = new, fitted.key if fitted else text
            own |= {finding: fitted} if fitted else {}
    return BoardState(base, reference, kept, values, own)


def _changed(pairs: Sequence[str]) -> dict[str, str]:
    """The NAME:VALUE pairs of a link."""
    try:
        return {canonical(name): text for name, _, text in (pair.partition(":") for pair in pairs)}
    except FindingError as error:
        raise UsageError(f"the link's thresholds cannot be read: {error}") from None


def _threshold(text: str) -> float:
    try:
        value = float(text.partition("@")[0])
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise UsageError(f"the link's threshold '{text}' is not a number from 0 to 1")
    return value


def after_release(store: Store, run: Evaluated, part: str, state: BoardState, values: Sequence[float],
                  earlier: Sequence[BoardState]) -> BoardState:
    """The state after thresholds were moved in the browser.

    Args:
        part: what the measures were read on meanwhile.
        values: all 14 as they are now.
        earlier: states that stood on the board before; undo leads back to them, provenance included.
    """
    now = np.array(values, np.float64)
    for known in (state, *earlier):
        if np.array_equal(known.thresholds, now):
            return replace(known, reference=state.reference)
    moved = {finding: hand(now[k], part) for k, finding in enumerate(FINDINGS) if now[k] != state.thresholds[k]}
    return make_state(store, run, state.base, state.reference, {**state.changed, **moved})


# -- what to say about it

_WARNINGS = {"unstable": f"is unstable, fitted on fewer than {fitting.STABLE_POSITIVES} films with it",
             "not_fitted": "is not fitted, for want of films with it",
             "not_met": "does not meet its aim, which no threshold can"}


def notes(state: BoardState, run: Evaluated, part: str, positives: Sequence[int]) -> dict[str, str]:
    """{finding: what to beware of}: fitted on few positives, on none, or an aim that cannot be met."""
    made = {finding: state.own.get(finding, state.base) for finding in FINDINGS}
    found = {finding: f"The threshold of {one.in_words} {_WARNINGS[name]}"
             for finding, one in made.items() for name in warnings_of(one, finding)}
    for finding, n in zip(FINDINGS, positives, strict=True):
        if not n:
            found[finding] = f"No film of {run.in_words(part)} has it: F1 and recall are undefined"
    return found


def warnings_of(made: SourcedSet, finding: str) -> list[str]:
    """Which of 'unstable', 'not_fitted' and 'not_met' a set says of a finding."""
    return [name for name in _WARNINGS if finding in made.parameters.get(name, ())]


def provenance(state: BoardState, run: Evaluated, part: str) -> tuple[str, str]:
    """Where the thresholds come from, and a warning where it is the films that they are read on."""
    said, flags = [state.base.in_words], []
    if state.base.part == part and len(state.changed) < N_FINDINGS:
        flags.append("fitted on these very films, which flatters")
    for finding, text in state.changed.items():
        fit = parse_key(text)
        if fit is not None:
            said.append(f"{display_name(finding)}: {find_set_name(fit)}")
            if fit.part == part:
                flags.append(f"{display_name(finding)} was fitted on these very films")
    where = Counter(state.changed[finding].partition("@")[2] for finding in state.by_hand)
    for seen, n in where.items():
        said.append(f"{n} by hand on {PART_WORDS[seen]}" if seen in PART_WORDS else f"{n} by hand")
        if seen == part:
            flags.append(f"{n} set by hand while looking at these films")
    return "; ".join(said), "; ".join(flags)


def find_set_name(fit: FitKey) -> str:
    """'recall ≥ 0.9, fitted on validation'."""
    wanted = fitting.OBJECTIVES.get(fit.objective)
    value = "" if fit.parameter is None else f"{fit.parameter:g}"
    name = wanted.label.format(value or f"{wanted.default:g}") if wanted else f"{SIMPLE[fit.objective]} {value}".strip()
    return f"{name}, fitted on {PART_WORDS[fit.part]}" if fit.part else name
