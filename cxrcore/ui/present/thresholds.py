"""The slide on thresholds: a guess first, then the truth, and the board itself."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cxrcore.measures.thresholds.positions import counts_at
from cxrcore.queries.board_state import read_state
from cxrcore.queries.class_lesson import Lesson
from cxrcore.queries.threshold_sets import find_set
from cxrcore.ui import link, shell
from cxrcore.ui.markdown import escape
from cxrcore.ui.present.stage import headline, inside
from cxrcore.ui.thresholds import lab, session

N_ROWS = 3  # of the board, which large type leaves room for
_GUESS, _REVEALED = "guessed_threshold", "revealed_threshold"


def thresholds(lesson: Lesson) -> None:
    """Ask for a guess; when it is made, show what it is worth and give the board to drag."""
    finding = lesson.findings[lesson.example]
    headline(f"Where should the alarm for {inside(finding)} go off?")
    key = f"{_REVEALED}_{lesson.run.prediction_id(lesson.part)}_{finding}"
    if key in st.session_state:  # a guess of 0 is one too
        session.begin()
        _truth(lesson, finding, key)
    else:
        _ask(lesson, key)


def _ask(lesson: Lesson, key: str) -> None:
    k = lesson.example
    found = lesson.scores[k]
    st.markdown(f"{len(found.positives):,} of {lesson.films_of(k)} have it. Scores go from 0 to 1, and most of them "
                "are low. **Which threshold gives the greatest F1?** Make a guess before you look.")
    st.slider("Your guess", 0.0, 1.0, 0.5, 0.01, key=_GUESS)
    st.button("Reveal", type="primary", on_click=lambda: st.session_state.update({key: st.session_state[_GUESS]}))


def _truth(lesson: Lesson, finding: str, key: str) -> None:
    k, guess, tuned = lesson.example, st.session_state[key], lesson.tuned(lesson.run)
    said = escape(tuned.in_words)
    if tuned.part in (None, lesson.part):  # nothing to fit on but the films that it is read on
        tuned = find_set(lesson.store, lesson.run, f"max_f1@{lesson.part}")
        said = "fitted on these films (flatters)"
    f1 = {name: counts_at(lesson.scores, values).f1[k] for name, values in
          (("half", lesson.half), ("guess", np.full(len(lesson.findings), guess)), ("tuned", tuned.thresholds))}
    with st.container(horizontal=True, vertical_alignment="top"):
        st.markdown(f"F1 at 0.5: **{f1['half']:.2f}** · at your guess, {guess:g}: **{f1['guess']:.2f}** · at "
                    f"{tuned.thresholds[k]:.3g}, {said}: **{f1['tuned']:.2f}**.", width="stretch")
        st.button("Guess again", type="tertiary", key="guess_again", on_click=lambda: st.session_state.pop(key))
    _board(lesson, finding)


@st.fragment
def _board(lesson: Lesson, finding: str) -> None:
    """A release in the browser runs this again, and nothing else of the page."""
    with shell.errors_shown():
        state = read_state(lesson.store, lesson.run, *link.thresholds_in_link())
        lab.live_board(lesson.store, lesson.runs[:1], lesson.part, state, finding, lesson.overview,
                       rows=_rows(lesson))


def _rows(lesson: Lesson) -> list[str]:
    return [lesson.findings[k] for k in rows_beside(lesson.example, [len(one.positives) for one in lesson.scores])]


def rows_beside(example: int, positives: Sequence[int]) -> list[int]:
    """The findings that stand on the slide's board, by their places in the run's list, in that order.

    The example, the most common and the rarest finding; where these are the same, findings of a middling count too.

    Args:
        positives: films that carry each finding; those that none carries are left out.
    """
    there = [int(k) for k in np.argsort(positives, kind="stable") if positives[k]]
    middle = sorted(there, key=lambda k: abs(there.index(k) - len(there) / 2))
    return sorted(list(dict.fromkeys([example, there[-1], there[0], *middle]))[:N_ROWS])
