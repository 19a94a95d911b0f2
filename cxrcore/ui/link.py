"""Widgets whose value stands in the link by Streamlit's own binding, and what that would lose.

At its end, a run takes the values of widgets that are no longer drawn out of the link, by sending the browser the link
as it was when that run began. What somebody chose meanwhile is not in it: the page shows the choice, the link does not
(seen in 1.67). So the next run tells the browser its link once more, where that happened; an equal one changes nothing.
"""

import streamlit as st

_DRAWN = "bound_drawn"  # in the run under way
_SHOWN = "bound_shown"  # in the last run that came to its end
_GONE = "bound_gone"  # from that run


def in_link(key: str) -> dict[str, str]:
    """Arguments that keep a widget's value in the link under this name; the name is its key too."""
    st.session_state.setdefault(_DRAWN, set()).add(key)
    return {"key": key, "bind": "query-params"}


def begin_page(arrived: bool) -> None:
    """Before a page draws its widgets.

    Args:
        arrived: whether another page was open before.
    """
    gone = st.session_state.pop(_GONE, set())
    st.session_state[_DRAWN] = set()
    if arrived:
        st.session_state[_SHOWN] = set()
    elif gone & set(st.query_params):  # the browser had not heard of it when it asked for this run
        st.query_params.update()


def end_page() -> None:
    """After a page has drawn its widgets; not called for a run that was broken off."""
    drawn = st.session_state[_DRAWN]
    st.session_state[_GONE] = st.session_state.get(_SHOWN, set()) - drawn
    st.session_state[_SHOWN] = set(drawn)
