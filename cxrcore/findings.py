"""Findings as data: names of one list, how they are matched, and the label contract.

A list of findings is a tuple of canonical names. It belongs to a data set (`datasets.findings`) and travels with runs,
checkpoints and predictions; NIH's fourteen are one list among others. Labels are float32: 1 = present, 0 = absent, NaN
= unknown; columns stand in the order of their list and are aligned by name, never by position. 'No Finding' is a row of
zeros. Nothing here knows files, models or the store.

Source of NIH's list: Wang et al., ChestX-ray8, CVPR 2017 (the 14-finding list is that of the arXiv version 5).
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from cxrcore.errors import FindingError

NIH_FINDINGS: tuple[str, ...] = (
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
NO_FINDING = "No Finding"
MOST_FINDINGS = 64  # of one list
LONGEST_NAME = 60  # characters
MEANS = ("macro", "micro")  # stand beside findings in tables of metrics

_FORM = re.compile(r"(?!.*www\.)\w[\w .,()/+&'’-]*", re.IGNORECASE)  # no address that a page would make a link of
_TAKEN = {
    *MEANS,
    "nofinding",
    "allfindings",
    "all14",
    "imageid",
    "patientid",
    "datasetid",
    "predictionid",
    "labelset",
    "followup",
    "age",
    "sex",
    "view",
    "split",
}  # keys of what stands beside findings


def key(name: str) -> str:
    """What two spellings of a name have in common: its letters and digits."""
    return re.sub(r"[\W_]", "", name.casefold())


_SPELLINGS = {key(name): name for name in NIH_FINDINGS} | {  # {key: canonical name}, of names that differ
    "infiltrate": "Infiltration",  # NIH's box list
    "pleural": "Pleural_Thickening",  # ChestMNIST
    "pleuraleffusion": "Effusion",  # CheXpert
}


def canonical(name: str) -> str:
    """The canonical spelling of any finding's name; case, spaces, underscores and known variants do not matter.

    A name that no known list has is its own canonical name, with underscores for spaces.

    Raises:
        FindingError: not a name: empty, longer than `LONGEST_NAME`, with signs that no name has, or a word that stands
            beside findings in tables, such as 'macro', 'image_id' and 'No Finding'.
    """
    own = " ".join(name.split())
    if not _FORM.fullmatch(own) or len(own) > LONGEST_NAME or key(own) in {"", *_TAKEN}:
        raise FindingError(f"{own[:LONGEST_NAME]!r} is no name of a finding")
    return _SPELLINGS.get(key(own), own.replace(" ", "_"))


def one_of(findings: Sequence[str], name: str) -> str:
    """The finding of a list that a name in any known spelling means.

    Raises:
        FindingError: none of the list; the text lists it.
    """
    wanted = key(name)
    known = _SPELLINGS.get(wanted)
    for finding in findings:
        if finding == known or key(finding) == wanted:
            return finding
    raise FindingError(f"unknown finding '{name}': expected one of {', '.join(findings)}")


def spellings(findings: Iterable[str]) -> dict[str, str]:
    """{key: finding} of all spellings of a list's findings that `one_of` knows."""
    own = {key(name): name for name in findings}
    return {known: name for known, name in _SPELLINGS.items() if name in own.values()} | own


def checked_list(names: Iterable[str]) -> tuple[str, ...]:
    """A list of findings, held to its form.

    Raises:
        FindingError: none, more than `MOST_FINDINGS`, a name that is not canonical, or one that stands twice.
    """
    findings = tuple(names)
    if not 1 <= len(findings) <= MOST_FINDINGS:
        raise FindingError(f"a list of findings has 1 to {MOST_FINDINGS} names, this one has {len(findings)}")
    for name in findings:
        if not isinstance(name, str) or canonical(name) != name:
            raise FindingError(f"{name!a:.80} is no canonical name of a finding")
    if twice := sorted({name for name in findings if [key(one) for one in findings].count(key(name)) > 1}):
        raise FindingError(f"two columns for one finding: {', '.join(twice)}")
    return findings


def shared(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The findings that all lists have, in the order of the first."""
    return tuple(name for name in lists[0] if all(name in other for other in lists[1:]))


def display_name(finding: str) -> str:
    """The finding as people write it: 'Pleural_Thickening' -> 'Pleural thickening'."""
    words = finding.replace("_", " ").split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() if place else word.capitalize()
                    for place, word in enumerate(words))


def parse_labels(text: str, findings: Sequence[str], separator: str = "|") -> np.ndarray:
    """A cell of names ('Effusion|Mass', 'No Finding') as a float32 vector, one number a finding of the list.

    Raises:
        FindingError: a part is none of the findings, the cell is empty, or 'No Finding' stands beside a finding.
    """
    parts = [part.strip() for part in text.split(separator)]
    labels = np.zeros(len(findings), np.float32)
    if parts == [NO_FINDING]:
        return labels
    for part in parts:
        labels[list(findings).index(one_of(findings, part))] = 1
    return labels


def align(names: Sequence[str], values: np.ndarray, findings: Sequence[str]) -> np.ndarray:
    """Columns named `names` brought into the order of a list; findings that are missing become NaN.

    Args:
        names: one finding's name (any known spelling) per column.
        values: float array of shape (n, len(names)).

    Returns:
        float32 array of shape (n, len(findings)).

    Raises:
        FindingError: a name that the list does not have, or two columns for one finding.
    """
    own = list(findings)
    targets = [own.index(one_of(own, name)) for name in names]
    if len(set(targets)) != len(targets):
        twice = sorted({own[t] for t in targets if targets.count(t) > 1})
        raise FindingError(f"two columns for one finding: {', '.join(twice)}")
    aligned = np.full((len(values), len(own)), np.nan, np.float32)
    aligned[:, targets] = values
    return aligned
