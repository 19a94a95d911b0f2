"""What the Explain page is asked for: networks, method, view, looks; all of it stands in the link."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrcore.charts.film_viewer import payload
from cxrcore.explain.method_names import MEANINGS, METHODS
from cxrcore.queries import from_store, run_groups
from cxrcore.queries.explained_films import COLOURS, STRONGEST, Look
from cxrcore.store import Store
from cxrcore.store.lost_file import why_missing
from cxrcore.store.run_folder import BEST
from cxrcore.ui import link, shell, widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.link import in_link
from cxrcore.ui.run_pages import RunsPage, run_picker
from cxrcore.ui.widgets import escape

MAX_RUNS = 4
FROM_WEIGHTS = "python scripts/eval.py --weights WEIGHTS_FILE --csv_path DATA/Data_Entry_2017.csv --img_root DATA"
VIEWS = {"One finding": payload.ONE, "All findings": payload.ALL, "Methods": payload.METHODS, "Runs": payload.RUNS}
OLD_ALL = "All 14"  # 'All findings' in links of earlier versions
COLOURS_KEY, CONTOUR_KEY, STRENGTH_KEY = "colours", "contour", "opacity"


def pick_runs(page: RunsPage) -> tuple[pd.DataFrame, list[str]]:
    """The runs to ask, the first in focus, and why others are not; ends the page where none has a checkpoint."""
    store, labels, chosen = page.store, page.labels, page.chosen
    if not chosen:
        ready = [run_id for run_id in page.best() or list(page.pickable["run_id"])
                 if store.run_file(run_id, BEST)]
        chosen = ready[:1] or list(page.pickable["run_id"][:1])
    with frame.bar():
        run_picker(page.options, page.chosen, "explain_picker", f"Pick up to {MAX_RUNS} runs by name", chosen)
    chosen = page.at_most(MAX_RUNS, chosen, "asked")
    asked = [run_id for run_id in chosen if store.run_file(run_id, BEST)]
    if warned := run_groups.warned(page.rows(chosen)):
        widgets.warned_badge({labels[run_id]: marks for run_id, marks in warned.items()})
    left_out = [f"{labels[run_id]} has no checkpoint ({BEST}), so it cannot score a film: {why_missing(store, run_id)}."
                for run_id in chosen if run_id not in asked]
    if not asked:
        _no_network(store, chosen, left_out)
        st.stop()
    return page.rows(asked).set_index("run_id", drop=False).assign(label=[labels[one] for one in asked]), left_out


def _no_network(store: Store, chosen: Sequence[str], left_out: Sequence[str]) -> None:
    """What can be done with runs of which only the scores are here."""
    widgets.answer("A map needs the network itself, and of "
                   f"{'these runs' if len(chosen) > 1 else 'this run'} only the scores are here.")
    for text in left_out:
        st.caption(escape(text))
    st.markdown("*Cases* has the films behind those scores, the worst first:")
    shell.link_to("cases", chosen)
    st.markdown("A weights file becomes a run that can be asked with:")
    widgets.command(FROM_WEIGHTS, store)


def view_picker(n_runs: int) -> str:
    """A view of the film viewer."""
    link.take_new_word("show", OLD_ALL, "All findings")
    views = list(VIEWS) if n_runs > 1 else list(VIEWS)[:-1]
    shown = st.segmented_control("Show", views, default=views[0], required=True, **in_link("show"),
                                 label_visibility="collapsed",
                                 help="One map large, the maps of all findings, or one finding by all methods or runs.")
    return VIEWS[shown]


def map_popover() -> tuple[str, Look]:
    """How maps are made, a key of `METHODS`, and how they are drawn; ends the page at an unknown method."""
    said = st.query_params.get("method")
    with st.popover(f"Map: {said if said in METHODS else next(iter(METHODS))}", icon=":material/palette:",
                    help="How maps are made and drawn"):
        method = widgets.choice_in_link("Method", "method", list(METHODS), MEANINGS)
        strength = st.slider("Opacity (%)", 0, 100, STRONGEST, 5, **in_link(STRENGTH_KEY),
                             help="Of the hottest place, where the finding's score reaches its threshold. Below it, "
                                  "maps are fainter, as much as the score is smaller than the threshold.")
        colours = st.segmented_control("Colours", COLOURS, default=COLOURS[0], required=True,
                                       **in_link(COLOURS_KEY), help="All but jet can be read without colour vision.")
        contour = st.toggle("Outline only", **in_link(CONTOUR_KEY),
                            help="A line around the hottest fifth of the map instead of colour")
    if method is None:
        st.error(f"The link asks for method “{escape(str(said))}”, which is not here.", icon=":material/link_off:")
        st.stop()
    return method, Look(strength / 100, colours, contour)


def guess_toggle() -> bool:
    """Whether what the network says is hidden until it is asked for."""
    return st.toggle("Guess first", **in_link("guess"), help="Hides what the network says until you ask for it.")


def say_where(overview: from_store.Overview, runs: pd.DataFrame, statuses: Mapping[str, str]) -> None:
    """Badges of the data that the first run was trained on."""
    first = overview.runs[overview.runs["run_id"] == runs["run_id"].iloc[0]]
    widgets.badges(from_store.groups(overview, first, statuses, "test")[0])
