"""Data: what a data set holds, where it can mislead, how its splits part the patients, and some of its films."""

import pandas as pd
import streamlit as st

from cxrcore.errors import DataError
from cxrcore.findings import FINDINGS, display_name
from cxrcore.ui import cached, data_reading, data_view, runs_view, shell, widgets


def choice(label: str, key: str, options: list[str], meaning: str) -> str:
    """A choice that stands in the link; a link that names something else is an error."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        st.error(f"The link asks for {label.lower()} “{asked}”, which is not in this store.",
                 icon=":material/link_off:")
        st.button("Show what is here", on_click=lambda: st.query_params.pop(key, None))
        st.stop()
    return st.selectbox(label, options, key=key, bind="query-params", help=meaning)


with shell.open_page("data") as store:
    with st.skeleton(height=400):
        overview = cached.overview(store)
    if overview.datasets.empty:
        st.info(f"The results store `{store.path}` holds no data set yet. The first training brings one:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
        st.stop()

    names = data_reading.unique_names(overview.datasets)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choice("Data set", "data", list(names), "The data sets that runs of this store were trained or measured "
                                                       "on.")
        download_slot = st.container(width="content")
    dataset_id = names[name]
    kind = overview.datasets.at[dataset_id, "kind"]
    if kind == "phantom":
        widgets.synthetic_badge()
    runs = overview.runs[overview.runs["dataset_id"] == dataset_id]

    slots = {title: st.container() for title in ("figures", "imbalance", "company", "people", "views", "split",
                                                 "films")}
    with slots["figures"], st.skeleton(height=120):
        found = data_reading.holdings(store, dataset_id)
    with slots["figures"]:
        data_view.key_figures(found)
    with slots["imbalance"]:
        st.header("How common is each finding?", anchor=False)
        data_view.imbalance(found, kind == "phantom")
    with slots["company"]:
        st.header("What stands together?", anchor=False)
        data_view.company(found)
    with slots["people"]:
        st.header("Whose films are these?", anchor=False)
        data_view.people(found)
    with slots["views"]:
        st.header("Does the way of filming give findings away?", anchor=False)
        data_view.views(found)

    with slots["films"]:
        st.header("What do films with a finding look like?", anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            titles = {display_name(finding): finding for finding in FINDINGS} | {
                data_view.NO_FINDING: data_view.NO_FINDING}
            finding = titles[choice("Finding", "finding", list(titles), "The label of the films below.")]
            turn = st.session_state.setdefault("films_turn", 0)
            st.button("Show others", icon=":material/shuffle:",
                      on_click=lambda: st.session_state.update(films_turn=turn + 1))
        data_view.films(store, found, dataset_id, finding, turn, kind, runs)

    parts = pd.DataFrame()
    with slots["split"]:  # last, since a large table takes a second to be split for the first time
        st.header("How are patients split?", anchor=False)
        keys = {runs_view.split_in_words(key.scheme, key.seed, key.fingerprint): key
                for key in data_reading.split_keys(runs)}
        if not keys:
            st.info("No run of this data set has drawn a split yet. A training draws one:", icon=":material/info:")
            widgets.command(widgets.TRAIN_COMMAND, store)
        else:
            picked = keys[choice("Split", "split", list(keys), "Those that runs of this data set use.")]
            try:
                with st.spinner("Drawing the split again", show_time=False):
                    parts = data_view.split(store, found, dataset_id, picked, runs)
            except DataError as error:
                st.warning(str(error), icon=":material/warning:")

    with download_slot:
        widgets.download_menu({
            "Findings": ("prevalence", lambda: data_view.with_no_finding(found)),
            "Findings together": ("findings_together", lambda: found.company),
            "Films per patient": ("films_per_patient", lambda: found.per_patient),
            "Ages": ("ages", lambda: found.ages),
            "Findings by view": ("findings_by_view", lambda: found.by_view),
            "Accuracy of no alarm": ("accuracy_without_alarms", lambda: found.without_alarms),
            "Split": ("split", lambda: parts),
        })
