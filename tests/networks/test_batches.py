"""Feeding: order, content, normalisation."""

import numpy as np
import pytest
import torch

from cxrcore.networks.batches import InputSpec, batches, normalise

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


def test_films_on_the_device_come_like_those_of_a_map():
    rows, labels = np.array([3, 1, 39, 7, 7]), np.arange(5, dtype=np.float32)[:, None]
    of_map, held = (list(batches(pixels, rows, labels, 2, CPU)) for pixels in (PIXELS, torch.from_numpy(PIXELS)))
    for (films, targets), (same, as_well) in zip(of_map, held, strict=True):
        assert torch.equal(films, same) and torch.equal(targets, as_well)


def test_a_gradient_goes_through_the_normalisation_that_an_evaluation_made_first():
    spec = InputSpec((0.4,) * 3, (0.2,) * 3)
    with torch.inference_mode():
        normalise(torch.zeros(1, 1, 32, 32), spec)
    weight = torch.ones(1, requires_grad=True)
    (normalise(torch.ones(1, 1, 32, 32), spec) * weight).sum().backward()
    assert torch.isfinite(weight.grad).all()
