"""Charts of the Curves page: ROC, precision-recall, scores, and measures against the threshold, of one finding.

Each comes small, as one of many with its figures in the title, or large with counts on hover. One a finding is made
on every change of the page, so they are built as plain dictionaries with arrays in the form that the browser reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cxrcore.charts.curve_axes import (
    MIDDLE_HEIGHT,
    built,
    figures,
    guide,
    layout,
    logit_axis,
    note,
    number,
    packed,
    share_axis,
    up_to,
)
from cxrcore.charts.curve_marks import Mark, OperatingPoint, at_threshold, band_area, lines, marks
from cxrcore.charts.curve_means import behind_mean, mean_line
from cxrcore.charts.dot_rows import MACRO_MEAN
from cxrcore.charts.look import NEUTRAL, RunStyle, escape
from cxrcore.findings import display_name
from cxrcore.measures.curves import DrawnCurve, FindingCurves, Histogram, logit, merge_bins
from cxrcore.measures.intervals.curve_bands import Band
from cxrcore.measures.label_reader import RocPoint

LABEL_READER = "The films' own label, as a reader"
_READER = "#9467D8"  # no architecture's; 4 to 1 on white and on dark
NOTHING_KNOWN = "Every label or score of this finding is unknown here: nothing can be measured."

FPR, RECALL, PRECISION = ("False positive rate (1 − specificity)", "Recall (sensitivity, true positive rate)",
                          "Precision (positive predictive value, PPV)")
SHORT_FPR, SHORT_RECALL, SHORT_PRECISION = "False positive rate", "Recall", "Precision"
SCORE_AXIS, THRESHOLD_AXIS = "Score (logit scale)", "Threshold (logit scale)"
MEASURE_TITLES = {"f1": "F1", "recall": "Recall", "precision": "Precision"}
ISO_F1 = (0.2, 0.4, 0.6, 0.8)

_FAINT = "rgba(138,138,138,0.38)"
_BINS = 48


@dataclass(frozen=True)
class ShownCurves:
    """One run's curves of the finding that a chart shows.

    Attributes:
        name: for hover and alternative text.
        style: its look.
        curves: of the view that is drawn; of a finding without positives they are empty.
        point: where its threshold stands.
        band: around the curve of a large ROC or precision-recall chart.
        repeats: of a mean of repeats the curves of the runs, which a large chart shows too.
    """

    name: str
    style: RunStyle
    curves: FindingCurves
    point: OperatingPoint | None = None
    band: Band | None = None
    repeats: Sequence[FindingCurves] = ()


def roc_chart(finding: str, runs: Sequence[ShownCurves], large: bool, reader: RocPoint | None = None) -> go.Figure:
    """ROC curves of one finding with the chance line.

    Args:
        reader: where the films' own label stands, read as a reader against the labels that the curves are measured on.
    """
    traces = [*_bands(runs), *_behind_means("roc", runs, large)]
    traces += [mean_line("roc", one.name, one.style, one.curves.lines["roc"], large) if one.repeats else
               _curve(one, one.curves.lines["roc"], {"fpr": "x", "recall": "y"}, large)
               for one in runs if "roc" in one.curves.lines]
    traces += marks([Mark(one.name, one.style, one.point, one.point.fpr, one.point.recall)
                     for one in runs if one.point])
    traces += [_reader(reader, large)] if reader is not None and reader.x == reader.x and reader.y == reader.y else []
    shape = layout(finding, "ROC curve" if large else figures("AUROC", _texts(runs, lambda c: c.auroc)), large)
    shape |= {"xaxis": up_to(1, FPR if large else SHORT_FPR), "yaxis": up_to(1, RECALL if large else SHORT_RECALL),
              "shapes": [guide(0, 0, 1, 1, "dot")]}
    if large:
        shape["annotations"] = [note(0.75, 0.75, "chance", textangle=-45, xshift=12, yshift=-10)]
    return built(traces, shape)


def pr_chart(finding: str, runs: Sequence[ShownCurves], large: bool) -> go.Figure:
    """Precision-recall curves of one finding with its prevalence and curves of equal F1."""
    # At a corner of the staircase x is where the step begins, so the recall on hover is not the axis'.
    traces = [_iso_f1(), *_bands(runs), *_behind_means("pr", runs, large)]
    traces += [mean_line("pr", one.name, one.style, one.curves.lines["pr"], large) if one.repeats else
               _curve(one, one.curves.lines["pr"], {"recall": "", "precision": "y"}, large)
               for one in runs if "pr" in one.curves.lines]
    traces += marks([Mark(one.name, one.style, one.point, one.point.recall, one.point.precision)
                     for one in runs if one.point])
    shares = sorted({_prevalence(one.curves) for one in runs if one.curves.positives})
    shape = layout(finding, "precision-recall curve" if large else figures("AP", _texts(runs, lambda c: c.ap)), large)
    shape |= {"xaxis": up_to(1, RECALL if large else SHORT_RECALL),
              "yaxis": up_to(1, PRECISION if large else SHORT_PRECISION),
              "shapes": [guide(0, share, 1, share, "dash") for share in shares],
              "annotations": [note(1, f1 / (2 - f1), f"F1 {f1}" if large else f"{f1}", xref="x domain", xshift=4,
                                   xanchor="left") for f1 in ISO_F1]}
    shape["margin"] |= {"r": 58 if large else 32}
    return built(traces, shape)


def threshold_chart(
    finding: str, measure: str, runs: Sequence[ShownCurves], large: bool, top: float = 1.0
) -> go.Figure:
    """F1, recall or precision of one finding against the threshold; in the large F1 chart rings mark the greatest.

    Args:
        top: where the axis ends, so that charts beside each other agree.
    """
    drawn = [one for one in runs if measure in one.curves.lines]
    title = MEASURE_TITLES[measure]
    traces = [_curve(one, one.curves.lines[measure], {measure: "y"}, large) for one in drawn]
    if measure == "f1" and large:
        traces += [_ring(one) for one in drawn]
    ends = [end for one in drawn for end in (one.curves.lines[measure].x.min(), one.curves.lines[measure].x.max())]
    ends = (float(min(ends)), float(max(ends)))
    traces += marks([at_threshold(one.name, one.style, one.point, getattr(one.point, measure))
                     for one in drawn if one.point], ends)
    said = f"{title} against the threshold" if large or measure != "f1" else figures(
        "max F1", _texts(runs, lambda c: c.best[1]))
    shape = layout(finding, said, large)
    shape |= {"xaxis": logit_axis(THRESHOLD_AXIS if large else "Threshold", ends, large), "yaxis": up_to(top, title)}
    if large:
        shape["height"] = MIDDLE_HEIGHT
    return built(traces, shape)


def scores_chart(finding: str, runs: Sequence[ShownCurves], large: bool) -> go.Figure:
    """Histograms of scores on a logit scale, each class in percent of its own films.

    Large, of one run: films with and without the finding laid over each other. Small: films with it above the line,
    films without it below, one outline a run.
    """
    edges, counts = merge_bins([one.curves.histogram or _NO_SCORES for one in runs], _BINS)
    traces, highest = [], 0.0
    for one, (positives, negatives) in zip(runs, counts, strict=True):
        for films, have in ((negatives, False), (positives, True)):
            if films.sum():
                traces.append(_outline(one, finding, edges, films, have, large, len(runs) == 1))
                highest = max(highest, float(films.max() / films.sum()))
    ends = (float(edges[0]), float(edges[-1]))
    points = [at_threshold(one.name, one.style, one.point, 0.0) for one in runs if one.point]
    traces += marks(points, ends)
    most = max((one.curves.positives for one in runs), default=0)
    name = escape(_clipped(runs[0].name)) if large and runs else ""
    shape = layout(finding, f"scores of {name}" if large else f"<br>{most:,} films with it", large)
    shape |= {"xaxis": logit_axis(SCORE_AXIS if large else "Score", ends, large),
              "yaxis": share_axis(highest, mirrored=not large), "shapes": lines(points, ends)}
    if large:
        shape["height"] = MIDDLE_HEIGHT
    return built(traces, shape)


@dataclass(frozen=True)
class ShownMean:
    """One run's mean curve over findings.

    Attributes:
        name, style: of the run.
        x, y: float64 (m,), as `macro_curves.mean_curve` gives them.
        band: around it.
    """

    name: str
    style: RunStyle
    x: np.ndarray
    y: np.ndarray
    band: Band | None = None


def mean_chart(view: str, runs: Sequence[ShownMean]) -> go.Figure:
    """Small: mean ROC or precision-recall curves; `view` is 'roc' or 'pr'."""
    traces = [band_area(one.band, one.style) | {"name": escape(one.name)} for one in runs
              if one.band and one.band.draws]
    traces += [{"type": "scatter", "mode": "lines", "name": escape(one.name), "x": packed(one.x), "y": packed(one.y),
                "line": {"color": one.style.colour, "dash": one.style.dash, "width": 1.75}} for one in runs]
    axes = (SHORT_FPR, SHORT_RECALL) if view == "roc" else (SHORT_RECALL, SHORT_PRECISION)
    shape = layout(MACRO_MEAN, "", False) | {"xaxis": up_to(1, axes[0]), "yaxis": up_to(1, axes[1]),
                                     "shapes": [guide(0, 0, 1, 1, "dot")] if view == "roc" else []}
    return built(traces, shape)


def small_texts(view: str, measure: str, runs: Sequence[ShownCurves]) -> tuple[str, list[str]]:
    """What stands in the head of a small chart: a word, and a figure of each run."""
    if view == "scores":
        return f"{max((one.curves.positives for one in runs), default=0):,} films with it", []
    if view == "thresholds" and measure != "f1":
        return "", []
    word, value = {"roc": ("AUROC", lambda c: c.auroc), "pr": ("AP", lambda c: c.ap),
                   "thresholds": ("max F1", lambda c: c.best[1])}[view]
    return word, [number(value(one.curves)) for one in runs]


def curves_alt(finding: str, what: str, runs: Sequence[ShownCurves]) -> str:
    """What a chart shows, for people who cannot see it; `what` is a view."""
    parts = [f"{one.name}: AUROC {number(one.curves.auroc)}, AP {number(one.curves.ap)}, "
             f"greatest F1 {number(one.curves.best[1])}" for one in runs]
    return f"{_ALT[what]} of {display_name(finding)}. {'; '.join(parts)}."


# -- lines


_ALT = {"roc": "ROC curve", "pr": "Precision-recall curve", "scores": "Histogram of scores",
        "thresholds": "F1, recall and precision against the threshold"}
_HOVER = {"fpr": "false positive rate", "recall": "recall", "precision": "precision", "f1": "F1"}
_NO_SCORES = Histogram(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)


def _bands(runs: Sequence[ShownCurves]) -> list[dict[str, Any]]:
    return [band_area(one.band, one.style) for one in runs if one.band and one.band.draws]


def _behind_means(view: str, runs: Sequence[ShownCurves], large: bool) -> list[dict[str, Any]]:
    """The runs that means are of, in a large chart alone."""
    return [behind_mean(one.name, one.style, own.lines[view]) for one in runs if large for own in one.repeats
            if view in own.lines]


def _curve(one: ShownCurves, curve: DrawnCurve, values: dict[str, str], large: bool) -> dict[str, Any]:
    """A line; on hover stand the exact numbers of the operating point that a drawn point belongs to.

    Args:
        values: {number to show, of `_HOVER`: "x" or "y" where a bend's coordinate is that number, else ""}.
    """
    shown = slice(None) if large else curve.bends
    tp, fp, positives, negatives = curve.tp[shown], curve.fp[shown], one.curves.positives, one.curves.negatives
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where there is no alarm, or no negative
        numbers = {"fpr": fp / negatives, "recall": tp / positives, "precision": tp / (tp + fp),
                   "f1": 2 * tp / (tp + fp + positives)}
    columns, texts = [curve.thresholds[shown]], ["threshold %{customdata[0]:.4g}"]
    for name, axis in values.items():
        place = axis if axis and not large else f"customdata[{len(columns)}]"
        columns += [] if axis and not large else [numbers[name]]
        texts.append(f"{_HOVER[name]} %{{{place}:.4f}}")
    if large:
        texts += [f"TP %{{customdata[{len(columns)}]:,.0f}} of {positives:,} with the finding",
                  f"FP %{{customdata[{len(columns) + 1}]:,.0f}} of {negatives:,} without it"]
        columns += [tp, fp]
    return {
        "type": "scatter", "mode": "lines" if len(curve.x) > 1 else "markers", "name": escape(one.name),
        "x": packed(curve.x[shown]), "y": packed(curve.y[shown]), "customdata": packed(np.column_stack(columns)),
        "hovertemplate": "<br>".join([escape(one.name), *texts]) + "<extra></extra>",
        "line": {"color": one.style.colour, "dash": one.style.dash, "width": 2.5 if large else 1.75},
    }


def _reader(at: RocPoint, large: bool) -> dict[str, Any]:
    """A cross; large with its intervals."""
    hover = (f"<b>{LABEL_READER}</b><br>recall {at.y:.3f} ({at.y_low:.3f} to {at.y_high:.3f})<br>"
             f"false positive rate {at.x:.3f} ({at.x_low:.3f} to {at.x_high:.3f})<extra></extra>")
    trace = {"type": "scatter", "mode": "markers", "x": [at.x], "y": [at.y], "name": LABEL_READER,
             "hovertemplate": hover, "marker": {"symbol": "x-thin", "size": 13 if large else 10,
                                                "line": {"width": 3, "color": _READER}, "color": _READER}}
    if large:
        for name, middle, low, high in (("error_x", at.x, at.x_low, at.x_high), ("error_y", at.y, at.y_low, at.y_high)):
            trace[name] = {"type": "data", "symmetric": False, "array": [high - middle], "arrayminus": [middle - low],
                           "color": _READER, "thickness": 1.4, "width": 0}
    return trace


def _iso_f1() -> dict[str, Any]:
    """All curves of equal F1 as one line with gaps: precision = F1 recall / (2 recall - F1)."""
    pieces = []
    for f1 in ISO_F1:
        recall = f1 / (2 - f1) + (2 - 2 * f1) / (2 - f1) * np.linspace(0, 1, 24) ** 2  # closer where it is steep
        pieces += [np.column_stack([recall, f1 * recall / (2 * recall - f1)]), [[np.nan, np.nan]]]
    x, y = np.concatenate(pieces).T
    return {"type": "scatter", "mode": "lines", "x": packed(x), "y": packed(y), "hoverinfo": "skip",
            "line": {"color": _FAINT, "width": 1.25}}


def _ring(one: ShownCurves) -> dict[str, Any]:
    threshold, f1 = one.curves.best
    hover = f"{escape(one.name)}<br>greatest F1 {f1:.4f}<br>at threshold {threshold:.4g}<extra></extra>"
    return {"type": "scatter", "mode": "markers", "x": [float(logit(threshold))], "y": [f1], "hovertemplate": hover,
            "name": escape(one.name), "marker": {"symbol": "circle-open", "size": 14, "color": one.style.colour,
                                                 "line": {"width": 2.5}}}


def _outline(one: ShownCurves, finding: str, edges: np.ndarray, films: np.ndarray, have: bool, large: bool,
             alone: bool) -> dict[str, Any]:
    colour = one.style.colour if have or not large else NEUTRAL
    share = np.append(films / films.sum(), 0) * (1 if have or large else -1)
    bounds = 1 / (1 + np.exp(-edges))
    data = np.column_stack([bounds, np.append(bounds[1:], 1), np.append(films, 0)])
    words = f"{'with' if have else 'without'} {display_name(finding).lower()}"
    return {
        "type": "scatter", "mode": "lines", "x": packed(edges), "y": packed(share),
        "name": escape(one.name), "customdata": packed(data),
        "hovertemplate": f"{escape(one.name)}<br>score %{{customdata[0]:.3g}} to %{{customdata[1]:.3g}}<br>"
                         f"%{{customdata[2]:,.0f}} of {films.sum():,} films {words}<extra></extra>",
        "line": {"shape": "hv", "color": colour, "width": 2 if large else 1.5,
                 "dash": "solid" if large else one.style.dash},
        **({"fill": "tozeroy", "fillcolor": f"{colour}40"} if alone else {}),
    }


def _texts(runs: Sequence[ShownCurves], value: Callable[[FindingCurves], float]) -> list[tuple[RunStyle, str]]:
    return [(one.style, number(value(one.curves))) for one in runs]


def _prevalence(curves: FindingCurves) -> float:
    return curves.positives / (curves.positives + curves.negatives)


def _clipped(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def undefined(shown: Sequence[ShownCurves], view: str) -> str:
    """Why nothing can be drawn of this finding, in words; empty where something can."""
    if view == "scores":
        drawable = any(one.curves.positives + one.curves.negatives for one in shown)
    else:
        drawable = any(one.curves.lines for one in shown)
    if drawable:
        return ""
    if not any(one.curves.positives + one.curves.negatives for one in shown):
        return NOTHING_KNOWN
    if not any(one.curves.positives for one in shown):
        return "None of the films has this finding: it has no AUROC, AP, F1 or recall, and stays out of the macro mean."
    return "All of the films have this finding: without others there is no false positive rate and no AUROC."
