"""The charts of the Curves page: a small one a finding, or one finding large."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrcore.charts import curves as charts
from cxrcore.charts.curve_axes import LARGE_HEIGHT, number
from cxrcore.charts.curves import ShownCurves, undefined
from cxrcore.charts.dot_rows import MACRO_MEAN
from cxrcore.charts.small_curves import payload
from cxrcore.findings import display_name
from cxrcore.measures.intervals.curve_bands import CURVES
from cxrcore.measures.label_reader import RocPoint
from cxrcore.queries.curves import DrawnRun, points_table, single_runs, sources_in_words, values_table
from cxrcore.queries.evaluated_runs import Evaluated
from cxrcore.store import Store
from cxrcore.ui import widgets
from cxrcore.ui.curves import marks, means, small
from cxrcore.ui.curves.bands import MeanCurve, add_bands, are_cheap, band_downloads, band_notes, mean_curves
from cxrcore.ui.curves.words import MEASURED_BY, answer, answer_for, legend, macro_words
from cxrcore.ui.frame import frame

Tables = dict[str, tuple[str, Callable[[], pd.DataFrame]]]  # as `widgets.download_menu` takes them
LARGE_WIDTH = 400  # pixels, the least of a chart
SQUARE = LARGE_HEIGHT  # its width, too

@dataclass(frozen=True)
class Asked:
    """What the controls ask for.

    Attributes:
        view: of `words.VIEWS`. finding: None for all. measure: of the view 'thresholds', all findings.
        marks: key of the threshold set whose places are marked. bands: whether these are wanted.
    """

    view: str
    finding: str | None
    measure: str
    marks: str | None
    bands: bool


READ = {
    "roc": "Across: false positive rate (1 − specificity). Up: recall (sensitivity, true positive rate). Dotted: "
           "chance, AUROC 0.5.",
    "pr": "Across: recall (sensitivity). Up: precision (PPV). Dashed: prevalence, which is what guessing gives. Grey "
          "curves: equal F1, its value at the right edge.",
    "scores": "Across: the score on a logit scale, which spreads out values near 0 and 1. Each class in percent of its "
              "own films.",
    "thresholds": "Across: the threshold on a logit scale, which spreads out values near 0 and 1. The greatest F1 was "
                  "found on the films that it is read on, which flatters it.",
}
SHORT_AXES = {  # below the small ones
    "roc": "Across: false positive rate. Up: recall. Dotted: chance. Last: the mean of recall over the findings at "
           "each false positive rate.",
    "pr": "Across: recall. Up: precision. Dashed: prevalence. Grey curves: equal F1. Last: the mean of precision over "
          "the findings at each recall.",
    "scores": "Across: the score (logit scale). Above the line: films with the finding; below: films without it, each "
              "in percent of its own.",
    "thresholds": "Across: the threshold (logit scale). Up: the measure.",
}
EXPLAINED = ("auroc", "ap", "f1", "recall", "precision", "macro")  # measures
_LAID_OVER = "Grey: films without the finding; in the run's colour: films with it."
_MIRRORED = "Above the line: films with the finding; below: films without it."


def show(store: Store, measured: Sequence[DrawnRun], runs: Sequence[Evaluated], part: str, asked: Asked,
         said: Any) -> Tables:
    """A view of the runs, but for reliability; gives the tables that it can be downloaded as.

    Args:
        said: the container of the page's sentence.
    """
    finding, view = asked.finding, asked.view
    with said:
        widgets.answer(answer(measured, view) if finding is None else answer_for(measured, finding, view))
    marked = marks.marked_runs(store, measured, runs, asked.marks)
    marks.say_same_films(marked, runs, part)
    notes, drawn = marks.mark_notes(marked, runs, finding), marked.runs
    banded = view in CURVES and (asked.bands or (finding is None and are_cheap(drawn)))
    if banded and finding is not None:
        drawn = add_bands(store, drawn, finding, view)
    notes += band_notes(store, drawn, finding) if banded else []
    readers = marks.label_readers(store, measured) if view == "roc" else {}
    notes += [marks.READER_NOTE] if readers else []
    say_what_is_drawn(measured, finding, view, notes)
    if finding is None:
        all_findings(store, drawn, view, asked.measure, banded, readers)
    else:
        one_finding(drawn, finding, view, readers)
    tables = means.downloads(drawn, finding, view, part) | marks.mark_downloads(marked, part)
    return tables | (band_downloads(drawn, view, part) if banded and finding else {}) | {
        "AUROC and AP": (f"auroc_ap_{part}", lambda: values_table(single_runs(drawn))),
        "Drawn points": (f"curves_{view}_{part}", lambda: points_table(single_runs(drawn), finding)),
    }


def all_findings(store: Store, measured: Sequence[DrawnRun], view: str, measure: str, bands: bool,
                 readers: Mapping[str, RocPoint]) -> None:
    """A small chart a finding, and last the mean of ROC or precision-recall curves.

    Args:
        bands: whether the mean has its band, which takes long for many films.
        readers: {finding: where the films' own label stands}, for ROC curves.
    """
    each = {finding: _shown(measured, finding) for finding in findings_of(measured)}
    top, names = _top(measure, list(each.values())), [one.label for one in measured]
    draw: dict[str, Callable] = {
        "roc": lambda *args: charts.roc_chart(*args, readers.get(args[0])), "pr": charts.pr_chart,
        "scores": charts.scores_chart,
        "thresholds": lambda *args: charts.threshold_chart(args[0], measure, *args[1:], top)}
    panels = []
    for finding, shown in each.items():
        if missing := undefined(shown, view):
            panels.append(payload.empty_panel(finding, display_name(finding), missing))
            continue
        said, texts = charts.small_texts(view, measure, shown)
        panels.append(payload.panel(finding, display_name(finding), draw[view](finding, shown, False), texts, said,
                                    charts.curves_alt(finding, view, shown), names))
    if view in CURVES:
        panels += _mean_panel(mean_curves(store, measured, view, bands), view, names)
    small.draw(measured, lambda one: macro_words(one, view), panels,
               f"Macro {MEASURED_BY[view][0]}:", f"curves_{view}",
               SHORT_AXES[view] + (" Its 95 % band takes a moment: Options." if view in CURVES and not bands else ""))


def _mean_panel(means: Sequence[MeanCurve], view: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """The macro mean; none where no run has one."""
    if not means:
        return []
    figure = charts.mean_chart(view, [charts.ShownMean(one.run.label, one.run.style, one.x, one.y, one.band)
                                      for one in means])
    by_run = {one.run.label: number(one.value) for one in means}
    word = "AUROC" if view == "roc" else "AP"
    n = sorted({one.n_findings for one in means})
    over = f"{n[0]}" if len(n) == 1 else f"{n[0]} to {n[-1]}"
    said = "; ".join(f"{name}: {text}" for name, text in by_run.items())
    return [payload.panel("", MACRO_MEAN, figure, [by_run.get(name, "–") for name in names], word,
                          f"Mean curve over {over} findings. Macro {word}: {said}.", names)]


def findings_of(measured: Sequence[DrawnRun]) -> tuple[str, ...]:
    """The findings that are drawn, the same of all runs."""
    return measured[0].of.findings


def one_finding(measured: Sequence[DrawnRun], finding: str, view: str, readers: Mapping[str, RocPoint]) -> None:
    """One finding large, with its runs' figures; readers as in `all_findings`."""
    shown = _shown(measured, finding)
    missing = undefined(shown, view)
    if missing:
        legend(measured, finding, view)
        st.info(missing, icon=":material/info:")
    elif view in ("roc", "pr"):  # a square, with room beside it where the screen is wide
        drawn = (charts.roc_chart(finding, shown, True, readers.get(finding)) if view == "roc" else
                 charts.pr_chart(finding, shown, True))
        with st.container(horizontal=True, gap="large"):
            with st.container(width=SQUARE):
                widgets.chart(drawn, f"{view}_{finding}", charts.curves_alt(finding, view, shown))
            with st.container():
                legend(measured, finding, view)
                st.caption(sources_in_words(measured, finding))
    else:
        legend(measured, finding, view)
        (_score_panels if view == "scores" else _measure_panels)(finding, shown)


def say_what_is_drawn(measured: Sequence[DrawnRun], finding: str | None, view: str, notes: Sequence[str]) -> None:
    """Films, axes, marks and bands in words, behind *Numbers*."""
    laid = "" if view != "scores" else _MIRRORED if finding is None else _LAID_OVER
    with frame.numbers():
        for text in (widgets.escape(sources_in_words(measured, finding)), f"{READ[view]} {laid}", *notes):
            st.caption(text)
    widgets.explain_measures(EXPLAINED)


def _score_panels(finding: str, shown: Sequence[ShownCurves]) -> None:
    with st.grid(2, min_column_width=LARGE_WIDTH):
        for place, one in enumerate(shown):
            widgets.chart(charts.scores_chart(finding, [one], True), f"scores_{finding}_{place}",
                          charts.curves_alt(finding, "scores", [one]))


def _measure_panels(finding: str, shown: Sequence[ShownCurves]) -> None:
    with st.grid(3, min_column_width=LARGE_WIDTH - 80):
        for measure in charts.MEASURE_TITLES:
            figure = charts.threshold_chart(finding, measure, shown, True, _top(measure, [shown]))
            widgets.chart(figure, f"{measure}_{finding}", charts.curves_alt(finding, "thresholds", shown))


def _top(measure: str, panels: Sequence[Sequence[ShownCurves]]) -> float:
    """Where the axis of a measure ends in all panels: recall and precision reach 1, F1 rarely does."""
    greatest = [one.curves.best[1] for shown in panels for one in shown if one.curves.positives]
    return min(1.0, np.ceil(max(greatest) * 10) / 10) if measure == "f1" and greatest else 1.0


def _shown(measured: Sequence[DrawnRun], finding: str) -> list[ShownCurves]:
    at = findings_of(measured).index(finding)
    return [ShownCurves(one.label, one.style, one.data.findings[finding], one.points[at] if one.points else None,
                        one.bands.get(finding), [own.data.findings[finding] for own in one.repeats])
            for one in measured]
