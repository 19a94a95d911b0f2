"""Curves: ROC, precision-recall, scores, measures against the threshold, and reliability, of one to six runs."""

import streamlit as st

from cxrcore.charts.curves import MEASURE_TITLES
from cxrcore.curve_bands import CURVES
from cxrcore.glossary import meanings
from cxrcore.ui import (
    cached,
    curves_bands,
    curves_charts,
    curves_marks,
    curves_reliability,
    curves_view,
    leaderboard,
    runs_view,
    shell,
    widgets,
)
from cxrcore.ui.curves_view import MAX_RUNS, VIEWS, VIEWS_HELP
from cxrcore.ui.threshold_view import evaluated

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
            "View", list(VIEWS), default="ROC", required=True, key="view", bind="query-params", wrap=True,
            help=VIEWS_HELP)]
        finding = curves_view.finding_picker()
        measure = "f1"
        if view == "thresholds" and finding is None:
            titles = {title: name for name, title in MEASURE_TITLES.items()}
            measure = titles[st.segmented_control("Measure", list(titles), default="F1", required=True, key="measure",
                                                  bind="query-params", help=meanings(MEASURE_TITLES))]
        method = curves_reliability.picker() if view == "reliability" else None
        marks_slot = st.container(width=240) if view != "reliability" else None
        bands = finding is not None and view in CURVES and curves_bands.picker()
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
    runs = evaluated(rows, overview.board, labels)
    if view == "reliability":
        read = curves_reliability.reader(store, runs, method)
    else:
        with marks_slot:
            key = curves_marks.picker(store, runs)
        read = curves_view.reader(store, view)
    measured = curves_view.load(rows, overview.board, part, labels, read)
    if view == "reliability":
        curves_reliability.say_unfitted(runs, measured, method, part)
    if not measured:
        st.stop()

    drawn = rows[rows["run_id"].isin([one.run_id for one in measured])]
    curves_view.say_where(runs_view.groups(drawn, overview.board, overview.datasets, statuses, part), measured)
    if view == "reliability":
        curves_reliability.say_not_probabilities(measured, rows, method, finding)
        curves_reliability.show(measured, finding)
        tables = curves_reliability.tables(measured, method, finding, part)
    else:
        marked = curves_marks.mark(store, measured, runs, key)
        measured = curves_bands.add(store, marked.runs, finding, view) if bands else marked.runs
        notes = curves_marks.notes(marked, runs, part, finding)
        notes += curves_bands.notes(store, measured, finding) if bands else []
        if finding is None:
            curves_charts.all_findings(measured, view, measure, notes)
        else:
            curves_charts.one_finding(measured, finding, view, notes)
        tables = {
            "AUROC and AP": (f"auroc_ap_{part}", lambda: curves_view.values_table(measured)),
            "Drawn points": (f"curves_{view}_{part}", lambda: curves_view.points_table(measured, finding)),
        } | curves_marks.tables(marked, part) | (curves_bands.tables(measured, view, part) if bands else {})
    with download_slot:
        widgets.download_menu(tables)
