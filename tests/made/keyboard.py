"""A person without a mouse: goes by Tab from stop to stop, sees where they are at each, and acts by keys."""

import re

from playwright.sync_api import Page

# What shows that an element has the focus: its own frame, or that of something close around it; transitions count as
# done. `step` tells of the element that has it now, and whether the one before looked otherwise while it had it.
_WATCH = """() => {
  const around = (one) => {
    const all = [];
    for (; one && all.length < 7; one = one.parentElement ?? one.getRootNode().host) all.push(one);
    return all;
  };
  const look = (one) => around(one).map((each) => {
    for (const moving of each.getAnimations()) if (moving instanceof CSSTransition) moving.finish();
    const own = getComputedStyle(each);
    return [own.outlineStyle === "none" || `${own.outlineStyle} ${own.outlineWidth} ${own.outlineColor}`,
            own.boxShadow, own.borderColor, own.backgroundColor].join();
  }).join("; ");
  const active = () => {
    let one = document.activeElement;
    while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    return one;
  };
  let before = null;
  window.keyboardStop = () => {
    const one = active(), box = one.getBoundingClientRect(), told = before && {
      name: before.name, drawn: before.one.tagName === "CANVAS" || !before.one.isConnected
        || before.one.closest("[data-testid=stMultiSelect]")?.contains(one) || before.look !== look(before.one) };
    const main = one.dataset.testid === "stMain";
    const name = one === document.body ? "" : main ? "main" : (one.getAttribute("aria-label") || one.innerText
      || one.title || one.placeholder || one.tagName).trim().replaceAll(/\\s+/g, " ");
    const within = box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    // of a box of several stops, the frame around all of them is marked too
    const same = one === before?.one;
    before = { one, name, look: look(one) };
    return { name, role: one.getAttribute("role") ?? one.tagName.toLowerCase(), within, same, told };
  };
}"""


class Keyboard:
    """Of a page that is drawn.

    Attributes:
        stops: presses of Tab so far.
        faults: stops that cannot be seen, each in words.
    """

    def __init__(self, page: Page):
        self.page, self.stops, self.faults = page, 0, []

    def here(self) -> str:
        """The name of what has the focus; '' where nothing has it."""
        return self._stop()["name"]

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def to(self, name: str, most: int = 40, back: bool = False) -> None:
        """Go on by Tab to what has this name (a pattern), in so many presses at most."""
        seen = []
        for _ in range(most):
            stop = self._tab(back)
            if re.search(name, stop["name"]):
                return
            seen.append(stop["name"][:30])
        raise AssertionError(f"{name!r} is not among {most} stops: {seen}")

    def walk(self, most: int = 200) -> list[str]:
        """From the page's first stop to its last; the names of all."""
        names: list[str] = []
        while len(names) < most:
            name = self._tab(False)["name"]
            if not name or (names and name == names[0]):  # out of the page, or round
                return names
            names.append(name)
        raise AssertionError(f"no end after {most} stops: {names}")

    def _tab(self, back: bool) -> dict:
        """To the next stop; notes what is wrong with it, and with the one before once it can be held against it."""
        self.press("Shift+Tab" if back else "Tab")
        self.stops += 1
        stop = self._stop()
        told = stop["told"]
        if told and told["name"] and not told["drawn"] and not stop["same"]:
            self.faults.append(f"no mark of the focus on {told['name'][:60]!r}")
        if stop["name"] and not stop["within"]:
            self.faults.append(f"off the screen: {stop['name'][:60]!r}")
        # a table's cells, which Tab goes through, are all drawn on one canvas
        assert not stop["same"] or stop["role"] in ("body", "canvas"), f"Tab does not leave {stop['name'][:60]!r}"
        return stop

    def _stop(self) -> dict:
        if not self.page.evaluate("'keyboardStop' in window"):
            self.page.evaluate(_WATCH)
        return self.page.evaluate("keyboardStop()")
