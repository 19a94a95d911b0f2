"""Charts of the Compare page: measures of runs with intervals, differences to one of them, quality against cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.look import FONT_SIZE, RunStyle, dress, escape
from cxrcore.findings import FINDINGS, display_name

ROW = 34  # pixels of a finding, and more for each run
ROW_OF_RUN = 7
TOP, BOTTOM = 62, 62
MANY_DECADES = 3  # from which only powers of ten are named
SPREAD = 0.62  # of a row that its runs take up
MARK = 9
NAMES = (*map(display_name, FINDINGS), "Macro mean")
OPEN = "-open"


@dataclass(frozen=True)
class Bars:
    """One run's points with intervals, (15,): the findings and their macro mean.

    Attributes:
        name, style: of the run.
        point, low, high: of the measure or the difference; NaN where undefined.
        filled: whether a mark is filled: a verdict, or all of them.
        notes: a line for each hover label.
    """

    name: str
    style: RunStyle
    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    filled: np.ndarray
    notes: Sequence[str]


def dots(title: str, axis: str, runs: Sequence[Bars], zero: bool = False) -> go.Figure:
    """A row a finding, a mark with its interval a run; the macro mean below a line.

    Args:
        axis: what the values are, with their range.
        zero: draw the line of no difference.
    """
    figure = go.Figure([_trace(run, place, len(runs)) for place, run in enumerate(runs)])
    dress(figure, title)
    n = len(NAMES)
    figure.update_layout(height=TOP + BOTTOM + n * (ROW + ROW_OF_RUN * max(len(runs) - 2, 0)), hovermode="closest")
    figure.update_yaxes(tickvals=list(range(n)), ticktext=list(NAMES), range=[n - 0.5, -0.5], showgrid=False,
                        tickfont={"size": FONT_SIZE}, nticks=None)
    figure.update_xaxes(title=axis, showgrid=True)
    for between in range(n - 1):
        figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=between + 0.5, y1=between + 0.5, layer="below",
                         line={"width": 2 if between == n - 2 else 0.5, "color": "rgba(138,138,138,0.38)"})
    if zero:
        figure.add_shape(type="line", yref="paper", y0=0, y1=1, x0=0, x1=0, layer="below",
                         line={"width": 1.5, "dash": "dot", "color": "rgba(138,138,138,0.9)"})
    return figure


def _trace(run: Bars, place: int, n_runs: int) -> go.Scatter:
    offset = 0 if n_runs == 1 else SPREAD * (place / (n_runs - 1) - 0.5)
    symbols = [run.style.symbol if filled else run.style.symbol + OPEN for filled in run.filled]
    return go.Scatter(
        x=run.point, y=np.arange(len(run.point)) + offset, mode="markers", name=escape(run.name),
        marker={"color": run.style.colour, "size": MARK, "symbol": symbols, "line": {"width": 1.8,
                                                                                    "color": run.style.colour}},
        error_x={"type": "data", "symmetric": False, "array": run.high - run.point, "arrayminus": run.point - run.low,
                 "color": run.style.colour, "thickness": 1.6, "width": 0},
        customdata=np.column_stack([run.low, run.high]), text=[escape(note) for note in run.notes],
        hovertemplate=f"<b>{escape(run.name)}</b><br>%{{x:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}})"
                      "<br>%{text}<extra></extra>")


def quality_against_cost(title: str, cost: str, runs: Sequence[tuple[str, RunStyle, float, float, float, float]],
                         quality: str) -> go.Figure:
    """A mark a run: its cost across (logarithmic), its quality with interval upwards.

    Args:
        runs: (name, style, cost, point, low, high).
    """
    figure = go.Figure()
    for name, style, price, point, low, high in runs:
        figure.add_scatter(
            x=[price], y=[point], mode="markers+text", text=[f"  {escape(name)}"], textposition="middle right",
            textfont={"size": FONT_SIZE}, cliponaxis=False,
            marker={"color": style.colour, "size": MARK + 3, "symbol": style.symbol},
            error_y={"type": "data", "symmetric": False, "array": [high - point], "arrayminus": [point - low],
                     "color": style.colour, "thickness": 1.6, "width": 0},
            hovertemplate=f"<b>{escape(name)}</b><br>{cost}: %{{x:,.4~g}}<br>{quality}: %{{y:.3f}} ({low:.3f} to "
                          f"{high:.3f})<extra></extra>")
    dress(figure, title)
    prices = np.log10([run[2] for run in runs])
    low, high = prices.min() - 0.15, prices.max() + max(0.5, 0.35 * np.ptp(prices))  # room for the last name
    steps = [mantissa * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1)
             for mantissa in ((1, 2, 5) if high - low < MANY_DECADES else (1,))]
    figure.update_xaxes(title=f"{cost}, logarithmic", type="log", range=[low, high], tickvals=steps, tickformat="~s",
                        nticks=None)
    figure.update_yaxes(title=quality)
    figure.update_layout(height=380)
    return figure
