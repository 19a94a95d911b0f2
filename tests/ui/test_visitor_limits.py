"""Limits on visitors and uploads: who is beyond them is told so, and costs no session."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import PlainTextResponse

from cxrcore.errors import UsageError
from cxrcore.ui.frame.visitor_limits import SESSIONS, TRY_AGAIN, UPLOADS, VisitorLimits

STREAM = {"type": "websocket", "path": "/_stcore/stream", "headers": []}


def run(coroutine):
    with ThreadPoolExecutor(1) as own:  # a browser of other tests may keep a loop in this thread
        return own.submit(asyncio.run, coroutine).result()


async def ask(app, scope) -> list:
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


def page(path: str, method: str = "GET", client: str = "one", cookie: str = "") -> dict:
    return {"type": "http", "method": method, "path": path, "client": (client, 1), "headers": [
        (b"cookie", cookie.encode())]}


def test_visitors_beyond_the_limit_are_refused_until_somebody_leaves(monkeypatch):
    monkeypatch.setenv(SESSIONS, "2")
    leaving = None

    async def inner(scope, receive, send):
        if scope["type"] == "websocket":
            await leaving.wait()
        else:
            await PlainTextResponse("page")(scope, receive, send)

    async def visits():
        nonlocal leaving
        leaving = asyncio.Event()
        app = VisitorLimits(inner)
        inside = [asyncio.create_task(ask(app, STREAM)) for _ in range(2)]
        await asyncio.sleep(0)
        refused, newcomer = await ask(app, STREAM), await ask(app, page("/runs"))
        others = [await ask(app, page("/runs", cookie="_streamlit_xsrf=a")), await ask(app, page("/health"))]
        leaving.set()
        await asyncio.gather(*inside)
        return refused, newcomer, others, await ask(app, page("/runs")), await ask(app, STREAM)

    refused, newcomer, others, later, again = run(visits())
    assert refused == [{"type": "websocket.close", "code": TRY_AGAIN}]
    assert newcomer[0]["status"] == 503 and b"takes 2 visitors at a time" in newcomer[1]["body"]
    assert {one[0]["status"] for one in (*others, later)} == {200} and again == []


def test_uploads_of_an_address_are_counted_within_a_minute(monkeypatch):
    monkeypatch.setenv(UPLOADS, "2")
    now = 0.0
    app = VisitorLimits(PlainTextResponse("taken"), clock=lambda: now)

    def upload(client: str = "one") -> int:
        return run(ask(app, page("/_stcore/upload_file/a/b", "PUT", client)))[0]["status"]

    assert [upload() for _ in range(3)] == [200, 200, 429] and upload("two") == 200
    now = 61.0
    assert upload() == 200


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_is_one_line(monkeypatch, text):
    monkeypatch.setenv(SESSIONS, text)
    with pytest.raises(UsageError, match="a whole number from 1 is needed"):
        VisitorLimits(PlainTextResponse("page"))
    monkeypatch.setenv(SESSIONS, "")
    assert run(ask(VisitorLimits(PlainTextResponse("page")), page("/")))[0]["status"] == 200
