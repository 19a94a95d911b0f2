"""Subgroups: whether the network misses more in some groups of patients, and how sure that is."""

import streamlit as st

from cxrcore.charts.dot_rows import dot_rows
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.glossary import meaning
from cxrcore.measures.subgroups import gaps, intervals
from cxrcore.queries import evaluated_runs, subgroups
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.queries.subgroups import AXES, GROUPING_TITLES, MEASURE_TITLES, SHORT
from cxrcore.queries.threshold_sets import default_key, find_set
from cxrcore.ui import link, run_pages, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import ALL_ARCHIVED, open_runs_page, pick_part
from cxrcore.ui.subgroups import sections

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
    with widgets.slow_share(RESAMPLING) as told:
        found = subgroups.in_groups(store, run, part, grouping, source, told)
    group = page.groups(rows, part)[0]
    sections.say_where(run, found, part, source, measure, group)
    sections.say_groups(found)

    tables = {}
    if not found.found:
        st.info("No group has films of two patients or more, so none can be measured. Another grouping may.",
                icon=":material/info:")
    else:
        measured = intervals(found.found, measure)
        bars = subgroups.bars(found, measured)
        widgets.legend([(one.name, one.style) for one in bars])
        widgets.chart(dot_rows(f"{AXES[measure]} with 95 % intervals", f"{AXES[measure]}, 0 to 1", bars, found.names),
                      f"subgroups_{grouping}_{measure}", f"{AXES[measure]} of each finding and group, with intervals")
        sections.say_suppressed(found)
        name = f"subgroups_{grouping}_{measure}_{part}"
        tables["Values"] = (name, lambda: subgroups.values_table(found, measured, measure))

    if len(found.found) == 1:
        st.info("All measured films belong to one group, so there is no gap to take. Another grouping may part them.",
                icon=":material/info:")
    elif found.found:
        st.header("How large is the gap?", anchor=False)
        reference = sections.reference_picker(found)
        parted = gaps(found.found, reference, measure)
        gap, meant = subgroups.definition(found, parted, reference, measure)
        st.markdown(f"**{gap}** {meant}")
        st.markdown("\n".join(f"- {before}**{name}**{said}" for before, name, said in
                              subgroups.in_words(found, parted, reference, measure)))
        bars = subgroups.gap_bars(found, parted)
        widgets.legend([(one.name, one.style) for one in bars])
        widgets.chart(dot_rows(f"Gap to {found.called(reference)}", f"Gap in {SHORT[measure]}", bars, found.names,
                               upright=0),
                      f"gaps_{grouping}_{measure}", f"Gaps in {AXES[measure]} to {found.called(reference)}")
        st.caption(subgroups.family(parted))
        shown = subgroups.shown_gaps(found, parted, measured, reference, measure)
        widgets.show_table(shown, hide_index=True, placeholder="–", alt="Gaps of each finding and group",
                           height=subgroups.height(shown), column_config={
            **dict.fromkeys(shown.columns[2:4], widgets.number(measure, format="%.3f")),
            "Gap": widgets.number("gap", format="%+.3f"), "p": widgets.number("p", format="%.2g"),
            "95 % interval": st.column_config.TextColumn(help=meaning("interval", "Here of the gap."))})
        tables["Summary"] = (f"summary_{name}", lambda: subgroups.summary_table(
            found, measured, parted, reference))
        tables["Gaps"] = (f"gaps_{grouping}_{measure}_{part}", lambda: subgroups.gaps_table(
            found, parted, reference, measure))

    with widgets.slow_share("Reading the view alone") as told:
        pair = subgroups.shortcut(store, run, part, told)
    sections.shortcut_section(pair, run, link.styles([run_id])[run_id])
    if pair:
        tables["View alone"] = (f"view_alone_{part}", lambda pair=pair: subgroups.shortcut_table(pair, run))
    widgets.download_menu(tables, latex=True)
