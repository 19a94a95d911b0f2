"""Two servers on one team's store behind nginx, as the docs set them up: what is done on one stands on the other.

    python -m pytest -m long -s tests/store/team/test_two_servers.py

Two visitors of different networks, so that nginx gives each a server of its own: one works in a browser, the other has
had the same pages open before. 4 minutes on a busy machine.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import browser_server
import own_nginx
import predictions as made
import pytest
import scored_runs
from own_nginx import Nginx
from page_session import PageSession, Seen

from cxrcore.config import PROJECT_ROOT
from cxrcore.evaluation import data_set_films
from cxrcore.store import Store

pytest.importorskip("psycopg", reason="the package psycopg is not installed")
pytest.importorskip("playwright", reason="the package playwright is not installed")

from cxrcore.store.team import connections

pytestmark = [pytest.mark.long, pytest.mark.browser]
WITHIN = 2.0  # seconds after which the other server has to know
FILMS = made.table(600)


@dataclass(frozen=True)
class Behind:
    """Two servers behind nginx.

    Attributes:
        own, other: https addresses of two visitors, of whom nginx sends each to another server.
        visitors: their addresses as nginx sees them.
    """

    nginx: Nginx
    own: str
    other: str
    visitors: tuple[str, str]
    store: Store


@pytest.fixture
def behind(postgres, tmp_path) -> Iterator[Behind]:
    store = postgres.store(tmp_path / "shared")
    scored_runs.fill(store, 300, 300)
    data_set_films.add_to(store, FILMS)
    with contextlib.ExitStack() as stack:
        ports = []
        for place in range(2):
            server = stack.enter_context(browser_server.running(
                PROJECT_ROOT / "app.py", tmp_path / f"log{place}", CXR_STORE=store.key, CXR_TRACE=""))
            ports.append(int(server.address.rpartition(":")[2]))
        (tmp_path / "nginx").mkdir()
        nginx = stack.enter_context(own_nginx.running(tmp_path / "nginx", ports))
        visitors, addresses = {}, {}
        for network in range(1, 40):  # until both servers have a visitor
            visitor = f"127.0.{network}.1"
            address = stack.enter_context(own_nginx.from_network(visitor, nginx.port))
            assert own_nginx.is_well(address)
            server = nginx.server_of(visitor)
            visitors.setdefault(server, visitor), addresses.setdefault(server, address)
            if len(visitors) == 2:
                break
        assert len(visitors) == 2, "all visitors came to one server"
        yield Behind(nginx, *addresses.values(), tuple(visitors.values()), store)
    connections.close_all()


def seen_within(look: Callable[[], Seen], shows: Callable[[Seen], bool], what: str) -> None:
    """The other server shows it to who looks within the time: what counts is when that look began."""
    done = time.monotonic()
    while True:
        began = time.monotonic()
        found = look()
        assert found.errors == []
        if shows(found):
            break
        assert began - done <= WITHIN, f"{what} is not seen on the other server"
    print(f"\n{what}: seen on the other server by who looked {began - done:.2f} s after it was done, the page taking "
          f"{found.seconds:.2f} s", end="")
    assert began - done <= WITHIN


def holds(seen: Seen, text: str) -> bool:
    """Whether anything that a page sent has this text."""
    return any(text.encode() in one.SerializeToString() for one in seen.elements.values())


def slider(tab):
    own = tab.locator("[data-testid=threshold-board] [data-finding]").get_by_role("slider").first
    own.wait_for(timeout=60_000)
    return own


def drag(tab) -> str:
    """The first finding's line to the right; returns the link as it then is."""
    own, before = slider(tab), tab.url
    own.scroll_into_view_if_needed()
    box, share = own.bounding_box(), int(own.input_value()) / int(own.get_attribute("max"))
    x, y = box["x"] + 7 + (box["width"] - 14) * share, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    for step in range(30):
        tab.mouse.move(x + 3 * step, y)
    tab.mouse.up()
    tab.wait_for_url(lambda url: url != before and "t=" in url, timeout=60_000)
    return tab.url


def test_what_is_done_on_one_server_stands_on_the_other(behind, chromium, tmp_path):
    run_id = behind.store.runs()["run_id"].iloc[0]
    mine, theirs = (chromium.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
                    for _ in range(2))
    with contextlib.closing(mine), contextlib.closing(theirs), PageSession(behind.other) as other:
        tab, beside = mine.new_page(), theirs.new_page()
        for page in ("thresholds", "runs"):  # the other server has read the store before
            assert other.open(page, f"run={run_id}").errors == []

        tab.goto(f"{behind.own}/thresholds?run={run_id}")
        link = drag(tab)
        done = time.monotonic()
        beside.goto(link.replace(behind.own, behind.other))
        assert slider(beside).input_value() == slider(tab).input_value()
        print(f"\na drag: its link shows the same line on the other server, {time.monotonic() - done:.2f} s after",
              end="")

        tab.get_by_role("button", name="Sets").click()
        tab.get_by_label("Name", exact=True).fill("On one server")
        tab.get_by_label("Name", exact=True).press("Tab")
        tab.get_by_role("button", name="Save to the store").click()
        tab.get_by_text("Saved “On one server”").wait_for(timeout=60_000)
        seen_within(lambda: other.open("thresholds", f"run={run_id}"), lambda seen: any(
            "On one server" in option for box in seen.of("selectbox") for option in box.options), "a saved set")

        upload(tab, behind.own, tmp_path / "their_model.csv")
        seen_within(lambda: other.open("runs"), lambda seen: holds(seen, "their_model"), "an import")
        assert len(behind.store.runs()) == 2
    servers = [set(behind.nginx.servers_of(visitor)) for visitor in behind.visitors]
    assert [len(own) for own in servers] == [1, 1] and servers[0] != servers[1], "a visitor stays on one server"
    errors = (behind.nginx.folder / "errors").read_text()
    assert "[error]" not in errors and "[emerg]" not in errors


def upload(tab, address: str, path: Path) -> None:
    """Import a file of scores on one server."""
    path.write_bytes(made.as_csv(made.frame(FILMS)))
    tab.goto(f"{address}/import")
    tab.locator("input[type=file]").first.set_input_files(path, timeout=60_000)
    tab.get_by_role("button", name="Save as a run").click(timeout=60_000)
    tab.get_by_text("Saved as run").first.wait_for(timeout=60_000)
