"""The 14 findings of ChestX-ray14: names, order and the label contract.

Labels are float32: 1 = present, 0 = absent, NaN = unknown; columns always stand in `FINDINGS` order and are aligned
by name, never by position. 'No Finding' is fourteen zeros. Nothing here knows files, models or the store.

Source: Wang et al., ChestX-ray8, CVPR 2017 (the 14-finding list is that of the arXiv version 5).
"""

import re
from collections.abc import Sequence

import numpy as np

from cxrcore.errors import FindingError

FINDINGS: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
N_FINDINGS = len(FINDINGS)
NO_FINDING = "No Finding"


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


SPELLINGS = {_key(name): name for name in FINDINGS} | {  # {small letters: finding}
    "infiltrate": "Infiltration",  # NIH's box list
    "pleural": "Pleural_Thickening",  # ChestMNIST
    "pleuraleffusion": "Effusion",  # CheXpert
}


def canonical(name: str) -> str:
    """The NIH spelling of a finding's name; case, spaces, underscores and known variants do not matter.

    Raises:
        FindingError: the name is none of the fourteen.
    """
    try:
        return SPELLINGS[_key(name)]
    except KeyError:
        raise FindingError(f"unknown finding '{name}': expected one of {', '.join(FINDINGS)}") from None


def display_name(finding: str) -> str:
    """The finding as people write it: 'Pleural_Thickening' -> 'Pleural thickening'."""
    return finding.replace("_", " ").capitalize()


def parse_labels(text: str) -> np.ndarray:
    """NIH's 'Finding Labels' cell ('Effusion|Mass', 'No Finding') as a float32 vector of shape (14,).

    Raises:
        FindingError: a part is no known finding, the cell is empty, or 'No Finding' stands beside a finding.
    """
    parts = [part.strip() for part in text.split("|")]
    labels = np.zeros(N_FINDINGS, np.float32)
    if parts == [NO_FINDING]:
        return labels
    for part in parts:
        labels[FINDINGS.index(canonical(part))] = 1
    return labels


def align(names: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Columns named `names` brought into `FINDINGS` order; findings that are missing become NaN.

    Args:
        names: one finding's name (any known spelling) per column.
        values: float array of shape (n, len(names)).

    Returns:
        float32 array of shape (n, 14).

    Raises:
        FindingError: an unknown name, or two columns for one finding.
    """
    targets = [FINDINGS.index(canonical(name)) for name in names]
    if len(set(targets)) != len(targets):
        twice = sorted({FINDINGS[t] for t in targets if targets.count(t) > 1})
        raise FindingError(f"two columns for one finding: {', '.join(twice)}")
    aligned = np.full((len(values), N_FINDINGS), np.nan, np.float32)
    aligned[:, targets] = values
    return aligned
