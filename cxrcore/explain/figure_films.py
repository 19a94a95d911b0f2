"""Which films are drawn with their maps: from which split, and a choice that shows many findings.

Knows the table and the split; nothing of networks, stores or drawing.
"""

from collections.abc import Sequence

import numpy as np

from cxrcore.data.films import FilmSet
from cxrcore.data.splits import SPLITS
from cxrcore.errors import DataError, RunError
from cxrcore.findings import display_name

UNKNOWN_FILMS = "training films unknown"  # in place of a split's name


def candidates(films: FilmSet, rebuilt: bool, split: str | None) -> tuple[str, np.ndarray]:
    """The name of the split to draw from and its table rows on disk.

    Args:
        rebuilt: whether the films are split as for the training; otherwise all films on disk serve.
        split: 'train', 'val', 'test', or None for test (val where no film of test is on disk).

    Raises:
        RunError: a split is asked for that cannot be known.
        DataError: none of its films is on disk.
    """
    if not rebuilt:
        if split:
            raise RunError(f"--split {split} cannot be told: these are not the table and split that the checkpoint was "
                           "trained with; without --split any film on disk is taken")
        return UNKNOWN_FILMS, np.sort(np.concatenate([films.on_disk(part) for part in SPLITS]))
    for part in (split,) if split else ("test", "val"):
        rows = films.on_disk(part)
        if len(rows):
            return part, rows
    counts = ", ".join(f"{part} {len(films.on_disk(part)):,}" for part in SPLITS)
    raise DataError(f"no film of {split or 'test and val'} is on disk (on disk: {counts}): choose another --split")


def choose(
    films: FilmSet, part: str, rows: np.ndarray, samples: int, seed: int, finding: str | None, known: Sequence[str]
) -> dict[int, tuple[str, ...]]:
    """Films to draw: table row -> its positive findings, the one it was taken for first.

    Each film is taken for the finding that the films before it show least, from patients not shown before where there
    are any. Seeded; the order of the table does not matter. Films without findings have no target and are not taken.

    Args:
        part: the rows' split, for the errors.
        rows: to choose from.
        finding: the only finding of interest, or None for all.
        known: findings that can be explained, the network's.

    Raises:
        DataError: not one film has the finding; the text says how many other splits hold.
    """
    rows, findings = rows[np.argsort(films.image_ids(rows).astype(str), kind="stable")], films.table.findings
    of_interest = [(finding == name if finding else True) and name in known for name in findings]
    positive = (films.table.labels[rows] == 1) & of_interest
    if not positive.any():
        raise DataError(_none_with(films, part, rows, finding))
    rng = np.random.default_rng(seed)
    turn, finding_turn = rng.permutation(len(rows)), rng.permutation(len(findings))
    patients = films.table.images["patient_id"].to_numpy()[rows]
    left, shown, chosen = positive.any(axis=1), np.zeros(len(findings), int), {}
    while left.any() and len(chosen) < samples:
        k = min(np.flatnonzero(positive[left].any(axis=0)), key=lambda k: (shown[k], finding_turn[k]))
        seen = {films.table.images["patient_id"].iloc[row] for row in chosen}
        i = min(np.flatnonzero(left & positive[:, k]), key=lambda i: (patients[i] in seen, turn[i]))
        others = [findings[j] for j in np.flatnonzero(positive[i]) if j != k]
        chosen[int(rows[i])] = (findings[k], *others)
        left[i] = False
        shown += positive[i]
    return chosen


def _none_with(films: FilmSet, part: str, rows: np.ndarray, finding: str | None) -> str:
    if finding is None:
        return f"0 of the {len(rows):,} films on disk ({part}) have a finding in their label: nothing to explain"
    column = films.table.findings.index(finding)
    counts = ", ".join(f"{split} {int((films.table.labels[films.on_disk(split), column] == 1).sum()):,}"
                       for split in SPLITS)
    elsewhere = f"; on disk with it: {counts}" if part != UNKNOWN_FILMS else ""
    return f"0 of the {len(rows):,} films on disk ({part}) have {display_name(finding)} in their label{elsewhere}"
