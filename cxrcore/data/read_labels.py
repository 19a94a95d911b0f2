"""Labels out of the cells of a table, in the three forms that a description knows.

All give float32 (rows, k), one column a finding of the description's list: 1 / 0 / NaN. Nothing here knows files; the
rows may be films, or readings of films (see `readings`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxrcore.data import description_parts as words
from cxrcore.data.description import Description
from cxrcore.data.description_parts import BLANKS, label_word, plain_word, says_nothing
from cxrcore.data.table_cells import shown
from cxrcore.errors import FindingError
from cxrcore.findings import NO_FINDING, display_name, one_of

POLICY_VALUES = {"unknown": np.nan, "positive": 1.0, "negative": 0.0}
_BLANKS = {words.UNKNOWN: np.nan, words.NEGATIVE: 0.0, words.POSITIVE: 1.0}
_SHOWN = 5  # names in a note


@dataclass(frozen=True)
class ReadLabels:
    """Labels of the rows of a table.

    Attributes:
        values: float32 (rows, k), 1 / 0 / NaN.
        uncertain: {finding: cells that say 'uncertain'}, of findings that have any.
        notes: lines worth printing.
    """

    values: np.ndarray
    uncertain: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def of_names(column: pd.Series, described: Description, table: str) -> ReadLabels:
    """Of cells that name findings, one or several. Few distinct texts stand for all rows, so each is parsed once.

    Args:
        table: for errors.

    Raises:
        FindingError: an unknown name, or an empty cell where the description refuses it; with row and text.
    """
    codes, texts = pd.factorize(column)
    names = _Names(described)
    parsed = np.zeros((len(texts), len(described.findings)), np.float32)
    for code, text in enumerate(texts):
        try:
            parsed[code] = names.vector(str(text).strip())
        except FindingError as error:
            row = int(np.argmax(codes == code)) + 2  # the header is line 1
            raise FindingError(f"{table} row {row} ('{shown(text, 200)}'): {shown(error, 2_000)}") from None
    return ReadLabels(parsed[codes], notes=names.notes(np.bincount(codes, minlength=len(texts))))


class _Names:
    """What the names of one data set mean; remembers those that are none of the findings."""

    def __init__(self, described: Description):
        self._described, self._labels = described, described.labels
        self._findings = described.findings
        self._known: dict[str, int | None] = {}
        self._none = {plain_word(name) for name in (*self._labels.none, NO_FINDING)}
        self._left_out = {plain_word(name) for name in self._labels.left_out}
        self._others: list[tuple[int, str]] = []  # (text, name)
        self._nothing: list[tuple[int, str]] = []  # the same, of words for 'nothing found' that were not announced
        self._n = 0

    def vector(self, text: str) -> np.ndarray:
        """float32 (k,) of one cell."""
        self._n += 1
        vector = np.zeros(len(self._findings), np.float32)
        parts = [part.strip(self._labels.strip) for part in text.split(self._labels.separator)]
        if all(part.casefold() in BLANKS for part in parts) and self._labels.blank != words.REFUSED:
            return np.full_like(vector, _BLANKS[self._labels.blank])
        strict = self._labels.others == words.REFUSED
        if strict and len(parts) == 1 and self._is_nothing(parts[0]):
            return vector
        for part in parts:
            place = self._place(part)
            if place is not None:
                vector[place] = 1
            elif plain_word(part) in self._left_out:
                return np.full_like(vector, np.nan)
            elif strict:  # 'No Finding' beside a finding too
                one_of(self._findings, part)
            elif part and plain_word(part) not in self._none:
                self._others.append((self._n - 1, part))
        return vector

    def _is_nothing(self, name: str) -> bool:
        if plain_word(name) in self._none:
            return True
        if self._place(name) is not None or not says_nothing(name):
            return False
        self._nothing.append((self._n - 1, name))
        return True

    def _place(self, name: str) -> int | None:
        if name not in self._known:
            finding = self._described.finding_of(name)
            self._known[name] = None if finding is None else self._findings.index(finding)
        return self._known[name]

    def notes(self, counts: np.ndarray) -> tuple[str, ...]:
        """What was left out, the most common first."""
        others, nothing = _counted(self._others, counts), _counted(self._nothing, counts)
        said = tuple(f"'{shown(name)}' means no finding: {n:,} rows" for name, n in nothing.most_common(_SHOWN))
        return (*said, *_others_note(others))


def _counted(names: Iterable[tuple[int, str]], counts: np.ndarray) -> Counter[str]:
    """Rows that have each name."""
    n_rows: Counter[str] = Counter()
    for text, name in names:
        n_rows[name] += int(counts[text])
    return n_rows


def of_columns(cells: Mapping[str, pd.Series], described: Description, table: str) -> ReadLabels:
    """Of one column a finding.

    Args:
        cells: {finding: its column as text}.

    Raises:
        FindingError: a cell that is no label, with its row and column.
    """
    said = described.labels
    meaning = dict.fromkeys(said.positive, 1.0) | dict.fromkeys(said.negative, 0.0)
    uncertain = set(said.uncertain)
    unsure = POLICY_VALUES[described.policy]
    values = np.full((len(next(iter(cells.values()))), len(described.findings)), np.nan, np.float32)
    counts: dict[str, int] = {}
    for finding, column in cells.items():
        codes, texts = pd.factorize(column)
        plain = [label_word(str(text)) for text in texts]
        known = np.array([unsure if word in uncertain else _value(word, meaning, said) for word in plain], np.float64)
        if np.isinf(known).any():
            code = int(np.argmax(np.isinf(known)))
            row = int(np.argmax(codes == code)) + 2
            raise FindingError(f"{table} row {row}: '{shown(texts[code])}' is no label of {display_name(finding)}: "
                               f"expected {_expected(said)}")
        values[:, described.findings.index(finding)] = known[codes]
        if n := int(np.isin(codes, [code for code, word in enumerate(plain) if word in uncertain]).sum()):
            counts[finding] = n
    notes = ()
    if counts:
        notes = (f"{sum(counts.values()):,} labels are uncertain and count as {described.policy}: "
                 + ", ".join(f"{display_name(finding)} {n:,}" for finding, n in counts.items()),)
    return ReadLabels(values, counts, notes)


def _value(word: str, meaning: Mapping[str, float], said: words.Labels) -> float:
    """1, 0, NaN, or infinity for what is no label."""
    if word in meaning:
        return meaning[word]
    others_count = words.ANYTHING in (*said.positive, *said.negative)
    if word == "" or (word in BLANKS and not others_count):
        return _BLANKS.get(said.blank, np.inf)
    return 1.0 if words.ANYTHING in said.positive else 0.0 if words.ANYTHING in said.negative else np.inf


def _expected(said: words.Labels) -> str:
    known = ", ".join((*said.positive, *said.negative, *said.uncertain))
    return f"one of {known}" + ("" if said.blank == words.REFUSED else " or an empty cell")


def is_left_out(name: str, described: Description) -> bool:
    """Whether a name that is none of the findings may stand in the table."""
    said = described.labels
    return said.others == words.IGNORED or plain_word(name) in {plain_word(one) for one in (*said.none, *said.left_out)}


def _others_note(n_rows: Counter[str]) -> tuple[str, ...]:
    if not n_rows:
        return ()
    first = ", ".join(f"{shown(name)} {n:,}" for name, n in n_rows.most_common(_SHOWN))
    return (f"{len(n_rows):,} other names are none of the findings and were left out: {first}"
            + (", ..." if len(n_rows) > _SHOWN else ""),)
