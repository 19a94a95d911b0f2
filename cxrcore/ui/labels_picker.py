"""The switch Labels: against which reading of the films everything on a page is measured; it stands in the link."""

from collections.abc import Sequence

import streamlit as st

from cxrcore.findings import display_name
from cxrcore.measures import derived
from cxrcore.queries import from_store
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.from_store import Overview
from cxrcore.store import CSV, Store
from cxrcore.ui import widgets

KEY = "labels"  # in the link
MOST_NAMED = 6  # findings
OWN = "Own"  # how the labels are called that a data set came with
MEANING = ("Whose reading of the films everything is measured on. Own: the labels that the data set came with. Data, "
           "Label sets, adds others.")


def pick_labels(overview: Overview, run_ids: Sequence[str]) -> str:
    """The label set that the link asks for; the switch stands only where a data set of the runs has more than one.

    Ends the page at a set that none of these runs' data sets has.
    """
    rows = overview.board[overview.board["run_id"].isin(run_ids)]
    runs = overview.runs[overview.runs["run_id"].isin(run_ids)]
    datasets = dict.fromkeys([*rows["dataset_id"], *runs["dataset_id"]])
    names = list(dict.fromkeys(one.name for dataset_id in datasets for one in overview.labels_of(dataset_id)))
    if len(names) < 2 and KEY not in st.query_params:
        return CSV
    titles = {OWN if name == CSV else name: name for name in names}
    with st.container(width=150):
        title = widgets.choice_in_link("Labels", KEY, list(titles), MEANING)
    if title is None:
        st.stop()
    return titles[title]


def say_labels(store: Store, runs: Sequence[Evaluated], part: str) -> None:
    """Whose labels are read, on how many films, which findings they have, and what does not compare; '' for the own."""
    other = next((run for run in runs if run.labels.name != CSV), None)
    if other is None:
        return
    labels, of = other.labels, other.read(part)
    n, all_films = len(from_store.predictions(store, of).image_ids), int(other.parts[part]["n"])
    own = other.own[labels.dataset_id].findings
    said = f"Labels: **{widgets.escape(labels.name)}**, which have read {n:,} of these {all_films:,} films for "
    said += ", ".join(map(display_name, labels.findings)) + "."
    if missing := [display_name(finding) for finding in own if finding not in labels.findings]:
        said += f" Not read: {', '.join(missing) if len(missing) <= MOST_NAMED else f'{len(missing)} other findings'}."
    made = [f"{display_name(finding)} scores {derived.formula([display_name(part) for part in parts])}"
            for finding, parts in labels.derived]
    said += f" {'; '.join(made)}." if made else ""
    meaning = ("Thresholds stay those of the chosen set, whatever labels they were fitted on. F1 and precision depend "
               "on how common a finding is by its labels, so they do not compare across label sets. Nothing is ranked "
               "across them.")
    st.caption(said, help=meaning + (f" Source: {labels.source}." if labels.source else ""))
