"""Training losses over (B, k) logits and labels; unknown labels (NaN) do not count.

Sources: Lin et al., Focal loss, ICCV 2017, eq. 4 (without alpha); the weight of positives as in Wang et al. 2017,
section 4, bounded; Ridnik et al., Asymmetric loss for multi-label classification, ICCV 2021, eq. 4 to 7.
"""

from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from cxrcore.settings import Constants

DEFAULTS = Constants()


class Loss(Protocol):
    """Of (B, k) logits and labels: the sum over the known labels, divided by their number or by `count`, at least 1.

    Batches that make one step together are divided by the number of labels that all of them know.
    """

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor, count: torch.Tensor | None = None
                 ) -> torch.Tensor:
        """One number on their device."""
        ...


def known_labels(targets: torch.Tensor) -> torch.Tensor:
    """How many of them are known, as a number on their device."""
    return (~torch.isnan(targets)).sum()


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
    """The loss of this kind ('bce', 'pos_weight', 'focal' or 'asymmetric'): mean over the known labels of a batch.

    Args:
        labels: float (n, k) of the training films, from which positive weights are taken.
        constants: of which max_pos_weight, focal_gamma, gamma_negative, gamma_positive and margin are used.
    """
    weight = None
    if kind == "pos_weight":
        weight = torch.from_numpy(positive_weights(labels, constants.max_pos_weight)[0]).to(device)

    def of_each(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if kind == "asymmetric":
            return asymmetric(logits, targets, constants.gamma_negative, constants.gamma_positive, constants.margin)
        each = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")
        if kind == "focal" and constants.focal_gamma:  # (1 - p_t)^gamma
            each = each * torch.sigmoid(torch.where(targets > 0, -logits, logits)) ** constants.focal_gamma
        return each

    def loss(logits: torch.Tensor, targets: torch.Tensor, count: torch.Tensor | None = None) -> torch.Tensor:
        known = ~torch.isnan(targets)
        logits, targets = torch.where(known, logits, 0.0), torch.where(known, targets, 0.0)  # no gradient, not even NaN
        return (of_each(logits, targets) * known).sum() / (known.sum().clamp(min=1) if count is None else count)

    return loss


def asymmetric(logits: torch.Tensor, targets: torch.Tensor, gamma_negative: float, gamma_positive: float,
               margin: float) -> torch.Tensor:
    """The asymmetric loss of each label, the shape of `logits`; Ridnik et al. 2021.

    With p = sigmoid(logit) and p_m = max(p - margin, 0) (eq. 5):

        positive:  -(1 - p)^gamma_positive  log(p)        (eq. 4)
        negative:  -p_m^gamma_negative      log(1 - p_m)  (eq. 7)

    A negative below the margin adds nothing and has no gradient.

    Args:
        targets: 1 or 0.
    """
    p = torch.sigmoid(logits)
    shifted = (p - margin).clamp(min=0)
    positive = functional.logsigmoid(logits)
    # 1 - p from the logit itself where there is no margin, or a sure mistake would cost infinitely much.
    negative = torch.log1p(-shifted) if margin else functional.logsigmoid(-logits)
    if gamma_positive:
        positive = positive * torch.sigmoid(-logits) ** gamma_positive
    if gamma_negative:
        negative = negative * shifted**gamma_negative
    return -torch.where(targets > 0, positive, negative)
