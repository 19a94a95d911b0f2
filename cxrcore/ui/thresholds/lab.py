"""The threshold lab: which run on which films, the board, and what its thresholds are worth.

All of it is one fragment: a release in the browser runs this module again and nothing else of the page.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from cxrcore.charts.board.payload import RunCounts, pack
from cxrcore.charts.look import RunStyle
from cxrcore.data.splits import PART_WORDS
from cxrcore.errors import DataError
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.findings import display_name, one_of
from cxrcore.measures.intervals.intervals import Resampled
from cxrcore.queries import evaluated_runs, from_store
from cxrcore.queries.board_state import BoardState, common_note, notes, provenance, read_as_fitted, read_state
from cxrcore.queries.decisions.promises import promise_lines
from cxrcore.queries.evaluated_runs import Evaluated, evaluated
from cxrcore.queries.from_store import Labelled
from cxrcore.queries.kept import Kept
from cxrcore.queries.shared_draws import measured_in_draws
from cxrcore.queries.threshold_sets import DEFAULT, default_key, find_set, parse_key
from cxrcore.store import Store
from cxrcore.ui import finding_picker, link, planner, run_pages, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.run_pages import ALL_ARCHIVED, RunsPage, pick_part, pick_run_and_others
from cxrcore.ui.thresholds import (
    aims,
    board_beside,
    board_component,
    changed_films,
    promise,
    promise_kept,
    repeats,
    session,
    set_popover,
)

MAX_RUNS = 6
RUN_WIDTH = 250  # pixels
_PACKED: Kept[bytes] = Kept(32)
# The stretch of the sentence beside the button; and where a component that sticks has to stop, below the page's bar.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { --stick: 48px; }
.st-key-board_says { flex-wrap: nowrap; }
.st-key-board_says > :has(style) { display: none; }
.st-key-board_says .flag { font-size: 14px; font-weight: 600; padding: 1px 7px; border-radius: 6px; white-space: nowrap;
  color: var(--st-orange-text-color, #7E4A00); background: var(--st-orange-background-color, #FBEFD9); }
@media (max-width: 640px) { .st-key-board_says { flex-wrap: wrap; } }
</style>"""
WITHOUT_RUNS = "so there are no thresholds to set"


def open_lab(store: Store) -> None:
    """The lab, from the page's script."""
    session.begin()
    _lab(store)


@st.fragment
def _lab(store: Store) -> None:
    shell.draw_head("thresholds")  # in here, since a release says anew where the thresholds come from
    with shell.errors_shown():
        shell.show_notice()
        page = run_pages.runs_page_of(store, from_store.overview(store), WITHOUT_RUNS)
        overview = page.overview
        controls = frame.bar()
        with controls:
            run_ids = pick_run_and_others(page, "lab", MAX_RUNS, RUN_WIDTH, "The run whose thresholds are set.",
                                          "Lay other runs over the open finding")
            if not run_ids:
                st.info(ALL_ARCHIVED, icon=":material/info:")
                return
            part = pick_part(overview.board, run_ids, "The films that the thresholds are read on. They are fitted on "
                             "validation unless you say otherwise.")
            label_set = pick_labels(overview, run_ids)
        rows = page.rows(run_ids)
        shown = evaluated_runs.part_to_draw(part, run_ids[:1], overview.board)
        run_pages.say_missing(store, rows, overview.board, shown, page.labels, page.statuses)
        runs = [run for run in evaluated(rows, overview, page.labels, shown, label_set) if shown in run.parts]
        if not runs or runs[0].run_id != run_ids[0]:
            if (overview.board["run_id"] == run_ids[0]).any() and rows.iloc[0]["kind"] == "trained":
                widgets.command(f"python scripts/eval.py --run {run_ids[0]}", store)
            return
        run_pages.say_elsewhere(overview, runs, shown)
        runs, others = run_pages.share_findings(runs, shown)
        run_pages.say_shared(runs, others)
        say_labels(store, runs, shown)
        _board_of(page, runs, shown, part, controls, label_set)


def _say_what_is_missing(store: Store, run: Evaluated, wanted: str, part: str, state: BoardState, kind: str) -> None:
    """Why the run is not read where it was wanted, or nothing is fitted; and the command that changes it.

    Args:
        wanted, part: what was to be read, and what is.
        kind: of the run.
    """
    text = missing_in_words(run, wanted, part, state)
    if text and kind == "trained":
        st.info(f"{widgets.escape(text)} This makes them:", icon=":material/info:")
        widgets.command(f"python scripts/eval.py --run {run.run_id}", store)
    elif text:
        # Nothing can be done, so it takes no room from the board.
        st.caption(f":material/info: {widgets.escape(text)}", width="content")


