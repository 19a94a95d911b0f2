"""Curves: ROC, precision-recall, scores, measures against the threshold, and reliability, of one to six runs."""

import streamlit as st

from cxrcore.charts.curves import MEASURE_TITLES
from cxrcore.curve_bands import CURVES
from cxrcore.glossary import meanings
from cxrcore.ui import (
    curves_bands,
    curves_charts,
    curves_marks,
    curves_reliability,
    curves_view,
    widgets,
)
from cxrcore.ui.bound import in_link
from cxrcore.ui.curves_view import MAX_RUNS, VIEWS, VIEWS_HELP
from cxrcore.ui.runs_page import open_runs_page, pick_part
from cxrcore.ui.threshold_view import evaluated

with open_runs_page("curves", "so there are no curves") as page:
    store, overview = page.store, page.overview
    curves_view.stop_at_unknown_finding()
    download_slot = page.pick_several("curves_picker", f"Pick up to {MAX_RUNS} runs by name", widgets.DOWNLOAD_WIDTH)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = pick_part("The split that the curves come from. Validation stands in where no run has test "
                           "predictions.")
        view = VIEWS[st.segmented_control(
            "View", list(VIEWS), default="ROC", required=True, **in_link("view"), wrap=True,
            help=VIEWS_HELP)]
        finding = curves_view.finding_picker()
        measure = "f1"
        if view == "thresholds" and finding is None:
            titles = {title: name for name, title in MEASURE_TITLES.items()}
            measure = titles[st.segmented_control("Measure", list(titles), default="F1", required=True,
                                                  **in_link("measure"), help=meanings(MEASURE_TITLES))]
        method = curves_reliability.picker() if view == "reliability" else None
        marks_slot = st.container(width=240) if view != "reliability" else None
        bands = finding is not None and view in CURVES and curves_bands.picker()

    if len(page.chosen) > MAX_RUNS:
        st.error(f"At most {MAX_RUNS} runs can be told apart in one chart, and {len(page.chosen)} are chosen. Take "
                 "some of them out above.", icon=":material/error:")
        st.stop()
    focus = page.chosen or page.best(wanted)
    if not page.chosen:
        st.caption("No run is chosen: these are the best of the newest data set and split." if focus else
                   "No run is chosen, and none has been evaluated yet.")

    rows = page.rows(focus or page.pickable["run_id"][:MAX_RUNS])
    part = curves_view.part_to_draw(wanted, list(rows["run_id"]), overview.board)
    if part != wanted:
        st.info("None of these runs was measured on a test part: these are validation curves.", icon=":material/info:")
    curves_view.say_missing(store, rows, overview.board, part, page.labels, page.statuses)
    runs = evaluated(rows, overview.board, page.labels)
    if view == "reliability":
        read = curves_reliability.reader(store, runs, method)
    else:
        with marks_slot:
            key = curves_marks.picker(store, runs)
        read = curves_view.reader(store, view)
    measured = curves_view.load(rows, overview.board, part, page.labels, read)
    if view == "reliability":
        curves_reliability.say_unfitted(runs, measured, method, part)
    if not measured:
        st.stop()

    drawn = rows[rows["run_id"].isin([one.run_id for one in measured])]
    curves_view.say_where(page.groups(drawn, part), measured)
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
