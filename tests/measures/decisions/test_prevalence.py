"""Predictive values at another prevalence, against counts of films and against draws made by hand."""

import clustered_films
import numpy as np
import pytest

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.prevalence import MEASURES, at_prevalence, in_draws
from cxrcore.measures.intervals.draws import patient_draws
from cxrcore.measures.intervals.intervals import resample
from cxrcore.measures.metrics import confusion


def test_it_is_bayes_theorem():
    """Against films counted one by one: a million of them, of which pi have the finding."""
    for recall, specificity, share in np.random.default_rng(0).uniform(0.01, 0.99, (300, 3)):
        found = at_prevalence(recall, specificity, share)
        tp, fn = share * recall * 1e6, share * (1 - recall) * 1e6
        fp, tn = (1 - share) * (1 - specificity) * 1e6, (1 - share) * specificity * 1e6
        assert abs(found.ppv - tp / (tp + fp)) < 1e-12 and abs(found.npv - tn / (tn + fn)) < 1e-12
        assert abs(found.alarms_per_1000 - (tp + fp) / 1e3) < 1e-9 and abs(found.misses_per_1000 - fn / 1e3) < 1e-9


def test_at_the_films_own_prevalence_they_are_the_exact_counts():
    films = clustered_films.simulate(1, 200, (0.1, 0.3))[0]
    counts = confusion(films.labels, films.scores, np.array([0.3, 0.4]))
    n, positives = len(films.labels), counts.tp + counts.fn
    found = at_prevalence(counts.recall, counts.specificity, positives / n)
    assert np.allclose(found.ppv, counts.precision, atol=1e-12, rtol=0)
    assert np.allclose(found.alarms_per_1000, 1000 * (counts.tp + counts.fp) / n, atol=1e-9, rtol=0)
    assert np.allclose(found.misses_per_1000, 1000 * counts.fn / n, atol=1e-9, rtol=0)


def test_what_is_undefined_is_nan():
    found = at_prevalence(np.array([0.0, 1.0, np.nan, 0.5]), np.array([1.0, 0.0, 0.9, 0.9]),
                          np.array([0.1, 0.1, 0.1, np.nan]))
    assert np.isnan(found.ppv).tolist() == [True, False, True, True]
    assert np.isnan(found.npv).tolist() == [False, True, True, True]
    assert found.alarms_per_1000[:2].tolist() == [0, 1000]


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 1.5, np.inf])
def test_a_prevalence_of_nobody_or_everybody_is_refused(prevalence):
    with pytest.raises(UsageError, match="is not above 0 and below 1"):
        at_prevalence(0.5, 0.5, prevalence)
    with pytest.raises(UsageError, match="is not above 0 and below 1"):
        at_prevalence(np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([0.5, prevalence]))


def test_intervals_come_from_each_draw_of_patients():
    films = clustered_films.simulate(2, 150, (0.2, 0.1))[0]
    draws = patient_draws(films.patient_ids, films.image_ids, 200)
    thresholds = np.array([0.3, 0.4])
    found = in_draws(resample(films, draws, ("recall", "specificity"), thresholds), np.array([0.02, 0.3]))
    assert tuple(found) == MEASURES
    owners, ppv = draws.owners(films.patient_ids, films.image_ids), []
    for drawn in draws.counts.T:
        rows = np.repeat(np.arange(len(owners)), drawn[owners])
        counts = confusion(films.labels[rows], films.scores[rows], thresholds)
        recall, alarm = counts.recall[0], 1 - counts.specificity[0]
        ppv.append(0.02 * recall / (0.02 * recall + 0.98 * alarm))
    assert np.allclose([found["ppv"].low[0], found["ppv"].high[0]], np.nanpercentile(ppv, [2.5, 97.5]), atol=1e-12)
    assert found["ppv"].low[0] < found["ppv"].point[0] < found["ppv"].high[0]
    assert np.isclose(found["ppv"].point[-1], found["ppv"].point[:2].mean())


def test_intervals_need_recall_and_specificity():
    films = clustered_films.simulate(3, 20)[0]
    found = resample(films, patient_draws(films.patient_ids, films.image_ids, 10), ("recall",), np.array([0.3]))
    with pytest.raises(UsageError, match="recall and specificity"):
        in_draws(found, 0.1)
