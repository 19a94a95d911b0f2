"""A visitor without a browser: Streamlit's own protocol over a websocket, as far as opening pages and acting on them.

What a page sends is taken apart into its elements; nothing is drawn. As a browser does, it keeps large elements that
may come again, runs a fragment alone where what was acted on stands in one, and uploads files beside the websocket. A
browser asks for a page's timers itself, which this does not.
"""

import contextlib
import json
import ssl
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

PATIENCE = 120.0  # seconds for a page on a busy machine
KEPT_RUNS = 2  # of the page, after which a browser forgets an element that was not sent again
_ERROR = 1  # Alert.ERROR
_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # the widget of a component's triggers
_TRIGGERS = ("trigger_value", "json_trigger_value")  # which hold for one run
_XSRF = "_streamlit_xsrf"


@dataclass
class Seen:
    """What a page sent.

    Attributes:
        elements: in the order they came; one that was sent again took the first one's place.
        fragments: the fragment that each element stands in; "" for the page itself.
        seconds: until the page said that it was done.
        n_bytes: that were received.
    """

    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    fragments: dict[tuple[int, ...], str] = field(default_factory=dict)
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

    def fragment_of(self, widget: str) -> str:
        """The fragment that a widget, or a component's triggers, stand in, by their id; "" for the page itself."""
        for path, one in self.elements.items():
            own = getattr(getattr(one, one.WhichOneof("type") or "empty"), "id", None)
            if own and widget in (own, _EVENTS.format(own)):
                return self.fragments[path]
        return ""

    def put(self, told: ForwardMsg, element: Element, fragment: str) -> None:
        """An element that came takes its place."""
        path = tuple(told.metadata.delta_path)
        self.elements[path], self.fragments[path] = element, fragment

    def leave(self, fragments: set[str]) -> None:
        """What stands in these fragments goes: they begin anew."""
        for path in [path for path, own in self.fragments.items() if own in fragments]:
            del self.elements[path], self.fragments[path]


