"""Finds a list's findings among the columns of somebody else's predictions, by name and never by position.

Names may carry anything before or after the finding (`prob_Mass`, `Mass_score`), as long as it is the same for most of
them; labels that stand beside the scores are left alone, and so is what only contains a finding's name (`pseudonodule`,
`Pleural Other`). Knows nothing of files.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cxrcore.errors import DataError, UsageError
from cxrcore.findings import key, one_of, spellings

IMAGE_COLUMNS = ("imageindex", "imageid", "path", "id", "filename", "file", "image", "imagepath", "imagename",
                 "imageids", "paths", "ids", "filenames", "images")
SPLIT_COLUMN = "split"
_NO_SCORES = re.compile(r"label|true|truth|target|gt|actual|binary|decision|thresh|std|lower|upper|rank|logvar")
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


def image_column(columns: Sequence[str], mapping: Mapping[str, str]) -> str:
    """The column of film names.

    Args:
        mapping: {column: what it is}, as people declare it.

    Raises:
        DataError: there is none.
    """
    declared = {what: column for column, what in mapping.items()}
    by_letters = {letters(column): column for column in reversed(columns)}
    by_letters |= {letters(what): column for what, column in declared.items() if column in columns}
    for name in IMAGE_COLUMNS:
        if name in by_letters:
            return by_letters[name]
    raise DataError("no column names the films: expected 'Image Index', 'image_id', 'path' or 'id', found "
                    f"{_some(columns)}")


def finding_columns(columns: Sequence[str], findings: Sequence[str], mapping: Mapping[str, str],
                    is_binary: Callable[[str], bool]) -> dict[str, str]:
    """{finding: column}, for the findings of the list that there are, in its order.

    Args:
        findings: canonical names that are looked for.
        mapping: {column: what it is}; its findings count before all others.
        is_binary: whether a column holds nothing but 0 and 1, as labels and decisions do.

    Raises:
        UsageError: a mapped column that is not there, or what is no finding; columns that could as well be the others.
        DataError: no finding among the columns, or one that stands there twice.
    """
    chosen, known = _declared(columns, findings, mapping), spellings(findings)
    named = [found for column in columns if column not in mapping and (found := _named(column, known))
             and found.finding not in chosen]
    scores = [one for one in named if not _NO_SCORES.search(" ".join(one.affix))]
    for affix in _ways(scores, is_binary):
        own = [one for one in scores if one.affix == affix and one.finding not in chosen]
        twice = [finding for finding, n in Counter(one.finding for one in own).items() if n > 1]
        if twice:
            both = " and ".join(f"'{one.column}'" for one in own if one.finding == twice[0])
            raise DataError(f"{twice[0]} stands there twice: {both}; choose one with --map COLUMN={twice[0]}")
        chosen |= {one.finding: one.column for one in own}
    if not chosen:
        raise DataError(f"no finding among the columns {_some(columns)}: expected names such as {findings[0]} or "
                        f"prob_{findings[0]}, or --map COLUMN=FINDING")
    return {finding: chosen[finding] for finding in findings if finding in chosen}


def _declared(columns: Sequence[str], findings: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    chosen = {}
    for column, what in mapping.items():
        if column not in columns:
            raise UsageError(f"--map names the column '{column}', which is not there: found {_some(columns)}")
        if letters(what) not in IMAGE_COLUMNS:
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


def _ways(scores: Sequence[_Named], is_binary: Callable[[str], bool]) -> list[tuple[str, str]]:
    """The affixes, those of the scores first: with most findings, and not of labels.

    Raises:
        UsageError: two of them could be the scores.
    """
    ways = Counter(one.affix for one in scores).most_common()
    if not ways:
        return []
    plain = [affix for affix, _ in ways if all(_SCORE_WORDS.fullmatch(part) for part in affix)]
    top = [affix for affix, n in ways if n == ways[0][1]] if ways[0][1] > 1 else [*plain, ways[0][0]][:1]
    soft = [affix for affix in top if not all(is_binary(one.column) for one in scores if one.affix == affix)]
    if len(soft) > 1:
        first, second = (next(one.column for one in scores if one.affix == affix) for affix in soft[:2])
        raise UsageError(f"two sets of columns could be the scores, '{first}' and '{second}' among them: choose with "
                         "--map COLUMN=FINDING, once for each")
    first = soft or top[:1]
    return [*first, *(affix for affix, n in ways if affix not in top and (n > 1 or affix in plain))]


def _some(columns: Sequence[str]) -> str:
    shown = ", ".join(f"'{column}'" for column in columns[:8])
    return f"{shown} and {len(columns) - 8} more" if len(columns) > 8 else shown or "none"
