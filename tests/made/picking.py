"""Choosing as a person does: once the page stands still; and who finds a list closed again opens it anew."""

import re

from playwright.sync_api import Page, TimeoutError, expect

TRIES, TRY_MS = 8, 2_000
PATIENCE = 120_000  # milliseconds; thirty sessions share two cores
# Drawn, nothing stale, no placeholder, and the server done; held for a while, since a page may begin anew at its end.
QUIET = """() => {
  const quiet = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
    && document.querySelector("h1, .st-key-stage h2")
    && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]");
  window.quietSince = quiet ? window.quietSince ?? Date.now() : null;
  return quiet && Date.now() - window.quietSince > 300;
}"""


def settle(page: Page) -> None:
    """Wait until the page is drawn and the server has nothing more to say."""
    page.evaluate("window.quietSince = null")
    page.wait_for_function(QUIET, timeout=PATIENCE)


def choose(page: Page, name: str) -> None:
    """Chooses one of a row of buttons by its exact text."""
    settle(page)
    page.get_by_role("radio", name=name, exact=True).click()


def pick(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    """Chooses an option (its exact text, or a pattern) of the list whose label begins with `label`.

    Streamlit closes an open list when the page scrolls or is drawn anew under it, which a page that still
    loads does at a moment nobody can wait for.
    """
    settle(page)
    box = page.get_by_role("combobox", name=re.compile(label))
    wanted = page.get_by_role("option", name=option, exact=isinstance(option, str))
    expect(box).to_be_visible()
    for _ in range(TRIES):
        try:
            if not wanted.is_visible():
                box.click(timeout=TRY_MS)
            wanted.click(timeout=TRY_MS)
            return
        except TimeoutError:
            continue
    raise AssertionError(f"no option {option!r} of {label!r} after {TRIES} tries")
