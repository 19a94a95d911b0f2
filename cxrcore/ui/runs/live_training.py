"""Trainings while they run: progress that moves by itself, and the curves of chosen runs.

Two fragments redraw on a timer, so that the rest of the page stands still. Between epochs only progress.json is
read; the store is opened when its change token says that it changed.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrcore.charts.look import RunStyle, architecture_label
from cxrcore.charts.training import PANELS, Curve, training_alt, training_chart
from cxrcore.queries import from_store, run_progress
from cxrcore.queries.repeats.trainings import Training
from cxrcore.store import Store, progress, queued, waiting
from cxrcore.store.queued import Queue
from cxrcore.store.records import rows_of
from cxrcore.ui import link, shell, widgets

LIVE = 2.0  # seconds between looks while a run trains
IDLE = 15.0  # while none does: so that a training that starts appears by itself; costs two stat calls
Folded = Sequence[tuple[Training, RunStyle]]  # trainings whose runs look alike


def follow(store: Store, drawn: from_store.Overview, statuses: Mapping[str, str]) -> None:
    """The trainings that run now, each with a bar; redraws the page when the list of runs changes.

    Args:
        drawn: what the page was drawn from.
        statuses: {run_id: status as it was then}.
    """
    st.fragment(_follow, run_every=LIVE if "running" in statuses.values() else IDLE)(store, drawn, statuses)


def _follow(store: Store, drawn: from_store.Overview, statuses_drawn: Mapping[str, str]) -> None:
    with shell.errors_shown():
        overview = from_store.overview(store)
        statuses = from_store.statuses(store, overview.runs)
        if statuses != statuses_drawn or not overview.lists_the_same(drawn):
            st.rerun()
        running = overview.runs[overview.runs["run_id"].map(statuses) == "running"]
        queue = queued.read(store)
        if running.empty and not queue.trainings:
            return
        with st.container(key="runs_live"):
            for run in rows_of(running):
                state = progress.of_run(store, run.run_id)
                words = f"Training now: **{widgets.escape(run.name or architecture_label(run.architecture))}** · " \
                        f"{widgets.escape(run_progress.in_words(state))}"
                st.progress(run_progress.share(state), text=words)
            if said := run_progress.queue_in_words(queue, list(overview.runs["name"])):
                st.markdown(widgets.escape(said))
            if queue.whole:
                _show_queue(queue)


def _show_queue(queue: Queue) -> None:
    """A sweep: each of its trainings and how far it is, as the terminal says it."""
    with st.expander(f"A sweep is under way: {queue.in_words()}", icon=":material/format_list_bulleted:"):
        rows = pd.DataFrame([(one.name, one.state, one.said) for one in queue.first_things_first()],
                            columns=["Training", "State", "Where, or why"])
        widgets.show_table(rows, key="sweep", hide_index=True, alt="The trainings of the sweep and how far each is",
                           column_config={"State": st.column_config.TextColumn(width="small")})


def trouble(store: Store, runs: pd.DataFrame, labels: Mapping[str, str], statuses: Mapping[str, str]) -> None:
    """Say of each of these runs that broke off what happened, and how to go on."""
    for run_id, kind in zip(runs["run_id"], runs["kind"], strict=True):
        status = statuses[run_id]
        text = run_progress.trouble(status, progress.of_run(store, run_id), kind)
        if not text:
            continue
        waits = status == progress.WAITING
        resume = f"python scripts/train.py --resume {run_id}" if kind == "trained" else ""
        command = waiting.COMMAND if waits else resume
        go_on = " Go on with it:" if command and not waits else ""
        st.warning(f"**{widgets.escape(labels[run_id])}** {widgets.escape(text)}{go_on}", icon=":material/warning:")
        if command:
            widgets.command(command, store)


def curves(store: Store, runs: pd.DataFrame, labels: Mapping[str, str], statuses: Mapping[str, str],
           folded: Folded = ()) -> None:
    """The training charts of these runs (rows of `Overview.runs`); they grow while one of them trains.

    Args:
        folded: trainings whose runs look alike and share a line of the legend.
    """
    live = any(statuses[run_id] == "running" for run_id in runs["run_id"])
    st.fragment(_curves, run_every=LIVE if live else None)(store, runs, dict(labels), dict(statuses), folded)


def _curves(store: Store, runs: pd.DataFrame, labels: dict[str, str], statuses: dict[str, str], folded: Folded
            ) -> None:
    with shell.errors_shown():
        epochs = from_store.epochs(store, list(runs["run_id"]))
        of_runs = _as_curves(runs, epochs, labels, folded)
        drawn = list(of_runs.values())
        without = runs[~runs["run_id"].isin(epochs["run_id"])]
        for rows, text in ((without[without["kind"] == "trained"], "No finished epoch yet: {}. Curves begin with the "
                                                                   "first one."),
                           (without[without["kind"] != "trained"], "Not trained here, so without curves: {}.")):
            if len(rows):
                st.caption(text.format(", ".join(widgets.escape(labels[run_id]) for run_id in rows["run_id"])))
        if not drawn:
            return
        together = {run_id: one.in_words for one, _ in folded for run_id in one.run_ids}
        lines = {together.get(run_id, curve.name): curve.style for run_id, curve in of_runs.items()}
        widgets.legend(list(lines.items()), "◯ best epoch")
        last = _last_epoch(runs, epochs, statuses)
        with st.grid(len(PANELS) // 2, min_column_width=180, gap="small"):
            for key, panel in PANELS.items():
                widgets.chart(training_chart(panel, drawn, last), f"training_{key}", training_alt(panel, drawn))
        if runs["loss"].dropna().nunique() > 1:
            losses = widgets.escape(", ".join(sorted(set(map(str, runs["loss"].dropna())))))
            st.caption(f"The runs minimise different losses ({losses}): "
                       "their loss curves lie on different scales and cannot be compared.")


def _as_curves(runs: pd.DataFrame, epochs: pd.DataFrame, labels: Mapping[str, str], folded: Folded) -> dict[str, Curve]:
    """{run_id: its curve}, of runs that have one."""
    styles = link.styles(runs["run_id"]) | {run_id: style for one, style in folded for run_id in one.run_ids}
    found = {}
    for run_id, best in zip(runs["run_id"], runs["best_epoch"], strict=True):
        rows = epochs[epochs["run_id"] == run_id]
        if rows.empty:
            continue
        auroc = rows.set_index("epoch")["val_macro_auroc"].dropna()
        so_far = int(auroc.idxmax()) if len(auroc) else None
        found[run_id] = Curve(labels[run_id], styles[run_id], rows, so_far if pd.isna(best) else int(best))
    return found


def _last_epoch(runs: pd.DataFrame, epochs: pd.DataFrame, statuses: Mapping[str, str]) -> int:
    """Where the epoch axis ends: the last epoch that is there or, for a run that trains, planned."""
    planned: Sequence = [run.epochs for run in rows_of(runs) if statuses[run.run_id] == "running"]
    return int(max([epochs["epoch"].max(), *(value for value in planned if value == value and value)]))
