"""Thresholds: drag one per finding and watch F1 and recall move; fit, save, load and compare sets of them."""

import streamlit as st

from cxrcore.ui import cached, shell, threshold_view, widgets

with shell.open_page("thresholds") as store:
    with st.skeleton(height=400):
        runs = cached.overview(store).runs
    if runs.empty:
        st.info(f"The results store `{store.path}` holds no runs, so there are no thresholds to set. Train one:",
                icon=":material/info:")
        widgets.command(widgets.TRAIN_COMMAND, store)
    else:
        threshold_view.open_lab(store)
