"""Arrays and frames in, Plotly figures out; the only module that imports Plotly.

Also the one place for what a run looks like: one colour an architecture, a dash and a marker for each run of it.
Knows nothing of the store or of Streamlit. Text and background colours are left to the page's theme.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cxrcore.architectures import ARCHITECTURES

Figure = go.Figure  # for annotations elsewhere: nobody else imports Plotly

# Okabe and Ito (2008), without black and yellow, which vanish on dark and on white.
ARCHITECTURE_COLOURS = {
    "efficientnet_b0": "#0072B2",
    "densenet121": "#D55E00",
    "resnet18": "#009E73",
    "vgg16": "#CC79A7",
    "mobilenet_v2": "#E69F00",
    "vit_b_16": "#56B4E9",
}
OTHER_COLOUR = "#8A8A8A"  # imported models and ensembles
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")

FONT_SIZE = 14
CURVE_HEIGHT = 330
_SVG_DASHES = {"solid": "", "dash": "7 4", "dot": "2 4", "dashdot": "7 3 2 3", "longdash": "11 4"}
_SVG_MARKS = {
    "circle": '<circle cx="20" cy="8" r="4"/>',
    "square": '<rect x="16" y="4" width="8" height="8"/>',
    "diamond": '<path d="M20 3l5 5-5 5-5-5z"/>',
    "triangle-up": '<path d="M20 3l5 9h-10z"/>',
    "x": '<path d="M16 4l8 8M24 4l-8 8" fill="none" stroke-width="3"/>',
}


def architecture_label(name: str | None) -> str:
    """The architecture as people write it; an unknown name as it is."""
    return ARCHITECTURES[name].label if name in ARCHITECTURES else name or "unknown"


def architecture_colour(name: str | None) -> str:
    """The architecture's fixed colour as #RRGGBB; grey for one that is not ours."""
    return ARCHITECTURE_COLOURS.get(name or "", OTHER_COLOUR)


@dataclass(frozen=True)
class RunStyle:
    """How one run is drawn.

    Attributes:
        colour: of its architecture, #RRGGBB.
        dash: one of `DASHES`.
        symbol: one of `SYMBOLS`.
    """

    colour: str
    dash: str
    symbol: str

    def swatch(self) -> str:
        """A short stretch of the run's line as an SVG data URI, 40 x 16 pixels, for legends outside a chart."""
        dash = f' stroke-dasharray="{_SVG_DASHES[self.dash]}"' if _SVG_DASHES[self.dash] else ""
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="16" stroke="{self.colour}" '
            f'fill="{self.colour}"><path d="M1 8h38" stroke-width="2.5"{dash}/>{_SVG_MARKS[self.symbol]}</svg>'
        )
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def run_styles(architectures: Mapping[str, str | None]) -> dict[str, RunStyle]:
    """A style for each run of {run_id: architecture}: the k-th run of a colour gets the k-th dash and marker."""
    seen: dict[str, int] = {}
    styles = {}
    for run_id, architecture in architectures.items():
        colour = architecture_colour(architecture)
        k = seen.get(colour, 0)
        seen[colour] = k + 1
        styles[run_id] = RunStyle(colour, DASHES[k % len(DASHES)], SYMBOLS[k % len(SYMBOLS)])
    return styles


@dataclass(frozen=True)
class Panel:
    """One of the training charts.

    Attributes:
        title: with its unit or range.
        column: of the epochs frame.
        faint: a second column, drawn thin and pale behind the first.
        format: of the values on hover.
        best: mark the run's best epoch.
    """

    title: str
    column: str
    faint: str | None = None
    format: str = ".4f"
    best: bool = True


PANELS = {
    "loss": Panel("Loss (bold: validation, thin: training)", "val_loss", "train_loss"),
    "auroc": Panel("Validation macro AUROC (0 to 1)", "val_macro_auroc"),
    "f1": Panel("Validation macro F1, best thresholds (0 to 1)", "val_macro_f1_best"),
    "rate": Panel("Learning rate, last step of the epoch", "learning_rate", format=".2e", best=False),
}


