"""The stage of class mode: large type, one slide at a time, arrow keys, presenter notes. Knows no slide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from cxrcore.charts.look import Figure
from cxrcore.charts.simple_charts.payload import Chart
from cxrcore.charts.sources import sent
from cxrcore.charts.stage import for_stage
from cxrcore.findings import display_name
from cxrcore.queries.class_lesson import NothingToShow
from cxrcore.store import Store
from cxrcore.ui import shell, simple_chart, widgets
from cxrcore.ui.link import forget, in_link

SLIDE = "slide"  # the picker's key, and so its name in the link
NOTES = "notes"
FINDING, FILMS = "finding", "films"  # what can be chosen for a slide
_KEYS = "slide_keys"


def _read(name: str) -> str:
    return sent(Path(__file__).parent / name)


_LISTENER = st.components.v2.component(
    "cxr_slide_keys", html="""<button type="button" aria-label="Full screen" title="Full screen (key F)">
<svg width="1em" height="1em" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2">
<path d="M1 5V1h4M11 1h4v4M15 11v4h-4M5 15H1v-4"/></svg></button>""",
    css=_read("keys.css"), js=_read("keys.js"))


@dataclass(frozen=True)
class Notes:
    """What the presenter sees: what to say, a question to ask, and what people get wrong."""

    say: str
    ask: str
    trap: str


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes:
        name: in the list of slides and in the link.
        show: draws it, given the lesson.
        picks: `FINDING` or `FILMS` where that can be chosen for it.
        ahead: works out what takes long in `show`, with no screen; None where nothing does.
    """

    name: str
    show: Callable[[Any], None]
    notes: Notes
    picks: str = ""
    ahead: Callable[[Any], None] | None = None


def dress() -> None:
    """The stage's type and sizes."""
    st.html(f"<style>{_read('stage.css')}</style>")


def current(slides: Sequence[Slide]) -> Slide | None:
    """The slide that the link names, the first where it names none; None (said) where it names an unknown one."""
    names = [slide.name for slide in slides]
    asked = st.session_state.get(SLIDE) or st.query_params.get(SLIDE) or names[0]
    if asked in names:
        return slides[names.index(asked)]
    st.error(f"The link asks for slide “{widgets.escape(asked)}”, which is not here.", icon=":material/link_off:")
    st.button("Show the first slide", on_click=forget, args=(SLIDE,))
    return None


def show_slide(slide: Slide, lesson: Any, store: Store, place: Any = None) -> None:
    """Draw the slide, or what is missing for it; an error stays on the stage.

    Args:
        place: an `st.empty`, which takes what stood there before off the screen; None for one of several slides.
    """
    inside = st.container(key=f"slide_of_{slide.name.lower()}") if place is None else place.container(key="stage")
    with inside, shell.errors_shown():
        _draw(slide, lesson, store)


def _draw(slide: Slide, lesson: Any, store: Store) -> None:
    try:
        with st.skeleton(height=480):
            _ = lesson.data  # of a large data set the slowest part, and all slides want it
        slide.show(lesson)
    except NothingToShow as missing:
        headline(slide.name)
        st.info(widgets.escape(str(missing)), icon=":material/info:")
        if missing.command:
            widgets.command(missing.command, store)


def bar(slides: Sequence[Slide], slide: Slide, more: Callable[[], None]) -> None:
    """Previous, the list of slides, next, what `more` draws, and the notes with their button."""
    names = [one.name for one in slides]
    place = names.index(slide.name)
    with st.container(key="present_bar", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button("", icon=":material/arrow_back:", key="back", help="Previous slide (left arrow)", disabled=place == 0,
                  on_click=_go, args=(names, place, -1))
        st.button("", icon=":material/arrow_forward:", key="forward", help="Next slide (right arrow)",
                  disabled=place == len(names) - 1, on_click=_go, args=(names, place, 1))
        st.markdown(f"{place + 1} of {len(names)}", width="content")
        st.selectbox("Slide", names, **in_link(SLIDE), width=165, label_visibility="collapsed")
        more()
        _LISTENER(data={"place": place, "n": len(names), "notes": bool(st.session_state.get(NOTES))}, key=_KEYS,
                  on_turn_change=lambda: _turn(names, place), width="content", height="content")
        st.toggle("Notes", **in_link(NOTES),
                  help="What to say and to ask (key N). Open this page in a second window with its notes on: both turn "
                       "together.")
    if st.session_state.get(NOTES):
        with st.container(key="present_notes"):
            st.markdown(f"**Say** {slide.notes.say}\n\n**Ask** {slide.notes.ask}\n\n**Beware** {slide.notes.trap}")


def _turn(names: Sequence[str], place: int) -> None:
    """A key was pressed."""
    turn = (st.session_state.get(_KEYS) or {}).get("turn")
    if isinstance(turn, dict) and "notes" in turn:
        st.session_state[NOTES] = bool(turn["notes"])
    elif isinstance(turn, dict):  # another window turned
        _go(names, 0, turn["place"])
    elif turn is not None:
        _go(names, place, {"first": -place, "last": len(names) - 1 - place}.get(turn, turn))


def _go(names: Sequence[str], place: int, steps: int) -> None:
    st.session_state[SLIDE] = names[min(max(place + int(steps), 0), len(names) - 1)]


# -- what slides are made of


def inside(finding: str) -> str:
    """A finding's name inside a sentence: 'Edema' -> 'edema', but 'COPD_signs' -> 'COPD signs'."""
    name = display_name(finding)
    return name if name[:2].isupper() else name[0].lower() + name[1:]


def headline(text: str) -> None:
    """The slide's one statement, on one line unless it is very long."""
    st.html(f"<style>.st-key-stage {{ --letters: {len(text)}; }}</style>")
    st.header(text, anchor=False)


def chart(figure: Figure, key: str, alt: str, besides: float, title: bool = True) -> None:
    """A chart that fills what the slide leaves.

    Args:
        besides: height of all else on the slide, in rem.
    """
    with _room(key, besides):
        st.plotly_chart(for_stage(figure, title), key=f"stage_{key}", height="stretch", alt=alt,
                        config={"displayModeBar": False})


def rows(chart: Chart, key: str, alt: str, besides: float) -> None:
    """As `chart`, of rows that are drawn without Plotly; the slide says their title and legend."""
    with _room(key, besides):
        simple_chart.fill(chart, f"stage_{key}", alt)


def _room(key: str, besides: float) -> Any:
    """The container that takes what the slide leaves."""
    st.html(f"<style>.st-key-chart_{key} {{ --besides: {besides:g}rem; }}</style>")
    return st.container(key=f"chart_{key}")
