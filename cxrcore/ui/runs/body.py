"""What stands below the bar of the Runs page: the answer, the tables, the training curves beside them, settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import streamlit as st

from cxrcore.charts.look import RunStyle
from cxrcore.charts.sources import sent
from cxrcore.glossary import meanings
from cxrcore.queries import from_store, run_groups, run_settings
from cxrcore.queries.glance import leaderboard
from cxrcore.queries.glance.leaderboard import Entry
from cxrcore.queries.repeats.trainings import Training
from cxrcore.queries.run_groups import Group
from cxrcore.store import Store
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.link import in_link
from cxrcore.ui.runs import leaderboard as tables
from cxrcore.ui.runs import live_training

_STYLE = f"<style>{sent(Path(__file__).parent / 'runs.css')}</style>"


@dataclass(frozen=True)
class RunsSeen:
    """What the page shows.

    Attributes:
        statuses: {run_id: status as it is}.
        labels: {run_id: unique name}, of all runs.
        shown: rows of `Overview.runs`.
        chosen: run ids.
        part: that the numbers are of, as for `run_groups.groups`.
        folded: the trainings of chosen runs that other pages show as one each, with their looks.
    """

    store: Store
    overview: from_store.Overview
    statuses: Mapping[str, str]
    labels: Mapping[str, str]
    shown: pd.DataFrame
    chosen: Sequence[str]
    part: str
    folded: Sequence[tuple[Training, RunStyle]] = ()

    @cached_property
    def styles(self) -> dict[str, RunStyle]:
        """{run_id: look}, of runs that do not wear that of their place in the link."""
        return {run_id: style for one, style in self.folded for run_id in one.run_ids}

    @cached_property
    def groups(self) -> list[Group]:
        """The tables of the page."""
        return from_store.groups(self.overview, self.shown, self.statuses, self.part)

    @cached_property
    def entries(self) -> list[list[Entry]]:
        """The rows of each table."""
        return [leaderboard.entries(group, self.overview.runs) for group in self.groups]

    @cached_property
    def focus(self) -> list[str]:
        """The runs whose curves and settings are shown."""
        return list(self.chosen) or run_groups.default_focus(self.groups, self.statuses)

    def ties(self) -> list[frozenset[str] | None]:
        """Of each table, where that was worked out already."""
        return [leaderboard.ties(*self._asked(place)) if leaderboard.ties_known(*self._asked(place)) else None
                for place in range(len(self.groups))]

    def work_out_ties(self) -> bool:
        """Where that is still to be done; whether anything was."""
        left = [place for place in range(len(self.groups)) if not leaderboard.ties_known(*self._asked(place))]
        for place in left:
            leaderboard.ties(*self._asked(place))
        return bool(left)

    def _asked(self, place: int) -> tuple[Store, from_store.Overview, Group, list[Entry], str]:
        return self.store, self.overview, self.groups[place], self.entries[place], self.part


def show(seen: RunsSeen) -> None:
    """All of it; ties are worked out last, when the rest is there, and drawn then."""
    st.html(_STYLE)
    tied, running = seen.ties(), "running" in seen.statuses.values()
    if not seen.groups:
        live_training.follow(seen.store, seen.overview, seen.statuses)
        st.caption("All runs are archived. 'Show archived' brings them into view.")
        return
    widgets.answer(tables.said_first(seen.groups, seen.entries, tied))
    live_training.follow(seen.store, seen.overview, seen.statuses)
    rows = seen.overview.runs.set_index("run_id", drop=False).loc[seen.focus]
    with st.container(key="runs_room"):
        with st.container(key="runs_tables"):
            if running:
                st.fragment(_live_tables, run_every=live_training.LIVE)(seen, tied)
            else:
                _tables(seen, tied)
        if (rows["kind"] == "trained").any():  # others have no curves, and leave their room to the tables
            with st.container(key="runs_curves"):
                _curves(seen, rows)
    for group in seen.groups:
        tables.provenance(group, seen.part)
        widgets.oracle(seen.overview.runs[seen.overview.runs["run_id"].isin(group.table.index)])
    settings = _settings(seen, rows)
    widgets.download_menu({
        "Leaderboard": ("leaderboard", lambda: pd.concat(
            [group.table.assign(data_set=group.title, split=group.split) for group in seen.groups]).reset_index()),
        "Training curves": ("training_curves", lambda: from_store.epochs(seen.store, seen.focus)),
        "Settings": ("settings", lambda: settings),
    })
    if seen.work_out_ties():
        st.rerun()


def _live_tables(seen: RunsSeen, tied: Sequence[frozenset[str] | None]) -> None:
    """A tick runs this alone: picker and curves have to hear of it too."""
    if list(seen.chosen) != link.runs_in_link():
        st.rerun()
    _tables(seen, tied)


def _tables(seen: RunsSeen, tied: Sequence[frozenset[str] | None]) -> None:
    with shell.errors_shown():
        alone = len(seen.groups) == 1
        for group, entries, ties in zip(seen.groups, seen.entries, tied, strict=True):
            if alone:
                widgets.badges(group)
            else:
                tables.heading(group)
            tables.show_group(seen.store, group, entries, seen.statuses, ties, styles=seen.styles)


def _curves(seen: RunsSeen, rows: pd.DataFrame) -> None:
    st.header("Training curves", anchor=False, help=meanings(("loss", "auroc", "f1", "macro", "learning_rate")))
    if not seen.chosen:
        st.caption(run_groups.focus_in_words(seen.groups, seen.statuses))
    live_training.trouble(seen.store, rows, seen.labels, seen.statuses)
    live_training.curves(seen.store, rows, seen.labels, seen.statuses, seen.folded)


def _settings(seen: RunsSeen, rows: pd.DataFrame) -> pd.DataFrame:
    """Shows those that differ, or all; returns all, as they are stored."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header("Settings", anchor=False, width="content")
        differences = st.toggle("Only differences", True, **in_link("differences"))
    names = seen.overview.datasets["name"]
    told = rows.assign(dataset=rows["dataset_id"].map(names).fillna(rows["dataset_id"])).to_dict("records")
    settings = run_settings.settings_table(told, seen.labels)
    table = run_settings.for_reading(run_settings.only_differences(settings) if differences else settings)
    if table.empty:
        st.caption("These runs agree in every setting.")
    else:
        widgets.show_table(table, key="settings", hide_index=True, height="content", alt="Settings of the chosen runs",
                           column_config={"Meaning": st.column_config.TextColumn(width="medium")})
    return settings
