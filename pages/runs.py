"""Runs: what has been trained or imported, how far it is, and how good; choose, compare settings, manage."""

import streamlit as st

from cxrcore.queries import from_store, run_groups
from cxrcore.ui import link, run_pages, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.runs import body, empty_store, live_training, manage

with shell.open_page("runs") as store:
    with st.skeleton(height=400):
        overview = from_store.overview(store)
    statuses = from_store.statuses(store, overview.runs)
    chosen = link.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.runs.empty:
        empty_store.offer(store)
        live_training.follow(store, overview, statuses)
        st.stop()

    labels = run_groups.run_labels(overview.runs)
    with frame.bar():
        picker_slot = st.container()
        part = run_groups.PART_NAMES[st.segmented_control(
            "Measured on", list(run_groups.PART_NAMES), default="Test", required=True, **in_link("on"),
            label_visibility="collapsed")]
        any_archived = bool(overview.runs["archived"].any())
        archived = any_archived and st.toggle("Show archived", **in_link("archived"))
        manage.manage_menu(store, overview, labels, chosen)

    shown = overview.runs[archived | ~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    with picker_slot:
        page = run_pages.RunsPage(store, overview, statuses, chosen)
        looks = page.styles_together(page.folded)
        run_pages.run_picker({run_id: labels[run_id] for run_id in shown["run_id"]}, chosen, styles=looks)
    folded = [(one, looks[one.run_ids[0]]) for one in page.folded]
    body.show(body.RunsSeen(store, overview, statuses, labels, shown, chosen, part, folded))
