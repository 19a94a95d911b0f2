"""Charts in a page of their own, without the dashboard: Plotly's script and a figure as it reads it."""

import json
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.utils import PlotlyJSONEncoder


def plotting_code() -> str:
    """Plotly's own script, 4.8 MB, as the package brings it."""
    return get_plotlyjs()


def as_plain(figure: go.Figure) -> dict[str, Any]:
    """A figure's traces and layout, without Plotly's template."""
    made = json.loads(json.dumps(figure.to_plotly_json(), cls=PlotlyJSONEncoder))
    made["layout"].pop("template", None)
    return made
