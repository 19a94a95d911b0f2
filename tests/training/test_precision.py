"""Which number format is kept, and how long that is tried for; the clock is the test's own."""

import pytest
import torch

from cxrcore.networks.batches import InputSpec
from cxrcore.training import precision

SPEC = InputSpec((0.5,) * 3, (0.25,) * 3)


@pytest.mark.parametrize(("bf16", "kept", "largest"), [
    (30.0, "fp32", 2), (0.2, "bf16", 2),  # plain after a glance
    (1.5, "fp32", 32), (0.6, "bf16", 32), (float("inf"), "fp32", 2)])
def test_the_faster_format_is_kept_and_a_plain_answer_found_soon(monkeypatch, bf16, kept, largest):
    """`bf16`: seconds of a step that takes 1 in fp32."""
    tried = []

    def step(model, inputs, name, errors):
        tried.append(len(inputs))
        return {"fp32": 1.0, "bf16": bf16}[name]

    monkeypatch.setattr(precision, "_step_seconds", step)
    chosen = precision.choose(torch.nn.Flatten(), SPEC, 32, 32, torch.device("cpu"))
    assert chosen["precision"] == kept and max(tried) == largest
    assert chosen["fp32"] == largest and chosen["bf16"] == round(largest / bf16, 1)


def test_a_real_network_is_timed_and_left_as_it_was():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(14))
    model(torch.zeros(1, 3, 32, 32))
    before, generator = [one.clone() for one in model.parameters()], torch.get_rng_state()
    chosen = precision.choose(model, SPEC, 32, 1, torch.device("cpu"))
    assert chosen["precision"] in ("fp32", "bf16") and chosen["fp32"] > 0
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
    assert torch.equal(generator, torch.get_rng_state())
