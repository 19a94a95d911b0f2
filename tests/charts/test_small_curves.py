"""What the browser is given to draw small curves from."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from cxrcore.charts import curves as charts
from cxrcore.charts.curve_marks import OperatingPoint
from cxrcore.charts.curves import ShownCurves, ShownMean
from cxrcore.charts.look import run_styles
from cxrcore.charts.small_curves import payload
from cxrcore.measures.curves import VIEWS, finding_curves

STYLES = list(run_styles(map(str, range(6))).values())
DRAW = {"roc": charts.roc_chart, "pr": charts.pr_chart, "scores": charts.scores_chart,
        "thresholds": lambda finding, runs, large: charts.threshold_chart(finding, "f1", runs, large)}


def shown(view, n_runs=2, n=3000):
    rng = np.random.default_rng(0)
    labels = (rng.random(n) < 0.2).astype(np.float32)
    return [ShownCurves(f"run <{i}>", STYLES[i], finding_curves(
        labels, rng.beta(1 + labels, 5).astype(np.float32), view)) for i in range(n_runs)]


def panel_of(view, runs):
    said, texts = charts.small_texts(view, "f1", runs)
    names = [one.name for one in runs]
    return payload.panel("Mass", "Mass", DRAW[view]("Mass", runs, False), texts, said, "alt", names)


def places(text):
    return np.frombuffer(base64.b64decode(text), "<u2").reshape(-1, 2) / payload.STEPS


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_becomes_lines_of_its_runs(view):
    panel = panel_of(view, shown(view, 6))
    assert json.loads(json.dumps(panel, allow_nan=False)) == panel
    assert {line["run"] for line in panel["lines"]} - {payload.NO_RUN} == set(range(6))
    assert all(0 <= place <= 1 for axis in ("x", "y") for place, _ in panel[axis]["ticks"])
    assert all(len(places(line.get("line") or line["area"])) for line in panel["lines"])


def test_a_line_is_where_the_curve_is():
    [one] = shown("roc", 1)
    [line] = [line for line in panel_of("roc", [one])["lines"] if line["run"] == 0]
    curve = one.curves.lines["roc"]
    x, y = places(line["line"]).T * 1.02 - 0.01  # the axes reach a hundredth beyond 0 and 1
    np.testing.assert_allclose(x, curve.x[curve.bends], atol=2e-5)
    np.testing.assert_allclose(y, curve.y[curve.bends], atol=2e-5)
    assert line["colour"] == one.style.colour


def test_marks_know_their_run_and_place():
    runs = [replace(one, point=OperatingPoint(0.2, "max F1", 30 + place, 40, 80, 320))
            for place, one in enumerate(shown("roc"))]
    marks = panel_of("roc", runs)["marks"]
    assert [mark["run"] for mark in marks] == [0, 1]
    assert [mark["y"] * 1.02 - 0.01 for mark in marks] == pytest.approx([30 / 80, 31 / 80], abs=2e-4)


def test_lines_of_equal_f1_belong_to_no_run_and_keep_their_gaps():
    panel = panel_of("pr", shown("pr", 1))
    assert sum(line["run"] == payload.NO_RUN for line in panel["lines"]) == len(charts.ISO_F1)
    assert [note["text"] for note in panel["notes"]] == [str(f1) for f1 in charts.ISO_F1]


def test_a_mean_has_its_line_and_area():
    x = np.linspace(0, 1, 9)
    one = ShownMean("run", STYLES[0], x, x**0.5)
    panel = payload.panel("", "Macro mean", charts.mean_chart("roc", [one]), ["0.7"], "AUROC", "alt", ["run"])
    assert len(panel["lines"]) == 1 and len(places(panel["lines"][0]["line"])) == 9


def test_one_payload_of_three_runs_is_light():
    """14 findings on films as many as NIH's test part has."""
    runs = shown("roc", 3, 22_433)
    each = len(json.dumps(panel_of("roc", runs))) * 14
    assert each < 150_000
