"""Charts of the Curves page: what they draw, as Plotly would check it."""

import base64
import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from cxrcore.charts import curves as charts
from cxrcore.charts import reliability
from cxrcore.charts.curve_axes import level, logit_axis, share_axis
from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.charts.curves import ShownCurves
from cxrcore.charts.look import run_styles
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures.curves import VIEWS, finding_curves, logit
from cxrcore.measures.intervals.curve_bands import CURVES, Band
from cxrcore.measures.reliability import finding_reliability

BAND = Band(np.array([0, 0.5, 1]), np.array([0, 0.25, 1]), np.array([0, 0.75, 1]), 100, 0)

DRAW = {
    "roc": charts.roc_chart, "pr": charts.pr_chart, "scores": charts.scores_chart,
    "thresholds": lambda finding, runs, large: charts.threshold_chart(finding, "f1", runs, large),
}


def shown(view, n_runs=2, name="run {}", prevalence=0.2):
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < prevalence).astype(np.float32)
    styles = list(run_styles(map(str, range(n_runs))).values())
    return [ShownCurves(name.replace("{}", str(i)), styles[i],
                        finding_curves(labels, rng.beta(1 + labels, 5).astype(np.float32), view))
            for i in range(n_runs)]


def numbers(packed):
    flat = np.frombuffer(base64.b64decode(packed["bdata"]), "<" + packed["dtype"])
    return flat.reshape([int(n) for n in packed["shape"].split(",")]) if "shape" in packed else flat


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("large", [True, False])
def test_plotly_finds_no_fault_in_any_chart(view, large):
    """They are built unchecked."""
    figure = DRAW[view]("Pleural_Thickening", shown(view, 1 if large and view == "scores" else 6), large)
    as_sent = json.loads(figure.to_json())
    checked = go.Figure(as_sent)
    assert len(checked.data) >= 2 - (view == "roc")
    assert checked.layout.title.text.startswith("Pleural thickening")
    assert checked.layout.xaxis.title.text and checked.layout.yaxis.title.text
    assert checked.layout.xaxis.title.font.size >= 14 and checked.layout.yaxis.tickfont.size >= 14


def test_small_titles_hold_a_figure_for_each_run():
    runs = shown("roc", 6)
    title = charts.roc_chart("Mass", runs, large=False).layout.title.text
    assert [f"{one.curves.auroc:.3f}" in title for one in runs] == [True] * 6
    assert title.count("<br>") == 2  # three in a row
    assert f"AP {runs[0].curves.ap:.3f}" in charts.pr_chart("Mass", runs[:1], large=False).layout.title.text


def test_long_names_of_findings_take_lines_of_their_own_and_axes_stay_in_rows():
    names = ("Mass", "Enlarged_cardiomediastinum", "Hilar_calcified_granuloma_of_the_left_side")
    small = [charts.roc_chart(name, shown("roc"), large=False) for name in names]
    assert small[2].layout.title.text.startswith("Hilar calcified granuloma of<br>the left side <")
    before = [figure.layout.height - figure.layout.margin.t for figure in small]
    level(small)
    assert len({(figure.layout.height, figure.layout.margin.t) for figure in small}) == 1
    assert {figure.layout.height - figure.layout.margin.t for figure in small} == set(before)
    level([])


def test_hover_tells_threshold_and_exact_counts():
    one = shown("pr", 1)[0]
    line = charts.pr_chart("Mass", [one], large=True).data[1]
    threshold, recall, precision, tp, fp = numbers(line.customdata).T
    assert np.allclose(recall, tp / one.curves.positives)
    assert np.allclose(precision, tp / (tp + fp)) and (np.diff(threshold) <= 0).all()
    assert f"of {one.curves.positives:,} with the finding" in line.hovertemplate
    small = charts.pr_chart("Mass", [one], large=False).data[1]
    assert len(numbers(small.x)) == one.curves.lines["pr"].bends.sum() < len(numbers(line.x))


