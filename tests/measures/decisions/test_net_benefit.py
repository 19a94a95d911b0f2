"""Net benefit against the paper's formula written straight from it, and the best line against every line there is."""

import clustered_films
import numpy as np
import pytest

from cxrcore.errors import UsageError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.measures import calibration
from cxrcore.measures.decisions.net_benefit import (
    CUTOFFS,
    best_line,
    best_worth_range,
    cutoff_of,
    decision_curves,
    net_benefit,
    net_benefit_at,
    worth_range,
)
from cxrcore.measures.metrics import confusion
from cxrcore.measures.thresholds import fitting
from cxrcore.measures.thresholds.positions import UNREACHED


def by_the_paper(outcome, probability, cutoff, prevalence=None):
    """Vickers and Elkin 2006, film by film: (network, alarm for all)."""
    share = outcome.mean() if prevalence is None else prevalence
    treated = probability >= cutoff
    true_rate = (treated & (outcome == 1)).sum() / (outcome == 1).sum() * share
    false_rate = (treated & (outcome == 0)).sum() / (outcome == 0).sum() * (1 - share)
    odds = cutoff / (1 - cutoff)
    return true_rate - false_rate * odds, share - (1 - share) * odds


@pytest.fixture(scope="module")
def films():
    """Fourteen findings; one without positives, and some films unknown."""
    found = clustered_films.simulate(5, 400, np.linspace(0.02, 0.4, len(NIH_FINDINGS)))[0]
    found.labels[:, 3] = 0
    found.labels[::7, 5] = np.nan
    return found


@pytest.mark.parametrize("prevalence", [None, 0.05])
def test_curves_are_those_of_the_paper_at_99_cut_offs(films, prevalence):
    scores = films.scores.astype(np.float32)
    found = decision_curves(films.labels, scores, prevalence=prevalence)
    assert found.network.shape == (14, 99) and not found.calibrated
    for k in range(14):
        known = ~np.isnan(films.labels[:, k])
        outcome, probability = films.labels[known, k].astype(np.float64), scores[known, k].astype(np.float64)
        if not outcome.any():
            assert np.isnan(found.network[k]).all() and np.isnan(found.for_all[k]).all()
            continue
        wanted = np.array([by_the_paper(outcome, probability, t, prevalence) for t in np.arange(1, 100) / 100])
        assert np.abs(found.network[k] - wanted[:, 0]).max() < 1e-12
        assert np.abs(found.for_all[k] - wanted[:, 1]).max() < 1e-12


def test_calibrated_curves_are_read_on_probabilities(films):
    """Scores that are no probabilities promise another curve than their calibrated ones."""
    maps = calibration.fit_calibrator(films.labels, films.scores, NIH_FINDINGS, "platt")
    found = decision_curves(films.labels, films.scores, calibrator=maps)
    plain = decision_curves(films.labels, maps(films.scores))
    assert found.calibrated and np.array_equal(found.network, plain.network, equal_nan=True)
    assert np.isnan(found.network[3]).all()
    raw = decision_curves(films.labels, films.scores)
    assert np.nanmax(np.abs(found.network - raw.network)) > 0.01


@pytest.mark.parametrize("prevalence", [None, 0.02, 0.6])
@pytest.mark.parametrize("ratio", [0.2, 1, 7.5, 300])
def test_the_best_line_is_the_best_of_all(films, ratio, prevalence):
    scores = np.round(films.scores, 2).astype(np.float32)  # with ties
    for k in (0, 5, 13):
        found = best_line(films.labels[:, k], scores[:, k], ratio, prevalence)
        known = ~np.isnan(films.labels[:, k])
        outcome, probability = films.labels[known, k].astype(np.float64), scores[known, k].astype(np.float64)
        every = [*np.unique(probability), UNREACHED]
        recall = np.array([(probability[outcome == 1] >= t).mean() for t in every])
        alarms = np.array([(probability[outcome == 0] >= t).mean() for t in every])
        share = outcome.mean() if prevalence is None else prevalence
        worth = recall * share - alarms * (1 - share) / ratio
        assert abs(found.net_benefit - worth.max()) < 1e-12
        at = every.index(found.threshold)
        assert abs(worth[at] - worth.max()) < 1e-12 and not (worth[at + 1:] > worth.max() - 1e-14).any()


def test_the_best_line_is_the_threshold_of_least_cost(films):
    for ratio in (1.0, 10.0):
        cost = fitting.fit_thresholds(films.labels, films.scores, NIH_FINDINGS, "cost", ratio).thresholds
        found = [best_line(films.labels[:, k], films.scores[:, k], ratio) for k in range(14)]
        for one, threshold in zip(found, cost, strict=True):
            never = threshold == fitting.NEVER and one.threshold == UNREACHED
            assert np.isnan(one.threshold) or never or one.threshold == threshold


def test_the_range_of_ratios_is_where_the_line_is_worth_more_than_both(films):
    counts = confusion(films.labels, films.scores, np.full(14, 0.35))
    prevalence = np.linspace(0.01, 0.6, 14)
    found = worth_range(counts.recall, counts.specificity, prevalence)
    assert np.isnan(found.low[3]) and (~np.isnan(found.low)).sum() > 8
    for k in np.flatnonzero(~np.isnan(found.low)):
        for ratio in np.geomspace(0.01, 1e4, 400):
            t = cutoff_of(ratio)
            own = net_benefit_at(counts.recall[k], counts.specificity[k], prevalence[k], t)
            better = own > max(0, net_benefit_at(1.0, 0.0, prevalence[k], t))
            assert better == (found.low[k] < ratio < found.high[k])


def test_the_range_of_the_network_is_that_of_its_best_lines(films):
    found = best_worth_range(films.labels, films.scores)
    for k in (0, 7, 13):
        share = (films.labels[:, k] == 1).mean()
        for ratio in np.geomspace(0.02, 2e3, 60):
            best = best_line(films.labels[:, k], films.scores[:, k], ratio).net_benefit
            better = best > max(0, net_benefit_at(1.0, 0.0, share, cutoff_of(ratio))) + 1e-15
            assert better == (found.low[k] < ratio < found.high[k])
    assert np.isnan(found.low[3]) and np.isnan(found.high[3])


def test_guessing_is_worth_more_than_both_for_no_ratio():
    found = worth_range(np.array([0.5, 0.3, 0.0, 1.0]), np.array([0.5, 0.6, 1.0, 0.0]), 0.2)
    assert np.isnan(found.low).all() and np.isnan(found.high).all()
    same = best_worth_range(np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]]))
    assert np.isnan(same.low).all()


@pytest.mark.parametrize("ratio", [0, -1, np.nan, np.inf])
def test_a_ratio_that_is_no_number_above_0_is_refused(ratio):
    with pytest.raises(UsageError, match="harm ratio"):
        best_line(np.array([1.0, 0.0]), np.array([0.9, 0.1]), ratio)


def test_other_bad_input_is_refused():
    with pytest.raises(UsageError, match="cut-off 1"):
        net_benefit(1, 1, 10, 1.0)
    with pytest.raises(UsageError, match="prevalence 0"):
        worth_range(np.array([0.5]), np.array([0.5]), 0)
    assert np.isnan(net_benefit(0, 0, 0, 0.1)) and len(CUTOFFS) == 99
