"""Subgroups: whether the network misses more in some groups of patients, and how sure that is."""

import streamlit as st

from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.measures.subgroups import gaps, intervals
from cxrcore.queries import evaluated_runs, subgroups
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.subgroups import GROUPING_TITLES, MEASURE_TITLES
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.ui import run_pages, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import ALL_ARCHIVED, open_runs_page, pick_part
from cxrcore.ui.subgroups import sections, words

with open_runs_page("subgroups", "so there are no groups to read") as page:
    store, overview = page.store, page.overview
    with frame.bar():
        run_id = sections.run_picker(page)
        if run_id is None:
            st.info(ALL_ARCHIVED, icon=":material/info:")
            st.stop()
        wanted = pick_part(overview.board, [run_id])
        label_set = pick_labels(overview, [run_id])
        grouping = GROUPING_TITLES[st.segmented_control(
            "Grouping", list(GROUPING_TITLES), default="Sex", required=True, **in_link("groups"),
            label_visibility="collapsed")]
        title = st.segmented_control(
            "Measure", list(MEASURE_TITLES), default="Recall", required=True, **in_link("rate"),
            label_visibility="collapsed")
        measure = MEASURE_TITLES[title]

    rows = page.rows([run_id])
    part = evaluated_runs.part_to_draw(wanted, [run_id], overview.board)
    if part != wanted:
        st.info("This run was not measured on a test part: these are validation numbers.", icon=":material/info:")
    run_pages.say_missing(store, rows, overview.board, part, page.labels, page.statuses)
    run = evaluated(rows, overview, page.labels, part, label_set)[0]
    if part not in run.parts:
        st.stop()
    run_pages.say_elsewhere(overview, [run], part)
    say_labels(store, [run], part)

    source = find_set(store, run, default_key(run))
    with st.container(horizontal=True, key="answer_line"):
        answer, asked = st.container(), st.container(width="content")
    with widgets.slow_share(RESAMPLING) as told:
        found = subgroups.in_groups(store, run, part, grouping, source, told)
    sections.say_where(run, found, part, source, measure, page.groups(rows, part)[0])
    widgets.explain_measures(MEASURE_TITLES.values())

    tables = {}
    if not found.found:
        with answer:
            widgets.answer("No group has films of two patients or more, so none can be measured. Another grouping may.")
        sections.say_groups(found)
    else:
        measured = intervals(found.found, measure)
        bars = subgroups.bars(found, measured)
        widgets.legend([(one.name, one.style) for one in bars])
        with asked:
            reference = sections.reference_picker(found) if len(bars) > 1 else found.largest
        parted = gaps(found.found, reference, measure) if len(bars) > 1 else []
        with answer:
            widgets.answer(words.answer(found, parted, reference, title) if parted else
                           "All measured films belong to one group, so there is no gap to take. Another grouping may "
                           "part them.")
        sections.draw_charts(found, measured, parted, reference, measure)
        sections.say_groups(found)
        sections.say_suppressed(found)
        name = f"subgroups_{grouping}_{measure}_{part}"
        tables["Values"] = (name, lambda: subgroups.values_table(found, measured, measure))
        if parted:
            sections.say_gaps(found, parted, measured, reference, measure)
            tables["Summary"] = (f"summary_{name}", lambda: subgroups.summary_table(
                found, measured, parted, reference))
            tables["Gaps"] = (f"gaps_{grouping}_{measure}_{part}", lambda: subgroups.gaps_table(
                found, parted, reference, measure))

    if pair := sections.shortcut_section(store, run, part):
        tables["View alone"] = (f"view_alone_{part}", lambda pair=pair: subgroups.shortcut_table(pair, run))
    widgets.download_menu(tables, latex=True)
