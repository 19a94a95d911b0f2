"""What the dashboard writes into the log, and the line that stands on a page in place of a stack trace."""

import logging
import os
import time

import streamlit as st

from cxrcore.data.files import json_log
from cxrcore.errors import WorkbenchError
from cxrcore.ui import link

_FAULTS = logging.getLogger(__name__)  # also on the server's console
_EVENTS = logging.getLogger("workbench.dashboard")  # in the log alone
_EVENTS.propagate = False
_PAGE, _SESSION, _BEGAN = "log_page", "log_session", "log_began"
_UNCAUGHT = "streamlit.error_util"  # where Streamlit says what nobody caught


def begin(page: str) -> None:
    """A page begins: what is logged from here on names it, the session and the chosen runs."""
    json_log.begin("cxrcore", _EVENTS.name)
    json_log.begin(_UNCAUGHT, level=logging.ERROR)
    st.session_state[_PAGE], st.session_state[_BEGAN] = page, time.perf_counter()
    go_on()


def go_on() -> None:
    """A callback or a fragment, which Streamlit runs without the page around it, names the same page."""
    session = st.session_state.setdefault(_SESSION, json_log.new_entry())
    json_log.context.set({"page": st.session_state.get(_PAGE, ""), "session": session, "runs": link.runs_in_link()})


def end() -> None:
    """A page was drawn to its end."""
    taken = time.perf_counter() - st.session_state.get(_BEGAN, time.perf_counter())
    _EVENTS.info("page", extra={"more": {"milliseconds": round(1e3 * taken)}})


def acted(what: str, error: WorkbenchError | None = None) -> None:
    """Something was changed in the store, or was not."""
    _EVENTS.info("%s", what, extra={"more": {"refused": str(error)} if error else {}})


def refused(error: WorkbenchError) -> None:
    """What a person can mend was said on the page."""
    _EVENTS.info("refused: %s", error)


def fault(error: Exception) -> str:
    """Log a fault of the program with its trace; returns the line for the page, as Markdown, which names the entry."""
    entry = json_log.new_entry()
    _FAULTS.error("%s: %s", type(error).__name__, error, exc_info=error, extra={"entry": entry})
    return (f"Something went wrong in the program, and this part of the page cannot be shown. It is entry **{entry}** "
            "of the server's log: tell it to whoever runs the server.")


def shows_traces() -> bool:
    """Whether CXR_TRACE is set: who works on the program sees its stack traces on the page; asked where one is due."""
    shown = bool(os.environ.get("CXR_TRACE"))
    if shown:
        st.set_option("client.showErrorDetails", "full")
    return shown
