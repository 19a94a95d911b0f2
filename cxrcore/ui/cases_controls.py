"""What the Cases page is asked for: runs, films, page; all of it stands in the link."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrcore.ui import cached, curves_view, runs_view, shell, threshold_session, widgets
from cxrcore.ui.threshold_state import parse_key

MAX_RUNS = curves_view.MAX_RUNS
CELLS = {"Missed": "fn", "False alarms": "fp", "Found": "tp", "Left alone": "tn"}  # {as in the link: cell}
NEAREST, ALL_MISS, DISAGREE = "Nearest to the threshold", "All runs miss", "Runs disagree"
MEANINGS = ("Missed: the label says yes, no alarm (FN). False alarms: the label says no, an alarm (FP). Found: TP. "
            "Left alone: TN. The surest mistakes come first. All runs miss and Runs disagree take each run at its own "
            "thresholds.")
A_PAGE = 24
RUN_WIDTH, FINDING_WIDTH, FILMS_WIDTH, PAGE_WIDTH = 212, 190, 240, 130  # pixels: all controls in one row on a desk

_LISTED = "cases_listed"


def take_over_the_board() -> None:
    """Who comes through the menu, whose links carry no parameters, finds the thresholds that stand on the board."""
    def said() -> tuple:
        return shell.thresholds_in_link(), shell.finding_in_link()

    before = said()
    threshold_session.begin()
    if said() != before:
        st.rerun()  # widgets read the link before the page runs


def run_pickers(overview: cached.Overview, chosen: Sequence[str], statuses: Mapping[str, str]) -> list[str]:
    """The run in focus with those beside it; none where all are archived."""
    pickable = overview.runs[~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    if not chosen:
        groups = runs_view.groups(pickable, overview.board, overview.datasets, statuses, "test")
        chosen = curves_view.default_runs(groups)[:1] or list(pickable["run_id"][:1])
        shell.put_runs_in_link(chosen)
    run_ids = list(chosen[:MAX_RUNS])
    if not run_ids:
        return []
    labels = runs_view.run_labels(overview.runs)
    options = {run_id: labels[run_id] for run_id in pickable["run_id"]}
    st.session_state["cases_run"], st.session_state["cases_others"] = run_ids[0], run_ids[1:]
    st.selectbox("Run", list(options), format_func=options.__getitem__, key="cases_run", width=RUN_WIDTH,
                 on_change=_choose_run, args=(run_ids, overview.board), help="The run whose films are shown.")
    beside = f"Compare ({len(run_ids) - 1})" if len(run_ids) > 1 else "Compare"
    with st.popover(beside, help="Runs for “All runs miss” and “Runs disagree”"):
        st.multiselect(f"Runs beside it, up to {MAX_RUNS - 1}", [run_id for run_id in options if run_id != run_ids[0]],
                       format_func=options.__getitem__, key="cases_others", max_selections=MAX_RUNS - 1,
                       on_change=lambda: shell.put_runs_in_link([run_ids[0], *st.session_state["cases_others"]]))
    if len(chosen) > MAX_RUNS:
        st.caption(f"The first {MAX_RUNS} of {len(chosen)} chosen runs.", width="content")
    return run_ids


def _choose_run(before: Sequence[str], board: pd.DataFrame) -> None:
    """Lead to another run; a stored set, or a threshold set by hand, is of the run before and stays behind."""
    run_id = st.session_state["cases_run"]
    shell.put_runs_in_link([run_id, *(other for other in before[1:] if other != run_id)])
    parts = {None, *board.loc[board["run_id"] == run_id, "split"]}
    keys = [key if (fit := parse_key(key or "")) and fit.part in parts else None
            for key in shell.thresholds_in_link()[:2]]
    shell.put_thresholds_in_link(*keys, [])


def finding_picker() -> str:
    """The finding whose films are shown; ends the page at an unknown one."""
    with st.container(width=FINDING_WIDTH):
        return widgets.finding_picker("The finding whose films are shown.")


def films_picker() -> str:
    """Which films: of `CELLS`, NEAREST, ALL_MISS or DISAGREE; ends the page at an unknown one."""
    with st.container(width=FILMS_WIDTH):
        which = widgets.choice_in_link("Films", "films", [*CELLS, NEAREST, ALL_MISS, DISAGREE], MEANINGS)
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
    return int(st.number_input(f"Page of {pages:,}", 1, pages, key="page", bind="query-params", width=PAGE_WIDTH,
                               disabled=pages == 1)) - 1
