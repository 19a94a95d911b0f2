"""What a page shows first, and when: a script for a tab that watches it, and what crosses the socket meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from picking import LOOK_EVERY, PATIENCE
from playwright.sync_api import BrowserContext, Page, Response, WebSocket

FIRST = "[data-first-content], .st-key-stage h2"  # of a stage, which has no sentence of its own, the slide's title
HIGHEST = 170  # pixels, where content begins at the latest on a desk
CONTROLS = """() => [...document.querySelectorAll(
    ".st-key-page_bar :is([data-testid=stElementContainer], [data-testid=stPopover])")].filter((one) =>
  one.checkVisibility() && one.getBoundingClientRect().width > 1 &&
  one.querySelector("button:not([data-testid=stTooltipIcon] *), input, [role=combobox], [data-testid=stBidiComponent]")
).map((one) => one.innerText.trim().replaceAll("\\n", " ") || one.className)"""
# Runs before the page's own scripts. Times are of performance.now(), whose zero is when the tab was given its address.
_WATCH = """(() => {
  const FIRST = "$FIRST", APP = "[data-testid=stApp]", WORK = "head, [data-testid=stStatusWidget]";
  const seen = window.seen = { began: 0, changed: 0, shift: 0, later: 0, shifts: [], times: {}, felt: [] };
  const afterPaint = (act) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = act;
    after.port2.postMessage(0);
  });

  const ofThePage = ({ target }) => {
    const element = target.nodeType === 1 ? target : target.parentElement;
    return !element || !(element.closest(WORK) || element.matches("html, body, " + APP));
  };
  const watcher = new MutationObserver((all) => { if (all.some(ofThePage)) seen.changed = performance.now(); });
  const everything = { childList: true, subtree: true, attributes: true, characterData: true };
  watcher.observe(document, everything);
  const attach = Element.prototype.attachShadow, roots = [document];
  Element.prototype.attachShadow = function (how) {  // what a component draws counts too
    const root = attach.call(this, how);
    roots.push(root);
    watcher.observe(root, everything);
    return root;
  };
  seen.inside = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);

  const named = (node) => {
    const element = node?.nodeType === 1 ? node : node?.parentElement;
    const holder = element?.closest("[class*=st-key-], [data-testid]");
    return [...(holder?.classList ?? [])].find((name) => name.startsWith("st-key-")) ?? holder?.dataset.testid ?? "?";
  };
  const boxed = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources, startTime } of list.getEntries()) {
      if (hadRecentInput) continue;
      seen.shift += value;
      if (seen.times.title <= startTime) seen.later += value;
      seen.shifts.push({ value, at: startTime, of: sources.map(({ node, previousRect: a, currentRect: b }) =>
        `${named(node)} ${boxed(a)} to ${boxed(b)}`) });
    }
  }).observe({ type: "layout-shift", buffered: true });

  // -- when something is on the screen
  const awaited = new Map();
  const look = () => {
    for (const [name, there] of awaited) if (there()) {
      awaited.delete(name);
      afterPaint(() => { seen.times[name] = performance.now(); });
    }
    if (awaited.size) requestAnimationFrame(look);
  };
  seen.when = (name, there) => {
    delete seen.times[name];
    awaited.set(name, there);
    requestAnimationFrame(look);
  };
  const first = () => document.querySelector(FIRST);
  seen.said = () => first()?.textContent.trim() ?? "";
  seen.answer = (before) => seen.when("answer", () => {  // a sentence that ends so tells what is being done
    const said = seen.said();
    return said && said !== before && !said.endsWith("…") && first().checkVisibility()
      && !first().closest("[data-stale=true]");
  });
  seen.answer("");
  seen.when("title", () => document.querySelector("h1, .st-key-stage h2")?.checkVisibility());
  for (const name of ["click", "change"]) addEventListener(name, (one) => { seen.began = one.timeStamp; }, true);
  seen.quiet = (ms) => document.querySelector(APP)?.dataset.testScriptState === "notRunning"
    && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")
    && performance.now() - seen.changed > ms;

  // -- from an event's own time stamp until the frame that it led to was drawn
  let feeling = "";
  for (const name of ["pointermove", "click"]) addEventListener(name, ({ timeStamp }) => {
    if (name === feeling) afterPaint(() => seen.felt.push(performance.now() - timeStamp));
  }, true);
  seen.feel = (type) => {
    feeling = type;
    seen.felt.length = 0;
  };
})();"""
WATCH = _WATCH.replace("$FIRST", FIRST)
# Pictures in a message: written out as text, or as they are in a file.
PICTURES = re.compile(rb"data:image/[^;,]+;base64,[A-Za-z0-9+/=]+|\x89PNG\r\n.*?IEND.{4}|\xff\xd8\xff.*?\xff\xd9",
                      re.DOTALL)


@dataclass
class Sent:
    """Bytes that a tab got from the server, before they were compressed for the way.

    Attributes:
        told: over the socket, without pictures.
        pictures: over the socket or fetched; scripts and fonts, which every Streamlit app has, are in neither.
    """

    told: int = 0
    pictures: int = 0

    def frame(self, content: str | bytes) -> None:
        held = content.encode() if isinstance(content, str) else content
        pictures = sum(map(len, PICTURES.findall(held)))
        self.told += len(held) - pictures
        self.pictures += pictures

    def answer(self, answer: Response) -> None:
        if urlsplit(answer.url).path.startswith("/media/"):
            self.pictures += int(answer.headers.get("content-length", 0))


@contextmanager
def watched_tab(context: BrowserContext, address: str) -> Iterator[tuple[Page, Sent]]:
    """A new tab at an address, drawn to its end, and what it was sent; the context has `WATCH`."""
    tab, sent = context.new_page(), Sent()

    def on_socket(socket: WebSocket) -> None:
        socket.on("framereceived", sent.frame)

    tab.on("websocket", on_socket)
    tab.on("response", sent.answer)
    tab.goto(address)
    quiet(tab)
    yield tab, sent
    tab.close()


def quiet(tab: Page, milliseconds: int = 1000) -> None:
    """Wait until nothing has changed on the page for a while."""
    tab.wait_for_function("ms => seen.quiet(ms)", arg=milliseconds, timeout=PATIENCE, polling=LOOK_EVERY)


def seen(tab: Page, name: str) -> float:
    """A number of what was seen; milliseconds where it is a time."""
    return tab.evaluate(f"seen.{name} ?? NaN")


def time_of(tab: Page, name: str) -> float:
    """Wait until what was asked for under this name is on the screen; when that was, in milliseconds."""
    tab.wait_for_function("name => name in seen.times", arg=name, timeout=PATIENCE, polling=LOOK_EVERY)
    return tab.evaluate("name => seen.times[name]", name)


def first_y(tab: Page) -> float:
    """Where the first content begins, in pixels from the window's top."""
    return tab.locator(FIRST).first.bounding_box()["y"]
