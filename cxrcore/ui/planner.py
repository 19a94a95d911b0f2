"""The planner's panel: how many films, patients or seeds a question takes; folded until somebody opens it."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from cxrcore.errors import WorkbenchError
from cxrcore.glossary import meaning, meanings
from cxrcore.measures.decisions.planner import LEVEL, POWER
from cxrcore.measures.decisions.promises import CONFIDENCE
from cxrcore.measures.intervals.intervals import PATIENTS_UNKNOWN_NOTE, Resampled, difference
from cxrcore.queries.decisions.plans import PLANNED, apart_plan, interval_plan, promise_in_words, seeds_in_words
from cxrcore.queries.from_store import Overview
from cxrcore.queries.repeats.of_run import repeats_of
from cxrcore.ui import widgets
from cxrcore.ui.widgets import escape, number

TITLE = "Planner: how many films, patients or seeds"
ROW_HEIGHT = 36  # pixels
FEW = 30  # films or patients
_TITLES = {"recall": "Recall", "specificity": "Specificity", "precision": "Precision", "auroc": "AUROC"}
_MEASURE, _WIDTH, _BOUND, _SURE, _OTHER = (f"planner_{name}" for name in ("measure", "width", "bound", "sure", "other"))


def show_planner(measured: Callable[[], Sequence[Resampled]], labels: Sequence[str], findings: tuple[str, ...],
                 overview: Overview, run_id: str, part: str) -> None:
    """The panel.

    Args:
        measured: gives runs measured in the same draws, the one in focus first; asked when the panel is open.
        labels: the runs' names, in that order.
        run_id, part: of the run in focus, and what it was measured on.
    """
    with st.expander(TITLE, key="planner", on_change="rerun", icon=":material/straighten:") as panel:
        if not panel.open:
            return
        left, *middle, right = st.columns(4)
        measure = left.selectbox("Measure", PLANNED, format_func=_TITLES.__getitem__, key=_MEASURE,
                                 help=meanings(PLANNED))
        width = middle[0].number_input("Interval of ±", 0.001, 0.5, 0.05, key=_WIDTH, format="%g",
                                       help=meaning("interval"))
        bound = middle[1].number_input("Promise of at least", 0.01, 0.999, 0.9, key=_BOUND, format="%g",
                                       help=meaning("promised"))
        sure = right.number_input("with confidence", 0.5, 0.999, CONFIDENCE, key=_SURE, format="%g",
                                  help=meaning("confidence"))
        try:
            found = measured()
            _show_intervals(found[0], labels[0], findings, measure, width)
            st.markdown(f"**For a promise** of at least {bound:g} with confidence {sure:g}: "
                        f"{promise_in_words(bound, sure)}.", help=meaning("patients_needed"))
            _show_apart(found, labels, findings, measure)
        except WorkbenchError as error:
            st.caption(escape(str(error)))
        st.markdown(f"**Another seed, or more patients?** {seeds_in_words(repeats_of(overview, run_id, part))}",
                    help=meaning("worth_of_a_seed"))


def _show_intervals(found: Resampled, label: str, findings: tuple[str, ...], measure: str, width: float) -> None:
    st.markdown(f"**For a {100 * LEVEL:g} % interval of ±{width:g}** of {_named(measure)}, as {escape(label)} has it")
    if not found.patients_known:
        st.caption(PATIENTS_UNKNOWN_NOTE)
    _table(interval_plan(found, findings, measure, width), "Films that an interval takes", {
        "finding": st.column_config.TextColumn("Finding"), "value": number(measure, f"{_TITLES[measure]} now", "%.3f"),
        "half_width": number("interval", "Now ±", "%.3f"),
        "positives": number("films_needed", "Films with it now", more="Those that there are."),
        "films": number("films_needed", "Films with it needed")})


def _show_apart(found: Sequence[Resampled], labels: Sequence[str], findings: tuple[str, ...], measure: str) -> None:
    """How many patients tell the first run from another."""
    if len(found) < 2:
        st.caption("To plan telling two runs apart, lay another run beside this one.")
        return
    others = list(range(1, len(found)))
    other = others[0]
    if len(others) > 1:
        other = st.selectbox("Tell it from", others, format_func=lambda place: labels[place], key=_OTHER)
    change = difference(found[0], found[other], measure)
    n = found[0].n_patients
    own = "" if measure == "auroc" else ", each at its own thresholds"
    st.markdown(f"**To tell {escape(labels[0])} from {escape(labels[other])}** by {_named(measure)}{own}, at the "
                f"difference that they have now, with a chance of {100 * POWER:g} %: there are {n:,} patients, in "
                "paired draws.")
    _table(apart_plan(change, findings, n), "Patients that tell two runs apart", {
        "finding": st.column_config.TextColumn("Finding"),
        "difference": number("difference", "Difference now", "%+.4f"),
        "error": number("interval", "Standard error", "%.4f"),
        "patients": number("patients_to_tell", "Patients needed")})
    st.caption(f"Needs below {FEW} rest on a normal distribution that so few do not have: take {FEW} at least.")


def _named(measure: str) -> str:
    """As it stands within a sentence."""
    return "AUROC" if measure == "auroc" else measure


def _table(frame: pd.DataFrame, alt: str, columns: dict[str, object]) -> None:
    widgets.show_table(frame, hide_index=True, row_height=ROW_HEIGHT, height=(len(frame) + 1) * ROW_HEIGHT + 2,
                       placeholder="–", column_config=columns, alt=alt)
