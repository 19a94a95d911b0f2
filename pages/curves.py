"""Curves: ROC, precision-recall, scores, measures against the threshold, and reliability, of up to six at once."""

import streamlit as st

from cxrcore.charts.curves import MEASURE_TITLES
from cxrcore.measures.intervals.curve_bands import CURVES
from cxrcore.queries import curves, evaluated_runs, reliability
from cxrcore.queries.evaluated_runs import MAX_RUNS, evaluated
from cxrcore.ui import finding_picker, link, repeats, run_pages, widgets
from cxrcore.ui.curves import bands as curves_bands
from cxrcore.ui.curves import charts, marks, means, reliability_view, words
from cxrcore.ui.curves.words import VIEWS
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import open_runs_page, pick_part

with open_runs_page("curves", "so there are no curves") as page:
    store, overview = page.store, page.overview
    page.pick_several("curves_picker", "Pick runs by name", folds=True)
    controls = frame.bar()
    with controls:
        wanted = pick_part(overview.board, page.chosen or page.best(), "The split that the curves come from. "
                           "Validation stands in where no run has test predictions.")
    focus = page.chosen or page.best(wanted)
    with st.container(horizontal=True, key="answer_line"):
        answer, asked = st.container(), st.container(horizontal=True, width="content")
    with asked:
        choice = repeats.choose(page, focus or list(page.pickable["run_id"][:MAX_RUNS]), "drawn")
    rows = page.rows(choice.run_ids)
    with controls:
        label_set = pick_labels(overview, list(rows["run_id"]))
    part = evaluated_runs.part_to_draw(wanted, list(rows["run_id"]), overview.board)
    known = evaluated(rows, overview, page.labels, part, label_set)
    runs, others = run_pages.share_findings(known, part)
    findings = runs[0].findings if runs else ()
    finding_picker.stop_at_unknown_finding(findings)
    finding = finding_picker.chosen_finding(findings)
    with controls:
        view = VIEWS[st.segmented_control(
            "View", list(VIEWS), default="ROC", required=True, **in_link("view"), wrap=True,
            label_visibility="collapsed")]
        options = st.popover("Options", icon=":material/tune:", help="Finding, marks of thresholds, bands")

    with options:
        finding_picker.finding_picker(findings)
        marks_slot = st.container()
        bands = view in CURVES and curves_bands.bands_picker()
    with asked:
        measure, method = "f1", None
        if view == "thresholds" and finding is None:
            titles = {title: name for name, title in MEASURE_TITLES.items()}
            measure = titles[st.segmented_control("Measure", list(titles), default="F1", required=True,
                                                  **in_link("measure"), label_visibility="collapsed")]
        if view == "reliability":
            method = reliability_view.scores_picker()
        if finding is not None:
            finding_picker.steps(findings, finding)

    if len(page.chosen) > MAX_RUNS and not choice.together:
        st.error(f"At most {MAX_RUNS} runs can be told apart in one chart, and {len(page.chosen)} are chosen. Take "
                 "some of them out above.", icon=":material/error:")
        st.stop()
    if not page.chosen and focus:
        with frame.numbers():
            st.caption("No run is chosen: these are the best of the newest data set and split.")
    elif not page.chosen:
        st.caption("No run is chosen, and none has been evaluated yet.")

    if part != wanted:
        st.info("None of these runs was measured on a test part: these are validation curves.", icon=":material/info:")
    run_pages.say_missing(store, rows, overview.board, part, page.labels, page.statuses)
    run_pages.say_elsewhere(overview, known, part)
    run_pages.say_shared(runs, others)
    say_labels(store, [run for run in runs if part in run.parts], part)
    if view == "reliability":
        read = reliability.reliability_reader(store, method)
    else:
        with marks_slot:
            key = None if choice.together and view in CURVES else marks.marks_picker(store, runs)
        read = curves.curves_reader(store, view)
    with widgets.slow_steps("Reading predictions", len(rows)) as step:
        measured = curves.read_drawn_runs(store, runs, part, read, step, link.places_in_link())
    measured = means.fold(store, page, choice, measured, runs, part, view)
    if view == "reliability":
        reliability_view.say_unfitted(runs, measured, method, part)
    if not measured:
        st.stop()

    means.say(measured, choice, view, finding)
    drawn = rows[rows["run_id"].isin([one.run_id for one in measured])]
    words.say_where(page.groups(drawn, part), measured)
    if view == "reliability":
        with answer:
            widgets.answer(reliability_view.answer(measured, finding))
        reliability_view.say_not_probabilities(measured, rows, method, finding)
        reliability_view.show_reliability(measured, finding)
        tables = reliability_view.reliability_tables(measured, method, finding, part)
    else:
        tables = charts.show(store, measured, runs, part, charts.Asked(view, finding, measure, key, bands), answer)
    widgets.download_menu(tables)
