"""What the script of the small curves is given: panels whose lines are places in the unit square, two bytes a number.

A panel is made of the small figure of a finding, whichever view that shows: its lines, marks, guides and axes, in
places from 0 to 1 of the drawn area, so that the script knows nothing of ROC curves or logits.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.look import SVG_DASHES, RunStyle, escape

STEPS = 65535  # two bytes; a screen has fewer pixels
NO_RUN = -1  # a line that belongs to no run


def runs(shown: Sequence[tuple[str, RunStyle, str]]) -> list[dict[str, str]]:
    """The legend: (name, look, what is said of it) of each run."""
    return [{"name": name, "colour": style.colour, "dash": SVG_DASHES[style.dash], "mark": style.mark(), "words": words}
            for name, style, words in shown]


def empty_panel(finding: str, name: str, missing: str) -> dict[str, Any]:
    """In the place of a panel: why there is none."""
    return {"finding": finding, "name": name, "missing": missing}


def panel(finding: str, name: str, figure: go.Figure, texts: Sequence[str], said: str, alt: str,
          names: Sequence[str]) -> dict[str, Any]:
    """One panel.

    Args:
        finding: what a click opens; '' where it opens nothing.
        name: in its head.
        figure: small, as the charts of curves and reliability make it.
        texts: a figure of each run, in their order, or none.
        said: before these, such as 'AUROC'.
        alt: for who cannot see it.
        names: of the runs; their traces are known by these.
    """
    made = figure.to_plotly_json()
    layout, places = made["layout"], {escape(one): place for place, one in enumerate(names)}
    ends = layout["xaxis"]["range"], layout["yaxis"]["range"]
    held: dict[str, Any] = {"finding": finding, "name": name, "said": said, "texts": list(texts), "alt": alt,
                            "x": _axis(layout["xaxis"]), "y": _axis(layout["yaxis"]), "lines": [], "marks": [],
                            "guides": [_guide(shape, ends) for shape in layout.get("shapes", ())],
                            "notes": [_note(one, ends) for one in layout.get("annotations", ())
                                      if one.get("xref") == "x domain" and one["x"] == 1]}
    for trace in made["data"]:
        _add(held, trace, ends, places)
    return held


Ends = tuple[Sequence[float], Sequence[float]]


def _axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    ticks = [[_place(value, axis["range"]), text]
             for value, text in zip(axis["tickvals"], axis["ticktext"], strict=True)]
    return {"ticks": ticks, "grid": bool(axis.get("showgrid")), "title": axis["title"]["text"]}


def _place(value: float, ends: Sequence[float]) -> float:
    return round((value - ends[0]) / (ends[1] - ends[0]), 4)


def _guide(shape: Mapping[str, Any], ends: Ends) -> dict[str, Any]:
    tall = shape.get("yref") == "y domain"
    y = (shape["y0"], shape["y1"]) if tall else (_place(shape["y0"], ends[1]), _place(shape["y1"], ends[1]))
    return {"at": [_place(shape["x0"], ends[0]), y[0], _place(shape["x1"], ends[0]), y[1]],
            "dash": SVG_DASHES[shape["line"]["dash"]], "colour": shape["line"]["color"]}


def _note(one: Mapping[str, Any], ends: Ends) -> dict[str, Any]:
    return {"y": _place(one["y"], ends[1]), "text": one["text"]}


def _add(held: dict[str, Any], trace: Mapping[str, Any], ends: Ends, places: Mapping[str, int]) -> None:
    """A trace as lines, areas or marks."""
    x, y = _values(trace["x"]), _values(trace["y"])
    run = places.get(trace.get("name", ""), NO_RUN)
    line, marker = trace.get("line", {}), trace.get("marker", {})
    if "lines" in trace["mode"]:
        if line.get("shape") == "hv":
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        if trace.get("fill"):
            base = [(x[0], 0.0), *zip(x, y, strict=True), (x[-1], 0.0)] if trace["fill"] == "tozeroy" else \
                np.column_stack([x, y])
            held["lines"].append({"run": run, "area": packed(np.asarray(base), ends), "colour": trace["fillcolor"]})
        if line.get("width", 1):
            held["lines"] += [{"run": run, "line": packed(piece, ends), "colour": line["color"],
                               "dash": SVG_DASHES[line.get("dash", "solid")]} for piece in _pieces(x, y)]
    if "markers" in trace["mode"]:
        held["marks"] += _marks(trace, marker, x, y, ends, places, run)


def _marks(trace: Mapping[str, Any], marker: Mapping[str, Any], x: np.ndarray, y: np.ndarray, ends: Ends,
           places: Mapping[str, int], run: int) -> list[dict[str, Any]]:
    n = len(x)
    symbols = marker.get("symbol", "circle")
    symbols = [symbols] * n if isinstance(symbols, str) else symbols
    colours = marker.get("color", trace.get("line", {}).get("color"))
    colours = [colours] * n if isinstance(colours, str) else colours
    owners = [places.get(escape(name), NO_RUN) for name in trace["ids"]] if "ids" in trace else [run] * n
    return [{"run": owners[k], "x": _place(x[k], ends[0]), "y": _place(y[k], ends[1]), "symbol": symbols[k],
             "colour": colours[k], "size": marker.get("size", 6)}
            for k in range(n) if not np.isnan(x[k] + y[k])]


def _values(values: Any) -> np.ndarray:
    """A trace's coordinates, in whichever of Plotly's forms they are: float64, NaN where the line has a gap."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), "<f4").astype(np.float64)
    return np.array(values, np.float64)


def _pieces(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """What lies between the gaps of a line, each (m, 2)."""
    points = np.column_stack([x, y])
    gaps = np.flatnonzero(np.isnan(points).any(axis=1))
    pieces = np.split(points, gaps)
    return [piece for one in pieces if len(piece := one[~np.isnan(one).any(axis=1)])]


def packed(points: np.ndarray, ends: Ends) -> str:
    """Points (m, 2) as places in the drawn area, x and y by turns, two bytes each, in base 64."""
    low, high = np.array([[end[0] for end in ends], [end[1] for end in ends]], np.float64)
    places = ((points - low) / (high - low)).clip(0, 1)
    return base64.b64encode((places * STEPS).round().astype("<u2").tobytes()).decode()
