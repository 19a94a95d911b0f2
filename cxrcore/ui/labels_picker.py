"""The switch Labels: against which reading of the films everything on a page is measured; it stands in the link."""

from collections.abc import Sequence

import streamlit as st

from cxrcore.errors import FindingError
from cxrcore.findings import display_name, one_of
from cxrcore.queries.evaluated_runs import Evaluated, readable
from cxrcore.queries.from_store import Overview
from cxrcore.queries.labels.label_set_in_words import MEANING, label_set_in_words
from cxrcore.store import OWN, Store
from cxrcore.ui import link, widgets
from cxrcore.ui.finding_picker import FINDING
from cxrcore.ui.frame import frame
from cxrcore.ui.link import LABELS, LAST_LABELS, forget

WHOSE = ("Whose reading of the films everything is measured on. Own: the labels that the data set came with. “Own on "
         "…”: these again, on the very films that the other set has read, so that the two compare. Data, Label sets, "
         "adds others.")


def pick_labels(overview: Overview, run_ids: Sequence[str]) -> str:
    """The title of the label set that the link asks for.

    The switch stands only where a data set of the runs has more than one. Ends the page at one that none of these
    data sets has.
    """
    rows = overview.board[overview.board["run_id"].isin(run_ids)]
    runs = overview.runs[overview.runs["run_id"].isin(run_ids)]
    datasets = dict.fromkeys([*rows["dataset_id"], *runs["dataset_id"]])
    sets = [one for dataset_id in datasets for one in readable(overview.labels_of(dataset_id))]
    titles = list(dict.fromkeys(one.title for one in sets))
    if not titles:  # no run: the page says so
        return OWN
    if LABELS not in st.query_params:
        if st.session_state.get(LABELS, OWN) not in titles:  # carried over from a page of other films
            del st.session_state[LABELS]
        if len(titles) < 2:
            return OWN
    with st.container(width=190):
        title = widgets.choice_in_link("Labels", LABELS, titles, WHOSE)
    if title is None:
        st.stop()
    if st.session_state.get(LAST_LABELS, title) != title:
        _leave_finding([finding for one in sets if one.title == title for finding in one.findings])
    st.session_state[LAST_LABELS] = title
    return title


def _leave_finding(findings: Sequence[str]) -> None:
    """Whoever switches to labels that do not have the open finding sees others, not an error of the link."""
    try:
        one_of(findings, link.finding_in_link() or findings[0])
    except FindingError:
        if FINDING in st.session_state:  # a widget of this page holds it, and the link with it
            st.session_state[FINDING] = display_name(findings[0])
        else:
            forget(FINDING)


def say_labels(store: Store, runs: Sequence[Evaluated], part: str) -> None:
    """Whose labels are read, on how many films, and what does not compare; nothing where these are the films' own."""
    if said := label_set_in_words(store, runs, part):
        source = next((run.labels.source for run in runs if run.labels.source), "")
        with frame.numbers():
            st.caption(widgets.escape(said), help=widgets.escape(f"{MEANING} Source: {source}." if source else MEANING))
