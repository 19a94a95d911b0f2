"""The tables of the Runs page: one for each group, whose ticks and the picker above stay in step.

The link (`shell.runs_in_link`) is the truth about which runs are chosen; ticks and picker write it and are set
from it.
"""

from collections.abc import Sequence

import streamlit as st

from cxrcore.queries.run_groups import Group, chosen_after, group_note
from cxrcore.ui import link, widgets
from cxrcore.ui.widgets import escape, number

DASH = "–"
ROW_HEIGHT = 36
MAX_ROWS = 12  # then the table scrolls

_AUDIT = "Questions that were warned of when the predictions were imported; the badge above says what was found."
_MACRO = "Here the mean over the findings."
_F1 = ("Here the mean over the findings, each at its max-F1 threshold, fitted on the split named under "
       "'Thresholds from'.")
_MEASURED = "The split whose films gave the numbers; 'subset' where not all of its films were used."
_FINDINGS = "Findings inside the macro mean. A finding without positive films has no value and is left out."
_THRESHOLDS = ("The split that F1's thresholds were fitted on. 'same films': fitted on the very films that F1 is read "
               "on, which flatters it.")


def leaderboard_table(group: Group, chosen: Sequence[str], part: str) -> None:
    """One group with its heading."""
    st.header(f"{escape(group.title)} · {escape(group.split)}", anchor=False)
    widgets.badges_in_words(group)
    st.caption(f"{escape(group.draw)}. {group_note(group.table, part)}.")
    key, run_ids = f"table_{group.key}", list(group.table.index)
    _tick(key, [run_ids.index(run_id) for run_id in chosen if run_id in run_ids])
    widgets.show_table(
        group.table, key=key, hide_index=True, column_config=_columns(bool(group.warned)), placeholder=DASH,
        row_height=ROW_HEIGHT, height=(min(len(run_ids), MAX_ROWS) + 1) * ROW_HEIGHT + 2,
        alt=f"Runs on {group.title}, {group.split}, {group.draw}",
        on_select=lambda: _ticked(key, run_ids), selection_mode="multi-row",
    )


def _tick(key: str, rows: list[int]) -> None:
    """Set the ticks of a table before it is drawn, where they are not so already."""
    if key not in st.session_state and not rows:
        return
    if key not in st.session_state or list(st.session_state[key]["selection"]["rows"]) != rows:
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _ticked(key: str, run_ids: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    link.put_runs_in_link(chosen_after(rows, run_ids, link.runs_in_link()))


def _columns(warned: bool) -> dict:
    column = st.column_config
    return {
        "_index": None,
        "run": column.TextColumn("Run", width=205),
        "audit": column.TextColumn("Audit", width=150, help=_AUDIT) if warned else None,
        "architecture": column.TextColumn("Architecture", width=132),
        "status": column.TextColumn("Status", width=102),
        "best_epoch": number("best_epoch", "Epoch", width=68),
        "auroc": number("auroc", "AUROC", "%.3f", 74, _MACRO),
        "ap": number("ap", "AP", "%.3f", 66, _MACRO),
        "f1": number("f1", "F1", "%.3f", 66, _F1),
        "films": number("measured_films", "Films", "localized", 74),
        "findings": column.TextColumn("Findings", width=82, help=_FINDINGS),
        "started": column.DatetimeColumn("Started", format="YYYY-MM-DD HH:mm", width=140),
        "measured": column.TextColumn("Measured on", width=102, help=_MEASURED),
        "thresholds": column.TextColumn("Thresholds from", width=130, help=_THRESHOLDS),
        "loss": column.TextColumn("Loss", width=90, help="What training minimised."),
        "init": column.TextColumn("Start weights", width=110, help="Weights before training (init)."),
        "note": column.TextColumn("Note", width="medium"),
    }
