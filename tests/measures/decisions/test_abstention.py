"""Bands between no and yes, against every film and every pair of lines looked at one by one."""

import numpy as np
import pytest

from cxrcore.errors import UsageError
from cxrcore.measures.decisions.abstention import ASK, NO, YES, Bands, answers, band_counts, miss_at_most, refer_at_most
from cxrcore.measures.thresholds.positions import UNREACHED


def films(seed, n=60, digits=2):
    """Scores with ties, some of them 0 and 1, and unknown labels and scores."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < [0.3, 0.1, 0.5]).astype(np.float64)
    scores = np.round((rng.normal(-1, 1, (n, 3)) + 1.2 * labels) / 6 + 0.4, digits).clip(0, 1).astype(np.float32)
    labels[rng.random((n, 3)) < 0.05] = np.nan
    scores[rng.random((n, 3)) < 0.05] = np.nan
    labels[0], scores[0] = 1, 0.6  # no finding without positives
    return labels, scores


def counted(labels, scores, lower, upper):
    """(TP, FP, FN, TN, asked with it, asked without it), film by film."""
    found = [0] * 6
    for label, score in zip(labels.tolist(), scores.tolist(), strict=True):
        if np.isnan(label) or np.isnan(score):
            continue
        place = 0 if score >= upper else (2 if score < lower else 4)
        found[place + (label == 0)] += 1
    return tuple(found)


def test_counts_are_those_of_every_film_at_1000_pairs():
    labels, scores = films(0, 80)
    rng = np.random.default_rng(1)
    for drawn in rng.random((1000, 2, 3)):
        places = np.where(rng.random((2, 3)) < 0.5, np.round(drawn, 2), scores[rng.integers(80, size=(2, 3)), range(3)])
        lower, upper = np.sort(np.where(np.isnan(places), 0.5, places).astype(np.float64), axis=0)
        found = band_counts(labels, scores, Bands(lower, upper))
        for k in range(3):
            own = found.decided
            assert counted(labels[:, k], scores[:, k], lower[k], upper[k]) == (
                own.tp[k], own.fp[k], own.fn[k], own.tn[k], found.asked_positives[k], found.asked_negatives[k])


def test_what_is_measured_is_measured_among_the_decided():
    labels = np.array([[1, 1, 1, 0, 0, 0, 0, np.nan]]).T
    scores = np.array([[0.9, 0.5, 0.1, 0.8, 0.5, 0.2, 0.1, 0.5]]).T
    found = band_counts(labels, scores, Bands(np.array([0.3]), np.array([0.7])))
    assert found.referred == 2 / 7 and found.misses_left == 1
    assert found.decided_recall == found.decided_precision == found.decided_f1 == 0.5
    everything = band_counts(labels, scores, Bands(np.array([0.0]), np.array([UNREACHED])))
    assert everything.referred == 1 and np.isnan(everything.decided_f1) and np.isnan(everything.decided_precision)
    assert np.isnan(band_counts(labels * np.nan, scores, Bands(np.array([0.3]), np.array([0.7]))).referred)


def test_a_film_on_a_line_belongs_to_the_side_above_it():
    scores = np.array([[0.1], [0.3], [0.7], [np.nan]], np.float32)
    lines = scores.astype(np.float64)
    bands = Bands(lines[1], lines[2])
    assert answers(scores, bands)[:, 0].tolist() == [NO, ASK, YES, -1]
    assert answers(scores, Bands(lines[1], lines[1]))[:, 0].tolist() == [NO, YES, YES, -1]


def lines_of(score):
    return [*np.unique(score[~np.isnan(score)]).astype(np.float64), UNREACHED]


def every_pair(label, score):
    """(F1 or -1, referred, misses, lower, upper) of each pair of lines."""
    lines = lines_of(score)
    for place, lower in enumerate(lines):
        for upper in lines[place:]:
            tp, fp, fn, _, *asked = counted(label, score, lower, upper)
            yield 2 * tp / (2 * tp + fp + fn) if tp + fn else -1, sum(asked), fn, lower, upper


@pytest.mark.parametrize("seed", range(12))
def test_the_greatest_f1_with_few_referred_is_that_of_every_pair(seed):
    labels, scores = films(seed, 30 + seed)
    for share in (0, 0.1, 0.2, 0.5, 1):
        found = refer_at_most(labels, scores, share)
        for k in range(3):
            label, score = labels[:, k], scores[:, k]
            n = int((~np.isnan(label) & ~np.isnan(score)).sum())
            allowed = [one for one in every_pair(label, score) if one[1] / n <= share]
            best = min(allowed, key=lambda one: (-one[0], one[1], -one[4]))
            tp, fp, fn, _, *asked = counted(label, score, found.lower[k], found.upper[k])
            assert (2 * tp / (2 * tp + fp + fn), sum(asked)) == best[:2] and found.upper[k] == best[4]


@pytest.mark.parametrize("seed", range(12))
def test_few_misses_are_had_by_the_least_band(seed):
    labels, scores = films(seed, 30 + seed)
    for misses in (0, 1, 3, 100):
        found = miss_at_most(labels, scores, misses)
        for k in range(3):
            pairs = [one for one in every_pair(labels[:, k], scores[:, k]) if one[2] <= misses]
            highest = max(one[3] for one in pairs)
            best = min((one for one in pairs if one[3] == highest), key=lambda one: (-one[0], one[1]))
            tp, fp, fn, _, *asked = counted(labels[:, k], scores[:, k], found.lower[k], found.upper[k])
            assert found.lower[k] == highest
            assert (2 * tp / (2 * tp + fp + fn) if tp + fn else -1, sum(asked), fn) == best[:3]


def test_findings_without_positives_have_no_band():
    labels, scores = films(1)
    labels[:, 1] = 0
    for found in (refer_at_most(labels, scores, 0.2), miss_at_most(labels, scores, 2)):
        assert np.isnan(found.lower).tolist() == np.isnan(found.upper).tolist() == [False, True, False]
        assert (answers(scores, found)[:, 1] == -1).all()


def test_bad_input_is_refused():
    with pytest.raises(UsageError, match="lines crossed"):
        Bands(np.array([0.2, 0.6]), np.array([0.3, 0.5]))
    labels, scores = films(1)
    with pytest.raises(UsageError, match="not between 0 and 1"):
        refer_at_most(labels, scores, 1.2)
    with pytest.raises(UsageError, match="below 0"):
        miss_at_most(labels, scores, -1)
