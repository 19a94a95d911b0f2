"""Localization: whether maps point at the boxes of the data set, beside what needs no network."""

from dataclasses import replace

import streamlit as st

from cxrcore.queries import evaluated_runs, localization
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.ui import run_pages, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.link import in_link
from cxrcore.ui.localization import films, sections
from cxrcore.ui.localization.sections import ALL, CUTS, IOBB, IOU, MEANINGS, MEASURES, POINTING
from cxrcore.ui.run_pages import open_runs_page

with open_runs_page("localization", "so no map can be measured") as page:
    store, overview = page.store, page.overview
    page.pick_several("localization_picker", f"Pick up to {evaluated_runs.MAX_RUNS} runs by name")
    controls = frame.bar()
    focus = page.at_most(evaluated_runs.MAX_RUNS, page.chosen or page.best() or page.pickable["run_id"][:1], "shown")
    rows = page.rows(focus)
    with controls:
        label_set = pick_labels(overview, focus)
    runs = evaluated(rows, overview, page.labels, label_set=label_set)
    answer = st.container(horizontal=True, key="answer_line")
    measured = localization.read_localization(store, runs, rows, overview.runs)
    if not measured:
        with answer:
            widgets.answer("No chosen run has been measured on boxes yet.")
    pictures, missing = st.empty(), st.container()
    with missing:
        sections.say_missing(store, rows, measured, overview, page.labels, page.statuses)
    if not measured:
        for group in page.groups(rows, "test"):
            widgets.badges(group)
        st.stop()

    with controls:
        method = sections.pick_method(measured)
        title = st.segmented_control("Measure", list(MEASURES), default=POINTING, required=True,
                                     **in_link("by"), help=MEANINGS)
        cut, heading = CUTS[0], title
        if title in (IOU, IOBB):
            cut = widgets.choice_in_link("Overlap above", "cut", list(CUTS), "The overlap from which a film is a hit")
            heading = f"{title} above {cut}"
    if method is None or cut is None:
        st.stop()
    named, methods = method
    if named == ALL and len(measured) > 1:
        st.info(f"All methods stand side by side for one run: this is {widgets.escape(measured[0].run.label)}. Choose "
                "one method to see the runs side by side.", icon=":material/info:")
        measured = measured[:1]

    runs, others = run_pages.share_findings([one.run for one in measured], "test")
    run_pages.say_shared(runs, others)
    measured = [replace(one, run=run) for one, run in zip(measured, runs, strict=True)]

    own = rows[rows["run_id"].isin([one.run.run_id for one in measured])]
    sections.say_where(page.groups(own, "test"), measured)
    say_labels(store, [one.run for one in measured], "test")
    shown = sections.series(measured, methods, MEASURES[title], float(cut))
    without = [one.run.label for one in measured if not set(methods) & set(one.rows["method"])]
    if without:
        st.info(f"Not measured by {named}: {widgets.escape(', '.join(without))}.", icon=":material/info:")
    with answer:
        widgets.answer(sections.answer(shown, title))
        finding = films.pick_finding(shown)
    ask_for_maps = films.show(store, pictures, shown, finding)
    sections.draw_measurements(shown, heading)
    sections.say_method(named, measured)
    table = sections.localization_table(shown, heading)
    with st.expander("As a table"):
        for one in shown:
            sections.say_verdict(one)
        widgets.show_table(table, hide_index=True, placeholder="–", alt=f"{heading} with floors",
                           column_config=sections.columns(table, MEASURES[title]))
    widgets.download_menu({"Values": ("localization", lambda: table)}, latex=True)
    ask_for_maps()
