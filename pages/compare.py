"""Compare: which run is better, for which findings, and how sure that is."""

import pandas as pd
import streamlit as st

from cxrcore.data.splits import EXTERNAL
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.measures.metrics import THRESHOLDED
from cxrcore.queries import comparison, evaluated_runs
from cxrcore.queries.evaluated_runs import Evaluated, evaluated
from cxrcore.queries.repeats.measured import measured_trainings
from cxrcore.report.paper import Setting
from cxrcore.ui import link, planner, repeats, report_button, run_pages, widgets
from cxrcore.ui.compare import for_paper, sections, table, together
from cxrcore.ui.compare.sections import MEASURES, SETS
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import open_runs_page, pick_part

with open_runs_page("compare", "so there is nothing to compare") as page:
    store, overview = page.store, page.overview
    page.pick_several("compare_picker", "Pick runs by name, two or more", folds=True)
    with frame.bar():
        wanted = pick_part(overview.board, page.chosen or page.best())
        label_set = pick_labels(overview, page.chosen or page.best(wanted))
        title = st.segmented_control("Measure", list(MEASURES), default="AUROC", required=True,
                                     **in_link("by"), label_visibility="collapsed", wrap=True)
        measure = MEASURES[title]
    with st.container(horizontal=True, key="answer_line"):
        answer, asked, paper = (st.container(key="compare_answer"), st.container(width="content"),
                                st.container(width="content"))
    key = None
    with asked:
        if measure in THRESHOLDED:
            with st.container(width=290):
                said = widgets.choice_in_link("Thresholds", "at", list(SETS), "What F1, recall, precision and "
                                              "agreement are read at; each run has its own.")
            key = SETS.get(said)
        choice = repeats.choose(page, page.chosen or page.best(wanted), "compared")
    focus = choice.run_ids if choice.together else page.at_most(evaluated_runs.MAX_RUNS, choice.run_ids, "compared")
    rows = page.rows(focus)
    part = evaluated_runs.part_to_draw(wanted, focus, overview.board)
    if part != wanted:
        st.info("None of these runs was measured on a test part: these are validation numbers.", icon=":material/info:")
    run_pages.say_missing(store, rows, overview.board, part, page.labels, page.statuses)

    def data_of(run: Evaluated) -> pd.Series:
        """The data set of its films."""
        return overview.datasets.loc[run.parts[part]["dataset_id"]]

    runs = [run for run in evaluated(rows, overview, page.labels, part, label_set) if part in run.parts]
    measured = rows[rows["run_id"].isin([run.run_id for run in runs])]
    own = page.groups(measured, part)
    if len(own) > 1:
        sections.say_left_out(own, {run.run_id: data_of(run)["label_source"] for run in runs}, page.labels)
        runs = [run for run in runs if run.run_id in own[0].table.index]
    if not runs:
        st.stop()
    run_pages.say_elsewhere(overview, runs, part)
    runs, others = evaluated_runs.on_scored_findings(store, runs, part)
    run_pages.say_shared(runs, others)
    say_labels(store, runs, part)

    first = measured[measured["run_id"] == runs[0].run_id].iloc[0]
    data = data_of(runs[0])
    architectures = dict(zip(rows["run_id"], rows["architecture"], strict=True))
    with widgets.slow_share(RESAMPLING) as told:
        compared = comparison.compare(store, runs, architectures, part, key, told, link.places_in_link())
    labels = runs[0].labels.whose or data["label_source"]
    trainings = measured_trainings(choice.trainings, compared, page.styles_together(choice.trainings))
    view = together.View(compared, trainings, choice.together, choice.said)
    shown = view.shown
    sections.say_where(compared, own[0], labels, part, measure, key)
    widgets.explain_measures([*MEASURES.values(), *(together.EXPLAINED if view.together else ())])
    sections.say_start_weights(*view.starts(measured, page.labels))
    if not runs[0].is_elsewhere(part):
        widgets.oracle(measured)

    with answer:
        widgets.answer(view.answer(title, measure))
    if len(shown) == 1:
        st.caption("Choose a second run to see differences and verdicts.")
    merged = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container():
            widgets.legend([(one.run.label, one.style) for one in shown])
        against = sections.against_picker(shown, view.known(page.labels)) if len(shown) > 1 else shown[0].run.run_id
        # what others published was measured on the films' own labels
        reference = sections.published_picker(data["kind"], measure) if runs[0].labels.is_shipped else None
    base = against or shown[0].run.run_id
    name = next(one.run.label for one in shown if one.run.run_id == base)
    found, n_tests = comparison.contrasts(shown, base, measure) if against else ([], 0)
    with merged:
        view.say_what_is_what(base)
        table.draw(shown, found, base, title, measure, view.repeated)
    with paper:
        setting = Setting(data["name"], own[0].split, labels, part, title, measure, n_tests, view.for_paper(measure))
        for_paper.popover(shown, found, base, setting)
    sections.draw_charts(view.bars(measure), shown, found, name, title, reference)
    if reference:
        sections.say_published(reference, runs[0].findings, first["split_scheme"], part)

    tables: sections.Tables = {
        "Values": (f"compare_{measure}_{part}", lambda: comparison.values_table(compared, measure))}
    if found:
        sections.say_verdicts(n_tests)
        tables["Differences"] = (f"differences_{measure}_{part}", lambda: comparison.contrast_table(
            found, name, measure))
        tables |= sections.agreement_section(store, shown, part, view.read_as)
    tables |= view.section(overview.runs, title, measure, part)
    tables |= sections.cost_section(shown, overview.runs, title)
    ordered = sorted(shown, key=lambda one: one.run.run_id != base)
    planner.show_planner(lambda: [one.found for one in ordered], [one.run.label for one in ordered], runs[0].findings,
                         overview, base, part)
    sections.settings_section(measured, overview, page.labels)
    widgets.download_menu(tables)
    if part != EXTERNAL:  # a report is of the runs' own data set
        with frame.tools():
            report_button.report_popover(store, [run.run_id for run in runs], part, label_set)
