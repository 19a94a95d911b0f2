"""Data: what a data set holds, where it can mislead, some of its films, and how its splits part the patients."""

import streamlit as st

from cxrcore import config
from cxrcore.errors import DataError
from cxrcore.queries import data_set, from_store
from cxrcore.ui import shell, widgets
from cxrcore.ui.data import counts, film_wall, label_sets, split_shares
from cxrcore.ui.frame import frame

with shell.open_page("data") as store:
    with st.skeleton(height=400):
        overview = from_store.overview(store)
    if overview.datasets.empty:
        st.info(f"The results store {widgets.bold(store.key)} holds no data set yet. The first training brings one:",
                icon=":material/info:")
        widgets.command(config.TRAIN_COMMAND, store)
        st.stop()

    with frame.bar():
        dataset_id = counts.data_set_picker(overview.datasets)
    kind = overview.datasets.at[dataset_id, "kind"]
    if kind == "phantom":
        widgets.synthetic_badge()
    runs = overview.runs[overview.runs["dataset_id"] == dataset_id]

    with st.skeleton(height=600):
        found = data_set.holdings(store, dataset_id)
    widgets.answer(counts.answer(found))
    counts.explain_figures(found)
    chart, films = st.columns([5, 6], gap="large")
    with chart:
        counts.prevalence(found, kind)
        counts.accuracy(found, kind)
    with films:
        film_wall.films(store, found, kind, runs)
    st.header("What stands together?", anchor=False)
    counts.company(found)
    st.header("Does the way of filming give findings away?", anchor=False)
    counts.views(found)
    st.header("Whose films are these?", anchor=False)
    counts.people(found)
    label_tables = label_sets.sections(store, overview, dataset_id)

    frame.end()
    st.header("How are patients split?", anchor=False)  # last, since a large table takes long to be split again
    split = None
    picked = split_shares.split_picker(store, dataset_id, runs)
    if picked:
        try:
            split = split_shares.split(store, found, picked, runs)
        except DataError as error:
            st.warning(widgets.escape(str(error)), icon=":material/warning:")

    tables = {
        "Findings": ("prevalence", lambda: counts.with_no_finding(found)),
        "Findings together": ("findings_together", lambda: found.company),
        "Findings per film": ("findings_per_film", lambda: found.per_film),
        "Findings by view": ("findings_by_view", lambda: found.by_view),
        "Films per patient": ("films_per_patient", lambda: found.per_patient),
        "Follow-ups": ("follow_ups", lambda: found.follow_ups),
        "Ages": ("ages", lambda: found.ages),
        "Accuracy of no alarm": ("accuracy_without_alarms", lambda: found.without_alarms),
    } | label_tables
    if split:
        tables |= {"Parts of the split": ("split_parts", lambda split=split: split.composition),
                   "Findings by part": ("split_findings", lambda split=split: split.by_part),
                   "Patients on both sides": ("split_leaks", lambda split=split: split.leaks)}
    widgets.download_menu(tables)
