"""Derived findings: scores, labels and thresholds by one formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.errors import FindingError
from cxrcore.measures.derived import derived_labels, derived_scores, derived_threshold, formula

SCORES = st.floats(0, 1, width=32)
NAN = np.nan


def test_scores_are_those_of_independent_parts():
    parts = np.array([[0.5, 0.5], [0.2, 0.1], [0, 0], [1, 0.3], [0.3, 1], [0, 0.7], [NAN, 0.9], [1, NAN]], np.float32)
    found = derived_scores(parts)
    assert found.dtype == np.float32
    assert np.array_equal(found, np.float32([0.75, 0.28, 0, 1, 1, 0.7, NAN, NAN]), equal_nan=True)
    assert derived_scores(np.full((1, 3), 0.5, np.float32)) == [0.875]


def test_a_finding_of_one_part_is_that_part():
    tiny = np.array([[1e-30], [0.3], [1]], np.float32)
    assert np.array_equal(derived_scores(tiny), tiny[:, 0])
    assert derived_threshold(np.array([np.float32(0.3)])) == np.float32(0.3)


def test_labels_say_no_only_where_every_part_does():
    parts = np.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, NAN], [NAN, 1], [0, NAN], [NAN, NAN]])
    found = derived_labels(parts)
    assert found.dtype == np.float32
    assert np.array_equal(found, [1, 1, 1, 0, 1, 1, NAN, NAN], equal_nan=True)


def test_a_missing_threshold_leaves_none():
    assert np.isnan(derived_threshold(np.array([0.3, NAN])))
    assert derived_threshold(np.array([0.5, 0.5])) == 0.75


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=12))
def test_no_part_lowers_the_score_and_alarms_of_all_parts_are_an_alarm(pairs):
    low, high = np.sort(np.array(pairs, np.float32), axis=1).T
    under, over = derived_scores(np.stack([low, high]))
    assert 0 <= under <= over <= 1
    assert over >= high.max() - 1e-7  # never less likely than its likeliest part
    # Every score is at or over its part's threshold, as scores and thresholds are compared everywhere.
    assert np.float64(over) >= derived_threshold(low.astype(np.float64))
    assert np.float64(under) >= derived_threshold(low.astype(np.float64))


def test_the_formula_is_the_one_that_is_used():
    a, b, c = 0.3, 0.2, 0.6
    text = formula(["a", "b", "c"])
    assert text == "1 - (1 - a)(1 - b)(1 - c)"
    assert derived_threshold(np.array([a, b, c])) == pytest.approx(1 - (1 - a) * (1 - b) * (1 - c), abs=1e-7)
    assert formula(["Mass"]) == "Mass"


@pytest.mark.parametrize("made", [lambda: derived_scores(np.empty((3, 0))), lambda: derived_labels(np.empty((3, 0))),
                                  lambda: derived_threshold(np.empty(0)), lambda: formula([])])
def test_a_finding_made_of_nothing_is_refused(made):
    with pytest.raises(FindingError, match="at least one"):
        made()
