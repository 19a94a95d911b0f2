"""Import: scores that others made, audited before they are saved; the mean of runs as a run."""

import streamlit as st

from cxrcore.config import is_read_only
from cxrcore.queries import from_store
from cxrcore.ui import shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.imports import declared, ensemble, examined, predictions, words
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import stop_without_runs

FILE, MEAN = "Predictions from a file", "Mean of runs"

with shell.open_page("import") as store:
    if is_read_only():
        st.info("This server only shows results: nothing can be imported here.", icon=":material/lock:")
        st.stop()
    with st.skeleton(height=200):
        overview = from_store.overview(store)
    with frame.bar():
        way = st.segmented_control("What to bring", [FILE, MEAN], default=FILE, required=True,
                                   **in_link("way"), label_visibility="collapsed")
    if way == MEAN:
        if overview.runs.empty:
            stop_without_runs(store, "so there is nothing to average")
        ensemble.show_ensemble(store, overview)
        st.stop()

    answer = st.empty()
    asked = declared.ask(store, overview)
    with answer:
        widgets.answer(words.BEGIN if asked is None else words.WHICH if asked[1].table is None else words.READING)
    if asked is None or asked[1].table is None:
        st.stop()
    files, said = asked
    try:
        found = examined.examine(store, files, said)
    except shell.WorkbenchError:
        with answer:
            widgets.answer(words.UNREAD)
        raise
    with answer:
        widgets.answer(words.answer(found, predictions.number_saved(store, found)))
    predictions.show(store, found, said)
