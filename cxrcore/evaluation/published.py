"""AUROCs that others published for ChestX-ray14, each with the split it was measured on and where it can be read.

The values stand in published_auroc.csv. Only results with a source that can be cited are there: a paper's own table,
or a file of the repository that made it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.findings import FINDINGS
from cxrcore.store.records import rows_of

OFFICIAL = "official"
SPLITS = {OFFICIAL: "official split", "own": "a split of its own"}
_FILE = Path(__file__).with_name("published_auroc.csv")


@dataclass(frozen=True)
class PublishedResult:
    """One published result.

    Attributes:
        name, network: whose it is, and of which network.
        split: of `SPLITS`; results on different splits are not comparable.
        source: where it can be read.
        auroc: float64 (15,), the findings' and their mean, worked out from them.
    """

    name: str
    network: str
    split: str
    source: str
    auroc: np.ndarray

    @property
    def label(self) -> str:
        """'Wang et al. 2017 (ResNet-50), official split'."""
        return f"{self.name} ({self.network}), {SPLITS[self.split]}"


@cache
def results() -> tuple[PublishedResult, ...]:
    """All of them, those on the official split first."""
    table = pd.read_csv(_FILE)
    values = table[list(FINDINGS)].to_numpy(np.float64)
    found = [PublishedResult(row.result, row.network, row.split, row.source, np.append(own, own.mean()))
             for row, own in zip(rows_of(table), values, strict=True)]
    return tuple(sorted(found, key=lambda one: one.split != OFFICIAL))
