"""The slide on people: whom the network misses more often."""

import numpy as np
import streamlit as st

from cxrcore.charts.stage import Rated, rating_chart
from cxrcore.charts.subgroups import group_styles
from cxrcore.errors import ResamplingError
from cxrcore.intervals import MACRO
from cxrcore.subgroups import HIGHER, LOWER, Gap, gaps, intervals
from cxrcore.ui import subgroups_reading
from cxrcore.ui.present_reading import Lesson
from cxrcore.ui.present_stage import NothingToShow, chart, headline
from cxrcore.ui.subgroups_reading import Subgroups

SHOWN = ("sex", "age", "view")
MEASURE = "recall"


def groups(lesson: Lesson) -> None:
    """Macro recall of each group of patients, at the same thresholds for all.

    Raises:
        NothingToShow: the table says nothing of the patients.
    """
    found = [one for grouping in SHOWN if (one := _read(lesson, grouping)) is not None]
    if not any(len(one.found) > 1 for one in found):
        raise NothingToShow("The table says neither sex nor age nor view of these films, so no groups can be read.")
    rated, parted = [], []
    for one in found:
        measured, styles = intervals(one.found, MEASURE), group_styles(one.groups.names)
        here = [Rated(one.called(name), styles[name], *(float(side[MACRO]) for side in (own.point, own.low, own.high)))
                for name, own in measured.items() if not np.isnan(own.point[MACRO])]
        rated += here if len(here) > 1 else []
        parted += [(one, gap) for gap in gaps(one.found, one.largest, MEASURE)]
    headline(_statement(parted))
    chart(rating_chart("Macro recall with 95 % interval", rated), "groups",
          "; ".join(f"{one.name} {one.value:.2f}" for one in rated), 10.5, title=False)
    st.markdown(f"{lesson.films}; thresholds: {lesson.tuned(lesson.run).in_words}, the same for everybody. A gap can "
                "come from the network, from the labels, or from who comes with what.")


def _read(lesson: Lesson, grouping: str) -> Subgroups | None:
    """None where the films do not form two groups that can be measured."""
    try:
        found = subgroups_reading.load(lesson.store, lesson.run, lesson.part, grouping, lesson.tuned(lesson.run))
    except ResamplingError:
        return None
    return found if len(found.found) > 1 else None


def _statement(parted: list[tuple[Subgroups, Gap]]) -> str:
    """The largest gap that its test shows, or that there is none."""
    shown = [(one, gap) for one, gap in parted if gap.words[MACRO] in (LOWER, HIGHER)]
    if not shown:
        return "No group is shown to be missed more often"
    one, gap = max(shown, key=lambda pair: abs(pair[1].change.point[MACRO]))
    point = float(np.nan_to_num(gap.change.point[MACRO]))
    lower = "lower" if point < 0 else "higher"
    return f"Recall is {abs(point):.2f} {lower} in {one.called(gap.name)} than in {one.called(one.largest)}"
