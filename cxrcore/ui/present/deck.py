"""Which slides a class sees, and of what: hidden ones, the finding and the films of a slide. All of it in the link."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import streamlit as st

from cxrcore.errors import WorkbenchError
from cxrcore.findings import display_name
from cxrcore.queries.class_lesson import Lesson, NothingToShow
from cxrcore.queries.lesson_examples import cases_of
from cxrcore.ui.link import in_link
from cxrcore.ui.present.stage import FILMS, FINDING, Slide

HIDDEN, CHOSEN_FILMS, ALL_AT_ONCE = "hide", "films", "print"  # the widgets' keys, and so their names in the link
BEST = "the one that teaches most"
N_OFFERED = 8  # films to choose from
_AHEAD = ThreadPoolExecutor(1, "slide-ahead")  # one after another: a class has one presenter
_PREPARED = "slides_prepared"


def shown(slides: Sequence[Slide], current: Slide | None) -> list[Slide]:
    """The slides that are not hidden; the one that the link asks for is."""
    hidden = st.session_state.get(HIDDEN) or st.query_params.get_all(HIDDEN)
    return [slide for slide in slides if slide.name not in hidden or slide is current]


def choices(slides: Sequence[Slide], lesson: Lesson) -> None:
    """The popover in which slides are hidden, and their findings and films chosen."""
    with st.popover("Slides", icon=":material/tune:", key="present_choices",
                    help="Hide slides, choose their finding and films, print all"):
        st.multiselect("Hidden slides", [slide.name for slide in slides], **in_link(HIDDEN), placeholder="none")
        names = [display_name(finding) for finding in lesson.findings] if lesson.runs else []
        for slide in slides:
            if slide.picks == FINDING and names:
                st.selectbox(f"Finding of {slide.name}", [BEST, *names], **in_link(_key(slide)))
            elif slide.picks == FILMS and lesson.runs:
                _choose_films(slide, lesson)
        st.toggle("All slides below each other, to print", **in_link(ALL_AT_ONCE))


def _choose_films(slide: Slide, lesson: Lesson) -> None:
    """Only where the slide is open or films are chosen already: offering them takes reading every film's scores."""
    if st.query_params.get("slide") != slide.name and CHOSEN_FILMS not in st.query_params:
        return
    try:
        offered = [_film(*case) for case in cases_of(lesson, N_OFFERED)]
    except (NothingToShow, WorkbenchError):
        return
    chosen = [one for one in st.query_params.get_all(CHOSEN_FILMS) if one not in offered]
    st.multiselect(f"Films of {slide.name}", [*offered, *chosen], **in_link(CHOSEN_FILMS), max_selections=2,
                   placeholder="the best right alarms")


def as_chosen(slide: Slide, lesson: Lesson) -> Lesson:
    """The lesson with what was chosen for a slide; what the run does not have counts as not chosen."""
    titles = {display_name(finding): finding for finding in lesson.findings} if lesson.runs else {}
    if slide.picks == FINDING:
        asked = st.session_state.get(_key(slide)) or st.query_params.get(_key(slide), BEST)
        return replace(lesson, wanted=titles.get(asked, ""))
    if slide.picks == FILMS:
        asked = st.session_state.get(CHOSEN_FILMS) or st.query_params.get_all(CHOSEN_FILMS)
        films = [(image_id, titles[title]) for title, _, image_id in (one.partition(": ") for one in asked)
                 if title in titles]
        return replace(lesson, pictured=tuple(films))
    return lesson


def prepare(slide: Slide | None, lesson: Lesson) -> None:
    """Work a slide out beside this run, once, so that it stands at once when it is turned to."""
    if slide is None or slide.ahead is None or not lesson.runs:
        return
    of = slide.name, lesson.run.run_id, lesson.part, lesson.wanted, lesson.pictured
    prepared = st.session_state.setdefault(_PREPARED, set())
    if of not in prepared:
        prepared.add(of)
        _AHEAD.submit(_quietly, slide, lesson)


def _quietly(slide: Slide, lesson: Lesson) -> None:
    with contextlib.suppress(Exception):  # the slide itself says what is missing
        if slide.ahead is not None:
            slide.ahead(lesson)


def _key(slide: Slide) -> str:
    return f"{slide.name.lower()}_finding"


def _film(image_id: str, finding: str) -> str:
    return f"{display_name(finding)}: {image_id}"