def test_prevalence_chance_and_equal_f1_are_guides():
    roc, pr = charts.roc_chart("Mass", shown("roc"), True), charts.pr_chart("Mass", shown("pr"), True)
    assert (roc.layout.shapes[0].x0, roc.layout.shapes[0].y0, roc.layout.shapes[0].y1) == (0, 0, 1)
    prevalence = shown("pr")[0].curves.positives / 400
    assert [shape.y0 for shape in pr.layout.shapes] == [prevalence]  # the runs' films are the same
    recall, precision = numbers(pr.data[0].x), numbers(pr.data[0].y)
    f1 = 2 * recall * precision / (recall + precision)
    assert sorted(set(np.round(f1[~np.isnan(f1)], 4))) == pytest.approx(list(charts.ISO_F1))
    assert [note.text for note in pr.layout.annotations] == ["F1 0.2", "F1 0.4", "F1 0.6", "F1 0.8"]


def test_the_greatest_f1_is_ringed():
    one = shown("thresholds", 1)[0]
    ring = charts.threshold_chart("Mass", "f1", [one], True).data[1]
    assert (ring.x[0], ring.y[0]) == (pytest.approx(float(logit(one.curves.best[0]))), one.curves.best[1])
    assert len(charts.threshold_chart("Mass", "recall", [one], True).data) == 1


def test_mirrored_histograms_hold_each_class_in_percent_of_itself():
    figure = charts.scores_chart("Mass", shown("scores", 2), large=False)
    sums = [numbers(trace.y).sum() for trace in figure.data]
    assert np.allclose(sorted(sums), [-1, -1, 1, 1], atol=1e-5)
    figure = charts.scores_chart("Mass", shown("scores", 1), large=True)
    assert [round(float(numbers(trace.y).sum()), 4) for trace in figure.data] == [1, 1]


def test_one_score_for_all_films_is_a_visible_point():
    curves = finding_curves(np.array([1.0, 0.0]), np.full(2, 0.25, np.float32), "thresholds")
    one = ShownCurves("constant", shown("roc", 1)[0].style, curves)
    assert charts.threshold_chart("Mass", "recall", [one], True).data[0].mode == "markers"


def test_names_are_shown_as_they_were_typed():
    figure = charts.scores_chart("Mass", shown("scores", 1, name="<b>%{x}" + "x" * 60), large=True)
    assert "&lt;b>" in figure.layout.title.text and "…" in figure.layout.title.text
    assert figure.data[0].hovertemplate.startswith("&lt;b>%&#123;x}xxx")


@pytest.mark.parametrize(("low", "high"), [(-14, 3), (-3, -2.9), (-0.5, 0.5), (-16, 16), (-6.9, -6.9)])
@pytest.mark.parametrize("large", [True, False])
def test_ticks_of_a_logit_axis_never_overlap(low, high, large):
    ticks = np.sort(logit_axis("Score", [low, high], large)["tickvals"])
    assert len(ticks) <= 7 and (np.diff(ticks) > (high - low) / 7).all()
    if high - low > 10:
        assert len(ticks) >= 3


@pytest.mark.parametrize("highest", [0.0, 0.021, 0.3, 1.0])
@pytest.mark.parametrize("mirrored", [True, False])
def test_share_axes_have_ticks_and_hold_the_highest_bar(highest, mirrored):
    axis = share_axis(highest, mirrored)
    assert axis["range"][1] >= highest and len(axis["tickvals"]) >= 2
    assert not any("-" in text for text in axis["ticktext"])


def test_every_view_says_itself_in_words():
    for view in VIEWS:
        said = charts.curves_alt("Mass", view, shown(view))
        assert "Mass" in said and "run 0: AUROC 0." in said and "run 1" in said
    nobody = ShownCurves("empty", shown("roc", 1)[0].style, finding_curves(np.zeros(3), np.zeros(3, np.float32), "roc"))
    assert "AUROC –" in charts.curves_alt(NIH_FINDINGS[-1], "roc", [nobody])


# -- marks, bands, reliability