class _Held:
    """Elements that the server need not send again, as a browser keeps them."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[ForwardMsg, int]] = {}
        self._run = 0

    @property
    def hashes(self) -> list[str]:
        return list(self._held)

    def take(self, told: ForwardMsg) -> ForwardMsg:
        """The message itself, or the one that it refers to, in its own place."""
        if told.WhichOneof("type") == "ref_hash":
            held, _ = self._held[told.ref_hash]
            self._held[told.ref_hash] = held, self._run
            meant = ForwardMsg(hash=told.ref_hash, delta=held.delta)
            meant.metadata.CopyFrom(told.metadata)
            return meant
        if told.metadata.cacheable and told.hash:
            self._held[told.hash] = told, self._run
        return told

    def end_run(self) -> None:
        self._run += 1
        self._held = {name: held for name, held in self._held.items() if self._run - held[1] <= KEPT_RUNS}


class PageSession:
    """One visitor; use as a context manager."""

    def __init__(self, address: str):
        self._address = address
        self._states: dict[str, WidgetState] = {}
        self._told: dict[str, dict[str, Any]] = {}  # what each component's state is
        self._page, self._query, self._cookie = "", "", ""
        self._held, self._closing = _Held(), contextlib.ExitStack()
        self.seen = Seen()

    def __enter__(self) -> "PageSession":
        split = urlsplit(self._address)
        # A server of the tests has a certificate of its own.
        secured = {"ssl": ssl._create_unverified_context()} if split.scheme == "https" else {}
        self._socket = self._closing.enter_context(connect(
            f"{'wss' if secured else 'ws'}://{split.netloc}/_stcore/stream", subprotocols=["streamlit"], max_size=None,
            open_timeout=PATIENCE, ping_timeout=PATIENCE, **secured))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def open(self, page: str, query: str = "") -> Seen:
        """Open a page by its name in the address."""
        self._page, self._query, self._states, self._told, self.seen = page, query, {}, {}, Seen()
        return self._run()

    def act(self, **given: tuple[str, str, object]) -> Seen:
        """Do something to widgets of the page and wait for what it says.

        Args:
            given: any name = (id of the widget, field of its state, value).
        """
        triggers = []
        for widget, name, value in given.values():
            state = self._states.setdefault(widget, WidgetState(id=widget))
            if hasattr(value, "SerializeToString"):
                getattr(state, name).CopyFrom(value)
            else:
                setattr(state, name, value)
            triggers += [widget] if name in _TRIGGERS else []
        fragments = {self.seen.fragment_of(widget) for widget, *_ in given.values()}
        try:
            return self._run(fragments.pop() if len(fragments) == 1 else "")
        finally:
            for widget in triggers:
                del self._states[widget]

    def tell(self, key: str, name: str, value: object) -> Seen:
        """Change a part of a component's state, as its `setStateValue` does."""
        widget = self.seen.widget("bidi_component", key).id
        told = self._told.setdefault(widget, {})
        told[name] = value
        return self.act(told=(widget, "json_value", json.dumps(told)))

    def trigger(self, key: str, name: str, value: object) -> Seen:
        """Tell a component's callback something once, as its `setTriggerValue` does."""
        widget = self.seen.widget("bidi_component", key).id
        events = json.dumps([{"event": name, "value": value}])
        return self.act(events=(_EVENTS.format(widget), "json_trigger_value", events))

    def upload(self, key: str, name: str, content: bytes) -> Seen:
        """Give a file to an uploader of the page and wait for what it says; the seconds count the sending too."""
        began, widget = time.perf_counter(), self.seen.widget("file_uploader", key).id
        asked = BackMsg()
        asked.file_urls_request.request_id = uuid.uuid4().hex
        asked.file_urls_request.file_names.append(name)
        self._socket.send(asked.SerializeToString())
        while (told := self._receive()[0]).WhichOneof("type") != "file_urls_response":
            pass
        [urls] = told.file_urls_response.file_urls
        self._put(urls, name, content)
        held = FileUploaderState()
        held.uploaded_file_info.add(file_id=urls.file_id, name=name, size=len(content), file_urls=urls)
        seen = self.act(file=(widget, "file_uploader_state_value", held))
        seen.seconds = time.perf_counter() - began
        return seen

    def _put(self, urls: FileURLs, name: str, content: bytes) -> None:
        if not self._cookie:
            with urllib.request.urlopen(f"{self._address}/_stcore/health", timeout=PATIENCE) as answer:
                self._cookie = SimpleCookie(answer.headers["Set-Cookie"])[_XSRF].value
        mark = uuid.uuid4().hex
        body = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                f"Content-Type: application/octet-stream\r\n\r\n").encode() + content + f"\r\n--{mark}--\r\n".encode()
        urllib.request.urlopen(urllib.request.Request(f"{self._address}{urls.upload_url}", body, method="PUT", headers={
            "Content-Type": f"multipart/form-data; boundary={mark}", "X-Xsrftoken": self._cookie,
            "Cookie": f"{_XSRF}={self._cookie}"}), timeout=PATIENCE).close()

    def _receive(self) -> tuple[ForwardMsg, int]:
        data = self._socket.recv(timeout=PATIENCE)
        return ForwardMsg.FromString(data), len(data)

    def _run(self, fragment: str = "") -> Seen:
        began, asked, n_bytes = time.perf_counter(), BackMsg(), 0
        asked.rerun_script.query_string = self._query
        asked.rerun_script.page_name = self._page
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.widget_states.widgets.extend(self._states.values())
        asked.rerun_script.cached_message_hashes.extend(self._held.hashes)
        self._socket.send(asked.SerializeToString())
        while True:
            told, n = self._receive()
            n_bytes += n
            told = self._held.take(told)
            what = told.WhichOneof("type")
            if what == "new_session" and told.metadata.run.fragment_ids:
                self.seen.leave(set(told.metadata.run.fragment_ids))
            elif what == "new_session":
                self.seen = Seen()
            elif what == "page_info_changed":
                self._query = told.page_info_changed.query_string
            elif what == "delta" and told.delta.WhichOneof("type") == "new_element":
                self.seen.put(told, told.delta.new_element, told.delta.fragment_id)
            elif what == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self._held.end_run()
        self.seen.seconds, self.seen.n_bytes = time.perf_counter() - began, n_bytes
        return self.seen


def wait_for(address: str, seconds: float = PATIENCE) -> None:
    """Until a server answers."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).read()
            return
        assert time.monotonic() < until, f"{address} does not answer"
        time.sleep(0.1)
