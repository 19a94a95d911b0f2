"""AUROCs that others published for ChestX-ray14, each with the split it was measured on and where it can be read.

And how common each finding is by NIH's own labels, for films that are not NIH's.

The values stand in published_auroc.csv and nih_prevalence.csv. Only results with a source that can be cited are there:
a paper's own table, or a file of the repository that made it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cxrcore.findings import NIH_FINDINGS
from cxrcore.store.records import rows_of

OFFICIAL = "official"
OFFICIAL_FILMS = 25_596  # of NIH's test_list.txt
SPLITS = {OFFICIAL: "official split", "own": "a split of its own"}
_FILE = Path(__file__).with_name("published_auroc.csv")
_PREVALENCE = Path(__file__).with_name("nih_prevalence.csv")


@dataclass(frozen=True)
class PublishedResult:
    """One published result.

    Attributes:
        name, network: whose it is, and of which network.
        split: of `SPLITS`; results on different splits are not comparable.
        source: where it can be read.
        auroc: {finding of NIH's list: AUROC}.
    """

    name: str
    network: str
    split: str
    source: str
    auroc: Mapping[str, float]

    @property
    def label(self) -> str:
        """'Wang et al. 2017 (ResNet-50), official split'."""
        return f"{self.name} ({self.network}), {SPLITS[self.split]}"

    def of(self, findings: Sequence[str]) -> np.ndarray:
        """Of these findings and their mean, float64 (k + 1,); NaN for others than NIH's, and then of the mean too."""
        own = np.array([self.auroc.get(finding, np.nan) for finding in findings])
        return np.append(own, own.mean())


@cache
def results() -> tuple[PublishedResult, ...]:
    """All of them, those on the official split first."""
    table = pd.read_csv(_FILE)
    found = [PublishedResult(row.result, row.network, row.split, row.source,
                             {finding: float(getattr(row, finding)) for finding in NIH_FINDINGS})
             for row in rows_of(table)]
    return tuple(sorted(found, key=lambda one: one.split != OFFICIAL))


@cache
def nih_prevalence() -> dict[str, float]:
    """{finding: share of NIH's 112,120 films whose own label has it, 0 to 1}, of NIH's list, in its order."""
    table = pd.read_csv(_PREVALENCE)
    return {row.finding: int(row.n_positive) / int(row.n_films) for row in rows_of(table)}
