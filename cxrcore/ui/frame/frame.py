"""The head line and the bar of a page: where it puts what is not its answer.

    title  question  chips                                     Copy link  Numbers  Download
    run  split  labels  measure                                (44 px, stays on top)

A page fills them as it goes: `bar()` with the controls that choose what it shows, `chips()` with marks that must be
seen beside every number, `numbers()` with where its numbers come from, `tools()` with downloads. Each slot is made when
it is first asked for, so that none is empty. Streamlit runs one page a session at a time, so the slots of the run under
way are kept in the session.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from cxrcore.charts.sources import sent
from cxrcore.glossary import TERMS

# Terms whose bare names stand on buttons, heads and labels; no two have the same name.
TAPPED = ("auroc", "ap", "f1", "recall", "precision", "specificity", "brier", "ece", "macro", "micro", "interval",
          "hit", "iou", "iobb", "energy", "prevalence", "threshold")
_KEY = "frame_slots"
_HERE = Path(__file__).parent


def _read(name: str) -> str:
    return sent(_HERE / name)


BUTTONS = _read("buttons.css")  # of components that are a button
_COPY_LINK = st.components.v2.component(
    "cxr_copy_link", html='<button type="button" data-testid="copy-link">Copy link</button>', css=BUTTONS,
    js=_read("copy_link.js"))
_CHART_FILES = st.components.v2.component("cxr_chart_files", html="<i hidden></i>\n", js=_read("chart_files.js"))
_KEYBOARD = st.components.v2.component("cxr_keyboard", html="<i hidden></i>\n", js=_read("keyboard.js"))
_TERMS = st.components.v2.component("cxr_terms", html='<div id="term" popover="manual" role="status"></div>\n',
                                    css=_read("terms.css"), js=_read("terms.js"))
_MORE = st.components.v2.component(
    "cxr_more", html='<button type="button" aria-expanded="false" data-testid="more-controls">More</button>',
    css=BUTTONS, js=_read("more.js"))


@dataclass
class _Slots:
    """The places of one run of a page; made: those that hold something by now."""

    chips: Any
    numbers: Any
    tools: Any
    bar: Any
    end: Any
    made: dict[str, Any] = field(default_factory=dict)
    chipped: set[str] = field(default_factory=set)


def listen() -> None:
    """Keep the focus where a person without a mouse looks for it, and tell what a measure is when its name is tapped.

    On every page; draws nothing by itself.
    """
    with st.container(key="keyboard"):
        _KEYBOARD(key="frame_keyboard")
        _TERMS(data={"terms": {TERMS[key].short: TERMS[key].in_words for key in TAPPED}}, key="frame_terms")


def begin(title: str, question: str) -> None:
    """Draw the head line and make the place of the bar; all slots are empty."""
    with st.container(horizontal=True, key="page_head", vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="content")
        st.markdown(question, width="content")
        chips = st.container(horizontal=True, key="page_chips", width="content", gap="xsmall")
        with st.container(horizontal=True, key="page_tools", width="content", gap="xsmall"):
            _COPY_LINK(key="copy_link", width="content", height="content")
            _CHART_FILES(key="chart_files", width="content", height="content")
            numbers, tools = st.container(width="content"), st.container(horizontal=True, width="content", gap="xsmall")
    st.session_state[_KEY] = _Slots(chips, numbers, tools, st.container(), st.container(key="page_end"))


def end() -> None:
    """Tell the style that all slots of this run are filled."""
    slots = _slots()
    with slots.end if slots else st.container(key="page_end"):
        st.html('<i class="page-drawn" hidden></i>')


def without() -> None:
    """For a stage, whose own content is all that is shown: what is put into the slots stands where it is put."""
    st.session_state[_KEY] = None


def bar() -> Any:
    """The container of the page's controls: one line that stays on top. On a phone all but the first fold away."""
    slots = _slots()
    if slots is None:
        return st.container(horizontal=True, vertical_alignment="center")
    if "bar" not in slots.made:
        with slots.bar:
            slots.made["bar"] = st.container(horizontal=True, key="page_bar", vertical_alignment="center", gap="small")
        with slots.made["bar"]:
            _MORE(key="bar_more", width="content", height="content")
    return slots.made["bar"]


def chip(label: str, meaning: str, *, colour: Literal["orange", "gray"] = "orange", icon: str | None = None) -> None:
    """A mark beside the title, with one sentence that comes by hover or tap; each once a page.

    Args:
        label: plain text, a few letters.
        meaning: Markdown.
        icon: a Material symbol.
    """
    slots = _slots()
    if slots is None:
        st.badge(label, icon=icon, color=colour, help=meaning)
    elif label not in slots.chipped:
        slots.chipped.add(label)
        with slots.chips:
            st.badge(label, icon=icon, color=colour, help=meaning)


def numbers() -> Any:
    """The container behind *Numbers*: data set, split, films, thresholds; what a careful reader asks for."""
    slots = _slots()
    if slots is None:
        return st.container()
    if "numbers" not in slots.made:
        with slots.numbers:
            slots.made["numbers"] = st.popover("Numbers", icon=":material/info:", key="frame_numbers",
                                               help="Where these numbers come from")
        with slots.made["numbers"]:
            st.markdown("**Where these numbers come from**")
    return slots.made["numbers"]


def tools() -> Any:
    """The container at the right of the head line."""
    slots = _slots()
    return st.container(horizontal=True) if slots is None else slots.tools


def _slots() -> _Slots | None:
    return st.session_state.get(_KEY)
