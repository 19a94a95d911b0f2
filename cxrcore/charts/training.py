"""Training charts: loss, validation AUROC and F1, learning rate against the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrcore.charts.look import FONT_SIZE, RunStyle, escape, layout_of

HEIGHT = 250  # pixels; two stand beside each other and two below them, in two fifths of a page


@dataclass(frozen=True)
class TrainingPanel:
    """One of the training charts.

    Attributes:
        title: with its unit or range.
        short: the title over a small chart.
        column: of the epochs frame.
        faint: a second column, drawn thin and pale behind the first.
        format: of the values on hover.
        best: mark the run's best epoch.
    """

    title: str
    short: str
    column: str
    faint: str | None = None
    format: str = ".4f"
    best: bool = True


PANELS = {
    "loss": TrainingPanel("Loss (bold: validation, thin: training)", "Loss (thin: training)", "val_loss", "train_loss"),
    "auroc": TrainingPanel("Validation macro AUROC (0 to 1)", "Validation AUROC", "val_macro_auroc"),
    "f1": TrainingPanel("Validation macro F1, best thresholds (0 to 1)", "Validation F1, best", "val_macro_f1_best"),
    "rate": TrainingPanel("Learning rate, last step of the epoch", "Learning rate", "learning_rate", format=".2e",
                          best=False),
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


def training_chart(panel: TrainingPanel, curves: Sequence[Curve], last_epoch: int) -> go.Figure:
    """One training chart: the epoch on x, one line a run, a ring around the best epoch.

    Args:
        last_epoch: where the axis ends, so that it stands still while a run grows.
    """
    traces = []
    for curve in curves:
        if panel.faint:
            traces.append(_line(curve, panel.faint, panel.format, faint=True))
        traces.append(_line(curve, panel.column, panel.format))
        if panel.best and curve.best_epoch is not None:
            best = curve.epochs[curve.epochs["epoch"] == curve.best_epoch]
            traces.append(_ring(best["epoch"], best[panel.column], curve.style.colour))
    layout = layout_of(panel.short)
    layout |= {"height": HEIGHT, "margin": {"l": 4, "r": 8, "t": 40, "b": 46}, "annotations": [{
        "text": "Epoch", "x": 0, "y": 0, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top",
        "yshift": -22, "showarrow": False, "font": {"size": FONT_SIZE}}]}  # at the left: buttons are at the right
    layout["xaxis"] |= {"range": [0.5, last_epoch + 0.5], "dtick": _step(last_epoch), "tick0": 0}
    if panel.format.endswith("e"):
        layout["yaxis"] |= {"exponentformat": "e", "minexponent": 2, "rangemode": "tozero"}
    return go.Figure(traces, layout)


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
        hovertemplate=f"{escape(curve.name)}<br>epoch %{{x}}: {what}<b>%{{y:{number}}}</b><extra></extra>",
    )


def _ring(x: pd.Series, y: pd.Series, colour: str) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": 18, "color": colour, "line": {"width": 2.5}}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip", name="best epoch")


def _step(last_epoch: int) -> int:
    """Epochs between two ticks: whole numbers, at most about eight of them."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if last_epoch / step <= 8)


def training_alt(panel: TrainingPanel, curves: Sequence[Curve]) -> str:
    """What the chart shows, for people who cannot see it."""
    parts = []
    for curve in curves:
        values = curve.epochs[panel.column].dropna()
        if len(values):
            parts.append(f"{curve.name}: {values.iloc[0]:{panel.format}} to {values.iloc[-1]:{panel.format}} "
                         f"in {len(values)} epochs")
    return f"{panel.title}. {'; '.join(parts) or 'no finished epoch yet'}."
