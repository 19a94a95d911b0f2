"""Charts of the Curves page: what they draw, as Plotly would check it."""

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from cxrcore.charts import curves as charts
from cxrcore.charts.curve_axes import logit_axis, share_axis
from cxrcore.charts.curves import Shown
from cxrcore.charts.look import run_styles
from cxrcore.curves import VIEWS, finding_curves, logit
from cxrcore.findings import FINDINGS

DRAW = {
    "roc": charts.roc_chart, "pr": charts.pr_chart, "scores": charts.scores_chart,
    "thresholds": lambda finding, runs, large: charts.threshold_chart(finding, "f1", runs, large),
}


def shown(view, n_runs=2, name="run {}", prevalence=0.2):
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < prevalence).astype(np.float32)
    styles = list(run_styles({str(i): "resnet18" for i in range(n_runs)}).values())
    return [Shown(name.replace("{}", str(i)), styles[i],
                  finding_curves(labels, rng.beta(1 + labels, 5).astype(np.float32), view)) for i in range(n_runs)]


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
    one = Shown("constant", shown("roc", 1)[0].style, curves)
    assert charts.threshold_chart("Mass", "recall", [one], True).data[0].mode == "markers"


def test_names_are_shown_as_they_were_typed():
    figure = charts.scores_chart("Mass", shown("scores", 1, name="<b>%{x}" + "x" * 60), large=True)
    assert "&lt;b>" in figure.layout.title.text and "…" in figure.layout.title.text
    assert figure.data[0].hovertemplate.startswith("&lt;b>% {x}xxx")


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
    nobody = Shown("empty", shown("roc", 1)[0].style, finding_curves(np.zeros(3), np.zeros(3, np.float32), "roc"))
    assert "AUROC –" in charts.curves_alt(FINDINGS[-1], "roc", [nobody])