def missing_in_words(run: Evaluated, wanted: str, part: str, state: BoardState) -> str:
    """Which predictions the run lacks, and what that means for the thresholds that stand on the board now."""
    if wanted not in run.parts:
        fitted_here = state.base.part == part and len(state.changed) < len(state.findings)
        return (f"{run.label} has no {PART_WORDS[wanted]} predictions: it is read on "
                + ("the films that its thresholds are fitted on." if fitted_here else f"{PART_WORDS[part]}."))
    if "val" in run.parts or state.on_half:
        return ""
    text = f"{run.label} has no validation predictions to fit thresholds on"
    untouched = state.base.part is None and not state.changed and len(set(state.thresholds.tolist())) == 1
    return f"{text}, so they stand at {state.thresholds[0]:g}." if untouched else f"{text}."


# -- the board


def _board_of(page: RunsPage, runs: Sequence[Evaluated], part: str, wanted: str, controls: Any,
              label_set: str) -> None:
    store, overview, run = page.store, page.overview, runs[0]
    finding = _open_finding(run.findings)
    with widgets.slow_steps("Reading predictions", len(runs)) as step:
        for one in runs:
            from_store.sorted_scores(store, one.read(part))
            step()
    try:
        state = read_state(store, run, *link.thresholds_in_link())
    except shell.WorkbenchError:
        st.button("Show the board without it", on_click=link.put_thresholds_in_link, args=(None, None, []))
        raise
    session.leave_as_it_is()
    runs = read_as_fitted(store, runs, state, part)
    run = runs[0]
    with controls:
        set_popover.sets_popover(store, run, part, state)
    with st.container(key="board_says", horizontal=True, vertical_alignment="center", gap="small"):
        _say_where(store, part, state, runs)
        fitting = aims.choose_fitting(store, run, part, state, finding)
    _say_films(store, part, runs, overview)
    kinds = dict(zip(overview.runs["run_id"], overview.runs["kind"], strict=True))
    with st.container(key="board_lacks", horizontal=True, vertical_alignment="center", gap="small"):
        _say_what_is_missing(store, run, wanted, part, state, kinds[run.run_id])
        aims.offer_halves(store, run, part, state)
    with st.container(key="board_place"):
        live_board(store, runs, part, state, finding, overview, told=aims.told_to_board(store, run, fitting),
                   styles=page.styles_together(page.folded))
    moved = session.last_move(session.reading(run, part))
    if moved is None:
        changed_films.waiting()
    else:
        changed_films.show_changed_films(store, run.read(part), moved["finding"], moved["before"], moved["after"])
    promise_kept.show_kept(store, run, state)
    promise.show_promise(store, run, part, state, finding)
    repeats.show_repeats(store, page, run, part, state, label_set)
    planner.show_planner(lambda: _measured(store, runs, part, state), [one.label for one in runs], run.findings,
                         overview, run.run_id, part)


def _measured(store: Store, runs: Sequence[Evaluated], part: str, state: BoardState) -> list[Resampled]:
    """The runs in the same draws of patients: the one in focus at the board's thresholds, others at their own."""
    own = [state.thresholds, *(np.array(_own_set(store, one, state)) for one in runs[1:])]
    with widgets.slow_share(RESAMPLING) as told:
        return measured_in_draws(store, [(one.read(part), at) for one, at in zip(runs, own, strict=True)], told)


def live_board(store: Store, runs: Sequence[Evaluated], part: str, state: BoardState, finding: str,
               overview: from_store.Overview, rows: Sequence[str] | None = None, told: Mapping[str, Any] | None = None,
               styles: Mapping[str, RunStyle] | None = None) -> None:
    """The board alone, for this page and for slides; call from a fragment.

    Args:
        finding: the open one.
        rows: the findings that a slide shows, large; None for all of them.
        told: of `aims.told_to_board`; a slide shows no aims.
        styles: {run_id: look}, where runs do not wear that of their place in the link.
    """
    run = runs[0]
    board_component.board(
        _payload(store, runs, part, state, finding, {"rows": list(rows)} if rows else dict(told or {}), styles),
        on_release=lambda: session.take_release(store, run, part),
        on_open=lambda: link.put_finding_in_link(display_name(board_component.opened() or finding)),
        on_typed=lambda: session.take_typed(session.reading(run, part)),
        on_aim=lambda: aims.take_aim(store, run, part, state))
    board_beside.send(store, run, part)


def _open_finding(findings: Sequence[str]) -> str:
    """The finding that the link names, the first where it names all; ends the page at an unknown one."""
    finding_picker.stop_at_unknown_finding(findings)
    name = link.finding_in_link()
    return findings[0] if finding_picker.means_all(name) else one_of(findings, str(name))


