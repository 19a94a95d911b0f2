"""Charts made readable from the last row of a classroom: the same figure with large type and thick lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cxrcore.charts.look import RunStyle, escape, layout_of

STAGE_FONT = 22  # pixels; class mode promises 20
_THICKER = 1.8
_MARGIN = 10
_LONGEST = 28  # letters of a run's name beside a chart, which longer ones would push off the slide
_STANDOFF = 24  # pixels between an axis' texts and its title


def for_stage(figure: go.Figure, title: bool = True) -> go.Figure:
    """A copy for a projector; it takes the height of its container.

    Args:
        title: False leaves the chart's own title out, where the slide's says it.
    """
    made = figure.to_dict()
    layout, size = made["layout"], {"size": STAGE_FONT}
    _enlarge(made)
    for trace in made["data"]:
        if trace["type"] == "bar":
            trace["constraintext"] = "none"
        for name in ("line", "marker"):
            for key in ("width", "size"):
                if isinstance(trace.get(name, {}).get(key), (int, float)):
                    trace[name][key] *= _THICKER
    for name in ("xaxis", "yaxis"):
        layout.get(name, {}).get("title", {})["standoff"] = _STANDOFF
    upright = layout.get("yaxis", {}).get("title", {})
    if upright.get("text"):
        upright["text"] = upright["text"].partition(" (")[0]  # what stands in brackets would be cut
    layout.update(font=size, height=None, hoverlabel={"font": size, "align": "left"})
    if not title:
        layout["title"] = None
        right = max(2 * _MARGIN, _THICKER * layout.get("margin", {}).get("r", 0))
        layout["margin"] = {"l": _MARGIN, "r": right, "t": _MARGIN, "b": _MARGIN}
    return go.Figure(made)


def _enlarge(part: object) -> None:
    """Every font in the figure, wherever it stands."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name.endswith("font") and isinstance(value, dict):
                value["size"] = STAGE_FONT
            else:
                _enlarge(value)
    elif isinstance(part, (list, tuple)):
        for one in part:
            _enlarge(one)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST - 1].rstrip()}…"


@dataclass(frozen=True)
class Rated:
    """One run's value with its interval, NaN where undefined."""

    name: str
    style: RunStyle
    value: float
    low: float
    high: float


def rating_chart(axis: str, runs: Sequence[Rated]) -> go.Figure:
    """A row a run, the first on top: name, value as text, and interval; `axis` says what the value is."""
    layout = layout_of(axis)
    layout["xaxis"] |= {"title": {"text": axis}, "showgrid": True}
    layout["yaxis"] |= {"autorange": "reversed", "ticksuffix": "  ", "nticks": None, "tickvals": list(range(len(runs))),
                        "ticktext": [escape(_short(run.name)) for run in runs]}
    return go.Figure([
        go.Scatter(x=[run.value], y=[escape(run.name)], mode="markers+text", text=[f"{run.value:.3f}"],
                   textposition="top center", textfont={"size": STAGE_FONT}, cliponaxis=False,
                   marker={"color": run.style.colour, "size": 11, "symbol": run.style.symbol},
                   error_x={"type": "data", "symmetric": False, "array": [run.high - run.value],
                            "arrayminus": [run.value - run.low], "color": run.style.colour, "thickness": 3, "width": 0},
                   hovertemplate=f"<b>{escape(run.name)}</b><br>{run.value:.3f} ({run.low:.3f} to {run.high:.3f})"
                                 "<extra></extra>")
        for run in runs], layout)
