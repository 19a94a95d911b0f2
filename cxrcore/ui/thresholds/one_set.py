"""The board as one set, as it is saved and written to files: with every finding of the data set."""

from typing import Any

from cxrcore.findings import display_name
from cxrcore.queries.board_state import UPPER, BoardState, make_state, uppers_of
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import SourcedSet, find_set, warnings_of
from cxrcore.store import Store
from cxrcore.ui.widgets import escape

MANUAL = "manual"  # objective of a set that was changed by hand


def left_out_in_words(run: Evaluated, state: BoardState) -> str:
    """Which findings of the board are in no set, since the networks do not score them; '' where all are."""
    names = [display_name(finding) for finding, _ in run.labels.derived if finding in state.findings]
    return (f"A set has a threshold for every finding of the data set. Not in it: {escape(', '.join(names))}, made of "
            "others." if names else "")


def whole_board(store: Store, run: Evaluated, part: str, state: BoardState) -> tuple[Evaluated, str, BoardState]:
    """The board with every finding that the films came with, as sets are kept; with the run as it shows these.

    A finding that the board does not show has the threshold of the set that was put there, or what the link says of it.
    """
    shaped = state.changed or state.elsewhere
    of = shaped_on(run, part, state) if shaped else str(state.base.part)
    whole = run.with_own_labels(of if of in run.parts else part)
    if whole.findings == state.findings:
        return run, part, state
    sets = [find_set(store, whole, one.key) for one in (state.base, state.reference)]
    return whole, part, make_state(store, whole, *sets, {**state.changed, **state.elsewhere}, state.uppers)


def as_one_set(run: Evaluated, part: str, state: BoardState) -> SourcedSet:
    """The board as one set: what was changed makes it a manual set of the films that it was shaped on.

    Upper lines go into its parameters; a set with other ones than its base's is another set, under no key yet.
    """
    upper = {UPPER: dict(state.uppers)} if state.uppers else {}
    if not state.changed:
        own = {name: value for name, value in state.base.parameters.items() if name != UPPER}
        key = state.base.key if uppers_of(state.base) == dict(state.uppers) else ""
        return SourcedSet(key, state.base.name, state.base.objective, own | upper,
                          state.thresholds, state.base.prediction_id or run.prediction_id(part), state.base.part)
    parameters: dict[str, Any] = dict(upper)
    for finding in state.findings:
        made = state.own.get(finding, None if finding in state.changed else state.base)
        for name in warnings_of(made, finding) if made else ():
            parameters.setdefault(name, []).append(finding)
    parameters |= {"changed_from": state.base.in_words, "changed": dict(state.changed)}
    part = shaped_on(run, part, state)
    return SourcedSet("", f"{state.base.name}, changed", MANUAL, parameters, state.thresholds,
                      run.prediction_id(part), part)


def shaped_on(run: Evaluated, part: str, state: BoardState) -> str:
    """The part whose films shaped the thresholds: of several test, where it flatters most; of none known, `part`."""
    seen: set[str | None] = {text.partition("@")[2] for text in state.changed.values()}
    if len(state.changed) < len(state.findings):
        seen.add(state.base.part)
    return next((one for one in ("test", "val") if one in seen and one in run.parts), part)
