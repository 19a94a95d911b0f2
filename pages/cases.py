"""Cases: the films behind a count of the threshold board, worst first, each with a way to its explanation."""

import streamlit as st

from cxrcore.ui import cached, cases_view, curves_view, runs_view, shell, subgroups_view, widgets
from cxrcore.ui.cases_view import ALL_MISS, CELLS, DISAGREE, MEANINGS, NEAREST
from cxrcore.ui.threshold_state import provenance, read_state
from cxrcore.ui.threshold_view import evaluated

with shell.open_page("cases") as store:
    with st.skeleton(height=400):
        overview = cached.overview(store)
    statuses = cached.statuses(store, overview.runs)
    chosen = shell.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.runs.empty:
        st.info(f"The results store `{store.path}` holds no runs, so there are no cases. Train one:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
        st.stop()

    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_id = subgroups_view.run_picker(overview, chosen, statuses)
        if run_id is None:
            st.info("All runs of this store are archived. The Runs page brings them back.", icon=":material/info:")
            st.stop()
        wanted = runs_view.PART_NAMES[st.segmented_control(
            "Measured on", list(runs_view.PART_NAMES), default="Test", required=True, key="on", bind="query-params",
            help="The split that the films come from.")]
        finding = widgets.finding_picker("The finding whose films are shown.")
        several = len(chosen) > 1
        which = widgets.choice_in_link("Films", "films", [*CELLS, NEAREST, *([ALL_MISS, DISAGREE] if several else [])],
                                       MEANINGS)
        page_slot, download_slot = st.container(width="content"), st.container(width="content")
    if which is None:
        st.stop()

    labels = runs_view.run_labels(overview.runs)
    ids = [run_id, *(other for other in chosen if other != run_id)][: curves_view.MAX_RUNS]
    rows = overview.runs.set_index("run_id", drop=False).loc[ids].reset_index(drop=True)
    part = curves_view.part_to_draw(wanted, ids[:1], overview.board)
    if part != wanted:
        st.info("This run was not measured on a test part: these are validation films.", icon=":material/info:")
    curves_view.say_missing(store, rows, overview.board, part, labels, statuses)
    runs = [run for run in evaluated(rows, overview.board, labels) if part in run.parts]
    if not runs or runs[0].run_id != run_id:
        st.stop()

    widgets.badges(runs_view.groups(rows.iloc[:1], overview.board, overview.datasets, statuses, part)[0])
    state = read_state(store, runs[0], *shell.thresholds_in_link())
    counts = cases_view.counts(store, runs[0], part, state, finding)
    shown = cases_view.choose(store, runs, part, state, finding, which)
    with page_slot:
        page = cases_view.page_picker(len(shown.rows))
    st.markdown(cases_view.in_words(shown, which, runs[0], part))
    source, flag = provenance(state, runs[0], part)
    beside = " ".join(f"{name}: {n:,}." for name, n in counts.items())
    warned = f" Beware: {widgets.escape(flag)}." if flag else ""
    st.caption(f"{beside} Thresholds: {widgets.escape(source)}.{warned}")
    if not len(shown.rows):
        st.info("There is no such film.", icon=":material/info:")
    cases_view.draw(store, runs[0], shown, page, shell.same_runs_and_thresholds())
    with download_slot:
        widgets.download_menu({"Films": (f"cases_{finding}_{part}", lambda: cases_view.table(shown, which))})
