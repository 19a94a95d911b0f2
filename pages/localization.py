"""Localization: whether maps point at the boxes that radiologists drew, beside what needs no network."""

import streamlit as st

from cxrcore.ui import cached, curves_view, leaderboard, localization_view, runs_view, shell, widgets
from cxrcore.ui.explain_page import METHODS
from cxrcore.ui.localization_view import ALL, CUTS, IOBB, IOU, MEANINGS, MEASURES, NAMES
from cxrcore.ui.threshold_view import evaluated

with shell.open_page("localization") as store:
    with st.skeleton(height=400):
        overview = cached.overview(store)
    statuses = cached.statuses(store, overview.runs)
    chosen = shell.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.runs.empty:
        st.info(f"The results store `{store.path}` holds no runs, so no map can be measured. Train one:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
        st.stop()

    labels = runs_view.run_labels(overview.runs)
    pickable = overview.runs[~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    leaderboard.picker({run_id: labels[run_id] for run_id in pickable["run_id"]}, chosen, "localization_picker",
                       f"Pick up to {curves_view.MAX_RUNS} runs by name")
    groups = runs_view.groups(pickable, overview.board, overview.datasets, statuses, "test")
    focus = (chosen or curves_view.default_runs(groups))[: curves_view.MAX_RUNS]
    rows = overview.runs.set_index("run_id", drop=False).loc[focus].reset_index(drop=True)
    runs = [run for run in evaluated(rows, overview.board, labels) if "test" in run.parts]
    found = localization_view.rows_of(store, runs)
    measured = [run for run in runs if (found["run_id"] == run.run_id).any()]
    for run_id in focus:
        if run_id not in {run.run_id for run in measured}:
            st.info(f"{widgets.escape(labels[run_id])} was not measured on boxes yet. This does it, where its data set "
                    "has boxes on test films:", icon=":material/info:")
            widgets.command(f"python scripts/gradcam.py --boxes --run {run_id}", store)
    if not measured:
        st.stop()

    with st.container(horizontal=True, vertical_alignment="bottom"):
        there = [NAMES[name] for name in METHODS.values() if (found["method"] == name).any()]
        one = len(measured) == 1
        shown = widgets.choice_in_link("Method", "method", [ALL, *there] if one and len(there) > 1 else there,
                                       "How the maps were made")
        title = st.segmented_control("Measure", list(MEASURES), default="Pointing game", required=True, key="by",
                                     bind="query-params", help=MEANINGS)
        cut = "0.1"
        if title in (IOU, IOBB):
            cut = widgets.choice_in_link("Overlap above", "cut", list(CUTS), "What counts as a hit")
        download_slot = st.container(width="content")
    if shown is None or cut is None:
        st.stop()

    first = rows.set_index("run_id").loc[[run.run_id for run in measured]]
    group = runs_view.groups(rows[rows["run_id"] == measured[0].run_id], overview.board, overview.datasets, statuses,
                             "test")[0]
    widgets.badges(group)
    st.caption(f"{widgets.escape(group.title)} · {widgets.escape(group.split)} · only test films with boxes; boxes on "
               "films that the run was trained on do not count")
    methods = [METHODS[name] for name in (there[:5] if shown == ALL else [shown])]
    results = localization_view.localized(found, measured, list(first["architecture"]), methods, MEASURES[title],
                                          float(cut))
    if not results:
        st.info(f"None of these runs was measured by {shown}.", icon=":material/info:")
        st.stop()
    heading = f"{title} > {cut}" if title in (IOU, IOBB) else title
    localization_view.draw(results, heading)
    table = localization_view.table(results, heading)
    with st.expander("As a table"):
        st.dataframe(table, hide_index=True, placeholder="–", alt=f"{heading} with floors", column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[3:-1]})
    with download_slot:
        widgets.download_menu({"Values": ("localization", lambda: table)}, latex=True)
