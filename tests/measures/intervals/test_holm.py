"""Holm's correction by hand, and the verdict that follows it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.measures.intervals.holm import holm, verdicts


@pytest.mark.parametrize(("p", "expected"), [
    pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], id="0.03 x 2 is more than 0.04 x 1"),
    pytest.param([0.02, 0.02, 0.02], [0.06, 0.06, 0.06], id="equal ones"),
    pytest.param([0.5, 0.9], [1.0, 1.0], id="never above 1"),
    pytest.param([0.01, np.nan, 0.02, np.nan], [0.02, np.nan, 0.02, np.nan], id="what was not tested does not count"),
    pytest.param([], [], id="nothing"),
    pytest.param([[0.01, 0.2], [0.001, 0.04]], [[0.03, 0.2], [0.004, 0.08]], id="a family of two runs"),
])
def test_by_hand(p, expected):
    np.testing.assert_allclose(holm(np.array(p)), expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.001, 0.3), st.randoms())
def test_it_rejects_what_the_stepwise_rule_rejects(p, alpha, random):
    """Smallest first, against alpha / number left, until one is kept."""
    corrected = holm(np.array(p))
    kept = False
    for step, i in enumerate(np.argsort(p, kind="stable")):
        kept = kept or p[i] * (len(p) - step) > alpha
        assert (corrected[i] > alpha) == kept
    assert (corrected >= p).all() and (corrected <= 1).all()
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_allclose(holm(np.array(p)[order]), corrected[order])


def test_words_follow_the_corrected_test_alone():
    found = verdicts(np.array([0.01, -0.01, 0.5, 0.02]), np.array([0.01, 0.001, 0.03, np.nan]), "auroc")
    assert found.words.tolist() == ["better", "worse", "better", "untested"]
    np.testing.assert_allclose(found.p, [0.02, 0.003, 0.03, np.nan])
    assert (found.n_tests, found.n_untested) == (3, 1)
    alone, together = (verdicts(np.full(n, 0.01), np.full(n, 0.03), "auroc").words for n in (1, 2))
    assert alone.tolist() == ["better"] and together.tolist() == ["tied", "tied"]


@pytest.mark.parametrize(("measure", "word"), [("auroc", "better"), ("f1", "better"), ("brier", "worse"),
                                               ("ece", "worse")])
def test_more_is_not_always_better(measure, word):
    assert verdicts(np.array([0.1]), np.array([0.001]), measure).words.tolist() == [word]
