"""A visitor without a browser who walks all pages, and moves, fits, saves and loads thresholds on the way."""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from load_figures import Figures
from page_session import PageSession, Seen
from told_board import read_payload

from cxrcore.ui.shell import HOME, PAGES

BOARD = "threshold_board"
AIMS = ("youden", "recall", "classic", "f_beta", "max_f1", "precision", "cost")  # all but the set that stands there
ON_THE_BOARD = ("fit", "drag", "save", "load")  # which follow the page Thresholds
UPLOAD = "upload"
KINDS = tuple(entry.name for entry in PAGES)
ACTIONS = (*KINDS, *ON_THE_BOARD, UPLOAD)


def walk(address: str, visitors: Sequence["ProtocolVisitor"], until: float = math.inf,
         beside: Callable[[], None] = lambda: None) -> None:
    """All visitors walk at once, each in a thread; something else may be done `beside` them in this one."""
    threads = [threading.Thread(target=one.visit, args=(address, until)) for one in visitors]
    for thread in threads:
        thread.start()
    beside()
    for thread in threads:
        thread.join()


class ProtocolVisitor:
    """One visitor; `visit` walks.

    Args:
        number: from 0; tells this visitor's way from others'.
        pages: names, in the order of the menu.
        run_ids: each page is opened on another one.
        films: files to upload, which visitors share and each upload takes one of; none where nothing is uploaded.
        every, upload_every: seconds between two actions, which vary by half, and between two uploads.
        rounds: of all the pages, after which the visitor goes; None to stay until the others go.
    """

    def __init__(self, number: int, pages: Sequence[str], run_ids: Sequence[str], films: Iterator[bytes] | None,
                 every: float, upload_every: float, figures: Figures, rounds: int | None = None):
        self._number, self._films, self._figures = number, films, figures
        self._every, self._upload_every = every, upload_every
        self._random = np.random.default_rng(number)
        at = number % len(pages)
        self._round = [what for page in (*pages[at:], *pages[:at])
                       for what in ((page, *ON_THE_BOARD) if page == "thresholds" else (page,))]
        self._rounds = itertools.count() if rounds is None else range(rounds)
        self._run_ids, self._aims = itertools.cycle(np.roll(run_ids, number).tolist()), itertools.cycle(AIMS)

    def visit(self, address: str, until: float) -> None:
        """Walk until `time.monotonic()` says so at the latest; what went wrong is among the figures."""
        with self._figures.told(f"visitor {self._number}"), PageSession(address) as session:
            due = time.monotonic() + self._every * self._random.random()
            upload_due = time.monotonic() + self._upload_every * self._random.random()
            for what in (what for _ in self._rounds for what in self._round):
                if self._films is not None and due >= upload_due and what not in ON_THE_BOARD:
                    upload_due += self._upload_every
                    if not self._in_turn(session, ("explain", UPLOAD), due, until):
                        return
                    due = self._next(due)
                if not self._in_turn(session, (what,), due, until):
                    return
                due = self._next(due)

    def _next(self, due: float) -> float:
        """When the action after this one is due; who was kept waiting does not make up for it."""
        return max(due, time.monotonic()) + self._every * self._random.uniform(0.5, 1.5)

    def _in_turn(self, session: PageSession, actions: Sequence[str], due: float, until: float) -> bool:
        """Wait until it is time for these actions and do them; whether it was before the end."""
        time.sleep(max(0.0, min(due, until) - time.monotonic()))
        for what in actions if due < until else ():
            self._do(session, what)
        return due < until

    def _do(self, session: PageSession, what: str) -> None:
        with self._figures.told(what):
            if what == UPLOAD:
                seen = self._upload(session)
            elif what in ON_THE_BOARD:
                seen = getattr(self, f"_{what}")(session)
            else:
                seen = self._open(session, what)
            self._figures.took(what, seen.seconds)
            self._figures.errors += [f"{what}: {error}" for error in seen.errors]

    def _open(self, session: PageSession, page: str) -> Seen:
        seen = session.open("") if page == HOME.name else session.open(page, f"run={next(self._run_ids)}")
        drawn = [one.body for one in seen.of("html") if "page-drawn" in one.body or "data-first-content" in one.body]
        assert drawn, f"{page} was not drawn to its end"
        return seen

    def _upload(self, session: PageSession) -> Seen:
        seen = session.upload("film_upload", f"film{self._number}.png", next(self._films))
        assert any(one.component_name.endswith("cxr_film_viewer") for one in seen.of("bidi_component")), seen.said
        return seen

    # -- on the board

    def _fit(self, session: PageSession) -> Seen:
        header, _ = self._board(session)
        keys = {one["key"].partition("@")[0].partition(":")[0]: one for one in header["aims"]}
        aim = keys[next(name for name in self._aims if name in keys)]
        return session.trigger(BOARD, "aim", {"of": header["of"], "key": aim["key"], "finding": None,
                                              "shown": not aim["elsewhere"]})

    def _drag(self, session: PageSession) -> Seen:
        header, ladders = self._board(session)
        k, values = int(self._random.integers(len(ladders))), list(header["thresholds"])
        name, before = header["findings"][k]["name"], values[k]
        values[k] = float(self._random.choice(ladders[k]))
        return session.tell(BOARD, "released", {
            "of": header["of"], "at": f"{time.time()}", "thresholds": values, "uppers": [None] * len(values),
            "open": name, "moved": {"finding": name, "before": before, "after": values[k]}})

    def _save(self, session: PageSession) -> Seen:
        name, button = session.seen.widget("text_input", "sets_name"), session.seen.widget("button", "sets_save_go")
        return session.act(name=(name.id, "string_value", f"Visitor {self._number}, {time.time():.0f}"),
                           save=(button.id, "trigger_value", True))

    def _load(self, session: PageSession) -> Seen:
        sets, button = session.seen.widget("selectbox", "sets_load"), session.seen.widget("button", "sets_load_go")
        return session.act(set=(sets.id, "string_value", str(self._random.choice(sets.options))),
                           load=(button.id, "trigger_value", True))

    def _board(self, session: PageSession) -> tuple[dict, list[np.ndarray]]:
        return read_payload(session.seen.widget("bidi_component", BOARD).bytes)
