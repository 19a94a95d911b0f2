"""Mean ROC and precision-recall curves of repeats, and the runs behind them."""

from typing import Any

from cxrcore.charts.curve_axes import packed
from cxrcore.charts.look import RunStyle, escape
from cxrcore.measures.curves import DrawnCurve

_THIN, _FAINT = 1, 0.55  # pixels; opacity
_AXES = {"roc": ("false positive rate", "mean recall"), "pr": ("recall", "mean precision")}


def behind_mean(name: str, style: RunStyle, line: DrawnCurve) -> dict[str, Any]:
    """The curve of a run that a mean is of: thin, without a hover of its own.

    Args:
        name, style: of the mean.
    """
    return {"type": "scatter", "mode": "lines", "name": escape(name), "x": packed(line.x[line.bends]),
            "y": packed(line.y[line.bends]), "hoverinfo": "skip", "opacity": _FAINT,
            "line": {"color": style.colour, "width": _THIN}}


def mean_line(view: str, name: str, style: RunStyle, line: DrawnCurve, large: bool) -> dict[str, Any]:
    """A mean curve; on hover stands the place alone, since no threshold and no counts belong to it.

    Args:
        view: 'roc' or 'pr'.
    """
    across, up = _AXES[view]
    return {"type": "scatter", "mode": "lines", "name": escape(name), "x": packed(line.x), "y": packed(line.y),
            "hovertemplate": f"{escape(name)}<br>{across} %{{x:.4f}}<br>{up} %{{y:.4f}}<extra></extra>",
            "line": {"color": style.colour, "dash": style.dash, "width": 3 if large else 1.75}}
