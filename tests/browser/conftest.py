"""A tab for the tests of what only a browser does."""

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=20_000)  # no test is about time, and machines of CI are busy


@pytest.fixture
def page(chromium):
    """A fresh tab of 1440 x 900 that fails the test on an uncaught script error or a request to another machine."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    tab.on("request", lambda request: faults.append(f"request to {request.url}")
           if not request.url.startswith(("http://localhost", "ws://localhost", "data:", "blob:")) else None)
    yield tab
    context.close()
    assert not faults, faults
