"""What the Cases page is asked for: runs, films, page; all of it stands in the link."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrcore.config import is_read_only
from cxrcore.queries import evaluated_runs
from cxrcore.ui import link, widgets
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import RunsPage, pick_run_and_others
from cxrcore.ui.thresholds import session

MAX_RUNS = evaluated_runs.MAX_RUNS
CELLS = {"Missed": "fn", "False alarms": "fp", "Found": "tp", "Left alone": "tn"}  # {as in the link: cell}
NEAREST, ALL_MISS, DISAGREE = "Nearest to the threshold", "All runs miss", "Runs disagree"
REFERRED = "Referred to a person"
QUEUE = "Label queue"
MEANINGS = ("Missed: the label says yes, no alarm (FN). False alarms: the label says no, an alarm (FP). Found: TP. "
            "Left alone: TN. Referred: from the threshold up to the upper line. The surest mistakes come first. "
            "All runs miss and Runs disagree take each run at its own thresholds. Label queue: films whose label may "
            "be wrong, to be read again.")
A_PAGE = 24
RUN_WIDTH, FINDING_WIDTH, FILMS_WIDTH, PAGE_WIDTH = 212, 190, 240, 130  # pixels: all controls in one row on a desk

_LISTED = "cases_listed"


def take_over_the_board() -> None:
    """Who comes through the menu, whose links carry no parameters, finds the thresholds that stand on the board."""
    def said() -> tuple:
        return link.thresholds_in_link(), link.finding_in_link()

    before = said()
    session.begin()
    if said() != before:
        st.rerun()  # widgets read the link before the page runs


def run_pickers(page: RunsPage) -> list[str]:
    """The run in focus with those beside it; none where all are archived."""
    return pick_run_and_others(page, "cases", MAX_RUNS, RUN_WIDTH, "The run whose films are shown.",
                               "Runs for “All runs miss” and “Runs disagree”")


def finding_picker(place: DeltaGenerator, findings: Sequence[str]) -> str:
    """The finding whose films are shown; ends the page at an unknown one.

    Args:
        place: `FINDING_WIDTH` wide; filled when the runs are known, and with them the findings.
    """
    with place:
        return widgets.finding_picker(findings, "The finding whose films are shown.")


def films_picker() -> str:
    """Which films: of `CELLS`, REFERRED, NEAREST, ALL_MISS, DISAGREE or QUEUE; ends the page at an unknown one.

    Without QUEUE where nothing may be changed: what is read there is saved as a label set.
    """
    listed = [*CELLS, REFERRED, NEAREST, ALL_MISS, DISAGREE, *([] if is_read_only() else [QUEUE])]
    with st.container(width=FILMS_WIDTH):
        which = widgets.choice_in_link("Films", "films", listed, MEANINGS)
    if which is None:
        st.stop()
    return which


def page_picker(n: int, listed: Sequence[object]) -> int:
    """Which of the pages of n films, from 0; stands in the link.

    Args:
        listed: what the films are of; another list begins at its first page.
    """
    pages = max(1, -(-n // A_PAGE))
    if st.session_state.setdefault(_LISTED, listed) != listed or st.session_state.get("page", 1) > pages:
        st.session_state["page"] = 1
    st.session_state[_LISTED] = listed
    # Also where there is one page: a control that comes and goes would move the others, and leave its number in the
    # link.
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        page = st.number_input("Page", 1, pages, **in_link("page"), width=PAGE_WIDTH, disabled=pages == 1,
                               label_visibility="collapsed")
        st.caption(f"of {pages:,} {'page' if pages == 1 else 'pages'}", width="content")
    return int(page) - 1
