"""The tour: nine stops on the real controls of the real pages, offered by a line on Home and never opened unasked.

Where it is and whether it is wanted at all stays with the browser; the server only says what each stop is about.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cxrcore.charts.sources import sent

_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "cxr_tour", html='<div id="offer"></div>\n<div id="tour" popover="manual" data-testid="tour"></div>',
    css=sent(_HERE / "tour.css"), js=sent(_HERE / "tour.js"))


@dataclass(frozen=True)
class Stop:
    """One stop.

    Attributes:
        page: where it is, a name of `shell.PAGES`.
        find: CSS selectors of what it points at, the first that is there.
        title: of a few words.
        text: one or two sentences.
    """

    page: str
    find: tuple[str, ...]
    title: str
    text: str


_FIRST = "[data-first-content]"
STOPS = (
    Stop("runs", ("[data-testid=leaderboard] table", _FIRST), "How good is each run?",
         "A bar is a 95 % interval: runs whose bars meet may be equally good. Tick a row or two; the choice goes along "
         "to the other pages."),
    Stop("data", (_FIRST, "h1"), "How rare is a finding?",
         "A program that always says “no” is right most of the time. That is why accuracy says little here."),
    Stop("curves", (".js-plotly-plot", _FIRST), "ROC, then PR",
         "Fourteen ROC curves look fine. Switch the view to PR, which looks worse, and says more where findings are "
         "rare."),
    Stop("thresholds", ("[data-testid=threshold-board] [data-finding]", _FIRST), "Drag a line",
         "Films to the right of it get an alarm. F1, recall and precision follow while you drag."),
    Stop("compare", (_FIRST, "h1"), "Which run is better?",
         "The verdict comes from a paired test over the films that both runs share. With one run alone, add another "
         "in the bar above."),
    Stop("subgroups", (_FIRST, "h1"), "Is anybody missed more often?",
         "The same thresholds for all patients. “No difference shown” is not “no difference”."),
    Stop("cases", (".films a", _FIRST, "h1"), "The films behind a count",
         "The worst first. A click on a film asks the network where it looked."),
    Stop("localization", (_FIRST, "h1"), "Do maps point at the boxes?",
         "Held against a guess that never looks at the film: not every colourful map knows something."),
    Stop("localization", ('[data-testid=stSidebar] a[href*="present"]', "h1"), "Show it to a class",
         "Present tells all this in nine slides, without this tour. Report on Compare makes one file to send."),
)


def show(page: str, *, offered: bool = False) -> None:
    """The tour where it stands on this page; draws nothing where it is not on.

    Args:
        page: the open one.
        offered: also say in a line that there is one.
    """
    stops = [{"page": one.page, "find": list(one.find), "title": one.title, "text": one.text} for one in STOPS]
    with st.container(key="tour_offer" if offered else "tour"):
        _COMPONENT(data={"page": page, "stops": stops, "offered": offered}, key="frame_tour")
