"""Tables as CSV that people open in a spreadsheet, which would run a text that begins as a formula.

A text from outside (a name, a note, a film) that begins with = + - @, a tab or a line's end gets an apostrophe before
it, which spreadsheets take for "this is text". The workbench's own numbers and intervals begin so too and stay as they
are. What is read back takes the apostrophe off again, so that every text comes back as it was. Pure: no store, no
screen.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # the wide forms count in some languages; a typed apostrophe is kept
_NUMBER = r"[+-]?(?:nan|inf|[\d,]+\.?\d*(?:e[+-]?\d+)?)(?: ?%)?"
_OWN = re.compile(rf"{_NUMBER}(?: to {_NUMBER})?", re.IGNORECASE)  # '-0.0978', '-0.0978 to +0.0497'


def protected(value: Any) -> Any:
    """A cell or a column's name, with an apostrophe before it where it is a text that begins as a formula."""
    if not isinstance(value, str) or not _FORMULA.match(value) or _OWN.fullmatch(value):
        return value
    return f"'{value}"


def bare(value: Any) -> Any:
    """What `protected` was given: one apostrophe before a formula's sign is taken off."""
    return value[1:] if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value) else value


def for_people(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with all texts and column names `protected`; the frame itself stays as it is."""
    made = frame.copy()
    for place, kind in enumerate(frame.dtypes):
        if _holds_texts(kind):
            made.isetitem(place, frame.iloc[:, place].map(protected))
    made.columns = frame.columns.map(protected)
    if _holds_texts(frame.index.dtype):
        made.index = frame.index.map(protected)
    return made


def _holds_texts(kind: Any) -> bool:
    return pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype | pd.CategoricalDtype)


def csv_text(frame: pd.DataFrame) -> str:
    """The table as CSV without its index, safe to open in a spreadsheet."""
    return for_people(frame).to_csv(index=False)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write `csv_text` into a file.

    Raises:
        OSError: it cannot be written.
    """
    for_people(frame).to_csv(path, index=False)
