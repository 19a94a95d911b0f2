"""Scores of one film: a bar a finding and run, with the threshold that it is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.curve_axes import logit_axis
from cxrcore.charts.look import FONT_SIZE, RunStyle, dress, escape
from cxrcore.findings import display_name
from cxrcore.measures.curves import logit

_ROW, _ROW_OF_RUN = 27, 11  # pixels of a finding, and more for each run from the second on
_EDGES = 96
_THICKNESS = 0.68  # of a row
_FLOOR = 1e-4  # where bars begin; a lower score has none
_QUIET = 0.4  # opacity of a bar that raises no alarm
_MARK = "rgba(138,138,138,1)"


@dataclass(frozen=True)
class Scored:
    """One run's view of the film.

    Attributes:
        name, style: of the run.
        scores, thresholds: float (k,); NaN scores have no bar.
        notes: a line for each hover label.
    """

    name: str
    style: RunStyle
    scores: np.ndarray
    thresholds: np.ndarray
    notes: Sequence[str]


def score_bars(title: str, runs: Sequence[Scored], findings: Sequence[str]) -> go.Figure:
    """Bars on a logit scale, strong where they reach the threshold, which is an upright mark."""
    figure = go.Figure()
    dress(figure, title)
    layout = figure.layout.to_plotly_json()
    values = np.concatenate([np.concatenate([run.scores, run.thresholds]) for run in runs])
    values = values[~np.isnan(values)].clip(_FLOOR, 1 - 1e-6)
    low = float(logit(values.min())) - 0.4
    n = len(findings)
    layout |= {"height": _EDGES + n * (_ROW + _ROW_OF_RUN * (len(runs) - 1)), "barmode": "overlay"}
    layout["xaxis"] |= logit_axis("Score (probability), logit scale", [low, float(logit(values.max())) + 0.2], True)
    layout["xaxis"]["showgrid"] = True
    layout["yaxis"] |= {"tickvals": list(range(n)), "ticktext": [display_name(finding) for finding in findings],
                        "range": [n - 0.5, -0.5], "showgrid": False, "tickfont": {"size": FONT_SIZE}}
    traces = [trace for place, run in enumerate(runs) for trace in _traces(run, place, len(runs), low)]
    return go.Figure({"data": traces, "layout": layout})


def _traces(run: Scored, place: int, n_runs: int, low: float) -> list[dict[str, Any]]:
    y = np.arange(len(run.scores)) + _THICKNESS * ((place + 0.5) / n_runs - 0.5)
    ends = logit(run.scores.clip(_FLOOR, 1 - 1e-6))
    alarm = run.scores >= run.thresholds
    name = escape(run.name)
    bars = {
        "type": "bar", "orientation": "h", "name": name, "y": y, "base": low, "x": np.maximum(ends - low, 0),
        "width": 0.86 * _THICKNESS / n_runs,
        "marker": {"color": run.style.colour, "opacity": np.where(alarm, 1, _QUIET)},
        "customdata": np.column_stack([run.scores, run.thresholds]), "text": [escape(note) for note in run.notes],
        "textposition": "none",
        "hovertemplate": f"<b>{name}</b><br>score %{{customdata[0]:.4f}}, threshold %{{customdata[1]:.4g}}<br>"
                         "%{text}<extra></extra>",
    }
    marks = {"type": "scatter", "mode": "markers", "x": logit(run.thresholds.clip(_FLOOR, 1 - 1e-6)), "y": y,
             "hoverinfo": "skip", "name": f"threshold of {name}",
             "marker": {"symbol": "line-ns-open", "size": max(18 / n_runs + 4, 8), "color": _MARK,
                        "line": {"width": 2.5}}}
    return [bars, marks]
