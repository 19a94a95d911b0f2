"""Means, spreads and differences over seeds, held against scipy's tests."""

import numpy as np
import pytest
from scipy import stats

from cxrcore.errors import UsageError
from cxrcore.measures.intervals.seed_spread import seed_difference, seed_spread

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.normal(0.8, 0.01, (3, 5)), RNG.normal(0.79, 0.02, (4, 5))


def test_spread_is_that_of_one_repeat():
    found = seed_spread(ONE)
    np.testing.assert_allclose(found.mean, ONE.mean(axis=0))
    np.testing.assert_allclose(found.sd, stats.tstd(ONE, axis=0))
    assert found.n == 3 and np.isnan(seed_spread(ONE[:1]).sd).all()


def test_unpaired_is_welch_s():
    found, known = seed_difference(ONE, OTHER), stats.ttest_ind(ONE, OTHER, equal_var=False)
    ends = known.confidence_interval(0.95)
    np.testing.assert_allclose(found.low, ends.low)
    np.testing.assert_allclose(found.high, ends.high)
    np.testing.assert_allclose(found.p, known.pvalue)
    assert not found.paired


def test_paired_is_student_s_of_the_differences():
    other = ONE - 0.01 + RNG.normal(0, 0.001, ONE.shape)
    found, known = seed_difference(ONE, other, paired=True), stats.ttest_rel(ONE, other)
    ends = known.confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], [ends.low, ends.high])
    np.testing.assert_allclose(found.p, known.pvalue)
    unpaired = seed_difference(ONE, other)
    assert found.paired and (found.high - found.low < unpaired.high - unpaired.low).all()
    with pytest.raises(UsageError):
        seed_difference(ONE, OTHER, paired=True)


def test_one_repeat_or_none_that_varies_gives_what_can_be_known():
    alone = seed_difference(ONE[:1], OTHER)
    np.testing.assert_allclose(alone.point, ONE[0] - OTHER.mean(axis=0))
    assert np.isnan([alone.low, alone.high, alone.p]).all()
    still = seed_difference(np.full((2, 1), 0.8), np.full((3, 1), 0.7))
    assert still.low == still.high == still.point and np.isnan(still.p)
    missing = ONE.copy()
    missing[1, 2] = np.nan
    found = seed_difference(missing, OTHER)
    assert np.isnan([found.point[2], found.low[2], found.p[2]]).all() and not np.isnan(found.low[[0, 1, 3, 4]]).any()


def test_the_interval_covers_what_it_promises():
    """Of 2,000 pairs of trainings with spreads that differ, 3 and 5 seeds each."""
    rng = np.random.default_rng(1)
    found = seed_difference(rng.normal(0.5, 0.01, (3, 2000)), rng.normal(0.45, 0.03, (5, 2000)))
    assert 0.935 < ((found.low < 0.05) & (found.high > 0.05)).mean() < 0.975
