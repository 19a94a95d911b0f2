"""Split schemes and subsets: who is in train, val and test.

A split is drawn over every film of the table and filtered afterwards to those on disk, so that it does not depend on
what a machine happens to hold. Pure numpy; knows no files.

Sources: Sechidis et al., On the stratification of multi-label data, ECML PKDD 2011 (the greedy draw); the published
split of ChestX-ray14 is test_list.txt of the NIH release.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cxrcore.config import SPLIT_SCHEMES
from cxrcore.errors import DataError

GIVEN = "given"  # the scheme of films that came as they are

SPLITS = ("train", "val", "test")
EXTERNAL = "external"  # films that are no part of a network's split: of another data set, or of a training not known
PART_SPELLINGS = {  # as tables write the parts, in lower case
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev", "develop", "development", "tune", "tuning"),
    "test": ("test", "testing", "tst"),
}
PART_WORDS = {"train": "training", "val": "validation", "test": "test", EXTERNAL: "external"}  # on screen
LEAKY_SCHEMES = ("random",)  # films of one patient stand on both sides

PATIENT_SHARES = (0.7, 0.1, 0.2)
OFFICIAL_SHARES = (0.9, 0.1)  # of the patients outside test_list.txt
RANDOM_SHARES = (0.8, 0.2)


@dataclass(frozen=True)
class Split:
    """One drawn split.

    Attributes:
        scheme: one of `SPLIT_SCHEMES`.
        seed: of the draw.
        assignment: int8 (n,), the index into `SPLITS` of each row of the table.
        fingerprint: 12 hex digits over which film is where; equal fingerprints mean equal films in every part.
    """

    scheme: str
    seed: int
    assignment: np.ndarray
    fingerprint: str

    def rows(self, name: str) -> np.ndarray:
        """Row numbers of one part ('train', 'val' or 'test'), ascending."""
        return np.flatnonzero(self.assignment == SPLITS.index(name))


def draw_split(scheme: str, image_ids: Sequence[str] | np.ndarray, patient_ids: Sequence[str] | np.ndarray,
               labels: np.ndarray, seed: int = 0, test_list: set[str] | None = None,
               given: Sequence[str] | np.ndarray | None = None) -> Split:
    """Draw a split over all films of a table.

    'patient' gives 70 / 10 / 20 % by patient; 'official' takes test_list as test and 10 % of the other patients as
    val; 'random' gives 80 / 20 % by image, train and val only, and leaks patients. Every draw keeps the balance of
    the labels. 'given' draws nothing: it takes the table's own split, whatever the seed.

    Args:
        labels: float (n, k), 1 / 0 / NaN.
        patient_ids: "" where unknown, which 'patient' and 'official' cannot do with.
        test_list: film names of the official test set; needed by 'official' only.
        given: 'train', 'val' or 'test' of each film; needed by 'given' only.

    Raises:
        DataError: an unknown scheme, 'official' with a list that names none or all of the table's films, unknown
            patients, or 'given' without a split.
    """
    names = np.asarray(image_ids, dtype=str)
    if scheme == "given":
        assignment = _as_given(given)
        return Split(scheme, 0, assignment, fingerprint(names, assignment))
    if scheme in ("patient", "official"):
        _require_patients(scheme, patient_ids, given is not None)
    patients = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)[1]
    if scheme == "patient":
        assignment = _stratified(patients, labels, PATIENT_SHARES, seed)
    elif scheme == "random":
        by_name = np.unique(names, return_inverse=True)[1]  # the order of the rows must not matter
        assignment = _stratified(by_name, labels, RANDOM_SHARES, seed)
    elif scheme == "official":
        assignment = _official(names, patients, labels, seed, test_list or set())
    else:
        raise DataError(f"unknown split scheme '{scheme}': expected one of {', '.join(SPLIT_SCHEMES)}")
    return Split(scheme, seed, assignment, fingerprint(names, assignment))


def _require_patients(scheme: str, patient_ids: Sequence[str] | np.ndarray, has_own: bool) -> None:
    """DataError where a patient is unknown; has_own: the table brings a split of its own."""
    if (np.asarray(patient_ids, object) == "").any():
        other = "given takes the split that it brings" if has_own else "random draws by film"
        raise DataError(f"--split {scheme} needs patient numbers, and this table leaves them empty: --split {other}")


def _as_given(given: Sequence[str] | np.ndarray | None) -> np.ndarray:
    """The table's own split as indices into `SPLITS`, int8 (n,)."""
    if given is None:
        raise DataError("--split given needs a table with a column Split (train, val or test in every row)")
    by_name = sorted(SPLITS)
    return np.array([SPLITS.index(name) for name in by_name], np.int8)[np.searchsorted(by_name, given)]


