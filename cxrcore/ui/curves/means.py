"""Repeats on the Curves page: a mean curve a training, or the run nearest to it, and the words that go with them."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.measures.intervals.curve_bands import CURVES
from cxrcore.queries.curves import DrawnRun
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.queries.repeats.curves import drawn_together, mean_points_table
from cxrcore.queries.repeats.measured import spread_table
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.frame import frame
from cxrcore.ui.repeats import Choice
from cxrcore.ui.run_pages import RunsPage
from cxrcore.ui.widgets import escape

Tables = dict[str, tuple[str, Callable[[], pd.DataFrame]]]  # as `widgets.download_menu` takes them
_AVERAGED = {
    "roc": "Bold: the mean of a training's repeats, averaged vertically: mean recall at each false positive rate.",
    "pr": "Bold: the mean of a training's repeats, averaged vertically: mean precision at each recall.",
}
_EXPLAINED = ("seed_mean", "seed_spread")


def fold(store: Store, page: RunsPage, choice: Choice, measured: Sequence[DrawnRun], runs: Sequence[Evaluated],
         part: str, view: str) -> list[DrawnRun]:
    """What is drawn of the runs that are chosen: single runs as they are, or their trainings."""
    if not choice.together or not measured:
        return list(measured)
    with widgets.slow_share(RESAMPLING) as told:
        return drawn_together(store, measured, runs, part, choice.trainings, page.styles_together(choice.trainings),
                              view, told)


def say(drawn: Sequence[DrawnRun], choice: Choice, view: str, finding: str | None) -> None:
    """What stands for a training's repeats, and what ± is."""
    if not choice.together:
        return
    widgets.explain_measures(_EXPLAINED)
    if view not in CURVES:
        names = ", ".join(one.label for one in drawn)
        st.caption(f"{choice.said}Of each training one run is drawn, the nearest to the mean of its repeats: "
                   f"{escape(names)}.")
        return
    thin = " Thin: its runs, as far apart as seeds move them." if finding else ""
    st.caption(f"{choice.said}{_AVERAGED[view]}{thin} ±: standard deviation over seeds, which says nothing of other "
               "patients.")
    with frame.numbers():
        st.caption("No threshold belongs to a place on a mean curve: each run gets there at one of its own. Its band "
                   "is that of the mean, over draws of patients.")


def downloads(drawn: Sequence[DrawnRun], finding: str | None, view: str, part: str) -> Tables:
    """For the menu of downloads; none where no means are drawn."""
    found = [one.training for one in drawn if one.training is not None]
    if not any(one.repeats for one in drawn):
        return {}
    tables: Tables = {"Mean curves": (f"mean_curves_{view}_{part}", partial(mean_points_table, drawn, finding))}
    if found:
        measure = "auroc" if view == "roc" else "ap"
        tables["Repeats"] = (f"repeats_{measure}_{part}", partial(spread_table, found, measure))
    return tables
