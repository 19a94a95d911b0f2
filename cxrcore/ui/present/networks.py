"""Slides on networks: how good they are, and ROC beside precision and recall."""

import numpy as np
import streamlit as st

from cxrcore.charts import curves as curve_charts
from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.charts.stage import Rated, rating_chart
from cxrcore.evaluation.measure_predictions import RESAMPLING
from cxrcore.findings import display_name
from cxrcore.measures.intervals.intervals import MACRO
from cxrcore.queries import comparison, data_set, from_store
from cxrcore.queries.class_lesson import HALF, Lesson
from cxrcore.queries.comparison import Compared
from cxrcore.queries.evaluated_runs import on_shared_findings, others_in_words
from cxrcore.queries.run_groups import SYNTHETIC_NOTE
from cxrcore.ui import widgets
from cxrcore.ui.present.stage import chart, headline


def networks(lesson: Lesson) -> None:
    """The runs of the group, with intervals; ranked where their means are over the same findings."""
    runs, others = on_shared_findings([lesson.run, *lesson.runs[1:]])
    architectures = dict(zip(lesson.rows["run_id"], lesson.rows["architecture"], strict=True))
    with widgets.slow_share(RESAMPLING) as told:
        found = comparison.compare(lesson.store, runs, architectures, lesson.part, told=told, places=lesson.places)
    rated = [_rated(one) for one in found]
    if len({one.found.in_macro("auroc").tobytes() for one in found}) > 1:
        headline("These means are over different findings, so they do not rank")
    else:
        rated.sort(key=lambda one: -np.nan_to_num(one.value))
        headline(_ranking(rated))
    alt = "; ".join(f"{one.name} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in rated)
    chart(rating_chart("Macro AUROC with 95 % interval (0.5 is guessing, 1 is perfect)", rated), "networks", alt,
          13.8 if lesson.kind == "phantom" else 12.2, title=False)
    st.markdown(data_set.oracle_in_words(lesson.rows) or (
        f"Mean over the findings, {lesson.films}; intervals from draws of patients. Which run is *really* better takes "
        "a paired test: the Compare page makes it."))
    if others:
        st.markdown(others_in_words(len(runs[0].findings), others))
    if lesson.kind == "phantom":
        st.markdown(f"{SYNTHETIC_NOTE.capitalize()}.")


def networks_ahead(lesson: Lesson) -> None:
    """What `networks` compares, for those who come to it next."""
    runs, _ = on_shared_findings([lesson.run, *lesson.runs[1:]])
    architectures = dict(zip(lesson.rows["run_id"], lesson.rows["architecture"], strict=True))
    comparison.compare(lesson.store, runs, architectures, lesson.part, places=lesson.places)


def _rated(one: Compared) -> Rated:
    """A run's macro mean; its name says over how many findings where these are not all."""
    interval = one.found.interval("auroc")
    over = f", over {len(one.run.findings) - interval.n_excluded} findings" if interval.n_excluded else ""
    return Rated(one.run.label + over, one.style, *(float(side[MACRO]) for side in
                                                    (interval.point, interval.low, interval.high)))


def _ranking(rated: list[Rated]) -> str:
    """Which run is best, and how many others may be: those whose interval is not known to end below its own."""
    best, others = rated[0], rated[1:]
    close = [one.name for one in others if not one.high < best.low]
    rest = f", but {len(close)} more may be as good" if close else ", clear of the rest" if others else ""
    return f"{widgets.escape(best.name)} ranks best{rest}"


def curves(lesson: Lesson) -> None:
    """A fine ROC curve beside the precision that goes with it."""
    run, k = lesson.run, lesson.example
    finding, counts = lesson.findings[k], lesson.at_half
    drawn = {view: from_store.curves(lesson.store, run.read(lesson.part), view) for view in ("roc", "pr")}
    at_half = OperatingPoint(HALF, "0.5", *(int(part[k]) for part in (counts.tp, counts.fp)),
                             len(lesson.scores[k].positives), len(lesson.scores[k].negatives))
    shown = {view: curve_charts.ShownCurves(run.label, lesson.styles[run.run_id], own.findings[finding], at_half)
             for view, own in drawn.items()}
    auroc, f1 = shown["roc"].curves.auroc, float(counts.f1[k])
    n = len(lesson.scores[k].positives)
    headline(f"{display_name(finding)}: AUROC {auroc:.2f}, and yet F1 {f1:.2f} at a threshold of 0.5")
    left, right = st.columns(2, gap="medium")
    with left:
        chart(curve_charts.roc_chart(finding, [shown["roc"]], True), "roc",
              curve_charts.curves_alt(finding, "roc", [shown["roc"]]), 12.6, title=False)
    with right:
        chart(curve_charts.pr_chart(finding, [shown["pr"]], True), "pr",
              curve_charts.curves_alt(finding, "pr", [shown["pr"]]), 12.6, title=False)
    st.markdown(
        f"{n:,} of {lesson.films_of(k)} have it ({100 * n / lesson.scores[k].n:.1f} %). ROC divides false alarms by "
        f"the many films without it; precision divides by the alarms. The mark is at 0.5: "
        f"**{int(counts.tp[k]):,} found, {int(counts.fn[k]):,} missed, {int(counts.fp[k]):,} false alarms**.")
