"""Cases: the films behind a count of the threshold board, worst first, each with a way to its explanation."""

import streamlit as st

from cxrcore.queries import evaluated_runs
from cxrcore.queries.board_state import provenance, read_state
from cxrcore.queries.evaluated_runs import evaluated
from cxrcore.ui import link, run_pages, shell, widgets
from cxrcore.ui.cases import controls, film_list, label_queue, one_film
from cxrcore.ui.cases.controls import ALL_MISS, DISAGREE, QUEUE
from cxrcore.ui.cases.one_film import Listed
from cxrcore.ui.frame import frame
from cxrcore.ui.labels_picker import pick_labels, say_labels
from cxrcore.ui.run_pages import ALL_ARCHIVED, open_runs_page, pick_part
from cxrcore.ui.thresholds import session

with open_runs_page("cases", "so there are no cases") as page:
    controls.take_over_the_board()
    store, overview = page.store, page.overview
    with frame.bar():
        run_ids = controls.run_pickers(page)
        if not run_ids:
            st.info(ALL_ARCHIVED, icon=":material/info:")
            st.stop()
        wanted = pick_part(overview.board, run_ids, "The split that the films come from.")
        label_set = pick_labels(overview, run_ids)
        finding_slot = st.container(width=controls.FINDING_WIDTH)
        which = controls.films_picker()

    rows = page.rows(run_ids)
    part = evaluated_runs.part_to_draw(wanted, run_ids[:1], overview.board)
    if part != wanted:
        st.info("This run was not measured on a test part: these are validation films.", icon=":material/info:")
    compares = which in (ALL_MISS, DISAGREE, QUEUE)
    run_pages.say_missing(store, rows if compares else rows[:1], overview.board, part, page.labels, page.statuses)
    known = evaluated(rows, overview, page.labels, part, label_set)
    runs = [run for run in known if part in run.parts]
    run_pages.say_elsewhere(overview, known if compares else known[:1], part)
    if part not in known[0].parts:
        controls.finding_picker(finding_slot, known[0].findings)
        st.stop()
    if compares:
        runs, others = run_pages.share_findings(runs, part)
        run_pages.say_shared(runs, others)
    if which == QUEUE:
        label_queue.show_queue(page, runs, part)
        st.stop()
    say_labels(store, runs, part)
    finding = controls.finding_picker(finding_slot, runs[0].findings)
    if compares and len(runs) < 2:
        st.info(f"“{which}” takes two runs or more that were measured on the same films: *Compare* adds them.",
                icon=":material/info:")
        st.stop()

    for group in page.groups(rows if compares else rows[:1], part):
        widgets.badges(group)
    try:
        state = read_state(store, runs[0], *link.thresholds_in_link())
    except shell.WorkbenchError:
        st.button("Show the films without it", on_click=link.put_thresholds_in_link, args=(None, None, []))
        raise
    session.leave_as_it_is()
    shown = film_list.choose(store, runs, part, state, finding, which)
    with st.container(horizontal=True, vertical_alignment="center", key="cases_line"):
        with st.container():
            film_list.say_what_is_shown(store, shown, which, runs, part)
        sheet = controls.page_picker(len(shown.rows), (run_ids, part, finding, which, shown.threshold))
        widgets.download_menu({"Films": (f"cases_{finding}_{which.lower().replace(' ', '_')}_{part}",
                                         lambda: film_list.films_table(shown, which))})
    source, flag = provenance(state, runs[0], part)
    counted = film_list.counts(store, runs[0], part, state, finding)
    if flag:
        frame.chip("same films", f"{widgets.escape(flag.capitalize())}.", icon=":material/warning:")
    with frame.numbers():
        st.caption(f"Thresholds: {widgets.escape(source)}.")
        st.caption("Films at this threshold. " + " ".join(f"{name}: {n:,}." for name, n in counted.items()))
    one_film.look_at_films(Listed(store, runs[0], part, state, rows.iloc[0], shown, film_list.page_of(shown, sheet),
                                  overview))
    film_list.draw_films(store, runs[0], part, shown, which, sheet)
