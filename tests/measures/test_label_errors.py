"""Labels that err are found where they were flipped, and the queue keeps its order and its rules."""

import numpy as np
import pytest
from scipy.special import expit, logit, ndtri

from cxrcore.errors import DataError
from cxrcore.measures.label_errors import label_error_queue, label_error_ranking

FLIPPED = 0.05
SEPARATION = np.sqrt(2) * ndtri(0.90)  # AUROC 0.90 on the true labels
NAN = np.nan


def doubtful(seed, n=600, prevalence=(0.05, 0.08, 0.1, 0.15, 0.2, 0.1), lifted=0.0):
    """Labels of which 5 % are flipped, scores of a classifier that learnt from such labels, and where they err.

    `lifted`: how far up the scores are on a logit scale, as weighted training lifts them.
    """
    rng = np.random.default_rng(seed)
    truth = rng.random((n, len(prevalence))) < prevalence
    x = rng.normal(size=truth.shape) + SEPARATION * truth
    learnt = FLIPPED + (1 - 2 * FLIPPED) * expit(SEPARATION * x - SEPARATION**2 / 2 + logit(prevalence))
    wrong = rng.random(truth.shape) < FLIPPED
    scores = expit(logit(learnt) + lifted)
    return (truth ^ wrong).astype(float), scores.astype(np.float32), wrong


def precision(queue, wrong, most=100):
    front = queue.first(most)
    return wrong[front.films, front.findings].mean()


@pytest.mark.parametrize("lifted", [0.0, 2.0])
def test_most_of_the_first_hundred_labels_err(lifted):
    queues = [(label_error_queue(labels, scores), wrong)
              for labels, scores, wrong in (doubtful(seed, lifted=lifted) for seed in range(3))]
    assert np.mean([precision(queue, wrong) for queue, wrong in queues]) >= 0.85
    plain = np.mean([precision(queue.by_plain(), wrong) for queue, wrong in queues])
    assert plain >= 0.85 if not lifted else plain < 0.5  # full of films without the finding


def test_missed_findings_have_a_queue_of_their_own():
    labels, scores, wrong = doubtful(0, n=3000)
    queue = label_error_queue(labels, scores)
    missed, false = queue.side(positive=False), queue.side(positive=True)
    assert len(missed.films) + len(false.films) == labels.size
    assert (labels[missed.films, missed.findings] == 0).all() and (labels[false.films, false.findings] == 1).all()
    base = wrong[labels == 0].mean()
    assert base < 0.02 and precision(missed, wrong) > 10 * base
    assert precision(false, wrong) > 0.9


def test_the_films_of_one_label_stand_in_the_order_of_their_scores():
    labels, scores, _ = doubtful(1, prevalence=(0.1,))
    found = label_error_ranking(labels[:, 0], scores[:, 0])
    assert found.calibrated and sorted(found.rows) == list(range(600))
    own, score = labels[found.rows, 0], scores[found.rows, 0]
    assert (np.diff(score[own == 1]) >= 0).all() and (np.diff(score[own == 0]) <= 0).all()
    assert (np.diff(found.quality) >= 0).all() and found.quality.min() >= 0 and found.quality.max() <= 1
    np.testing.assert_allclose(found.plain, np.abs(own - score.astype(float)))
    # The mean probability of a positive label is their share: that is what calibrated means here.
    assert np.where(own == 1, found.quality, 1 - found.quality).mean() == pytest.approx(own.mean(), abs=0.005)


def test_without_calibration_cleanlab_is_the_plain_way():
    few = np.zeros(50)
    few[:3] = 1
    scores = np.linspace(0.01, 0.99, 50, dtype=np.float32)
    found = label_error_ranking(few, scores)
    assert not found.calibrated
    np.testing.assert_allclose(found.quality, 1 - found.plain)
    assert {*found.rows[:2]} == {0, 49} and {*found.rows[2:4]} == {1, 48}


def test_a_finding_that_scores_do_not_follow_is_left_out_of_the_queue():
    labels, scores, _ = doubtful(2, prevalence=(0.1, 0.1, 0.1, 0.1))
    labels[:, 0] = 0  # no positive
    scores[:, 1] = 1 - scores[:, 1]  # worse than chance
    scores[:, 2] = NAN
    queue = label_error_queue(labels, scores)
    assert queue.left_out.tolist() == [0, 1, 2] and set(queue.findings) == {3}
    assert len(label_error_ranking(labels[:, 1], scores[:, 1]).rows) == 600
    nothing = label_error_queue(labels[:, :3], scores[:, :3])
    assert len(nothing.films) == len(nothing.first(10).films) == 0 and nothing.side(True).left_out.tolist() == [0, 1, 2]


def test_films_without_a_label_or_a_score_change_nothing():
    labels, scores, _ = doubtful(3, prevalence=(0.1, 0.2))
    alone = label_error_queue(labels, scores)
    more = np.vstack([labels, [[NAN, NAN], [1, NAN]]]), np.vstack([scores, [[0.9, 0.9], [NAN, 0.1]]])
    queue = label_error_queue(*more)
    for name in ("films", "findings", "positive", "quality", "plain"):
        assert np.array_equal(getattr(queue, name), getattr(alone, name)), name


def test_the_order_of_the_films_does_not_matter():
    labels, scores, _ = doubtful(4, prevalence=(0.1, 0.2))
    mixed = np.random.default_rng(0).permutation(600)
    queue, again = label_error_queue(labels, scores), label_error_queue(labels[mixed], scores[mixed])
    assert np.array_equal(queue.first(200).films, mixed[again.first(200).films])
    np.testing.assert_allclose(queue.quality, again.quality, atol=1e-6)


@pytest.mark.parametrize(("labels", "scores", "said"), [
    (np.zeros(3), np.zeros(2), "each label needs a score"), (np.full(2, -1.0), np.zeros(2), "label contract"),
    (np.zeros(2), np.array([0.5, 1.5]), "outside"),
])
def test_what_cannot_be_ranked_is_refused(labels, scores, said):
    with pytest.raises(DataError, match=said):
        label_error_ranking(labels, scores)
