"""Compare: which run is better, for which findings, and how sure that is."""

import streamlit as st

from cxrcore.metrics import THRESHOLDED
from cxrcore.ui import (
    agreement,
    cached,
    compare_reading,
    compare_view,
    curves_view,
    leaderboard,
    run_settings,
    runs_view,
    shell,
    widgets,
)
from cxrcore.ui.compare_view import MEANINGS, MEASURES, SETS
from cxrcore.ui.report import button as report_button
from cxrcore.ui.threshold_view import evaluated

with shell.open_page("compare") as store:
    with st.skeleton(height=400):
        overview = cached.overview(store)
    statuses = cached.statuses(store, overview.runs)
    chosen = shell.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.runs.empty:
        st.info(f"The results store `{store.path}` holds no runs, so there is nothing to compare. Train some:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
        st.stop()

    labels = runs_view.run_labels(overview.runs)
    pickable = overview.runs[~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    leaderboard.picker({run_id: labels[run_id] for run_id in pickable["run_id"]}, chosen, "compare_picker",
                       f"Pick 2 to {curves_view.MAX_RUNS} runs by name")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = runs_view.PART_NAMES[st.segmented_control(
            "Measured on", list(runs_view.PART_NAMES), default="Test", required=True, key="on", bind="query-params",
            help="The split that all numbers come from.")]
        title = st.segmented_control("Measure", list(MEASURES), default="AUROC", required=True, key="by",
                                     bind="query-params", help=MEANINGS)
        measure = MEASURES[title]
        key = None
        if measure in THRESHOLDED:
            said = widgets.choice_in_link("Thresholds", "at", list(SETS), "What F1, recall, precision and agreement "
                                          "are read at; each run has its own.")
            key = SETS.get(said)
        reference_slot, download_slot = st.container(width="content"), st.container(width="content")

    groups = runs_view.groups(pickable, overview.board, overview.datasets, statuses, wanted)
    focus = (chosen or curves_view.default_runs(groups))[: curves_view.MAX_RUNS]
    if len(chosen) > curves_view.MAX_RUNS:
        st.info(f"The first {curves_view.MAX_RUNS} of {len(chosen)} chosen runs are compared.", icon=":material/info:")
    rows = overview.runs.set_index("run_id", drop=False).loc[focus].reset_index(drop=True)
    part = curves_view.part_to_draw(wanted, focus, overview.board)
    if part != wanted:
        st.info("None of these runs was measured on a test part: these are validation numbers.", icon=":material/info:")
    curves_view.say_missing(store, rows, overview.board, part, labels, statuses)
    runs = [run for run in evaluated(rows, overview.board, labels) if part in run.parts]
    measured = rows[rows["run_id"].isin([run.run_id for run in runs])]
    own = runs_view.groups(measured, overview.board, overview.datasets, statuses, part)
    if len(own) > 1:
        compare_view.say_left_out(own, overview, labels)
        runs = [run for run in runs if run.run_id in own[0].table.index]
    if not runs:
        st.stop()

    first = measured[measured["run_id"] == runs[0].run_id].iloc[0]
    data = overview.datasets.loc[first["dataset_id"]]
    with reference_slot:
        reference = compare_view.published_picker(data["kind"], measure)
    architectures = dict(zip(rows["run_id"], rows["architecture"], strict=True))
    compared = compare_reading.load(store, runs, architectures, part, key)
    compare_view.say_where(compared, own[0], data["label_source"], part, measure, key)
    tables = compare_view.values_section(compared, title, part, reference)
    if reference:
        compare_view.say_published(reference, first["split_scheme"], part)
    if len(compared) == 1:
        st.info("Choose a second run to see differences and verdicts.", icon=":material/info:")
    else:
        tables |= compare_view.verdict_section(compared, title, part, set(labels.values()))
        tables |= compare_view.agreement_section(*agreement.votes(store, compared, part), part)
    tables |= compare_view.seeds_section(compared, measure, part)
    tables |= compare_view.cost_section(compared, overview.runs, title)
    with st.expander("Settings that differ"):
        settings = run_settings.settings_table(measured.assign(dataset=own[0].title).to_dict("records"), labels)
        st.dataframe(run_settings.only_differences(settings), hide_index=True, alt="Settings in which the runs differ")
    with download_slot, st.container(horizontal=True):
        widgets.download_menu(tables, latex=True)
        report_button.popover(store, [run.run_id for run in runs], part)
