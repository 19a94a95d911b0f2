"""The form of promises in the popover of fitting: what is to be kept for new patients, and how sure."""

import streamlit as st

from cxrcore.errors import UsageError, WorkbenchError
from cxrcore.evaluation.promised_thresholds import fit_promise
from cxrcore.findings import display_name
from cxrcore.glossary import meaning
from cxrcore.measures.decisions.promise_record import ASSUMES, OBJECTIVE, KeptPromise, promise_of
from cxrcore.measures.decisions.promises import CONFIDENCE, FIRST_ALARMS, MAX_SEED, MEASURES, RULES, Aim
from cxrcore.queries.board_state import STORED, BoardState, make_state
from cxrcore.queries.decisions.promises import standing
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import HALF, find_set
from cxrcore.store import Store
from cxrcore.ui import shell
from cxrcore.ui.thresholds import session
from cxrcore.ui.widgets import escape

POPOVER = "fit_options"
ALL, OPEN = "All findings", "The open finding"
_RULES = dict(zip(RULES, ("One of his films, drawn", "All of his films"), strict=True))
_PARTS = {"val": "Validation", HALF: "Half of the patients"}
_MOST = 10**6  # first alarms, choices
_AIM, _BOUND, _SURE, _RULE, _SEED, _FIRST, _CHOICES, _ON, _FOR = (
    f"promise_{name}" for name in ("aim", "bound", "confidence", "rule", "seed", "first", "choices", "on", "for"))


def offer_promise(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> None:
    """The form.

    Args:
        part: what the board is read on.
        finding: the open one.
    """
    parts = [one for one in _PARTS if (one == "val" and one in run.parts)
             or (one == HALF and part == run.part_to_halve and part != "val")]
    if not parts:
        st.caption("A promise needs validation films, or test films whose patients are halved: choose *Test* above.")
        return
    measure = st.segmented_control("For new patients", list(MEASURES), default=MEASURES[0], required=True, key=_AIM,
                                   format_func=str.capitalize, help=meaning("promised"))
    left, right = st.columns(2)
    left.number_input("is at least", 0.01, 0.999, 0.9, key=_BOUND, format="%g")
    right.number_input("with confidence", 0.5, 0.999, CONFIDENCE, key=_SURE, format="%g", help=meaning("confidence"))
    st.segmented_control("Fitted on", parts, required=True, default=parts[0], key=_ON, format_func=_PARTS.__getitem__,
                         help="On patients by whose numbers the network was not chosen; what is promised is then read "
                              "on others.")
    st.segmented_control("For", [ALL, OPEN], default=ALL, required=True, key=_FOR)
    with st.expander("How patients are counted"):
        st.segmented_control("A patient is right by", RULES, default=RULES[0], required=True, key=_RULE,
                             format_func=_RULES.__getitem__, help=meaning("by_patients"))
        st.number_input("Seed of the drawing", 0, MAX_SEED, 0, key=_SEED)
        st.number_input("Networks it was chosen among, by these films", 1, _MOST, 1, key=_CHOICES,
                        help="Each would have to keep the promise with its share of the error that is allowed.")
        st.number_input("First alarms, of precision", 1, _MOST, FIRST_ALARMS, key=_FIRST,
                        disabled=measure != "precision")
    if measure == "precision":
        st.caption(f"Tested from {st.session_state[_FIRST]} patients with an alarm on, or as many as a test needs.")
    _say_standing(store, run)
    st.button("Promise", type="primary", key="promise_go", width="stretch", on_click=_take,
              args=(store, run, part, state, finding), help=ASSUMES)


def _say_standing(store: Store, run: Evaluated) -> None:
    """What stands against a promise on these patients."""
    try:
        known = standing(store, run.run_id, st.session_state[_ON])
    except WorkbenchError as error:
        st.caption(escape(str(error)))
        return
    if known.void:
        st.caption(f":material/warning: It would be void. {escape(known.void)}")
    if known.choices > 1:
        st.caption(f"The training chose among {known.choices:,} epochs by these films: that is counted.")
    if known.said:
        st.caption(escape(known.said))


def _take(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> None:
    """The button: fit, save, put on the board, and close."""
    said: list[str] = []
    session.take_set(lambda: _put(store, run, part, state, finding, said))
    if said:
        shell.leave_notice(said[0])
        st.session_state[POPOVER] = False


def _put(store: Store, run: Evaluated, part: str, state: BoardState, finding: str, said: list[str]) -> BoardState:
    held = st.session_state
    aim = Aim(held[_AIM], held[_BOUND], held[_SURE], held[_RULE], held[_SEED], held[_FIRST], held[_CHOICES])
    prediction_id, made = fit_promise(store, run.run_id, held[_ON], aim)
    kept = promise_of(made.parameters)
    one = finding if held[_FOR] == OPEN else None
    if one is not None and kept is not None and (one not in kept.findings or kept.findings[one].threshold is None):
        why = kept.in_words(one) if one in kept.findings else "the network does not score it"
        raise UsageError(f"{display_name(one)}: {why}. The board is unchanged.")
    set_id = store.save_threshold_set(prediction_id, made.name, OBJECTIVE, made.thresholds, parameters=made.parameters)
    found = find_set(store, run, set_id)
    if one is None:
        after = make_state(store, run, found, state.reference, {}, state.uppers)
    else:
        changed = {**state.changed, **state.elsewhere, one: f"{STORED}{set_id}@{found.part}"}
        after = make_state(store, run, state.base, state.reference, changed, state.uppers)
    session.put_on_board(run, part, state, after)
    said.append(_in_words(made.name, kept, one))
    return after


def _in_words(name: str, kept: KeptPromise | None, one: str | None) -> str:
    if kept is None or one is not None:
        return f"{display_name(one or '')}: {escape(name)}. Saved."
    n = sum(each.threshold is not None for each in kept.findings.values())
    return f"Saved “{escape(name)}”: possible for {n} of {len(kept.findings)} findings."
