"""Charts of the Subgroups page: a measure in groups of patients, gaps between them, and the view as a shortcut."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.compare import BOTTOM, MARK, NAMES, OPEN, ROW, ROW_OF_RUN, SPREAD, TOP, Bars
from cxrcore.charts.look import DASHES, SYMBOLS, RunStyle, dress, escape

# A row of hues for bands that have an order. None is an architecture's colour; all keep a contrast of 3 to white and
# to dark, and marks tell groups apart where colours do not.
_HUES = ("#2A9D8F", "#3B82C4", "#8E6BD1", "#C8559B", "#CC6644")
VIEW_STYLE = RunStyle(_HUES[2], DASHES[0], SYMBOLS[2])
CHANCE = 0.5

_FAINT, _GUIDE = "rgba(138,138,138,0.38)", "rgba(138,138,138,0.9)"


def group_styles(names: Sequence[str]) -> dict[str, RunStyle]:
    """A look for each group, at most five; two groups stand as far apart as colours go."""
    step = (len(_HUES) - 1) // max(len(names) - 1, 1)
    return {name: RunStyle(_HUES[place * step], DASHES[0], SYMBOLS[place]) for place, name in enumerate(names)}


def measures(title: str, axis: str, groups: Sequence[Bars]) -> go.Figure:
    """A row a finding, a mark with its interval a group; the macro mean below a line."""
    return _rows(title, axis, groups, len(NAMES))


def gaps(title: str, axis: str, groups: Sequence[Bars]) -> go.Figure:
    """Gaps to one group, with the line of no gap; filled marks are those that a corrected test tells from it."""
    return _rows(title, axis, groups, len(NAMES), upright=0)


def shortcut(title: str, axis: str, view: Bars, run: Bars) -> go.Figure:
    """AUROC of the view alone and of the run, with the line of chance; no macro mean, since the view's means nothing.

    A label that goes with one view and a label that goes with the other would cancel out in it.
    """
    return _rows(title, axis, [view, run], len(NAMES) - 1, upright=CHANCE)


def _rows(title: str, axis: str, groups: Sequence[Bars], n: int, upright: float | None = None) -> go.Figure:
    """The first n of `NAMES`, with a line at `upright`."""
    dressed = go.Figure()
    dress(dressed, title)
    layout = dressed.layout.to_plotly_json()
    lines = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": k + 0.5, "y1": k + 0.5, "layer": "below",
              "line": {"width": 2 if k == len(NAMES) - 2 else 0.5, "color": _FAINT}} for k in range(n - 1)]
    if upright is not None:
        lines.append({"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": upright, "x1": upright,
                      "layer": "below", "line": {"width": 1.5, "dash": "dot", "color": _GUIDE}})
    layout |= {"height": TOP + BOTTOM + n * (ROW + ROW_OF_RUN * max(len(groups) - 2, 0)), "shapes": lines}
    layout["yaxis"] |= {"tickvals": list(range(n)), "ticktext": list(NAMES[:n]), "range": [n - 0.5, -0.5],
                        "showgrid": False}
    layout["xaxis"] |= {"title": {**layout["xaxis"]["title"], "text": axis}, "showgrid": True}
    traces = [_trace(group, place, len(groups), n) for place, group in enumerate(groups)]
    # Unchecked, which halves the page's time; a test checks one of each kind.
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def _trace(group: Bars, place: int, n_groups: int, n: int) -> dict[str, Any]:
    # Marks of one finding stand closer to each other than to those of the next, however few groups there are.
    offset, style = SPREAD * ((place + 0.5) / n_groups - 0.5), group.style
    point, low, high = group.point[:n], group.low[:n], group.high[:n]
    name = escape(group.name)
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": point, "y": np.arange(n) + offset,
        "marker": {"color": style.colour, "size": MARK, "line": {"width": 1.8, "color": style.colour},
                   "symbol": [style.symbol if filled else style.symbol + OPEN for filled in group.filled[:n]]},
        "error_x": {"type": "data", "symmetric": False, "array": high - point, "arrayminus": point - low,
                    "color": style.colour, "thickness": 1.6, "width": 0},
        "customdata": np.column_stack([low, high]), "text": [escape(note) for note in group.notes[:n]],
        "hovertext": list(NAMES[:n]),
        "hovertemplate": f"<b>%{{hovertext}}</b> · {name}<br>%{{x:.3f}} (%{{customdata[0]:.3f}} to "
                         "%{customdata[1]:.3f})<br>%{text}<extra></extra>",
    }
