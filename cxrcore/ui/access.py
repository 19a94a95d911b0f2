"""What a server says of itself: that it only shows results, that everybody can change them, or who may come in."""

import importlib.util
import logging
import os

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from cxrcore.config import is_read_only
from cxrcore.errors import UsageError
from cxrcore.store import Store
from cxrcore.ui.markdown import escape

_LOG = logging.getLogger(__name__)
_TOLD, _COPY = "served_told", "shell_copy"
LOCAL = ("localhost", "127.0.0.1", "::1")
READ_ONLY = "This server shows results: nothing can be changed, saved or imported here."
OPEN = ("Everybody who can reach this server can rename, delete and import runs. Set CXR_READ_ONLY=1 to only show "
        "results, or CXR_LOGIN=1 to ask for a login (docs/operations.md).")


def asks_for_login() -> bool:
    """Whether CXR_LOGIN is set: who is not logged in sees nothing."""
    return os.environ.get("CXR_LOGIN", "").strip().casefold() not in ("", "0", "no", "false", "off")


def is_open() -> bool:
    """Whether other machines can reach this server, and nothing keeps them from changing what is there."""
    address = st.get_option("server.address")
    return address not in LOCAL and not is_read_only() and not asks_for_login()


def tell(store: Store, page: str) -> None:
    """Say once a session, on the page that it begins with, what the server lets people do, and of a new form."""
    told_on = st.session_state.setdefault(_TOLD, page)
    if is_read_only() and told_on == page:
        st.info(READ_ONLY, icon=":material/lock:")
    elif is_open():  # on every page, until it is mended
        _warn_once()
        st.warning(OPEN, icon=":material/public:")
    if not is_read_only():
        _tell_of_copy(store, page)


def _tell_of_copy(store: Store, page: str) -> None:
    """Where the store lies as it was before its form changed; once a session, on the page that it begins with."""
    if _COPY not in st.session_state:
        st.session_state[_COPY] = page, store.copy_before()
    told_on, copy = st.session_state[_COPY]
    if page == told_on and copy is not None and copy.exists():
        st.info("This version of the workbench brought the store to a new form. As it was before it lies beside it in "
                f"{escape(copy.name)}, which may be deleted once all is well.", icon=":material/inventory_2:")


@st.cache_resource
def _warn_once() -> None:
    _LOG.warning(OPEN)


def admit() -> None:
    """Let in who is logged in, where CXR_LOGIN asks for it; the page ends for everybody else.

    Raises:
        UsageError: the login is asked for and not set up.
    """
    if not asks_for_login():
        return
    if importlib.util.find_spec("authlib") is None or not _is_set_up():
        raise UsageError("CXR_LOGIN is set, but no login is set up: it takes the package Authlib and a section [auth] "
                         "in .streamlit/secrets.toml (docs/operations.md); until then nobody is let in")
    if not st.user.is_logged_in:
        st.markdown("This server is for people who are logged in.")
        st.button("Log in", type="primary", on_click=st.login, key="login")
        st.stop()
    if not may_enter(st.user.get("email"), st.user.get("email_verified")):
        st.warning("You are logged in, but this server is not open to you. Ask whoever runs it.",
                   icon=":material/lock:")
        st.button("Log out", on_click=st.logout, key="logout")
        st.stop()


def may_enter(address: object, verified: object) -> bool:
    """Whether an address is one of CXR_LOGIN_ALLOW: addresses, or domains as @example.org, comma-separated.

    Where it is not set, the login's provider decides alone. An address that the provider says is not verified is none.
    """
    allowed = [one.strip().casefold() for one in os.environ.get("CXR_LOGIN_ALLOW", "").split(",") if one.strip()]
    if not allowed:
        return True
    if not isinstance(address, str) or verified is False:
        return False
    own = address.casefold()
    return any(own == one or (one.startswith("@") and own.rpartition("@")[2] == one[1:]) for one in allowed)


def _is_set_up() -> bool:
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False
