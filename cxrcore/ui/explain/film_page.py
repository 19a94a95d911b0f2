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
from cxrcore.ui.explain.film_tray import Wanted
from cxrcore.ui.explain.stage import Stage, answer, draw_stage, open_finding, unknown_to

HEIGHT = 640  # pixels of what stands there until the film does
_SHOWN, _CHOSEN = "explain_shown", "explain_chosen"  # in the session


def finding_to_offer(films: RunFilms) -> str | None:
    """The finding whose films are offered: the link's, where the films are labelled with it."""
    try:
        return one_of(films.findings, link.finding_in_link() or "")
    except FindingError:
        return None


def show(store: Store, runs: pd.DataFrame, films: RunFilms, wanted: Wanted, said: DeltaGenerator,
         how: tuple[str, str, Look], guess: bool, notes: Sequence[str] = ()) -> Stage:
    """The film with its maps and scores; ends the page where it cannot be read or has to be looked at first.

    Args:
        said: where the answer stands.
        notes: what else has to be said beside the film.
        how: method, view and look.
        guess: whether the film is shown alone first.
    """
    of = (wanted.key, *runs.index)
    fresh = st.session_state.get(_SHOWN) != of
    line = said.empty()
    place = st.empty() if fresh else st.container()  # an empty place sends the film before away at once
    if fresh:
        _busy(line, place, f"Reading the film {wanted.name}")
    film = film_tray.read(wanted)
    if film is None:
        st.session_state.pop(_SHOWN, None)
        line.empty()
        place.empty()
        st.stop()
    if guess and not _looked_at(film, line, place):
        st.stop()
    shown = asked.ask(store, asked.runs_to_ask(store, runs), film.film.pixels,
                      lambda label: _busy(line, place, f"Asking {label}") if fresh else None)
    with line:
        widgets.answer(answer(shown))
    method, view, look = how
    with place.container() if fresh else place:
        chosen = st.session_state.setdefault(_CHOSEN, {})
        chosen["finding"] = open_finding(shown, films.findings)
        warnings = [*behind_numbers.warnings_of(film, shown), *unknown_to(shown), *wanted.notes, *notes]
        boxes = film_pixels.boxes_on(store, runs.iloc[0]["dataset_id"], film.image_id) if film.image_id else []
        stage = Stage(film, shown, method, view, look, films.known_labels(film.image_id) if film.image_id else None,
                      boxes, warnings, chosen)
        draw_stage(stage)
        behind_numbers.say_film(film, films)
    st.session_state[_SHOWN] = of
    return stage


def _busy(line: DeltaGenerator, place: DeltaGenerator, text: str) -> None:
    with line:
        widgets.answer(f"{escape(text)} …")
    place.skeleton(height=HEIGHT)


def _looked_at(film: ChosenFilm, line: DeltaGenerator, place: DeltaGenerator) -> bool:
    """Whether the person has seen enough of the film alone; shows it until then."""
    key = f"guessed_{explained_films.film_key(film.film.pixels)}"
    if st.session_state.get(key):
        return True
    st.session_state.pop(_SHOWN, None)
    with line:
        widgets.answer("Look first: which findings do you see, and where?")
    with place.container():
        st.button("Show what the network says", type="primary",
                  on_click=lambda: st.session_state.update({key: True}))
        st.image(film.film.pixels, width=560)
    return False
