"""The averaged weights against their formula."""

import math

import pytest
import torch

from cxrcore.training.averaging import Average, decay_of


@pytest.mark.parametrize(("steps", "decay"), [(100, math.exp(-math.log(2) / 5)), (10**6, 0.9998), (1, 0.5**20)])
def test_the_decay_halves_a_step_s_weight_after_a_twentieth_of_all_steps(steps, decay):
    assert decay_of(0.9998, 0.05, steps) == pytest.approx(decay)


def test_weights_and_normalisation_are_averaged_and_counters_copied():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    expected = {name: value.clone().double() for name, value in model.state_dict().items()}
    average = Average(model, 0.9)
    for step in range(120):
        with torch.no_grad():
            for value in model.parameters():
                value.add_(torch.randn_like(value))
        model(torch.randn(8, 3))  # moves the normalisation's buffers
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * value.double()
    got = average.model.state_dict()
    assert got["1.num_batches_tracked"] == 120
    for name in set(got) - {"1.num_batches_tracked"}:
        torch.testing.assert_close(got[name].double(), expected[name], atol=1e-4, rtol=1e-4)
        assert not torch.allclose(got[name], model.state_dict()[name])
    assert not any(parameter.requires_grad for parameter in average.model.parameters())
