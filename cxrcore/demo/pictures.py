"""The pictures of the README, taken from the demo in a real browser: scripts/make_pictures.py.

Of phantoms only, so that they may be shown. The browser comes with the tests' packages.
"""

import contextlib
import io
import logging
import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pandas as pd
from PIL import Image

from cxrcore.config import PROJECT_ROOT, PicturesConfig
from cxrcore.data.files import csv_file
from cxrcore.demo.dashboard import free_port, serving
from cxrcore.errors import RunError
from cxrcore.findings import display_name
from cxrcore.store import Store

_LOG = logging.getLogger(__name__)  # scripts print what it says

WIDE, SLIDE = (1440, 900), (1280, 720)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PLACE = "(line) => (line.value - line.min) / (line.max - line.min)"  # of a handle, from 0 to 1
DRAWN = "[data-testid=stSkeleton], [data-testid=stStatusWidget]"  # none of these is left on a page that is drawn


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        name: of docs/<name>.png.
        page: of the dashboard, with its link; {run}, {others} and {film} are filled in.
        size: of the window in pixels; the page is taken from its top.
        click: a button to press first.
        upload: whether a file of predictions with planted faults is put onto the page.
        labels: a label set that it shows; without it the picture is left out.
    """

    name: str
    page: str
    size: tuple[int, int] = WIDE
    click: str = ""
    upload: bool = False
    labels: str = ""


PICTURES = (
    Picture("home", "home"),
    Picture("runs", "runs?{others}"),
    Picture("compare", "compare?{others}"),
    Picture("labels", "compare?{others}&labels=truth", labels="truth"),
    Picture("curves", "curves?{others}&view=PR"),
    Picture("subgroups", "subgroups?run={run}&groups=View"),
    Picture("thresholds", "thresholds?{others}&finding=Pneumothorax"),
    Picture("explain", "explain?run={run}&film={film}&finding={finding}"),
    Picture("localization", "localization?{others}"),
    Picture("import", "import", (1440, 1300), upload=True),
    Picture("present", "present?slide=Thresholds&run={run}", SLIDE, "Reveal"),
)
MOVING = "board.webp"  # the board while a line is dragged
FRAMES, FRAME_TIME, SMALLER = 48, 70, 0.62  # pictures, milliseconds each, of their size


def take(config: PicturesConfig) -> None:
    """Start the dashboard on the demo's store, and take every picture.

    Raises:
        RunError: no demo, or no browser.
    """
    store = Store(config.store or PROJECT_ROOT / "runs" / "demo.duckdb")
    filled, file = _links(store), _with_faults(store)
    out = PROJECT_ROOT / config.out
    out.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with serving(store, port, printed=False), _browser() as browser:
        for picture in _with_labels(store):
            tab = browser.new_page(viewport=dict(zip(("width", "height"), picture.size, strict=True)))
            tab.goto(f"http://localhost:{port}/{picture.page.format(**filled)}")
            _wait(tab)
            if picture.upload:
                tab.locator("input[type=file]").first.set_input_files(
                    {"name": "their_model.csv", "mimeType": "text/csv", "buffer": file})
                _wait(tab)
            if picture.click:
                tab.get_by_role("button", name=picture.click).click()
                _wait(tab)
            tab.screenshot(path=out / f"{picture.name}.png")
            tab.close()
            _LOG.info(f"written: {out / picture.name}.png")
        _take_moving(browser, f"http://localhost:{port}/thresholds?run={filled['run']}&finding=Effusion", out / MOVING)


def _with_labels(store: Store) -> list[Picture]:
    """The pictures that can be taken of this store."""
    there = {"", *(one.name for one in store.label_sets())}
    for picture in PICTURES:
        if picture.labels not in there:
            _LOG.warning(f"no docs/{picture.name}.png: {store.key} has no label set '{picture.labels}'")
    return [picture for picture in PICTURES if picture.labels in there]


def _take_moving(browser: Any, address: str, file: Path) -> None:
    """A line of the board dragged there and back, as an animated WebP."""
    tab = browser.new_page(viewport=dict(zip(("width", "height"), WIDE, strict=True)))
    tab.goto(address)
    _wait(tab)
    line = tab.locator("[data-finding=Effusion] input[type=range]").first
    box = line.bounding_box()
    middle, width = box["y"] + box["height"] / 2, box["width"]
    tab.mouse.move(box["x"] + width * float(line.evaluate(_PLACE)), middle)
    tab.mouse.down()
    frames = []
    for step in range(FRAMES):
        share = 0.5 - 0.22 * math.sin(2 * math.pi * step / FRAMES)
        tab.mouse.move(box["x"] + width * share, middle)
        tab.wait_for_timeout(40)  # painted
        shown = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
        frames.append(shown.resize([round(SMALLER * side) for side in shown.size], Image.Resampling.LANCZOS))
    tab.mouse.up()
    tab.close()
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=FRAME_TIME, loop=0, quality=70, method=4)
    _LOG.info(f"written: {file}")


def _board(store: Store) -> pd.DataFrame:
    """What was measured on test, the best first.

    Raises:
        RunError: nothing was.
    """
    board = store.leaderboard().query("split == 'test'").sort_values("auroc", ascending=False)
    if board.empty:
        raise RunError(f"{store.key} holds no evaluated run: python scripts/demo.py makes the demo first")
    return board


def _links(store: Store) -> dict[str, str]:
    """The best run, the four best, and a film that the best one raises a right alarm for."""
    board = _board(store)
    best = board.iloc[0]
    found = store.predictions(best["prediction_id"])
    row, k = divmod(int((found.scores * (found.labels == 1)).argmax()), found.labels.shape[1])
    return {"run": best["run_id"], "others": "&".join(f"run={run_id}" for run_id in board["run_id"][:4]),
            "film": str(found.image_ids[row]), "finding": display_name(found.findings[k])}


def _with_faults(store: Store) -> bytes:
    """The best run's scores as a CSV with four planted faults, for the audit to find."""
    found = store.predictions(_board(store).iloc[0]["prediction_id"])
    frame = pd.DataFrame(found.scores, columns=list(found.findings))
    frame.insert(0, "image_id", found.image_ids)
    frame = pd.concat([frame.iloc[3:], frame.iloc[-2:]])  # three films missing, two twice
    frame["Hernia"] = frame["Hernia"].round(2)
    return csv_file.csv_text(frame.rename(columns={"Mass": "Effusion", "Effusion": "Mass"})).encode()


def _wait(tab: Any) -> None:
    """Until the page is drawn."""
    tab.wait_for_timeout(2500)
    tab.wait_for_function(f"() => !document.querySelector({DRAWN!r})", timeout=120_000)
    tab.wait_for_timeout(1500)


@contextlib.contextmanager
def _browser() -> Generator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise RunError("pictures need Playwright: python -m pip install playwright") from None
    path = next((found for name in BROWSERS if (found := which(name))), None)
    if path is None:
        raise RunError("pictures need Chromium: bash scripts/test.sh installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[
            "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield browser
        browser.close()
