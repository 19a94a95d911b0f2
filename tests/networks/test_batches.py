"""Feeding: order, content, normalisation, augmentation."""

import dataclasses

import numpy as np
import pytest
import torch

from cxrcore.networks.batches import InputSpec, augment, batches, normalise
from cxrcore.settings import Constants

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 32, 32), np.uint8)


def test_batches_come_in_order_with_their_labels():
    rows = np.random.default_rng(1).permutation(40)[:23]
    labels = np.arange(23, dtype=np.float32)[:, None].repeat(14, 1)
    got = list(batches(PIXELS, rows, labels, 10, CPU))
    assert [len(films) for films, _ in got] == [10, 10, 3]
    assert (torch.cat([films for films, _ in got])[:, 0].numpy() == PIXELS[rows]).all()
    assert (torch.cat([targets for _, targets in got])[:, 0].numpy() == np.arange(23)).all()


def test_an_error_while_gathering_reaches_the_training_loop():
    with pytest.raises(IndexError):
        list(batches(PIXELS, np.array([0, 99]), None, 2, CPU))


def test_normalise_is_the_textbook_formula():
    spec = InputSpec((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    gray = torch.from_numpy(PIXELS[:4]).unsqueeze(1)
    expected = (gray.float() / 255 - torch.tensor(spec.mean).view(1, 3, 1, 1)) / torch.tensor(spec.std).view(1, 3, 1, 1)
    got = normalise(gray, spec)
    assert got.shape == (4, 3, 32, 32) and got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_augmentation_is_seeded_small_and_never_a_flip():
    films = torch.zeros(200, 1, 64, 64)
    films[:, :, 20:28, 8:16] = 255  # left of the middle, above it
    one = augment(films, torch.Generator().manual_seed(3))
    assert torch.equal(one, augment(films, torch.Generator().manual_seed(3)))
    assert not torch.equal(one, augment(films, torch.Generator().manual_seed(4)))
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    mass = one[:, 0].sum((1, 2))
    centre_x, centre_y = (one[:, 0] * x).sum((1, 2)) / mass, (one[:, 0] * y).sum((1, 2)) / mass
    assert centre_x.max() < 24 and centre_y.max() < 36  # a flip would put it at 52
    assert centre_x.std() > 0.5  # it does move
    assert (mass / mass.mean() - 1).abs().max() < 0.35


@pytest.mark.parametrize("name", ["max_shift", "max_scale", "max_rotation"])
def test_augmentation_goes_as_far_as_its_constants_say(name):
    films, still = torch.rand(8, 1, 32, 32), Constants(max_shift=0, max_scale=0, max_rotation=0)
    assert torch.allclose(augment(films, torch.Generator().manual_seed(0), still), films, atol=1e-5)
    moving = dataclasses.replace(still, **{name: getattr(Constants(), name)})
    assert not torch.allclose(augment(films, torch.Generator().manual_seed(0), moving), films, atol=0.01)
