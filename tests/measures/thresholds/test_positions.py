"""Exact counts at any threshold, the positions of a handle, and how thresholds are written."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import confusion_matrix

from cxrcore.measures import metrics
from cxrcore.measures.thresholds.positions import POSITIONS, counts_at, positions, shortest_alike, sort_scores

CASES = json.loads((Path(__file__).parent / "decision_cases.json").read_text(encoding="utf-8"))

labels_of = hnp.arrays(np.float32, 40, elements=st.sampled_from([0.0, 1.0, np.nan]))
scores_of = hnp.arrays(np.float32, 40, elements=st.floats(0, 1, width=32))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_table_of_edge_cases(case):
    """The same table is read by the board in a browser."""
    labels, scores = (np.array(case[name], np.float32) for name in ("labels", "scores"))
    at = np.array([case["threshold"]], np.float64)
    for counts in (metrics.confusion(labels[:, None], scores[:, None], at),
                   counts_at([sort_scores(labels, scores)], at)):
        assert [int(getattr(counts, name)[0]) for name in ("tp", "fp", "fn", "tn")] == [
            case[name] for name in ("tp", "fp", "fn", "tn")]
        for name in ("f1", "recall", "precision", "specificity"):
            expected = np.nan if case[name] is None else case[name]
            np.testing.assert_equal(getattr(counts, name)[0], expected)


@settings(max_examples=80, deadline=None)
@given(labels_of, scores_of, hnp.arrays(np.float64, 3, elements=st.floats(0, 1)))
def test_counts_at_every_position_equal_scikit_learn(labels, scores, extra):
    found = sort_scores(labels, scores)
    ladder = positions(found, extra, n=24)
    assert (np.diff(ladder) > 0).all() and ladder[0] >= 0 and ladder[-1] <= 1
    assert np.isin(extra, ladder).all()
    known = ~np.isnan(labels)
    tp, fp = found.alarms(ladder)
    for i, threshold in enumerate(ladder):
        alarm = scores[known].astype(np.float64) >= threshold
        matrix = confusion_matrix(labels[known], alarm, labels=[0, 1]) if known.any() else np.zeros((2, 2))
        assert (tp[i], fp[i]) == (matrix[1, 1], matrix[0, 1])


@settings(max_examples=80, deadline=None)
@given(scores_of)
def test_the_ends_give_every_alarm_and_none(scores):
    found = sort_scores(np.ones(40, np.float32), scores)
    tp, _ = found.alarms(positions(found))
    assert tp[0] == 40
    assert tp[-1] == (scores == 1).sum()


def test_rare_findings_have_fine_steps():
    rng = np.random.default_rng(0)
    scores = (rng.beta(1, 200, 25_596)).clip(0, 0.0499).astype(np.float32)
    ladder = positions(sort_scores((rng.random(25_596) < 0.002).astype(np.float32), scores))
    assert POSITIONS * 0.9 < len(ladder) <= POSITIONS
    inside = ladder[(ladder > 0.005) & (ladder < 0.04)]
    assert len(inside) > 60
    assert (np.diff(inside) / inside[1:]).max() < 0.03


def test_positions_are_short_decimals():
    rng = np.random.default_rng(1)
    scores = (1 / (1 + np.exp(-rng.normal(-3, 1.5, 5000)))).astype(np.float32)
    ladder = positions(sort_scores((rng.random(5000) < 0.1).astype(np.float32), scores))
    assert max(len(f"{threshold:.15g}".replace("0.", "").lstrip("0")) for threshold in ladder) <= 5


def test_positions_do_not_depend_on_the_number_of_films():
    rng = np.random.default_rng(2)
    sizes = {len(positions(sort_scores((rng.random(n) < 0.1).astype(np.float32),
                                       rng.random(n).astype(np.float32)))) for n in (300, 3_000, 300_000)}
    assert max(sizes) <= POSITIONS and min(sizes) > 0.95 * POSITIONS


@settings(max_examples=150, deadline=None)
@given(scores_of, st.integers(0, 39) | st.floats(0, 1))
def test_the_short_text_decides_alike(scores, which):
    threshold = float(scores[which]) if isinstance(which, int) else which
    text = shortest_alike(threshold, sort_scores((np.arange(40) % 2).astype(np.float32), scores))
    alike = scores.astype(np.float64) >= float(text)
    assert (alike == (scores.astype(np.float64) >= threshold)).all()
    assert 0 <= float(text) <= 1


def test_a_fitted_threshold_is_written_short():
    scores = np.linspace(0.1, 0.9, 401, dtype=np.float32)
    text = shortest_alike(float(scores[57]), sort_scores((np.arange(401) % 3 == 0).astype(np.float32), scores))
    assert len(text) <= 6 and float(text) == pytest.approx(float(scores[57]), abs=5e-5)


def test_a_finding_without_known_films_still_has_positions():
    found = sort_scores(np.full(5, np.nan, np.float32), np.linspace(0, 1, 5, dtype=np.float32))
    ladder = positions(found, [0.5])
    assert found.n == 0 and 0.5 in ladder and len(ladder) > 2
