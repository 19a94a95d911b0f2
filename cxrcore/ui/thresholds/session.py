"""What the browser has on its board, and what it tells: the steps between a release there and the link here."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cxrcore.findings import display_name
from cxrcore.queries.board_state import BoardState, after_release, read_state
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import default_key
from cxrcore.store import Store
from cxrcore.ui import link, shell
from cxrcore.ui.thresholds import board_component

MAX_TYPED = 60  # typed thresholds of one finding that stay positions
MAX_EARLIER = 60  # states that undo leads back to with their provenance

_FRESH, _LOAD, _KNOWN, _TYPED, _EARLIER, _DRAGGED, _MOVED, _LEFT = (
    f"board_{name}" for name in ("fresh", "load", "known", "typed", "earlier", "dragged", "moved", "left"))


def begin() -> None:
    """Call at the start of every run of the page: the browser may have no board yet, or a new one.

    Who comes back through the menu, whose links carry no parameters, finds the board as it was left.
    """
    st.session_state[_FRESH] = True
    left = st.session_state.get(_LEFT)
    if left and shell.arrived() and left["runs"] == link.runs_in_link()[:1] and not any(link.thresholds_in_link()):
        link.put_thresholds_in_link(*left["thresholds"])
        if link.finding_in_link() is None and left["finding"]:
            link.put_finding_in_link(left["finding"])


def leave_as_it_is() -> None:
    """Keep what the link says for `begin`."""
    st.session_state[_LEFT] = {"runs": link.runs_in_link()[:1], "thresholds": link.thresholds_in_link(),
                               "finding": link.finding_in_link()}


def reading(run: Evaluated, part: str) -> str:
    """Names what the board shows: which predictions, against which labels, for which findings."""
    of = run.read(part)
    return f"{of.prediction_id}|{of.key}" if of.key else of.prediction_id


def load_board(of: str, state: BoardState, finding: str) -> dict[str, Any]:
    """What the browser is to put on its board: `of`, `id`, `thresholds`, `open` and, where there are any, `uppers`.

    The id changes when that is not what the browser has. While it is, all stays as it was last sent, so that the
    board's data are the same after a release and nothing is sent again.

    Args:
        of: what is read, as `reading` names it.
        finding: the open one.
    """
    values, uppers = state.thresholds.tolist(), [state.uppers.get(finding) for finding in state.findings]
    held = st.session_state.get(_LOAD)
    told = {"of": of, "thresholds": values, "by_hand": state.by_hand, "open": finding, "uppers": uppers}
    if held is None or held["of"] != of or st.session_state.get(_KNOWN) != _lines(state):
        held = told | {"id": (held["id"] if held else 0) + 1}
        st.session_state[_MOVED] = None
    elif st.session_state.get(_FRESH):
        held = told | {"id": held["id"]}
    st.session_state[_FRESH] = False
    st.session_state[_LOAD], st.session_state[_KNOWN] = held, _lines(state)
    asked = any(value is not None for value in uppers)
    return {name: held[name] for name in ("of", "id", "thresholds", "open", *(["uppers"] if asked else []))}


def _lines(state: BoardState) -> list[float | None]:
    """All that stands on the board: thresholds, then upper lines, None where there is none."""
    return [*state.thresholds.tolist(), *(state.uppers.get(finding) for finding in state.findings)]


def extra_positions(of: str, state: BoardState) -> tuple[list[list[float]], list[list[float]]]:
    """For each finding the thresholds that have to be positions: as they were typed, and of sets on the board so far.

    Call after `load_board`.
    """
    typed, sets = _of(_TYPED, of, dict), [state.base.thresholds, *(one.thresholds for one in _of(_EARLIER, of, list))]
    held = st.session_state[_LOAD]
    as_is = [sorted({*typed.get(name, ()), *(held["thresholds"][k : k + 1] if name in held["by_hand"] else ()),
                     *(value for value in held["uppers"][k : k + 1] if value is not None)})
             for k, name in enumerate(state.findings)]
    fitted = [sorted({held["thresholds"][k], *(float(one[k]) for one in sets)}) for k in range(len(state.findings))]
    return as_is, fitted


def _of(name: str, of: str, kind: type) -> Any:
    return st.session_state.setdefault(name, {}).setdefault(of, kind())


def last_move(of: str) -> dict[str, Any] | None:
    """The last drag: {finding, before, after}; None where nothing was moved on this reading."""
    moved = st.session_state.get(_MOVED)
    return moved if moved and moved["of"] == of else None


# -- callbacks


def take_release(store: Store, run: Evaluated, part: str) -> None:
    """Thresholds were moved in the browser: make the link say so."""
    of, told = reading(run, part), board_component.released()
    if told is not None and told["of"] == of and not shell.act("", _take, store, run, part, told):
        st.session_state[_KNOWN] = None  # the browser gets back what the link says


def _take(store: Store, run: Evaluated, part: str, told: dict[str, Any]) -> None:
    before = read_state(store, run, *link.thresholds_in_link())
    dragged = _of(_DRAGGED, told["of"], list)
    state = after_release(store, run, part, before, told["thresholds"],
                          [*reversed(dragged), *_of(_EARLIER, told["of"], list)], told.get("uppers"))
    dragged.append(before)
    del dragged[:-MAX_EARLIER]
    link.put_finding_in_link(display_name(told["open"]))
    put_in_link(run, state)
    st.session_state[_KNOWN] = _lines(state)
    st.session_state[_MOVED] = told["moved"] and told["moved"] | {"of": told["of"]}


def take_set(put: Callable[[], BoardState], shown: bool = False) -> None:
    """A set is put on the board.

    Args:
        put: makes the link say so, and gives what stands on the board then.
        shown: whether the browser shows it already; else it is sent there.
    """
    made: list[BoardState] = []
    worked = shell.act("", lambda: made.append(put()))
    st.session_state[_MOVED] = None
    st.session_state[_KNOWN] = _lines(made[0]) if worked and shown else None


def take_typed(of: str) -> None:
    """Thresholds are wanted that are no positions yet."""
    kept = _of(_TYPED, of, dict)
    for finding, value in board_component.typed().items():
        values = [*(one for one in kept.get(finding, []) if one != value), float(value)]
        kept[finding] = values[-MAX_TYPED:]


def put_on_board(run: Evaluated, part: str, before: BoardState, after: BoardState) -> None:
    """Replace what stands on the board; undo leads back to it."""
    known = _of(_EARLIER, reading(run, part), list)
    known.append(before)
    del known[:-MAX_EARLIER]
    put_in_link(run, after)


def put_in_link(run: Evaluated, state: BoardState) -> None:
    """Make the link describe this state; the sets that stand there anyway leave it."""
    keys = [None if key == default_key(run) else key for key in (state.base.key, state.reference.key)]
    link.put_thresholds_in_link(*keys, state.pairs)
    leave_as_it_is()  # now: who goes to another page at once ends this run before its last line
