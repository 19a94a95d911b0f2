"""A film beside its map, both zoomed and moved together."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from cxrcore.charts.look import FONT_SIZE, escape

HEIGHT = 560
_QUALITY = 92


def film_view(title: str, film: np.ndarray, overlay: np.ndarray, captions: tuple[str, str]) -> go.Figure:
    """Both pictures side by side.

    Args:
        film: uint8 (h, w).
        overlay: uint8 (h, w, 3), of the same size.
        captions: above each.
    """
    height, width = film.shape[:2]
    axes = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    layout = {
        "title": {"text": escape(title), "font": {"size": FONT_SIZE + 2}, "x": 0, "xref": "container", "y": 0.985,
                  "yanchor": "top"},
        "height": HEIGHT, "margin": {"l": 0, "r": 0, "t": 72, "b": 4}, "dragmode": "zoom", "showlegend": False,
        "uirevision": "keep",
        "xaxis": axes | {"domain": [0, 0.492], "range": [0, width], "constrain": "domain"},
        "xaxis2": axes | {"domain": [0.508, 1], "matches": "x", "range": [0, width], "constrain": "domain"},
        "yaxis": axes | {"range": [height, 0], "scaleanchor": "x", "constrain": "domain"},
        "yaxis2": axes | {"range": [height, 0], "matches": "y", "anchor": "x2", "scaleanchor": "x2",
                          "constrain": "domain"},
        "annotations": [{"text": escape(text), "xref": f"{axis} domain", "yref": "paper", "x": 0, "y": 1,
                         "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": FONT_SIZE}}
                        for text, axis in zip(captions, ("x", "x2"), strict=True)],
    }
    traces = [{"type": "image", "source": _source(pixels), "xaxis": x, "yaxis": y, "hoverinfo": "skip"}
              for pixels, x, y in ((film, "x", "y"), (overlay, "x2", "y2"))]
    return go.Figure({"data": traces, "layout": layout})


def _source(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
