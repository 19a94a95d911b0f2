"""The aims above the board: what thresholds each would set, and what a click on one does."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import WorkbenchError
from cxrcore.measures.thresholds.fitting import CLASSIC_GRID, OBJECTIVES, STABLE_POSITIVES, Objective
from cxrcore.queries import run_groups
from cxrcore.queries.board_state import BoardState, make_state
from cxrcore.queries.decisions.ask_aims import is_ask_aim, with_bands
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import FITTED_WORDS, HALF, FitKey, find_set
from cxrcore.store import Store
from cxrcore.ui.thresholds import board_component, promise_form, session

FIXED = Objective("{}", "The same threshold for every finding, fitted on nothing.", None, "threshold", 0.5, 0.0, 1.0)
CLASSIC = Objective("classic grid", f"The greatest F1 on a grid from {CLASSIC_GRID[0]} to {CLASSIC_GRID[-1]}, as early "
                    "reproductions tune it.", None)
AIMS = {"fixed": FIXED} | {name: OBJECTIVES[name] for name in ("max_f1", "expected_f1", "youden", "recall", "precision",
                                                              "f_beta", "cost")} | {"classic": CLASSIC}
SHORT = {"expected_f1": "expected F1", "cost": "a miss = {} alarms"}  # where the whole label is too long for a chip
ASKED = {"fixed": "Threshold", "recall": "Recall of at least", "precision": "Precision of at least",
         "f_beta": "β of F-beta", "cost": "False alarms that a miss is worth"}
ALL, OPEN = "All findings", "The open finding"
HALVES = "Half of the patients"
SLOW, MANY_FILMS = "expected_f1", 5_000  # of 22,433 films it takes two seconds, which no board waits for
OTHER_FILMS = "its numbers are read on other films than these"
WORKED_OUT = "still being worked out; a click waits for it"
_WORKER = ThreadPoolExecutor(1, "aim")
_BESIDE: dict[tuple[str, str, str], Future] = {}  # what was asked for once; what it found is kept where it was fitted
_ON, _FOR = "aim_on", "aim_for"


@dataclass(frozen=True)
class Fitting:
    """What the chips fit on, for which findings, and with which numbers.

    Attributes:
        on: a part of the run, or `HALF`.
        whole: whether a click sets every finding, or the open one alone.
        values: {aim: its parameter}.
    """

    on: str
    whole: bool
    values: Mapping[str, float] = field(default_factory=dict)

    def key(self, aim: str) -> FitKey:
        """How the set of an aim is fitted."""
        return FitKey(aim, self.values.get(aim), None if aim == "fixed" else self.on)


def choose_fitting(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> Fitting:
    """The popover beside the aims; `part` is what the board is read on, `finding` the open one."""
    parts = {name: split for name, split in reversed(run_groups.PART_NAMES.items())
             if split in run.parts and split in ("val", "test")}
    if part == run.part_to_halve:
        parts[HALVES] = HALF
    if st.session_state.get(_ON) not in parts:
        fitted_on = HALF if state.on_half or "val" not in run.parts else "val"
        st.session_state[_ON] = next((name for name, one in parts.items() if one == fitted_on), next(iter(parts), None))
    with st.popover("Fit options", icon=":material/target:", key=promise_form.POPOVER, on_change="rerun",
                    help="On which films the aims are fitted, for which findings, and with which numbers; and promises "
                         "for new patients"):
        aims, promises = st.tabs(["Aims", "Promise for new patients"])
        with promises:
            promise_form.offer_promise(store, run, part, state, finding)
    with aims:
        on = st.segmented_control(
            "Fitted on", list(parts), required=True, key=_ON,
            help="Thresholds that were fitted on the films they are read on look better than they are. Half of the "
                 "patients: all numbers are then read on the other half.") if parts else None
        whose = st.segmented_control("A click sets", [ALL, OPEN], default=ALL, required=True, key=_FOR)
        values = {}
        for aim, asked in ASKED.items():
            one = AIMS[aim]
            values[aim] = st.number_input(asked, one.low, one.high, one.default, key=f"aim_{aim}", format="%g")
        own = " Aims are fitted on the labels that the films came with." if not run.labels.is_shipped else ""
        st.caption(f"Fitted on fewer than {STABLE_POSITIVES} films with the finding, a threshold is unstable.{own}")
    return Fitting(parts[on] if on else part, whose == ALL, values)


def told_to_board(store: Store, run: Evaluated, fitting: Fitting) -> dict[str, Any]:
    """What the board's header says of the aims: `aims` with their thresholds, `aims_for` and `aims_on`.

    An aim that cannot be fitted on these films is left out.
    """
    made = []
    for aim, one in AIMS.items():
        key = str(fitting.key(aim))
        value = "" if one.parameter is None else f"{fitting.values.get(aim, one.default):g}"
        told = {"key": key, "label": SHORT.get(aim, one.label).format(value), "help": one.help}
        if aim == SLOW and not _is_there(store, run, fitting, key):
            made.append(told | {"thresholds": [], "elsewhere": WORKED_OUT})
            continue
        try:
            found = find_set(store, run, key)
        except WorkbenchError:
            continue
        other_films = (found.part == HALF) != bool(run.halved)
        made.append(told | {"thresholds": found.thresholds.tolist(), "elsewhere": OTHER_FILMS if other_films else ""})
    on = PART_WORDS.get(run.part_to_halve, "") if fitting.on == HALF else ""
    return {"aims": made, "aims_whole": fitting.whole,
            "aims_on": FITTED_WORDS.get(fitting.on, fitting.on) + (f" of {on}" if on else "")}


def _is_there(store: Store, run: Evaluated, fitting: Fitting, key: str) -> bool:
    """Whether the slow aim is fitted by now; where that takes long it is begun beside this run of the page."""
    row = run.parts.get(run.part_to_halve if fitting.on == HALF else fitting.on)
    if row is None or row["n"] < MANY_FILMS:
        return True
    of = store.key, row["prediction_id"], key
    if of not in _BESIDE:
        _BESIDE[of] = _WORKER.submit(find_set, store, run, key)
    return _BESIDE[of].done()


def take_aim(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    """An aim was clicked: put it on the board."""
    if (told := board_component.aimed()) and told["of"] == session.reading(run, part):
        session.take_set(lambda: put(store, run, part, state, told["key"], told["finding"]), told["shown"])


def put(store: Store, run: Evaluated, part: str, state: BoardState, key: str, finding: str | None) -> BoardState:
    """Put a set on the board, or one finding's threshold of it; gives what stands there then."""
    if is_ask_aim(key):
        after = with_bands(store, run, part, state, key, finding)
    elif finding is None:
        after = make_state(store, run, find_set(store, run, key), state.reference, {}, state.uppers)
    else:
        changed = {**state.changed, **state.elsewhere, finding: key}
        after = make_state(store, run, state.base, state.reference, changed, state.uppers)
    session.put_on_board(run, part, state, after)
    return after


def offer_halves(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    """For a run without validation scores: an honest way to fit all the same."""
    if "val" in run.parts or state.on_half or part != run.part_to_halve:
        return
    st.button("Fit on half of the patients, read on the other half", key="fit_halves", icon=":material/call_split:",
              on_click=_fit_halves, args=(store, run, part, state))


def _fit_halves(store: Store, run: Evaluated, part: str, state: BoardState) -> None:
    st.session_state[_ON] = HALVES
    session.take_set(lambda: put(store, run, part, state, f"max_f1@{HALF}", None))


def extra_positions(aims: Sequence[Mapping[str, Any]], k: int) -> list[float]:
    """The thresholds of the aims for the k-th finding, which are to be positions of the board."""
    return [one["thresholds"][k] for one in aims if one["thresholds"]]
