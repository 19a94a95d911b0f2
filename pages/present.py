"""Present: class mode. Slides made from the store, turned by arrow keys, with the live board on one of them."""

import streamlit as st

from cxrcore.queries import class_lesson, from_store, run_groups
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.present import deck, stage
from cxrcore.ui.present.slides import SLIDES
from cxrcore.ui.runs import empty_store

with shell.open_page("present") as store:
    stage.dress()
    with st.skeleton(height=480):
        overview = from_store.overview(store)
    chosen = link.runs_in_link()
    widgets.stop_at_unknown_runs(chosen, overview.runs)
    if overview.datasets.empty:
        st.info(f"The results store {widgets.bold(store.key)} is empty, so there is nothing to present. The demo "
                "fills one:", icon=":material/info:")
        empty_store.offer_demo()
        st.stop()
    slide = stage.current(SLIDES)
    if slide is None:
        st.stop()
    place = st.empty()  # at once: the slide before leaves the screen
    lesson = class_lesson.read_lesson(store, overview, chosen, places=link.places_in_link())
    slides = deck.shown(SLIDES, slide)

    def beside() -> None:
        """The run in focus, and what must be said of its films."""
        labels = run_groups.run_labels(overview.runs)
        options = list(lesson.rows["run_id"])
        if len(options) > 1:
            st.session_state["present_run"] = options[0]
            st.selectbox("Run", options, format_func=labels.__getitem__, key="present_run", width=260,
                         label_visibility="collapsed",
                         on_change=lambda: link.put_runs_in_link([st.session_state["present_run"]]))
        leaky = lesson.group is not None and lesson.group.leaky
        if lesson.kind == "phantom":  # both marks in one, or the bar takes a second row from the slide
            said = (":orange-badge[leaky split]  \nsay nothing of real films" if leaky else
                    "films say  \nnothing about real ones")
            st.markdown(f":orange-badge[SYNTHETIC] {said}", width="content")
        elif leaky:
            widgets.badges(lesson.group)
        elif warned := lesson.warned:
            widgets.warned_badge(warned)

        deck.choices(SLIDES, lesson)

    stage.bar(slides, slide, beside)
    if st.session_state.get(deck.ALL_AT_ONCE):
        for one in slides:
            stage.show_slide(one, deck.as_chosen(one, lesson), store)
    else:
        stage.show_slide(slide, deck.as_chosen(slide, lesson), store, place)
        after = next(iter(slides[slides.index(slide) + 1:]), None)
        deck.prepare(after, deck.as_chosen(after, lesson) if after else lesson)
