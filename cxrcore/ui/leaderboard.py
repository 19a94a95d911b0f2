"""The tables of the Runs page: one for each group, whose ticks and the picker above stay in step.

The link (`shell.runs_in_link`) is the truth about which runs are chosen; ticks and picker write it and are set
from it.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cxrcore.architectures import ARCHITECTURES
from cxrcore.charts import ARCHITECTURE_COLOURS
from cxrcore.ui import shell
from cxrcore.ui.runs_view import LEAKY_NOTE, Group, chosen_after, group_note
from cxrcore.ui.widgets import escape

PICKER = "runs_picker"
DASH = "–"
ROW_HEIGHT = 36
MAX_ROWS = 12  # then the table scrolls

_AUROC = ("Macro AUROC: the chance that a film with a finding scores above one without it, mean over the findings. "
          "0 to 1; 0.5 is guessing.")
_AP = ("Macro AP (average precision): the area under the precision-recall curve, mean over the findings. 0 to 1; "
       "guessing gives a finding's share of the films, so AP is low where findings are rare.")
_F1 = ("Macro F1: 2 TP / (2 TP + FP + FN) at each finding's max-F1 threshold, fitted on the split named under "
       "'Thresholds from', mean over the findings. 0 to 1.")


def picker(labels: dict[str, str], chosen: Sequence[str]) -> None:
    """Choose runs by name."""
    if st.session_state.get(PICKER) != list(chosen):
        st.session_state[PICKER] = list(chosen)
    st.multiselect(
        "Chosen runs", list(labels), format_func=labels.__getitem__, key=PICKER, select_all=False,
        placeholder="Tick rows below, or pick runs by name",
        on_change=lambda: shell.put_runs_in_link(st.session_state[PICKER]),
    )


def table(group: Group, chosen: Sequence[str], part: str) -> None:
    """One group with its heading."""
    st.subheader(escape(group.title), anchor=False)
    badges = ":orange-badge[SYNTHETIC] films are drawn by a program, not taken from patients. " if group.synthetic else ""
    if group.leaky:
        badges += f":orange-badge[:material/warning: leaky] {LEAKY_NOTE}. "
    st.caption(f"{escape(group.split)}. {badges}{group_note(group.table, part)}.")
    key, run_ids = f"table_{group.key}", list(group.table.index)
    _tick(key, [run_ids.index(run_id) for run_id in chosen if run_id in run_ids])
    st.dataframe(
        group.table, key=key, hide_index=True, column_config=_columns(), placeholder=DASH, row_height=ROW_HEIGHT,
        height=(min(len(run_ids), MAX_ROWS) + 1) * ROW_HEIGHT + 2,
        on_select=_ticked, selection_mode="multi-row", alt=f"Runs on {group.title}, {group.split}",
    )
    # The callback's arguments would be those of the first draw; the rows may have moved since.
    st.session_state[f"{key}_runs"] = run_ids
    st.session_state.setdefault("tables", set()).add(key)
