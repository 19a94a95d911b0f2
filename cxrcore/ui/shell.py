"""The frame of every page: menu, head, the link's state, and errors as one line.

Knows which pages exist, but nothing of what they show. A new page adds one entry to `PAGES`.
"""

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from cxrcore.config import PROJECT_ROOT, default_store, is_read_only
from cxrcore.errors import StoreBusy, StoreError, WorkbenchError
from cxrcore.store import Store
from cxrcore.ui import access, link
from cxrcore.ui.frame import frame, garbage, log, tour
from cxrcore.ui.link import LABELS, LAST_LABELS
from cxrcore.ui.markdown import escape

PRODUCT = "Chest X-ray workbench"
FAVICON = "🩻"  # a Material symbol would be fetched from the network
MENU_WIDTH = 220  # pixels
_PATIENCE = 3.0  # seconds for a team's database to answer
SECTIONS = ("", "Results", "Thresholds", "Images", "Class")

_REGISTERED = "shell_registered"
_PAGE = "shell_page"
_ARRIVED = "shell_arrived"
_NOTICE = "shell_notice"


@dataclass(frozen=True)
class PageEntry:
    """One page of the menu.

    Attributes:
        name: of pages/<name>.py, and its place in the URL.
        title: as the menu and the page's head write it.
        icon: a Material symbol.
        section: one of `SECTIONS`.
        question: the one sentence below the title.
        stage: the page's own content is all that is shown: no head, the menu folded.
    """

    name: str
    title: str
    icon: str
    section: str
    question: str
    stage: bool = False


PAGES = (
    PageEntry("home", "Home", ":material/home:", "",
              "What do networks see on chest films, and how far can their alarms be trusted?"),
    PageEntry("runs", "Runs", ":material/leaderboard:", "Results",
              "Which runs are there, how far are they, and how good are they?"),
    PageEntry("compare", "Compare", ":material/compare_arrows:", "Results",
              "Which run is better, for which findings, and how sure is that?"),
    PageEntry("curves", "Curves", ":material/show_chart:", "Results",
              "How well do scores tell films with a finding from films without it, at every threshold?"),
    PageEntry("subgroups", "Subgroups", ":material/groups:", "Results",
              "Does the network miss more in some groups of patients than in others?"),
    PageEntry("import", "Import", ":material/upload_file:", "Results",
              "Other people's scores: are they what they seem, and how good are they?"),
    PageEntry("thresholds", "Thresholds", ":material/tune:", "Thresholds",
              "Where should each finding's alarm go off, and what does that cost?"),
    PageEntry("data", "Data", ":material/radiology:", "Images",
              "What does the data set hold, and where can it mislead?"),
    PageEntry("cases", "Cases", ":material/photo_library:", "Images",
              "Which films stand behind a count, and which does the network get wrong?"),
    PageEntry("explain", "Explain", ":material/center_focus_strong:", "Images",
              "What does the network say of a film, and where did it look?"),
    PageEntry("localization", "Localization", ":material/pin_drop:", "Images",
              "Do maps point at the boxes of the data set, better than no network would?"),
    PageEntry("present", "Present", ":material/co_present:", "Class",
              "What should a class see of this, slide by slide?", stage=True),
)
HOME, RUNS = PAGES[:2]
IMPORT = "import"


def navigation() -> Any:
    """Register the pages; returns the one that the browser asked for."""
    garbage.leave_out_modules()
    st.session_state[_REGISTERED] = True
    # Streamlit takes the default page's own path out of the URL, and /home would then be "not found". So the default
    # page has another, and a step at /home leads on to it.
    home = st.Page(_go_home, title=PRODUCT, url_path="home")
    # Hidden, since Streamlit's own menu fetches the open page's icon from the network and drops a menu of one page:
    # `_menu` draws it from bundled icons.
    return st.navigation([*map(_streamlit_page, PAGES), home], position="hidden")


def _streamlit_page(entry: PageEntry) -> Any:
    return st.Page(PROJECT_ROOT / "pages" / f"{entry.name}.py", title=entry.title,
                   url_path="start" if entry is HOME else None, default=entry is HOME)


