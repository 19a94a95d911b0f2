"""Which films of an epoch's order a process trains on in each step.

The order is one for all processes. Each batch of it is cut among them, without a film twice and without filling up,
so that several processes make the steps that one would make.
"""

import math

import numpy as np
import torch

from cxrcore.training.augmentation import Augmentation
from cxrcore.training.ranks.group import Group
from cxrcore.training.training_data import TrainingData


def usable(n: int, batch_size: int, least: int = 2) -> int:
    """Films of an epoch: a last batch of fewer than `least` is left out, since batch normalisation needs two."""
    rest = n % batch_size
    return n - rest if 0 < rest < least and n > rest else n


def steps_per_epoch(n: int, batch_size: int, accumulate: int = 1, least: int = 2) -> int:
    """Steps of one epoch over n films."""
    return math.ceil(usable(n, batch_size, least) / (batch_size * accumulate))


def own_places(n: int, batch_size: int, rank: int = 0, world: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Places in an epoch's order of n films that belong to one process, batch by batch.

    Every process has a film in every batch, since all have to take part in every step. Of a last batch with fewer films
    than processes some have none: they get its first film, which must not count.

    Args:
        batch_size: of all processes together.

    Returns:
        int64 (m,) places, and bool (m,) whether the film counts.
    """
    if world == 1:
        return np.arange(n), np.ones(n, bool)
    places, counts = [], []
    for start in range(0, n, batch_size):
        size = min(batch_size, n - start)
        own = range(start + size * rank // world, start + size * (rank + 1) // world)
        places += own or [start]
        counts += [True] * len(own) or [False]
    return np.array(places, np.int64), np.array(counts, bool)


def own_films(data: TrainingData, augmentation: Augmentation, seed: int, n: int, batch_size: int, group: Group
              ) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """Rows, labels and augmentation's random numbers of one process's films in an epoch, in their order.

    Drawn for the films of all processes, so that by any number of them each film is seen as by one.

    Args:
        seed: of the epoch.
        n: films of the epoch, of those there are.
        batch_size: of all processes together.

    Returns:
        int64 (m,), float32 (m, k) with NaN for what does not count, and float32 (m, `len(augmentation.DRAWS)`).
    """
    generator, there = torch.Generator().manual_seed(seed), len(data.train_rows)
    order = torch.randperm(there, generator=generator).numpy()[:n]
    draws = augmentation.draws(there, generator)
    places, counts = own_places(n, batch_size, group.rank, group.world)
    labels = data.train_labels[order[places]]
    labels[~counts] = np.nan
    return data.train_rows[order[places]], labels, draws[torch.from_numpy(places)]
