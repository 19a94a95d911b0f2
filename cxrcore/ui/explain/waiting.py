"""What a visitor reads while networks are loaded, or while the films of others are before theirs."""

from dataclasses import dataclass
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrcore.ui import widgets

_NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def in_words(before: int) -> str:
    """'Two films are before yours …'; of 0 that others have asked for this very film."""
    if before == 0:
        return "This film is being looked at already, for somebody else …"
    number = _NUMBERS[before - 1] if before <= len(_NUMBERS) else f"{before:,}"
    return f"{number} film{' is' if before == 1 else 's are'} before yours …"


@dataclass
class Line:
    """Where the answer stands; what stood there before stays until there is something else to say."""

    of: DeltaGenerator
    _place: DeltaGenerator | None = None

    def say(self, text: str) -> None:
        """As `widgets.answer`."""
        with self._place or self.of:  # an empty place, sent first, would move all below it for a moment
            self._place = widgets.answer(text)

    def clear(self) -> None:
        """Nothing stands there."""
        (self._place or self.of).empty()


@dataclass
class Note:
    """What is being done, in one place that moves nothing else: over the film, or where the answer will stand.

    Attributes:
        line: where the answer will stand, while there is none; None where it stands there already.
        over: the place over the film, once there is one.
    """

    line: Line | None = None
    over: DeltaGenerator | None = None
    _said: str = ""

    def begin(self) -> None:
        """Make the place over the film, as the first of what is drawn there."""
        with st.container(key="film_waits"):
            self.over, self._said = st.empty(), ""

    def say(self, text: str) -> None:
        """Say what is being done; plain text that ends with an ellipsis. A person who has gone on ends the run here."""
        st.session_state.get("film_waits")  # where Streamlit ends a run that nobody waits for any more
        if text == self._said:
            return
        self._said = text
        if self.line is not None:
            self.line.say(escape(text))
        elif self.over is not None:
            self.over.html(f'<p class="film-waits" role="status">{escape(text)}</p>')

    def tell(self, before: int) -> None:
        """As `told` of `WaitingLine.turn`."""
        self.say(in_words(before))

    def clear(self) -> None:
        """Nothing is being done any more."""
        self._said = ""
        if self.over is not None:
            self.over.empty()
