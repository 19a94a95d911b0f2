"""Charts of the Subgroups page: a measure in groups of patients, gaps between them, and the view as a shortcut."""

from collections.abc import Sequence

import plotly.graph_objects as go

from cxrcore.charts.dot_rows import Bars, dot_rows, row_names
from cxrcore.charts.look import DASHES, SYMBOLS, RunStyle

# A row of hues for bands that have an order. None is an architecture's colour; all keep a contrast of 3 to white and
# to dark, and marks tell groups apart where colours do not.
_HUES = ("#2A9D8F", "#3B82C4", "#8E6BD1", "#C8559B", "#CC6644")
VIEW_STYLE = RunStyle(_HUES[2], DASHES[0], SYMBOLS[2])
CHANCE = 0.5


def group_styles(names: Sequence[str]) -> dict[str, RunStyle]:
    """A look for each group, at most five; two groups stand as far apart as colours go."""
    step = (len(_HUES) - 1) // max(len(names) - 1, 1)
    return {name: RunStyle(_HUES[place * step], DASHES[0], SYMBOLS[place]) for place, name in enumerate(names)}


def shortcut(title: str, axis: str, view: Bars, run: Bars, findings: Sequence[str]) -> go.Figure:
    """AUROC of the view alone and of the run, with the line of chance; no macro mean, since the view's means nothing.

    A label that goes with one view and a label that goes with the other would cancel out in it.
    """
    return dot_rows(title, axis, [view, run], row_names(findings)[:-1], upright=CHANCE)