def _official(image_ids: np.ndarray, patients: np.ndarray, labels: np.ndarray, seed: int, test_list: Iterable[str]
              ) -> np.ndarray:
    is_test = np.isin(image_ids, list(test_list))
    if not is_test.any():
        raise DataError("the official split needs test_list.txt with films of this table: put the list of the NIH "
                        "release beside the CSV, or use --split patient")
    if is_test.all():
        raise DataError("every film of this table stands in test_list.txt: the official split leaves none to train on")
    assignment = np.full(len(image_ids), SPLITS.index("test"), np.int8)
    assignment[~is_test] = _stratified(patients[~is_test], labels[~is_test], OFFICIAL_SHARES, seed)
    return assignment


def _stratified(groups: np.ndarray, labels: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Whole groups dealt to the parts so that each part gets its share of every finding's films.

    Iterative stratification with groups of films in place of single samples: findings are served from the rarest to
    the most common, and each group goes to the part that still lacks most films of the finding it is served for.
    Groups come in random order. Films without any finding form a last 'finding', which evens out the sizes.
    """
    rng = np.random.default_rng(seed)
    present = np.nan_to_num(np.asarray(labels)) > 0
    present = np.column_stack([present, ~present.any(axis=1)])
    groups = np.unique(groups, return_inverse=True)[1]
    counts = np.zeros((groups.max() + 1, present.shape[1]))
    np.add.at(counts, groups, present)
    wanted = np.outer(shares, counts.sum(axis=0))
    part = np.full(len(counts), -1, np.int8)
    for finding in np.argsort(np.where(counts.sum(axis=0) > 0, counts.sum(axis=0), np.inf), kind="stable"):
        for group in rng.permutation(np.flatnonzero((counts[:, finding] > 0) & (part < 0))):
            part[group] = np.argmax(wanted[:, finding])
            wanted[part[group]] -= counts[group]
    return part[groups]


def fingerprint(image_ids: np.ndarray, assignment: np.ndarray) -> str:
    """12 hex digits over the sorted (film, part) pairs."""
    order = np.argsort(image_ids, kind="stable")
    rows = (f"{image_id}|{SPLITS[part]}" for image_id, part in zip(image_ids[order], assignment[order], strict=True))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:12]


def subset(rows: np.ndarray, labels: np.ndarray, size: int | None, seed: int = 0) -> np.ndarray:
    """`size` of the given rows with the same imbalance, nested: the first 5,000 stand inside the first 10,000.

    Films are sorted by their combination of findings (rarest finding first) and drawn in van der Corput order, so
    that every prefix of the order is an even sample of that list.

    Args:
        rows: row numbers to choose from; the draw depends on their order.
        labels: float (n, k) of the whole table.
        size: films wanted; None, or more than there are, gives all.

    Returns:
        Ascending row numbers.
    """
    if size is None or size >= len(rows):
        return np.sort(rows)
    rng = np.random.default_rng(seed)
    present = np.nan_to_num(labels[rows]) > 0
    common_first = np.argsort(-present.sum(axis=0), kind="stable")
    by_combination = np.lexsort([rng.random(len(rows)), *present[:, common_first].T])
    turns = (_van_der_corput(len(rows)) + rng.random()) % 1
    return np.sort(rows[by_combination[np.argsort(turns, kind="stable")[:size]]])


def _van_der_corput(n: int) -> np.ndarray:
    """The first n numbers of the base-2 low-discrepancy sequence, in [0, 1)."""
    index, value = np.arange(n), np.zeros(n)
    for bit in range(max(n - 1, 1).bit_length()):
        value += ((index >> bit) & 1) / 2.0 ** (bit + 1)
    return value


def leaked_patients(split: Split, patient_ids: Sequence[str]) -> int:
    """How many patients have films in more than one part."""
    patients = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)[1]
    parts = np.zeros((patients.max() + 1, len(SPLITS)), bool)
    parts[patients, split.assignment] = True
    return int((parts.sum(axis=1) > 1).sum())


def own_split(part: str, films: Iterable[str]) -> tuple[str, int, str]:
    """Scheme, seed and fingerprint of a split that is given by its films alone."""
    return GIVEN, 0, hashlib.sha256("\n".join([part, *sorted(films)]).encode()).hexdigest()[:12]
