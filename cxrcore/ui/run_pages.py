"""What a page about runs begins with: its head, the runs of the link, and what there is to choose from."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import streamlit as st

from cxrcore import config
from cxrcore.charts.look import RunStyle, run_styles
from cxrcore.data.splits import PART_WORDS
from cxrcore.findings import display_name
from cxrcore.queries import evaluated_runs, from_store, run_groups
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.repeats.trainings import Training, any_repeated, places_of, trainings
from cxrcore.queries.threshold_sets import HALF, parse_key
from cxrcore.store import Store, lost_file, progress, waiting
from cxrcore.store.records import rows_of
from cxrcore.store.run_folder import BEST
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link

PICKER = "runs_picker"

SKELETON = 400  # pixels
ALL_ARCHIVED = "All runs of this store are archived. The Runs page brings them back."


@dataclass(frozen=True)
class RunsPage:
    """The store as a page finds it.

    Attributes:
        store: the store.
        overview: its runs, leaderboard and data sets.
        statuses: {run_id: status as it is}.
        chosen: the runs that the link names; all of them are there.
    """

    store: Store
    overview: from_store.Overview
    statuses: dict[str, str]
    chosen: list[str]

    @cached_property
    def labels(self) -> dict[str, str]:
        """{run_id: unique name}, of all runs."""
        return run_groups.run_labels(self.overview.runs)

    @cached_property
    def pickable(self) -> pd.DataFrame:
        """The runs to choose from: archived ones only where the link names them."""
        runs = self.overview.runs
        return runs[~runs["archived"].astype(bool) | runs["run_id"].isin(self.chosen)]

    @property
    def options(self) -> dict[str, str]:
        """{run_id: unique name} of the runs to choose from."""
        return {run_id: self.labels[run_id] for run_id in self.pickable["run_id"]}

    def rows(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """These rows of the runs, in this order."""
        return self._by_id.loc[list(run_ids)].reset_index(drop=True)

    @cached_property
    def _by_id(self) -> pd.DataFrame:
        return self.overview.runs.set_index("run_id", drop=False)

    def groups(self, runs: pd.DataFrame, part: str) -> list[run_groups.Group]:
        """The data sets and splits of some runs, as `from_store.groups`."""
        return from_store.groups(self.overview, runs, self.statuses, part)

    def best(self, part: str = "test") -> list[str]:
        """What to show while nothing is chosen: the best measured runs."""
        return evaluated_runs.default_runs(self.groups(self.pickable, part))

    def trainings(self, run_ids: Sequence[str]) -> list[Training]:
        """Which of these runs are repeats of one training."""
        return trainings(self.rows(run_ids), self.labels)

    @cached_property
    def folded(self) -> list[Training]:
        """The trainings of the chosen runs, where these are too many to stand one by one and repeat any; else none."""
        found = self.trainings(self.chosen) if len(self.chosen) > evaluated_runs.MAX_RUNS else []
        return found if any_repeated(found) else []

    def styles_together(self, found: Sequence[Training]) -> dict[str, RunStyle]:
        """{run_id: look of its training}, where repeats are shown as one.

        A page that shows some of the chosen trainings gives them the looks that they have among all.
        """
        every = places_of(self.trainings(self.chosen) or found, link.places_in_link())
        places = {run_id: every[run_id] for one in found for run_id in one.run_ids}
        return run_styles(places, places)

    def pick_several(self, key: str, hint: str, folds: bool = False) -> None:
        """The picker of several runs, first in the bar; key, hint: as for `run_picker`.

        Args:
            folds: whether the page shows repeats as one, where they are many or its switch is on.
        """
        found = self.folded or (self.trainings(self.chosen) if link.is_on(link.TOGETHER) else [])
        styles = self.styles_together(found) if folds and any_repeated(found) else None
        with frame.bar():
            run_picker(self.options, self.chosen, key, hint, self.best(), styles)

    def at_most(self, most: int, run_ids: Sequence[str], done: str) -> list[str]:
        """The first of these runs; says so where more were chosen. `done`: 'compared' and the like."""
        if len(self.chosen) > most:
            st.info(f"The first {most} of {len(self.chosen)} chosen runs are {done}.", icon=":material/info:")
        return list(run_ids)[:most]

    def focus(self) -> list[str]:
        """The chosen runs, or the best one, which the link names from now on; none where all are archived."""
        if self.chosen:
            return self.chosen
        found = self.best()[:1] or list(self.pickable["run_id"][:1])
        link.put_runs_in_link(found)
        return found


@contextlib.contextmanager
def open_runs_page(name: str, without: str, *, head: bool = True) -> Generator[RunsPage]:
    """As `shell.open_page`, for pages that show runs: ends the page where there are none, or the link names others.

    Args:
        without: what an empty store means for the page, such as 'so there are no curves'.
        head: as for `shell.open_page`.
    """
    begun = False
    with shell.open_page(name, head=head) as store:
        with st.skeleton(height=SKELETON):
            overview = from_store.overview(store)
        page = runs_page_of(store, overview, without)
        begun = True
        yield page
    if not begun:  # the store could not be read, and the page has said so
        st.stop()


def runs_page_of(store: Store, overview: from_store.Overview, without: str) -> RunsPage:
    """The runs of the link in an open page; ends it as `open_runs_page` does."""
    chosen = link.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.runs.empty:
        stop_without_runs(store, without)
    return RunsPage(store, overview, from_store.statuses(store, overview.runs), chosen)


def stop_without_runs(store: Store, without: str) -> None:
    """End the page of an empty store: what is missing, and the command that makes it."""
    st.info(f"The results store {widgets.bold(store.key)} holds no runs, {without}. Train one:",
            icon=":material/info:")
    widgets.command(config.TRAIN_COMMAND, store)
    st.stop()


# -- one run with others beside it


def pick_run_and_others(page: RunsPage, key: str, most: int, width: int, meaning: str, beside: str) -> list[str]:
    """The run in focus with those beside it, all in the link; none where all are archived.

    Of more runs than are shown at once, which repeat trainings, the first one of each training is.

    Args:
        key: begins the widgets' keys.
        most: runs at once.
        width: of the picker, in pixels.
        meaning: the help beside the run.
        beside: the help of the button that adds others.
    """
    wanted = page.focus()
    found = page.trainings(wanted)
    folded = len(wanted) > most and any_repeated(found)
    run_ids = [one.run_ids[0] for one in found][:most] if folded else list(wanted[:most])
    if not run_ids:
        return []
    repeats = {one.run_ids[0]: one.run_ids for one in found} if folded else {}
    st.session_state[f"{key}_run"], st.session_state[f"{key}_others"] = run_ids[0], run_ids[1:]
    st.selectbox("Run", list(page.options), format_func=page.options.__getitem__, key=f"{key}_run", width=width,
                 on_change=_choose_run, args=(f"{key}_run", wanted if folded else run_ids, page.overview.board, folded),
                 help=meaning)
    label = f"Beside it ({len(run_ids) - 1})" if len(run_ids) > 1 else "Beside it"
    with st.popover(label, icon=":material/stacked_line_chart:", help=beside):
        st.multiselect(f"Runs beside it, up to {most - 1}", [run_id for run_id in page.options if run_id != run_ids[0]],
                       format_func=page.options.__getitem__, key=f"{key}_others", max_selections=most - 1,
                       on_change=lambda: link.put_runs_in_link(_with_repeats(
                           [run_ids[0], *st.session_state[f"{key}_others"]], repeats)))
    if folded:
        st.caption(f"{len(wanted)} runs: of each training the first.", width="content")
    elif len(wanted) > most:
        st.caption(f"The first {most} of {len(wanted)} chosen runs.", width="content")
    return run_ids


def _with_repeats(run_ids: Sequence[str], repeats: Mapping[str, Sequence[str]]) -> list[str]:
    """The runs, each followed by the others of its training; `repeats`: {run_id: all of them}."""
    return list(dict.fromkeys([run_ids[0], *(own for run_id in run_ids for own in repeats.get(run_id, (run_id,)))]))


def _choose_run(key: str, before: Sequence[str], board: pd.DataFrame, keep: bool) -> None:
    """Lead to another run; a stored set, or a threshold set by hand, is of the run before and stays behind.

    Args:
        keep: the run before stays among those beside the new one.
    """
    run_id = st.session_state[key]
    link.put_runs_in_link([run_id, *(other for other in before[0 if keep else 1:] if other != run_id)])
    parts = {None, HALF, *board.loc[board["run_id"] == run_id, "split"]}
    keys = [text if (fit := parse_key(text or "")) and fit.part in parts else None
            for text in link.thresholds_in_link()[:2]]
    link.put_thresholds_in_link(*keys, [])


def pick_part(board: pd.DataFrame, run_ids: Sequence[str], meaning: str = "The split that all numbers come from."
              ) -> str:
    """'test', 'val' or, where one of these runs has such predictions, 'external', as the link wants it."""
    names = run_groups.part_names(board, run_ids)
    outside = " External: films of another data set, or of an unknown training." if len(names) > 2 else ""
    return names[st.segmented_control("Measured on", list(names), default="Test", required=True, **in_link("on"),
                                      label_visibility="collapsed", help=f"{meaning}{outside}")]


def say_elsewhere(overview: from_store.Overview, runs: Sequence[Evaluated], part: str) -> None:
    """That runs are measured on another data set, and on which findings; ends the page where they share none.

    Args:
        runs: as `evaluated_runs.evaluated` gives them.
    """
    measured = [run for run in runs if part in run.parts]
    outside = [run for run in measured if run.is_elsewhere(part)]
    names = overview.datasets["name"]
    sets = dict.fromkeys(names[run.parts[part]["dataset_id"]] for run in outside)
    text = widgets.escape(evaluated_runs.elsewhere_in_words(measured, part, " and ".join(sets)))
    if any(not run.findings for run in outside):
        st.warning(f"{text} So nothing can be shown.", icon=":material/warning:")
        st.stop()
    if text:
        st.info(text, icon=":material/travel_explore:")


def share_findings(runs: Sequence[Evaluated], part: str) -> tuple[list[Evaluated], tuple[str, ...]]:
    """As `evaluated_runs.on_shared_findings`, of those of the runs that have a part, or of all where none has it.

    The others follow as they are.
    """
    with_it = [run for run in runs if part in run.parts] or list(runs)
    found, others = evaluated_runs.on_shared_findings(with_it)
    there = {run.run_id for run in found}
    return [*found, *(run for run in runs if run.run_id not in there)], others


def say_shared(runs: Sequence[Evaluated], others: Sequence[str]) -> None:
    """What is left out where runs know different findings; ends the page where they share none.

    Args:
        runs, others: as `share_findings` gives them.
    """
    if runs and others and not runs[0].findings:
        st.warning("These runs have no finding in common, so they do not stand side by side. Their findings: "
                   f"{widgets.escape(', '.join(map(display_name, others)))}.", icon=":material/warning:")
        st.stop()
    if others:
        st.info(evaluated_runs.others_in_words(len(runs[0].findings), others), icon=":material/info:")


def say_missing(store: Store, runs: pd.DataFrame, board: pd.DataFrame, part: str, labels: Mapping[str, str],
                statuses: Mapping[str, str]) -> None:
    """Each run that cannot be drawn, why, and the command that changes it."""
    for run in rows_of(runs):
        there = set(board[board["run_id"] == run.run_id]["split"])
        if part in there:
            continue
        name, status = f"**{widgets.escape(labels[run.run_id])}**", statuses[run.run_id]
        others = " and ".join(widgets.escape(PART_WORDS.get(one, one)) for one in sorted(there))
        if others:
            st.info(f"{name} has no {PART_WORDS[part]} predictions, only {others}: it is not drawn.",
                    icon=":material/info:")
        elif status == "running":
            st.info(f"{name} is still training. Its curves appear when it has been evaluated, at the end.",
                    icon=":material/hourglass_top:")
        elif status == progress.WAITING:
            st.info(f"{name} has no predictions in the store yet: they wait to be handed in. This does it:",
                    icon=":material/hourglass_top:")
            widgets.command(waiting.COMMAND, store)
        elif run.kind != "trained":
            st.info(f"{name} has no predictions in this store.", icon=":material/info:")
        elif not store.run_file(run.run_id, BEST):
            st.info(f"{name} has no predictions, and no checkpoint that could make them: "
                    f"{widgets.escape(lost_file.why_missing(store, run.run_id))}.", icon=":material/info:")
        else:
            ended = "" if status == "finished" else f" It is {status}: its best epoch so far can be evaluated."
            st.info(f"{name} has no predictions yet.{ended} This makes them:", icon=":material/info:")
            widgets.command(f"python scripts/eval.py --run {run.run_id}", store)


def _chip_looks(key: str, styles: Mapping[str, RunStyle]) -> str:
    """The chosen runs in the picker wear their colours and marks; the k-th name in it is the k-th run."""
    rules = [f'.st-key-{key} [data-tag-index="{place}"] {{ background: color-mix(in srgb, {style.colour} 22%, '
             f'transparent); }} .st-key-{key} [data-tag-index="{place}"]::before {{ content: url("{style.mark()}"); '
             'height: 16px; margin-right: 4px; }'
             for place, style in enumerate(styles.values())]
    rules.append(f".st-key-{key} [data-tag-index], .st-key-{key} [data-tag-index] * {{ color: inherit; }}")
    return f"<style>{' '.join(rules)}</style>"


def run_picker(labels: dict[str, str], chosen: Sequence[str], key: str = PICKER,
               hint: str = "Tick rows below, or pick runs by name", shown_instead: Sequence[str] = (),
               styles: Mapping[str, RunStyle] | None = None) -> None:
    """Choose runs by name.

    Args:
        key: one of its own for each page: a page that took over another's would find its state, but show it empty.
        hint: stands there while none is chosen.
        shown_instead: what the page shows while none is chosen; the picker holds these then.
        styles: {run_id: look}, where a run does not wear that of its place in the link.
    """
    # Set where the link says otherwise, and after a rename: the browser holds labels, not ids.
    chosen = chosen or shown_instead
    shown = [labels[run_id] for run_id in chosen]
    if st.session_state.get(key) != list(chosen) or st.session_state.get(f"{key}_labels") != shown:
        st.session_state[key] = list(chosen)
    st.session_state[f"{key}_labels"] = shown
    own = link.styles(chosen)
    st.html(_chip_looks(key, {run_id: (styles or own).get(run_id, own[run_id]) for run_id in chosen}))
    st.multiselect(
        "Runs", list(labels), format_func=labels.__getitem__, key=key, select_all=False, placeholder=hint,
        on_change=lambda: link.put_runs_in_link(st.session_state[key]),
    )
