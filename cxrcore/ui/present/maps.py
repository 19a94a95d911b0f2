"""The slide on maps: two films that the network raises an alarm for, and where it looked."""

import streamlit as st

from cxrcore.charts.film_viewer.payload import pack_films
from cxrcore.queries.class_lesson import Lesson
from cxrcore.queries.lesson_examples import READ, cases_of, example
from cxrcore.ui import film_viewer
from cxrcore.ui.present.stage import headline

N_FILMS = 2
HEIGHT = 560  # pixels that the films take before they are there


def maps(lesson: Lesson) -> None:
    """The films with the highest scores among those that have the finding, with boxes where they are known.

    Raises:
        NothingToShow: no checkpoint, or no film among the prepared pixels.
    """
    cases = chosen_cases(lesson)
    headline("Where did the network look?")
    with st.container(key="stage_films"):
        with st.skeleton(height=HEIGHT):
            made = [example(lesson, *case) for case in cases]
        film_viewer.films(pack_films(made), "stage_films_shown")
    st.markdown(READ)


def chosen_cases(lesson: Lesson) -> list[tuple[str, str]]:
    """The films that were chosen, else those that serve best; as for `maps`."""
    return list(lesson.pictured[:N_FILMS]) or cases_of(lesson, N_FILMS)


def maps_ahead(lesson: Lesson) -> None:
    """What `maps` asks the network, for those who come to it next."""
    for case in chosen_cases(lesson):
        example(lesson, *case)
