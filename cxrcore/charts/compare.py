"""Charts of the Compare page: quality against cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.dot_rows import MARK
from cxrcore.charts.look import FONT_SIZE, RunStyle, escape, layout_of

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
    prices = np.log10([run.cost for run in runs])
    middle, room = (prices.min() + prices.max()) / 2, max(0.3, 0.15 * np.ptp(prices))
    low, high = prices.min() - room, prices.max() + room
    layout = layout_of(title)
    steps = [mantissa * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1)
             for mantissa in ((1, 2, 5) if high - low < _MANY_DECADES else (1,))]
    layout["xaxis"] |= {"type": "log", "range": [low, high], "tickvals": steps, "tickformat": "~s"}
    layout["xaxis"]["title"], layout["yaxis"]["title"] = {"text": f"{cost}, logarithmic"}, {"text": quality}
    layout["height"], layout["margin"]["r"] = 380, 28  # half a tick's text
    return go.Figure([_mark(run, cost, quality, "right" if price <= middle else "left")
                      for run, price in zip(runs, prices, strict=True)], layout)


def _mark(run: Priced, cost: str, quality: str, side: str) -> go.Scatter:
    """`side`: where its name stands, so that there is room for it."""
    return go.Scatter(
        x=[run.cost], y=[run.point], mode="markers+text", text=[f"  {escape(run.name)}  "],
        textposition=f"middle {side}", textfont={"size": FONT_SIZE}, cliponaxis=False,
        marker={"color": run.style.colour, "size": MARK + 3, "symbol": run.style.symbol},
        error_y={"type": "data", "symmetric": False, "array": [run.high - run.point],
                 "arrayminus": [run.point - run.low], "color": run.style.colour, "thickness": 1.6, "width": 0},
        hovertemplate=f"<b>{escape(run.name)}</b><br>{cost}: %{{x:,.4~g}}<br>{quality}: %{{y:.3f}} ({run.low:.3f} to "
                      f"{run.high:.3f})<extra></extra>")
