"""From a film that was asked for to what is shown of it; until it is there, what is being done is said."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrcore.errors import FindingError
from cxrcore.findings import one_of
from cxrcore.queries import explained_films, film_pixels
from cxrcore.queries.chosen_film import ChosenFilm, RunFilms
from cxrcore.queries.explained_films import Look
from cxrcore.store import Store
from cxrcore.ui import link, widgets
from cxrcore.ui.explain import asked, behind_numbers, film_tray
from cxrcore.ui.explain.asked import OneRun
from cxrcore.ui.explain.film_tray import Wanted
from cxrcore.ui.explain.stage import Stage, answer, draw_stage, open_finding, unknown_to
from cxrcore.ui.explain.waiting import Line, Note
from cxrcore.ui.frame import frame

HEIGHT = 640  # pixels of what stands there until the film does
PATIENCE = 0.2  # seconds between two looks at whether the networks are loaded
_SHOWN, _CHOSEN, _ANSWERED = "explain_shown", "explain_chosen", "explain_answered"  # in the session


def finding_to_offer(films: RunFilms) -> str | None:
    """The finding whose films are offered: the link's, where the films are labelled with it."""
    try:
        return one_of(films.findings, link.finding_in_link() or "")
    except FindingError:
        return None


def show(store: Store, runs: pd.DataFrame, films: RunFilms, wanted: Wanted, said: DeltaGenerator,
         how: tuple[str, str, Look], guess: bool, notes: Sequence[str] = ()) -> Stage:
    """The film with its maps and scores; ends the page where it cannot be read or has to be looked at first.

    Where networks cannot answer at once the film stands there with what is known of it, see `Stage.waits`, and
    `wait_for_networks` has to follow when the rest of the page stands.

    Args:
        said: where the answer stands.
        notes: what else has to be said beside the film.
        how: method, view and look.
        guess: whether the film is shown alone first.
    """
    of = (wanted.key, *runs.index)
    fresh = st.session_state.get(_SHOWN) != of
    line = Line(said)
    place = st.empty() if fresh else st.container()  # an empty place sends the film before away at once
    if fresh:
        _busy(line, place, f"Reading the film {wanted.name}")
    film = film_tray.read(wanted)
    if film is None:
        st.session_state.pop(_SHOWN, None)
        line.clear()
        place.empty()
        st.stop()
    if guess and not _looked_at(film, line, place):
        explained_films.begin_loading(store, list(runs.index), widgets.ANSWER_TURN)
        st.stop()
    note = Note(line)
    shown = _ask_or_wait(store, runs, films, film, how, note)
    if not shown[0].scores.is_empty:
        note.line = None
        line.say(answer(shown))
    with place.container() if fresh else place:
        stage = _draw(store, runs, films, (film, shown), how, [*wanted.notes, *notes], note)
    st.session_state[_SHOWN] = of
    return stage


def _ask_or_wait(store: Store, runs: pd.DataFrame, films: RunFilms, film: ChosenFilm, how: tuple[str, str, Look],
                 note: Note) -> list[OneRun]:
    """The networks' answers, or what is known before they are asked."""
    method, view, _ = how
    to_ask, methods = asked.runs_to_ask(store, runs), asked.methods_for(view, method)
    answered = st.session_state.pop(_ANSWERED, None) == (explained_films.film_key(film.film.pixels), *runs.index)
    if answered or asked.answers_at_once(store, to_ask, film.film.pixels, methods):
        shown = asked.ask(store, to_ask, film.film.pixels, methods, note.tell)
        asked.keep_maps(store, film, shown, methods)
        return shown
    return asked.before_asking(store, to_ask, film, films.findings, methods)


def _draw(store: Store, runs: pd.DataFrame, films: RunFilms, what: tuple[ChosenFilm, Sequence[OneRun]],
          how: tuple[str, str, Look], notes: Sequence[str], note: Note) -> Stage:
    film, shown = what
    method, view, look = how
    chosen = st.session_state.setdefault(_CHOSEN, {})
    chosen["finding"] = open_finding(shown, films.findings)
    warnings = [*behind_numbers.warnings_of(store, film, shown), *unknown_to(shown), *notes]
    boxes = film_pixels.boxes_on(store, runs.iloc[0]["dataset_id"], film.image_id) if film.image_id else []
    stage = Stage(film, shown, method, view, look, films.known_labels(film.image_id) if film.image_id else None,
                  boxes, warnings, chosen, note)
    with st.container(key="explain_film"):
        draw_stage(stage)
    behind_numbers.say_film(film, films)
    return stage


def wait_for_networks(store: Store, runs: pd.DataFrame, stage: Stage) -> None:
    """Load and ask the networks, say so meanwhile, and draw the page again with what they say.

    A click on anything ends the waiting, and gives up the place in the line.
    """
    frame.end()  # what stands there by now is to be seen
    note, film, run_ids = stage.note, stage.film, list(runs.index)
    names = " and ".join(one.label for one in stage.shown)
    loading = explained_films.begin_loading(store, run_ids, widgets.ANSWER_TURN)
    try:
        note.say(_loading_in_words(stage, names))
        while loading.is_alive():
            note.say(_loading_in_words(stage, names))
            loading.join(PATIENCE)
        methods = asked.methods_for(stage.view, stage.method)
        to_ask = asked.questions(store, asked.runs_to_ask(store, runs), film.film.pixels, methods)
        explained_films.ask(to_ask, note.tell)
    except Exception:  # the page says it in a line below the film
        note.clear()
        if note.line is not None:
            note.line.clear()
        raise
    st.session_state[_ANSWERED] = (explained_films.film_key(film.film.pixels), *run_ids)
    st.rerun()


def _loading_in_words(stage: Stage, names: str) -> str:
    """What is being done, and what stands there meanwhile."""
    if stage.note.line is not None:
        return f"Asking {names} …"
    if all(one.kept for one in stage.shown):
        return "Scores and maps as they were kept. The network is being asked again …"
    return "Scores as they were stored. Where the network looked is being worked out …"


def _busy(line: Line, place: DeltaGenerator, text: str) -> None:
    line.say(f"{escape(text)} …")
    place.skeleton(height=HEIGHT)


def _looked_at(film: ChosenFilm, line: Line, place: DeltaGenerator) -> bool:
    """Whether the person has seen enough of the film alone; shows it until then."""
    key = f"guessed_{explained_films.film_key(film.film.pixels)}"
    if st.session_state.get(key):
        return True
    st.session_state.pop(_SHOWN, None)
    line.say("Look first: which findings do you see, and where?")
    with place.container():
        st.button("Show what the network says", type="primary",
                  on_click=lambda: st.session_state.update({key: True}))
        st.image(film.film.pixels, width=560)
    return False
