"""The button that makes a report of the runs that a page compares."""

from collections.abc import Sequence

import streamlit as st

from cxrcore.store import OWN, Store
from cxrcore.ui import link

_MADE = "report_made"
_PARTS = 6  # of the page
_FILES = 26  # of the ZIP, about


def report_popover(store: Store, run_ids: Sequence[str], part: str, label_set: str = OWN) -> None:
    """Make a report when asked, and offer it for download as long as the page shows the same runs."""
    key = (store.key, store.change_token(), tuple(run_ids), part, label_set)
    with st.popover("Report", icon=":material/summarize:",
                    help="One HTML file with these runs' leaderboard, curves, subgroups, maps and a board that can "
                         "still be dragged, without a server; and a ZIP of its tables and figures"):
        wanted = st.button("Make the HTML", icon=":material/language:"), st.button("Make the ZIP",
                                                                                   icon=":material/folder_zip:")
        for asked, kind in zip(wanted, ("html", "zip"), strict=True):
            if asked:
                st.session_state[_MADE] = (key, kind, _make(store, run_ids, part, label_set, kind))
        made_of, kind, data = st.session_state.get(_MADE, (None, "", b""))
        if made_of == key:
            mime = "text/html" if kind == "html" else "application/zip"
            st.download_button(f"Download the {kind.upper()} ({len(data) / 1e6:.1f} MB)", data, f"report.{kind}", mime,
                               on_click="ignore", type="primary", icon=":material/download:")


def _make(store: Store, run_ids: Sequence[str], part: str, label_set: str, kind: str) -> bytes:
    """With a bar, since it takes some seconds."""
    from cxrcore.report import bundle, contents, page  # here: they draw for paper, which takes a second to import

    slot, done = st.empty(), 0

    def step(name: str) -> None:
        nonlocal done
        done += 1
        slot.progress(min(done / (_PARTS if kind == "html" else _FILES), 1.0), f"Making: {name}")

    found = contents.read_contents(store, list(run_ids), part, label_set, link.places_in_link())
    data = page.render_report(found, step=step).encode() if kind == "html" else bundle.pack_report(found, step)
    slot.empty()
    return data
