"""Compare: which run is better, for which findings, and how sure that is."""

import streamlit as st

from cxrcore.charts import compare as charts
from cxrcore.ui import cached, compare_view, curves_view, leaderboard, run_settings, runs_view, shell, widgets
from cxrcore.ui.compare_view import COSTS, MEANINGS, MEASURES
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
        download_slot = st.container(width="content")

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
    own = runs_view.groups(rows[rows["run_id"].isin([run.run_id for run in runs])], overview.board, overview.datasets,
                           statuses, part)
    if len(own) > 1:
        left = [labels[run_id] for group in own[1:] for run_id in group.table.index]
        st.warning("Runs are compared within one data set and split only. Left out, since they belong to another: "
                   f"{widgets.escape(', '.join(left))}.", icon=":material/warning:")
        runs = [run for run in runs if run.run_id in own[0].table.index]
    if not runs:
        st.stop()

    architectures = dict(zip(rows["run_id"], rows["architecture"], strict=True))
    compared = compare_view.load(store, runs, architectures, part)
    compare_view.say_where(compared, own[:1], part, measure)
    widgets.legend([(one.run.label, one.style) for one in compared])
    widgets.chart(charts.dots(f"{title} with 95 % intervals", f"{title}, 0 to 1", compare_view.bars_of(
        compared, measure)), f"compare_{measure}", f"{title} of each finding and run, with intervals")

    tables = {"Values": (f"compare_{measure}_{part}", lambda: compare_view.values_table(compared, measure))}
    if len(compared) == 1:
        st.info("Choose a second run to see differences and verdicts.", icon=":material/info:")
    else:
        st.subheader("Which is better?", anchor=False)
        ids = [one.run.run_id for one in compared]
        if st.query_params.get("against") not in (None, *ids):
            del st.query_params["against"]
        reference = st.selectbox("Against", ids, format_func=labels.__getitem__, key="against", bind="query-params",
                                 width=320, help="The run that the others are compared with")
        found, n_tests = compare_view.contrasts(compared, reference, measure)
        st.dataframe(compare_view.verdict_table(found), hide_index=True, placeholder="–", column_config={
            "Macro difference": st.column_config.NumberColumn(format="%+.4f"),
            "p": st.column_config.NumberColumn(format="%.2g", help="Of the macro mean, corrected by Holm")},
            alt="Macro difference, verdict and count of findings for each run")
        st.caption(f"Verdicts follow p-values from the draws' standard errors, corrected by Holm over a family: the "
                   f"{n_tests} tests of findings and runs for the findings, one test a run for the macro means. Filled "
                   "marks are better or worse; open ones are tied.")
        widgets.chart(charts.dots(f"{title}: difference to {labels[reference]}", f"Difference of {title}",
                                  compare_view.difference_bars(found), zero=True), f"difference_{measure}",
                      f"Difference of {title} to {labels[reference]} with intervals")
        tables["Differences"] = (f"differences_{measure}_{part}", lambda: compare_view.contrast_table(
            found, labels[reference], measure))
        st.subheader("Where runs agree", anchor=False)
        st.caption("At each run's own thresholds: films on which all say the same, films to which all or most say yes "
                   "and how many of these carry the label, and films with the label that all miss.")
        agreement = compare_view.agreement_table(store, compared, part)
        st.dataframe(agreement, hide_index=True, height=15 * 35 + 3, placeholder="–", column_config={
            name: st.column_config.NumberColumn(format="%.1f %%") for name in ("All agree", "right", "right of most")},
            alt="Agreement of the runs on each finding")
        tables["Agreement"] = (f"agreement_{part}", lambda: agreement)

    seeds = compare_view.seeds_table(compared, architectures, measure)
    if len(seeds):
        st.subheader("Runs of one architecture", anchor=False)
        st.caption("Seeds and settings move a result too: a difference between architectures that is no larger than "
                   "this spread may be chance.")
        st.dataframe(seeds, hide_index=True, alt="Spread of the runs of each architecture", column_config={
            name: st.column_config.NumberColumn(format="%.4f") for name in ("Mean", "Standard deviation", "Least",
                                                                            "Most")})
    st.subheader("Quality against cost", anchor=False)
    cost = st.segmented_control("Cost", list(COSTS), format_func=COSTS.__getitem__, default="parameters", required=True,
                                key="cost", bind="query-params")
    priced = compare_view.cost_rows(compared, overview.runs, cost, measure)
    if priced:
        widgets.chart(charts.quality_against_cost(f"Macro {title} against cost", COSTS[cost], priced, f"Macro {title}"),
                      f"cost_{cost}", f"Macro {title} of each run against {COSTS[cost]}")
    else:
        st.caption(f"{COSTS[cost]} is not recorded for any of these runs.")
    with st.expander("Settings that differ"):
        settings = run_settings.settings_table(
            rows[rows["run_id"].isin(architectures)].assign(dataset=own[0].title).to_dict("records"), labels)
        st.dataframe(run_settings.only_differences(settings), hide_index=True, alt="Settings in which the runs differ")
    with download_slot:
        widgets.download_menu(tables, latex=True)
