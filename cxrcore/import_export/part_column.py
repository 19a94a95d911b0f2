"""Which column tells the parts of a split apart, whatever it is called, and the words for the parts."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxrcore.config import IMPORTED_PARTS
from cxrcore.data.splits import PART_SPELLINGS
from cxrcore.import_export.prediction_columns import SPLIT, letters
from cxrcore.import_export.table_kinds import Table

NAMES = (SPLIT, "fold", "subset", "part", "set", "dataset", "phase", "partition", "usage", "mode", "stage")
_WORDS = {word: part for part, words in PART_SPELLINGS.items() for word in words} | {
    "eval": "test", "evaluation": "test"} | {part: part for part in IMPORTED_PARTS}


def part_of(word: object) -> str | None:
    """The part of a split that a word means, in any case; None for another word."""
    return _WORDS.get(str(word).strip().lower())


def part_in(name: str) -> str | None:
    """The part of a split that one of the words of a file's name means; None where none or several do."""
    found = {part for word in re.split(r"[^A-Za-z]+", name) if (part := part_of(word))}
    return found.pop() if len(found) == 1 else None


def find_part_column(table: Table, films: str, mapping: Mapping[str, str]) -> tuple[str | None, str]:
    """The column of parts and what is to be said of it; None where there is none.

    A column `split` is one whatever it holds. One of another known name is where all its values are parts, and one of
    any name where they are and differ.

    Args:
        films: the column of the films.
        mapping: {column: what it is}, as people declare it.
    """
    declared = next((column for column, what in mapping.items() if letters(what) == SPLIT), None)
    if declared in table.columns:
        return declared, ""
    others = [column for column in table.columns if column != films and column not in mapping]
    own = next((column for column in others if letters(column) == SPLIT), None)
    if own is not None:
        return own, ""
    first = {column: values for column, values in table.first().items()
             if column in others and values.ndim == 1 and values.dtype.kind in "OU" and _has_parts(column, values)}
    for column in sorted(first, key=lambda one: NAMES.index(letters(one)) if letters(one) in NAMES else len(NAMES)):
        parts = {part_of(value) for value in pd.unique(pd.Series(table.read([column], [column])[column], dtype=object))}
        if None not in parts and (letters(column) in NAMES or len(parts) > 1):
            return column, f"the column '{column}' tells {_list(parts)} apart"
        if letters(column) in NAMES:
            return None, f"the column '{column}' holds parts of a split beside other words, so it is left alone"
    return None, ""


def _has_parts(column: str, values: np.ndarray) -> bool:
    """Whether the values are parts of a split; under a name that says so, whether any is."""
    found = [part_of(value) is not None for value in set(map(str, values))]
    return any(found) if letters(column) in NAMES else bool(found) and all(found)


def _list(parts: set[str | None]) -> str:
    found = [part for part in IMPORTED_PARTS if part in parts]
    return " and ".join(found) if len(found) > 1 else f"{found[0]} films"
