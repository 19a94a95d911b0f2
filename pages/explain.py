"""Explain: a film, what networks say of it, and where they looked."""

import streamlit as st

from cxrcore.queries import chosen_film, explained_films
from cxrcore.ui import widgets
from cxrcore.ui.explain import behind_numbers, controls, downloads, film_page, film_tray
from cxrcore.ui.frame import frame
from cxrcore.ui.run_pages import open_runs_page

with open_runs_page("explain", "so there is no network to ask") as page:
    store, overview = page.store, page.overview
    runs, left_out = controls.pick_runs(page)
    controls.say_where(overview, runs, page.statuses)
    with frame.bar():
        view = controls.view_picker(len(runs))
        method, look = controls.map_popover()
        guess = controls.guess_toggle()
    films = chosen_film.films_of(store, runs.iloc[0], overview.runs, overview.datasets)
    with st.container(horizontal=film_tray.any_film(), vertical_alignment="center", key="film_line"):
        said = st.container()
        wanted = film_tray.pick_film(store, films, runs, lambda: film_tray.offer_examples(
            store, runs.iloc[0]["dataset_id"], films, film_page.finding_to_offer(films),
            chosen_film.size_of(runs.iloc[0])))
    if wanted is None:
        with said:
            widgets.answer("Show a chest film: the networks score it, and show where they looked.")
        for text in left_out:
            st.caption(widgets.escape(text))
        explained_films.begin_loading(store, list(runs.index), widgets.ANSWER_TURN)
        st.stop()
    stage = film_page.show(store, runs, films, wanted, said, (method, view, look), guess, left_out)
    behind_numbers.put_numbers(store, stage.film, stage.shown, method)
    if stage.waits:
        film_page.wait_for_networks(store, runs, stage)
    behind_numbers.draw_table(films, stage.film, stage.shown, method)
    downloads.explain_downloads(stage)
