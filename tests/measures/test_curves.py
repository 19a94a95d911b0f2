"""Curves: areas equal scikit-learn's, drawings stay within the tolerance, counts are exact at every drawn point."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc

from cxrcore.measures import curve_thinning, curves, metrics
from cxrcore.measures.curves import MEASURES, VIEWS, finding_curves, merge_bins

TOLERANCE, MAX_POINTS = 0.002, 400  # what the page promises
ROUNDING = 1e-6  # drawn points are float32


@st.composite
def findings(draw):
    """Labels and float32 scores: few or many films, ties from none to all, separated, inverted or mixed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 3000))
    positives = draw(st.one_of(st.just(1), st.integers(1, n - 1)))
    labels = np.zeros(n, np.float32)
    labels[rng.choice(n, positives, replace=False)] = 1
    logits = rng.normal(draw(st.floats(-8, 3)), draw(st.floats(0.01, 3)), n)
    logits += labels * draw(st.sampled_from([0, 0.3, 1, 3, 50, -50]))
    scores = 1 / (1 + np.exp(-logits))
    levels = draw(st.sampled_from([None, 1, 2, 7, 60, 1000]))
    return labels, (scores if levels is None else np.round(scores * levels) / levels).astype(np.float32)


def distance(points, line):
    """Of each point (n, 2) from a polyline (m, 2), written anew: against every stretch."""
    start, way = line[:-1], np.diff(line, axis=0)
    length2 = np.maximum((way**2).sum(1), 1e-300)
    nearest = []
    for part in np.array_split(points, max(1, len(points) // 500)):
        share = np.clip(((part[:, None] - start) * way).sum(2) / length2, 0, 1)
        nearest.append(np.linalg.norm(part[:, None] - start - share[..., None] * way, axis=2).min(1))
    return np.concatenate(nearest).max()


def drawn(labels, scores, view):
    return finding_curves(labels, scores, view).lines


def line_of(curve):
    return np.column_stack([curve.x, curve.y]).astype(np.float64)


def area(line):
    return np.trapezoid(line[:, 1], line[:, 0])


def exact_roc(labels, scores):
    return np.column_stack(sklearn_roc(labels, scores.astype(float), drop_intermediate=False)[:2])


def exact_pr(labels, scores):
    """Recall and precision at every distinct score; scikit-learn's last point (0, 1) belongs to none."""
    precision, recall, _ = precision_recall_curve(labels, scores.astype(float))
    return np.column_stack([recall, precision])[:-1]


# -- exact numbers


@settings(max_examples=80, deadline=None)
@given(findings())
def test_areas_are_exact(finding):
    labels, scores = finding
    found = finding_curves(labels, scores, "scores")
    assert abs(found.auroc - roc_auc_score(labels, scores.astype(float))) < 1e-12
    assert abs(found.ap - average_precision_score(labels, scores.astype(float))) < 1e-12
    assert (found.positives, found.negatives) == (labels.sum(), (labels == 0).sum())


@settings(max_examples=40, deadline=None)
@given(findings(), st.sampled_from(list(VIEWS)))
def test_counts_at_drawn_points_are_those_of_the_decision(finding, view):
    """float64(score) >= threshold, as in `metrics.confusion`, at every point of every line."""
    labels, scores = finding
    lines = drawn(labels, scores, view)
    assert len(lines) == len(VIEWS[view])
    for line in lines.values():
        columns = (np.repeat(values[:, None], len(line.x), 1) for values in (labels, scores))
        counts = metrics.confusion(*columns, line.thresholds.astype(np.float64))
        assert (counts.tp == line.tp).all() and (counts.fp == line.fp).all()


@settings(max_examples=40, deadline=None)
@given(findings())
def test_measures_and_the_greatest_f1(finding):
    labels, scores = finding
    found = finding_curves(labels, scores, "thresholds")
    at = np.unique(scores).astype(np.float64)
    counts = metrics.confusion(np.repeat(labels[:, None], len(at), 1), np.repeat(scores[:, None], len(at), 1), at)
    assert found.best[1] == pytest.approx(counts.f1.max(), abs=1e-12)
    assert counts.f1[np.searchsorted(at, found.best[0])] == pytest.approx(found.best[1], abs=1e-12)
    for name in MEASURES:
        line = found.lines[name]
        of_counts = metrics.Counts(line.tp, line.fp, found.positives - line.tp, found.negatives - line.fp)
        assert np.allclose(line.y, getattr(of_counts, name), atol=TOLERANCE)
        assert np.allclose(line.y[line.bends], getattr(of_counts, name)[line.bends], atol=ROUNDING)
        assert (np.diff(line.x) <= 0).all() and len(line.x) <= MAX_POINTS
        inside = np.abs(curves.logit(at)) < 16
        exact = np.column_stack([curves.logit(at), getattr(counts, name)])[inside]
        if 2 <= len(at) <= 2000 and len(exact):  # above, not every score is looked at
            width = max(float(line.x[0] - line.x[-1]), curves.FINE_BIN)
            assert distance(exact / [width, 1], line_of(line) / [width, 1]) <= 0.003


# -- the drawing stays with the exact curve


@settings(max_examples=70, deadline=None)
@given(findings())
def test_the_drawn_roc_curve_is_within_the_tolerance(finding):
    labels, scores = finding
    line = line_of(drawn(labels, scores, "roc")["roc"])
    assert len(line) <= MAX_POINTS
    assert (line[0] == 0).all() and (line[-1] == 1).all()
    assert abs(area(line) - roc_auc_score(labels, scores.astype(float))) <= TOLERANCE + ROUNDING
    exact = exact_roc(labels, scores)
    assert distance(exact, line) <= TOLERANCE + ROUNDING
    assert distance(line, exact) <= TOLERANCE + ROUNDING  # and draws nothing beside it


@settings(max_examples=70, deadline=None)
@given(findings())
def test_the_drawn_pr_curve_is_within_the_tolerance(finding):
    labels, scores = finding
    line = line_of(drawn(labels, scores, "pr")["pr"])
    assert len(line) <= MAX_POINTS
    assert abs(area(line) - average_precision_score(labels, scores.astype(float))) <= TOLERANCE + ROUNDING
    assert line[0, 0] == 0 and line[-1] == pytest.approx([1, labels.mean()], abs=ROUNDING)
    assert distance(exact_pr(labels, scores), line) <= TOLERANCE + ROUNDING


def test_an_area_can_ask_for_more_points_than_the_distance_does():
    """A curve that runs beside the diagonal all the way is near it, but the strip between them is not small."""
    labels = np.r_[np.ones(27), np.tile([1.0, 0.0], 9973), np.zeros(27)]
    scores = np.linspace(1, 0, len(labels)).astype(np.float32)
    line = line_of(drawn(labels, scores, "roc")["roc"])
    assert abs(area(line) - roc_auc_score(labels, scores.astype(float))) <= TOLERANCE


def test_the_greatest_f1_is_drawn_even_if_one_score_has_it():
    labels = np.zeros(10_000, np.float32)
    labels[9] = 1
    scores = np.linspace(0.51, 0.5, 10_000).astype(np.float32)
    found = finding_curves(labels, scores, "thresholds")
    assert found.best[1] == pytest.approx(2 / 11) == found.lines["f1"].y.max()


def stairs(positives, negatives_between):
    """Labels by falling score: one positive, some negatives, and so on: a diagonal staircase as ROC curve."""
    labels = np.tile(np.r_[1, np.zeros(negatives_between)], positives)
    return labels, np.linspace(1, 0, len(labels)).astype(np.float32)


@pytest.mark.parametrize("positives", [150, 200, 250, 300])
def test_roc_stairs_that_corners_alone_cannot_hold(positives):
    labels, scores = stairs(positives, 25_596 // positives)
    line = line_of(drawn(labels, scores, "roc")["roc"])
    assert len(line) <= MAX_POINTS and distance(exact_roc(labels, scores), line) <= TOLERANCE + ROUNDING
    assert abs(area(line) - roc_auc_score(labels, scores.astype(float))) <= TOLERANCE


@pytest.mark.parametrize("positives", [150, 200, 250, 300])
def test_the_worst_pr_stairs_known_are_within_three_thousandths(positives):
    """Precision falls evenly with recall, in steps that are all a little larger than the tolerance."""
    n, rank = 25_596, np.arange(1, positives + 1)
    alarms = np.maximum(np.round(rank / (1 - rank / positives * (1 - positives / n))), rank)
    at = np.maximum.accumulate(np.minimum(alarms, n - positives + rank) - 1 - rank) + rank  # each at a place of its own
    labels = np.zeros(n)
    labels[at.astype(int)] = 1
    scores = np.linspace(1, 0, n).astype(np.float32)
    line = line_of(drawn(labels, scores, "pr")["pr"])
    assert labels.sum() == positives and len(line) <= MAX_POINTS
    assert distance(exact_pr(labels, scores), line) <= 0.003
    assert abs(area(line) - average_precision_score(labels, scores.astype(float))) <= TOLERANCE


def test_as_few_points_as_it_takes():
    rng = np.random.default_rng(0)
    labels = (rng.random(25_596) < 0.1).astype(np.float32)
    scores = (1 / (1 + np.exp(-rng.normal(-3, 1, 25_596) - 1.5 * labels))).astype(np.float32)
    assert drawn(labels, scores, "roc")["roc"].bends.sum() < 60
    assert drawn(labels, scores, "pr")["pr"].bends.sum() < 220
    perfect = drawn(np.r_[np.ones(50), np.zeros(50)], np.linspace(1, 0, 100).astype(np.float32), "roc")["roc"]
    assert line_of(perfect)[perfect.bends].tolist() == [[0, 0], [0, 1], [1, 1]]
    tied = drawn(np.r_[1.0, 0, 0], np.full(3, 0.25, np.float32), "roc")["roc"]
    assert line_of(tied).tolist() == [[0, 0], [1, 1]]  # one step, drawn as the diagonal
    assert tied.thresholds.tolist() == [np.inf, 0.25]


def test_steps_stay_steps_where_positives_are_few():
    line = drawn(np.array([1.0, 0, 1]), np.array([0.9, 0.5, 0.1], np.float32), "pr")["pr"]
    assert np.allclose(line_of(line), [[0, 1], [0.5, 1], [0.5, 0.5], [0.5, 2 / 3], [1, 2 / 3]])


def test_thinning_keeps_a_line_of_two_points_or_one():
    assert curve_thinning.thin(np.zeros((5, 2)))[1].tolist() == [0]
    points, place = curve_thinning.thin(np.column_stack([np.linspace(0, 1, 50)] * 2))
    assert points.tolist() == [[0, 0], [1, 1]] and place.tolist() == [0, 49]


@settings(max_examples=40, deadline=None)
@given(findings(), st.sampled_from(["roc", "pr"]))
def test_stops_on_straight_stretches_bend_nothing_and_are_near_their_operating_point(finding, view):
    labels, scores = finding
    curve = drawn(labels, scores, view)[view]
    line, n = line_of(curve), len(labels)
    assert distance(line, line[curve.bends]) < 1e-6 and curve.bends[[0, -1]].all()
    assert np.isclose(np.hypot(*np.diff(line, axis=0).T).sum(), np.hypot(*np.diff(line[curve.bends], axis=0).T).sum(),
                      atol=1e-4)  # no way back
    if view == "roc":
        exact = np.column_stack([curve.fp / (n - labels.sum()), curve.tp / labels.sum()])
        assert np.hypot(*(line - exact).T).max() <= TOLERANCE + ROUNDING
        assert np.isfinite(curve.thresholds[1:]).all()


def test_a_pointer_finds_a_hold_on_a_long_straight_stretch():
    labels = np.tile([1.0, 0.0], 2000)
    curve = drawn(labels, np.linspace(1, 0, 4000).astype(np.float32), "roc")["roc"]
    assert curve.bends.sum() < 5 and 30 < len(curve.x) < 60
    assert np.allclose(curve.fp / 2000, curve.x, atol=TOLERANCE)
    assert np.allclose(curve.tp / 2000, curve.y, atol=TOLERANCE)


# -- undefined


@pytest.mark.parametrize("view", VIEWS)
def test_undefined_is_nan_and_draws_nothing(view):
    scores = np.array([0.1, 0.2, 0.3], np.float32)
    none = finding_curves(np.zeros(3, np.float32), scores, view)
    assert np.isnan([none.auroc, none.ap, *none.best]).all() and none.lines == {}
    unknown = finding_curves(np.full(3, np.nan, np.float32), scores, view)
    assert (unknown.positives, unknown.negatives) == (0, 0) and unknown.lines == {}
    without_scores = finding_curves(np.ones(3, np.float32), np.full(3, np.nan, np.float32), view)
    assert (without_scores.positives, without_scores.negatives) == (0, 0)


def test_without_negatives_there_is_no_roc_but_the_rest():
    labels, scores = np.ones(3, np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    assert drawn(labels, scores, "roc") == {}
    found = finding_curves(labels, scores, "pr")
    assert np.isnan(found.auroc) and found.ap == 1 and (found.lines["pr"].y == 1).all()


def test_unknown_labels_and_scores_leave_the_finding():
    labels = np.array([1, 0, np.nan, 1, 0], np.float32)
    scores = np.array([0.8, 0.3, 0.99, np.nan, 0.9], np.float32)
    found = finding_curves(labels, scores, "scores")
    assert (found.positives, found.negatives, found.auroc) == (1, 2, 0.5)
    assert found.histogram.positives.sum() == 1 and found.histogram.negatives.sum() == 2


# -- histograms


@settings(max_examples=40, deadline=None)
@given(findings())
def test_every_film_falls_into_the_bin_of_its_score(finding):
    labels, scores = finding
    found = finding_curves(labels, scores, "scores").histogram
    edges, [(positives, negatives)] = merge_bins([found], 40)
    assert positives.sum() == labels.sum() and negatives.sum() == (labels == 0).sum()
    assert len(positives) == len(edges) - 1 <= 41
    z = curves.logit(scores[labels == 1]).clip(max=curves.LOGIT_LIMIT - 1e-9)
    assert (np.histogram(z, edges)[0] == positives).all()


def test_merged_bins_are_common_to_all_runs():
    rng = np.random.default_rng(0)
    labels = (rng.random(500) < 0.3).astype(np.float32)
    narrow, wide = (finding_curves(labels, (1 / (1 + np.exp(-rng.normal(-2, width, 500)))).astype(np.float32),
                                   "scores").histogram for width in (0.1, 2))
    edges, counts = merge_bins([narrow, wide], 40)
    assert all(len(films) == len(edges) - 1 for pair in counts for films in pair)
    assert all(positives.sum() == labels.sum() for positives, _ in counts)
    assert np.allclose(np.diff(edges), edges[1] - edges[0])


def test_scores_of_exactly_0_and_1_have_a_place():
    scores = np.array([0, 1, 1e-45, 1 - 2**-24], np.float32)
    found = finding_curves(np.array([0, 1, 0, 1], np.float32), scores, "scores")
    assert found.auroc == 1 and found.histogram.positives.sum() == 2
    assert (np.abs(curves.logit(scores)) <= curves.LOGIT_LIMIT).all()
