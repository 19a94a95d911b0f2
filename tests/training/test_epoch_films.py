"""Which films a process trains on: all of them once by all processes, in one's batches."""

from itertools import product

import numpy as np
import pytest

from cxrcore.training.epoch_films import own_places, steps_per_epoch, usable


@pytest.mark.parametrize(("n", "batch", "world"), [(40, 8, 2), (45, 8, 4), (41, 8, 3), (13, 16, 2), (2, 16, 4)])
def test_every_film_is_trained_on_once_in_the_batch_that_it_has_with_one_process(n, batch, world):
    shares = [own_places(n, batch, rank, world) for rank in range(world)]
    trained = np.concatenate([places[counts] for places, counts in shares])
    assert sorted(trained) == list(range(n))
    for start in range(0, n, batch):
        of_batch = [[p for p in places if start <= p < start + batch] for places, _ in shares]
        assert all(of_batch)  # each has a film in every step
        sizes = [len(one) for one in of_batch]
        assert max(sizes) - min(sizes) <= 1 and (min(n - start, batch) < batch or set(sizes) <= {
            batch // world, -(-batch // world)})


def test_a_film_that_stands_in_does_not_count():
    places, counts = own_places(18, 16, 0, 4)  # of the last two films, ranks 1 and 3 have one each
    assert places.tolist() == [0, 1, 2, 3, 16] and counts.tolist() == [True] * 4 + [False]
    places, counts = own_places(18, 16, 3, 4)
    assert places.tolist() == [12, 13, 14, 15, 17] and counts.all()


def test_one_process_has_all_films():
    places, counts = own_places(19, 4)
    assert places.tolist() == list(range(19)) and counts.all()


@pytest.mark.parametrize(("n", "batch", "least", "left"), [
    (33, 32, 2, 32), (34, 32, 2, 34), (1, 32, 2, 1), (35, 32, 4, 32), (36, 32, 4, 36), (3, 32, 4, 3)])
def test_a_last_batch_that_is_too_small_to_normalise_is_left_out(n, batch, least, left):
    assert usable(n, batch, least) == left


def test_every_process_makes_the_same_steps():
    for n, world, parts in product(range(2, 70), (2, 3, 4), (1, 2)):
        batch = 4 * world
        steps = steps_per_epoch(n, batch, parts)
        films = usable(n, batch)
        for rank in range(world):
            own = len(own_places(films, batch, rank, world)[0])
            assert -(-own // (batch * parts // world)) == steps


@pytest.mark.parametrize(("n", "batch", "parts", "steps"), [
    (32, 32, 1, 1), (33, 32, 1, 1), (34, 32, 1, 2), (1, 32, 1, 1), (65, 16, 1, 4), (65, 16, 2, 2), (66, 16, 2, 3)])
def test_a_last_batch_of_one_film_is_left_out(n, batch, parts, steps):
    assert steps_per_epoch(n, batch, parts) == steps
