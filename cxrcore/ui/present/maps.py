"""The slide on maps: two films that the network raises an alarm for, and where it looked."""


import streamlit as st

from cxrcore.findings import display_name
from cxrcore.queries.class_lesson import Lesson
from cxrcore.queries.lesson_examples import READ, cases_of, example
from cxrcore.ui import widgets
from cxrcore.ui.present.stage import headline

N_FILMS = 2


def maps(lesson: Lesson) -> None:
    """The films with the highest scores among those that have the finding, with boxes where they are known.

    Raises:
        NothingToShow: no checkpoint, or no film among the prepared pixels.
    """
    cases = chosen_cases(lesson)
    headline("Where did the network look?")
    for column, case in zip(st.columns(N_FILMS, gap="medium"), cases, strict=False):
        with column, st.skeleton(height=420):
            made = example(lesson, *case)
            st.image(made.picture, width="stretch", alt=f"A film with {display_name(made.finding)}, and the map of it")
            st.markdown(widgets.escape(made.caption))
    st.markdown(READ)


def chosen_cases(lesson: Lesson) -> list[tuple[str, str]]:
    """The films that were chosen, else those that serve best; as for `maps`."""
    return list(lesson.pictured[:N_FILMS]) or cases_of(lesson, N_FILMS)


def maps_ahead(lesson: Lesson) -> None:
    """What `maps` asks the network, for those who come to it next."""
    for case in chosen_cases(lesson):
        example(lesson, *case)
