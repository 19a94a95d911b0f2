"""What a training learns from and is validated on."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class TrainingData:
    """Rows of prepared pixels and their labels, float32 (n, k).

    Attributes:
        pixels: uint8 (N, S, S), a map on disk or a tensor on the network's device.
    """

    pixels: np.ndarray | torch.Tensor
    train_rows: np.ndarray
    train_labels: np.ndarray
    val_rows: np.ndarray
    val_labels: np.ndarray
