"""What is promised for new patients by the lines of the board, beside what was measured on others."""

import pandas as pd
import streamlit as st

from cxrcore.errors import DataError
from cxrcore.evaluation.promised_thresholds import BELOW, KEPT, NOT_KEPT, PromiseRead
from cxrcore.findings import display_name
from cxrcore.queries.board_state import BoardState
from cxrcore.queries.decisions.promises import OnBoard, promises_on_board, read_promise, standing
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.threshold_sets import FITTED_WORDS, HALF
from cxrcore.store import Store
from cxrcore.ui import shell, widgets
from cxrcore.ui.widgets import escape, number

ROW_HEIGHT = 36  # pixels
_VERDICTS = ("Kept: measured at or above what was promised. Not kept: the whole interval lies below. Below, within "
             "chance: in between.")
MANY = 3  # findings; more are not named in a line


def in_short(state: BoardState) -> str:
    """'Promised for 12 of 14 findings.', or why nothing is, in a line; '' where no promise is on the board."""
    try:
        found = promises_on_board(state)
    except DataError as error:
        return f"{error}.".capitalize()
    if not found:
        return ""
    if void := next((one.kept.void for one in found if one.kept.void), ""):
        return f"Void as a promise: {void}"
    n = sum(len(one.promised) for one in found)
    without = [display_name(finding) for one in found for finding in one.impossible]
    also = f"; impossible for {', '.join(without)}" if 0 < len(without) <= MANY else ""
    return f"Promised for {n} of {len(state.findings)} findings{also}."


def show_kept(store: Store, run: Evaluated, state: BoardState) -> None:
    """Each finding's promise beside what was measured, and where it is impossible, a line each."""
    with shell.errors_shown():
        found = promises_on_board(state)
        if not found:
            return
        st.header("Promised for new patients", anchor=False)
        for one in found:
            read = read_promise(store, run.run_id, one.made.key)
            if read is not None:
                _show_one(store, run, one, read)


def _show_one(store: Store, run: Evaluated, one: OnBoard, read: PromiseRead) -> None:
    aim, table = one.kept.aim, read.table.set_index("finding", drop=False)
    rows = table.loc[[finding for finding in one.promised if finding in table.index]]
    sure = f"confidence {aim.confidence:g}"
    first = f", tested from {aim.beginning} patients with an alarm on" if aim.measure == "precision" else ""
    st.markdown(f"**{aim.measure.capitalize()} of at least {aim.bound:g}** ({sure}{first}), fitted on "
                f"{escape(_fitted_on(run, one))}, measured on {escape(read.read_on)}. {kept_in_words(rows)}")
    if one.kept.void:
        st.warning(f"Void: {escape(one.kept.void)}", icon=":material/warning:")
    if len(rows):
        widgets.show_table(_table(rows, one), hide_index=True, row_height=ROW_HEIGHT, placeholder="–",
                           height=(len(rows) + 1) * ROW_HEIGHT + 2, column_config=_columns(aim.measure),
                           alt="Promised and measured values of each finding")
    if one.impossible:
        st.markdown("\n".join(f"- {display_name(finding)}: {escape(one.kept.in_words(finding))}"
                              for finding in one.impossible))
    known = standing(store, run.run_id, HALF if one.made.part == HALF else "val")
    st.caption(escape(" ".join(text for text in (one.kept.assumes, known.said) if text)))


def _fitted_on(run: Evaluated, one: OnBoard) -> str:
    part = one.made.part or ""
    return run.in_words(part) if part in run.parts else FITTED_WORDS.get(part, part)


def kept_in_words(rows: pd.DataFrame) -> str:
    """'12 kept, 1 below within chance, none not kept.'; '' where nothing was measured."""
    counts = rows["verdict"].value_counts()
    if not counts.drop("", errors="ignore").sum():
        return ""
    said = {KEPT: "kept", BELOW: "below, within chance", NOT_KEPT: "not kept"}
    return ", ".join(f"{int(counts.get(verdict, 0))} {words}" for verdict, words in said.items()
                     if verdict != BELOW or counts.get(verdict, 0)) + "."


def _table(rows: pd.DataFrame, one: OnBoard) -> pd.DataFrame:
    """As it is shown; a void promise promises nothing, and what was measured stands alone."""
    return pd.DataFrame({
        "finding": [display_name(finding) for finding in rows["finding"]],
        "promised": rows["promised"], "measured": rows["measured"], "low": rows["low"], "high": rows["high"],
        "verdict": rows["verdict"].replace("", None), "patients": rows["patients"],
        "fitted": [one.kept.findings[finding].patients for finding in rows["finding"]],
        "threshold": rows["threshold"]})


def _columns(measure: str) -> dict[str, object]:
    return {
        "finding": st.column_config.TextColumn("Finding"),
        "promised": number("promised", "Promised", "%.3f"),
        "measured": number("by_patients", f"{measure.capitalize()} measured", "%.3f"),
        "low": number("interval", "from", "%.3f"),
        "high": number("interval", "to", "%.3f"),
        "verdict": st.column_config.TextColumn("Verdict", width=165, help=_VERDICTS),
        "patients": number("by_patients", "Patients", more="Those it is measured on."),
        "fitted": number("patients_needed", "Fitted on", more="Patients of the kind it was fitted on."),
        "threshold": number("threshold", "Threshold", "%.4g"),
    }
