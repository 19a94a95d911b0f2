"""The popover that fits thresholds: to which aim, on which films, for one finding or for all."""

import streamlit as st

from cxrcore.findings import display_name
from cxrcore.measures.thresholds.fitting import CLASSIC_GRID, OBJECTIVES, STABLE_POSITIVES, Objective
from cxrcore.queries import run_groups
from cxrcore.queries.board_state import BoardState, make_state
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import FitKey, find_set
from cxrcore.store import Store
from cxrcore.ui import shell
from cxrcore.ui.thresholds import session

FIXED = Objective("one value: {}", "The same threshold wherever it is set; fitted on nothing.", None, "threshold",
                  0.5, 0.0, 1.0)
CLASSIC = Objective("classic grid", f"The greatest F1 on a grid from {CLASSIC_GRID[0]} to {CLASSIC_GRID[-1]}, as early "
                    "reproductions tune it.", None)
AIMS = {"max_f1": OBJECTIVES["max_f1"], "expected_f1": OBJECTIVES["expected_f1"], "fixed": FIXED,
        "classic": CLASSIC} | OBJECTIVES
LETTERS = {"beta": "β", "recall": "r", "precision": "p", "misses": "n", "threshold": "t"}
ALL = "All findings"
_AIM, _VALUE, _ON, _FOR = (f"fit_{name}" for name in ("aim", "value", "on", "for"))


def fit_popover(store: Store, run: Evaluated, part: str, state: BoardState, finding: str) -> None:
    """Fit thresholds and put them on the board.

    Args:
        part: what the board is read on.
        finding: the open one.
    """
    with st.popover("Fit", icon=":material/target:", help="Set thresholds by what they are to achieve"):
        aim = st.selectbox("Aim", list(AIMS), key=_AIM, format_func=_title)
        wanted = AIMS[aim]
        value = None
        if wanted.parameter:
            value = st.number_input(f"{wanted.parameter.capitalize()} {LETTERS[wanted.parameter]}", wanted.low,
                                    wanted.high, wanted.default, key=f"{_VALUE}_{aim}", format="%g")
        st.caption(wanted.help)
        parts = {name: part for name, part in reversed(run_groups.PART_NAMES.items()) if part in run.parts}
        on = None
        if aim != "fixed":
            on = parts[st.segmented_control(
                "Fitted on", list(parts), default=next(iter(parts)), required=True, key=_ON,
                help="Thresholds that were fitted on the films they are read on look better than they are.")]
        whose = st.segmented_control("For", [ALL, display_name(finding)], default=ALL, required=True, key=_FOR)
        st.button("Put on the board", type="primary", key="fit_go", on_click=_apply, width="stretch",
                  args=(store, run, part, state, FitKey(aim, value, on), None if whose == ALL else finding))
        own = " On the labels that the films came with." if not run.labels.is_shipped else ""
        st.caption(f"A finding with fewer than {STABLE_POSITIVES} positive films there is marked unstable.{own}")


def _title(aim: str) -> str:
    wanted = AIMS[aim]
    return wanted.label.format(LETTERS.get(wanted.parameter, ""))


def _apply(store: Store, run: Evaluated, part: str, state: BoardState, key: FitKey, finding: str | None) -> None:
    shell.act("", _put, store, run, part, state, key, finding)


def _put(store: Store, run: Evaluated, part: str, state: BoardState, key: FitKey, finding: str | None) -> None:
    if finding is None:
        after = make_state(store, run, find_set(store, run, str(key)), state.reference, {})
    else:
        changed = {**state.changed, **state.elsewhere, finding: str(key)}
        after = make_state(store, run, state.base, state.reference, changed)
    session.put_on_board(run, part, state, after)
