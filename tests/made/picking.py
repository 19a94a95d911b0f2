"""Waiting and choosing as a person does: once the page stands still; who finds a list closed again opens it anew."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, TimeoutError

PATIENCE = 120_000  # milliseconds; thirty sessions share two cores
FIRST_TRY = 2_000  # milliseconds; each further try has twice as many
LOOK_EVERY = 100  # milliseconds
# Drawn, nothing stale, no placeholder, the server done, fonts there, nothing on its way to another colour or place, and
# all as large as at the look before; held for a while, since a page may begin anew at its end.
STILL = """() => {
  const quiet = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
    && document.querySelector("h1, .st-key-stage h2") && document.fonts.status === "loaded"
    && !document.querySelector("[data-testid=stSkeleton], [data-stale=true], [data-testid=stStatusWidget]")
    && !document.getAnimations().some((one) => one.playState === "running"
      && one.effect.getComputedTiming().endTime !== Infinity);
  const places = quiet && [...document.querySelectorAll("body *")].map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return [x, y, width, height].join();
  }).join(" ");
  if (!quiet || places !== window.stillPlaces) window.stillSince = Date.now();
  window.stillPlaces = places;
  return quiet && Date.now() - window.stillSince > 300;
}"""
# By what the server is told and says, not by what the page shows of it: a browser that waits for a processor draws
# "running" and "done" in one go, and nobody sees that it ran.
ANSWERED = """() => {
  window.serverAnswered = false;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (told) {
    WebSocket.prototype.send = send;
    this.addEventListener("message", () => { window.serverAnswered = true; }, { once: true });
    return send.call(this, told);
  };
}"""


def settle(page: Page) -> None:
    """Wait until the page is drawn to its end and the server has nothing more to say."""
    page.evaluate("window.stillPlaces = null")
    page.wait_for_function(STILL, timeout=PATIENCE, polling=LOOK_EVERY)


def painted(page: Page) -> None:
    """Wait until what the pointer or a key did is on the screen: the next frame but one."""
    page.evaluate("() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => seen(true))))")


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Wait until the server was told of what is done inside, and has answered it."""
    page.evaluate(ANSWERED)
    yield
    page.wait_for_function("window.serverAnswered", timeout=PATIENCE)
    settle(page)


def choose(page: Page, name: str) -> None:
    """Chooses one of a row of buttons by its exact text."""
    settle(page)
    page.get_by_role("radio", name=name, exact=True).click()


def pick(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    """Chooses an option (its exact text, or a pattern) of the list whose label begins with `label`.

    Streamlit closes an open list when the page scrolls or is drawn anew under it, which a page that still
    loads does at a moment nobody can wait for.
    """
    box = page.get_by_role("combobox", name=re.compile(label))
    wanted = page.get_by_role("option", name=option, exact=isinstance(option, str))
    settle(page)
    box.scroll_into_view_if_needed()
    settle(page)
    until, patience = time.monotonic() + PATIENCE / 1000, FIRST_TRY
    while time.monotonic() < until:
        try:
            if not wanted.is_visible():
                box.click(timeout=patience)
            wanted.click(timeout=patience)
            return
        except TimeoutError:
            patience *= 2
    raise AssertionError(f"no option {option!r} of {label!r} after {PATIENCE / 1000:.0f} s")
