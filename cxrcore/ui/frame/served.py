"""What the server does beside the pages: their style before any of them is drawn, their imports, its health.

A style that a page sends with its content comes a second after Streamlit's own, and moves what stands there by then. So
it goes into the HTML that a browser asks for first. Imports nothing of the project but the style: the server has it
before it listens.
"""

import contextlib
import importlib
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxrcore.ui.frame.style import IN_HEAD, STYLE

HEAD = b"</head>"
END = b"</body>"  # behind the head, where Streamlit puts its own styles: of two that say as much the later one holds
AGES = ("etag", "last-modified")  # of Streamlit's file; the style beside it may be newer


class StyleInPage:
    """ASGI middleware: HTML leaves with the frame's style in it; all else as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", ""):
            # plain, or there would be no end to find; a few kB that are asked for once a tab
            headers = [(name, value) for name, value in scope["headers"]
                       if name not in (b"accept-encoding", b"if-none-match", b"if-modified-since")]
            await self.app({**scope, "headers": headers}, receive, _Dressing(send))
        else:
            await self.app(scope, receive, send)


class _Dressing:
    """Where an answer goes: HTML is held back until it is whole."""

    def __init__(self, send: Send) -> None:
        self.send, self.start, self.held = send, None, b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and Headers(raw=message["headers"]).get(
                "content-type", "").startswith("text/html"):
            self.start = message
        elif self.start is None or message["type"] != "http.response.body":
            await self.send(message)
        else:
            self.held += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_dressed(self.start)

    async def _send_dressed(self, start: Message) -> None:
        body = self.held.replace(HEAD, IN_HEAD.encode() + HEAD, 1).replace(END, STYLE.encode() + END, 1)
        headers = MutableHeaders(raw=start["headers"])
        for name in AGES:
            del headers[name]
        if "content-length" in headers and self.held:  # an answer to HEAD has none of what it tells of
            headers["content-length"] = str(len(body))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})


def importing(modules: Sequence[str]) -> Any:
    """A lifespan of the server that imports modules meanwhile: the first visitor's browser is busy with its own then.

    Args:
        modules: by name, in this order.
    """
    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncGenerator[None]:
        threading.Thread(target=lambda: [importlib.import_module(name) for name in modules], daemon=True).start()
        yield

    return lifespan


def health(request: Request) -> JSONResponse:
    """Whether the store can be read: 200, else 503. No path and no error text goes out: anybody may ask."""
    from cxrcore import __version__
    from cxrcore.config import default_store, is_read_only
    from cxrcore.errors import WorkbenchError
    from cxrcore.store import Store

    try:
        trouble = Store(default_store()).trouble()
    except WorkbenchError as error:
        trouble = str(error)
    return JSONResponse({"server": "ok", "store": "cannot be read" if trouble else "ok", "version": __version__,
                         "read_only": is_read_only()}, 503 if trouble else 200)
