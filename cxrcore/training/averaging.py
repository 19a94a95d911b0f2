"""A moving average of a network's weights, which is what is validated and kept as the best.

Polyak and Juditsky, SIAM J. Control Optim. 1992; with a decay, as Tarvainen and Valpola, NeurIPS 2017. torch's
`AveragedModel` asks its counter on the host at every step, which a GPU would have to be waited for.
"""

import copy
import math
from collections.abc import Mapping

import torch
from torch import nn


def decay_of(most: float, half_life: float, steps: int) -> float:
    """min(most, exp(-ln 2 / (half_life x steps))): a step counts half after this share of all steps."""
    return min(most, math.exp(-math.log(2) / max(half_life * steps, 1e-9)))


class Average:
    """The average beside a network that stays where it is, on its device.

    Attributes:
        model: a copy of the network that holds the averaged weights and normalisation buffers.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        self._moving = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network's weights after a step, counted from 0: decay min(decay, (1 + step) / (10 + step)).

        Numbers that are no floats, such as counters of batches, are copied.
        """
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_([own for own, _ in self._moving], [given for _, given in self._moving], share)
        for own, given in self._counters:
            own.copy_(given)

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Go on from an average that was kept.

        Raises:
            RuntimeError: of another network, or none.
        """
        self.model.load_state_dict(weights)
