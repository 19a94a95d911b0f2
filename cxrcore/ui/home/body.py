"""What stands on Home where there are runs: the answer, four live cards, four doors."""

from pathlib import Path

import numpy as np
import streamlit as st

from cxrcore import config
from cxrcore.charts.sources import sent
from cxrcore.data.pixels import prepared
from cxrcore.errors import WorkbenchError
from cxrcore.findings import display_name, one_of
from cxrcore.queries import class_lesson, from_store
from cxrcore.queries.board_state import read_state
from cxrcore.queries.class_lesson import Lesson
from cxrcore.queries.glance import home_films, leaderboard
from cxrcore.store import Store
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.frame import tour
from cxrcore.ui.home import film_card, strip
from cxrcore.ui.runs import leaderboard as tables
from cxrcore.ui.runs import live_training
from cxrcore.ui.thresholds import lab, session

TOP = 5  # runs of the leaderboard
_BOARD, _TABLE = 330, 320  # pixels that the cards take before they are there
_STYLE = f"<style>{sent(Path(__file__).parent / 'home.css')}</style>"
_DOORS = (  # (page, title, what for)
    ("curves", "See", "Curves, findings, films: what these networks get right and wrong."),
    ("present", "Teach", "Nine slides for a class, with a board to drag and a guess to make."),
    ("import", "Bring my own", "Predictions of any model, audited and put beside these."),
    ("data", "Train", f"The films to learn from; then in a terminal: {config.TRAIN_COMMAND.split(' --')[0]}."),
)


def show(store: Store, overview: from_store.Overview) -> None:
    """The page; what is quick comes first, what reads predictions last."""
    session.begin()
    st.html(_STYLE)
    statuses = from_store.statuses(store, overview.runs)
    shown = overview.runs[~overview.runs["archived"].astype(bool)]
    groups = from_store.groups(overview, shown, statuses, "test")
    group = next((one for one in groups if one.table["auroc"].notna().any()), groups[0] if groups else None)
    if group is None:
        st.info("All runs of this store are archived. The Runs page brings them back.", icon=":material/info:")
        return
    widgets.badges(group)
    entries = leaderboard.entries(group, overview.runs)
    asked = (store, overview, group, entries, "test")
    tied = leaderboard.ties(*asked) if leaderboard.ties_known(*asked) else None
    with st.container(horizontal=True, key="home_first", vertical_alignment="center"):
        widgets.answer(tables.said_first([group], [entries], [tied]))
        tour.show("home", offered=True)
    with st.container(key="home_live"):
        with st.container(key="home_board", border=True, height="stretch"):
            board = st.empty()
        film = None
        if prepared.finished_maps(store.folder / "prepared"):
            with st.container(key="home_film_card", border=True, height="stretch"):
                film = st.empty()
    doors()
    with st.container(key="home_best", border=True):
        live_training.follow(store, overview, statuses)
        st.header(f"Best on {widgets.escape(group.title)}", anchor=False)
        tables.show_group(store, group, entries, statuses, tied, at_most=TOP)
    _living(store, overview, board, film)


def doors() -> None:
    """Four ways on, each in a sentence."""
    with st.grid(len(_DOORS), min_column_width=220, gap="small", key="home_doors"):
        for name, title, words in _DOORS:
            if shell.is_open(name):
                shell.door(name, title, words)


# -- the cards that read predictions


def _living(store: Store, overview: from_store.Overview, board: st.delta_generator.DeltaGenerator,
            film: st.delta_generator.DeltaGenerator | None) -> None:
    """The film has a place only where films lie beside the store; the board takes its room elsewhere."""
    for place, height in ((board, _BOARD), (film, film_card.HEIGHT)):
        if place:
            with place.container():
                st.skeleton(height=height)
    lesson = class_lesson.read_lesson(store, overview, [])
    if not lesson.runs:
        for place, text in ((board, "A line to drag stands here when a run has been measured, at the end of its "
                                    "training."), (film, "Here stands a film, with what a measured run says of it.")):
            if place:
                with place.container():
                    st.markdown(text)
        return
    with board.container():
        st.fragment(_board)(lesson)
    if film:
        with film.container():
            _film(lesson)


def _board(lesson: Lesson) -> None:
    """A release in the browser runs this again, and nothing else of the page."""
    with shell.errors_shown():
        finding = _finding(lesson)
        st.header(f"Where should the alarm for {display_name(finding)} go off?", anchor=False)
        state = read_state(lesson.store, lesson.run, *link.thresholds_in_link())
        strip.numbers(finding)
        lab.live_board(lesson.store, lesson.runs[:1], lesson.part, state, finding, lesson.overview, rows=[finding])
        st.markdown("Drag the line: films right of it get an alarm. *Thresholds* has all findings, and every aim.")


def _finding(lesson: Lesson) -> str:
    """The one that the link names, else that with the greatest F1 among those on films enough."""
    if name := link.finding_in_link():
        try:
            return one_of(lesson.findings, name)
        except WorkbenchError:
            pass  # of another list of findings
    enough = [len(one.positives) >= class_lesson.FEW for one in lesson.scores]
    f1 = np.nan_to_num(lesson.at_tuned.f1, nan=-1.0)
    return lesson.findings[int(np.argmax(np.where(enough, f1, f1 - 2)))]


def _film(lesson: Lesson) -> None:
    st.header("Where did it look?", anchor=False)
    if films := home_films.read(lesson.store, lesson.run, lesson.part):
        film_card.show(films)
    else:  # those beside the store are of other data sets
        st.html("<style>.st-key-home_film_card { display: none !important; }</style>")
