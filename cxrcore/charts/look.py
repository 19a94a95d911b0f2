"""The look that all charts share, and what a run looks like: a colour and a mark of its own, by its place.

Text and background colours are left to the page's theme.
"""

import base64
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from cxrcore.networks.architectures import label

Figure = go.Figure  # for annotations elsewhere: nobody else imports Plotly

# Okabe and Ito (2008), without black and yellow, which vanish on dark and on white. All of them belong to runs: what
# else is drawn beside runs takes the text's ink or `NEUTRAL`.
RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
NEUTRAL = "#8A8A8A"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down")

FONT_SIZE = 14
CURVE_HEIGHT = 330
SVG_DASHES = {"solid": "", "dash": "7 4", "dot": "2 4", "dashdot": "7 3 2 3", "longdash": "11 4"}
_SVG_MARKS = {
    "circle": '<circle cx="20" cy="8" r="4"/>',
    "square": '<rect x="16" y="4" width="8" height="8"/>',
    "diamond": '<path d="M20 3l5 5-5 5-5-5z"/>',
    "triangle-up": '<path d="M20 3l5 9h-10z"/>',
    "triangle-down": '<path d="M20 13l5-9h-10z"/>',
    "x": '<path d="M16 4l8 8M24 4l-8 8" fill="none" stroke-width="3"/>',
}


def architecture_label(name: str | None) -> str:
    """The architecture as people write it; an unknown name as it is."""
    return label(name)


@dataclass(frozen=True)
class RunStyle:
    """How one run is drawn.

    Attributes:
        colour: one of `RUN_COLOURS`.
        dash: one of `DASHES`.
        symbol: one of `SYMBOLS`.
    """

    colour: str
    dash: str
    symbol: str

    def swatch(self, marker: bool = True) -> str:
        """A short stretch of the run's line as an SVG data URI, 40 x 16 pixels, for legends outside a chart."""
        dash = f' stroke-dasharray="{SVG_DASHES[self.dash]}"' if SVG_DASHES[self.dash] else ""
        mark = _SVG_MARKS[self.symbol] if marker else ""
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="16" stroke="{self.colour}" '
            f'fill="{self.colour}"><path d="M1 8h38" stroke-width="2.5"{dash}/>{mark}</svg>'
        )
        return _as_uri(svg)

    def mark(self) -> str:
        """The run's mark alone as an SVG data URI, 16 x 16 pixels."""
        return _as_uri(f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="12 0 16 16" '
                       f'stroke="{self.colour}" fill="{self.colour}">{_SVG_MARKS[self.symbol]}</svg>')


def _as_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def run_styles(run_ids: Iterable[str], places: Mapping[str, int] | None = None) -> dict[str, RunStyle]:
    """A style for each run, by its place: the same on every page, whatever the run is and stands beside.

    Args:
        run_ids: in their order.
        places: {run_id: place, from 0}, as the link gives them; without, or for a run that is not in it, the next free.
    """
    free = itertools.count(max((places or {}).values(), default=-1) + 1)
    styles = {}
    for run_id in run_ids:
        place = places[run_id] if places and run_id in places else next(free)
        n = len(RUN_COLOURS)
        styles[run_id] = RunStyle(RUN_COLOURS[place % n], DASHES[place // n % len(DASHES)], SYMBOLS[place % n])
    return styles


def layout_of(title: str) -> dict[str, Any]:
    """The look that all charts share; whatever is not set comes from the page's theme.

    It is given to `go.Figure` with the traces: setting the same on a figure, name by name, takes ten times as long.
    """
    size = {"size": FONT_SIZE}
    return {
        "title": {"text": title, "font": {"size": FONT_SIZE + 2}, "x": 0, "xref": "container", "y": 0.97,
                  "yanchor": "top"},
        "height": CURVE_HEIGHT,
        "margin": {"l": 8, "r": 12, "t": 52, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"font": size, "align": "left"},
        "uirevision": "keep",  # a zoom survives new data
        "xaxis": {"title": {"font": size}, "tickfont": size, "automargin": True, "showgrid": False, "zeroline": False},
        "yaxis": {"tickfont": size, "automargin": True, "zeroline": False, "nticks": 6},
    }


def escape(text: str) -> str:
    """A free text for a title, a label or a hover, where Plotly reads a little HTML and its own %{...}."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%&#123;")


def plot_config(filename: str) -> dict[str, Any]:
    """Plotly's configuration of every chart: a vector download and no buttons that do nothing here."""
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": "svg", "filename": filename},
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    }
