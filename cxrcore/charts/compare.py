"""Charts of the Compare page: quality against cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.dot_rows import MARK
from cxrcore.charts.look import FONT_SIZE, RunStyle, dress, escape

_MANY_DECADES = 3  # from which only powers of ten are named


@dataclass(frozen=True)
class Priced:
    """One run with what it costs.

    Attributes:
        name, style: of the run.
        cost: > 0.
        point, low, high: its quality with interval.
    """

    name: str
    style: RunStyle
    cost: float
    point: float
    low: float
    high: float


def quality_against_cost(title: str, cost: str, quality: str, runs: Sequence[Priced]) -> go.Figure:
    """A mark a run: its cost across (logarithmic), its quality with interval upwards."""
    figure = go.Figure([_mark(run, cost, quality) for run in runs])
    dress(figure, title)
    prices = np.log10([run.cost for run in runs])
    low, high = prices.min() - 0.15, prices.max() + max(0.5, 0.35 * np.ptp(prices))  # room for the last name
    steps = [mantissa * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1)
             for mantissa in ((1, 2, 5) if high - low < _MANY_DECADES else (1,))]
    figure.update_xaxes(title=f"{cost}, logarithmic", type="log", range=[low, high], tickvals=steps, tickformat="~s",
                        nticks=None)
    figure.update_yaxes(title=quality)
    figure.update_layout(height=380)
    return figure


def _mark(run: Priced, cost: str, quality: str) -> go.Scatter:
    return go.Scatter(
        x=[run.cost], y=[run.point], mode="markers+text", text=[f"  {escape(run.name)}"],
        textposition="middle right", textfont={"size": FONT_SIZE}, cliponaxis=False,
        marker={"color": run.style.colour, "size": MARK + 3, "symbol": run.style.symbol},
        error_y={"type": "data", "symmetric": False, "array": [run.high - run.point],
                 "arrayminus": [run.point - run.low], "color": run.style.colour, "thickness": 1.6, "width": 0},
        hovertemplate=f"<b>{escape(run.name)}</b><br>{cost}: %{{x:,.4~g}}<br>{quality}: %{{y:.3f}} ({run.low:.3f} to "
                      f"{run.high:.3f})<extra></extra>")
