"""The report's figures for papers: PNG and SVG by matplotlib, from the same curves as the pages'."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cxrcore.charts.dot_rows import row_names
from cxrcore.findings import display_name
from cxrcore.queries.curves import DrawnRun
from cxrcore.report.contents import Contents

DPI = 200
_COLUMNS, _SIDE = 4, 2.75  # panels in a row; inches of one
_NAME_BESIDE = 18  # letters of a finding that leave room for a figure
_DASHES = {"solid": "-", "dash": (0, (5, 2)), "dot": (0, (1, 2)), "dashdot": (0, (5, 2, 1, 2)),
           "longdash": (0, (8, 3))}
_MARKS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "x": "x"}
_LONGEST = 40  # signs of a name
_GUIDE = {"color": "0.6", "linestyle": ":", "linewidth": 0.8}


def files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each figure in both forms; the same numbers give the same files."""
    for name, figure in (("roc", _curves(contents, "roc")), ("precision_recall", _curves(contents, "pr")),
                         ("auroc", _dots(contents))):
        FigureCanvasAgg(figure)
        for form in ("png", "svg"):
            file = io.BytesIO()
            with rc_context({"svg.hashsalt": name}):  # else the SVG's own ids are drawn by lot
                figure.savefig(file, format=form, dpi=DPI, bbox_inches="tight", metadata=_no_date(form))
            yield f"figures/{name}.{form}", file.getvalue()


def _no_date(form: str) -> dict[str, Any] | None:
    """The time of making is left out: PNG has none."""
    return {"Date": None} if form == "svg" else None


def _curves(contents: Contents, view: str) -> Figure:
    """A small panel a finding, and one for the legend."""
    measured, n_rows = contents.curves(view), len(contents.findings) // _COLUMNS + 1
    across, up = ("False positive rate", "Recall") if view == "roc" else ("Recall", "Precision")
    figure = Figure(figsize=(_COLUMNS * _SIDE, n_rows * _SIDE), layout="constrained")
    panels = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True).ravel()
    for finding, panel in zip(contents.findings, panels, strict=False):
        _panel(panel, measured, finding, view)
    for panel in panels[len(contents.findings):]:
        panel.axis("off")
    figure.supxlabel(across, fontsize=10)
    figure.supylabel(up, fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    panels[-1].legend(handles, labels, loc="center", fontsize=8, frameon=False)
    return figure


def _panel(panel: Any, measured: Sequence[DrawnRun], finding: str, view: str) -> None:
    values = []
    for one in measured:
        curves = one.data.findings[finding]
        line = curves.lines.get(view)
        drawn = ([], []) if line is None else (line.x, line.y)
        panel.plot(*drawn, color=one.style.colour, linestyle=_DASHES[one.style.dash], linewidth=1.3,
                   label=_plain(one.label))
        values.append(curves.auroc if view == "roc" else curves.ap)
    best = np.nanmax(values) if np.isfinite(values).any() else np.nan
    if view == "roc":
        panel.plot([0, 1], [0, 1], **_GUIDE)
    said = "–" if np.isnan(best) else f"{best:.3f}"
    name = display_name(finding)
    room = " " if len(name) <= _NAME_BESIDE else "\n"
    panel.set_title(f"{name},{room}best {'AUROC' if view == 'roc' else 'AP'} {said}", fontsize=8.5)
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    panel.tick_params(labelsize=8)


def _dots(contents: Contents) -> Figure:
    """AUROC with intervals, a row a finding."""
    names = row_names(contents.findings)
    figure = Figure(figsize=(7, 1.5 + 0.4 * len(names)), layout="constrained")
    panel, n = figure.subplots(), len(contents.means)
    for place, one in enumerate(contents.means):
        found = one.found.interval("auroc")
        rows = np.arange(len(names)) + 0.6 * ((place + 0.5) / n - 0.5)
        panel.errorbar(found.point, rows, xerr=[found.point - found.low, found.high - found.point], fmt=_MARKS[
            one.style.symbol], color=one.style.colour, markersize=4, linewidth=1, label=_plain(one.run.label))
    panel.set_yticks(np.arange(len(names)), names, fontsize=9)
    panel.invert_yaxis()
    panel.set_xlabel("AUROC with 95 % interval", fontsize=9)
    panel.grid(axis="x", color="0.9")
    panel.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.4, -1.05 / len(names)), ncols=2)
    return figure


def _plain(label: str) -> str:
    """A free text where matplotlib reads formulas between dollar signs, and hides labels with a leading underscore."""
    label = label if len(label) <= _LONGEST else f"{label[:_LONGEST - 1]}…"  # a long one would leave the axes no room
    return " " * label.startswith("_") + label.replace("$", "\\$")


