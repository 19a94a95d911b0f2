"""Runs: what has been trained or imported, how far it is, and how good; choose, compare settings, manage."""

import pandas as pd
import streamlit as st

from cxrcore import config
from cxrcore.glossary import meanings
from cxrcore.queries import from_store, run_groups, run_settings
from cxrcore.store import Store
from cxrcore.ui import link, run_pages, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.runs import leaderboard, live_training, manage


def nothing_here(store: Store) -> None:
    """The empty store, with the way out of it."""
    with st.container(border=True):
        st.header("No runs yet", anchor=False)
        st.markdown(f"The results store {widgets.bold(store.key)} holds no runs. Train one; it appears here by "
                    "itself:")
        widgets.command(config.TRAIN_COMMAND, store)
        st.caption("DATA is the folder with the NIH ChestX-ray14 table and its films. For a first short run, add:")
        st.code("--arch resnet18 --epochs 2 --img_size 96 --init random --train_subset 500 --val_subset 200 "
                "--eval_subset 200", language=None, wrap_lines=True)


with shell.open_page("runs") as store:
    with st.skeleton(height=400):
        overview = from_store.overview(store)
    statuses = from_store.statuses(store, overview.runs)
    chosen = link.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    running = "running" in statuses.values()
    if overview.runs.empty:
        nothing_here(store)
        live_training.follow(store, live_training.seen(overview, statuses), running)
        st.stop()

    labels = run_groups.run_labels(overview.runs)
    with frame.bar():
        picker_slot = st.container()
        part = run_groups.PART_NAMES[st.segmented_control(
            "Measured on", list(run_groups.PART_NAMES), default="Test", required=True, **in_link("on"),
            label_visibility="collapsed")]
        any_archived = bool(overview.runs["archived"].any())
        archived = any_archived and st.toggle("Show archived", **in_link("archived"))
        manage.manage_menu(store, overview, labels, chosen)

    shown = overview.runs[archived | ~overview.runs["archived"].astype(bool) | overview.runs["run_id"].isin(chosen)]
    with picker_slot:
        run_pages.run_picker({run_id: labels[run_id] for run_id in shown["run_id"]}, chosen)
    live_training.follow(store, live_training.seen(overview, statuses), running)

    groups = run_groups.groups(shown, overview.board, overview.datasets, statuses, part)
    for group in groups:
        leaderboard.leaderboard_table(group, chosen, part)
        widgets.oracle(overview.runs[overview.runs["run_id"].isin(group.table.index)])
    if not groups:
        st.caption("All runs are archived. 'Show archived' brings them into view.")

    focus = chosen or run_groups.default_focus(groups, statuses)
    rows = overview.runs.set_index("run_id", drop=False).loc[focus]
    if focus:
        st.header("Training curves", anchor=False, help=meanings(("loss", "auroc", "f1", "macro", "learning_rate")))
        if not chosen:
            st.caption(run_groups.focus_in_words(groups, statuses))
        live_training.trouble(store, rows, labels, statuses)
        live_training.curves(store, rows, labels, statuses)

    if focus:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.header("Settings", anchor=False, width="content")
            differences = st.toggle("Only differences", True, **in_link("differences"))
        names = overview.datasets["name"]
        rows["dataset"] = rows["dataset_id"].map(names).fillna(rows["dataset_id"])
        settings = run_settings.settings_table(rows.to_dict("records"), labels)
        table = run_settings.only_differences(settings) if differences else settings
        if table.empty:
            st.caption("These runs agree in every setting.")
        else:
            widgets.show_table(
                table,
                key="settings",
                hide_index=True,
                height="content",
                alt="Settings of the chosen runs",
                column_config={"Meaning": st.column_config.TextColumn(width="medium")},
            )

    if focus:  # else nothing is shown that could be taken along
        widgets.download_menu({
            "Leaderboard": ("leaderboard", lambda: pd.concat(
                [group.table.assign(data_set=group.title, split=group.split) for group in groups]).reset_index()),
            "Training curves": ("training_curves", lambda: from_store.epochs(store, focus)),
            "Settings": ("settings", lambda: settings),
        })
