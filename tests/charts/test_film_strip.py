"""The films that stand at their scores, and the one image that holds their pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from cxrcore.charts.board import film_strip
from cxrcore.charts.board.film_strip import ACROSS, MOST_BYTES, MOST_FILMS, spread_films, sprite
from cxrcore.measures.curves import logit


def test_films_are_spread_over_the_axis_and_not_over_the_films():
    rng = np.random.default_rng(0)
    labels = (rng.random(20_000) < 0.02).astype(np.float32)
    scores = (1 / (1 + np.exp(-rng.normal(-3 + 2 * labels, 1)))).astype(np.float32)
    labels[:100] = np.nan
    rows = spread_films(labels, scores, float(scores.min()), float(scores.max()))
    assert 0 < len(rows) <= MOST_FILMS and len(set(rows.tolist())) == len(rows)
    assert not np.isnan(labels[rows]).any()
    at = logit(scores[rows].astype(np.float64))
    edges = np.linspace(*logit(np.array([scores.min(), scores.max()], np.float64)), film_strip.STRETCHES + 1)
    taken = np.histogram(at, edges)[0]
    there = np.histogram(logit(scores[~np.isnan(labels)].astype(np.float64)), edges)[0]
    room = MOST_FILMS // film_strip.STRETCHES
    assert (taken == np.minimum(there, room)).mean() > 0.95  # but for films that lie on an edge
    assert labels[rows].mean() > 5 * np.nanmean(labels)  # by turns, as far as there are films with it


def test_a_film_of_no_label_and_an_axis_without_films_give_nothing():
    assert len(spread_films(np.full(5, np.nan), np.full(5, 0.5), 0.1, 0.9)) == 0
    with pytest.raises(ValueError, match="0 films"):
        sprite([])


def test_the_image_holds_600_films_of_noise_within_its_size_each_in_its_place():
    rng = np.random.default_rng(1)
    films = [np.full((64, 64), level, np.uint8) for level in rng.integers(0, 255, 5)]
    made, side = sprite(films)
    sheet = np.asarray(Image.open(io.BytesIO(made)).convert("L"))
    assert sheet.shape == (side, side * ACROSS)
    for place, film in enumerate(films):
        assert abs(int(sheet[side // 2, place * side + side // 2]) - int(film[0, 0])) < 12
    noise = [rng.integers(0, 255, (64, 64)).astype(np.uint8) for _ in range(MOST_FILMS)]
    made, side = sprite(noise)
    assert len(made) <= MOST_BYTES and side >= min(film_strip.SIDES)
