"""Choosing from a list as a person does: who finds it closed again opens it anew."""

import re

from playwright.sync_api import Page, TimeoutError, expect

TRIES, TRY_MS = 8, 2_000


def pick(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    """Chooses an option (its exact text, or a pattern) of the list whose label begins with `label`.

    Streamlit closes an open list when the page scrolls or is drawn anew under it, which a page that still
    loads does at a moment nobody can wait for.
    """
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