def _menu() -> None:
    with st.sidebar:
        st.markdown(f"**{PRODUCT}**")
        for section in SECTIONS:
            entries = [entry for entry in PAGES if entry.section == section and is_open(entry.name)]
            if entries:
                with st.container(gap="xsmall"):
                    if section:
                        st.caption(section)
                    for entry in entries:
                        st.page_link(_streamlit_page(entry), label=entry.title, icon=entry.icon, width="stretch")
        _name_the_store()


def _name_the_store() -> None:
    named = default_store()
    try:
        store = Store(named)
    except StoreError:  # which the page says; an address may hold a password
        st.caption("Store: none that can be used")
        return
    title, whole = (named.name, str(named)) if isinstance(named, Path) else (store.title, store.key)
    st.caption(f"Store: {escape(title)}", help=f"The results store: {escape(whole)}")


def is_open(page: str) -> bool:
    """Whether there is something to do on a page: a server that only shows results takes nothing in."""
    return page != IMPORT or not is_read_only()


def link_to(name: str, run_ids: Sequence[str]) -> None:
    """A link to another page with these runs."""
    entry = next(page for page in PAGES if page.name == name)
    st.page_link(_streamlit_page(entry), label=entry.title, icon=entry.icon, query_params={"run": list(run_ids)})


def door(name: str, title: str, words: str) -> None:
    """A link to another page under a title of its own, with a sentence below it."""
    entry = next(page for page in PAGES if page.name == name)
    st.page_link(_streamlit_page(entry), label=f"**{title}**  \n{words}", icon=entry.icon, width="stretch")


def go_to(name: str, run_ids: Sequence[str]) -> None:
    """Open another page with these runs; ends the run of this one."""
    entry = next(page for page in PAGES if page.name == name)
    st.switch_page(_streamlit_page(entry), query_params={"run": list(run_ids)})


def _go_home() -> None:
    st.switch_page(_streamlit_page(HOME))


def _lead_on_to_runs() -> None:
    """For the page at /: a link of an earlier version to it that names runs is one to the page Runs."""
    if link.runs_in_link():
        st.switch_page(_streamlit_page(RUNS), query_params={key: st.query_params.get_all(key)
                                                            for key in st.query_params})


def _come_through_app() -> None:
    """Begin anew where Streamlit ran a page without app.py.

    With a folder called pages/ it answers the first request of a fresh server so, if that is a deep link (seen in
    1.67): no menu, and widgets with other identities than in the next run. So the page registers the pages itself.
    """
    if not st.session_state.get(_REGISTERED):
        navigation()
        st.rerun()


@contextlib.contextmanager
def open_page(name: str, *, head: bool = True) -> Generator[Store]:
    """Draw the head of a page and give it the store; every page does its work inside.

    A `WorkbenchError` from the page's body becomes one line in place of what was still to come.

    Args:
        name: of the page.
        head: False where the page's body is a fragment, which draws the head itself: it fills slots that stand in it.
    """
    _come_through_app()
    entry = next(page for page in PAGES if page.name == name)
    st.set_page_config(page_title=f"{entry.title} · {PRODUCT}", page_icon=FAVICON, layout="wide",
                       initial_sidebar_state="collapsed" if entry.stage else MENU_WIDTH)
    if entry is HOME:
        _lead_on_to_runs()
    _carry_runs_over(name)
    link.begin_page(arrived())
    frame.listen()
    _menu()
    if entry.stage:
        frame.without()
    elif head:
        draw_head(name)
    if not entry.stage and entry is not HOME:
        tour.show(name)
    log.begin(name)
    store = _store_to_show(entry)
    if store is None:
        frame.end()
        link.end_page()
        st.stop()
    try:
        with errors_shown():
            yield store
        link.end_page()
    finally:  # many pages end before their last line
        frame.end()
        log.end()


