"""A visitor without a browser: Streamlit's own protocol over a websocket, as far as opening pages and acting on them.

What a page sends is taken apart into its elements; nothing is drawn. A browser asks for a page's timers itself, which
this does not.
"""

import contextlib
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

PATIENCE = 120.0  # seconds for a page on a busy machine
_ERROR = 1  # Alert.ERROR


@dataclass
class Seen:
    """What a page sent.

    Attributes:
        elements: in the order they came; one that was sent again took the first one's place.
        seconds: until the page said that it was done.
        n_bytes: that were received.
    """

    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    seconds: float = 0.0
    n_bytes: int = 0

    def of(self, kind: str) -> list[Any]:
        """The elements of a kind, such as 'button'."""
        return [getattr(one, kind) for one in self.elements.values() if one.WhichOneof("type") == kind]

    @property
    def errors(self) -> list[str]:
        """What a visitor sees of what went wrong."""
        return [one.message for one in self.of("exception")] + [
            one.body for one in self.of("alert") if one.format == _ERROR]

    @property
    def said(self) -> str:
        """All texts of the page."""
        return "\n".join([*(one.body for kind in ("markdown", "alert", "toast") for one in self.of(kind)),
                          *(one.code_text for one in self.of("code")), *(one.body for one in self.of("heading"))])

    def widget(self, kind: str, key: str) -> Any:
        """The widget of a kind whose key begins so; LookupError where there is none."""
        found = [one for one in self.of(kind) if f"-{key}" in one.id]
        if not found:
            raise LookupError(f"no {kind} {key} on the page")
        return found[0]


class PageSession:
    """One visitor; use as a context manager."""

    def __init__(self, address: str):
        self._address = address
        self._states: dict[str, WidgetState] = {}
        self._page, self._query = "", ""
        self.seen = Seen()

    def __enter__(self) -> "PageSession":
        split = urlsplit(self._address)
        # A server of the tests has a certificate of its own.
        secured = {"ssl": ssl._create_unverified_context()} if split.scheme == "https" else {}
        self._socket = connect(f"{'wss' if secured else 'ws'}://{split.netloc}/_stcore/stream",
                               subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE,
                               ping_timeout=PATIENCE, **secured)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def open(self, page: str, query: str = "") -> Seen:
        """Open a page by its name in the address."""
        self._page, self._query, self._states, self.seen = page, query, {}, Seen()
        return self._run()

    def act(self, **given: tuple[str, str, object]) -> Seen:
        """Do something to widgets of the page and wait for what it says.

        Args:
            given: any name = (id of the widget, field of its state, value).
        """
        triggers = []
        for widget, name, value in given.values():
            state = self._states.setdefault(widget, WidgetState(id=widget))
            setattr(state, name, value)
            triggers += [widget] if name == "trigger_value" else []
        try:
            return self._run()
        finally:
            for widget in triggers:
                del self._states[widget]

    def _run(self) -> Seen:
        began, asked = time.perf_counter(), BackMsg()
        asked.rerun_script.query_string = self._query
        asked.rerun_script.page_name = self._page
        asked.rerun_script.widget_states.widgets.extend(self._states.values())
        self._socket.send(asked.SerializeToString())
        n_bytes = 0
        while True:
            data = self._socket.recv(timeout=PATIENCE)
            n_bytes += len(data)
            told = ForwardMsg.FromString(data)
            what = told.WhichOneof("type")
            if what == "new_session":
                self.seen = Seen()
            elif what == "page_info_changed":
                self._query = told.page_info_changed.query_string
            elif what == "delta" and told.delta.WhichOneof("type") == "new_element":
                self.seen.elements[tuple(told.metadata.delta_path)] = told.delta.new_element
            elif what == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.seen.seconds, self.seen.n_bytes = time.perf_counter() - began, n_bytes
        return self.seen


def wait_for(address: str, seconds: float = PATIENCE) -> None:
    """Until a server answers."""
    import urllib.request

    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).read()
            return
        assert time.monotonic() < until, f"{address} does not answer"
        time.sleep(0.1)
