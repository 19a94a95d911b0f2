"""What a browser gets before any page is drawn: Streamlit's own HTML with the frame's style in it."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import HTMLResponse, Response

from cxrcore.ui.frame.served import StyleInPage
from cxrcore.ui.frame.style import IN_HEAD, STYLE

PAGE = "<html><head><title>Streamlit</title></head><body><div></div></body></html>"


def answer_to(app, **headers: str) -> tuple[dict[str, str], str]:
    """Headers and body of the answer to GET / through the middleware."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [
        (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    with ThreadPoolExecutor(1) as own:  # a browser of other tests may keep a loop in this thread
        own.submit(asyncio.run, StyleInPage(app)(scope, receive, send)).result()
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return told, b"".join(message["body"] for message in sent[1:]).decode()


def test_html_leaves_with_the_style_at_its_end_and_with_its_new_length():
    told, body = answer_to(HTMLResponse(PAGE, headers={"etag": "theirs"}), accept="text/html,*/*")
    assert body == PAGE.replace("</head>", f"{IN_HEAD}</head>").replace("</body>", f"{STYLE}</body>")
    assert len(STYLE) > 1000
    assert int(told["content-length"]) == len(body.encode())
    assert "etag" not in told  # of the file alone: the style may have changed


def test_what_of_streamlits_own_comes_first_is_there():
    named = re.findall(r'href="\./static/js/(\w+)\.[\w-]+\.js"', IN_HEAD)
    assert named == ["Html", "BidiComponent"]


def test_the_server_is_asked_for_html_that_is_neither_packed_nor_unchanged():
    async def app(scope, receive, send):
        named = {name.decode() for name, _ in scope["headers"]}
        await Response(" ".join(sorted(named)), media_type="text/html")(scope, receive, send)

    asked = {"accept": "text/html", "accept_encoding": "gzip", "if_none_match": "theirs", "cookie": "one"}
    assert answer_to(app, **asked)[1] == "accept cookie"


@pytest.mark.parametrize(("accept", "kind"), [("*/*", "text/html"), ("text/html", "image/png")])
def test_all_else_leaves_as_it_is(accept, kind):
    assert answer_to(Response(PAGE, media_type=kind), accept=accept)[1] == PAGE
