"""How many visitors a server takes at a time, and how fast one may upload: settings of whoever runs it.

A layer of the server below Streamlit: whoever is not taken costs no session, no memory and no page.
"""

import os
import time
from collections import deque
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cxrcore.errors import UsageError

SESSIONS, UPLOADS = "CXR_MAX_SESSIONS", "CXR_UPLOADS_PER_MINUTE"
TRY_AGAIN = 1013  # of the websocket protocol: try again later
_STREAM, _UPLOAD = "/_stcore/stream", "/_stcore/upload_file/"
_OF_SERVER = ("/_stcore/", "/static/", "/health")  # not pages, which visitors ask for
_BEEN_HERE = "_streamlit_xsrf"  # cookie; who reloads a page asks for it while the session before is still open
_MINUTE = 60.0  # seconds
_MOST_ADDRESSES = 10_000  # that are remembered


def limit(name: str) -> int | None:
    """A limit of the environment, from 1; None where it is not set.

    Args:
        name: `SESSIONS` or `UPLOADS`.

    Raises:
        UsageError: it is no such number.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not int(text):
        raise UsageError(f"{name} is {text!a}: a whole number from 1 is needed")
    return int(text)


class VisitorLimits:
    """Refuses sessions beyond `SESSIONS`, and uploads of one address beyond `UPLOADS` within a minute."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic):
        self._app, self._clock = app, clock
        self._sessions, self._uploads = limit(SESSIONS), limit(UPLOADS)
        self._open = 0
        self._uploaded: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the app's place, or let it answer."""
        kind, path = scope["type"], scope.get("path", "")
        if kind == "websocket" and path.endswith(_STREAM):
            await self._session(scope, receive, send)
        elif kind == "http" and self._is_full() and _is_newcomer(scope):
            await PlainTextResponse(f"This server takes {self._sessions} visitors at a time, and they are all here. "
                                    "Please try again later.\n", 503, {"Retry-After": "60"})(scope, receive, send)
        elif kind == "http" and scope["method"] in ("PUT", "POST") and _UPLOAD in path and self._is_too_fast(scope):
            await PlainTextResponse(f"More than {self._uploads} uploads within a minute: please wait.\n", 429,
                                    {"Retry-After": "60"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _session(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_full():
            await receive()
            await send({"type": "websocket.close", "code": TRY_AGAIN})
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1

    def _is_full(self) -> bool:
        return self._sessions is not None and self._open >= self._sessions

    def _is_too_fast(self, scope: Scope) -> bool:
        if self._uploads is None:
            return False
        now, address = self._clock(), (scope.get("client") or ("",))[0]
        if len(self._uploaded) > _MOST_ADDRESSES:
            self._uploaded.clear()
        times = self._uploaded.setdefault(address, deque())
        while times and now - times[0] > _MINUTE:
            times.popleft()
        if len(times) >= self._uploads:
            return True
        times.append(now)
        return False


def _is_newcomer(scope: Scope) -> bool:
    """Whether a page is asked for by a browser that has not been here yet."""
    return not any(part in scope["path"] for part in _OF_SERVER) and _BEEN_HERE not in Headers(scope=scope).get(
        "cookie", "")
