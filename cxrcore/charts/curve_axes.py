"""Axes, titles and guides of the curve charts, as plain dictionaries in Plotly's terms, and the figure made of them."""

import base64
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.look import FONT_SIZE, RunStyle
from cxrcore.findings import display_name
from cxrcore.measures.curves import logit

LARGE_HEIGHT, MIDDLE_HEIGHT, SMALL_HEIGHT = 600, 370, 272  # pixels
LINE = 19  # pixels, of a title
_NAME_BESIDE, _NAME_A_LINE = 18, 28  # letters of a finding that leave room for figures, and that fill a small title

_GUIDE = "rgba(138,138,138,0.75)"
_TICKS = (0.5, 0.01, 0.99, 0.1, 0.9, 0.001, 0.999, 1e-4, 0.9999, 1e-5, 1e-6, 0.99999)  # the first ones win
_CORNER = 0.05  # of an axis, between its lower end and its lowest text
_SIZE = {"size": FONT_SIZE}
_VALUES_A_LINE = 3
_DASH_SIGNS = {"solid": "━", "dash": "╍", "dot": "┅", "dashdot": "━·", "longdash": "╺╸"}


def layout(finding: str, said: str, large: bool) -> dict[str, Any]:
    """Title, size and margins; `said` follows the finding's name, lines parted by <br>."""
    words = [display_name(finding)] if large else textwrap.wrap(display_name(finding), _NAME_A_LINE)
    name = "<br>".join(words) + (" " if large or len(words[-1]) <= _NAME_BESIDE else "<br>")
    lines = (name + said).count("<br>")
    return {
        "title": {"text": f'{name}<span style="font-weight:400">{said}</span>',
                  "font": {"size": FONT_SIZE + (2 if large else 0)},
                  "x": 0, "xref": "container", "y": 1, "yanchor": "top", "pad": {"t": 16, "l": 0}},
        "height": LARGE_HEIGHT if large else SMALL_HEIGHT + LINE * lines,
        "margin": {"l": 8, "r": 12, "t": 44 if large else 40 + LINE * lines, "b": 8},
        "showlegend": False, "hovermode": "closest", "hoverlabel": {"font": _SIZE, "align": "left"},
        "template": {"layout": {}},  # the page's theme fills it; Plotly's own weighs 7 kB a figure
    }


def level(figures: Sequence[go.Figure]) -> None:
    """Give small charts side by side as many lines of title each, so that their axes stand in rows."""
    highest = max((figure.layout.height for figure in figures), default=0)
    for figure in figures:
        if more := highest - figure.layout.height:
            figure.layout.height, figure.layout.margin.t = highest, figure.layout.margin.t + more


def up_to(top: float, title: str) -> dict[str, Any]:
    """An axis from 0 to `top`, which is at most 1."""
    step = 0.25 if top > 0.8 else 0.2 if top > 0.4 else 0.1
    ticks = np.arange(0, top + step / 2, step)
    texts = [f"{tick:g}" if tick in (0, 0.5, 1) or step != 0.25 else "" for tick in ticks]
    return _axis(title) | {"range": [-0.01 * top, 1.01 * top], "tickvals": ticks.tolist(), "ticktext": texts,
                           "showgrid": True}


def logit_axis(title: str, ends: Sequence[float], large: bool) -> dict[str, Any]:
    """An axis of logits that holds all `ends`, labelled with probabilities, as many as there is room for."""
    low, high = (min(ends), max(ends)) if len(ends) else (-5.0, 5.0)
    room, gap = 0.02 * max(high - low, 0.5), (high - low) / (6 if large else 4.5)
    shown: list[float] = []
    for tick in _TICKS:
        at = float(logit(tick))
        if low - room <= at <= high + room and all(abs(at - logit(other)) > gap for other in shown):
            shown.append(tick)
    # Lower by so much that a text at the lower end stays clear of that of the other axis in the corner.
    lowest = min([low - room, *(float(logit(tick)) - _CORNER * (high - low) for tick in shown)])
    return _axis(title) | {"range": [float(lowest), float(high + room)],
                           "tickvals": [float(logit(tick)) for tick in shown],
                           "ticktext": [f"{tick:g}".replace("e-0", "e-") for tick in shown]}


def share_axis(highest: float, mirrored: bool) -> dict[str, Any]:
    """An axis of shares of films in percent, up to `highest`; mirrored: upwards and downwards from 0."""
    top = highest * 1.08 or 1.0
    steps = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    step = next(step for step in steps if step >= top / (2.2 if mirrored else 4))
    ticks = np.arange(0, top, step)
    ticks = np.concatenate([-ticks[:0:-1], ticks]) if mirrored else ticks
    return _axis("Without | with (%)" if mirrored else "Films of each class (%)") | {
        "range": [-top if mirrored else 0, top], "tickvals": ticks.tolist(),
        "ticktext": [f"{abs(tick) * 100:g}" for tick in ticks], "showgrid": True, "zeroline": mirrored}


def _axis(title: str) -> dict[str, Any]:
    return {"title": {"text": title, "font": _SIZE, "standoff": 12}, "tickfont": _SIZE, "automargin": True,
            "zeroline": False, "showgrid": False, "tickangle": 0}


def guide(x0: float, y0: float, x1: float, y1: float, dash: str) -> dict[str, Any]:
    """A grey straight line behind the curves."""
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "layer": "below",
            "line": {"color": _GUIDE, "dash": dash, "width": 1.5}}


def note(x: float, y: float, text: str, **more: Any) -> dict[str, Any]:
    """A short text in the chart."""
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": _SIZE, "opacity": 0.85,
            "yanchor": "middle"} | more


def figures(name: str, values: Sequence[tuple[RunStyle, str]], a_line: int = _VALUES_A_LINE) -> str:
    """For a small title: 'AUROC 0.812' of one run; of several a coloured line and a figure each, a few in a row."""
    if len(values) == 1:
        return f"{name} {values[0][1]}"
    marked = [f'<span style="color:{style.colour}">{_DASH_SIGNS[style.dash]}</span> {text}' for style, text in values]
    rows = ["&nbsp; ".join(marked[i : i + a_line]) for i in range(0, len(marked), a_line)]
    return "</span><br>".join([name, *(f'<span style="font-weight:400">{row}' for row in rows)])


def number(value: float) -> str:
    """Three decimals, a dash where it is undefined."""
    return f"{value:.3f}" if value == value else "–"


def packed(values: np.ndarray) -> dict[str, str]:
    """An array as float32 in Plotly's base64 form, which go.Figure makes of it, too, but in ten times the time."""
    data = {"dtype": "f4", "bdata": base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()}
    return data | ({"shape": ", ".join(map(str, values.shape))} if values.ndim > 1 else {})


def built(traces: list[dict], layout: dict) -> go.Figure:
    """The figure, unchecked, which halves the page's time; a test checks one of each kind."""
    return go.Figure({"data": traces, "layout": layout}, _validate=False)
