"""Explain: upload a film, see scores and decisions, and where the network looked."""

import streamlit as st

from cxrcore.queries import explained_films
from cxrcore.ui import widgets
from cxrcore.ui.explain import downloads, map_views, sections
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import open_runs_page

with open_runs_page("explain", "so there is no network to ask") as page:
    store, overview = page.store, page.overview
    explained_films.begin_importing()
    runs = sections.pick_runs(page)
    films = sections.films_of(store, overview, runs)
    sections.say_where(overview, runs, page.statuses)
    files = sections.upload()
    with frame.bar():
        finding = sections.finding_picker(overview, runs)
        method = sections.method_picker()
        view = sections.view_picker(len(runs))
        look = map_views.look_popover()
        guess = st.toggle("Guess first", **in_link("guess"),
                          help="Hides what the network says until you ask for it.")
    film = sections.choose_film(store, films, runs, finding, files)
    if film is None:
        widgets.begin_loading_charts()
        st.stop()
    sections.say_film(film, films)
    if guess and not sections.asked_for(film):
        st.stop()

    shown = sections.score(store, runs, film)
    sections.say_check(shown[0])
    sections.draw_scores(store, films, film, shown)
    sections.stop_where_unknown(shown[0], finding)
    picture = sections.draw_maps(film, shown, finding, method, view, look)
    with frame.tools():
        downloads.explain_downloads(film, shown, finding, method, picture)
