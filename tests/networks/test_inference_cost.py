"""What one film costs a network: multiplications against those of the layers, and a time."""

import pytest
import torch
from torch import nn

from cxrcore.networks import inference_cost as inference_cost_module
from cxrcore.networks.architectures import build
from cxrcore.networks.inference_cost import inference_cost

CPU = torch.device("cpu")


def test_multiply_adds_of_a_network_that_can_be_counted_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 14))
    found = inference_cost(model, 32, CPU)
    assert found["gmacs"] * 1e9 == pytest.approx(32 * 32 * 8 * 3 * 9 + 8 * 14)
    assert found["milliseconds_per_film"] > 0


@pytest.mark.parametrize(("architecture", "published"), [("resnet18", 1.82), ("vit_b_16", 17.6)])
def test_multiply_adds_are_those_that_timm_publishes(architecture, published, monkeypatch):
    """Of 1,000 outputs at 224 px (timm, results/benchmark-*.csv); 14 outputs take a little less."""
    monkeypatch.setattr(inference_cost_module, "WARM_UPS", 0)  # it is not about the time
    monkeypatch.setattr(inference_cost_module, "REPEATS", 1)
    assert inference_cost(build(architecture, 224, 14), 224, CPU)["gmacs"] == pytest.approx(published, rel=0.01)
