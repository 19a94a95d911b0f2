"""The charts of the Curves page: a small one a finding, or one finding large."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import streamlit as st

from cxrcore.charts import curves as charts
from cxrcore.charts.curve_axes import LARGE_HEIGHT, level
from cxrcore.charts.curves import ShownCurves, undefined
from cxrcore.charts.look import Figure
from cxrcore.findings import display_name
from cxrcore.glossary import meanings
from cxrcore.measures.label_reader import RocPoint
from cxrcore.queries.curves import DrawnRun, sources_in_words
from cxrcore.ui import widgets
from cxrcore.ui.curves.words import legend
from cxrcore.ui.finding_picker import show_finding

SMALL_WIDTH, LARGE_WIDTH = 240, 400  # pixels, the least of a chart
SQUARE = LARGE_HEIGHT  # its width, too

_READ = {
    "roc": "Across: false positive rate (1 − specificity). Up: recall (sensitivity, true positive rate). Dotted: "
           "chance, AUROC 0.5.",
    "pr": "Across: recall (sensitivity). Up: precision (PPV). Dashed: prevalence, which is what guessing gives. Grey "
          "curves: equal F1, its value at the right edge.",
    "scores": "Across: the score on a logit scale, which spreads out values near 0 and 1. Each class in percent of its "
              "own films.",
    "thresholds": "Across: the threshold on a logit scale, which spreads out values near 0 and 1. The greatest F1 was "
                  "found on the films that it is read on, which flatters it.",
}
NUMBERS_HELP = meanings(("auroc", "ap", "f1", "recall", "precision", "macro"))
_LAID_OVER = "Grey: films without the finding; in the run's colour: films with it."
_MIRRORED = "Above the line: films with the finding; below: films without it."


def all_findings(measured: Sequence[DrawnRun], view: str, measure: str, notes: Sequence[str],
                 readers: Mapping[str, RocPoint]) -> None:
    """A small chart a finding, as many in a row as there is room for; notes stand below their legend.

    Args:
        readers: {finding: where the films' own label stands}, for ROC curves.
    """
    legend(measured, None, view)
    sources = widgets.escape(sources_in_words(measured, None))
    _captions([f"{sources} {_READ[view]} {_MIRRORED if view == 'scores' else ''}", *notes])
    each = {finding: _shown(measured, finding) for finding in findings_of(measured)}
    top = _top(measure, list(each.values()))
    draw: dict[str, Callable] = {
        "roc": lambda *args: charts.roc_chart(*args, readers.get(args[0])), "pr": charts.pr_chart,
        "scores": charts.scores_chart,
        "thresholds": lambda *args: charts.threshold_chart(args[0], measure, *args[1:], top)}
    show_small(view, {finding: undefined(shown, view) or (draw[view](finding, shown, False),
                                                          charts.curves_alt(finding, view, shown))
                      for finding, shown in each.items()})


def show_small(view: str, drawn: Mapping[str, tuple[Figure, str] | str]) -> None:
    """Small charts side by side.

    Args:
        drawn: {finding: its chart with the text for screen readers, or why there is none}.
    """
    level([one[0] for one in drawn.values() if not isinstance(one, str)])
    with st.grid(min_column_width=SMALL_WIDTH, gap="small"):
        for finding, one in drawn.items():
            if isinstance(one, str):
                in_words_only(finding, one)
            else:
                widgets.chart(one[0], f"{view}_{finding}", one[1])


def findings_of(measured: Sequence[DrawnRun]) -> tuple[str, ...]:
    """The findings that are drawn, the same of all runs."""
    return measured[0].of.findings


def in_words_only(finding: str, missing: str) -> None:
    """In the place of a small chart: why there is none."""
    with st.container(height="stretch"):
        st.markdown(f"**{display_name(finding)}**")
        st.caption(missing)


def one_finding(measured: Sequence[DrawnRun], finding: str, view: str, notes: Sequence[str],
                readers: Mapping[str, RocPoint]) -> None:
    """One finding large, with its runs' figures and steps to the findings before and after; readers as there."""
    shown = _shown(measured, finding)
    missing = undefined(shown, view)
    if missing:
        _words(measured, finding, view, notes)
        st.info(missing, icon=":material/info:")
    elif view in ("roc", "pr"):  # a square, with room beside it where the screen is wide
        drawn = (charts.roc_chart(finding, shown, True, readers.get(finding)) if view == "roc" else
                 charts.pr_chart(finding, shown, True))
        with st.container(horizontal=True, gap="large"):
            with st.container(width=SQUARE):
                widgets.chart(drawn, f"{view}_{finding}", charts.curves_alt(finding, view, shown))
            with st.container():
                _words(measured, finding, view, notes)
    else:
        _words(measured, finding, view, notes)
        (_score_panels if view == "scores" else _measure_panels)(finding, shown)


def _words(measured: Sequence[DrawnRun], finding: str, view: str, notes: Sequence[str]) -> None:
    steps(findings_of(measured), finding)
    legend(measured, finding, view)
    sources = widgets.escape(sources_in_words(measured, finding))
    _captions([f"{sources} {_READ[view]} {_LAID_OVER if view == 'scores' else ''}", *notes])


def _captions(texts: Sequence[str]) -> None:
    with st.container(gap="xsmall"):
        for place, text in enumerate(texts):
            st.caption(text, help=NUMBERS_HELP if place == 0 else None)


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


def steps(findings: Sequence[str], finding: str) -> None:
    """Buttons to the finding before and the one after."""
    at = findings.index(finding)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for by, icon in ((-1, ":material/arrow_back:"), (1, ":material/arrow_forward:")):
            other = findings[(at + by) % len(findings)]
            st.button(display_name(other), key=f"step_{by}", on_click=show_finding, args=(other,), type="tertiary",
                      icon=icon, icon_position="left" if by < 0 else "right")


def _shown(measured: Sequence[DrawnRun], finding: str) -> list[ShownCurves]:
    at = findings_of(measured).index(finding)
    return [ShownCurves(one.label, one.style, one.data.findings[finding], one.points[at] if one.points else None,
                        one.bands.get(finding)) for one in measured]
