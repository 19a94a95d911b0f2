"""The learning rate over the steps, as a factor of the highest."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up, then a cosine to 0 or a plateau's falls.

    Attributes:
        kind: 'cosine' or 'plateau'.
        steps: of the whole training.
        warm_up: share of them in which the rate rises.
        factor: of the rate after each fall.
    """

    kind: str
    steps: int
    warm_up: float
    factor: float

    def at(self, step: int, falls: int = 0) -> float:
        """The factor of a step, counted from 0, after so many falls (epochs without a better validation)."""
        rising = max(1, round(self.steps * self.warm_up))
        if step < rising:
            return (step + 1) / rising
        if self.kind == "plateau":
            return self.factor**falls
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, self.steps - rising))))