def _say_where(store: Store, part: str, state: BoardState, runs: Sequence[Evaluated]) -> None:
    """Which predictions the thresholds come from, and which they are read on; flagged where these are the same."""
    run = runs[0]
    said, flag = provenance(state, run, part)
    where = run.in_words(part)
    flagged = f' <span class="flag">same films</span> {escape(flag.capitalize())}.' if flag else ""
    st.html(_STYLE)
    promised = promise_kept.in_short(state)
    promised = f" {escape(promised)}" if promised else ""
    widgets.answer(f"Thresholds: <b>{escape(said)}</b>, read on <b>{escape(where)}</b>.{flagged}{promised}")
    unknown = evaluated_runs.known_in_words(
        run.findings, [found.n for found in from_store.sorted_scores(store, run.read(part))])
    with frame.numbers():
        st.markdown(f"Thresholds: **{widgets.escape(said)}**. Changes are against "
                    f"{widgets.escape(state.reference.in_words)}. Read on **{widgets.escape(where)}**."
                    + (f" {widgets.escape(unknown)}" if unknown else ""))


def _say_films(store: Store, part: str, runs: Sequence[Evaluated], overview: from_store.Overview) -> None:
    """What the films are, flagged where they are not the same for all runs."""
    ids = [one.run_id for one in runs]
    drawn = overview.runs[overview.runs["run_id"].isin(ids)]
    groups = from_store.groups(overview, drawn, dict.fromkeys(ids, "finished"), part)
    for group in groups:
        widgets.badges(group)
    films = [from_store.predictions(store, one.read(part)).image_ids for one in runs]
    others = [one.label for one, own in zip(runs, films, strict=True) if not np.array_equal(own, films[0])]
    if len(groups) > 1:
        st.warning("These runs belong to different data sets or splits and are read on different films: their numbers "
                   "stand side by side, but do not compare.", icon=":material/warning:")
    elif others:
        st.warning(f"Read on other films than {widgets.escape(runs[0].label)}: {widgets.escape(', '.join(others))}. "
                   "Small differences may come from the films.", icon=":material/warning:")


def _payload(store: Store, runs: Sequence[Evaluated], part: str, state: BoardState, finding: str,
             besides: Mapping[str, Any], styles: Mapping[str, RunStyle] | None = None) -> bytes:
    of = session.reading(runs[0], part)
    looked = {**link.styles(run.run_id for run in runs), **(styles or {})}  # a second run of a seed is in no training
    positives = [len(found.positives) for found in from_store.sorted_scores(store, runs[0].read(part))]
    header = session.load_board(of, state, finding) | {"reference": state.reference.in_words} | dict(besides)
    # A slide has no table below the board, so what was measured stands on the board there.
    header |= {"warned": common_note(state), "promised": _promised(store, runs[0], state, "rows" in besides)}
    as_is, fitted = session.extra_positions(of, state)
    fitted = [sorted({*more, *aims.extra_positions(besides.get("aims", ()), k)}) for k, more in enumerate(fitted)]
    looks = [_look(run, looked[run.run_id]) for run in runs]
    own = [state.reference.thresholds.tolist(), *(_own_set(store, run, state) for run in runs[1:])]
    told = (looks, own, header, as_is, fitted, notes(state, runs[0], part, positives))
    read = tuple(run.read(part) for run in runs)
    return _PACKED.get((store.key, read, json.dumps(told)), lambda: _packed(store, read, *told))


def _promised(store: Store, run: Evaluated, state: BoardState, measured: bool) -> dict[str, dict[str, Any]]:
    """As `promise_lines`; none where one cannot be read, which `promise_kept` says."""
    try:
        return promise_lines(store, run.run_id, state, measured)
    except DataError:
        return {}


def _look(run: Evaluated, style: RunStyle) -> tuple[str, ...]:
    return run.run_id, run.label, style.colour, style.dash


def _own_set(store: Store, run: Evaluated, state: BoardState) -> list[float]:
    """Another run's own thresholds: fitted as the board's set was, where that can be done anew."""
    key = state.base.key if parse_key(state.base.key) else DEFAULT
    try:
        return find_set(store, run, key).thresholds.tolist()
    except shell.WorkbenchError:
        return find_set(store, run, default_key(run)).thresholds.tolist()


def _packed(store: Store, read: Sequence[Labelled], looks: list[tuple[str, ...]], own: list[list[float]],
            header: dict[str, Any], typed: list[list[float]], fitted: list[list[float]],
            warnings: dict[str, str]) -> bytes:
    runs = [RunCounts(*look, from_store.sorted_scores(store, of), np.array(thresholds))
            for of, look, thresholds in zip(read, looks, own, strict=True)]
    return pack(read[0].findings, runs[0], runs[1:], header, typed, fitted, warnings)
