"""Augmentation: seeded, the same however films are grouped, and no further than its settings say."""

import dataclasses

import pytest
import torch

from cxrcore.training.augmentation import Augmentation

STRONG = Augmentation(crop=0.7, aspect=0.1, rotation=6, shift=0.05, tone=0.2)


def seeded(films, how=STRONG, seed=3):
    return how.apply(films, how.draws(len(films), torch.Generator().manual_seed(seed)))


def spot(x, y):
    """Films with a bright square at this place."""
    films = torch.zeros(200, 1, 64, 64)
    films[:, :, y:y + 8, x:x + 8] = 255
    return films


def centres(films):
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    mass = films[:, 0].sum((1, 2))
    return (films[:, 0] * x).sum((1, 2)) / mass, (films[:, 0] * y).sum((1, 2)) / mass, mass


def test_it_is_seeded_and_the_same_however_films_are_grouped():
    films = torch.randint(0, 256, (12, 1, 32, 32), dtype=torch.uint8)
    whole = seeded(films)
    assert torch.equal(whole, seeded(films)) and not torch.equal(whole, seeded(films, seed=4))
    draws = STRONG.draws(12, torch.Generator().manual_seed(3))
    parts = [STRONG.apply(films[some], draws[some]) for some in (slice(0, 5), slice(5, 6), slice(6, 12))]
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-3, rtol=0)
    assert whole.dtype == torch.float32 and whole.min() >= 0 and whole.max() <= 255


def test_nothing_is_changed_where_all_is_off():
    films = torch.rand(4, 1, 32, 32) * 255
    torch.testing.assert_close(seeded(films, Augmentation()), films, atol=1e-2, rtol=0)


@pytest.mark.parametrize("name", [one.name for one in dataclasses.fields(Augmentation) if one.name != "aspect"])
def test_each_part_alone_changes_films(name):
    films, value = torch.rand(8, 1, 32, 32) * 255, 0.08 if name == "scale" else getattr(STRONG, name) or True
    alone = dataclasses.replace(Augmentation(), **{name: value})
    assert not torch.allclose(seeded(films, alone), films, atol=1)


def test_films_are_mirrored_where_it_is_asked_for_alone():
    x, y, mass = centres(seeded(spot(8, 20), Augmentation(rotation=6, shift=0.05, scale=0.08)))
    assert x.max() < 24 and y.max() < 36 and x.std() > 0.5  # mirrored it would be at 52
    assert (mass / mass.mean() - 1).abs().max() < 0.35
    x, _, _ = centres(seeded(spot(8, 20), Augmentation(flip=True)))
    assert 60 < (x > 32).sum() < 140 and x[x > 32].mean() == pytest.approx(63 - 11.5, abs=0.1)


def test_a_crop_lies_inside_the_film_and_shows_its_least_share():
    lit = torch.full((500, 1, 64, 64), 200.0)
    assert seeded(lit, Augmentation(crop=0.5, aspect=0.1)).min() > 150  # no black border
    _, _, mass = centres(seeded(spot(28, 28), Augmentation(crop=0.5)))
    share = 64 * 255 / mass  # a square in the middle grows as the crop shrinks
    assert 0.46 < share.min() < 0.6 and 0.9 < share.max() < 1.05


def test_tone_stays_within_its_bounds():
    films = torch.linspace(0, 255, 64).repeat(300, 1, 64, 1)
    toned = seeded(films, Augmentation(tone=0.2))
    mean = toned.mean((1, 2, 3))
    assert mean.std() > 3 and (mean - 127.5).abs().max() < 50
    assert (toned.diff(dim=3) >= -1e-3).all()  # what was brighter stays brighter
