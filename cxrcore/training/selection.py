"""By what the best epoch is chosen: which findings' AUROC on the validation films, or the loss."""

import math
from dataclasses import dataclass

import numpy as np

from cxrcore.settings import Constants


@dataclass(frozen=True)
class Selection:
    """The rule that the validation films allow.

    Attributes:
        chosen: bool (k,), the findings whose AUROC counts; none of them: the loss decides.
        words: the rule, as kept with the run.
    """

    chosen: np.ndarray
    words: str

    def score(self, aurocs: np.ndarray, loss: float) -> float:
        """What the best epoch has the greatest of: the mean AUROC of the chosen findings, or minus the loss."""
        return float(np.mean(aurocs[self.chosen])) if self.chosen.any() else -loss


def select_by(labels: np.ndarray, constants: Constants) -> Selection:
    """The rule for these validation labels.

    Findings with few positives have an AUROC that is mostly chance, and would choose the epoch by it: those with
    `least_positives` decide, where `least_findings` have so many; else all that have a positive (and a negative); else
    the loss.

    Args:
        labels: float (n, k), 1 / 0 / NaN.
    """
    positives, negatives = np.sum(labels == 1, axis=0), np.sum(labels == 0, axis=0)
    known = (positives > 0) & (negatives > 0)
    least, findings = math.ceil(constants.least_positives), math.ceil(constants.least_findings)
    enough = known & (positives >= least)
    k = labels.shape[1]
    if enough.sum() >= findings:
        return Selection(enough, f"macro AUROC of the {enough.sum()} of {k} findings with {least} or more validation "
                                 "positives")
    if known.any():
        return Selection(known, f"macro AUROC of the {known.sum()} of {k} findings with a validation positive "
                                f"({enough.sum()} have {least})")
    return Selection(known, "validation loss: no finding has a validation positive")
