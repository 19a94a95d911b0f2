"""Explain: upload a film, see scores and decisions, and where the network looked."""

import streamlit as st

from cxrcore.ui import (
    explain_downloads,
    explain_maps,
    explain_model,
    explain_page,
    widgets,
)
from cxrcore.ui.bound import in_link
from cxrcore.ui.runs_page import open_runs_page

with open_runs_page("explain", "so there is no network to ask") as page:
    store, overview = page.store, page.overview
    explain_model.begin_importing()
    runs = explain_page.pick_runs(page)
    films = explain_page.films_of(store, overview, runs)
    explain_page.say_where(overview, runs, page.statuses)
    files = explain_page.upload()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        finding = widgets.finding_picker("The finding whose map is shown.")
        method = explain_page.method_picker()
        view = explain_page.view_picker(len(runs))
        look = explain_maps.look_popover()
        guess = st.toggle("Guess first", **in_link("guess"),
                          help="Hides what the network says until you ask for it.")
        download_slot = st.container(width="content")
    film = explain_page.choose_film(store, films, runs, finding, files)
    if film is None:
        widgets.begin_loading_charts()
        st.stop()
    explain_page.say_film(film, films)
    if guess and not explain_page.asked_for(film):
        st.stop()

    shown = explain_page.score(store, runs, film)
    explain_page.say_check(shown[0])
    explain_page.draw_scores(store, films, film, shown)
    picture = explain_page.draw_maps(film, shown, finding, method, view, look)
    with download_slot:
        explain_downloads.menu(film, shown, finding, method, picture)
