"""Localization: whether maps point at the boxes that people drew, beside what needs no network."""

import streamlit as st

from cxrcore.ui import (
    cached,
    curves_view,
    leaderboard,
    localization_reading,
    localization_view,
    runs_view,
    shell,
    widgets,
)
from cxrcore.ui.localization_view import ALL, CUTS, IOBB, IOU, MEANINGS, MEASURES, POINTING
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
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    groups = runs_view.groups(pickable, overview.board, overview.datasets, statuses, "test")
    focus = (chosen or curves_view.default_runs(groups) or list(pickable["run_id"][:1]))[: curves_view.MAX_RUNS]
    if len(chosen) > curves_view.MAX_RUNS:
        st.info(f"The first {curves_view.MAX_RUNS} of {len(chosen)} chosen runs are shown.", icon=":material/info:")
    rows = overview.runs.set_index("run_id", drop=False).loc[focus].reset_index(drop=True)
    measured = localization_reading.read(store, evaluated(rows, overview.board, labels), rows, overview.runs)
    localization_view.say_missing(store, rows, measured, overview, labels, statuses)
    if not measured:
        for group in runs_view.groups(rows, overview.board, overview.datasets, statuses, "test"):
            widgets.badges(group)
        st.stop()

    with controls:
        method = localization_view.pick_method(measured)
        title = st.segmented_control("Measure", list(MEASURES), default=POINTING, required=True, key="by",
                                     bind="query-params", help=MEANINGS)
        cut, heading = CUTS[0], title
        if title in (IOU, IOBB):
            cut = widgets.choice_in_link("Overlap above", "cut", list(CUTS), "The overlap from which a film is a hit")
            heading = f"{title} above {cut}"
        download_slot = st.container(width="content")
    if method is None or cut is None:
        st.stop()
    named, methods = method
    if named == ALL and len(measured) > 1:
        st.info(f"All methods stand side by side for one run: this is {widgets.escape(measured[0].run.label)}. Choose "
                "one method to see the runs side by side.", icon=":material/info:")
        measured = measured[:1]

    own = rows[rows["run_id"].isin([one.run.run_id for one in measured])]
    localization_view.say_where(
        runs_view.groups(own, overview.board, overview.datasets, statuses, "test"), measured)
    shown = localization_view.series(measured, methods, MEASURES[title], float(cut))
    without = [one.run.label for one in measured if not set(methods) & set(one.rows["method"])]
    if without:
        st.info(f"Not measured by {named}: {widgets.escape(', '.join(without))}.", icon=":material/info:")
    localization_view.draw(shown, heading)
    localization_view.say_method(named, measured)
    table = localization_view.table(shown, heading)
    with st.expander("As a table"):
        st.dataframe(table, hide_index=True, placeholder="–", alt=f"{heading} with floors", 
                     column_config=localization_view.columns(table, MEASURES[title]))
    with download_slot:
        widgets.download_menu({"Values": ("localization", lambda: table)}, latex=True)
