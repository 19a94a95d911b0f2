"""Rows of points with intervals: a row a finding, a mark a run or a group of patients, the macro mean below a line."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.look import FONT_SIZE, RunStyle, escape, layout_of
from cxrcore.findings import display_name

MACRO_MEAN = "Macro mean"
MARK = 9  # pixels across
_REPEAT = 11  # pixels high, of a run behind a mean
_ROW = 34  # pixels of a finding, and more for each run from the third on
_ROW_OF_RUN = 7
_TOP, _BOTTOM = 62, 62
_SPREAD = 0.62  # of a row that its marks take up
_OPEN = "-open"
_NAME_A_LINE = 28  # letters beside a row
_FAINT, _GUIDE = "rgba(138,138,138,0.38)", "rgba(138,138,138,0.9)"
_PUBLISHED = {"size": 13, "color": "rgba(138,138,138,1)", "line": {"width": 2.5}}


@dataclass(frozen=True)
class Bars:
    """Points with intervals of one run or group, (k + 1,): the findings and their macro mean.

    Attributes:
        name, style: of the run or group.
        point, low, high: of the measure or the difference; NaN where undefined.
        filled: whether a mark is filled: a verdict, or all of them.
        notes: a line for each hover label.
        repeats: (n, k + 1), of a mean the values that it is the mean of, as small marks.
    """

    name: str
    style: RunStyle
    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    filled: np.ndarray
    notes: Sequence[str]
    repeats: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Marks:
    """Values without intervals to hold others against, (k + 1,), NaN where there is none.

    Attributes:
        name: for hover.
        values: of the findings and their mean.
        symbol: Plotly's, an open one.
        source: where they come from, for hover.
    """

    name: str
    values: np.ndarray = field(repr=False)
    symbol: str = "line-ns-open"
    source: str = "as published"


def row_names(findings: Sequence[str]) -> tuple[str, ...]:
    """The names of k + 1 rows: the findings and their macro mean."""
    return *map(display_name, findings), MACRO_MEAN


def dot_rows(title: str, axis: str, runs: Sequence[Bars], names: Sequence[str], upright: float | None = None,
             published: Sequence[Marks] = (), lanes: int = 0) -> go.Figure:
    """The chart, a row a name.

    Args:
        names: of the rows, as `row_names` or without the mean.
        axis: what the values are, with their range.
        upright: where a dotted line stands: no difference, or chance.
        published: reference marks.
        lanes: marks that a row has room for, where another chart's beside it has more.
    """
    n = len(names)
    layout = layout_of(escape(title))
    layout |= {"height": _TOP + _BOTTOM + n * (_ROW + _ROW_OF_RUN * max(len(runs) - 2, lanes - 2, 0)),
               "shapes": _lines(names, upright)}
    layout["yaxis"] |= {"tickvals": list(range(n)), "range": [n - 0.5, -0.5],
                        "ticktext": ["<br>".join(textwrap.wrap(name, _NAME_A_LINE)) for name in names],
                        "showgrid": False, "tickfont": {"size": FONT_SIZE}}
    layout["xaxis"] |= {"title": {**layout["xaxis"]["title"], "text": axis}, "showgrid": True}
    traces = [_reference(one, names) for one in published]
    traces += [_repeats(run, place, len(runs), len(names)) for place, run in enumerate(runs) if run.repeats is not None]
    traces += [_trace(run, place, len(runs), names) for place, run in enumerate(runs)]
    # Unchecked, which halves the page's time; a test checks one of each kind.
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def _lines(names: Sequence[str], upright: float | None) -> list[dict[str, Any]]:
    """Between the findings, a heavier one above the macro mean, and the upright one."""
    lines = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": k + 0.5, "y1": k + 0.5, "layer": "below",
              "line": {"width": 2 if names[k + 1] == MACRO_MEAN else 0.5, "color": _FAINT}}
             for k in range(len(names) - 1)]
    if upright is not None:
        lines.append({"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": upright, "x1": upright,
                      "layer": "below", "line": {"width": 1.5, "dash": "dot", "color": _GUIDE}})
    return lines


def _offset(place: int, n_runs: int) -> float:
    """Marks of one finding stand closer to each other than to those of the next, however few there are."""
    return _SPREAD * ((place + 0.5) / n_runs - 0.5)


def _repeats(run: Bars, place: int, n_runs: int, n: int) -> dict[str, Any]:
    """The runs behind a mean, where its interval lies, without a hover of their own."""
    values = np.asarray(run.repeats)[:, :n]
    return {"type": "scatter", "mode": "markers", "name": escape(run.name), "x": values.ravel(), "hoverinfo": "skip",
            "y": np.tile(np.arange(n) + _offset(place, n_runs), len(values)),
            "marker": {"color": run.style.colour, "size": _REPEAT, "symbol": "line-ns-open",
                       "line": {"width": 1.4, "color": run.style.colour}}}


def _trace(run: Bars, place: int, n_runs: int, names: Sequence[str]) -> dict[str, Any]:
    offset, style, name = _offset(place, n_runs), run.style, escape(run.name)
    n = len(names)
    point, low, high = run.point[:n], run.low[:n], run.high[:n]
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": point, "y": np.arange(n) + offset,
        "marker": {"color": style.colour, "size": MARK, "line": {"width": 1.8, "color": style.colour},
                   "symbol": [style.symbol if filled else style.symbol + _OPEN for filled in run.filled[:n]]},
        "error_x": {"type": "data", "symmetric": False, "array": high - point, "arrayminus": point - low,
                    "color": style.colour, "thickness": 1.6, "width": 0},
        "customdata": np.column_stack([low, high]), "text": [escape(note) for note in run.notes[:n]],
        "hovertext": list(names),
        "hovertemplate": f"<b>%{{hovertext}}</b> · {name}<br>%{{x:.3f}} (%{{customdata[0]:.3f}} to "
                         "%{customdata[1]:.3f})<br>%{text}<extra></extra>",
    }


def _reference(one: Marks, names: Sequence[str]) -> dict[str, Any]:
    source = f", {escape(one.source)}" if one.source else ""
    return {"type": "scatter", "mode": "markers", "name": escape(one.name), "x": one.values[: len(names)],
            "y": np.arange(len(names)),
            "marker": _PUBLISHED | {"symbol": one.symbol}, "hovertext": list(names),
            "hovertemplate": f"<b>%{{hovertext}}</b> · {escape(one.name)}<br>%{{x:.3f}}{source}<extra></extra>"}
