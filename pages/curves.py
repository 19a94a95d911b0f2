"""Curves: ROC, precision-recall, scores, and measures against the threshold, of one to six runs."""

import streamlit as st

from cxrcore.charts.curves import MEASURE_TITLES
from cxrcore.ui import cached, curves_charts, curves_view, leaderboard, runs_view, shell, widgets
from cxrcore.ui.curves_view import MAX_RUNS, VIEWS

with shell.open_page("curves") as store:
    with st.skeleton(height=400):
        overview = cached.overview(store)
    statuses = cached.statuses(store, overview.runs)
    chosen = shell.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    curves_view.stop_at_unknown_finding()
    if overview.runs.empty:
        st.info(f"The results store `{store.path}` holds no runs, so there are no curves. Train one:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
        st.stop()

    labels = runs_view.run_labels(overview.runs)
    pickable = overview.runs[~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    leaderboard.picker({run_id: labels[run_id] for run_id in pickable["run_id"]}, chosen, "curves_picker",
                       f"Pick up to {MAX_RUNS} runs by name")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = runs_view.PART_NAMES[st.segmented_control(
            "Measured on", list(runs_view.PART_NAMES), default="Test", required=True, key="on", bind="query-params",
            help="The split that the curves come from. Validation stands in where no run has test predictions.")]
        view = VIEWS[st.segmented_control(
            "View", list(VIEWS), default="ROC", required=True, key="view", bind="query-params",
            help="ROC: receiver operating characteristic. PR: precision and recall. Scores: how films with and "
                 "without the finding score. Thresholds: F1, recall and precision at every threshold.")]
        finding = curves_view.finding_picker()
        measure = "f1"
        if view == "thresholds" and finding is None:
            titles = {title: name for name, title in MEASURE_TITLES.items()}
            measure = titles[st.segmented_control("Measure", list(titles), default="F1", required=True, key="measure",
                                                  bind="query-params")]
        download_slot = st.container(width="content")

    if len(chosen) > MAX_RUNS:
        st.error(f"At most {MAX_RUNS} runs can be told apart in one chart, and {len(chosen)} are chosen. Take some of "
                 "them out above.", icon=":material/error:")
        st.stop()
    if not chosen:
        groups = runs_view.groups(pickable, overview.board, overview.datasets, statuses, wanted)
        focus = curves_view.default_runs(groups)
        st.caption("No run is chosen: these are the best of the newest data set and split." if focus else
                   "No run is chosen, and none has been evaluated yet.")
    else:
        focus = chosen

    rows = overview.runs.set_index("run_id", drop=False).loc[focus or list(pickable["run_id"][:MAX_RUNS])]
    rows = rows.reset_index(drop=True)
    part = curves_view.part_to_draw(wanted, list(rows["run_id"]), overview.board)
    if part != wanted:
        st.info("None of these runs was measured on a test part: these are validation curves.", icon=":material/info:")
    curves_view.say_missing(store, rows, overview.board, part, labels, statuses)
    measured = curves_view.load(store, rows, overview.board, part, view, labels)
    if not measured:
        st.stop()

    drawn = rows[rows["run_id"].isin([one.run_id for one in measured])]
    curves_view.say_where(runs_view.groups(drawn, overview.board, overview.datasets, statuses, part), measured)
    if finding is None:
        curves_charts.all_findings(measured, view, measure)
    else:
        curves_charts.one_finding(measured, finding, view)

    with download_slot:
        widgets.download_menu({
            "AUROC and AP": (f"auroc_ap_{part}", lambda: curves_view.values_table(measured)),
            "Drawn points": (f"curves_{view}_{part}", lambda: curves_view.points_table(measured, finding)),
        })
