"""One card a run to be: what it will be called, how good it is, the audit, and the first films as they were read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.data.splits import PART_WORDS
from cxrcore.findings import display_name
from cxrcore.import_export.examination import Candidate
from cxrcore.import_export.medmnist_results import ROW_NUMBER
from cxrcore.store.audit_marks import NOT_DECLARED, NOTED, PASSED, REFUSED, WARNED
from cxrcore.ui import widgets
from cxrcore.ui.imports.examined import Card
from cxrcore.ui.widgets import escape

BADGES = {PASSED: ":green-badge[passed]", NOTED: ":blue-badge[:material/info: noted]",
          WARNED: ":orange-badge[:material/warning: warned]",
          REFUSED: ":red-badge[:material/block: refused]", NOT_DECLARED: ":gray-badge[not declared]"}
PREVIEW = 5  # rows
NO_BREAK = "\u00a0"  # keeps a question on one line, however long the answers are


@dataclass(frozen=True)
class Named:
    """What a run is to be called, and the network that it is of."""

    name: str
    architecture: str


def show(card: Card, key: str, alone: bool) -> Named:
    """The card; returns what stands in its fields.

    Args:
        key: of the card's fields, unique on the page.
        alone: no other card is shown; else an audit without a warning is folded.
    """
    if card.candidate is None:
        st.markdown(f"**{escape(' and '.join(card.files))}**")
        st.error(escape(card.error), icon=":material/block:")
        return Named("", "")
    _say_what_it_is(card.candidate)
    named = _ask_names(card, key)
    if not card.candidate.refused:
        _show_areas(card.candidate, key)
    _show_audit(card.candidate, alone)
    _show_first_films(card.candidate, key)
    return named


def _say_what_it_is(candidate: Candidate) -> None:
    file = candidate.file
    parts = ", ".join(f"{len(rows):,} {part}" for part, rows in candidate.parts.items())
    left_alone = f" Left alone: {', '.join(map(escape, file.ignored[:8]))}{' …' if len(file.ignored) > 8 else ''}." \
        if file.ignored else ""
    st.markdown(f"**{escape(file.name)}** · {len(file.image_ids):,} rows · {len(file.columns)} of "
                f"{len(candidate.table.findings)} findings · {escape(candidate.table.name)}: {parts} films")
    films = "The file names no films" if file.image_column == ROW_NUMBER else \
        f"Films are those of the column '{escape(file.image_column)}'"
    notes = f" Table: {escape('; '.join(candidate.table.notes))}." if candidate.table.notes else ""
    st.caption(f"{films}.{left_alone}{notes}")


def _ask_names(card: Card, key: str) -> Named:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the run", card.name, key=f"import_name_{key}")
        proposed = ", proposed by the file's name" if card.architecture else ""
        architecture = st.text_input(f"Architecture{proposed}", card.architecture, key=f"import_architecture_{key}",
                                     placeholder="such as densenet121",
                                     help="What made the scores.")
    return Named(name, architecture)


def _show_areas(candidate: Candidate, key: str) -> None:
    """AUROC of each part, before anything is saved."""
    places = [candidate.table.findings.index(finding) for finding in candidate.file.columns]
    rows = []
    for part, areas in candidate.aurocs.items():
        defined = areas[~np.isnan(areas)]
        rows.append({"Films": PART_WORDS[part], "Macro": defined.mean() if len(defined) else np.nan,
                     **{display_name(candidate.table.findings[k]): areas[k] for k in places}})
        macro = f"macro AUROC **{defined.mean():.4f}** over {len(defined)} findings" if len(defined) else \
            "no AUROC: no finding has films with and without it"
        st.markdown(f"**How good are they?** On the {PART_WORDS[part]} films: {macro}.")
    frame = pd.DataFrame(rows)
    widgets.show_table(frame, hide_index=True, placeholder="–", alt="AUROC of each finding", key=f"import_areas_{key}",
                       column_config={column: widgets.number("auroc", format="%.4f") for column in frame.columns[1:]})


def _show_audit(candidate: Candidate, alone: bool) -> None:
    if alone:
        st.header("Audit", anchor=False)
    states = [line.state for line in candidate.lines]
    st.markdown(" ".join(BADGES[state].replace(state, f"{states.count(state)} {state}") for state in BADGES
                         if state in states))
    rows = "\n".join(f"| {line.name.replace(' ', NO_BREAK)} | {BADGES[line.state]} | {escape(line.text)} |"
                     for line in candidate.lines)
    table = f"| Question | Answer | What was found |\n|---|---|---|\n{rows}"
    if alone:
        st.markdown(table)
        return
    with st.expander("Audit", expanded=bool({WARNED, REFUSED} & set(states))):
        st.markdown(table)


def _show_first_films(candidate: Candidate, key: str) -> None:
    columns = {display_name(finding): candidate.scores[:PREVIEW, candidate.table.findings.index(finding)]
               for finding in candidate.file.columns}
    with st.expander("The first films as they were read"):
        widgets.show_table(pd.DataFrame({"Film": candidate.image_ids[:PREVIEW]} | columns), hide_index=True,
                           placeholder="–", alt="The first films with their scores", key=f"import_first_{key}",
                           column_config={display_name(finding): widgets.number(
                               "score", format="%.4f", more=f"Of the column '{escape(column)}'.")
                               for finding, column in candidate.file.columns.items()})
        st.caption("As probabilities, findings in the data set's order.")
