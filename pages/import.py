"""Import: scores that others made, audited before they are saved; the mean of runs as a run."""

import streamlit as st

from cxrcore.ui import cached, import_ensemble, import_view, shell
from cxrcore.ui.bound import in_link
from cxrcore.ui.runs_page import stop_without_runs

FILE, MEAN = "Predictions from a file", "Mean of runs"

with shell.open_page("import") as store:
    with st.skeleton(height=200):
        overview = cached.overview(store)
    way = st.segmented_control("What to bring", [FILE, MEAN], default=FILE, required=True,
                               **in_link("way"), label_visibility="collapsed")
    if way == MEAN:
        if overview.runs.empty:
            stop_without_runs(store, "so there is nothing to average")
        import_ensemble.show(store, overview)
        st.stop()

    said = import_view.ask(store, overview)
    if said is None:
        st.stop()
    if said.table is None:
        st.info("Which films are these? Choose the data set, or upload its table.", icon=":material/info:")
        st.stop()
    candidate = import_view.read(store, said)
    import_view.show(candidate)
    import_view.offer(store, candidate, said)
