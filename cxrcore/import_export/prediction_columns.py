"""Finds a list's findings among the columns of somebody else's predictions, by name and never by position.

Names may carry anything before or after the finding (`prob_Mass`, `Mass_score`), as long as it is the same for most of
them; labels that stand beside the scores are left alone, and so is what only contains a finding's name (`pseudonodule`,
`Pleural Other`). Knows nothing of files.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrcore.errors import DataError, UsageError
from cxrcore.findings import key, one_of, spellings

FILM_NAMES = ("imageindex", "imageid", "path", "id", "filename", "file", "image", "imagepath", "imagename",
              "imageids", "paths", "ids", "filenames", "images")
SPLIT = "split"
_NO_SCORES = re.compile(r"label|true|truth|target|gt|actual|binary|decision|thresh|std|lower|upper|rank|logvar")
_OTHERS = frozenset(("no", "not", "non", "without", "absent", "absence", "negative", "neg", "inverse"))  # its opposite
_SAME = (("pulmonary", ""),)  # what may stand before a finding of the lungs and says nothing more: pulmonary edema
_LABELS = (-1, 0, 1)  # -1 is CheXpert's uncertain one
_SCORE_WORDS = re.compile(
    r"(?:probability|probabilities|probs?|predictions?|predicted|preds?|scores?|sigmoid|logits?|outputs?"
    r"|out|confidence|conf|mean|value|model|hat|net|p|y)*"
)


@dataclass(frozen=True)
class _Named:
    """A column that names a finding; affix: what stands before and after the name."""

    column: str
    finding: str
    affix: tuple[str, str]


def letters(name: str) -> str:
    """A name as names are compared: small letters only."""
    return re.sub(r"[^a-z]", "", name.lower())


def finding_columns(columns: Sequence[str], findings: Sequence[str], mapping: Mapping[str, str],
                    are_labels: Callable[[Sequence[str]], bool]) -> dict[str, str]:
    """{finding: column}, for the findings of the list that there are, in its order.

    Args:
        findings: canonical names that are looked for.
        mapping: {column: what it is}; its findings count before all others.
        are_labels: whether columns hold nothing but labels or decisions, see `only_labels`.

    Raises:
        UsageError: a mapped column that is not there, or what is no finding; columns that could as well be the others.
        DataError: no finding among the columns, or one that stands there twice.
    """
    chosen, known = _declared(columns, findings, mapping), spellings(findings)
    named = [found for column in columns if column not in mapping and (found := _named(column, known))
             and found.finding not in chosen]
    scores = [one for one in named if not _NO_SCORES.search(" ".join(one.affix)) and not _opposite(one)]
    for affix in _ways(scores, are_labels):
        own = [one for one in scores if one.affix == affix and one.finding not in chosen]
        twice = [finding for finding, n in Counter(one.finding for one in own).items() if n > 1]
        if twice:
            both = " and ".join(f"'{one.column}'" for one in own if one.finding == twice[0])
            raise DataError(f"{twice[0]} stands there twice: {both}; choose one with --map COLUMN={twice[0]}")
        chosen |= {one.finding: one.column for one in own}
    if not chosen:
        table = ": is this the table of the films?" if "findinglabels" in map(letters, columns) else ""
        raise DataError(f"no finding among the columns {some(columns)}{table or ':'} expected names such as "
                        f"{findings[0]} or prob_{findings[0]}, or --map COLUMN=FINDING")
    return {finding: chosen[finding] for finding in findings if finding in chosen}


def read_as_another(chosen: Mapping[str, str], mapping: Mapping[str, str]) -> list[str]:
    """'Pulmonary fibrosis' as Fibrosis: the columns whose own names say more than the finding, without those declared.

    Args:
        chosen: {finding: column}. mapping: {column: what it is}.
    """
    return [f"'{column}' as {finding}" for finding, column in chosen.items() if column not in mapping
            and (found := _named(column, spellings([finding]))) and found.affix in _SAME]


def only_contain_a_finding(columns: Sequence[str], findings: Sequence[str]) -> list[str]:
    """Columns whose names contain one of these findings and more, and are of no labels: `Nodule/Mass`, `No Mass`."""
    known = spellings(findings)
    named = [found for column in columns if (found := _named(column, known))]
    return [one.column for one in named if any(one.affix) and not _NO_SCORES.search(" ".join(one.affix))]


def only_labels(values: np.ndarray) -> bool:
    """Whether a column (n,) holds nothing but 0, 1 and -1, as labels and decisions do, or gaps beside them."""
    if values.ndim != 1:
        return False
    if values.dtype.kind not in "fiub":
        values = pd.to_numeric(pd.Series(values, dtype=object).replace({"True": 1, "False": 0}), errors="coerce"
                               ).to_numpy(np.float64)
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return len(known) > 0 and bool(np.isin(known, _LABELS).all())


def _declared(columns: Sequence[str], findings: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    chosen = {}
    for column, what in mapping.items():
        if column not in columns:
            raise UsageError(f"--map names the column '{column}', which is not there: found {some(columns)}")
        if letters(what) not in (*FILM_NAMES, SPLIT):
            finding = one_of(findings, what)
            if finding in chosen:
                raise UsageError(f"--map makes {finding} of both '{chosen[finding]}' and '{column}'")
            chosen[finding] = column
    return chosen


def _named(column: str, known: Mapping[str, str]) -> _Named | None:
    """The longest finding that a column's name contains.

    Args:
        known: as `findings.spellings`.
    """
    name = key(column)
    spelling = max((one for one in known if one in name), key=len, default=None)
    if spelling is None:
        return None
    before, _, after = name.partition(spelling)
    return _Named(column, known[spelling], (letters(before), letters(after)))


def _opposite(one: _Named) -> bool:
    """Whether what stands about the finding turns it round, as in `No Mass`."""
    words = set(re.findall("[a-z]+", re.sub("([a-z])([A-Z])", r"\1 \2", one.column).lower()))
    return any(one.affix) and bool(words & _OTHERS - set(re.findall("[a-z]+", one.finding.lower())))


def _ways(scores: Sequence[_Named], are_labels: Callable[[Sequence[str]], bool]) -> list[tuple[str, str]]:
    """The affixes that are read, those of the scores first: with most findings, and not of labels.

    An affix that is no word for scores counts only where most columns have it.

    Raises:
        UsageError: two of them could be the scores.
    """
    counts = Counter(one.affix for one in scores).most_common()
    shared_by = {affix for affix, n in counts if n > 1 and (n == counts[0][1] or 2 * n >= len(scores))}
    ways = [(affix, n) for affix, n in counts
            if affix in (*_SAME, *shared_by) or all(_SCORE_WORDS.fullmatch(part) for part in affix)]
    if len(ways) > 1:
        columns = {affix: [one.column for one in scores if one.affix == affix] for affix, _ in ways}
        ways = [(affix, n) for affix, n in ways if not are_labels(columns[affix])] or ways[:1]
    ways.sort(key=lambda way: way[0] in _SAME)  # last: `Edema` counts before `Pulmonary edema`
    top = [affix for affix, n in ways if n == ways[0][1] and affix not in _SAME]
    if len(top) > 1 and ways[0][1] > 1:
        first, second = (next(one.column for one in scores if one.affix == affix) for affix in top[:2])
        raise UsageError(f"two sets of columns could be the scores, '{first}' and '{second}' among them: choose with "
                         "--map COLUMN=FINDING, once for each")
    return [affix for affix, _ in ways]


def some(columns: Sequence[str]) -> str:
    """Names of columns for an error: the first eight."""
    shown = ", ".join(f"'{column[:60]}'" for column in columns[:8])
    return f"{shown} and {len(columns) - 8} more" if len(columns) > 8 else shown or "none"
