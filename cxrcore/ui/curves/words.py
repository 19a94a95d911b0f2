"""What the Curves page says beside its charts: which predictions are drawn, which are missing, what to beware of."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cxrcore.measures.metrics import macro
from cxrcore.measures.thresholds.positions import rounded
from cxrcore.queries import run_groups
from cxrcore.queries.curves import DrawnRun, _number
from cxrcore.ui import widgets
from cxrcore.ui.frame import frame

VIEWS = {"ROC": "roc", "PR": "pr", "Scores": "scores", "Thresholds": "thresholds", "Reliability": "reliability"}
LEGEND_WIDTH = 460  # pixels, the least of an entry


# -- what the link asks for


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
        st.warning("These runs were measured on different films (see below): small differences between their "
                   "curves may come from the films.", icon=":material/warning:")


# -- numbers


def legend(measured: Sequence[DrawnRun], finding: str | None, view: str) -> None:
    """Each run's line with its AUROC and AP: of a finding, or as macro means with how many findings are inside."""
    legend_lines(measured, lambda one: _macro_words(one) if finding is None else _finding_words(one, finding, view),
                 mark=any(one.points for one in measured))


def legend_lines(measured: Sequence[DrawnRun], words: Callable[[DrawnRun], str], mark: bool) -> None:
    """Each run's line, with its mark where the charts have marks, its name, and what there is to say of it."""
    with st.grid(min_column_width=LEGEND_WIDTH, gap=("xxsmall", "medium")):
        for one in measured:
            st.markdown(f"![]({one.style.swatch(marker=mark)}) **{widgets.escape(one.label)}** {words(one)}")


def _macro_words(one: DrawnRun) -> str:
    drawn, n = one.data.findings.values(), len(one.data.findings)
    auroc, without_auroc = macro(np.array([curves.auroc for curves in drawn]))
    ap, without_ap = macro(np.array([curves.ap for curves in drawn]))
    inside = [f" over {n - excluded} of {n} findings" for excluded in (without_auroc, without_ap)]
    return f"macro AUROC {_number(auroc)}{inside[0] if inside[0] != inside[1] else ''}, AP {_number(ap)}{inside[1]}"


def _finding_words(one: DrawnRun, finding: str, view: str) -> str:
    curves = one.data.findings[finding]
    best = f", greatest F1 {_number(curves.best[1])} at {curves.best[0]:.3g}"
    stands = ""
    if one.points:
        at = one.points[one.of.findings.index(finding)]
        stands = (f"; at threshold {rounded(at.threshold, '.3g')}: recall {_number(at.recall)}, "
                  f"precision {_number(at.precision)}, F1 {_number(at.f1)}")
    return f"AUROC {_number(curves.auroc)}, AP {_number(curves.ap)}{best if view == 'thresholds' else ''}{stands}"


