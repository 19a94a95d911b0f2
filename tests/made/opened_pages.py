"""Pages opened without a browser: by their own link, and read as a visitor reads them."""

import html
import json
import re
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from cxrcore.config import PROJECT_ROOT
from cxrcore.ui import markdown

PATIENCE = 120  # seconds of one run of a page, on a busy machine
SPOKEN = ("title", "header", "subheader", "markdown", "caption", "info", "error", "warning", "success", "code")


def open_page(name: str, **link: Any) -> AppTest:
    """A page as a link leads to it; it has to end without an exception.

    Args:
        name: of pages/<name>.py.
        link: query parameters; a list stands there several times.
    """
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=PATIENCE)
    for key, value in link.items():
        app.query_params[key] = value
    app.switch_page(str(Path("pages") / f"{name}.py")).run()
    assert not app.exception, app.exception[0].value
    return app


def as_typed(said: str) -> str:
    """What `markdown.escape` was given; other Markdown stays, without its backslashes."""
    return re.sub(r"\\(.)", r"\1", said.replace(markdown._NOTHING, ""))


def text_of(app: AppTest) -> str:
    """All that the page says, without the signs that Markdown is protected with."""
    said = [as_typed(element.value) for kind in SPOKEN for element in getattr(app, kind)]
    return "\n".join([*said, answer_of(app)])


def answer_of(app: AppTest) -> str:
    """The sentence that the page begins with, without its markup; empty where there is none."""
    texts = [element.proto.body for element in app.get("html") if "data-first-content" in element.proto.body]
    return html.unescape(re.sub(r"<[^>]+>", "", "\n".join(texts)))


def given_to(app: AppTest, name: str) -> Any:
    """What a component of the page was given, by the name that it is registered under."""
    [found] = [element.proto for element in app.get("bidi_component") if element.proto.component_name == name]
    return json.loads(found.json or found.mixed.json)


def columns_of(frame: Any) -> dict[str, dict[str, Any]]:
    """{column: how it is shown} of a table of the page; {} for a column that is shown as it is."""
    shown = json.loads(frame.proto.columns or "{}")
    return {name: shown.get(name, {}) for name in frame.value.columns}
