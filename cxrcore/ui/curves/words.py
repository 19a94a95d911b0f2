"""What the Curves page says beside its charts: which predictions are drawn, which are missing, what to beware of."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from cxrcore.findings import display_name
from cxrcore.measures.metrics import macro
from cxrcore.measures.number_words import span
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.queries import run_groups
from cxrcore.queries.curves import DrawnRun, number
from cxrcore.ui import widgets
from cxrcore.ui.frame import frame

VIEWS = {"ROC": "roc", "PR": "pr", "Scores": "scores", "Thresholds": "thresholds", "Reliability": "reliability"}
LEGEND_WIDTH = 460  # pixels, the least of an entry


# -- which predictions there are


def say_where(groups: Sequence[run_groups.Group], measured: Sequence[DrawnRun]) -> None:
    """Data set and split of what is drawn, with its badges; flagged where the films are not the same for all runs."""
    for group in groups:
        widgets.badges(group)
        whose = f" · {', '.join(map(widgets.escape, group.table['run']))}" if len(groups) > 1 else ""
        with frame.numbers():
            st.caption(widgets.escape(f"{group.title} · {group.split} · {group.draw}") + whose)
    if len(groups) > 1:
        st.warning("These runs belong to different data sets or splits and were measured on different films: their "
                   "curves stand side by side, but do not compare.", icon=":material/warning:")
    elif len({one.data.films for one in measured}) > 1:
        st.warning("These runs were measured on different films (see Numbers): small differences between their "
                   "curves may come from the films.", icon=":material/warning:")


# -- numbers


def legend(measured: Sequence[DrawnRun], finding: str, view: str) -> None:
    """Each run's line with its AUROC and AP of a finding."""
    legend_lines(measured, lambda one: _finding_words(one, finding, view), mark=any(one.points for one in measured))


def legend_lines(measured: Sequence[DrawnRun], words: Callable[[DrawnRun], str], mark: bool) -> None:
    """Each run's line, with its mark where the charts have marks, its name, and what there is to say of it."""
    with st.grid(min_column_width=LEGEND_WIDTH, gap=("xxsmall", "medium")):
        for one in measured:
            st.markdown(f"![]({one.style.swatch(marker=mark)}) **{widgets.escape(one.label)}** {words(one)}")


MEASURED_BY = {"roc": ("AUROC", "auroc"), "scores": ("AUROC", "auroc"), "pr": ("AP", "ap"),
               "thresholds": ("greatest F1", "best")}  # {view: what its answer speaks of, by name and by attribute}


def value_of(curves: Any, attribute: str) -> float:
    """A number of one finding's curves; of the best threshold its F1."""
    value = getattr(curves, attribute)
    return value[1] if isinstance(value, tuple) else value


def macro_words(one: DrawnRun, view: str) -> str:
    """The macro mean of what a view speaks of; with how many findings are inside, where that is not all."""
    attribute = MEASURED_BY[view][1]
    mean, out = macro(np.array([value_of(curves, attribute) for curves in one.data.findings.values()]))
    n = len(one.data.findings)
    return number(mean) + _spread_of_means(one, attribute) + (f" ({n - out} of {n} findings)" if out else "")


def _spread_of_means(one: DrawnRun, attribute: str) -> str:
    """' ± 0.004', the standard deviation over a mean's repeats; '' of a single run."""
    if not one.repeats:
        return ""
    means = [macro(np.array([value_of(curves, attribute) for curves in own.data.findings.values()]))[0]
             for own in one.repeats]
    return f" ± {np.std(means, ddof=1):.3f}"


def answer(measured: Sequence[DrawnRun], view: str) -> str:
    """The page's sentence over all findings, as HTML: the greatest macro mean, and that run's hardest and easiest."""
    name, attribute = MEASURED_BY[view]
    values = [np.array([value_of(curves, attribute) for curves in one.data.findings.values()]) for one in measured]
    means = np.array([macro(own)[0] for own in values])
    if np.isnan(means).all():
        return f"No finding of these films has {'an' if name[0] == 'A' else 'a'} {name}."
    best = int(np.nanargmax(means))
    own, findings = values[best], list(measured[best].data.findings)
    run, greatest = f"<b>{escape(measured[best].label)}</b>", "" if len(measured) == 1 else "the greatest "
    text = f"Over all thresholds: {run} has {greatest}macro {name}{',' if greatest else ''} <b>{means[best]:.3f}</b>."
    if view == "thresholds":
        text = f"{run} can reach {greatest}macro F1, <b>{means[best]:.3f}</b>, at the best thresholds for these films."
    if (~np.isnan(own)).sum() > 1:
        hard, easy = int(np.nanargmin(own)), int(np.nanargmax(own))
        text += (f" {escape(display_name(findings[hard]))} is hardest ({own[hard]:.3f}), "
                 f"{escape(display_name(findings[easy]))} easiest ({own[easy]:.3f}).")
    return text


def answer_for(measured: Sequence[DrawnRun], finding: str, view: str) -> str:
    """The page's sentence on one finding, as HTML."""
    name, attribute = MEASURED_BY[view]
    values = np.array([value_of(one.data.findings[finding], attribute) for one in measured])
    title = escape(display_name(finding))
    if np.isnan(values).all():
        return f"{title} has no {name} on these films."
    best = int(np.nanargmax(values))
    greatest = f", the greatest of {len(measured)}" if len(measured) > 1 else ""
    return f"{title}: {name} <b>{values[best]:.3f}</b> of <b>{escape(measured[best].label)}</b>{greatest}."


def mean_in_words(one: DrawnRun, finding: str, measure: str) -> str:
    """'AUROC 0.812 ± 0.004 over seeds, 0.790 to 0.833 over patients', of a mean of repeats."""
    values = [getattr(own.data.findings[finding], measure) for own in one.repeats]
    text = f"{measure.upper()} {number(float(np.mean(values)))} ± {number(float(np.std(values, ddof=1)))} over seeds"
    if one.training is None:
        return text
    found, k = one.training.mean.found.interval(measure), one.of.findings.index(finding)
    said = span(found.low[k], found.high[k])
    return f"{text}, {said} over patients" if said else text


def _finding_words(one: DrawnRun, finding: str, view: str) -> str:
    curves = one.data.findings[finding]
    if one.repeats:
        return "; ".join(mean_in_words(one, finding, name) for name in ("auroc", "ap"))
    best = f", greatest F1 {number(curves.best[1])} at {curves.best[0]:.3g}"
    stands = ""
    if one.points:
        at = one.points[one.of.findings.index(finding)]
        stands = (f"; at threshold {rounded(at.threshold, '.3g')}: recall {number(at.recall)}, "
                  f"precision {number(at.precision)}, F1 {number(at.f1)}")
    return f"AUROC {number(curves.auroc)}, AP {number(curves.ap)}{best if view == 'thresholds' else ''}{stands}"