def _store_to_show(entry: PageEntry) -> Store | None:
    """The store, for who is let in, and what there is to tell of it and of the server; None after an error."""
    with errors_shown():
        access.admit()
        show_notice()
        store = Store(default_store())
        if not store.is_file and (trouble := store.trouble(_PATIENCE)):
            raise StoreBusy(trouble)  # rather than to wait a minute for a database, as a training does
        if not entry.stage and is_open(entry.name):
            access.tell(store, entry.name)
        return store
    return None


def draw_head(name: str) -> None:
    """The head line of a page."""
    entry = next(page for page in PAGES if page.name == name)
    frame.begin(entry.title, entry.question)


@contextlib.contextmanager
def errors_shown() -> Generator[None]:
    """Show a `WorkbenchError` as one line, and of a fault of the program the name of its entry in the log.

    For page bodies and for fragments, which also run on their own.
    """
    log.go_on()
    try:
        yield
    except WorkbenchError as error:
        log.refused(error)
        st.error(escape(str(error)), icon=":material/error:")
    except Exception as error:
        if log.shows_traces():
            raise
        st.error(log.fault(error), icon=":material/error:")


def act(done: str, action: Callable[..., None], *args: Any, **kwargs: Any) -> bool:
    """Do something that changes the store, in a widget's callback; the page says afterwards how it went.

    Args:
        done: Markdown, what to say when it worked.

    Returns:
        Whether it worked.
    """
    log.go_on()
    try:
        action(*args, **kwargs)
    except WorkbenchError as error:
        log.acted(done, error)
        st.session_state[_NOTICE] = (False, escape(str(error)))
        return False
    except Exception as error:
        if log.shows_traces():
            raise
        st.session_state[_NOTICE] = (False, log.fault(error))
        return False
    if done:
        log.acted(done)
    st.session_state[_NOTICE] = (True, done)
    return True


def on_click(done: str, action: Callable[..., None], *args: Any) -> None:
    """`act` as a widget takes it, which wants nothing back."""
    act(done, action, *args)


def leave_notice(text: str) -> None:
    """Markdown that the page says after this callback, as after `act`."""
    st.session_state[_NOTICE] = (True, text)


def show_notice() -> None:
    """Say how the last `act` went; for pages whose body is a fragment, which runs without `open_page`."""
    worked, text = st.session_state.pop(_NOTICE, (True, ""))
    if text and worked:
        st.toast(text, icon=":material/check:")
    elif text:
        st.error(text, icon=":material/error:")


# -- what a link names: runs, data set, thresholds. The one place that writes query parameters by hand: a bound widget
# would put its labels into the URL; a renamed run would break every link to it, and another store's data set of the
# same name would be taken for the one that was meant. The threshold board has no binding at all.
#
#   run=ID&run=ID    the runs, the one in focus first
#   look=0.2         the colour and mark of each, by its place; left out where it is their order
#   labels=NAME      the label set that everything is measured on
#   data=ID          the data set
#   finding=NAME     the open finding
#   set=KEY          the threshold set on the board: a stored set's id, or how to fit it: max_f1@val, recall:0.9@val
#   ref=KEY          the set that it is compared with
#   t=NAME:VALUE     a threshold that differs from the set, once a finding: 0.31@test was set by hand while looking at
#                    test, youden@val was fitted on val


def arrived() -> bool:
    """Whether this run of the page is the first since another page was open."""
    return st.session_state.get(_ARRIVED, False)


def _carry_runs_over(page: str) -> None:
    """The chosen runs and labels stay chosen when the menu leads to another page: its links carry no parameters."""
    arrived = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE], st.session_state[_ARRIVED] = page, arrived
    if page == HOME.name:
        return  # shows the best run, whatever was chosen elsewhere
    if arrived and LABELS not in st.query_params and (labels := st.session_state.get(LAST_LABELS)):
        st.session_state[LABELS] = labels  # the switch's own value, which it brings into the link
    if arrived or link.runs_in_link():
        link.take_up_last_runs()
    else:
        st.session_state.pop(link.LAST_RUNS, None)
