"""Training losses over (B, k) logits and labels; unknown labels (NaN) do not count.

Sources: Lin et al., Focal loss, ICCV 2017, eq. 4 (without alpha); the weight of positives as in Wang et al. 2017,
section 4, bounded.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from cxrcore.settings import Constants

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

DEFAULTS = Constants()


def positive_weights(labels: np.ndarray, most: float = DEFAULTS.max_pos_weight) -> tuple[np.ndarray, np.ndarray]:
    """min(negatives / positives, most) of each finding, float32 (k,), and which have no positives, bool (k,): weight 1.

    Args:
        labels: float (n, k) of the training films.
    """
    positives, negatives = np.nansum(labels == 1, axis=0), np.nansum(labels == 0, axis=0)
    weights = np.ones(labels.shape[1], np.float32)
    seen = positives > 0
    weights[seen] = np.minimum(negatives[seen] / positives[seen], most)
    return weights, ~seen


def make_loss(kind: str, labels: np.ndarray, device: torch.device | str = "cpu", constants: Constants = DEFAULTS
              ) -> Loss:
    """The loss of this kind ('bce', 'pos_weight' or 'focal'): mean over the known labels of a batch.

    Args:
        labels: float (n, k) of the training films, from which positive weights are taken.
        constants: of which max_pos_weight and focal_gamma are used.
    """
    weight = None
    if kind == "pos_weight":
        weight = torch.from_numpy(positive_weights(labels, constants.max_pos_weight)[0]).to(device)
    gamma = constants.focal_gamma if kind == "focal" else 0.0

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        known = ~torch.isnan(targets)
        logits, targets = torch.where(known, logits, 0.0), torch.where(known, targets, 0.0)  # no gradient, not even NaN
        each = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")
        if gamma:
            each = each * torch.sigmoid(torch.where(targets > 0, -logits, logits)) ** gamma  # (1 - p_t)^gamma
        return (each * known).sum() / known.sum().clamp(min=1)

    return loss
