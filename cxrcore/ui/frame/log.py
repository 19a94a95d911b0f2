"""What the dashboard writes into the log, and the line that stands on a page in place of a stack trace."""

import logging
import os
import time

import streamlit as st

from cxrcore.data.files import json_log
from cxrcore.errors import WorkbenchError
from cxrcore.ui import link

_LOG = logging.getLogger(__name__)
_SESSION, _BEGAN = "log_session", "log_began"
_UNCAUGHT = "streamlit.error_util"  # where Streamlit says what nobody caught, as in a callback


def begin(page: str) -> None:
    """A page begins: what is logged from here on names it, the session and the chosen runs."""
    json_log.begin("cxrcore")
    json_log.begin(_UNCAUGHT, level=logging.ERROR)
    session = st.session_state.setdefault(_SESSION, json_log.new_entry())
    json_log.context.set({"page": page, "session": session, "runs": link.runs_in_link()})
    st.session_state[_BEGAN] = time.perf_counter()


def end() -> None:
    """A page was drawn to its end."""
    taken = time.perf_counter() - st.session_state.get(_BEGAN, time.perf_counter())
    _LOG.info("page", extra={"more": {"milliseconds": round(1e3 * taken)}})


def acted(what: str, error: WorkbenchError | None = None) -> None:
    """Something was changed in the store, or was not."""
    _LOG.info("%s", what, extra={"more": {"refused": str(error)} if error else {}})


def refused(error: WorkbenchError) -> None:
    """What a person can mend was said on the page."""
    _LOG.info("refused: %s", error)


def fault(error: Exception) -> str:
    """Log a fault of the program with its trace; returns the line for the page, as Markdown, which names the entry."""
    entry = json_log.new_entry()
    _LOG.error("%s: %s", type(error).__name__, error, exc_info=error, extra={"entry": entry})
    return (f"Something went wrong in the program, and this part of the page cannot be shown. It is entry **{entry}** "
            "of the server's log: tell it to whoever runs the server.")


def shows_traces() -> bool:
    """Whether CXR_TRACE is set: who works on the program sees its stack traces on the page."""
    return bool(os.environ.get("CXR_TRACE"))
