"""What the board's modes ask for, sent by a component of its own once the board is drawn; nothing at rest."""

import streamlit as st

from cxrcore.charts.board.assets import TELLER
from cxrcore.queries.beside_board import beside
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store
from cxrcore.ui.thresholds import board_component, session

_COMPONENT = st.components.v2.component("cxr_board_beside", html="<i></i>", js=TELLER)
_HIDDEN = "<style>.st-key-board_beside { display: none; }</style>"


def send(store: Store, run: Evaluated, part: str) -> None:
    """Send what the board on the page asks for; `part` is what it is read on."""
    wanted, of = board_component.wanted(), session.reading(run, part)
    if wanted.get("of") != of or not wanted.get("parts"):
        return
    finding = str(wanted.get("finding") or "")
    with st.container(key="board_beside"):
        st.html(_HIDDEN)
        _COMPONENT(data=beside(store, run, part, of, wanted["parts"], finding), key="board_beside_data")
