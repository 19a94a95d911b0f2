"""Reliability charts: the share of films with a finding against the mean score, both on logit scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.curve_axes import built, figures, guide, layout, logit_axis, note, number
from cxrcore.charts.look import RunStyle, escape
from cxrcore.findings import display_name
from cxrcore.measures.curves import logit
from cxrcore.measures.reliability import FindingReliability

SCORE, SHARE = "Mean score of a bin (logit scale)", "Share of films with the finding (logit scale)"
SHORT_SCORE, SHORT_SHARE = "Mean score", "Observed share"
_PAIRS_A_LINE = 2
_SMALL = 0.00995
_ROOM = 0.35  # logits beyond the outermost bins
_FAR = 3.0  # logits; a mean score further from all shares would squeeze the rest, so it stands at the edge


@dataclass(frozen=True)
class ShownReliability:
    """One run's reliability in the finding that a chart shows; name and look as in the other charts."""

    name: str
    style: RunStyle
    curve: FindingReliability


def reliability_chart(finding: str, runs: Sequence[ShownReliability], large: bool) -> go.Figure:
    """Reliability of one finding with the diagonal of calibrated scores; large with a 95 % interval a bin.

    A bin without a film with the finding has no logit: it stands at the lower edge, hollow. What lies beyond an axis
    stands at its edge.
    """
    ends = _ends(runs)
    traces = [trace for one in runs for trace in _line(one, ends, large)]
    pairs = [(one.style, f"{in_figures(one.curve.ece)}, {in_figures(one.curve.brier)}") for one in runs]
    said = "reliability, " + figures("ECE, Brier", pairs) if large and len(runs) == 1 else (
        "reliability" if large else figures("ECE, Brier", pairs, _PAIRS_A_LINE))
    shape = layout(finding, said, large)
    shape |= {"xaxis": logit_axis(SCORE if large else SHORT_SCORE, ends, large),
              "yaxis": logit_axis(SHARE if large else SHORT_SHARE, ends, large),
              "shapes": [guide(ends[0], ends[0], ends[1], ends[1], "dot")]}
    if large:
        corner = {"xref": "x domain", "yref": "y domain"}
        shape["annotations"] = [note(0.03, 0.97, "scores too low", xanchor="left", yanchor="top", **corner),
                                note(0.97, 0.03, "scores too high", xanchor="right", yanchor="bottom", **corner)]
    return built(traces, shape)


def reliability_alt(finding: str, runs: Sequence[ShownReliability]) -> str:
    """What a chart shows, for people who cannot see it."""
    parts = [f"{one.name}: ECE {in_figures(one.curve.ece)}, Brier score {in_figures(one.curve.brier)}" for one in runs]
    return f"Reliability curve of {display_name(finding)}. {'; '.join(parts)}."


def in_figures(value: float) -> str:
    """An ECE or a Brier score: of a rare finding both are small, so four decimals there."""
    return f"{value:.4f}" if value < _SMALL else number(value)


def _ends(runs: Sequence[ShownReliability]) -> tuple[float, float]:
    """Where both axes end, in logits: outside all shares that have one, and the scores that are near."""
    shares, scores = (_inner([getattr(one.curve, name) for one in runs]) for name in ("observed", "score"))
    if not len(shares):
        shares = scores if len(scores) else np.array([-5.0, 5.0])
    low, high = shares.min(), shares.max()
    near = scores.clip(low - _FAR, high + _FAR)
    return float(near.min(initial=low) - _ROOM), float(near.max(initial=high) + _ROOM)


def _inner(values: Sequence[np.ndarray]) -> np.ndarray:
    joined = np.concatenate(values)
    return logit(joined[(joined > 0) & (joined < 1)])


def _line(one: ShownReliability, ends: tuple[float, float], large: bool) -> list[dict[str, Any]]:
    """The bins with the finding as a line, the others as hollow marks at the lower edge."""
    curve = one.curve
    x, y, low, high = (logit(values).clip(*ends) for values in (curve.score, curve.observed, curve.low, curve.high))
    texts = np.array([
        f"{escape(one.name)}<br>mean score {score:.4g} of {n:,} films<br>"
        f"{hits:,} of them with the finding ({100 * share:.3g} %)<br>"
        f"95 % interval {100 * bottom:.3g} to {100 * top:.3g} %"
        for score, n, hits, share, bottom, top in zip(curve.score, curve.n, curve.hits, curve.observed, curve.low,
                                                      curve.high, strict=True)], object)
    width = 2 if large else 1.5
    traces = []
    for mode, symbol, kept in (("lines+markers", "", curve.hits > 0), ("markers", "-open", curve.hits == 0)):
        if not kept.any():
            continue
        traces.append({
            "type": "scatter", "mode": mode, "name": escape(one.name), "cliponaxis": False,
            "x": x.tolist(),
            "y": [value if there else None for value, there in zip(y.tolist(), kept.tolist(), strict=True)],
            "hovertext": texts.tolist(), "hovertemplate": "%{hovertext}<extra></extra>",
            "line": {"color": one.style.colour, "dash": one.style.dash, "width": width},
            "marker": {"color": one.style.colour, "size": 8 if large else 5, "symbol": one.style.symbol + symbol}})
        if large:
            traces[-1]["error_y"] = {"type": "data", "symmetric": False, "array": (high - y).tolist(),
                                     "arrayminus": (y - low).tolist(), "thickness": 1.4, "width": 0}
    return traces