def with_points(view, threshold, n_runs=2):
    point = OperatingPoint(threshold, "max F1", 30, 40, 80, 320)
    return [replace(one, point=point) for one in shown(view, n_runs)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("large", [True, False])
def test_plotly_finds_no_fault_in_marks_and_bands(view, large):
    runs = [replace(one, band=BAND) for one in with_points(view, 0.2)]
    runs = runs[:1] if view == "scores" and large else runs
    checked = go.Figure(json.loads(DRAW[view]("Mass", runs, large).to_json()))
    marks = checked.data[-1]
    assert marks.name == "operating points" and marks.hovertext[0].startswith("run 0<br>threshold 0.2 (max F1)")
    assert len([trace for trace in checked.data if trace.fill == "toself"]) == (2 if view in CURVES else 0)


def test_marks_stand_at_their_exact_place():
    for view, place in (("roc", (40 / 320, 30 / 80)), ("pr", (30 / 80, 30 / 70)),
                        ("thresholds", (float(logit(0.2)), 60 / 150)), ("scores", (float(logit(0.2)), 0))):
        marks = DRAW[view]("Mass", with_points(view, 0.2, 1), False).data[-1]
        assert (marks.x[0], marks.y[0]) == pytest.approx(place, abs=1e-12)


@pytest.mark.parametrize(("threshold", "symbol"), [(1e-7, "triangle-left"), (1 - 1e-7, "triangle-right")])
def test_a_mark_beyond_the_axis_becomes_an_arrow_at_its_edge(threshold, symbol):
    for view in ("thresholds", "scores"):
        figure = DRAW[view]("Mass", with_points(view, threshold, 1), True)
        low, high = figure.layout.xaxis.range
        assert figure.data[-1].marker.symbol[0] == symbol and low <= figure.data[-1].x[0] <= high
        assert not [shape for shape in figure.layout.shapes or () if shape.x0 == float(logit(threshold))]


def test_a_band_is_an_area_between_its_ends():
    [area] = [trace for trace in charts.roc_chart("Mass", [replace(shown("roc", 1)[0], band=BAND)], True).data
              if trace.fill]
    assert numbers(area.x).tolist() == [0, 0.5, 1, 1, 0.5, 0] and numbers(area.y).tolist() == [0, 0.25, 1, 1, 0.75, 0]
    nobody = replace(BAND, draws=0)
    assert not [trace for trace in charts.roc_chart("Mass", [replace(shown("roc", 1)[0], band=nobody)], True).data
                if trace.fill]


def reliabilities(n_runs, prevalence=0.2, scale=1.0):
    rng = np.random.default_rng(1)
    labels = (rng.random(900) < prevalence).astype(np.float32)
    styles = list(run_styles(map(str, range(n_runs))).values())
    return [reliability.ShownReliability(f"run {i}", styles[i], finding_reliability(
        labels, scale * rng.beta(1 + labels, 5), np.arange(900) // 3)) for i in range(n_runs)]


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("n_runs", [1, 6])
def test_plotly_finds_no_fault_in_reliability_charts(large, n_runs):
    runs = reliabilities(n_runs)
    figure = go.Figure(json.loads(reliability.reliability_chart("Mass", runs, large).to_json()))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert all((trace.error_y.array is not None) == large for trace in figure.data)
    if n_runs == 1 or not large:
        assert f"{runs[0].curve.ece:.3f}" in figure.layout.title.text
    assert "run 0: ECE 0." in reliability.reliability_alt("Mass", runs)


def test_bins_without_the_finding_are_hollow_and_at_the_edge():
    [one] = reliabilities(1, prevalence=0.004)
    assert (one.curve.hits == 0).any() and (one.curve.hits > 0).any()
    line, hollow = reliability.reliability_chart("Mass", [one], True).data
    low, _ = reliability.reliability_chart("Mass", [one], True).layout.yaxis.range
    heights = [y for y in hollow.y if y is not None]
    assert hollow.marker.symbol == "circle-open" and len(heights) == (one.curve.hits == 0).sum()
    assert all(low <= y <= low + 0.1 for y in heights) and line.y.count(None) == len(heights)


@pytest.mark.parametrize("scale", [1e-9, 0.0])
def test_scores_far_below_all_shares_do_not_squeeze_the_chart(scale):
    figure = reliability.reliability_chart("Mass", reliabilities(1, scale=scale), True)
    low, high = figure.layout.xaxis.range
    assert high - low < 9 and all(low <= x <= high for x in figure.data[0].x)