@dataclass(frozen=True)
class Curve:
    """One run's line in the training charts.

    Attributes:
        name: for hover and legend.
        style: its look.
        epochs: columns epoch and those of `PANELS`, in order.
        best_epoch: the epoch to mark, or None.
    """

    name: str
    style: RunStyle
    epochs: pd.DataFrame
    best_epoch: int | None = None


def training_chart(panel: Panel, curves: Sequence[Curve], last_epoch: int) -> go.Figure:
    """One training chart: the epoch on x, one line a run, a ring around the best epoch.

    Args:
        last_epoch: where the axis ends, so that it stands still while a run grows.
    """
    figure = go.Figure()
    for curve in curves:
        if panel.faint:
            figure.add_trace(_line(curve, panel.faint, panel.format, faint=True))
        figure.add_trace(_line(curve, panel.column, panel.format))
        if panel.best and curve.best_epoch is not None:
            best = curve.epochs[curve.epochs["epoch"] == curve.best_epoch]
            figure.add_trace(_ring(best["epoch"], best[panel.column], curve.style.colour))
    _dress(figure, panel.title)
    figure.update_xaxes(title="Epoch", range=[0.5, last_epoch + 0.5], dtick=_step(last_epoch), tick0=0)
    if panel.format.endswith("e"):
        figure.update_yaxes(tickformat="~e", rangemode="tozero")
    return figure


def _line(curve: Curve, column: str, number: str, faint: bool = False) -> go.Scatter:
    style, what = curve.style, "training " if faint else ""
    return go.Scatter(
        x=curve.epochs["epoch"],
        y=curve.epochs[column],
        mode="lines" if faint and len(curve.epochs) > 1 else "lines+markers",
        name=curve.name,
        opacity=0.65 if faint else 1,
        cliponaxis=False,  # a marker on the edge stays whole
        line={"color": style.colour, "dash": style.dash, "width": 1.5 if faint else 2.5},
        marker={"symbol": style.symbol, "size": 5 if faint else 8},
        hovertemplate=f"{_escape(curve.name)}<br>epoch %{{x}}: {what}<b>%{{y:{number}}}</b><extra></extra>",
    )


def _ring(x: pd.Series, y: pd.Series, colour: str) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": 18, "color": colour, "line": {"width": 2.5}}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip", name="best epoch")


def _step(last_epoch: int) -> int:
    """Epochs between two ticks: whole numbers, at most about eight of them."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if last_epoch / step <= 8)


def _dress(figure: go.Figure, title: str) -> None:
    """The look that all charts share; whatever is not set comes from the page's theme."""
    size = {"size": FONT_SIZE}
    figure.update_layout(
        title={"text": title, "font": {"size": FONT_SIZE + 2}, "x": 0, "xref": "container", "y": 0.97},
        title_yanchor="top",
        height=CURVE_HEIGHT,
        margin={"l": 8, "r": 12, "t": 52, "b": 8},
        showlegend=False,
        hovermode="closest",
        hoverlabel={"font": size, "align": "left"},
        uirevision="keep",  # a zoom survives new data
    )
    figure.update_xaxes(title_font=size, tickfont=size, automargin=True, showgrid=False, zeroline=False)
    figure.update_yaxes(tickfont=size, automargin=True, zeroline=False, nticks=6)


def _escape(text: str) -> str:
    """A free text for a hover label, where Plotly reads a little HTML and its own %{...}."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "% {")


def plot_config(filename: str) -> dict[str, Any]:
    """Plotly's configuration of every chart: a vector download and no buttons that do nothing here."""
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": "svg", "filename": filename},
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    }


def training_alt(panel: Panel, curves: Sequence[Curve]) -> str:
    """What the chart shows, for people who cannot see it."""
    parts = []
    for curve in curves:
        values = curve.epochs[panel.column].dropna()
        if len(values):
            parts.append(f"{curve.name}: {values.iloc[0]:{panel.format}} to {values.iloc[-1]:{panel.format}} "
                         f"in {len(values)} epochs")
    return f"{panel.title}. {'; '.join(parts) or 'no finished epoch yet'}."
